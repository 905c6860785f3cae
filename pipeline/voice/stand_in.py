"""Turns of a session in which a microphone stops: by channel while both work, by voice meanwhile.

Whose voice it is that is heard in the other microphone is learnt where both work: a voice found in
the mix gets the number of the channel whose turns it fits. A voice that fits neither plainly gets a
number of its own, and whose it is stays unknown: a reply is never given to the wrong person.
Thresholds are [ours].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from models.base import Diarization, Interval, SpeakerInterval
from pipeline.timeline import overlap_s

FEWEST_S = 1.0  # of a voice in a channel's turns
FIT_MIN = 0.7  # share of what a voice says in anybody's turns

CHANNELS = 2


def joined(by_channel: Diarization, by_voice: Diarization, off: Sequence[Interval]) -> Diarization:
    """The turns by channel, and while a microphone is off those by voice."""
    numbers = channel_of(by_voice.exclusive, by_channel.exclusive)
    turns = [*by_channel.turns, *_within(by_voice.turns, off, numbers)]
    exclusive = [*by_channel.exclusive, *_within(by_voice.exclusive, off, numbers)]
    return Diarization(_in_order(turns), _in_order(exclusive))


def channel_of(
    voices: Iterable[SpeakerInterval], channels: Sequence[SpeakerInterval]
) -> Mapping[int, int]:
    """Voice -> the channel it fits, each channel once; further voices get numbers above them."""
    shared: dict[int, list[float]] = {}
    for voice in voices:
        said = shared.setdefault(voice.speaker, [0.0] * CHANNELS)
        for one in channels:
            said[one.speaker] += overlap_s((voice.start_s, voice.end_s), (one.start_s, one.end_s))
    best: dict[int, tuple[float, int]] = {}
    for voice_number, said in shared.items():
        most = max(said)
        if most >= FEWEST_S and most >= FIT_MIN * sum(said):
            channel = said.index(most)
            best[channel] = max(best.get(channel, (0.0, -1)), (most, voice_number))
    found = {voice_number: channel for channel, (_, voice_number) in best.items()}
    unknown = (number for number in sorted(shared) if number not in found)
    return found | {number: CHANNELS + at for at, number in enumerate(unknown)}


def _within(
    intervals: Iterable[SpeakerInterval], off: Sequence[Interval], numbers: Mapping[int, int]
) -> list[SpeakerInterval]:
    cut = (
        replace(
            one,
            start_s=max(one.start_s, span.start_s),
            end_s=min(one.end_s, span.end_s),
            speaker=numbers.get(one.speaker, CHANNELS + one.speaker),
        )
        for one in intervals
        for span in off
    )
    return [one for one in cut if one.end_s > one.start_s]


def _in_order(intervals: Iterable[SpeakerInterval]) -> tuple[SpeakerInterval, ...]:
    return tuple(sorted(intervals, key=lambda one: (one.start_s, one.end_s, one.speaker)))
