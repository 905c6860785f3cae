"""How closely two dials of one session follow each other, and how sure one can be of it.

Both dials are slow, so neighbouring seconds are hardly new information: independent dials give a
naive p < .05 in most sessions. Two answers are given instead, both on bins of 5 s: an interval from
the effective number of independent bins (Pyper and Peterman 1998), and the share of circular shifts
of one dial against the other that do as well (all shifts of at least a minute). Where the best of
several lags is looked for, the shifts are given the same choice.

Caveat: on slow dials both tests are mildly liberal (`bench/congruence.py` measures it). Below 30
effective bins nothing should be read from the numbers; they say so themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.stats import rankdata

from pipeline.dials.truth_and_bias import truth_and_bias
from pipeline.timeline import Floats, Seconds

N_EFF_MIN = 30
"""Fewer independent bins than this, and the numbers say nothing."""
Z_95 = 1.959964
BINS_MIN = 10
SHIFTS_MIN = 19
"""Fewer shifts cannot give p = .05."""
RATED_SHARE_MIN = 0.5
_TIE = 1e-9
_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Congruence:
    """Two dials compared; a number is NaN where it could not be had."""

    n_bins: int
    """Bins in which both are rated."""
    n_eff: float
    """Of how many independent bins they are worth."""
    r: float
    """Pearson's correlation of the bins."""
    r_low: float
    r_high: float
    """95 % interval by `n_eff`."""
    r_p_shift: float
    rho: float
    """Spearman's correlation of the bins."""
    rho_p_shift: float
    ccc: float
    """Lin's concordance: 1 only where both dials show the same values."""
    r_difference: float
    """Pearson's correlation of the changes from bin to bin."""
    peak_lag_s: Seconds
    """Where the seconds correlate most; + = the therapist's dial follows the client's."""
    peak_r: float
    peak_p_shift: float
    mean_difference: float
    """Therapist minus client, points, over the seconds both rated."""
    bias: float
    """b0: therapist minus client, points, at the client's mean."""
    bias_low: float
    bias_high: float
    tracking: float
    """b1: points the therapist's dial moves per point of the client's."""
    tracking_low: float
    tracking_high: float
    is_interpretable: bool
    reason: str | None
    """One of `pipeline.tables.REASONS`; None where `is_interpretable`."""


def congruence(
    client: Floats,
    therapist: Floats,
    *,
    bin_s: Seconds = 5.0,
    shortest_shift_s: Seconds = 60.0,
    max_lag_s: Seconds = 10.0,
) -> Congruence:
    """Compare two dials of one session.

    Parameters
    ----------
    client, therapist
        One value a second on the same clock, shape (n_seconds,), points 0-100; NaN where not
        rated. Each with the same reaction lag taken off, never fitted to the other.
    bin_s
        Length of the bins, whole seconds.
    shortest_shift_s
        Circular shifts nearer than this to none are no null.
    max_lag_s
        The peak is looked for within plus and minus this.

    Raises
    ------
    ValueError
        The dials differ in length, or `bin_s` is not a whole number of seconds.
    """
    width = _whole_seconds(bin_s)
    x, y = both_rated(client, therapist)
    a, b = binned(x, width), binned(y, width)
    n = int(np.isfinite(a).sum())
    mean_difference = float(np.nanmean(y - x)) if n else math.nan
    if n < BINS_MIN or _is_flat(a) or _is_flat(b):
        return _undefined(n, mean_difference)
    n_eff = effective_n(a, b)
    r, r_p = shift_test(a, b, shortest=math.ceil(shortest_shift_s / bin_s))
    rho, rho_p = shift_test(_ranks(a), _ranks(b), shortest=math.ceil(shortest_shift_s / bin_s))
    peak_lag, peak_r, peak_p = peak_test(
        x, y, max_lag=int(max_lag_s), shortest=math.ceil(shortest_shift_s)
    )
    r_low, r_high = correlation_interval(r, n_eff)
    line = truth_and_bias(a, b)
    is_interpretable = n_eff >= N_EFF_MIN
    return Congruence(
        n_bins=n,
        n_eff=n_eff,
        r=r,
        r_low=r_low,
        r_high=r_high,
        r_p_shift=r_p,
        rho=rho,
        rho_p_shift=rho_p,
        ccc=concordance(a, b),
        r_difference=pearson(np.diff(a), np.diff(b)),
        peak_lag_s=float(peak_lag),
        peak_r=peak_r,
        peak_p_shift=peak_p,
        mean_difference=mean_difference,
        bias=line.b0,
        bias_low=line.b0_low,
        bias_high=line.b0_high,
        tracking=line.b1,
        tracking_low=line.b1_low,
        tracking_high=line.b1_high,
        is_interpretable=is_interpretable,
        reason=None if is_interpretable else "few_samples",
    )


