"""The highest- and lowest-rated segments of one dial (after Swift and Tompkins 2016).

The source study has raters pick their three best and worst moments; here they are read off the
course: the extreme of a 30 s running mean, grown while the rating stays within 5 points of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.settings import RatingsSettings

Floats = NDArray[np.float64]
Kind = Literal["high", "low"]

MADN = 1.4826
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
    taken = np.zeros(len(course), bool)
    found: list[Segment] = []
    kinds: tuple[Kind, ...] = ("high", "low")
    for rank in range(1, settings.segments_per_kind + 1):
        for kind in kinds:
            span = _extreme(course, taken, kind, length, settings)
            if span is None:
                continue
            segment = _described(course, span, kind, rank, median, spread)
            if kind == "low" and not segment.mean < median - settings.low_madn * spread:
                continue
            found.append(segment)
            gap = round(settings.segment_gap_s)
            taken[max(0, span[0] - gap) : span[1] + gap] = True
    return sorted(found, key=lambda segment: (segment.kind, segment.rank))


def _extreme(
    course: Floats, taken: NDArray[np.bool_], kind: Kind, length: int, settings: RatingsSettings
) -> tuple[int, int] | None:
    """The free stretch whose running mean is most extreme, grown."""
    sign = 1.0 if kind == "high" else -1.0
    usable = np.isfinite(course) & ~taken
    sums = np.convolve(np.where(usable, course, 0.0), np.ones(length), "valid")
    whole = np.convolve(usable, np.ones(length), "valid") > length - 0.5
    if not whole.any():
        return None
    # rounded, so that equal means stay equal whatever the order they were summed in
    marked = np.where(whole, np.round(sign * sums / length, 9), -np.inf)
    first = int(np.argmax(marked))
    return _grown(course, usable, (first, first + length), settings)


def _grown(
    course: Floats, usable: NDArray[np.bool_], span: tuple[int, int], settings: RatingsSettings
) -> tuple[int, int]:
    """Second by second to the side that is nearer to the extreme; to the earlier one on a tie."""
    first, stop = span
    centre = float(course[first:stop].mean())
    away = np.where(usable, np.abs(course - centre), np.inf)
    while stop - first < settings.segment_max_s:
        before = away[first - 1] if first > 0 else np.inf
        after = away[stop] if stop < len(course) else np.inf
        if min(before, after) > settings.segment_grow_points:
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
