"""Fundamental frequency and level on one frame grid, measured where one voice speaks alone.

Pitch is pYIN (Mauch & Dixon 2014) with limits set per voice by a first pass: floor 0.75 q25,
ceiling 1.5 q75 (De Looze & Hirst 2010). The grid is global: frame k is centred on sample k * hop.
The runs of one voice are laid end to end with silence between, so that pYIN's start-up is paid once
per chunk and no frame sees two runs. Caveat: pYIN's voicing depends on its pitch grid; a coarser
one calls less speech voiced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import librosa
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.config import ProsodySettings
from pipeline.timeline import Floats, Seconds, Span

Mask = NDArray[np.bool_]  # shape (n_frames,)
Run = tuple[int, int]
"""Half-open run of frames."""

LEVEL_WINDOW_S: Seconds = 0.064
"""As Praat's intensity with a minimum pitch of 50 Hz (de Jong & Wempe 2009)."""

SILENCE_DB = -120.0
CHUNK_FRAMES = 2000
"""Longest stretch handed to pYIN at once; bounds memory [J]."""

FIRST_PASS_RESOLUTION_ST = 0.2
SAMPLE_RUN_S: Seconds = 2.0
"""The first pass looks at pieces this long, spread over the session [J]."""

_BLOCK_FRAMES = 4096


@dataclass(frozen=True, slots=True)
class Grid:
    """Frames over a whole session: frame k is centred on sample ``k * hop``."""

    hop: int
    """Samples from one frame to the next."""
    count: int

    @property
    def hop_s(self) -> Seconds:
        """Seconds from one frame to the next."""
        return self.hop / SAMPLE_RATE_HZ

    def frames(self, span: Span) -> slice:
        """Frames whose centre lies in a half-open span."""
        first, last = (int(np.ceil(edge / self.hop_s - 1e-9)) for edge in span)
        return slice(min(max(first, 0), self.count), min(max(last, 0), self.count))

    def mask(self, spans: Sequence[Span]) -> Mask:
        """True where a frame's centre lies in one of the spans."""
        inside = np.zeros(self.count, dtype=np.bool_)
        for span in spans:
            inside[self.frames(span)] = True
        return inside


def grid_over(audio: Audio, hop_s: Seconds) -> Grid:
    """The frame grid of a recording."""
    hop = max(1, round(hop_s * SAMPLE_RATE_HZ))
    return Grid(hop, -(-audio.size // hop))


def level_db(audio: Audio, grid: Grid) -> Floats:
    """Level in dB re full scale: Hann-weighted mean power of `LEVEL_WINDOW_S`; (n_frames,)."""
    length = round(LEVEL_WINDOW_S * SAMPLE_RATE_HZ)
    window = np.hanning(length)
    window /= window.sum()
    power = np.empty(grid.count)
    for start in range(0, grid.count, _BLOCK_FRAMES):
        stop = min(start + _BLOCK_FRAMES, grid.count)
        first, last = start * grid.hop - length // 2, (stop - 1) * grid.hop + length - length // 2
        samples = stretch(audio, first, last).astype(np.float64)
        frames = sliding_window_view(samples, length)[:: grid.hop]  # (block, length)
        power[start:stop] = np.square(frames) @ window
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (SILENCE_DB / 10.0))))


def stretch(audio: Audio, first: int, last: int) -> Audio:
    """Samples `first` to `last` (excluded), zeros outside the recording; shape (last - first,)."""
    inside = audio[max(0, first) : max(0, last)]
    before = min(max(0, -first), last - first)
    return np.pad(inside, (before, last - first - before - inside.size))


