"""Who speaks when: pyannote.audio's pipeline over segmentation 3.0 and CAM++ voices.

Speaker embeddings are voice prints. They live in memory while a recording is processed and are no
part of the result.
"""

from __future__ import annotations

import os

import torch

from models.base import Audio, Diarization, Progress, silent
from models.device import CPU, Device
from models.options import DiarizerOptions
from models.voices.campplus import load_network
from models.voices.speaker_turns import speaker_turns
from models.voices.voice_pipeline import VoiceDiarization, load_segmentation
from models.weights.catalog import locate

_SHARES = {"segmentation": (0.0, 0.8), "embeddings": (0.8, 0.97)}
"""Part of the whole, by time, that each step of the pipeline takes on a CPU."""


class EmbeddedDiarizer:
    """`models.base.Diarizer` over segmentation 3.0 and CAM++ voices."""

    def __init__(
        self,
        options: DiarizerOptions | None = None,
        *,
        device: Device = CPU,
        threads: int | None = None,
    ) -> None:
        """Load both networks onto `device`.

        Parameters
        ----------
        options
            What decides the result.
        device
            From `models.device.resolve`.
        threads
            CPU threads, each with windows of its own; None takes as many as this process may use.
            Changes the time taken and not the turns.

        Raises
        ------
        WeightMissingError, WeightTamperedError
            As `models.weights.catalog.locate`.

        """
        self._options = options or DiarizerOptions()
        self._device = device
        segmentation = load_segmentation(locate("pyannote-segmentation-3"))
        voices = load_network(locate("campplus-voices"))
        threads = threads or len(os.sched_getaffinity(0))
        self._pipeline = VoiceDiarization(segmentation, voices, self._options, device, threads)
        self._pipeline.to(torch.device(str(device)))

    def diarize(
        self,
        audio: Audio,
        *,
        num_speakers: int | None,
        most_speakers: int | None = None,
        min_speakers: int | None = None,
        progress: Progress = silent,
    ) -> Diarization:
        """Find the turns of the people in a recording.

        Fewer come back where fewer voices can be told apart; with nobody speaking, none. Parameters
        that are not listed, and errors, are those of `models.voices.speaker_turns.speaker_turns`.

        Parameters
        ----------
        num_speakers
            How many people speak; None counts the voices, between `min_speakers` and
            `most_speakers` where these are given.
        most_speakers
            Where clearly more voices than `num_speakers` are heard, how many are told apart.
        min_speakers
            Voices are counted, from this to `num_speakers`.

        """
        stated = num_speakers is not None and most_speakers is not None
        return speaker_turns(
            self._pipeline,
            audio,
            num_speakers=most_speakers if most_speakers is not None else num_speakers,
            min_speakers=num_speakers if stated else min_speakers,
            shares=_SHARES,
            progress=progress,
        )
