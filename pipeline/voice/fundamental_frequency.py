"""Fundamental frequency of one voice over a session, with a second opinion on its octave.

Voiced is what pYIN calls voiced between `f0_floor_hz` and `f0_ceiling_hz`, the same for every
voice, because its voicing moves by a tenth of all frames when the limits do. Its values are then
held to the voice's own range (De Looze & Hirst 2010: floor 0.75 q25, ceiling 1.5 q75): a frame
outside takes the value of a second pYIN pass within, or none. Last, each value moves towards the
nearby top of the waveform's correlation, by less than a quarter-tone: pYIN answers on a grid of
10 cents from 64 ms, which smooths a glide.
Sources: Mauch & Dixon 2014 (pYIN), Boersma 1993 (the second estimate).
Caveat: creak and breathiness are often called unvoiced; compare a voice with itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.settings import ProsodySettings
from pipeline.timeline import Floats, Seconds
from pipeline.voice.autocorrelation_pitch import autocorrelation_pitch, window_samples
from pipeline.voice.compiled import compiled
from pipeline.voice.pitch import Grid, Mask
from pipeline.voice.pyin import PitchSearch, pyin

Frames = NDArray[np.int64]

FLOOR_FACTOR, CEILING_FACTOR = 0.75, 1.5
"""Of the first and third quartile (De Looze & Hirst 2010)."""

LONGEST_PIECE_S: Seconds = 30.0
"""A longer run of speech is tracked in pieces, to bound memory [ours]."""

OVERLAP_S: Seconds = 1.0
"""Heard on both sides of a cut inside a run, so that the search has settled there [ours]."""

SEMITONE = 2.0 ** (1 / 12)
MOST_MOVED = 2.0 ** (49 / 1200)
"""Just under a quarter-tone, so that no value leaves pYIN's behind [ours]."""

REFINE_PERIODS, REFINE_LEAST_S = 3.0, 0.03
"""Length of waveform compared with itself one period later [ours]."""

DOUBT_ST = 1.0
"""Estimates further apart disagree (METHODS: Voice)."""

DOUBTFUL_PROP = 0.2
"""A fifth of the voiced frames in doubt degrades a stretch [ours]."""

OCTAVE_JUMP_ST, JUMP_GAP_S, JUMP_PROP = (11.0, 13.0), 0.05, 0.02
"""A voice hardly moves an octave in 50 ms: one such step in fifty degrades a stretch [ours]."""

