"""The highest- and lowest-rated segments of one dial (after Swift and Tompkins 2016).

The source study has raters pick their three best and worst parts; here they are read off the
course: the extreme of a 30 s running mean, grown while the rating stays within 5 points of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.settings import RatingsSettings

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Kind = Literal["high", "low"]

MADN = 1.4826
EXACT = 1e6
"""Ratings are compared as whole millionths of a point: equal means stay equal wherever they lie."""
HINDERING_BELOW, HELPFUL_ABOVE = 45.0, 55.0


@dataclass(frozen=True, slots=True)
class Segment:
    """Seconds ``[first, stop)`` of the course."""

    kind: Kind
    rank: int
    first: int
    stop: int
    mean: float
    depth_madn: float | None
    """Distance from the course's median in scaled MADs; None where it does not vary."""
    label: str


def pick_segments(course: Floats, settings: RatingsSettings) -> list[Segment]:
    """Up to `segments_per_kind` highest and lowest segments, none overlapping, in order of rank.

    Highs and lows take turns, so neither can use up the session. Ties go to the earliest. A low
    must lie `low_madn` scaled MADs under the median, so a flat dial has none.

    Parameters
    ----------
    course : shape (n_seconds,), one value a second, NaN where not rated
    """
    length = max(1, round(settings.segment_s))
    if np.count_nonzero(np.isfinite(course)) < length or len(course) < length:
        return []
    median = float(np.nanmedian(course))
    spread = MADN * float(np.nanmedian(np.abs(course - median)))
    taken: Flags = np.zeros(len(course), bool)
    found: list[Segment] = []
    kinds: tuple[Kind, ...] = ("high", "low")
    for rank in range(1, settings.segments_per_kind + 1):
        for kind in kinds:
            span = _extreme(course, taken, kind, length, settings)
            if span is None:
                continue
            segment = _described(course, span, kind, rank, median, spread)
            under = round((median - segment.mean) * EXACT)
            if kind == "low" and under <= round(settings.low_madn * spread * EXACT):
                continue
            found.append(segment)
            gap = round(settings.segment_gap_s)
            taken[max(0, span[0] - gap) : span[1] + gap] = True
    return sorted(found, key=lambda segment: (segment.kind, segment.rank))


def _extreme(
    course: Floats, taken: Flags, kind: Kind, length: int, settings: RatingsSettings
) -> tuple[int, int] | None:
    """The free stretch whose running mean is most extreme, grown."""
    usable = np.isfinite(course) & ~taken
    exact = np.round(np.where(usable, course, 0.0) * EXACT).astype(np.int64)
    whole = _running_sums(usable.astype(np.int64), length) == length
    if not whole.any():
        return None
    sums = _running_sums(exact, length) * (1 if kind == "high" else -1)
    first = int(np.argmax(np.where(whole, sums, np.iinfo(np.int64).min)))
    return _grown(exact, usable, (first, first + length), settings)


def _running_sums(values: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    sums = np.concatenate([[0], np.cumsum(values)])
    return np.asarray(sums[length:] - sums[:-length])


def _grown(
    exact: NDArray[np.int64], usable: Flags, span: tuple[int, int], settings: RatingsSettings
) -> tuple[int, int]:
    """Second by second to the side that is nearer to the extreme; to the earlier one on a tie."""
    first, stop = span
    length = stop - first
    away = np.abs(exact * length - int(exact[first:stop].sum()))
    limit = settings.segment_grow_points * EXACT * length

    def distance(at: int) -> float:
        return float(away[at]) if 0 <= at < len(exact) and usable[at] else np.inf

    while stop - first < settings.segment_max_s:
        before, after = distance(first - 1), distance(stop)
        if min(before, after) > limit:
            break
        if before <= after:
            first -= 1
        else:
            stop += 1
    return first, stop


def _described(
    course: Floats, span: tuple[int, int], kind: Kind, rank: int, median: float, spread: float
) -> Segment:
    mean = float(course[span[0] : span[1]].mean())
    depth = abs(mean - median) / spread if spread > 0 else None
    return Segment(kind, rank, *span, mean, depth, _label(kind, mean))


def _label(kind: Kind, mean: float) -> str:
    if kind == "high":
        return "helpful" if mean > HELPFUL_ABOVE else "most helpful"
    return "hindering" if mean < HINDERING_BELOW else "least helpful"
