"""Harmonics-to-noise ratio, jitter and shimmer of voiced speech, and signs of gain control.

The definitions are Praat's, as its manual and Boersma (1993) give them: the ratio by forward
cross-correlation, periods found by matching one period's waveform with the next ("To PointProcess
(cc)"), local jitter and shimmer over them. They are stored and never used in a rule: they hold for
sustained vowels close to a microphone (Lebacq et al. 2017), and shimmer fails in an ordinary room
(Yousef & Hunter 2024). Caveat: a microphone's gain control flattens shimmer and loudness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.timeline import Floats, Seconds
from pipeline.voice.autocorrelation_pitch import SINC_DEPTH, sinc_value
from pipeline.voice.compiled import compiled
from pipeline.voice.pitch import Grid, Mask

SNR_MIN_DB = 30.0
"""A noisier recording gives none of them (METHODS: Voice) [ours]."""

PITCH_LIMITS_HZ = (75.0, 600.0)
"""Praat's standard for voice quality; its window of 40 ms follows a glide [standard]."""

HNR_FLOOR_HZ = 75.0
"""Praat's "minimum pitch" of the harmonicity: the window is one such period [standard]."""

PERIOD_S = (0.0001, 0.02)
PERIOD_FACTOR, AMPLITUDE_FACTOR = 1.3, 1.6
"""Periods and amplitudes that differ by more are not neighbours (Praat's standard)."""

FEWEST_PERIODS = 30
"""Fewer say nothing about a voice [ours]."""

QUIET_MIN_S: Seconds = 2.0
"""Length of a silence in which a gain can be seen to rise [ours]."""

RING_S: Seconds = 0.4
"""Start of a silence that is left to the room's reverberation [ours]."""

GAIN_RISE_DB = 3.0
"""A noise floor that rises by this much during silences is being turned up [ours]."""

FEWEST_SILENCES = 8
"""Rooms rustle: single silences rise or fall by 8 dB (AMI meetings); fewer tell nothing [ours]."""

FLOOR_QUANTILE, RISING_QUANTILE = 0.1, 0.25
"""The floor within a third of a silence; the rise that three silences of four reach [ours]."""

INSIDE_RUN, BEYOND_RUN = (0.3, 0.01), (0.7, 0.023333)
"""Least correlation of a period with the next, and least peak re the loudest sample (Praat)."""

LEAST_STEP = 0.5
"""Of a period, from one pulse to the next: below the 0.8 the search starts at, less rounding."""

PARABOLA_ERROR = 0.1
"""A peak's height by three samples is wrong by less than this [ours]."""


@dataclass(frozen=True, slots=True)
class VoiceMeasure:
    """One voice over the session, before it is summed up."""

    hnr_db: Floats
    """harmonics-to-noise ratio, dB, shape (n_frames,); NaN where unvoiced"""
    pulses_s: Floats
    """one time per period, rising, shape (n_pulses,)"""
    amplitudes: Floats
    """RMS about each pulse, shape (n_pulses,); NaN where its neighbours are no periods"""


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """What a stretch of one voice sounds like; None where there is too little of it."""

    hnr_db: float | None
    """mean over voiced frames, dB"""
    jitter_local: float | None
    """mean difference of neighbouring periods over the mean period, %"""
    shimmer_local: float | None
    """mean difference of neighbouring amplitudes over the mean amplitude, %"""


def measure_voice(audio: Audio, grid: Grid, f0_hz: Floats) -> VoiceMeasure:
    """Ratio, periods and amplitudes wherever a voice has a pitch.

    Parameters
    ----------
    audio : shape (n_samples,), 16 kHz
    f0_hz : shape (n_frames,), NaN where unvoiced
        As Praat has it: by autocorrelation within `PITCH_LIMITS_HZ`
        (`fundamental_frequency.autocorrelation_track`). The voicing of pYIN holds more of the
        edges of voiced speech, where no two periods are alike.
    """
    voiced = np.isfinite(f0_hz)
    hnr_db = np.full(grid.count, np.nan)
    hnr_db[voiced] = harmonicity_db(audio, np.flatnonzero(voiced) * grid.hop)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], voiced.view(np.int8), [0]))))
    runs = edges.reshape(-1, 2).tolist()
    # of this voice alone: another's shout is no measure of it
    loudest = max((_loudest(audio[a * grid.hop : b * grid.hop]) for a, b in runs), default=0.0)
    found, latest = [np.zeros(0)], -np.inf
    for first, last in runs:
        found.append(_pulses(audio, f0_hz, grid.hop, (first, last), latest, loudest))
        latest = max(latest, float(found[-1].max(initial=-np.inf)))
    pulses = np.unique(np.concatenate(found))
    return VoiceMeasure(hnr_db, pulses / SAMPLE_RATE_HZ, _amplitudes(audio, pulses))


