"""One frame grid over a session, and the level on it.

The grid is global: frame k is centred on sample ``k * hop``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.timeline import Floats, Seconds, Span

Mask = NDArray[np.bool_]  # shape (n_frames,)

LEVEL_WINDOW_S: Seconds = 0.064
"""As Praat's intensity with a minimum pitch of 50 Hz (de Jong & Wempe 2009)."""

SILENCE_DB = -120.0
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
