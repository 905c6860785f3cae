"""How long after a change of turn a rater's dial moves: an estimate, for information only.

A hand follows what is heard by one to six seconds, by rater (Mariooryad and Busso 2013, 2015). They
find the delay by aligning ratings with the speech that was rated; so do we, without any model of
what was said: if a rater follows the talk, the dial moves more often at one delay after the ends of
turns than at others. The estimate is the delay at which the rate of change, summed over all changes
of turn, is highest. Its interval is a bootstrap over minutes of the session. Whether there is a
peak at all is asked of the same session with the dial shifted round by at least a minute; without
one the lag cannot be told.

It never moves a rating: the lag taken off is fixed in the profile, and nothing here looks at the
other rater. Caveat: a rater who answers what is said within turns, or the looks of a person, has a
lag that this cannot see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Floats = NDArray[np.float64]

STEP_S = 0.25
LOWEST_S, HIGHEST_S = 0.0, 6.0
"""Lags a rater can have (Mariooryad and Busso 2015)."""
MARGIN_S = 3.0
"""Looked at beyond both, so that a peak out there is not mistaken for one at the border."""
SMOOTHING_S = 0.75
LARGEST_MOVE = 10.0
"""One big turn of the dial counts no more than this many points a second."""
SHIFT_MIN_S = 60.0
ALPHA = 0.05
WIDEST_S = 3.0
"""An interval wider than this says nothing."""
DRAWS = 400
BLOCK_S = 60.0
TIMING_S = 0.1
"""Added at both ends: ratings of whole seconds place a step no better."""
LONG_ENOUGH_S = 600.0
TURNS_MIN, MOVES_MIN = 20, 10


@dataclass(frozen=True, slots=True)
class Lag:
    """A rater's lag, or why it cannot be told."""

    estimate_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    """95 % bootstrap interval, and `TIMING_S` at both ends."""
    reason: str | None = None
    """One of `pipeline.tables.REASONS`: no_speech, too_short, few_samples, lag_unsure."""


def turn_changes(turns: Sequence[Mapping[str, Any]]) -> Floats:
    """Ends of the turns after which another voice has the floor, s; shape (n,)."""
    floor = sorted((t for t in turns if t["takes_floor"]), key=lambda turn: turn["start_s"])
    ends = [one["end_s"] for one, other in pairwise(floor) if one["speaker"] != other["speaker"]]
    return np.array(ends, np.float64)


def estimate_lag(course: Floats, changes_s: Floats) -> Lag:
    """Lag of one dial behind the changes of turn.

    Parameters
    ----------
    course : shape (n_seconds,), as rated, lag not taken off; NaN where not rated
    changes_s : shape (n,), session clock

    Returns
    -------
    Lag
        With a reason instead of numbers where nothing can be said. The same input gives the same
        interval: the bootstrap's seed is fixed.
    """
    if not len(changes_s):
        return Lag(reason="no_speech")
    rated = np.flatnonzero(np.isfinite(course))
    if not len(rated) or rated[-1] - rated[0] < LONG_ENOUGH_S:
        return Lag(reason="too_short")
    first = float(rated[0])
    course = course[rated[0] : rated[-1] + 1]
    changes_s = changes_s - first
    changes_s = changes_s[
        (changes_s >= MARGIN_S) & (changes_s < len(course) - HIGHEST_S - MARGIN_S)
    ]
    moving = _change_rate(course)
    if len(changes_s) < TURNS_MIN or np.count_nonzero(np.abs(np.diff(course)) > 0) < MOVES_MIN:
        return Lag(reason="few_samples")
    if not _stands_out(moving, changes_s):
        return Lag(reason="lag_unsure")
    low, estimate, high = _bootstrap(moving, changes_s)
    if not LOWEST_S <= estimate <= HIGHEST_S or high - low > WIDEST_S:
        return Lag(reason="lag_unsure")
    return Lag(estimate, low, high)


def _change_rate(course: Floats) -> Floats:
    """Points moved per second, every `STEP_S`, smoothed; shape (len(course) / STEP_S,).

    Means of whole seconds tell a step's time only when both seconds are weighed, as here: each
    difference is spread over the second between the two middles.
    """
    size = np.abs(np.diff(course))
    size = np.minimum(np.where(np.isfinite(size), size, 0.0), LARGEST_MOVE)
    moved = np.concatenate([[0.0], np.cumsum(size)])
    middles = np.arange(len(course)) + 0.5
    at = np.arange(0.0, len(course), STEP_S)
    rate = np.interp(at + STEP_S / 2, middles, moved) - np.interp(at - STEP_S / 2, middles, moved)
    return np.asarray(gaussian_filter1d(rate / STEP_S, SMOOTHING_S / STEP_S, mode="constant"))


def _stands_out(moving: Floats, changes_s: Floats) -> bool:
    """Whether the dial moves more at some lag from 0 to 6 s than it would by chance.

    Chance is the same maximum after shifting the dial round the session by every whole second from
    one minute on, which keeps both rhythms.
    """
    n = len(moving)
    hits = np.bincount(np.round(changes_s / STEP_S).astype(int) % n, minlength=n)
    summed = np.fft.irfft(np.fft.rfft(moving) * np.conj(np.fft.rfft(hits)), n)
    width = round((HIGHEST_S - LOWEST_S) / STEP_S) + 1
    around = np.concatenate([summed, summed[: width - 1]])
    highest = np.lib.stride_tricks.sliding_window_view(around, width).max(axis=1)
    away = round(SHIFT_MIN_S / STEP_S)
    chance = highest[away : n - away - width : round(1 / STEP_S)]
    return bool((1 + np.sum(chance >= highest[0])) / (1 + len(chance)) <= ALPHA)


def _bootstrap(moving: Floats, changes_s: Floats) -> tuple[float, float, float]:
    """Lower bound, estimate and upper bound: minutes of the session drawn with replacement."""
    lags = np.arange(LOWEST_S - MARGIN_S, HIGHEST_S + MARGIN_S + STEP_S / 2, STEP_S)
    at = np.arange(len(moving)) * STEP_S
    after = np.interp(changes_s[:, None] + lags, at, moving)
    minute = (changes_s // BLOCK_S).astype(int)
    blocks = np.zeros((minute.max() + 1, len(lags)))
    np.add.at(blocks, minute, after)
    n = len(blocks)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=DRAWS) @ blocks
    low, high = np.percentile([_peak_s(lags, summed) for summed in draws], [2.5, 97.5])
    return float(low) - TIMING_S, _peak_s(lags, blocks.sum(axis=0)), float(high) + TIMING_S


def _peak_s(lags: Floats, summed: Floats) -> float:
    """Lag of the maximum, between grid points by a parabola."""
    i = int(np.argmax(summed))
    if not 0 < i < len(summed) - 1:
        return float(lags[i])
    before, here, after = summed[i - 1 : i + 2]
    bend = before - 2 * here + after
    return float(lags[i] + (STEP_S * (before - after) / (2 * bend) if bend else 0.0))