def both_rated(client: Floats, therapist: Floats) -> tuple[Floats, Floats]:
    """From the first to the last second both rated; NaN in both where either is not."""
    if client.shape != therapist.shape:
        raise ValueError(
            f"the client's dial has {len(client)} seconds and the therapist's {len(therapist)}; "
            "put both on the seconds of the session first"
        )
    known = np.isfinite(client) & np.isfinite(therapist)
    at = np.flatnonzero(known)
    part = slice(at[0], at[-1] + 1) if len(at) else slice(0, 0)
    x, y = (np.where(known, dial, np.nan)[part] for dial in (client, therapist))
    return x, y


def binned(values: Floats, width: int) -> Floats:
    """Mean of every whole bin of `width` values; NaN where under half of it is known."""
    whole = values[: len(values) // width * width].reshape(-1, width)
    known = np.isfinite(whole)
    count = known.sum(axis=1)
    total = np.where(known, whole, 0.0).sum(axis=1)
    enough = count >= width * RATED_SHARE_MIN
    return np.divide(total, count, out=np.full(len(whole), np.nan), where=enough)


def effective_n(a: Floats, b: Floats) -> float:
    """Number of independent pairs that two autocorrelated series are worth in a correlation.

    ``n / (1 + 2 sum_j (1 - j/n) rho_a(j) rho_b(j))`` (Pyper and Peterman 1998), summed up to the
    first lag at which either is not above 0. That is the first product not above 0, except where
    both turn negative at once: dials that agree closely would else be charged for noise at every
    lag, and called unreadable for agreeing. NaN where either never changes.

    Parameters
    ----------
    a, b : shape (n_bins,), NaN where not rated
    """
    n = int((np.isfinite(a) & np.isfinite(b)).sum())
    rho_a, rho_b = autocorrelation(a)[1:n], autocorrelation(b)[1:n]
    if n < 3 or not np.isfinite(rho_a[0] * rho_b[0]):
        return math.nan
    ended = np.flatnonzero(~((rho_a > 0) & (rho_b > 0)))
    last = int(ended[0]) if len(ended) else len(rho_a)
    lags = np.arange(1, last + 1)
    shared = np.sum((1 - lags / n) * rho_a[:last] * rho_b[:last])
    return float(n / (1 + 2 * shared))


def autocorrelation(values: Floats) -> Floats:
    """Autocorrelation at lags 0 to n - 1, from the pairs that are known; shape (n,).

    Sums are divided by the number of pairs, not by n: with the latter long lags of slow dials
    come out too low and the effective number too high.
    """
    known = np.isfinite(values)
    centred = np.where(known, values - values[known].mean(), 0.0)
    size = 2 * len(values)
    spectra = np.fft.rfft(np.vstack([centred, known]), size)
    sums, pairs = np.fft.irfft(np.abs(spectra) ** 2, size)[:, : len(values)]
    pairs = np.round(pairs)
    mean = np.divide(sums, pairs, out=np.full(len(values), np.nan), where=pairs > 0)
    return np.asarray(mean / mean[0]) if mean[0] > _FLAT else np.full(len(values), np.nan)


def correlation_interval(r: float, n_eff: float) -> tuple[float, float]:
    """95 % interval ``tanh(atanh r +- 1.96 / sqrt(n_eff - 3))``; NaN up to 3 effective pairs."""
    if not n_eff > 3 or not abs(r) < 1:
        return math.nan, math.nan
    half = Z_95 / math.sqrt(n_eff - 3)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def circular_correlations(a: Floats, b: Floats) -> Floats:
    """Correlation of ``a[t]`` with ``b[t + k]``, the end joined to the start, for every k.

    Parameters
    ----------
    a, b : shape (n,), NaN where not rated; pairs with either missing are left out
    """
    known_a, known_b = np.isfinite(a), np.isfinite(b)
    x = np.where(known_a, a - a[known_a].mean(), 0.0)
    y = np.where(known_b, b - b[known_b].mean(), 0.0)
    left = np.conj(np.fft.rfft(np.vstack([known_a, x, x**2])))
    right = np.fft.rfft(np.vstack([known_b, y, y**2]))

    def sums(i: int, j: int) -> Floats:
        return np.asarray(np.fft.irfft(left[i] * right[j], len(a)))

    pairs = np.maximum(sums(0, 0), 1.0)
    mean_x, mean_y = sums(1, 0) / pairs, sums(0, 1) / pairs
    scale = (sums(2, 0) / pairs - mean_x**2) * (sums(0, 2) / pairs - mean_y**2)
    together = sums(1, 1) / pairs - mean_x * mean_y
    scale = np.sqrt(np.maximum(scale, 0.0))
    every = np.divide(together, scale, out=np.full(len(a), np.nan), where=scale > _FLAT)
    return np.clip(every, -1.0, 1.0)  # which rounding may pass


def shift_test(a: Floats, b: Floats, *, shortest: int) -> tuple[float, float]:
    """Correlation, and the share of circular shifts by at least `shortest` that reach its size."""
    every = circular_correlations(a, b)
    return float(every[0]), _share_as_large(np.abs(every), shortest)


def peak_test(a: Floats, b: Floats, *, max_lag: int, shortest: int) -> tuple[int, float, float]:
    """Lag at which `b` follows `a` best, the correlation there, and its circular-shift p.

    Every shift may choose its own best lag, as the unshifted dials do. Ties go to the shortest lag.
    """
    every = circular_correlations(a, b)
    max_lag = min(max_lag, (len(a) - 1) // 2)
    lags = sorted(range(-max_lag, max_lag + 1), key=lambda lag: (abs(lag), lag))
    sizes = np.nan_to_num(np.abs(every), nan=0.0)
    best = lags[int(np.argmax(np.round(sizes[lags], 9)))]
    largest = maximum_filter1d(sizes, 2 * max_lag + 1, mode="wrap")
    return best, float(every[best]), _share_as_large(largest, shortest + max_lag)


def concordance(a: Floats, b: Floats) -> float:
    """Lin's (1989) concordance correlation over the pairs that are known."""
    known = np.isfinite(a) & np.isfinite(b)
    x, y = a[known], b[known]
    scale = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(2 * np.mean((x - x.mean()) * (y - y.mean())) / scale) if scale > 0 else math.nan


def pearson(a: Floats, b: Floats) -> float:
    """Pearson's correlation over the pairs that are known; NaN where either never changes."""
    known = np.isfinite(a) & np.isfinite(b)
    x, y = a[known], b[known]
    if len(x) < 3 or _is_flat(x) or _is_flat(y):
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def _share_as_large(sizes: Floats, shortest: int) -> float:
    """(1 + shifts that reach the unshifted size) / (1 + shifts); NaN with too few of them."""
    n = len(sizes)
    steps = np.arange(n)
    null = sizes[(np.minimum(steps, n - steps) >= shortest) & np.isfinite(sizes)]
    if len(null) < SHIFTS_MIN or not np.isfinite(sizes[0]):
        return math.nan
    return float((1 + np.count_nonzero(null >= sizes[0] - _TIE)) / (1 + len(null)))


def _ranks(values: Floats) -> Floats:
    known = np.isfinite(values)
    ranks = np.full(len(values), np.nan)
    ranks[known] = rankdata(values[known])
    return ranks


def _is_flat(values: Floats) -> bool:
    known = values[np.isfinite(values)]
    return not len(known) or float(np.ptp(known)) < _FLAT


def _whole_seconds(bin_s: Seconds) -> int:
    if bin_s < 1 or bin_s != int(bin_s):
        raise ValueError(f"bin_s = {bin_s}; allowed: whole seconds, at least 1")
    return int(bin_s)


def _undefined(n: int, mean_difference: float) -> Congruence:
    """What is left where one dial never changes, or hardly a bin is rated by both."""
    values: dict[str, Any] = {field.name: math.nan for field in fields(Congruence)}
    values |= {"n_bins": n, "mean_difference": mean_difference, "is_interpretable": False}
    return Congruence(**values | {"reason": "few_samples" if n < BINS_MIN else "dial_unsure"})
