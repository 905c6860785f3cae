"""What is computed of frames holds for any times they may have: one frame, gaps, changing rates."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.base import StillFrame
from pipeline.face.events import Person, face_events
from pipeline.face.head_motion import head_speed
from pipeline.face.stretches import local_rate_hz
from pipeline.movement.energy import energy, masks, read_changes
from pipeline.movement.grid import CELLS, STEP_S, MotionGrid, counts_column
from pipeline.movement.synchrony import above_chance, lag_correlation
from pipeline.settings import FaceSettings, MovementSettings
from pipeline.tables import MOTION_GRID
from tests.made.real_corpus import WHOLE

STEPS_S = (1 / 60, 1 / 30, 1 / 15, 0.1, 0.4, 0.5, 3.0)

stretches = st.lists(
    st.tuples(
        st.sampled_from(STEPS_S),
        st.integers(1, 90),
        st.sampled_from(["seen", "seen", "flickers", "lost"]),
    ),
    min_size=1,
    max_size=8,
)


def filmed(parts, seed):
    """Times and how a face was seen: well, now and then, or not at all."""
    random = np.random.default_rng(seed)
    steps = np.concatenate([np.full(count, step) for step, count, _ in parts])
    shares = {"seen": 1.0, "flickers": 0.5, "lost": 0.0}
    share = np.concatenate([np.full(count, shares[how]) for _, count, how in parts])
    t_s = np.cumsum(steps * random.uniform(0.9, 1.1, steps.size))
    return t_s - random.uniform(0, 5), random.random(steps.size) < share, random


_SLOW, _FAST = (0.4, 90, "seen"), (1 / 60, 90, "lost")
SLOW_AMONG_FAST = [_SLOW, _SLOW, _FAST, (0.4, 5, "seen"), _FAST]
"""Frames sought at the rate of their neighbourhood, and themselves slower than any nod."""


@given(stretches, st.integers(0, 2**32 - 1))
@example(SLOW_AMONG_FAST, 0)
@settings(max_examples=2_000 if WHOLE else 40, deadline=None)
def test_events_lie_in_the_video_whatever_its_times(parts, seed):
    t_s, seen, random = filmed(parts, seed)
    wave = np.sin(2 * np.pi * random.uniform(0.2, 6) * t_s)
    rate_hz = np.nan_to_num(local_rate_hz(t_s))
    angles = [np.where(seen, random.uniform(0, 20) * wave, np.nan) for _ in range(3)]
    person = Person(
        t_s,
        np.where(seen, np.maximum(0.3 + 0.3 * wave, 0.0), np.nan),
        np.column_stack(angles),
        np.column_stack(angles[:2]),
        valid=seen,
        blinks_sought=seen & (rate_hz >= 20),
        nods_sought=seen & (rate_hz >= 15),
        absent=~seen,
    )
    events = face_events(person, FaceSettings())
    assert all(event.end_s >= event.start_s for event in events)
    assert all(np.isfinite(event.size) for event in events if event.kind != "look_away")
    assert not (head_speed(t_s, person.head, seen) < 0).any()


def measured(t_s, pictures):
    """The table of changes that a video with these frames gives."""
    grid = MotionGrid()
    for index, (at_s, grey) in enumerate(zip(t_s, pictures, strict=True)):
        grid.look(StillFrame(index, float(at_s), np.repeat(grey[..., None], 3, axis=2)))
    steps = grid.take()
    return MOTION_GRID.build(
        {
            "session_id": ["S01"] * len(steps),
            "media": [0] * len(steps),
            "t_s": [step.pts_s for step in steps],
            "changed_px": counts_column(steps),
            "brightness_change": [step.mean_change for step in steps],
            "brightness_change_abs": [step.mean_absolute_change for step in steps],
            "shift_prop": [step.shift_explained for step in steps],
        }
    )


@given(
    stretches, st.sampled_from(["still", "noise", "flashes", "moves"]), st.integers(0, 2**32 - 1)
)
@settings(max_examples=500 if WHOLE else 8, deadline=None)
def test_movement_is_measured_or_says_why_whatever_the_pictures(parts, kind, seed):
    t_s, _, random = filmed(parts, seed)
    t_s[random.random(t_s.size) < 0.02] -= 1.0  # stamps that go back
    pictures = np.full((t_s.size, 72, 128), 90, np.uint8)
    if kind == "noise":
        pictures = random.integers(0, 256, pictures.shape, np.uint8)
    elif kind == "flashes":
        pictures[random.random(t_s.size) < 0.3] = 255
    elif kind == "moves":
        for at, picture in enumerate(pictures):
            picture[20:50, at % 100 : at % 100 + 20] = 200
    table, chosen = measured(t_s, pictures), MovementSettings()
    changes = read_changes(lambda: iter(table.to_batches()))
    if changes is None:
        assert table.num_rows == 0
        return
    masked = masks(changes, chosen)
    courses = [energy(changes, np.arange(CELLS) % 2 == half, masked, chosen) for half in (0, 1)]
    for course, why in courses:
        assert (np.nan_to_num(course) >= 0).all()
        assert why in {None, "low_snr", "few_samples"}
    found = lag_correlation(courses[0][0], courses[1][0], step_s=STEP_S, window_s=5.0, hop_s=2.0,
                            lag_max_s=2.0)  # fmt: skip
    assert np.isnan(found.mean_abs_z) or found.mean_abs_z <= 10.0
    chance = above_chance(courses[0][0], courses[1][0], step_s=STEP_S, segment_s=2.0,
                          lag_max_s=1.0, surrogates=100)  # fmt: skip
    assert chance is None or 0 < chance.p <= 1
