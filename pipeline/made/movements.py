"""How the demo's face moves: planned blinks, head turns, nods, looks around and fixed gaze.

Signs are those of the face stage: yaw + = towards the image's left, pitch + = up, roll + = the
image-right eye lower; eye angles are relative to the head. Ordinary movement changes slowly and
within bounds (a sine, not a random walk), so that no ordinary half-minute is an outlier by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.base import Interval

FPS = 25
LID_COURSE = (0.3, 0.75, 1.0, 1.0, 1.0, 1.0, 0.7, 0.35, 0.1)
"""Lid position per frame of one blink, 0 open to 1 shut: fully shut for four frames (160 ms)."""
BLINKS_PER_MIN = 17.0
LOOK_S = (0.7, 1.5)
LOOK_YAW_DEG = (5.0, 11.0)
LOOK_PITCH_DEG = 3.0
HEAD_TURN_DEG = (12.0, 16.0)
NOD_DEG = 3.0
"""Amplitude of a nod: 6 degrees from peak to peak."""
NOD_HZ = 2.0

Course = NDArray[np.float32]  # shape (n_frames,)


@dataclass(frozen=True, slots=True)
class HeadTurn:
    """A planned turn of the head and back."""

    start_s: float
    end_s: float
    yaw_deg: float


@dataclass(frozen=True, slots=True)
class Motion:
    """Everything the renderer needs, one value per video frame, and what was planned."""

    yaw_deg: Course = field(repr=False)
    pitch_deg: Course = field(repr=False)
    roll_deg: Course = field(repr=False)
    eye_yaw_deg: Course = field(repr=False)
    eye_pitch_deg: Course = field(repr=False)
    lid: Course = field(repr=False)
    jaw: Course = field(repr=False)
    blinks: tuple[Interval, ...]
    head_turns: tuple[HeadTurn, ...]
    nods: tuple[Interval, ...]
    fixed_gaze: tuple[Interval, ...]


def overlaps(span: Interval, others: Iterable[Interval | HeadTurn], margin_s: float = 0.0) -> bool:
    """Whether `span` comes within `margin_s` of any of `others`."""
    return any(
        span.start_s < other.end_s + margin_s and other.start_s < span.end_s + margin_s
        for other in others
    )


def slow_wave(rng: np.random.Generator, n: int, periods_s: Sequence[float]) -> Course:
    """A sum of sines of random phase at 25 Hz, scaled to stay within -1 ... 1."""
    t_s = np.arange(n) / FPS
    phases = rng.uniform(0, 2 * np.pi, len(periods_s))
    waves = [
        np.sin(2 * np.pi * t_s / period_s + phase)
        for period_s, phase in zip(periods_s, phases, strict=True)
    ]
    return np.asarray(np.sum(waves, axis=0) / len(waves), dtype=np.float32)


def plan_blinks(
    rng: np.random.Generator, duration_s: float, turns: Sequence[HeadTurn]
) -> tuple[Interval, ...]:
    """Blinks on the frame grid, evenly enough that the rate never doubles; none in a head turn."""
    blinks = []
    length_s = len(LID_COURSE) / FPS
    at_s = float(rng.uniform(2, 5))
    while at_s < duration_s - 2:
        start_s = round(at_s * FPS) / FPS
        blink = Interval(start_s, start_s + length_s)
        if not overlaps(blink, turns, margin_s=0.4):
            blinks.append(blink)
        at_s += 60 / BLINKS_PER_MIN * float(rng.uniform(0.65, 1.35))
    return tuple(blinks)


def plan_head_turns(
    rng: np.random.Generator, duration_s: float, fixed: Sequence[Interval]
) -> tuple[HeadTurn, ...]:
    """A turn of 12 to 16 degrees and back, about every 40 s, none near a stretch of fixed gaze."""
    turns = []
    at_s = float(rng.uniform(12, 25))
    while at_s < duration_s - 5:
        side = float(rng.choice((-1.0, 1.0)))
        length_s = float(rng.uniform(2.0, 3.0))
        turn = HeadTurn(at_s, at_s + length_s, side * float(rng.uniform(*HEAD_TURN_DEG)))
        if not overlaps(Interval(turn.start_s, turn.end_s), fixed, margin_s=2.0):
            turns.append(turn)
        at_s += float(rng.uniform(30, 50))
    return tuple(turns)


def plan_nods(
    rng: np.random.Generator, listening: Sequence[Interval], busy: Sequence[Interval | HeadTurn]
) -> tuple[Interval, ...]:
    """Two or three cycles of nodding in about half of the turns the face listens to."""
    nods = []
    for span in listening:
        length_s = int(rng.integers(2, 4)) / NOD_HZ
        latest_s = span.end_s - length_s - 0.3
        wanted = rng.random() < 0.5
        if not wanted or latest_s <= span.start_s + 0.5:
            continue
        start_s = float(rng.uniform(span.start_s + 0.5, latest_s))
        nod = Interval(start_s, start_s + length_s)
        if not overlaps(nod, busy, margin_s=1.5):
            nods.append(nod)
    return tuple(nods)


def liveliness(n: int, fixed: Sequence[Interval]) -> Course:
    """1 in ordinary stretches, 0 where gaze is fixed, with half-second ramps inside the stretch."""
    t_s = np.arange(n) / FPS
    still = np.zeros(n)
    for span in fixed:
        still = np.maximum(
            still, np.clip(np.minimum(t_s - span.start_s, span.end_s - t_s) / 0.5, 0, 1)
        )
    return np.asarray(1 - still, dtype=np.float32)


def look_around(rng: np.random.Generator, n: int) -> tuple[Course, Course]:
    """Eye angles: looks to the side, held about a second, each second one back to the middle."""
    yaw, pitch = np.zeros(n, np.float32), np.zeros(n, np.float32)
    pace = 1 + 0.25 * slow_wave(rng, n, [210.0])
    at, away, side = 0, False, 1.0
    while at < n:
        hold = max(4, round(FPS * float(rng.uniform(*LOOK_S)) * float(pace[at])))
        if away:
            side = -side if rng.random() < 0.7 else side
            yaw[at : at + hold] = side * rng.uniform(*LOOK_YAW_DEG)
            pitch[at : at + hold] = rng.uniform(-LOOK_PITCH_DEG, LOOK_PITCH_DEG)
        at, away = at + hold, not away
    return eased(yaw), eased(pitch)


def eased(steps: Course) -> Course:
    """Steps spread over three frames, as an eye movement of some 60 ms to 100 ms is."""
    return np.convolve(steps, np.array([0.25, 0.5, 0.25]), mode="same").astype(np.float32)


def speaking_jaw(rng: np.random.Generator, n: int, speaking: Sequence[Interval]) -> Course:
    """Jaw opening 0..1: syllable-like movement at about 4 Hz while the face's person speaks."""
    t_s = np.arange(n) / FPS
    envelope = np.zeros(n)
    for span in speaking:
        envelope[(t_s >= span.start_s) & (t_s < span.end_s)] = 1.0
    wobble = 0.7 + 0.3 * slow_wave(rng, n, [1.7, 2.9])
    return np.asarray(
        envelope * wobble * (0.5 - 0.5 * np.cos(2 * np.pi * 4.1 * t_s)), dtype=np.float32
    )


