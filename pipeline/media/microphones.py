"""Microphones of one person each, on one clock: a row per person, and their mean for all else.

The mean is the mix because it cannot clip, leaves each voice at its own level (6 dB lower) and is
what a mono player gives; scaling voices to each other would invent levels that nobody recorded.

Only what all microphones recorded counts. Where one was not yet running, its wearer's voice is
heard in the other's microphone alone and would pass for the other's own: such a start is silent in
every row, and such an end is left out. Two recorders' clocks drift apart (some 0.1 s an hour is
usual); that is not measured and not corrected, so offsets between people from two files are as good
as the recorders' clocks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from models.base import SAMPLE_RATE_HZ, Seconds
from pipeline.errors import MediaError
from pipeline.media.audio import Channels, write_channels

_BLOCK = 60 * SAMPLE_RATE_HZ  # samples of each channel in memory at a time
_SAMPLE = np.dtype(np.float32).itemsize


@dataclass(frozen=True, slots=True)
class MicrophoneFile:
    """One file in which every channel is one person's microphone."""

    path: Path
    channels: int
    offset_s: Seconds
    """Session time of its first sample."""


@dataclass(frozen=True, slots=True)
class Microphones:
    """Decoded channels on the session clock, in files without a name."""

    rows: IO[bytes]
    """float32, one channel after the other."""
    mix: IO[bytes]
    """float32, their mean."""
    channels: int
    size: int
    """Samples of each."""
    damaged_packets: int
    unshared_s: Seconds
    """Recorded by some of the files only, and left out."""


@dataclass(frozen=True, slots=True)
class _Track:
    """One decoded channel: its file, and the session's samples `[first, end)` that it holds."""

    file: IO[bytes]
    first: int
    end: int

    def samples(self, start: int, end: int) -> Channels:
        """Of the session's samples `[start, end)`, silent before `first`; shape (end - start,)."""
        silent = min(max(0, self.first - start), end - start)
        self.file.seek(_SAMPLE * max(0, start - self.first))
        heard = np.frombuffer(self.file.read(_SAMPLE * (end - start - silent)), np.float32)
        return np.concatenate([np.zeros(silent, np.float32), heard])


def decode_microphones(files: Sequence[MicrophoneFile]) -> Microphones:
    """Decode each file once; a minute of sound is in memory at a time.

    Raises
    ------
    MediaError
        As `pipeline.media.audio.write_channels`, or the files have no time in common.

    """
    with ExitStack() as stack:
        tracks: list[_Track] = []
        damaged = 0
        for one in files:
            spools = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(one.channels)]
            damaged += write_channels(one.path, spools)
            first = round(one.offset_s * SAMPLE_RATE_HZ)
            tracks += [_Track(spool, first, first + _length(spool)) for spool in spools]
        start, end = max(0, *(t.first for t in tracks)), min(t.end for t in tracks)
        if end <= start:
            told = ", ".join(f"{one.path.name} at offset_s = {one.offset_s:g}" for one in files)
            raise MediaError(f"the microphones' files have no time in common: {told}")
        earliest, latest = max(0, min(t.first for t in tracks)), max(t.end for t in tracks)
        rows, mix = _written(tracks, start, end)
    unshared_s = (start - earliest + latest - end) / SAMPLE_RATE_HZ
    return Microphones(rows, mix, len(tracks), end, damaged, unshared_s)


def _length(spool: IO[bytes]) -> int:
    return spool.seek(0, 2) // _SAMPLE


def _written(tracks: Sequence[_Track], start: int, end: int) -> tuple[IO[bytes], IO[bytes]]:
    """The channels one after the other, and their mean; silent before `start`, up to `end`."""
    rows, mix = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  # kept open
    for at in range(start, end, _BLOCK):
        until = min(end, at + _BLOCK)
        block = np.stack([track.samples(at, until) for track in tracks])
        for row, samples in enumerate(block):
            rows.seek(_SAMPLE * (row * end + at))  # what is skipped reads as zeros
            rows.write(samples.tobytes())
        mix.seek(_SAMPLE * at)
        mix.write(block.mean(axis=0).tobytes())
    rows.flush()
    mix.flush()
    return rows, mix
