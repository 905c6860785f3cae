"""One call of a pyannote pipeline: a recording in memory -> speaker intervals."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from pyannote.core import Annotation
from threadpoolctl import threadpool_limits

from models.base import SAMPLE_RATE_HZ, Audio, Diarization, Progress, SpeakerInterval
from models.errors import EngineInputError
from models.speech.detector import check_audio

Shares = Mapping[str, tuple[float, float]]
"""Step of the pipeline -> the part of the whole that it takes, by time."""

Confidence = Callable[[str, float, float], float | None]
"""How sure the pipeline is of a label from a start to an end, s."""

_EXPECTED_WARNINGS = (
    r"\s*The detected number of speakers",  # fewer voices than people: a result, and it is seen
    r"The given NumPy array is not writable",  # nothing here writes; a copy would cost an hour's
    r"std\(\): degrees of freedom",  # pyannote looks for the shortest input by trying
)


def speaker_turns(
    pipeline: Any,
    audio: Audio,
    *,
    num_speakers: int | None,
    min_speakers: int | None,
    shares: Shares,
    progress: Progress,
) -> Diarization:
    """Turns of the people in a recording; empty where nobody speaks.

    Parameters
    ----------
    pipeline
        A `pyannote.audio.pipelines.SpeakerDiarization` with its parameters set, which is also a
        `models.voices.voice_posterior.KeepsPosterior`.
    audio
        Mono float32, 16 kHz, shape (n_samples,).
    num_speakers
        How many people; with `min_speakers`, how many at most; None counts the voices.
    min_speakers
        None, or how many at least.
    shares
        For `progress`.
    progress
        Told the step and the share of the whole that is done.

    Raises
    ------
    EngineInputError
        `num_speakers` is below 1, `min_speakers` is not within 1 to `num_speakers`, or as
        `models.speech.detector.check_audio`.
    MemoryError
        The device has no room even for one window at a time.

    """
    check_audio(audio)
    _check_counts(num_speakers, min_speakers)
    if audio.size == 0:
        return Diarization(turns=(), exclusive=())
    bounds = (
        {"num_speakers": num_speakers}
        if min_speakers is None
        else {"min_speakers": min_speakers, "max_speakers": num_speakers}
    )
    with _quiet_and_one_thread_per_operation():
        waveform = torch.from_numpy(np.ascontiguousarray(audio))[None]  # (1, n_samples)
        file = {"waveform": waveform, "sample_rate": SAMPLE_RATE_HZ, "uri": "recording"}
        hook = _Hook(progress, shares)
        output = pipeline(file, hook=hook, **bounds)
    progress("diarization", 1.0)
    end_s = audio.size / SAMPLE_RATE_HZ
    turns = output.speaker_diarization
    order = _order(turns)
    voices = dict(zip(turns.labels(), hook.heard, strict=True))

    def confidence(label: str, start_s: float, end_s: float) -> float | None:
        return pipeline.posterior.mean(voices[label], start_s, end_s)

    return Diarization(
        turns=_intervals(turns, order, end_s, confidence),
        exclusive=_intervals(output.exclusive_speaker_diarization, order, end_s, confidence),
    )


def _check_counts(num_speakers: int | None, min_speakers: int | None) -> None:
    if num_speakers is not None and num_speakers < 1:
        message = f"num_speakers is {num_speakers}; at least 1 person speaks."
        raise EngineInputError(message)
    most = math.inf if num_speakers is None else num_speakers
    if min_speakers is not None and not 1 <= min_speakers <= most:
        message = f"min_speakers is {min_speakers}; allowed: 1 to num_speakers ({num_speakers})."
        raise EngineInputError(message)


@contextlib.contextmanager
def _quiet_and_one_thread_per_operation() -> Iterator[None]:
    """Threads share windows, not matrix products; see `models.voices.window_scores`.

    The means of k-means, too, are added up by one thread: two add them in the order in which they
    get done, and a voice between two clusters falls now here, now there.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1), warnings.catch_warnings():
            for message in _EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        torch.set_num_threads(before)


class _Hook:
    """What pyannote calls after each step: tells the progress, remembers who was heard."""

    def __init__(self, progress: Progress, shares: Shares) -> None:
        self._progress = progress
        self._shares = shares
        self.heard: list[int] = []
        """Voices with a turn, in the order of pyannote's labels for them."""

    def __call__(
        self,
        step: str,
        artifact: Any = None,
        *,
        total: int | None = None,
        completed: int | None = None,
        **_: object,
    ) -> None:
        """Completed of total, per step, as a share of the whole."""
        if step == "discrete_diarization":
            # a turn needs a frame after its first
            self.heard = sorted(np.flatnonzero(artifact.data[:-1].any(axis=0)).tolist(), key=str)
        if step in self._shares and total and completed is not None:
            start, end = self._shares[step]
            self._progress(step, start + (end - start) * min(1.0, completed / total))


def _order(turns: Annotation) -> dict[str, int]:
    """Label -> number, by first appearance."""
    labels = [label for _, _, label in turns.itertracks(yield_label=True)]
    return {label: number for number, label in enumerate(dict.fromkeys(labels))}


def _intervals(
    annotation: Annotation, order: dict[str, int], end_s: float, confidence: Confidence
) -> tuple[SpeakerInterval, ...]:
    """Turns sorted by start, cut at the end of the recording (the last window is padded)."""
    found = (
        SpeakerInterval(
            max(0.0, turn.start),
            min(turn.end, end_s),
            order[label],
            confidence(label, turn.start, turn.end),
        )
        for turn, _, label in annotation.itertracks(yield_label=True)
        if turn.start < end_s
    )
    return tuple(sorted(found, key=lambda turn: (turn.start_s, turn.end_s, turn.speaker)))
