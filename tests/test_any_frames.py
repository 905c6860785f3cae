"""What is computed of frames holds for any times they may have: one frame, gaps, changing rates."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from real_corpus import WHOLE

from pipeline.faces.events import Person, face_events
from pipeline.faces.head_motion import head_speed
from pipeline.faces.stretches import local_rate_hz
from pipeline.settings import FaceSettings

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
