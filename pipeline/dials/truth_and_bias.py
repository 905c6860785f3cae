"""Truth and bias of one dial against the other (West and Kenny 2011).

``T - mean(C) = b0 + b1 (C - mean(C)) + e``, with the client's dial C as the truth and the
therapist's as T. b0 is how much higher the therapist rates at the client's mean, b1 how many points
T moves per point of C. That is congruence, not accuracy: nobody was asked to guess.

Errors of slow dials last for minutes. Intervals are therefore Newey and West's (1987) over a fifth
of the session, with the critical values of Kiefer and Vogelsang (2005) for so many lags. Caveat: on
dials that drift over 80 s they still miss the truth in about one of twelve sessions, not twenty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.timeline import Floats

LONG_RUN_SHARE = 0.2
"""Lags of the long-run variance as a share of the bins."""


class Slope(NamedTuple):
    """A regression line with 95 % intervals."""

    b0: float
    b0_low: float
    b0_high: float
    b1: float
    b1_low: float
    b1_high: float


def truth_and_bias(truth: Floats, judged: Floats) -> Slope:
    """``judged - mean(truth)`` regressed on ``truth - mean(truth)``, with HAC 95 % intervals.

    Parameters
    ----------
    truth, judged : shape (n_bins,), NaN where not rated; a gap keeps its place in time
    """
    known = np.isfinite(truth) & np.isfinite(judged)
    n, centre = int(known.sum()), truth[known].mean()
    design = np.column_stack([known.astype(np.float64), np.where(known, truth - centre, 0.0)])
    answer = np.where(known, judged - centre, 0.0)
    inverse = np.linalg.inv(design.T @ design)
    b = inverse @ design.T @ answer
    scores = design * (answer - design @ b)[:, np.newaxis]
    lags = int(LONG_RUN_SHARE * n)
    variance = inverse @ _long_run(scores, lags) @ inverse * n / (n - 2)
    half = _critical(lags / n) * np.sqrt(np.maximum(np.diag(variance), 0.0))
    low, high = b - half, b + half
    return Slope(*(float(v) for v in (b[0], low[0], high[0], b[1], low[1], high[1])))


def _long_run(scores: Floats, lags: int) -> Floats:
    """Newey and West's (1987) long-run covariance of scores of shape (n, 2), Bartlett weights."""
    total = scores.T @ scores
    for lag in range(1, lags + 1):
        step = scores[lag:].T @ scores[:-lag]
        total = total + (1 - lag / (lags + 1)) * (step + step.T)
    return np.asarray(total)


def _critical(share: float) -> float:
    """Two-sided 5 % point for Bartlett weights over this share of the sample (fixed-b)."""
    return 1.96 + 2.9694 * share + 0.4160 * share**2 - 0.5324 * share**3
