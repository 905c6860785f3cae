"""Who speaks when: pyannote's community-1 pipeline from a local folder.

Speaker embeddings are voice prints. They live in memory while a recording is processed and are no
part of the result.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

from models.base import Audio, Diarization, Progress, silent
from models.device import CPU, Device
from models.options import CommunityOptions
from models.voices.community_pipeline import CommunityDiarization, load_community
from models.voices.speaker_turns import speaker_turns

_SHARES = {"segmentation": (0.0, 0.1), "embeddings": (0.1, 0.97)}
"""Part of the whole, by time, that each step of the pipeline takes on a CPU."""


class CommunityDiarizer:
    """`models.base.Diarizer` over PyanNet, WeSpeaker ResNet34, PLDA and VBx.

    Parameters
    ----------
    folder
        A copy of the pyannote/speaker-diarization-community-1 repository; `weights.catalog.locate`
        finds one under the name ``pyannote-community-1``. Its checkpoints are pickles and are read
        by `models.weights.checkpoints`, which runs none of their code.
    options
        What decides the result beside the folder's own parameters.
    device
        From `models.device.resolve`. The voice network computes in its precision.
    threads
        CPU threads, each with windows of its own; None takes as many as this process may use.
        Changes the time taken and not the turns.

    Raises
    ------
    WeightError
        As `models.voices.community_pipeline.load_community`.

    """

    def __init__(
        self,
        folder: Path,
        options: CommunityOptions | None = None,
        *,
        device: Device = CPU,
        threads: int | None = None,
    ) -> None:
        self._options = options or CommunityOptions()
        self._folder = folder
        self._device = device
        self._pipeline = CommunityDiarization(
            load_community(folder),
            self._options,
            device,
            threads or len(os.sched_getaffinity(0)),
        )
        self._pipeline.to(torch.device(str(device)))

    def diarize(
        self,
        audio: Audio,
        *,
        num_speakers: int,
        most_speakers: int | None = None,  # noqa: ARG002  (see below)
        min_speakers: int | None = None,
        progress: Progress = silent,
    ) -> Diarization:
        """Find the turns of `num_speakers` people, or of `min_speakers` to `num_speakers`.

        `most_speakers` is not used: how often this engine counts one person too many in a talk of
        two has not been measured here, and a false alarm would be worse than silence.
        Fewer come back where one is a ghost (`voices.ghost_speakers`) or little is said; with
        nobody speaking, none. Parameters and errors as `models.voices.speaker_turns.speaker_turns`.
        """
        return speaker_turns(
            self._pipeline,
            audio,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            shares=_SHARES,
            progress=progress,
        )
