"""Seconds on the session clock: robust baselines, interval arithmetic and the window grid.

t = 0 is the first audio sample (the first video frame where there is no audio). Intervals are
half-open, ``[start_s, end_s)``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Seconds = float
Span = tuple[Seconds, Seconds]
Floats = NDArray[np.float64]


def overlap_s(a: Span, b: Span) -> Seconds:
    """Length of the intersection of two intervals, 0 where they do not meet."""
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0]))


def union(spans: Iterable[Span], *, bridge_s: Seconds = 0.0) -> list[Span]:
    """Sorted, disjoint spans covering the same time; gaps up to `bridge_s` are filled."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start - merged[-1][1] <= bridge_s:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def complement(spans: Iterable[Span], whole: Span) -> list[Span]:
    """What of `whole` the spans leave free."""
    free: list[Span] = []
    at = whole[0]
    for start, end in union(spans):
        if start > at:
            free.append((at, min(start, whole[1])))
        at = max(at, end)
        if at >= whole[1]:
            break
    if at < whole[1]:
        free.append((at, whole[1]))
    return [(start, end) for start, end in free if end > start]


def windows(duration_s: Seconds, length_s: Seconds, hop_s: Seconds) -> list[Span]:
    """The analysis grid: every full window that fits; one shorter window if none fits."""
    count = int(np.floor((duration_s - length_s) / hop_s + 1e-9)) + 1
    if count < 1:
        return [(0.0, duration_s)] if duration_s > 0 else []
    return [(i * hop_s, i * hop_s + length_s) for i in range(count)]


def robust_z(values: Floats, baseline: NDArray[np.bool_], *, minimum_samples: int = 20) -> Floats:
    """Robust z of each value against the baseline samples; NaN where it cannot be had.

    ``z = (x - median) / (1.4826 MAD)``; with MAD = 0 the scale is 1.2533 times the mean absolute
    deviation (Iglewicz & Hoaglin 1993); still 0, or fewer than `minimum_samples`, gives NaN.

    Parameters
    ----------
    values : shape (n,), NaN where not measured
    baseline : shape (n,), which samples describe the person's usual
    """
    centre, scale = robust_location(values[baseline], minimum_samples=minimum_samples)
    if not np.isfinite(scale):
        return np.full(values.shape, np.nan)
    return np.asarray((values - centre) / scale)


def robust_location(samples: Floats, *, minimum_samples: int = 20) -> tuple[float, float]:
    """Median and robust scale of the finite samples; NaN, NaN where there are too few."""
    finite = samples[np.isfinite(samples)]
    if finite.size < max(1, minimum_samples):
        return float("nan"), float("nan")
    centre = float(np.median(finite))
    deviation = np.abs(finite - centre)
    scale = 1.4826 * float(np.median(deviation)) or 1.2533 * float(deviation.mean())
    return centre, (scale if scale > 0 else float("nan"))


def log_duration(seconds: Floats) -> Floats:
    """log(x + 0.25): the scale on which skewed durations are compared."""
    return np.asarray(np.log(seconds + 0.25))
