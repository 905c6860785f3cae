"""One call of a pyannote pipeline: a recording in memory -> speaker intervals."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from pyannote.core import Annotation

from models.base import SAMPLE_RATE_HZ, Audio, Diarization, Progress, SpeakerInterval
from models.errors import EngineInputError
from models.speech.detector import check_audio

Shares = Mapping[str, tuple[float, float]]
"""Step of the pipeline -> the part of the whole that it takes, by time."""

_EXPECTED_WARNINGS = (
    r"\s*The detected number of speakers",  # fewer voices than people: a result, and it is seen
    r"The given NumPy array is not writable",  # nothing here writes; a copy would cost an hour's
    r"std\(\): degrees of freedom",  # pyannote looks for the shortest input by trying
)


def speaker_turns(
    pipeline: Any,
    audio: Audio,
    *,
    num_speakers: int,
    min_speakers: int | None,
    shares: Shares,
    progress: Progress,
) -> Diarization:
    """Turns of the people in a recording; empty where nobody speaks.

    Parameters
    ----------
    pipeline
        A `pyannote.audio.pipelines.SpeakerDiarization` with its parameters set.
    audio
        Mono float32, 16 kHz, shape (n_samples,).
    num_speakers
        How many people; with `min_speakers`, how many at most.
    min_speakers
        None, or how many at least.
    shares
        For `progress`.
    progress
        Told the step and the share of the whole that is done.

    Raises
    ------
    EngineInputError
        `num_speakers` is below 1, `min_speakers` is not within 1..`num_speakers`, or as
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
        output = pipeline(file, hook=_hook(progress, shares), **bounds)
    progress("diarization", 1.0)
    end_s = audio.size / SAMPLE_RATE_HZ
    turns = output.speaker_diarization
    order = _order(turns)
    return Diarization(
        turns=_intervals(turns, order, end_s),
        exclusive=_intervals(output.exclusive_speaker_diarization, order, end_s),
    )


def _check_counts(num_speakers: int, min_speakers: int | None) -> None:
    if num_speakers < 1:
        message = f"num_speakers is {num_speakers}; at least 1 person speaks."
        raise EngineInputError(message)
    if min_speakers is not None and not 1 <= min_speakers <= num_speakers:
        message = f"min_speakers is {min_speakers}; allowed: 1 to num_speakers ({num_speakers})."
        raise EngineInputError(message)


@contextlib.contextmanager
def _quiet_and_one_thread_per_operation() -> Iterator[None]:
    """Threads share windows, not matrix products; see `models.voices.window_scores`."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            for message in _EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        torch.set_num_threads(before)


def _hook(progress: Progress, shares: Shares) -> Any:
    """Turn pyannote's calls (completed of total, per step) into a share of the whole."""

    def hook(
        step: str, *_: object, total: int | None = None, completed: int | None = None, **__: object
    ) -> None:
        if step in shares and total and completed is not None:
            start, end = shares[step]
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
