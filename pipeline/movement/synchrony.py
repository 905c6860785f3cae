"""Co-movement of two courses: windowed cross-lagged correlation, and surrogates for chance.

Two people who move independently still correlate in any half-minute, because movement comes in
bursts. So the mean correlation is reported beside what the same two courses give when their
segments are paired wrongly (Tschacher & Meier 2020): how far the true pairing lies above that is
`effect_size`, in standard deviations of the wrong ones.

    z(w, l) = min(|artanh r|, cap) with its sign, r = Pearson's of a[t] with b[t + l] in window w

A positive lag means that `a` moves first (Boker et al. 2002). Within a window only the part that
both have at that lag is used. Samples that are not valid have no weight.

Caveat: co-movement above chance is not influence. A noise in the room, turn-taking, or a camera
that shakes moves both people too; what is common to the whole picture is taken out before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20141979
"""Of the surrogates: the same recording gives the same numbers."""
SEGMENTS_MIN = 10
"""Fewer segments have too few wrong pairings to say what chance gives."""


@dataclass(frozen=True, slots=True)
class LagCorrelation:
    """Windowed cross-lagged correlation."""

    lags_s: Floats
    """Shape (lags,); positive = the first course leads."""
    z: Floats
    """Fisher z, shape (windows, lags)."""

    @property
    def mean_abs_z(self) -> float:
        """Mean of |z| over windows and lags; NaN without any window."""
        return float(np.abs(self.z).mean()) if len(self.z) else float("nan")

    def peak(self) -> tuple[float, float]:
        """Lag in s, between samples by a parabola, where the mean z lies farthest from 0; that z.

        NaN, NaN without any window.
        """
        if not len(self.z):
            return float("nan"), float("nan")
        mean = self.z.mean(axis=0)
        top = int(np.argmax(np.abs(mean)))
        if not 0 < top < len(mean) - 1:
            return float(self.lags_s[top]), float(mean[top])
        before, here, after = mean[top - 1 : top + 2].tolist()
        bend = before - 2 * here + after
        shift = 0.5 * (before - after) / bend if bend else 0.0
        step_s = float(self.lags_s[1] - self.lags_s[0])
        lag_s = float(self.lags_s[top]) + shift * step_s
        return lag_s, here - 0.25 * (before - after) * shift


@dataclass(frozen=True, slots=True)
class AboveChance:
    """The true pairing of segments against wrong ones."""

    mean_abs_z: float
    chance_mean: float
    chance_sd: float
    effect_size: float
    """(mean_abs_z - chance_mean) / chance_sd."""
    p: float
    """Share of pairings, the true one among them, that reach at least as high."""
    segments: int


def lag_correlation(
    a: Floats,
    b: Floats,
    *,
    step_s: float,
    window_s: float = 60.0,
    hop_s: float = 30.0,
    lag_max_s: float = 5.0,
    valid_min: float = 0.9,
    z_cap: float = 10.0,
) -> LagCorrelation:
    """Correlation of two courses in every window at every lag.

    Parameters
    ----------
    a, b : shape (n,), evenly `step_s` apart, NaN where not valid
    valid_min : least valid share of each course in a window; other windows are left out
    """
    windows = _paired_cuts(a, b, round(window_s / step_s), round(hop_s / step_s), valid_min)
    lags = _lags(lag_max_s, step_s)
    z = [_fisher(np.sum(x * y, axis=1), z_cap) for x, y in _overlaps(*windows, lags)]
    return LagCorrelation(
        np.asarray(lags * step_s, np.float64), np.asarray(z, np.float64).T.reshape(-1, len(lags))
    )


def above_chance(
    a: Floats,
    b: Floats,
    *,
    step_s: float,
    segment_s: float = 30.0,
    lag_max_s: float = 3.0,
    surrogates: int = 500,
    valid_min: float = 0.9,
    z_cap: float = 10.0,
) -> AboveChance | None:
    """Surrogate synchrony: mean |z| of segments against pairings in which none keeps its partner.

    Parameters
    ----------
    a, b : shape (n,), evenly `step_s` apart, NaN where not valid
    segment_s : at least twice `lag_max_s`

    Returns
    -------
    None with fewer than `SEGMENTS_MIN` segments of which both courses are valid.
    """
    length = round(segment_s / step_s)
    segments = _paired_cuts(a, b, length, length, valid_min)
    count = len(segments[0])
    if count < SEGMENTS_MIN:
        return None
    lags = _lags(lag_max_s, step_s)
    z = np.zeros((count, count))
    for x, y in _overlaps(*segments, lags):
        z += np.abs(_fisher(x @ y.T, z_cap))
    z /= len(lags)
    wrong = derangements(count, surrogates, np.random.default_rng(SEED))
    by_chance = z[np.arange(count), wrong].mean(axis=1)
    true = float(np.trace(z)) / count
    mean, sd = float(by_chance.mean()), float(by_chance.std(ddof=1))
    effect = (true - mean) / sd if sd > 0 else float("nan")
    p = (1 + int(np.sum(by_chance >= true))) / (1 + surrogates)
    return AboveChance(true, mean, sd, effect, p, count)


def derangements(count: int, wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Random permutations in which nothing keeps its place, shape (wanted, count); count >= 2."""
    found = np.empty((0, count), np.intp)
    while len(found) < wanted:
        drawn = np.argsort(rng.random((3 * wanted, count)), axis=1)  # one in e has no fixed point
        moved = drawn[(drawn != np.arange(count)).all(axis=1)]
        found = np.concatenate([found, moved])
    return found[:wanted]


def _lags(lag_max_s: float, step_s: float) -> NDArray[np.intp]:
    most = round(lag_max_s / step_s)
    return np.arange(-most, most + 1)


def _paired_cuts(
    a: Floats, b: Floats, length: int, hop: int, valid_min: float
) -> tuple[Floats, Floats]:
    """Cuts of both courses where both are valid enough, each of shape (cuts, length)."""
    if len(a) < length:
        return np.empty((0, length)), np.empty((0, length))
    cuts = [np.lib.stride_tricks.sliding_window_view(course, length)[::hop] for course in (a, b)]
    kept = np.logical_and(*(np.isfinite(cut).mean(axis=1) >= valid_min for cut in cuts))
    return cuts[0][kept], cuts[1][kept]


def _overlaps(a: Floats, b: Floats, lags: NDArray[np.intp]) -> Iterator[tuple[Floats, Floats]]:
    """For each lag the overlapping parts of both, each row of mean 0 and length 1."""
    length = a.shape[1]
    for lag in lags.tolist():
        early, late = slice(0, length - abs(lag)), slice(abs(lag), length)
        mine, theirs = (early, late) if lag >= 0 else (late, early)
        yield _unit(a[:, mine]), _unit(b[:, theirs])


def _unit(rows: Floats) -> Floats:
    """Rows of mean 0 and length 1; what is not valid is 0, and so is a row without any change."""
    valid = np.isfinite(rows)
    count = np.maximum(valid.sum(axis=1, keepdims=True), 1)
    mean = np.where(valid, rows, 0.0).sum(axis=1, keepdims=True) / count
    centred = np.where(valid, rows - mean, 0.0)
    norm = np.sqrt(np.sum(centred**2, axis=1, keepdims=True))
    return np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 1e-12)


def _fisher(r: Floats, cap: float) -> Floats:
    with np.errstate(divide="ignore"):  # r = 1 is infinite, and then capped
        return np.clip(np.arctanh(np.clip(r, -1.0, 1.0)), -cap, cap)
