"""One channel of one audio stream, decoded and looked at before anybody believes it.

A channel can be dead, hold nothing but a steady hum, lie off the zero line, be too hot or too
quiet, or stop when a battery ends. All of it shows in the levels of tenths of a second, without
any idea of what speech is. Whose channel it is and what becomes of it is decided in `hearing`.
Thresholds are [ours].
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, lfilter_zi

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.spans import runs
from pipeline.timeline import Span

FRAME_S = 0.1
FRAME = round(FRAME_S * SAMPLE_RATE_HZ)
BLOCK = 600 * FRAME  # a minute at a time
SAMPLE = np.dtype(np.float32).itemsize

FULL_SCALE = 0.99  # from here on a sample counts as clipped
NOTHING_DB = -85.0  # what an open line of 16 bits does not get under
HEARD_DB = -80.0
HEARD_FRAMES = 10  # a second of anything is no silence
STEADY_DB = 6.0  # 1st to 99th percentile: hum and hiss stay within it, a voice does not
OFFSET_NOTICED = 0.002  # -54 dB
OFFSET_FRAMES = 100  # averaged over ten seconds
HIGH_PASS_HZ = 10.0
OFF_MIN_S = 5.0  # shorter silences of a channel are nobody speaking into a noise gate
GATED_RUNS = 6  # a channel this often exactly silent has a noise gate
GATE_FACTOR = 3.0  # and is off only where it is silent this much longer than ever else
STEADY_OFF_S = 5.0
LEVEL_SHIFT_DB = 6.0  # a microphone's own hiss against the room it heard before

Levels = NDArray[np.float32]  # dB re full scale, one a frame; shape (n_frames,)


@dataclass(frozen=True, slots=True)
class Channel:
    """One decoded channel."""

    media: int
    stream: int
    """Number of its stream in the file."""
    number: int
    """Its number in the stream, from 0."""
    file: IO[bytes]
    """float32 at 16 kHz, without any constant offset."""
    first: int
    """Session sample of its first sample; may be negative."""
    size: int
    levels: Levels
    """Of its own frames, the first begins with its first sample."""
    offset: float
    """Its mean in the file, full scale = 1."""
    offset_removed: bool
    """Whether that, or a drift of it, was large enough to be taken out."""
    clip_prop: float
    """Share of samples at full scale."""

    @property
    def end(self) -> int:
        """Session sample after its last."""
        return self.first + self.size

    @property
    def level_db(self) -> float | None:
        """Level of its loud frames, 95th percentile of what is no silence; None if it is silent."""
        heard = self.levels[self.levels > NOTHING_DB]
        return float(np.percentile(heard, 95)) if heard.size and not self.is_silent else None

    @property
    def is_silent(self) -> bool:
        """Whether it holds nothing at all."""
        fewest = min(HEARD_FRAMES, max(1, self.levels.size // 4))
        return int((self.levels > HEARD_DB).sum()) < fewest

    @property
    def is_steady(self) -> bool:
        """Whether all it holds is a hum or a hiss."""
        if self.is_silent or not self.levels.size:
            return False
        low, high = np.percentile(self.levels, (1, 99))
        return bool(high - low < STEADY_DB)

    @property
    def off(self) -> tuple[Span, ...]:
        """Session times at which it records nothing although the file goes on, s."""
        begin_s = self.first / SAMPLE_RATE_HZ
        if self.is_silent or self.is_steady:
            return ((begin_s, self.end / SAMPLE_RATE_HZ),)
        return tuple(
            (begin_s + first * FRAME_S, begin_s + last * FRAME_S)
            for first, last in _off_runs(self.levels)
        )

    def active(self) -> NDArray[np.bool_]:
        """Frames in which something stands out of its room, shape (n_frames,)."""
        if self.is_silent or self.is_steady:
            return np.zeros(self.levels.size, bool)
        heard = self.levels[self.levels > NOTHING_DB]
        room = float(np.percentile(heard, 10))
        return np.asarray(self.levels > max(room + 10.0, HEARD_DB + 5.0))

    def whole(self) -> Audio:
        """All its samples, mapped from the file; shape (size,)."""
        if not self.size:
            return np.empty(0, np.float32)
        return np.frombuffer(mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_COPY), np.float32)

    def samples(self, start: int, end: int) -> Audio:
        """Of the session's samples `[start, end)`, zeros where it has none."""
        out = np.zeros(end - start, np.float32)
        first, last = max(start, self.first), min(end, self.end)
        if last > first:
            self.file.seek(SAMPLE * (first - self.first))
            held = np.frombuffer(self.file.read(SAMPLE * (last - first)), np.float32)
            out[first - start : first - start + held.size] = held
        return out


