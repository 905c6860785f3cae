"""Pitch by autocorrelation (Boersma 1993): the second opinion, and the periods of voice quality.

Each frame offers the peaks of its normalised autocorrelation and, as one more candidate, silence;
the cheapest path through them is the track. The figures are those of the paper and of Praat's "To
Pitch (ac)". Nothing is shared with pYIN but the sound, so that both seldom err alike.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.timeline import Floats
from pipeline.voice.compiled import compiled

PERIODS_IN_WINDOW = 3.0
CANDIDATES = 15
SILENCE_THRESHOLD, VOICING_THRESHOLD = 0.03, 0.45
OCTAVE_COST, OCTAVE_JUMP_COST, VOICING_SWITCH_COST = 0.01, 0.35, 0.14
"""Boersma 1993; the last two hold for frames 10 ms apart."""

COST_STEP_S = 0.01
SINC_DEPTH = 30
_BLOCK_FRAMES = 256


def window_samples(floor_hz: float) -> int:
    """Length of the analysis window, samples (even)."""
    return 2 * int(PERIODS_IN_WINDOW * SAMPLE_RATE_HZ / floor_hz / 2)


def autocorrelation_pitch(
    padded: Audio, hop: int, limits_hz: tuple[float, float], loudest: float
) -> Floats:
    """F0 in Hz, NaN where unvoiced.

    Parameters
    ----------
    padded : shape (n_samples,), 16 kHz
        Frame k is ``padded[k * hop : k * hop + window_samples(floor)]``, and about its middle.
    limits_hz : lowest and highest pitch
    loudest : greatest magnitude of a sample of this voice; what is 33 times fainter is silent

    Returns
    -------
    shape (1 + (n_samples - window) // hop,)
    """
    length = window_samples(limits_hz[0])
    if padded.size < length or loudest <= 0.0:
        return np.full(max(0, 1 + (padded.size - length) // hop), np.nan)
    frames = sliding_window_view(padded, length)[::hop]
    lags = (int(SAMPLE_RATE_HZ / limits_hz[1]), int(SAMPLE_RATE_HZ / limits_hz[0]) + 1)
    window, own = _window(length, lags[1])
    period = np.full((frames.shape[0], CANDIDATES + 1), np.nan)
    strength = np.full(period.shape, -np.inf)
    for start in range(0, frames.shape[0], _BLOCK_FRAMES):
        block = frames[start : start + _BLOCK_FRAMES]
        block = block - block.mean(axis=1, keepdims=True)
        inner = slice((length - lags[1]) // 2, (length + lags[1]) // 2)
        peak = np.abs(block[:, inner]).max(axis=1) / loudest
        # the window's own autocorrelation is divided out
        curves = _normalised(block * window, lags[1]) / own
        here = slice(start, start + block.shape[0])
        _candidates(curves, lags, peak, period[here], strength[here])
    chosen = _cheapest_path(period, strength, hop / SAMPLE_RATE_HZ / COST_STEP_S)
    return np.asarray(SAMPLE_RATE_HZ / np.take_along_axis(period, chosen[:, None], axis=1)[:, 0])


@lru_cache(maxsize=4)
def _window(length: int, longest: int) -> tuple[Audio, Audio]:
    """Hann window and its own normalised autocorrelation."""
    window = np.hanning(length + 2)[1:-1].astype(np.float32)
    return window, _normalised(window[None], longest)[0]


def _normalised(frames: Audio, longest: int) -> Audio:
    """Autocorrelation of each row over that at lag 0, at lags 0 to `longest + SINC_DEPTH`."""
    size = scipy.fft.next_fast_len(frames.shape[1] + longest + SINC_DEPTH, real=True)
    spectrum = scipy.fft.rfft(frames, size, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    curve = scipy.fft.irfft(power, size, axis=1)[:, : longest + SINC_DEPTH + 1]
    return np.ascontiguousarray(curve / np.maximum(curve[:, :1], np.finfo(np.float32).tiny))


@compiled
def _candidates(
    curves: Audio, lags: tuple[int, int], peak: Audio, period: Floats, strength: Floats
) -> None:
    """The best peaks of each row, and in column 0 the strength of being unvoiced."""
    for row in range(curves.shape[0]):
        curve = curves[row]
        quiet = peak[row] / (SILENCE_THRESHOLD / (1.0 + VOICING_THRESHOLD))
        strength[row, 0] = VOICING_THRESHOLD + max(0.0, 2.0 - quiet)
        for lag in range(max(2, lags[0]), lags[1] + 1):
            before, here, after = curve[lag - 1], curve[lag], curve[lag + 1]
            if here <= 0.5 * VOICING_THRESHOLD or here <= before or here < after:
                continue
            at = lag + 0.5 * (after - before) / (2.0 * here - before - after)
            height = sinc_value(curve, at)
            # a short window can overshoot
            height = 1.0 / height if height > 1.0 else height
            worth = height - OCTAVE_COST * np.log2(at / lags[0])
            weakest = 1 + np.argmin(strength[row, 1:])
            if worth > strength[row, weakest]:
                strength[row, weakest], period[row, weakest] = worth, at


@compiled
def sinc_value(curve: Floats, at: float) -> float:
    """An even function between its samples, by a Hann-tapered sinc of 30 samples a side."""
    middle = int(np.floor(at))
    depth = min(SINC_DEPTH, curve.size - 1 - middle)
    share = at - middle
    if share == 0.0 or depth < 1:
        return float(curve[middle])
    wave = np.sin(np.pi * share) / np.pi
    total = 0.0
    for k in range(1 - depth, depth + 1):
        sign = 1.0 if k % 2 == 0 else -1.0
        taper = 0.5 + 0.5 * np.cos(np.pi * (share - k) / (depth + 0.5))
        total += sign * curve[abs(middle + k)] * wave / (share - k) * taper
    return total


@compiled
def _cheapest_path(period: Floats, strength: Floats, steps: float) -> NDArray[np.int64]:
    """Column of each row on the best path: strengths less the cost of jumps and switches."""
    count, width = strength.shape
    value = strength[0].copy()
    came_from = np.zeros((count, width), dtype=np.int8)
    for t in range(1, count):
        reached = np.full(width, -np.inf)
        for j in range(width):
            if strength[t, j] == -np.inf:
                continue
            for i in range(width):
                cost = 0.0
                if (i == 0) != (j == 0):
                    cost = VOICING_SWITCH_COST / steps
                elif i > 0 and value[i] > -np.inf:
                    cost = OCTAVE_JUMP_COST / steps * abs(np.log2(period[t - 1, i] / period[t, j]))
                if value[i] - cost > reached[j]:
                    reached[j] = value[i] - cost
                    came_from[t, j] = i
        value = reached + strength[t]
    path = np.zeros(count, dtype=np.int64)
    path[count - 1] = np.argmax(value)
    for t in range(count - 2, -1, -1):
        path[t] = came_from[t + 1, path[t + 1]]
    return path