THREADS_MAX = 8


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """F0 of one voice on the session's frame grid."""

    f0_hz: Floats
    """shape (n_frames,); NaN where unvoiced, outside the limits, or not alone"""
    second_hz: Floats
    """the same by autocorrelation (Boersma 1993), with its own voicing; (n_frames,)"""
    limits_hz: tuple[float, float] | None
    """the voice's own floor and ceiling; None where nothing was voiced"""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Frames tracked at once: heard from `start` to `stop`, kept from `first` to `last`."""

    start: int
    first: int
    last: int
    stop: int


def track_voice(
    audio: Audio,
    grid: Grid,
    alone: Mask,
    settings: ProsodySettings,
    progress: Callable[[float], None],
    *,
    threads: int | None = None,
) -> PitchTrack:
    """F0 where a voice speaks alone; the same to the bit for any number of threads.

    Parameters
    ----------
    audio : shape (n_samples,), 16 kHz
    alone : shape (n_frames,)
        Where this voice, and no other, speaks. No sample outside is listened to.
    progress : called with the share done
    threads : as many runs of speech are tracked at once; None = one per core, at most 8
    """
    bounds = (settings.f0_floor_hz, settings.f0_ceiling_hz)
    wide = PitchSearch(*bounds, grid.hop, resolution_st=settings.f0_resolution_st)
    pieces = list(_pieces(alone, grid))
    f0_hz = np.full(grid.count, np.nan)
    with _pool(threads) as pool:
        measured = pool.map(lambda piece: _pyin(audio, grid, piece, wide), pieces)
        _fill(f0_hz, pieces, measured, lambda share: progress(share / 2))
        limits = voice_limits(f0_hz, bounds)
        if limits is not None:
            own = PitchSearch(*limits, grid.hop, resolution_st=settings.f0_resolution_st)
            measured = pool.map(lambda piece: _settled(audio, grid, piece, own, f0_hz), pieces)
            _fill(f0_hz, pieces, measured, lambda share: progress(0.5 + share / 2))
    second_hz = autocorrelation_track(audio, grid, alone, bounds, threads=threads)
    return PitchTrack(f0_hz, second_hz, limits)


def autocorrelation_track(
    audio: Audio,
    grid: Grid,
    alone: Mask,
    limits_hz: tuple[float, float],
    *,
    threads: int | None = None,
) -> Floats:
    """F0 by autocorrelation (Boersma 1993) where a voice speaks alone, Hz, NaN where unvoiced.

    Parameters
    ----------
    audio : shape (n_samples,), 16 kHz
    alone : shape (n_frames,)
    limits_hz : lowest and highest pitch; the lowest sets the window, three of its periods
    """
    pieces = list(_pieces(alone, grid))
    loudest = max((_loudest(audio, grid, piece) for piece in pieces), default=0.0)
    pad = window_samples(limits_hz[0]) // 2

    def measure(piece: _Piece) -> Floats:
        padded = _cut_out(audio, grid, piece, pad)
        return autocorrelation_pitch(padded, grid.hop, limits_hz, loudest)[_kept(piece)]

    f0_hz = np.full(grid.count, np.nan)
    with _pool(threads) as pool:
        _fill(f0_hz, pieces, pool.map(measure, pieces), lambda _: None)
    return f0_hz


def voice_limits(f0_hz: Floats, bounds_hz: tuple[float, float]) -> tuple[float, float] | None:
    """Floor and ceiling of a voice from a first pass (De Looze & Hirst 2010), Hz.

    None where nothing was voiced.
    """
    heard = f0_hz[np.isfinite(f0_hz)]
    if not heard.size:
        return None
    q25, q75 = np.quantile(heard, (0.25, 0.75))
    return (
        max(bounds_hz[0], FLOOR_FACTOR * float(q25)),
        min(bounds_hz[1], CEILING_FACTOR * float(q75)),
    )


def octave_jump_prop(f0_hz: Floats, hop_s: Seconds) -> float | None:
    """Share of steps between voiced frames up to 50 ms apart that are about an octave.

    None without such a step.
    """
    voiced = np.flatnonzero(np.isfinite(f0_hz))
    near = np.diff(voiced) <= round(JUMP_GAP_S / hop_s)
    steps = np.abs(np.diff(12.0 * np.log2(f0_hz[voiced])))[near]
    if not steps.size:
        return None
    return float(np.mean((steps >= OCTAVE_JUMP_ST[0]) & (steps <= OCTAVE_JUMP_ST[1])))


def doubtful_prop(track: PitchTrack, frames: slice) -> float | None:
    """Share of frames voiced in both estimates that differ by over a semitone; None without."""
    f0_hz, second_hz = track.f0_hz[frames], track.second_hz[frames]
    both = np.isfinite(f0_hz) & np.isfinite(second_hz)
    if not both.any():
        return None
    return float(np.mean(np.abs(12.0 * np.log2(second_hz[both] / f0_hz[both])) > DOUBT_ST))


def is_degraded(track: PitchTrack, frames: slice, hop_s: Seconds) -> bool:
    """Whether the pitch of a stretch should not be trusted: octave jumps, or a second opinion.

    True from `DOUBTFUL_PROP` of frames in doubt, from `JUMP_PROP` of octave jumps, and where the
    second estimate hears no pitch at all.
    """
    doubt = doubtful_prop(track, frames)
    jumps = octave_jump_prop(track.f0_hz[frames], hop_s) or 0.0
    return doubt is None or doubt >= DOUBTFUL_PROP or jumps >= JUMP_PROP


def _pieces(alone: Mask, grid: Grid) -> Iterator[_Piece]:
    longest = round(LONGEST_PIECE_S / grid.hop_s)
    overlap = round(OVERLAP_S / grid.hop_s)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], alone.view(np.int8), [0]))))
    for start, stop in edges.reshape(-1, 2).tolist():
        cuts = np.linspace(start, stop, -(-(stop - start) // longest) + 1).astype(int).tolist()
        for first, last in pairwise(cuts):
            yield _Piece(max(start, first - overlap), first, last, min(stop, last + overlap))


def _cut_out(audio: Audio, grid: Grid, piece: _Piece, pad: int) -> Audio:
    """The piece's own samples with `pad` zeros before its first and after its last frame's hop."""
    half = grid.hop // 2
    first, last = piece.start * grid.hop - half, piece.stop * grid.hop - half
    samples = audio[max(0, first) : max(0, last)]
    before = pad - half + max(0, -first)
    return np.pad(samples, (before, pad + last - max(0, first) - samples.size))


def _pool(threads: int | None) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads or min(THREADS_MAX, len(os.sched_getaffinity(0))))


def _fill(
    track: Floats,
    pieces: Sequence[_Piece],
    measured: Iterable[Floats],
    progress: Callable[[float], None],
) -> None:
    """Put what was measured of each piece into its place."""
    for done, (piece, values) in enumerate(zip(pieces, measured, strict=True), 1):
        track[piece.first : piece.last] = values
        progress(done / len(pieces))


def _loudest(audio: Audio, grid: Grid, piece: _Piece) -> float:
    """Greatest magnitude of a sample of a piece."""
    samples = audio[piece.start * grid.hop : piece.stop * grid.hop]
    return float(np.abs(samples).max(initial=0.0))


def _kept(piece: _Piece) -> slice:
    return slice(piece.first - piece.start, piece.last - piece.start)


def _pyin(audio: Audio, grid: Grid, piece: _Piece, search: PitchSearch) -> Floats:
    """F0 of a piece by pYIN, shape (last - first,)."""
    padded = _cut_out(audio, grid, piece, search.frame_length // 2)
    return pyin(padded, search)[_kept(piece)]


def _settled(audio: Audio, grid: Grid, piece: _Piece, own: PitchSearch, f0_hz: Floats) -> Floats:
    """Values of a piece held to the voice's own limits, and refined."""
    track = f0_hz[piece.first : piece.last]
    outside = (track < own.floor_hz) | (track > own.ceiling_hz)
    if outside.any():
        track = np.where(outside, _pyin(audio, grid, piece, own), track)
    pad = own.frame_length // 2
    centres = pad + (np.arange(piece.first, piece.last) - piece.start) * grid.hop
    return _refine(_cut_out(audio, grid, piece, pad), centres, track)


