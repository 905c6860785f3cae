"""What a session's files let hear, on one clock: a mix, and a row for each person's microphone.

The mix is the mean of the channels that are heard, because a mean cannot clip, leaves each voice at
its own level and is what a mono player gives. While a channel is off it counts for nothing.

Of microphones of one person each only what all recorded counts: where one was not yet running, its
wearer's voice is heard in the other's microphone alone and would pass for the other's own. Such a
start is silent in every row, and such an end is left out. A microphone that is off for a while in
between, or dies, is another matter: its row then holds what the other microphone hears, and `off`
says when. Two recorders' clocks drift apart (some 0.1 s an hour is usual); that is not measured and
not corrected, so offsets between people from two files are as good as the recorders' clocks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio, Seconds
from pipeline.media.audio import Channels
from pipeline.media.channel import BLOCK, SAMPLE, Channel
from pipeline.media.hearing import Heard, off_of
from pipeline.timeline import Span, complement, union


@dataclass(frozen=True, slots=True)
class Claim:
    """A stretch of the session that is heard from some channels."""

    start: int
    """Session sample."""
    end: int
    heard: tuple[Heard, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """Decoded sound on the session clock, in files without a name."""

    mix: IO[bytes]
    """float32"""
    rows: IO[bytes] | None
    """float32, one person's after the other; None where both are on one recording."""
    row_count: int
    size: int
    """Samples of the mix, and of each row."""
    unshared_s: Seconds
    """Recorded by some microphones only, and left out."""
    off: tuple[tuple[Span, ...], ...]
    """Of each row, when its own microphone records nothing, s; of the mix, if there is no row."""

    def close(self) -> None:
        """Give the files back."""
        for file in (self.mix, self.rows):
            if file is not None:
                file.close()


def mixed(claims: Sequence[Claim]) -> Sound:
    """One mix of what is claimed; silence where nothing is."""
    size = max((claim.end for claim in claims), default=0)
    mix = _temporary()
    silent: list[Span] = []
    for claim in claims:
        used = [one for one in claim.heard if one.gain]
        off = [off_of(one.channel, [o.channel for o in used if o is not one]) for one in used]
        silent += _ending(claim, used)
        for at in range(claim.start, claim.end, BLOCK):
            until = min(claim.end, at + BLOCK)
            mix.seek(SAMPLE * at)  # what is skipped reads as zeros
            mix.write(_mean(used, off, at, until).tobytes())
    mix.truncate(SAMPLE * size)
    mix.flush()
    return Sound(mix, None, 0, size, 0.0, (tuple(silent),))


def in_rows(people: Sequence[Sequence[Heard]]) -> Sound | None:
    """A row for each person, from that person's channels in order; None if they share no time."""
    firsts = [min(one.channel.first for one in own) for own in people]
    ends = [max(one.channel.end for one in own) for own in people]
    start, end = max(0, *firsts), min(ends)
    if end <= start:
        return None
    off = _off(people, (start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ))
    rows, mix = _temporary(), _temporary()
    for at in range(start, end, BLOCK):
        until = min(end, at + BLOCK)
        block = np.stack([_row(own, at, until) for own in people])
        on = np.stack([~_covers(spans, at, until) for spans in off])
        mix.seek(SAMPLE * at)
        mix.write(_mean_of(block, on).tobytes())
        for row, samples in enumerate(_borrowed(block, on)):
            rows.seek(SAMPLE * (row * end + at))
            rows.write(samples.tobytes())
    rows.truncate(SAMPLE * end * len(people))
    for file in (rows, mix):
        file.flush()
    earliest, latest = max(0, min(firsts)), max(ends)
    unshared_s = (start - earliest + latest - end) / SAMPLE_RATE_HZ
    return Sound(mix, rows, len(people), end, unshared_s, tuple(map(tuple, off)))


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile()  # as long as the recording; has no name


def _mean(used: Sequence[Heard], off: Sequence[Sequence[Span]], at: int, until: int) -> Audio:
    if not used:
        return np.zeros(until - at, np.float32)
    block = np.stack([_raised(one, at, until) for one in used])
    if not any(off):
        total: Audio = np.add.reduce(block, axis=0) * np.float32(1.0 / len(block))
        return total
    return _mean_of(block, np.stack([~_covers(spans, at, until) for spans in off]))


def _mean_of(block: Channels, on: NDArray[np.bool_]) -> Audio:
    """Mean of the channels that are on at each sample; 0 where none is."""
    if on.all():
        total: Audio = block.mean(axis=0)
        return total
    return np.asarray((block * on).sum(axis=0) / np.maximum(on.sum(axis=0), 1), np.float32)


def _borrowed(block: Channels, on: NDArray[np.bool_]) -> Channels:
    """Each row, with what the microphones that are on hear where its own is off."""
    return block if on.all() else np.where(on, block, _mean_of(block, on)[None])


def _row(own: Sequence[Heard], at: int, until: int) -> Audio:
    """One person's channels after each other; where two overlap, the one that began counts."""
    out = np.zeros(until - at, np.float32)
    done = at
    for one in sorted(own, key=lambda heard: heard.channel.first):
        first, last = max(done, one.channel.first), min(until, one.channel.end)
        if last > first:
            out[first - at : last - at] = _raised(one, first, last)
            done = last
    return out


def _raised(one: Heard, at: int, until: int) -> Audio:
    samples = one.channel.samples(at, until)
    return samples if one.gain == 1.0 else np.clip(samples * np.float32(one.gain), -1.0, 1.0)


def _off(people: Sequence[Sequence[Heard]], whole: Span) -> list[list[Span]]:
    """When each person's microphone records nothing: it is off, or its file has a gap."""
    found = []
    for own in people:
        others: list[Channel] = [one.channel for them in people if them is not own for one in them]
        recorded = [_span(one.channel) for one in own]
        off = [span for one in own for span in off_of(one.channel, others)]
        inside = complement(complement(union([*off, *complement(recorded, whole)]), whole), whole)
        found.append(inside)
    return found


def _ending(claim: Claim, used: Sequence[Heard]) -> list[Span]:
    """The stretch before a claim's end in which no channel records anything any more."""
    ends_s = [max((b for a, b in one.channel.off), default=0.0) for one in used]
    starts_s = [max((a for a, b in one.channel.off), default=0.0) for one in used]
    last_s = claim.end / SAMPLE_RATE_HZ
    if not used or min(ends_s) < last_s - 0.2 or max(starts_s) <= claim.start / SAMPLE_RATE_HZ:
        return []
    return [(max(starts_s), last_s)]


def _span(channel: Channel) -> Span:
    return channel.first / SAMPLE_RATE_HZ, channel.end / SAMPLE_RATE_HZ


def _covers(spans: Sequence[Span], at: int, until: int) -> NDArray[np.bool_]:
    """Which session samples `[at, until)` lie in the spans."""
    found = np.zeros(until - at, bool)
    for start_s, end_s in spans:
        found[
            max(0, round(start_s * SAMPLE_RATE_HZ) - at) : max(
                0, round(end_s * SAMPLE_RATE_HZ) - at
            )
        ] = True
    return found
