"""What many dyads say together: pooled estimates, tests and intervals across independent units.

Each function takes one number per unit and knows nothing of what the number means. The unit is
the dyad: what is measured twice in one dyad is brought together before it comes here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipeline.dials.congruence import correlation_interval

Floats = NDArray[np.float64]

EXACT_SIGNS_MAX = 20
"""Up to so many units all sign patterns are counted."""
DRAWN_SIGNS = 99_999
"""Above it, this many are drawn."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval; all None where it cannot be had."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Pooled:
    """A random-effects mean of k estimates."""

    k: int
    estimate: float
    low: float
    high: float
    p: float
    """Of the mean being 0, two-sided, t with k - 1 degrees of freedom."""
    tau: float
    """Standard deviation of the true values between units."""
    q: float
    """Cochran's Q."""
    prediction_low: float
    prediction_high: float
    """Where the true value of a new unit lies in 95 of 100 cases, t with k - 2."""
    weights: Floats
    """Shares of the mean, shape (k,), summing to 1."""


def random_effects(estimates: Sequence[float], variances: Sequence[float]) -> Pooled | None:
    """DerSimonian-Laird mean with the interval of Hartung and Knapp; None under three units.

    Parameters
    ----------
    estimates, variances : shape (k,)
        On a scale where sampling is near normal (z of a correlation); variances above 0.

    References
    ----------
    DerSimonian & Laird (1986); Hartung & Knapp (2001); prediction interval: Higgins, Thompson &
    Spiegelhalter (2009), with the standard error of Hartung and Knapp (Partlett & Riley 2017).
    """
    y, v = np.asarray(estimates, np.float64), np.asarray(variances, np.float64)
    k = len(y)
    if k < 3:  # a prediction interval needs k - 2 degrees of freedom
        return None
    fixed = 1 / v
    q = float(np.sum(fixed * (y - np.average(y, weights=fixed)) ** 2))
    scale = fixed.sum() - np.sum(fixed**2) / fixed.sum()
    tau2 = max(0.0, (q - (k - 1)) / float(scale))
    weights = 1 / (v + tau2)
    mean = float(np.average(y, weights=weights))
    spread = float(np.sum(weights * (y - mean) ** 2)) / (k - 1)
    error = math.sqrt(spread / float(weights.sum()))
    half = float(stats.t.ppf((1 + LEVEL) / 2, k - 1)) * error
    reach = float(stats.t.ppf((1 + LEVEL) / 2, k - 2)) * math.sqrt(tau2 + error**2)
    return Pooled(
        k=k,
        estimate=mean,
        low=mean - half,
        high=mean + half,
        p=float(2 * stats.t.sf(abs(mean) / error, k - 1)) if error > 0 else float(mean == 0),
        tau=math.sqrt(tau2),
        q=q,
        prediction_low=mean - reach,
        prediction_high=mean + reach,
        weights=weights / weights.sum(),
    )


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean of independent units with its t interval; no interval under two units."""
    x = np.asarray(values, np.float64)
    if len(x) < 2:
        return Interval(float(x[0]) if len(x) else None, None, None)
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x)))
    return Interval(float(x.mean()), float(x.mean()) - half, float(x.mean()) + half)


def sign_flip_p(values: Sequence[float], seed: int = 0) -> float:
    """Two-sided p of a mean of 0 when every unit's sign is as likely to be the other (Fisher 1935).

    All 2**n patterns up to `EXACT_SIGNS_MAX` units, else `DRAWN_SIGNS` drawn ones and the observed.
    With n units p is never under 2 / 2**n.
    """
    x = np.asarray(values, np.float64)
    least = abs(float(x.sum())) - 1e-9 * float(np.abs(x).sum())  # sums differ in their last digits
    if len(x) <= EXACT_SIGNS_MAX:
        # every sum of the whole is a sum of one half plus a sum of the other
        halves = [_signed_sums(x[: len(x) // 2]), _signed_sums(x[len(x) // 2 :])]
        return float(np.mean(np.abs(np.add.outer(*halves)) >= least))
    sums = _drawn_signs(len(x), seed) @ x
    return float((1 + np.sum(np.abs(sums) >= least)) / (1 + DRAWN_SIGNS))


@lru_cache(maxsize=1)
def _drawn_signs(n: int, seed: int) -> Floats:
    """Random signs, shape (`DRAWN_SIGNS`, n); kept, because many features have the same n."""
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([-1.0, 1.0]), (DRAWN_SIGNS, n))


def _signed_sums(x: Floats) -> Floats:
    """Sum of `x` under each of its 2**n sign patterns, shape (2**n,)."""
    sums = np.zeros(1)
    for value in x:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p (q) of each test; None stays None and is not counted as a test.

    References
    ----------
    Benjamini & Hochberg (1995).
    """
    tested = [p for p in p_values if p is not None]
    adjusted = iter(stats.false_discovery_control(tested, method="bh") if tested else [])
    return [None if p is None else float(next(adjusted)) for p in p_values]


def wilson(count: int, total: int) -> Interval:
    """A share with Wilson's interval (Wilson 1927); empty where there is nothing to share."""
    if not total:
        return Interval(None, None, None)
    limits: Any = stats.binomtest(count, total).proportion_ci(LEVEL, method="wilson")
    return Interval(count / total, float(limits.low), float(limits.high))


def newcombe_difference(now: tuple[int, int], before: tuple[int, int]) -> Interval:
    """Share `now` minus share `before`, each (count, total) of its own people.

    Newcombe's hybrid of the two Wilson intervals (Newcombe 1998, method 10).
    """
    first, second = wilson(*now), wilson(*before)
    if first.estimate is None or second.estimate is None:
        return Interval(None, None, None)
    assert first.low is not None and first.high is not None  # noqa: PT018 - both come with it
    assert second.low is not None and second.high is not None  # noqa: PT018
    difference = first.estimate - second.estimate
    under = math.hypot(first.estimate - first.low, second.high - second.estimate)
    over = math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Interval(difference, difference - under, difference + over)


@dataclass(frozen=True, slots=True)
class WithinUnits:
    """Sums of squares and products about each unit's own means, added over units."""

    xx: float
    yy: float
    xy: float
    units: int
    observations: float
    """Number of independent pairs they rest on."""


def within_units(pairs: Sequence[tuple[Floats, Floats]], observations: float) -> WithinUnits:
    """Sums over units of paired observations; each pair of arrays has shape (n,), no NaN."""
    xx = yy = xy = 0.0
    for x, y in pairs:
        dx, dy = x - x.mean(), y - y.mean()
        xx, yy, xy = xx + float(dx @ dx), yy + float(dy @ dy), xy + float(dx @ dy)
    return WithinUnits(xx, yy, xy, len(pairs), observations)


def repeated_measures_correlation(sums: WithinUnits) -> tuple[Interval, float | None]:
    """Common within-unit correlation of repeated pairs, its interval and two-sided p.

    The slope is the same for all units, the level is each unit's own. Degrees of freedom are
    observations - units - 1; with an effective number of observations, those (Bakdash & Marusich
    2017 assume independent errors within a unit).
    """
    if not sums.units or sums.xx <= 0 or sums.yy <= 0:
        return Interval(None, None, None), None
    r = sums.xy / math.sqrt(sums.xx * sums.yy)
    df = sums.observations - sums.units - 1
    if df <= 1 or abs(r) >= 1:
        return Interval(r, None, None), None
    t = r * math.sqrt(df / (1 - r * r))
    # z has variance 1 / (N - 3) with N - 2 degrees of freedom
    return Interval(r, *correlation_interval(r, df + 2)), float(2 * stats.t.sf(abs(t), df))
