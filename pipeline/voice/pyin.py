"""Probabilistic YIN: librosa's pitch tracker, computed without its dense search.

The arithmetic is that of `librosa.pyin` (Mauch & Dixon 2014, on YIN by de Cheveigne & Kawahara
2002), with its defaults, so that its results are the measure of ours. Three things make it fast:
only lags up to the lowest pitch are transformed, the prior over troughs is summed in compiled
loops, and the Viterbi search looks only where the pitch can move in one frame. Moves that librosa
rules out but for rounding are kept, as one jump from the best state of all.
Caveat: voicing depends on the limits and on the pitch grid; compare tracks made with the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import librosa
import numpy as np
import scipy.fft
import scipy.stats
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.timeline import Floats
from pipeline.voice.compiled import compiled

Singles = NDArray[np.float32]
States = NDArray[np.int64]
Priors = tuple[Floats, Floats, Floats]
"""Upper edge and weight of each threshold, (THRESHOLDS,); weight of trough k of n, [n, k]."""

THRESHOLDS = 100
BETA = (2.0, 18.0)
"""Prior over the trough threshold (Mauch & Dixon 2014)."""

BOLTZMANN = 2.0
NO_TROUGH_PROBABILITY = 0.01
SWITCH_PROBABILITY = 0.01
FASTEST_OCTAVES_PER_S = 35.92
_TINY = float(np.finfo(np.float64).tiny)
_SMALLEST_FLOAT32 = np.float32(np.finfo(np.float32).tiny)
_BLOCK_FRAMES = 256  # transformed at once; bounds memory, and fits the cache


@dataclass(frozen=True, slots=True)
class PitchSearch:
    """Where pitch is looked for; the names are those of `librosa.pyin`."""

    floor_hz: float
    """librosa's fmin"""
    ceiling_hz: float
    """librosa's fmax"""
    hop: int
    """samples from one frame to the next"""
    frame_length: int = 1024
    """samples; 64 ms holds three periods of 50 Hz"""
    resolution_st: float = 0.1
    """step of the pitch grid, semitones"""

    def __post_init__(self) -> None:
        longest = SAMPLE_RATE_HZ / self.floor_hz if self.floor_hz > 0 else np.inf
        if not self.floor_hz < self.ceiling_hz <= SAMPLE_RATE_HZ / 2:
            raise ValueError(
                f"pitch limits {self.floor_hz:g} to {self.ceiling_hz:g} Hz: the floor must lie "
                f"under the ceiling, and that at most at {SAMPLE_RATE_HZ / 2:g} Hz"
            )
        if longest >= self.frame_length - 1:
            raise ValueError(
                f"pitch floor {self.floor_hz:g} Hz: one period must fit into "
                f"{self.frame_length} samples; raise it over "
                f"{SAMPLE_RATE_HZ / (self.frame_length - 1):.1f} Hz"
            )

    @property
    def bins_per_semitone(self) -> int:
        """Steps of the pitch grid in a semitone."""
        return int(np.ceil(1.0 / self.resolution_st))

    @property
    def bins(self) -> int:
        """Steps of the pitch grid from floor to ceiling."""
        octaves = np.log2(self.ceiling_hz / self.floor_hz)
        return int(np.floor(12 * self.bins_per_semitone * octaves)) + 1

    @property
    def grid_hz(self) -> Floats:
        """The pitch grid, shape (bins,)."""
        return np.asarray(
            self.floor_hz * 2.0 ** (np.arange(self.bins) / (12 * self.bins_per_semitone))
        )

    @property
    def periods(self) -> tuple[int, int]:
        """Shortest and longest period looked at, samples."""
        longest = int(np.ceil(SAMPLE_RATE_HZ / self.floor_hz))
        return int(SAMPLE_RATE_HZ / self.ceiling_hz), min(longest, self.frame_length - 1)

    @property
    def step_bins(self) -> int:
        """Width of the triangle of bins that a pitch can come from; never wider than the grid."""
        fastest = round(FASTEST_OCTAVES_PER_S * 12 * self.hop / SAMPLE_RATE_HZ)
        return min(fastest * self.bins_per_semitone + 1, self.bins)


