"""Where two raters of one session agree and where they part. Pure functions of two dials.

Seconds are labelled helpful (over 55), neutral or hindering (under 45) and counted crosswise, with
Cohen's (1960) kappa. Segments both have among their highest or lowest count as shared when they
have enough time in common. The divergence is the client's dial minus the therapist's, each from its
own median of the session, so that one rater's generous use of the scale is no divergence.

Caveat: neither rater is right where they part. Kappa takes seconds for independent; it is read as a
description, never tested.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dials.segments import HELPFUL_ABOVE, HINDERING_BELOW, MADN
from pipeline.spans import Windows, amount_inside, as_array, intersection, runs
from pipeline.timeline import Floats, Seconds, Span, overlap_s, union

LEVELS = ("helpful", "neutral", "hindering")
NO_SPREAD = 1e-6
"""Points; less is rounding."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Divergence:
    """A stretch in which the two dials lie far apart, always to the same side."""

    start_s: Seconds
    end_s: Seconds
    peak_s: Seconds
    """Where they are farthest apart."""
    points: float
    """There: client minus therapist, each from its own median."""
    usual: float
    """Median of the whole session's divergence."""
    madn: float | None
    """There: distance from the session's usual divergence in scaled MADs; None without any."""


def confusion(client: Floats, therapist: Floats) -> Counts:
    """Bins by what each rater called them, shape (3, 3): rows the client's, columns the other's.

    Parameters
    ----------
    client, therapist : bins of shape (n,), NaN where not rated; levels in the order of `LEVELS`
    """
    known = np.isfinite(client) & np.isfinite(therapist)
    cells = 3 * _level(client[known]) + _level(therapist[known])
    return np.bincount(cells, minlength=9).reshape(3, 3)


def kappa(counts: Counts) -> float:
    """Cohen's kappa of a square table of counts; NaN where chance alone agrees everywhere."""
    total = counts.sum()
    if not total:
        return math.nan
    by_chance = float(counts.sum(axis=1) @ counts.sum(axis=0)) / float(total) ** 2
    agreed = float(np.trace(counts)) / float(total)
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else math.nan


def shared(client: Sequence[Span], therapist: Sequence[Span], *, least: float) -> list[Span]:
    """Spans of the client's picks that the therapist picked too, cut to what they have in common.

    Two picks are shared when the time in common is at least `least` of the time either covers
    (intersection over union); each counts once, the best pairs first.
    """
    pairs = sorted(
        ((_iou([a], [b]), a, b) for a in client for b in therapist), key=lambda pair: -pair[0]
    )
    taken: set[tuple[str, Span]] = set()
    found: list[Span] = []
    for share, a, b in pairs:
        if share < least or taken & {("client", a), ("therapist", b)}:
            continue
        taken |= {("client", a), ("therapist", b)}
        found.append((max(a[0], b[0]), min(a[1], b[1])))
    return sorted(found)


def overlap_share(client: Sequence[Span], therapist: Sequence[Span]) -> float:
    """Intersection over union of all picks of one kind; NaN where one rater has none."""
    return _iou(client, therapist) if client and therapist else math.nan


def divergence(client: Floats, therapist: Floats, *, window_s: Seconds) -> Floats:
    """Client minus therapist, running means of `window_s`, each from its own median; shape (n,).

    Parameters
    ----------
    client, therapist
        One value a second, shape (n,), NaN where not rated; so is a mean of which under half is.
    """
    return _off_median(client, window_s) - _off_median(therapist, window_s)


def running_mean(dial: Floats, *, window_s: Seconds) -> Floats:
    """Mean of `window_s` around every second, shape (n,); NaN where under half of it is rated."""
    known = np.isfinite(dial)
    at = np.flatnonzero(known).astype(np.float64)
    seconds = np.column_stack([at, at + 1])
    middle = np.arange(len(dial), dtype=np.float64) + 0.5
    around = Windows(middle - window_s / 2, middle + window_s / 2)
    rated_s = amount_inside(seconds, np.ones(len(at)), around)
    totals = amount_inside(seconds, dial[known], around)
    enough = rated_s >= window_s / 2
    return np.divide(totals, rated_s, out=np.full(len(dial), np.nan), where=enough)


def divergences(
    course: Floats,
    *,
    least_points: float,
    least_madn: float,
    least_s: Seconds,
    bridge_s: Seconds,
    most: int,
) -> list[Divergence]:
    """The stretches of a `divergence` farthest from its usual, in order of size.

    Parameters
    ----------
    course : one value a second, shape (n,), NaN where not rated
    least_points, least_madn : how far every second of a stretch must lie from 0 and from the median
    least_s : how long it must last; stretches of one side up to `bridge_s` apart are one
    """
    known = course[np.isfinite(course)]
    if not len(known):
        return []
    centre = float(np.median(known))
    spread = MADN * float(np.median(np.abs(known - centre)))
    marked = (np.abs(course) >= least_points) & (np.abs(course - centre) >= least_madn * spread)
    found = [
        _described(course, span, centre, spread)
        for side in (course > 0, course < 0)
        for span in _stretches(marked & side, least_s, bridge_s)
    ]
    return sorted(found, key=lambda one: (-round(abs(one.points), 6), one.start_s))[:most]


def _stretches(on: NDArray[np.bool_], least_s: Seconds, bridge_s: Seconds) -> list[Span]:
    long_enough = runs(on, max(1, math.ceil(least_s)))
    return union(((float(first), float(stop)) for first, stop in long_enough), bridge_s=bridge_s)


def _described(course: Floats, span: Span, centre: float, spread: float) -> Divergence:
    first, stop = int(span[0]), int(span[1])
    peak = first + int(np.nanargmax(np.round(np.abs(course[first:stop]), 9)))
    points = float(course[peak])
    madn = (points - centre) / spread if spread > NO_SPREAD else None
    return Divergence(*span, float(peak), points, centre, madn)


def _off_median(dial: Floats, window_s: Seconds) -> Floats:
    known = dial[np.isfinite(dial)]
    return running_mean(dial, window_s=window_s) - np.median(known) if len(known) else dial


def _level(values: Floats) -> NDArray[np.int64]:
    return np.where(values > HELPFUL_ABOVE, 0, np.where(values < HINDERING_BELOW, 2, 1))


def _iou(a: Sequence[Span], b: Sequence[Span]) -> float:
    if len(a) == len(b) == 1:
        common = overlap_s(a[0], b[0])
        return common / (a[0][1] - a[0][0] + b[0][1] - b[0][0] - common)
    common = _length_s(intersection(as_array(a), as_array(b)))
    return common / _length_s(as_array((*a, *b)))


def _length_s(spans: Floats) -> float:
    return float(np.sum(spans[:, 1] - spans[:, 0]))