def summarise(measure: VoiceMeasure, frames: slice, grid: Grid) -> VoiceQuality:
    """The voice quality of a stretch of frames."""
    heard = measure.hnr_db[frames]
    heard = heard[np.isfinite(heard)]
    span = np.searchsorted(measure.pulses_s, (frames.start * grid.hop_s, frames.stop * grid.hop_s))
    inside = slice(*span)
    return VoiceQuality(
        float(heard.mean()) if heard.size else None,
        jitter_local(measure.pulses_s[inside]),
        shimmer_local(measure.pulses_s[inside], measure.amplitudes[inside]),
    )


def jitter_local(pulses_s: Floats, *, fewest: int = FEWEST_PERIODS) -> float | None:
    """Mean absolute difference of neighbouring periods over the mean period, %.

    None with less than `fewest` such neighbours. Definition: Praat, "Get jitter (local)".
    """
    periods = np.diff(pulses_s)
    usable = (periods >= PERIOD_S[0]) & (periods <= PERIOD_S[1])
    neighbours = _neighbours(pulses_s)
    if neighbours.sum() < fewest:
        return None
    # a period counts in the mean where it has at least one neighbour like it
    paired = usable & (np.append(neighbours, False) | np.insert(neighbours, 0, False))
    change = np.abs(np.diff(periods))[neighbours].mean()
    return float(100.0 * change / periods[paired].mean())


def shimmer_local(
    pulses_s: Floats, amplitudes: Floats, *, fewest: int = FEWEST_PERIODS
) -> float | None:
    """Mean absolute difference of neighbouring amplitudes over the mean amplitude, %.

    None with less than `fewest` such neighbours. Definition: Praat, "Get shimmer (local)".
    """
    kept = amplitudes > 0
    pulses_s, amplitudes = pulses_s[kept], amplitudes[kept]
    if amplitudes.size < 2:
        return None
    periods = np.diff(pulses_s)
    similar = _alike(amplitudes, AMPLITUDE_FACTOR)
    pairs = similar & (periods >= PERIOD_S[0]) & (periods <= PERIOD_S[1])
    if pairs.sum() < fewest:
        return None
    return float(100.0 * np.abs(np.diff(amplitudes))[pairs].mean() / amplitudes.mean())