@compiled
def _refine(samples: Audio, centres: Frames, f0_hz: Floats) -> Floats:
    """Each F0 moved towards the top of the normalised cross-correlation within a semitone."""
    refined = f0_hz.copy()
    for t in range(f0_hz.size):
        if not np.isfinite(f0_hz[t]):
            continue
        period = SAMPLE_RATE_HZ / f0_hz[t]
        length = int(max(REFINE_PERIODS * period, REFINE_LEAST_S * SAMPLE_RATE_HZ))
        low = int(np.floor(period / SEMITONE)) - 1
        high = int(np.ceil(period * SEMITONE)) + 1
        if centres[t] < (length + high) // 2 or centres[t] + length + high > samples.size:
            continue
        similar = np.empty(high - low + 1)
        for lag in range(low, high + 1):
            start = centres[t] - (length + lag) // 2
            similar[lag - low] = _similarity(samples, start, start + lag, length)
        top = 1 + np.argmax(similar[1:-1])
        bend = similar[top + 1] + similar[top - 1] - 2.0 * similar[top]
        if bend < 0 and similar[top] >= max(similar[top - 1], similar[top + 1]):
            peak = low + top - 0.5 * (similar[top + 1] - similar[top - 1]) / bend
            peak = min(max(peak, period / MOST_MOVED), period * MOST_MOVED)
            refined[t] = SAMPLE_RATE_HZ / peak
    return refined


@compiled
def _similarity(samples: Audio, first: int, second: int, length: int) -> float:
    """Normalised cross-correlation of two stretches of a waveform; 0 where one is silent."""
    product = energy_first = energy_second = 0.0
    for k in range(length):
        a, b = float(samples[first + k]), float(samples[second + k])
        product += a * b
        energy_first += a * a
        energy_second += b * b
    energy = energy_first * energy_second
    return product / np.sqrt(energy) if energy > 0 else 0.0
