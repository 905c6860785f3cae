"""Who speaks when: pyannote.audio's pipeline over the embedded weights.

Speaker embeddings are voice prints. They live in memory while a recording is processed and are no
part of the result.
"""

from __future__ import annotations

import os

import torch

from models.base import SAMPLE_RATE_HZ, Audio, Diarization, Fingerprint, Progress, silent
from models.device import CPU, Device
from models.options import DiarizerOptions, diarizer_fingerprint
from models.voices.ge2e import load_encoder
from models.voices.speaker_turns import speaker_turns
from models.voices.voice_pipeline import VoiceDiarization, load_segmentation
from models.weights.catalog import locate

_SHARES = {"segmentation": (0.0, 0.5), "embeddings": (0.5, 0.97)}
"""Part of the whole, by time, that each step of the pipeline takes on a CPU."""


class EmbeddedDiarizer:
    """`models.base.Diarizer` over PyanNet segmentation and GE2E voices."""

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
        segmentation = load_segmentation(locate("pyannet-segmentation"))
        encoder = load_encoder(locate("ge2e-encoder"))
        threads = threads or len(os.sched_getaffinity(0))
        self._pipeline = VoiceDiarization(segmentation, encoder, self._options, device, threads)
        self._pipeline.to(torch.device(str(device)))

    @property
    def fingerprint(self) -> Fingerprint:
        """What must be equal for equal turns."""
        return diarizer_fingerprint(self._options, self._device)

    def diarize(
        self,
        audio: Audio,
        *,
        num_speakers: int,
        min_speakers: int | None = None,
        progress: Progress = silent,
    ) -> Diarization:
        """Find the turns of up to `num_speakers` people.

        Fewer come back where fewer voices can be told apart; with nobody speaking, none. With
        `min_speakers`, voices are counted by the tree alone, which forces none apart. Parameters
        and errors as `models.voices.speaker_turns.speaker_turns`.
        """
        self._pipeline.instantiate(self._parameters(audio.size / SAMPLE_RATE_HZ))
        return speaker_turns(
            self._pipeline,
            audio,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            shares=_SHARES,
            progress=progress,
        )

    def _parameters(self, duration_s: float) -> dict[str, dict[str, object]]:
        options = self._options
        windows = duration_s / self._pipeline.window_step_s
        return {
            "segmentation": {
                "threshold": options.onset,
                "min_duration_off": options.min_pause_s,
            },
            "clustering": {
                "method": "centroid",
                "threshold": options.clustering_threshold,
                "min_cluster_size": max(
                    options.min_cluster_size, round(options.min_cluster_share * windows)
                ),
            },
        }
