"""Syllable nuclei from level and periodicity, after de Jong & Wempe (2009).

A nucleus is a voiced peak of the level with a dip on both sides, not far below the voice's loudest
speech. As in their script, "voiced" is the autocorrelation of Boersma (1993) at its usual
threshold; pYIN's own voicing would leave out a third of the nuclei of real talk.
Caveat: fast or mumbled speech loses nuclei; compare a person only with their own usual.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.settings import ProsodySettings
from pipeline.timeline import Floats
from pipeline.voice.pitch import LEVEL_WINDOW_S, SILENCE_DB, Grid, Mask

LOUDEST_QUANTILE = 0.99
"""Stands for the loudest speech, so that no click sets the threshold (de Jong & Wempe 2009)."""

VOICING_THRESHOLD = 0.45
"""Least normalised autocorrelation of a voiced frame (Boersma 1993)."""

_BLOCK_FRAMES = 1024


def nuclei(audio: Audio, grid: Grid, level: Floats, alone: Mask, settings: ProsodySettings) -> Mask:
    """True on the frame of each syllable nucleus; shape (n_frames,).

    Parameters
    ----------
    audio : shape (n_samples,), 16 kHz
    level : dB, shape (n_frames,)
    alone : where this voice, and no other, speaks; outside counts as silence
    """
    found = np.zeros(level.shape, dtype=np.bool_)
    if not alone.any():
        return found
    loudest = float(np.quantile(level[alone], LOUDEST_QUANTILE))
    # silence at both ends, so that a first or last peak has its dip
    contour = np.pad(np.where(alone, level, SILENCE_DB), 1, constant_values=SILENCE_DB)
    peaks, _ = find_peaks(
        contour, height=loudest - settings.syllable_range_db, prominence=settings.syllable_dip_db
    )
    peaks = peaks - 1
    strength = periodicity(audio, grid, peaks, (settings.f0_floor_hz, settings.f0_ceiling_hz))
    found[peaks[strength >= VOICING_THRESHOLD]] = True
    return found


def periodicity(
    audio: Audio, grid: Grid, frames: NDArray[np.intp], limits_hz: tuple[float, float]
) -> Floats:
    """Highest local maximum of the normalised autocorrelation within pitch limits (Boersma 1993).

    Parameters
    ----------
    frames : which frames of the grid, shape (n,)

    Returns
    -------
    shape (n,), about 0 for noise and 1 for a steady vowel
    """
    length = round(LEVEL_WINDOW_S * SAMPLE_RATE_HZ)
    lags = slice(int(SAMPLE_RATE_HZ / limits_hz[1]), int(SAMPLE_RATE_HZ / limits_hz[0]) + 2)
    window = np.hanning(length)
    reference = _autocorrelation(window[None])
    strength = np.zeros(frames.size)
    for start in range(0, frames.size, _BLOCK_FRAMES):
        at = frames[start : start + _BLOCK_FRAMES, None] * grid.hop + np.arange(length)
        at -= length // 2
        samples = audio[at.clip(0, audio.size - 1)].astype(np.float64)  # (block, length)
        samples[(at < 0) | (at >= audio.size)] = 0.0
        samples -= samples.mean(axis=1, keepdims=True)
        # the window's own autocorrelation is divided out
        curve = (_autocorrelation(samples * window) / reference)[:, lags]
        inner = curve[:, 1:-1]
        is_top = (inner > curve[:, :-2]) & (inner >= curve[:, 2:])
        strength[start : start + _BLOCK_FRAMES] = np.where(is_top, inner, 0.0).max(axis=1)
    return strength


def _autocorrelation(frames: Floats) -> Floats:
    """Autocorrelation of each row over non-negative lags of half a window, 1 at lag 0."""
    length = frames.shape[1]
    spectrum = np.fft.rfft(frames, 2 * length, axis=1)
    curve = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : length // 2]
    return np.asarray(curve / np.maximum(curve[:, :1], np.finfo(np.float64).tiny))