def plan_motion(
    rng: np.random.Generator,
    duration_s: float,
    *,
    speaking: Sequence[Interval],
    listening: Sequence[Interval],
    fixed: Sequence[Interval],
) -> Motion:
    """Plan a face's movements for a session of `duration_s` at 25 frames a second."""
    n = round(duration_s * FPS)
    turns = plan_head_turns(rng, duration_s, fixed)
    nods = plan_nods(rng, listening, [*turns, *fixed])
    blinks = plan_blinks(rng, duration_s, turns)
    alive = liveliness(n, fixed)
    eye_yaw, eye_pitch = look_around(rng, n)
    yaw = 1.6 * slow_wave(rng, n, [7.3, 11.9, 19.0]) * alive
    pitch = 1.0 * slow_wave(rng, n, [6.1, 13.7]) * alive
    roll = 0.8 * slow_wave(rng, n, [9.1, 17.3]) * alive
    lid = np.zeros(n, np.float32)
    t_s = np.arange(n) / FPS
    for turn in turns:
        inside = np.clip(np.minimum(t_s - turn.start_s, turn.end_s - t_s) / 0.6, 0, 1)
        yaw += turn.yaw_deg * (3 * inside**2 - 2 * inside**3)
    for nod in nods:
        phase = np.clip(t_s - nod.start_s, 0, nod.end_s - nod.start_s)
        pitch -= NOD_DEG * np.sin(2 * np.pi * NOD_HZ * phase)
    for blink in blinks:
        at = round(blink.start_s * FPS)
        lid[at : at + len(LID_COURSE)] = LID_COURSE[: n - at]
    return Motion(
        yaw_deg=yaw.astype(np.float32),
        pitch_deg=pitch.astype(np.float32),
        roll_deg=roll.astype(np.float32),
        eye_yaw_deg=eye_yaw * alive,
        eye_pitch_deg=eye_pitch * alive,
        lid=lid,
        jaw=speaking_jaw(rng, n, speaking),
        blinks=blinks,
        head_turns=turns,
        nods=nods,
        fixed_gaze=tuple(fixed),
    )
