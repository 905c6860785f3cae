"""Whose voice a word is, and whether two speak at once in it.

Source: Bredin 2023 (pyannote.audio): exclusive diarization is made for giving words to voices, the
regular one keeps the overlaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.timeline import Span

NEAREST_S = 1.0  # a word this far from any voice still goes to the nearest one


@dataclass(frozen=True, slots=True)
class Voices:
    """Stretches of all voices, sorted by start; each of shape (n,)."""

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    speaker: NDArray[np.int64]


def voices_of(diarization: pa.Table, *, exclusive: bool) -> Voices:
    """The stretches of table `diarization`, with or without overlaps."""
    chosen = diarization.filter(pc.equal(diarization.column("exclusive"), exclusive))
    chosen = chosen.sort_by([("start_s", "ascending"), ("speaker", "ascending")])
    return Voices(
        chosen.column("start_s").to_numpy(),
        chosen.column("end_s").to_numpy(),
        chosen.column("speaker").to_numpy().astype(np.int64),
    )


def speaker_of(exclusive: Voices, word: Span) -> int | None:
    """Voice with most overlap in all its stretches together, else the nearest within 1 s."""
    if exclusive.speaker.size == 0:
        return None
    common = np.minimum(exclusive.end_s, word[1]) - np.maximum(exclusive.start_s, word[0])
    if common.max() > 0:
        totals = np.bincount(exclusive.speaker, weights=np.maximum(common, 0.0))
        return int(totals.argmax())
    nearest = int(common.argmax())  # the least negative: the shortest way to a voice
    return int(exclusive.speaker[nearest]) if -common[nearest] <= NEAREST_S else None


def is_overlap(regular: Voices, word: Span) -> bool:
    """Whether two voices speak at the same time of the word."""
    touching = (regular.start_s < word[1]) & (regular.end_s > word[0])
    spans = [
        (max(float(start), word[0]), min(float(end), word[1]), int(speaker))
        for start, end, speaker in zip(
            regular.start_s[touching],
            regular.end_s[touching],
            regular.speaker[touching],
            strict=True,
        )
    ]
    return any(
        a[2] != b[2] and min(a[1], b[1]) > max(a[0], b[0])
        for index, a in enumerate(spans)
        for b in spans[index + 1 :]
    )