def f0_of_voice(
    audio: Audio,
    grid: Grid,
    alone: Mask,
    settings: ProsodySettings,
    progress: Callable[[float], None],
) -> Floats:
    """F0 in Hz on the grid, NaN where unvoiced or where the voice is not alone.

    Parameters
    ----------
    audio : shape (n_samples,), 16 kHz
    alone : where this voice, and no other, speaks
    progress : called with the share done
    """
    runs = _runs(alone)
    sample = _spread(runs, round(settings.f0_first_pass_s / grid.hop_s), grid)
    wide = (settings.f0_floor_hz, settings.f0_ceiling_hz)
    first = _pyin(audio, grid, sample, wide, FIRST_PASS_RESOLUTION_ST, _ignore)
    heard = first[np.isfinite(first)]
    if not heard.size:
        return np.full(grid.count, np.nan)
    q25, q75 = np.quantile(heard, (0.25, 0.75))
    limits = (max(wide[0], 0.75 * float(q25)), min(wide[1], 1.5 * float(q75)))
    return _pyin(audio, grid, runs, limits, settings.f0_resolution_st, progress)


def _ignore(share: float) -> None:
    """The first pass is short: no progress."""


def _runs(mask: Mask) -> list[Run]:
    """Runs of true frames."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.view(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _spread(runs: Sequence[Run], budget: int, grid: Grid) -> list[Run]:
    """Pieces of the runs, evenly spread, of about `budget` frames in all."""
    pieces = _cut(runs, round(SAMPLE_RUN_S / grid.hop_s))
    total = sum(stop - start for start, stop in pieces)
    step = max(1, -(-total // max(1, budget)))
    return pieces[::step]


def _cut(runs: Sequence[Run], longest: int) -> list[Run]:
    return [
        (at, min(at + longest, stop)) for start, stop in runs for at in range(start, stop, longest)
    ]


def _pyin(
    audio: Audio,
    grid: Grid,
    runs: Sequence[Run],
    limits: tuple[float, float],
    resolution_st: float,
    progress: Callable[[float], None],
) -> Floats:
    """F0 by pYIN on the given runs of frames; NaN elsewhere and where unvoiced."""
    frame_length = _frame_length(limits[0])
    track = np.full(grid.count, np.nan)
    chunks = _chunks(_cut(runs, CHUNK_FRAMES))
    # one chunk after another: the Viterbi search holds the interpreter lock, threads gain nothing
    for done, chunk in enumerate(chunks, 1):
        laid, places = _lay_out(audio, grid, chunk, pad=frame_length // 2)
        f0, _, _ = librosa.pyin(
            laid,
            fmin=limits[0],
            fmax=limits[1],
            sr=SAMPLE_RATE_HZ,
            frame_length=frame_length,
            hop_length=grid.hop,
            resolution=resolution_st,
        )
        for at, (start, stop) in zip(places, chunk, strict=True):
            track[start:stop] = f0[at : at + stop - start]
        progress(done / len(chunks))
    return track


def _frame_length(floor_hz: float) -> int:
    """Power of two that holds three periods of the lowest pitch."""
    return int(2 ** np.ceil(np.log2(3.0 * SAMPLE_RATE_HZ / floor_hz)))


def _chunks(runs: Sequence[Run]) -> list[list[Run]]:
    """Consecutive runs packed to at most `CHUNK_FRAMES`."""
    packed: list[list[Run]] = []
    filled = CHUNK_FRAMES
    for start, stop in runs:
        if filled + stop - start > CHUNK_FRAMES:
            packed.append([])
            filled = 0
        packed[-1].append((start, stop))
        filled += stop - start
    return packed


def _lay_out(audio: Audio, grid: Grid, runs: Sequence[Run], *, pad: int) -> tuple[Audio, list[int]]:
    """Samples of the runs end to end with `pad` zeros on both sides; first frame of each run."""
    quiet = -(-pad // grid.hop)  # frames, so that the grid carries over
    parts: list[Audio] = []
    places: list[int] = []
    at = 0
    for start, stop in runs:
        first, last = max(0, start * grid.hop - grid.hop // 2), stop * grid.hop - grid.hop // 2
        part = np.zeros((quiet + stop - start + quiet) * grid.hop, dtype=np.float32)
        samples = audio[first:last]
        offset = quiet * grid.hop - (start * grid.hop - first)
        part[offset : offset + samples.size] = samples
        parts.append(part)
        places.append(at + quiet)
        at += quiet + stop - start + quiet
    return np.concatenate(parts), places