def gain_rise_db(level: Floats, speech: Mask, grid: Grid) -> float | None:
    """How far the noise floor rises in three of four silences, dB; None with less than 8 of 2 s.

    Automatic gain control turns the room up when nobody speaks, so that the floor at the end of a
    silence lies over that soon after its start; without it the floor stays or falls. From
    `GAIN_RISE_DB` on, loudness is degraded.

    Parameters
    ----------
    level : dB, shape (n_frames,)
    speech : where anyone speaks, shape (n_frames,)
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (~speech).view(np.int8), [0]))))
    ring, shortest = round(RING_S / grid.hop_s), round(QUIET_MIN_S / grid.hop_s)
    rises = []
    for start, stop in edges.reshape(-1, 2).tolist():
        quiet = level[start + ring : stop - ring]
        # digital silence has no floor
        if stop - start >= shortest and quiet.max() > quiet.min():
            part = quiet.size // 3
            before, after = (
                np.quantile(third, FLOOR_QUANTILE) for third in (quiet[:part], quiet[-part:])
            )
            rises.append(float(after - before))
    return float(np.quantile(rises, RISING_QUANTILE)) if len(rises) >= FEWEST_SILENCES else None


def harmonicity_db(audio: Audio, centres: NDArray[np.int64]) -> Floats:
    """Harmonics-to-noise ratio by forward cross-correlation (Boersma 1993), dB, shape (n,).

    The best correlation r of one period of `HNR_FLOOR_HZ` with what follows it is the harmonic
    share of the power: 10 log10(r / (1 - r)).

    Parameters
    ----------
    audio : shape (n_samples,), 16 kHz
    centres : samples about which to measure, shape (n,); NaN comes back next to an end, in digital
        silence, and where nothing correlates
    """
    length = 2 * (int(SAMPLE_RATE_HZ / HNR_FLOOR_HZ) // 2 - 1)
    strength = _best_correlations(audio, centres.astype(np.int64), length)
    strength = np.where(strength > 0, np.minimum(strength, 1.0 - 1e-15), np.nan)
    return np.asarray(10.0 * np.log10(strength / (1.0 - strength)))


def _loudest(samples: Audio) -> float:
    return float(np.abs(samples).max(initial=0.0))


def _neighbours(pulses_s: Floats) -> Mask:
    """Whether each period and the next are alike, shape (n_pulses - 2,)."""
    periods = np.diff(pulses_s)
    if periods.size < 2:
        return np.zeros(0, dtype=np.bool_)
    usable = (periods >= PERIOD_S[0]) & (periods <= PERIOD_S[1])
    return usable[1:] & usable[:-1] & _alike(periods, PERIOD_FACTOR)


def _alike(values: Floats, factor: float) -> Mask:
    """Whether each value and the next differ by no more than a factor, shape (n - 1,)."""
    larger, smaller = np.maximum(values[1:], values[:-1]), np.minimum(values[1:], values[:-1])
    return np.asarray(larger <= factor * smaller)


def _amplitudes(audio: Audio, pulses: Floats) -> Floats:
    """Hann-weighted RMS within a fifth of a period about each pulse that has two neighbours."""
    amplitudes = np.full(pulses.size, np.nan)
    for i in np.flatnonzero(_neighbours(pulses / SAMPLE_RATE_HZ)) + 1:
        before, after = 0.2 * (pulses[i] - pulses[i - 1]), 0.2 * (pulses[i + 1] - pulses[i])
        at = np.arange(int(np.ceil(pulses[i] - before)), int(pulses[i] + after) + 1)
        if at.size < 3 or at[0] < 0 or at[-1] >= audio.size:
            continue
        offset = at - pulses[i]
        window = 0.5 + 0.5 * np.cos(np.pi * offset / np.where(offset < 0, before, after))
        power = np.square(window * audio[at]).sum() / np.square(window).sum()
        amplitudes[i] = np.sqrt(power)
    return amplitudes


@compiled
def _best_correlations(audio: Audio, centres: NDArray[np.int64], length: int) -> Floats:
    """Highest normalised cross-correlation of each stretch with a later one, up to `length`."""
    best = np.full(centres.size, np.nan)
    lags = length + SINC_DEPTH  # the last ones only support the interpolation
    similar = np.empty(lags)
    for n in range(centres.size):
        start = centres[n] - length
        if start < 0 or start + length + lags > audio.size:
            continue
        part = audio[start : start + length + lags].astype(np.float64)
        part -= part[: 2 * length].mean()
        similar[:] = 0.0
        for i in range(length):
            for lag in range(lags):
                similar[lag] += part[i] * part[i + lag]
        own = other = similar[0]
        for lag in range(lags):
            if lag > 0:
                other += part[lag + length - 1] ** 2 - part[lag - 1] ** 2
            scale = own * other
            similar[lag] = similar[lag] / np.sqrt(scale) if scale > 0 else 0.0
        best[n] = _highest_peak(similar, length)
    return best


@compiled
def _highest_peak(curve: Floats, longest: int) -> float:
    """Height of the highest peak before a lag, between samples by sinc interpolation, or 0."""
    tops = np.zeros(curve.size)
    for lag in range(2, longest):
        here = curve[lag]
        if here > 0 and here > curve[lag - 1] and here >= curve[lag + 1]:
            slope = 0.5 * (curve[lag + 1] - curve[lag - 1])
            tops[lag] = here - 0.5 * slope * slope / (curve[lag + 1] + curve[lag - 1] - 2 * here)
    highest = 0.0
    # only tops that the finer interpolation can make the highest are worth it
    for top in np.flatnonzero((tops > 0) & (tops >= tops.max() - PARABOLA_ERROR)):
        height = _sinc_maximum(curve, int(top))
        # a short window can overshoot
        highest = max(highest, 1.0 / height if height > 1.0 else height)
    return highest


@compiled
def _sinc_maximum(curve: Floats, lag: int) -> float:
    """Greatest value within a sample of a lag, by ternary search."""
    low, high = lag - 1.0, lag + 1.0
    while high - low > 1e-3:
        third = (high - low) / 3.0
        if sinc_value(curve, low + third) < sinc_value(curve, high - third):
            low += third
        else:
            high -= third
    return sinc_value(curve, 0.5 * (low + high))


@compiled
def _pulses(
    audio: Audio, f0_hz: Floats, hop: int, run: tuple[int, int], latest: float, loudest: float
) -> Floats:
    """Times of the periods of one voiced run of frames after `latest`, in samples, unsorted."""
    left, right = max(0.0, (run[0] - 0.5) * hop), min(audio.size - 1.0, (run[1] - 0.5) * hop)
    middle = 0.5 * (left + right)
    period = SAMPLE_RATE_HZ / _pitch_at(f0_hz, hop, run, middle)
    low, high = int(max(0.0, middle - period / 2)), int(middle + period / 2) + 1
    top = float(low + np.argmax(np.abs(audio[low:high])))
    found = [top]
    for side in (-1.0, 1.0):
        for at, similar, period in _steps(audio, f0_hz, hop, run, (left, right), top, side):
            # one beyond the run's edge must be louder and more like its neighbour
            least, quietest = INSIDE_RUN if left <= at <= right else BEYOND_RUN
            if similar <= least or at <= latest + 0.8 * period:
                continue
            centre, half = round(at), round(period / 2)
            peak = np.abs(audio[max(0, centre - half) : centre + half + 1]).max()
            if peak > quietest * loudest:
                found.append(at)
    return np.array(found)


@compiled
def _steps(
    audio: Audio,
    f0_hz: Floats,
    hop: int,
    run: tuple[int, int],
    edges: tuple[float, float],
    top: float,
    side: float,
) -> Floats:
    """From period to period until an edge is passed: (moment, likeness, period), shape (n, 3).

    Every step is at least `LEAST_STEP` of a period long, so that n is at most
    ``int((right - left) / (LEAST_STEP * shortest period)) + 1`` whatever the sound. The likeness is
    -1 where no period was found and the pitch alone says how far to go, be it out of the recording.
    """
    shortest = SAMPLE_RATE_HZ / f0_hz[run[0] : run[1]].max()
    most = int((edges[1] - edges[0]) / (LEAST_STEP * shortest)) + 1
    taken = np.empty((most, 3))
    at = top
    for step in range(most):
        if not edges[0] <= at <= edges[1]:
            return taken[:step]
        period = SAMPLE_RATE_HZ / _pitch_at(f0_hz, hop, run, at)
        length, similar = _next_period(audio, at, period, side)
        at += side * max(length, LEAST_STEP * period)
        taken[step] = at, similar, period
    return taken


@compiled
def _pitch_at(f0_hz: Floats, hop: int, run: tuple[int, int], at: float) -> float:
    """F0 of a voiced run at a sample, between frames on a straight line."""
    last = run[1] - 1
    place = min(max(at / hop, float(run[0])), float(last))
    before = min(int(place), last)
    after = min(before + 1, last)
    share = place - before
    return float((1.0 - share) * f0_hz[before] + share * f0_hz[after])


@compiled
def _next_period(audio: Audio, at: float, period: float, side: float) -> tuple[float, float]:
    """How far off the waveform of one period about a moment comes again, and how much alike it is.

    As in Praat the highest peak of the correlation counts, never its value at an end of the search,
    so that three samples place it within half a sample. Without a peak: one period, -1.
    """
    half = period / 2
    start, stop = round(at - half), round(at + half)
    near, far = at + side * 0.8 * period - half, at + side * 1.25 * period - half
    low, high = int(np.floor(min(near, far))), int(np.ceil(max(near, far)))
    if min(start, low) < 0 or max(stop, high + stop - start) >= audio.size:
        return period, -1.0
    similar = np.zeros(high - low + 1)
    for k in range(high - low + 1):
        product = own = other = 0.0
        for i in range(stop - start + 1):
            a, b = float(audio[start + i]), float(audio[low + k + i])
            product += a * b
            own += a * a
            other += b * b
        similar[k] = product / np.sqrt(own * other) if own * other > 0 else 0.0
    best, shift = 0, 0.0
    for k in range(1, high - low):
        before, here, after = similar[k - 1], similar[k], similar[k + 1]
        bend = 2.0 * here - before - after
        if here >= before and here >= after and bend > 0 and (not best or here > similar[best]):
            best, shift = k, 0.5 * (after - before) / bend
    if not best:
        return period, -1.0
    return side * (low + best + shift - start), similar[best]
