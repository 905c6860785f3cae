"""How well a recording can be measured: level, noise, clipping and bandwidth of its sound.

Pure functions of an array and of the stretches of speech in it. A figure that cannot be had is
None. METHODS: Recording.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.timeline import Span, complement, union

FRAME_S = 0.1
FEWEST_FRAMES = 5
QUIETEST_RMS = 2.0**-16  # half a step of 16 bits: digital silence counts as this quiet
ROLL_OFF = 0.99
SPECTRUM_SAMPLES = 1024
BLOCK_SAMPLES = 60 * SAMPLE_RATE_HZ  # an hour costs the memory of a minute


def snr_db(audio: Audio, speech: Sequence[Span], *, rate: int = SAMPLE_RATE_HZ) -> float | None:
    """20 log10 of the 90th percentile of speech level over the 10th of the level without speech.

    Levels are RMS values of frames of 0.1 s that lie wholly inside or outside `speech`. Frames of
    exact zeros (a noise gate, a gap in the recording) say nothing about the room and are left out
    unless there are no others. The speech frames hold the noise too, so at 0 dB this reads 3 dB.

    Returns
    -------
    float or None
        dB; None with fewer than 5 frames on either side.
    """
    whole = (0.0, audio.size / rate)
    inside = _frame_rms(audio, union(speech), rate)
    outside = _frame_rms(audio, complement(speech, whole), rate)
    if min(inside.size, outside.size) < FEWEST_FRAMES:
        return None
    room = outside[outside > 0]
    if room.size < FEWEST_FRAMES:
        room = outside
    loud = max(float(np.percentile(inside, 90)), QUIETEST_RMS)
    quiet = max(float(np.percentile(room, 10)), QUIETEST_RMS)
    return 20.0 * float(np.log10(loud / quiet))


def clip_prop(audio: Audio, level: float) -> float | None:
    """Share of samples at least as loud as `level` (full scale = 1); None without samples."""
    if not audio.size:
        return None
    clipped = sum(
        int(np.count_nonzero(np.abs(audio[start : start + BLOCK_SAMPLES]) >= level))
        for start in range(0, audio.size, BLOCK_SAMPLES)
    )
    return clipped / audio.size


def bandwidth_hz(
    audio: Audio, speech: Sequence[Span], *, rate: int = SAMPLE_RATE_HZ
) -> float | None:
    """Frequency below which 99 % of the energy of speech lies, Hz.

    From the power spectrum (Welch 1967, Hann windows of 1024 samples) averaged over all stretches
    of speech; None where there is no speech or no energy in it.
    """
    power = np.zeros(SPECTRUM_SAMPLES // 2 + 1)
    for span in union(speech):
        samples = _samples(audio, span, rate)
        if samples.size >= SPECTRUM_SAMPLES:
            _, density = welch(samples, rate, nperseg=SPECTRUM_SAMPLES, detrend=False)
            power += density * samples.size
    total = float(power.sum())
    if total <= 0.0:
        return None
    at = int(np.searchsorted(np.cumsum(power), ROLL_OFF * total))
    return at * rate / SPECTRUM_SAMPLES


def speech_prop(speech: Sequence[Span], duration_s: float) -> float | None:
    """Share of the recording with speech; None for an empty recording."""
    if duration_s <= 0.0:
        return None
    covered = sum(end - start for start, end in union(speech))
    return min(1.0, covered / duration_s)


def _samples(audio: Audio, span: Span, rate: int) -> Audio:
    return audio[max(0, round(span[0] * rate)) : max(0, round(span[1] * rate))]


def _frame_rms(audio: Audio, spans: Sequence[Span], rate: int) -> NDArray[np.float64]:
    """RMS of the full frames inside each span, shape (n_frames,)."""
    length = round(FRAME_S * rate)
    step = max(1, BLOCK_SAMPLES // length) * length
    levels = []
    for span in spans:
        samples = _samples(audio, span, rate)
        samples = samples[: samples.size // length * length]
        for start in range(0, samples.size, step):
            frames = samples[start : start + step].reshape(-1, length)
            levels.append(np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1)))
    return np.concatenate(levels) if levels else np.zeros(0)
