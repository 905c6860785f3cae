"""Who speaks when: pyannote.audio's pipeline over the embedded weights.

Speaker embeddings are voice prints. They live in memory while a recording is processed and are no
part of the result.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from pyannote.core import Annotation

from models.base import (
    SAMPLE_RATE_HZ,
    Audio,
    Diarization,
    Fingerprint,
    Progress,
    SpeakerInterval,
    silent,
)
from models.catalog import locate
from models.device import CPU, Device
from models.errors import EngineInputError
from models.ge2e import load_encoder
from models.options import DiarizerOptions, diarizer_fingerprint
from models.speech_detector import check_audio
from models.voice_pipeline import VoiceDiarization, load_segmentation

_SHARES = {"segmentation": (0.0, 0.5), "embeddings": (0.5, 0.97)}
"""Part of the whole, by time, that each step of the pipeline takes on a CPU."""

_WINDOWS_PER_BATCH_ON_A_CARD = 256


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
            As `models.catalog.locate`.

        """
        self._options = options or DiarizerOptions()
        self._device = device
        segmentation = load_segmentation(locate("pyannet-segmentation"))
        encoder = load_encoder(locate("ge2e-encoder"))
        threads = threads or len(os.sched_getaffinity(0))
        self._pipeline = VoiceDiarization(segmentation, encoder, self._options, threads)
        self._pipeline.to(torch.device(str(device)))
        if device.kind == "cuda":
            self._pipeline.segmentation_batch_size = _WINDOWS_PER_BATCH_ON_A_CARD
            self._pipeline.embedding_batch_size = _WINDOWS_PER_BATCH_ON_A_CARD

    @property
    def fingerprint(self) -> Fingerprint:
        """What must be equal for equal turns."""
        return diarizer_fingerprint(self._options, self._device)

    def diarize(
        self, audio: Audio, *, num_speakers: int, progress: Progress = silent
    ) -> Diarization:
        """Find the turns of up to `num_speakers` people.

        Parameters
        ----------
        audio
            Mono float32, 16 kHz, shape (n_samples,).
        num_speakers
            How many people are in the room. Fewer come back where fewer voices can be told apart;
            with nobody speaking, none.
        progress
            Told the step and the share of the whole that is done.

        Raises
        ------
        EngineInputError
            `num_speakers` is below 1, or as `models.speech_detector.check_audio`.
        MemoryError
            The device has no room even for one window at a time.

        """
        check_audio(audio)
        if num_speakers < 1:
            raise EngineInputError(f"num_speakers is {num_speakers}; at least 1 person speaks.")
        if audio.size == 0:
            return Diarization(turns=(), exclusive=())
        self._pipeline.instantiate(self._parameters(audio.size / SAMPLE_RATE_HZ))
        output = self._apply(audio, num_speakers, progress)
        progress("diarization", 1.0)
        end_s = audio.size / SAMPLE_RATE_HZ
        turns = output.speaker_diarization
        order = _order(turns)
        return Diarization(
            turns=_intervals(turns, order, end_s),
            exclusive=_intervals(output.exclusive_speaker_diarization, order, end_s),
        )

    def _apply(self, audio: Audio, num_speakers: int, progress: Progress) -> Any:
        """Run the pipeline; where the card is too small, again with half the batch."""
        waveform = torch.from_numpy(audio.copy())[None]  # (1, n_samples); audio may be read-only
        file = {"waveform": waveform, "sample_rate": SAMPLE_RATE_HZ, "uri": "recording"}
        pipeline = self._pipeline
        while True:
            try:
                with _quiet_and_one_thread_per_operation():
                    return pipeline(file, num_speakers=num_speakers, hook=_hook(progress))
            except (MemoryError, torch.cuda.OutOfMemoryError) as error:
                if pipeline.segmentation_batch_size == 1:
                    message = f"Diarization does not fit on {self._device}, one window at a time."
                    raise MemoryError(message) from error
                pipeline.segmentation_batch_size //= 2
                pipeline.embedding_batch_size = max(1, pipeline.embedding_batch_size // 2)
                if self._device.kind == "cuda":
                    torch.cuda.empty_cache()

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


@contextlib.contextmanager
def _quiet_and_one_thread_per_operation() -> Iterator[None]:
    """Threads share windows, not matrix products; see `models.voice_pipeline`."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            # Fewer voices than people is a result here, and the caller sees it.
            warnings.filterwarnings("ignore", message=r"\s*The detected number of speakers")
            yield
    finally:
        torch.set_num_threads(before)


def _hook(progress: Progress) -> Any:
    """Turn pyannote's calls (completed of total, per step) into a share of the whole."""

    def hook(
        step: str, *_: object, total: int | None = None, completed: int | None = None, **__: object
    ) -> None:
        if step in _SHARES and total and completed is not None:
            start, end = _SHARES[step]
            progress(step, start + (end - start) * min(1.0, completed / total))

    return hook


def _order(turns: Annotation) -> dict[str, int]:
    """Label -> number, by first appearance."""
    labels = [label for _, _, label in turns.itertracks(yield_label=True)]
    return {label: number for number, label in enumerate(dict.fromkeys(labels))}


def _intervals(
    annotation: Annotation, order: dict[str, int], end_s: float
) -> tuple[SpeakerInterval, ...]:
    """Turns sorted by start, cut at the end of the recording (the last window is padded)."""
    found = (
        SpeakerInterval(max(0.0, turn.start), min(turn.end, end_s), order[label])
        for turn, _, label in annotation.itertracks(yield_label=True)
        if turn.start < end_s
    )
    return tuple(sorted(found, key=lambda turn: (turn.start_s, turn.end_s, turn.speaker)))
