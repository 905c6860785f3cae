"""Which channels of a file are heard, decided from their levels before any is believed.

Where everyone is heard on one recording, what holds nothing is left out, a channel wired the wrong
way round is turned, one that clips gives way to one that does not, and of several streams those are
taken that add something: a mix and its parts are heard once, a desktop track and a microphone
track both. Where each person has a channel, channels are people: they are counted over all streams,
and none is left out for being silent. Thresholds are [ours].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from models.base import SAMPLE_RATE_HZ
from pipeline.media.channel import BLOCK, FRAME, FRAME_S, Channel

INVERTED_BELOW = -0.5  # correlation: summed, such channels lose more than they keep
SAME_ABOVE = 0.7  # correlation: one sound at two levels
CLIPPED_ABOVE = 0.001  # share of samples
ONE_MIX_ABOVE = 0.95  # correlation: one sound on two channels
ADDS_S = 1.0  # a stream with no more than this that is not heard elsewhere adds nothing
ADDS_SHARE = 0.1  # nor with no more than this share of what it holds
NEAR_FRAMES = 5  # half a second: tracks of one program may lie apart by that
QUIET_DB = -45.0  # loud speech under this is raised...
RAISED_TO_DB = -30.0  # ...to this

USES = ("heard", "inverted", "silent", "steady", "clipped", "covered", "unused")


@dataclass(frozen=True, slots=True)
class Heard:
    """One channel and what becomes of it."""

    channel: Channel
    use: str
    """One of `USES`: the first two are heard."""
    gain: float
    """What its samples are multiplied by; 0 if it is not heard."""


def hear_mixed(channels: Sequence[Channel]) -> list[Heard]:
    """What becomes of each channel of a file on which everyone is heard."""
    told = {id(one): "steady" if one.is_steady else "silent" for one in channels if _is_mute(one)}
    living = [one for one in channels if id(one) not in told]
    if not living:  # nothing stands out anywhere: the noise is all there is
        living = [one for one in channels if not one.is_silent] or list(channels[:1])
        told = {key: word for key, word in told.items() if key not in map(id, living)}
    told |= {id(one): "covered" for one in _covered(living)}
    living = [one for one in living if id(one) not in told]
    told |= _against_reference(living)
    gain = _gain([one for one in living if told.get(id(one)) != "clipped"])
    return [_heard(one, told.get(id(one), "heard"), gain) for one in channels]


def hear_roles(channels: Sequence[Channel], roles: int) -> list[Heard] | None:
    """The channel of each role in the file's order, others unused; None where it is ambiguous.

    As many channels as roles: each is one. More: those that are not silent, if they are as many,
    the streams of one channel, if they are, or those of a stream that has as many, unless it holds
    one mix on all of them; but only where one of these answers fits.
    """
    chosen = list(channels) if len(channels) == roles else _as_many(channels, roles)
    if chosen is None:
        return None
    kept = set(map(id, chosen))
    return [
        _heard(one, "heard", _gain([one]))
        if id(one) in kept
        else _heard(one, _mute_word(one) if _is_mute(one) else "unused", 0.0)
        for one in channels
    ]


def _as_many(channels: Sequence[Channel], roles: int) -> list[Channel] | None:
    living = [one for one in channels if not _is_mute(one)]
    if len(living) == roles:
        return living
    streams: dict[int, list[Channel]] = {}
    for one in living:
        streams.setdefault(one.stream, []).append(one)
    single = [group[0] for group in streams.values() if len(group) == 1]
    fitting = [single] if len(single) == roles else []
    fitting += [group for group in streams.values() if len(group) == roles > 1]
    fitting = [one for one in fitting if abs(correlation(one[0], one[-1])) < ONE_MIX_ABOVE]
    return fitting[0] if len(fitting) == 1 else None


def correlation(one: Channel, other: Channel) -> float:
    """Of two channels where both are heard, -1..1; 0 where they never are."""
    start, end = max(one.first, other.first), min(one.end, other.end)
    products = np.zeros(3)
    for at in range(start, end, BLOCK):
        a, b = (c.samples(at, min(end, at + BLOCK)).astype(np.float64) for c in (one, other))
        products += (a @ b, a @ a, b @ b)
    power = float(np.sqrt(products[1] * products[2]))
    return float(products[0] / power) if power > 0 else 0.0


def _heard(one: Channel, use: str, gain: float) -> Heard:
    return Heard(one, use, {"heard": gain, "inverted": -gain}.get(use, 0.0))


def _is_mute(one: Channel) -> bool:
    return one.is_silent or one.is_steady


def _mute_word(one: Channel) -> str:
    return "steady" if one.is_steady else "silent"


def _covered(channels: Sequence[Channel]) -> list[Channel]:
    """Channels of streams that add nothing to those that hold more."""
    streams: dict[int, list[Channel]] = {}
    for one in channels:
        streams.setdefault(one.stream, []).append(one)
    if len(streams) < 2:
        return []
    first = min(one.first for one in channels)
    frames = max(-(-(one.end - first) // FRAME) for one in channels) + 1
    active = {index: _active(group, first, frames) for index, group in streams.items()}
    order = sorted(active, key=lambda index: (-int(active[index].sum()), index))
    heard = active[order[0]].copy()
    covered: list[Channel] = []
    for index in order[1:]:
        near = binary_dilation(heard, iterations=NEAR_FRAMES)
        more_s = int((active[index] & ~near).sum()) * FRAME_S
        if more_s <= max(ADDS_S, ADDS_SHARE * int(active[index].sum()) * FRAME_S):
            covered += streams[index]
        else:
            heard |= active[index]
    return covered


def _active(group: Sequence[Channel], first: int, frames: int) -> NDArray[np.bool_]:
    found = np.zeros(frames, bool)
    for one in group:
        at, active = (one.first - first) // FRAME, one.active()
        found[at : at + active.size] |= active
    return found


def _against_reference(channels: Sequence[Channel]) -> dict[int, str]:
    """Which channels are wired the wrong way round, or clip where a better one does not."""
    if len(channels) < 2:
        return {}
    loudest = max(channels, key=lambda one: one.level_db or -np.inf)
    clean = [one for one in channels if one.clip_prop <= CLIPPED_ABOVE / 10]
    reference = loudest if loudest in clean or not clean else clean[0]
    told = {}
    for one in channels:
        if one is reference:
            continue
        alike = correlation(reference, one)
        if one.clip_prop > CLIPPED_ABOVE and clean and abs(alike) > SAME_ABOVE:
            told[id(one)] = "clipped"
        elif alike < INVERTED_BELOW:
            told[id(one)] = "inverted"
    return told


def _gain(channels: Sequence[Channel]) -> float:
    """1, or what raises a recording too quiet to be worked with."""
    levels = [one.level_db for one in channels if one.level_db is not None]
    if not levels or max(levels) >= QUIET_DB:
        return 1.0
    return float(10 ** ((RAISED_TO_DB - max(levels)) / 20))


def off_of(one: Channel, others: Sequence[Channel]) -> list[tuple[float, float]]:
    """When a channel records nothing while another hears somebody for at least two seconds, s."""
    spans = []
    for start_s, end_s in one.off:
        for other in others:
            begin_s = other.first / SAMPLE_RATE_HZ
            at, to = (max(0, round((t - begin_s) / FRAME_S)) for t in (start_s, end_s))
            if other.active()[at:to].sum() * FRAME_S >= 2.0:
                spans.append((start_s, end_s))
                break
    return spans
