"""What one dial did over a session: how often it moved, how long it was held, how far it went.

All figures are of the rating as given, one value a second, so that a published mean comes out
again; the lag does not enter. After Swift and Tompkins (2016) and the source study's first aim.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.dials.congruence import binned
from pipeline.dials.segments import HELPFUL_ABOVE, HINDERING_BELOW
from pipeline.spans import runs

Floats = NDArray[np.float64]

MOVE_POINTS = 2.0
HOLD_POINTS = 0.5
"""A dial that stays within this has not been touched: less is the device's own noise."""
BIN_S = 5
"""Bins of the successive differences."""
EXCURSION_POINTS, EXCURSION_S = 10.0, 10
"""A stretch further than this from the rater's own median, for at least so long."""


def dial_figures(course: Floats) -> dict[str, float | int | None]:
    """Every figure of one dial, by column name of table ``rating_quality``.

    Parameters
    ----------
    course : shape (n_seconds,), 0..100, NaN where not rated; at least one second is rated
    """
    known = course[np.isfinite(course)]
    lower, upper = np.percentile(known, [25, 75])
    return {
        "coverage": len(known) / len(course),
        "moves": count_moves(course),
        "longest_hold_s": longest_hold_s(course),
        "dial_mean": float(known.mean()),
        "dial_median": float(np.median(known)),
        "dial_sd": float(known.std(ddof=1)) if len(known) > 1 else 0.0,
        "dial_iqr": float(upper - lower),
        "dial_range": float(np.ptp(known)),
        "dial_mssd": mean_square_successive_difference(course),
        "dial_excursions": count_excursions(course),
        "dial_prop_helpful": float(np.mean(known > HELPFUL_ABOVE)),
        "dial_prop_neutral": float(np.mean((known >= HINDERING_BELOW) & (known <= HELPFUL_ABOVE))),
        "dial_prop_hindering": float(np.mean(known < HINDERING_BELOW)),
    }


def count_moves(course: Floats) -> int:
    """How often the dial went at least 2 points from where it was last taken to rest."""
    known = course[np.isfinite(course)]
    moves, rest = 0, known[0] if len(known) else math.nan
    for value in known:
        if abs(value - rest) >= MOVE_POINTS:
            moves, rest = moves + 1, value
    return moves


def longest_hold_s(course: Floats) -> float:
    """Longest stretch of rated seconds in which the dial did not change."""
    longest, first = 0, 0
    for i, value in enumerate(course):
        if i == first or not abs(value - course[first]) < HOLD_POINTS:
            first = i
        if math.isfinite(value):
            longest = max(longest, i + 1 - first)
    return float(longest)


def mean_square_successive_difference(course: Floats, bin_s: int = BIN_S) -> float | None:
    """MSSD of the means of bins of `bin_s`, points squared (von Neumann et al. 1941).

    Only bins that are rated to at least half count, and only neighbours are compared. None where
    no two neighbours are rated.
    """
    steps = np.diff(binned(course, bin_s))
    steps = steps[np.isfinite(steps)]
    return float(np.mean(steps**2)) if len(steps) else None


def count_excursions(
    course: Floats, points: float = EXCURSION_POINTS, least_s: float = EXCURSION_S
) -> int:
    """Stretches of `least_s`, on one side, more than `points` off the rater's own median."""
    off = course - np.nanmedian(course)
    return sum(
        stop - first >= least_s
        for side in (off > points, off < -points)
        for first, stop in runs(side)
    )
