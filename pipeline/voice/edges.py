"""Where speech is audible: diarized stretches without the silence at their edges and inside.

A diarizer decides on frames tens of milliseconds long and is trained on references with padded
edges: it opens early and closes late, which takes about 0.1 s off every gap between speakers. Gaps
are what reply latencies are made of, so each edge is moved inwards, never outwards, to the first
sound that stands out of the stretch's own level and of the room's noise. Where the other voice goes
on across an edge, the level does not drop and the edge stays. An edge silent for longer than
`reach_s` stays as well: so much quiet is no padding but the diarizer's own decision that somebody
speaks, softly, and a cut at `reach_s` would end nowhere that anything is heard.

A diarizer also talks through a speaker's pauses. They are taken out where the same level says so
for at least `pause_s` and the voice activity detector hears nobody at their middle: in a noisy room
the level alone would take soft syllables out as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.base import SAMPLE_RATE_HZ, Audio, SpeakerInterval
from pipeline.spans import Flags, runs
from pipeline.timeline import Floats, Seconds, Span

HOP = 80  # samples: 5 ms
WINDOW = 160  # samples: 10 ms
_BLOCK_STEPS = 12_000  # a minute at a time: an hour costs the memory of a minute
_SHORTEST = 10  # frames; shorter stretches keep their edges
_NOISE_FRAMES = 50
_CLEAR_S = 0.1  # kept away from speech when the room's noise is measured


def to_audible(
    intervals: Sequence[SpeakerInterval],
    audio: Audio,
    heard: Sequence[Span],
    *,
    reach_s: Seconds,
    pause_s: Seconds,
    depth_db: float,
    above_noise_db: float,
) -> list[SpeakerInterval]:
    """The same stretches with silent edges cut off, and parted at their pauses.

    Parameters
    ----------
    intervals
        Of any speakers, on the clock of `audio`.
    heard
        Where the voice activity detector hears anybody.
    reach_s
        Longest cut at either edge, s.
    pause_s
        Shortest pause, s.
    depth_db
        Audible is at most this far under the stretch's loud speech (95th percentile), dB.
    above_noise_db
        and at least this far over the room's noise (median outside all speech), dB.
    """
    level = frame_level_db(audio)
    floor = _noise_db(level, intervals) + above_noise_db
    reach, shortest = (round(length_s * SAMPLE_RATE_HZ / HOP) for length_s in (reach_s, pause_s))
    nobody = np.ones(level.size, bool)
    for start_s, end_s in heard:
        nobody[_frame(start_s) : _frame(end_s)] = False
    moved = [_moved_in(one, level, reach, floor, depth_db) for one in intervals]
    return [
        piece for one in moved for piece in _parted(one, level, nobody, shortest, floor, depth_db)
    ]


def frame_level_db(audio: Audio) -> Floats:
    """Level of 10 ms frames every 5 ms, dB re full scale; shape (n_frames,)."""
    if audio.size < WINDOW:
        return np.empty(0)
    energy = np.empty(audio.size // HOP)  # of each step; a frame is two steps
    for start in range(0, energy.size, _BLOCK_STEPS):
        steps = audio[start * HOP : (start + _BLOCK_STEPS) * HOP]
        steps = steps[: steps.size // HOP * HOP].reshape(-1, HOP)
        energy[start : start + len(steps)] = np.square(steps, dtype=np.float64).sum(axis=1)
    return np.asarray(10 * np.log10((energy[:-1] + energy[1:]) / WINDOW + 1e-12))


def _noise_db(level: Floats, intervals: Sequence[SpeakerInterval]) -> float:
    """Level of the room while nobody speaks; the quietest twentieth where somebody always does."""
    quiet = np.ones(level.size, bool)
    for one in intervals:
        quiet[_frame(one.start_s - _CLEAR_S) : _frame(one.end_s + _CLEAR_S)] = False
    if np.count_nonzero(quiet) >= _NOISE_FRAMES:
        return float(np.median(level[quiet]))
    return float(np.percentile(level, 5)) if level.size else 0.0


def _moved_in(
    one: SpeakerInterval, level: Floats, reach: int, floor: float, depth_db: float
) -> SpeakerInterval:
    own = level[_frame(one.start_s) : _frame(one.end_s)]
    if own.size < _SHORTEST:
        return one
    audible = _audible(own, floor, depth_db)
    head, tail = audible[:reach], audible[::-1][:reach]
    frame_s = HOP / SAMPLE_RATE_HZ
    start_s = one.start_s + (frame_s * int(np.argmax(head)) if head.any() else 0.0)
    end_s = one.end_s - (frame_s * int(np.argmax(tail)) if tail.any() else 0.0)
    return replace(one, start_s=start_s, end_s=end_s) if end_s > start_s else one


def _parted(
    one: SpeakerInterval,
    level: Floats,
    nobody: Flags,
    shortest: int,
    floor: float,
    depth_db: float,
) -> list[SpeakerInterval]:
    """The stretch without its pauses."""
    first = _frame(one.start_s)
    own = level[first : _frame(one.end_s)]
    if own.size < _SHORTEST:
        return [one]
    pieces, begun_s = [], one.start_s
    for start, stop in runs(~_audible(own, floor, depth_db), shortest):
        if start == 0 or stop == own.size or not nobody[first + (start + stop) // 2]:
            continue
        quiet_s, loud_s = ((first + frame) * HOP / SAMPLE_RATE_HZ for frame in (start, stop))
        pieces.append(replace(one, start_s=begun_s, end_s=quiet_s))
        begun_s = loud_s
    return [*pieces, replace(one, start_s=begun_s)]


def _audible(own: Floats, floor: float, depth_db: float) -> Flags:
    return np.asarray(own >= max(floor, float(np.percentile(own, 95)) - depth_db))


def _frame(t_s: Seconds) -> int:
    return max(0, int(t_s * SAMPLE_RATE_HZ / HOP))