def measured(media: int, stream: int, number: int, file: IO[bytes], first: int) -> Channel:
    """Levels of a decoded channel; a constant offset is taken out of the file."""
    size = file.seek(0, 2) // SAMPLE
    means, squares, clipped = [], [], 0
    for block in _blocks(file, size):
        whole = block[: block.size // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
        means.append(whole.mean(axis=1))
        squares.append(whole.var(axis=1))
        clipped += int(np.count_nonzero(np.abs(block) >= FULL_SCALE))
    mean = np.concatenate([np.empty(0), *means])
    power = np.concatenate([np.empty(0), *squares])
    off_zero = _is_off_zero(mean)
    if off_zero:
        _high_pass(file, size, float(mean[0]))
    return Channel(
        media=media,
        stream=stream,
        number=number,
        file=file,
        first=first,
        size=size,
        levels=(10 * np.log10(np.maximum(power, 1e-18))).astype(np.float32),
        offset=float(np.median(mean)) if mean.size else 0.0,
        offset_removed=off_zero,
        clip_prop=clipped / size if size else 0.0,
    )


def _blocks(file: IO[bytes], size: int) -> Iterator[Audio]:
    for start in range(0, size, BLOCK):
        file.seek(SAMPLE * start)
        yield np.frombuffer(file.read(SAMPLE * min(BLOCK, size - start)), np.float32)


def _is_off_zero(mean: NDArray[np.float64]) -> bool:
    """Whether the zero line lies off anywhere for ten seconds."""
    if not mean.size:
        return False
    length = min(OFFSET_FRAMES, mean.size)
    sums = np.cumsum(np.concatenate([[0.0], mean]))
    return bool(np.abs(sums[length:] - sums[:-length]).max() / length > OFFSET_NOTICED)


def _high_pass(file: IO[bytes], size: int, at_first: float) -> None:
    """The file again without what is slower than any voice."""
    b, a = butter(1, HIGH_PASS_HZ, "highpass", fs=SAMPLE_RATE_HZ)
    state = lfilter_zi(b, a) * at_first
    at = 0
    for block in _blocks(file, size):
        filtered, state = lfilter(b, a, block.astype(np.float64), zi=state)
        file.seek(SAMPLE * at)
        file.write(filtered.astype(np.float32).tobytes())
        at += block.size
    file.flush()


def _off_runs(levels: Levels) -> list[tuple[int, int]]:
    """Frames `[first, last)` of every stretch in which a channel that works elsewhere is off."""
    nothing = runs(levels <= NOTHING_DB)
    long = [run for run in nothing if run[1] - run[0] >= OFF_MIN_S / FRAME_S]
    if sum(last - first >= 3 for first, last in nothing) >= GATED_RUNS:
        long = [run for run in long if _is_far_longest(run, nothing)]
    if not long or long[-1][1] < levels.size:
        long += _hissing_end(levels)
    return long


def _is_far_longest(run: tuple[int, int], runs: list[tuple[int, int]]) -> bool:
    others = [last - first for first, last in runs if (first, last) != run]
    return run[1] - run[0] >= GATE_FACTOR * max(others)


def _hissing_end(levels: Levels) -> list[tuple[int, int]]:
    """The end of a channel whose microphone left nothing but a steady noise of its own."""
    last = levels.size
    tail = levels[-round(STEADY_OFF_S / FRAME_S) :]
    usual = float(np.median(tail))
    away = np.flatnonzero(np.abs(levels - usual) > STEADY_DB / 2)
    first = int(away[-1]) + 1 if away.size else 0
    before = levels[:first]
    if last - first < STEADY_OFF_S / FRAME_S or before.size < HEARD_FRAMES:
        return []
    room = (
        float(np.percentile(before[before > NOTHING_DB], 10))
        if (before > NOTHING_DB).any()
        else 0.0
    )
    return [(first, last)] if abs(usual - room) > LEVEL_SHIFT_DB else []