def pyin(padded: Audio, search: PitchSearch) -> Floats:
    """F0 in Hz, NaN where unvoiced.

    Parameters
    ----------
    padded : shape (n_samples,), 16 kHz
        Frame k is ``padded[k * hop : k * hop + frame_length]``, as in `librosa.pyin` with
        ``center=False``.

    Returns
    -------
    shape (1 + (n_samples - frame_length) // hop,)
    """
    if padded.size < search.frame_length:
        return np.zeros(0)
    frames = sliding_window_view(padded, search.frame_length)[:: search.hop]
    count, bins = frames.shape[0], search.bins
    shortest, longest = search.periods
    priors = _priors((longest - shortest) // 2 + 2)
    steps = _transitions(bins, search.step_bins)
    value = np.full((2, bins), np.log(1.0 / (2 * bins) + _TINY))
    came_from = np.empty((count, 2 * bins), dtype=np.uint16)
    for start in range(0, count, _BLOCK_FRAMES):
        block = np.ascontiguousarray(frames[start : start + _BLOCK_FRAMES])
        _search_block(
            block,
            _autocorrelation(block, longest),
            (shortest, longest),
            (SAMPLE_RATE_HZ / search.floor_hz, 12.0 * search.bins_per_semitone),
            priors,
            steps,
            value,
            came_from[start : start + block.shape[0]],
            start == 0,
        )
    states = _walk_back(value, came_from)
    return np.where(states < bins, search.grid_hz[states % bins], np.nan)


def _autocorrelation(frames: Singles, longest: int) -> Singles:
    """Autocorrelation of each row at lags 0 to `longest`, shape (n_frames, longest + 1)."""
    size = scipy.fft.next_fast_len(frames.shape[1] + longest, real=True)
    spectrum = scipy.fft.rfft(frames, size, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.ascontiguousarray(scipy.fft.irfft(power, size, axis=1)[:, : longest + 1])


@lru_cache(maxsize=8)
def _priors(most: int) -> Priors:
    """How likely each threshold is, and each trough among those below it (Boltzmann)."""
    edges = np.linspace(0, 1, THRESHOLDS + 1)
    weights = np.diff(scipy.stats.beta.cdf(edges, *BETA))
    pmf = np.zeros((most + 1, most))
    for n in range(1, most + 1):
        pmf[n, :n] = scipy.stats.boltzmann.pmf(np.arange(n), BOLTZMANN, n)
    return edges[1:], np.asarray(weights), pmf


@lru_cache(maxsize=16)
def _transitions(bins: int, width: int) -> Floats:
    """Log weight of coming from bin j + d - width // 2 to bin j, [d, j], by librosa."""
    matrix = librosa.sequence.transition_local(bins, width, window="triangle", wrap=False)
    reach = width // 2
    log_steps = np.full((2 * reach + 1, bins), -np.inf)
    with np.errstate(divide="ignore"):
        for d in range(max(-reach, 1 - bins), min(reach, bins - 1) + 1):
            steps = np.diagonal(matrix, -d)
            log_steps[d + reach, max(0, -d) : bins - max(0, d)] = np.log(steps)
    return log_steps


@compiled
def _search_block(
    frames: Singles,
    correlation: Singles,
    periods: tuple[int, int],
    scale: tuple[float, float],
    priors: Priors,
    steps: Floats,
    value: Floats,
    came_from: NDArray[np.uint16],
    first: bool,
) -> None:
    """Carry the search over a block of frames: `value` is updated, `came_from` written."""
    bins = value.shape[1]
    shortest, longest = periods
    difference = np.empty(longest + 1 - shortest, dtype=np.float32)
    voiced = np.empty(bins)
    best = np.empty((2, bins))
    origin = np.empty((2, bins), dtype=np.int64)
    log_tiny = np.log(_TINY)
    for t in range(frames.shape[0]):
        _normalised_difference(frames[t], correlation[t], shortest, longest, difference)
        heard = _observe(difference, shortest, scale, priors, voiced)
        if not (first and t == 0):
            _best_moves(value[0], steps, best[0], origin[0])
            _best_moves(value[1], steps, best[1], origin[1])
            _step(value, best, origin, came_from[t])
        unvoiced = np.log((1.0 - heard) / bins + _TINY)
        for j in range(bins):
            value[0, j] += np.log(voiced[j] + _TINY) if voiced[j] > 0.0 else log_tiny
            value[1, j] += unvoiced


@compiled
def _normalised_difference(
    frame: Singles, correlation: Singles, shortest: int, longest: int, out: Singles
) -> None:
    """Cumulative mean normalised difference, equation 8 of de Cheveigne & Kawahara (2002)."""
    energy = np.float32(0.0)
    total = np.float32(0.0)
    for lag in range(1, longest + 1):
        energy += frame[lag - 1] * frame[lag - 1]
        difference = np.float32(2.0) * (correlation[0] - correlation[lag]) - energy
        total += difference
        if lag >= shortest:
            out[lag - shortest] = difference / (total / np.float32(lag) + _SMALLEST_FLOAT32)


@compiled
def _observe(
    difference: Singles, shortest: int, scale: tuple[float, float], priors: Priors, voiced: Floats
) -> float:
    """How probable each pitch bin is, into `voiced`; returns the sum, at most 1."""
    voiced[:] = 0.0
    troughs = _troughs(difference)
    if troughs.size == 0:
        return 0.0
    probability = _trough_probabilities(difference[troughs], priors)
    for k in range(troughs.size):
        if probability[k] > 0.0:
            period = shortest + troughs[k] + _parabolic_shift(difference, troughs[k])
            place = int(np.round(scale[1] * np.log2(scale[0] / period)))
            if place < voiced.size:
                voiced[max(place, 0)] = probability[k]
    return min(voiced.sum(), 1.0)


@compiled
def _troughs(x: Singles) -> States:
    """Local minima, the edges among them as in librosa."""
    last = x.size - 1
    found = np.empty(x.size, dtype=np.int64)
    count = 0
    for i in range(x.size):
        falls = i == 0 or x[i] < x[i - 1]
        rises = i == last or (x[0] < x[1] if i == 0 else x[i] <= x[i + 1])
        if falls and rises:
            found[count] = i
            count += 1
    return found[:count]


@compiled
def _trough_probabilities(heights: Singles, priors: Priors) -> Singles:
    """Probability that each trough is the period, over all thresholds (Mauch & Dixon 2014)."""
    thresholds, weights, pmf = priors
    probability = np.zeros(heights.size)
    lowest = np.argmin(heights)
    none_below = 0.0
    for s in range(thresholds.size):
        below = 0
        for k in range(heights.size):
            below += heights[k] < thresholds[s]
        if below == 0:
            none_below += weights[s]
        place = 0
        for k in range(heights.size):
            if heights[k] < thresholds[s]:
                probability[k] += pmf[below, place] * weights[s]
                place += 1
    probability[lowest] += NO_TROUGH_PROBABILITY * none_below
    return probability.astype(np.float32)


@compiled
def _parabolic_shift(x: Singles, i: int) -> float:
    """Where the parabola through three points has its vertex, relative to the middle one."""
    if i == 0 or i == x.size - 1:
        return 0.0
    a = x[i + 1] + x[i - 1] - np.float32(2.0) * x[i]
    b = (x[i + 1] - x[i - 1]) / np.float32(2.0)
    return 0.0 if abs(b) >= abs(a) else float(-b / a)


@compiled
def _best_moves(value: Floats, steps: Floats, best: Floats, origin: States) -> None:
    """Best way into each bin from within reach, and where it comes from."""
    bins = value.size
    reach = steps.shape[0] // 2
    best[:] = -np.inf
    for d in range(max(-reach, 1 - bins), min(reach, bins - 1) + 1):
        low, high = max(0, -d), min(bins, bins - d)
        source, step = value[low + d : high + d], steps[d + reach, low:high]
        into, where = best[low:high], origin[low:high]
        for j in range(high - low):
            reached = source[j] + step[j]
            better = reached > into[j]
            into[j] = reached if better else into[j]
            where[j] = low + d + j if better else where[j]


@compiled
def _step(value: Floats, best: Floats, origin: States, came_from: NDArray[np.uint16]) -> None:
    """Replace `value` by that of the next frame before its observation; note the origins."""
    bins = value.shape[1]
    keep, switch = np.log(1.0 - SWITCH_PROBABILITY), np.log(SWITCH_PROBABILITY)
    farthest = np.argmax(value)
    jump = value.ravel()[farthest] + np.log(_TINY)
    for side in range(2):
        from_voiced = keep if side == 0 else switch
        from_unvoiced = switch if side == 0 else keep
        for j in range(bins):
            gain, state = best[0, j] + from_voiced, origin[0, j]
            other = best[1, j] + from_unvoiced
            if other > gain:
                gain, state = other, bins + origin[1, j]
            if jump > gain:
                gain, state = jump, farthest
            value[side, j] = gain
            came_from[side * bins + j] = state


@compiled
def _walk_back(value: Floats, came_from: NDArray[np.uint16]) -> States:
    """The most probable sequence of states, shape (n_frames,); unvoiced ones come second."""
    count = came_from.shape[0]
    states = np.empty(count, dtype=np.int64)
    states[count - 1] = np.argmax(value)
    for t in range(count - 2, -1, -1):
        states[t] = came_from[t + 1, states[t + 1]]
    return states
