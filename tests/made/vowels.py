"""Vowels whose pitch, jitter, shimmer and noise are known: pulses through three resonances."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, resample_poly

RATE = 16_000
FINER = 16  # pulses are set to a sixteenth of a sample
FORMANTS = ((700, 80), (1200, 100), (2600, 150))
"""Centre and bandwidth of an open vowel, Hz."""

# jitter and shimmer as standard deviations re the mean, noise in dB under the vowel
VOWELS = {
    "steady": (0.0, 0.0, 40.0),
    "jitter": (0.01, 0.0, 40.0),
    "shimmer": (0.0, 0.05, 40.0),
    "usual": (0.005, 0.03, 25.0),
    "hoarse": (0.005, 0.03, 15.0),
    "rough": (0.02, 0.1, 30.0),
}


def vowel(f0_hz, jitter, shimmer, snr_db, *, duration_s=3.0, seed=0):
    """Samples of a vowel; f0_hz is a number or a function of time. Returns audio, true values."""
    random = np.random.default_rng(seed)
    at_pitch = f0_hz if callable(f0_hz) else lambda _: f0_hz
    train = np.zeros(int(duration_s * RATE * FINER))
    t, periods, amplitudes = 0.01, [], []
    while t < duration_s - 0.02:
        periods.append((1.0 + jitter * random.normal()) / at_pitch(t))
        amplitudes.append(1.0 + shimmer * random.normal())
        train[round(t * RATE * FINER)] += amplitudes[-1]
        t += periods[-1]
    for centre, bandwidth in FORMANTS:
        decay = np.exp(-np.pi * bandwidth / RATE / FINER)
        turn = 2.0 * decay * np.cos(2.0 * np.pi * centre / RATE / FINER)
        train = lfilter([1.0], [1.0, -turn, decay**2], train)
        train /= np.abs(train).max()
    clean = resample_poly(train, 1, FINER)
    clean /= 2.0 * np.abs(clean).max()
    noise = random.normal(size=clean.size)
    noise *= 10 ** (-snr_db / 20) * np.sqrt(np.mean(clean**2) / np.mean(noise**2))
    return (clean + noise).astype(np.float32), perturbation(periods), perturbation(amplitudes)


def perturbation(values):
    """Mean absolute difference of neighbours over the mean, %."""
    return 100.0 * np.abs(np.diff(values)).mean() / np.mean(values)
