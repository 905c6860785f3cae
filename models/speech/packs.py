"""Packs of speech that a recogniser decodes in one go: at most half a minute, cut at pauses.

Whisper hears 30 s at a time (Radford et al. 2022). Packs hold all speech that a speech detector
found and no long silence, because a recogniser invents words for silence (Koenecke et al. 2024).
Packing by a speech detector follows WhisperX (Bain et al. 2023); unlike there, packs are plain
stretches of the recording, so that no time has to be mapped back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from models.base import SAMPLE_RATE_HZ, Audio, Interval, Seconds

LONGEST_S = 30.0
"""What Whisper hears at a time."""
SILENCE_S = 2.0
"""A pause this long always ends a pack."""
MARGIN_S = 0.4
"""Of the pause on either side that a pack takes along, as far as there is room."""

SHORTEST_S = 4.0
"""A shorter pack is not divided."""

_FULL_ENOUGH = 2 / 3
"""A pack filled to this share may end at its longest pause; an emptier one wastes decoding."""
_STEP = SAMPLE_RATE_HZ // 50
"""Samples whose energy is compared to find a quiet moment: 20 ms."""

Quietest = Callable[[Seconds, Seconds], Seconds]
"""Where between two times to cut speech that has no pause."""


def pack(
    speech: Sequence[Interval],
    *,
    quietest: Quietest,
    longest_s: Seconds = LONGEST_S,
    silence_s: Seconds = SILENCE_S,
    margin_s: Seconds = MARGIN_S,
) -> tuple[Interval, ...]:
    """Packs in order of time that cover all speech and do not overlap.

    A pack ends at a silence, or, where speech goes on, at the longest pause in the last third of
    what fits, and where that third has none, at the last pause that fits. Only speech without any
    pause for longer than a pack is cut elsewhere, at a quiet moment.

    Parameters
    ----------
    speech
        Sorted, not overlapping.
    quietest
        Where to cut where there is no pause, for example `quietest_moment` of the recording.
    longest_s
        Longest pack.
    silence_s
        A pause this long ends a pack.
    margin_s
        Of the pause on either side that a pack takes along at most.

    """
    pieces = [piece for interval in speech for piece in _not_longer(interval, longest_s, quietest)]
    packs = []
    while pieces:
        count = _count(pieces, longest_s, silence_s)
        packs.append(Interval(pieces[0].start_s, pieces[count - 1].end_s))
        pieces = pieces[count:]
    return _with_margins(packs, longest_s, margin_s)


def halves(one: Interval, speech: Sequence[Interval], *, quietest: Quietest) -> list[Interval]:
    """The speech in a pack, in packs of at most half its length that do not leave it.

    None of a pack under `SHORTEST_S`: there is nothing round a word to know it by.
    """
    if one.end_s - one.start_s < SHORTEST_S:
        return []
    inside = [
        Interval(max(each.start_s, one.start_s), min(each.end_s, one.end_s))
        for each in speech
        if each.end_s > one.start_s and each.start_s < one.end_s
    ]
    parts = pack(inside, quietest=quietest, longest_s=(one.end_s - one.start_s) / 2)
    return [Interval(max(part.start_s, one.start_s), min(part.end_s, one.end_s)) for part in parts]


def quietest_moment(audio: Audio) -> Quietest:
    """A `Quietest` that finds the 20 ms with the least energy.

    Parameters
    ----------
    audio
        Mono float32, 16 kHz, shape (n_samples,).

    """

    def quietest(earliest_s: Seconds, latest_s: Seconds) -> Seconds:
        first = int(earliest_s * SAMPLE_RATE_HZ)
        samples = audio[first : int(latest_s * SAMPLE_RATE_HZ)]
        steps = samples[: samples.size // _STEP * _STEP].reshape(-1, _STEP)
        if not len(steps):
            return (earliest_s + latest_s) / 2
        middle = first + (int(np.square(steps).sum(axis=1).argmin()) + 0.5) * _STEP
        return float(np.clip(middle / SAMPLE_RATE_HZ, earliest_s, latest_s))

    return quietest


def _not_longer(interval: Interval, longest_s: Seconds, quietest: Quietest) -> list[Interval]:
    """Cut speech without a pause where it is longer than a pack."""
    pieces = []
    start_s = interval.start_s
    while interval.end_s - start_s > longest_s:
        cut_s = quietest(start_s + longest_s * _FULL_ENOUGH, start_s + longest_s)
        pieces.append(Interval(start_s, cut_s))
        start_s = cut_s
    return [*pieces, Interval(start_s, interval.end_s)]


def _count(pieces: Sequence[Interval], longest_s: Seconds, silence_s: Seconds) -> int:
    """How many of the pieces the next pack takes."""
    begin_s = pieces[0].start_s
    pauses: list[Seconds] = []
    for before, after in pairwise(pieces):
        pauses.append(after.start_s - before.end_s)
        if pauses[-1] >= silence_s:
            return len(pauses)
        if after.end_s - begin_s > longest_s:
            break
    else:
        return len(pieces)
    ends = [piece.end_s - begin_s for piece in pieces[: len(pauses)]]
    full = [index for index, end_s in enumerate(ends) if end_s >= longest_s * _FULL_ENOUGH]
    return 1 + max(full, key=lambda index: (pauses[index], index), default=len(pauses) - 1)


def _with_margins(
    packs: Sequence[Interval], longest_s: Seconds, margin_s: Seconds
) -> tuple[Interval, ...]:
    """Lengthen packs into the pauses around them, to half of a pause at most."""
    widened = []
    for index, one in enumerate(packs):
        room_s = min(margin_s, max(0.0, longest_s - (one.end_s - one.start_s)) / 2)
        before_s = one.start_s - packs[index - 1].end_s if index else 2 * one.start_s
        after_s = packs[index + 1].start_s - one.end_s if index + 1 < len(packs) else 2 * room_s
        start_s = one.start_s - min(room_s, before_s / 2)
        widened.append(Interval(start_s, one.end_s + min(room_s, after_s / 2)))
    return tuple(widened)
