"""Spans and amounts against many windows at once: cumulative sums, so no window is scanned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.timeline import Span, union

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Bounds = tuple[NDArray[np.intp], NDArray[np.intp]]
"""First and one-past-last row of each window."""
Whys = NDArray[np.object_]
"""A reason or None per window."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The analysis windows; all of shape (n,)."""

    start_s: Floats
    end_s: Floats

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def centre_s(self) -> Floats:
        """Middle of each window."""
        return (self.start_s + self.end_s) / 2

    def around(self, length_s: float) -> Windows:
        """Windows of another length with the same centres."""
        return Windows(self.centre_s - length_s / 2, self.centre_s + length_s / 2)


@dataclass(frozen=True, slots=True)
class WindowCue:
    """One cue in every window."""

    value: Floats
    """NaN where not measured."""
    reason: Whys
    """Why it is missing or degraded; None elsewhere."""
    at_most: Floats | None = None
    """A limit that a missing value lies under, NaN where there is none; None for most cues."""
    z: Floats | None = None
    """Its own z, where that is not taken from the windows; None for most cues."""

    @property
    def compared(self) -> Floats:
        """The value, or the limit it lies under; NaN where neither is known."""
        if self.at_most is None:
            return self.value
        return np.where(np.isfinite(self.value), self.value, self.at_most)


def missing_everywhere(windows: Windows, reason: str) -> WindowCue:
    """A cue that is missing for one reason in all windows."""
    return WindowCue(np.full(len(windows), np.nan), np.full(len(windows), reason, dtype=object))


def runs(flags: Flags, fewest: int = 1) -> list[tuple[int, int]]:
    """First and one-past-last index of every run of at least `fewest` true values.

    Parameters
    ----------
    flags : shape (n,)
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    pairs = edges.reshape(-1, 2)
    return [(int(first), int(stop)) for first, stop in pairs if stop - first >= fewest]


def as_array(spans: Iterable[Span]) -> Floats:
    """Union of the spans, sorted and disjoint, shape (n, 2)."""
    return np.array(union(spans), np.float64).reshape(-1, 2)


def amount_inside(spans: Floats, amounts: Floats, windows: Windows) -> Floats:
    """How much of amounts, spread evenly over their spans, lies in each window.

    Parameters
    ----------
    spans : shape (n, 2), sorted and disjoint
    amounts : shape (n,)
    """
    if not len(spans):
        return np.zeros(len(windows))
    zeros = np.zeros(len(amounts))
    sums = np.cumsum(np.column_stack([zeros, amounts]).ravel())
    knots = spans.ravel()
    until_end = np.interp(windows.end_s, knots, sums)
    return np.asarray(until_end - np.interp(windows.start_s, knots, sums))


def covered_s(spans: Floats, windows: Windows) -> Floats:
    """Seconds of each window that sorted, disjoint spans of shape (n, 2) cover."""
    return amount_inside(spans, spans[:, 1] - spans[:, 0], windows)


def intersection(a: Floats, b: Floats) -> Floats:
    """What two sets of sorted, disjoint spans have in common, shape (n, 2)."""
    edges = np.unique(np.concatenate([a.ravel(), b.ravel()]))
    middles = (edges[:-1] + edges[1:]) / 2
    both = is_inside(a, middles) & is_inside(b, middles)
    return np.column_stack([edges[:-1][both], edges[1:][both]])


def is_inside(spans: Floats, t_s: Floats) -> Flags:
    """Which times lie in sorted, disjoint spans of shape (n, 2)."""
    if not len(spans):
        return np.zeros(len(t_s), bool)
    at = np.searchsorted(spans[:, 0], t_s, side="right") - 1
    return np.asarray((at >= 0) & (t_s < spans[np.maximum(at, 0), 1]))


def rows_inside(t_s: Floats, windows: Windows) -> Bounds:
    """First and one-past-last row of each window; `t_s` is sorted."""
    return np.searchsorted(t_s, windows.start_s), np.searchsorted(t_s, windows.end_s)


def sum_inside(values: Floats | Flags, bounds: Bounds) -> Floats:
    """Sum of `values` over the rows of each window, from `rows_inside`."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(sums[bounds[1]] - sums[bounds[0]])


def divided(a: Floats, b: Floats) -> Floats:
    """Quotient a / b, NaN where b is not above 0."""
    return np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0)
