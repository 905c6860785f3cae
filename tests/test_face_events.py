"""Events of one person made to order: which kinds, when, how large."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import tables
from pipeline.face.events import Person, face_events
from pipeline.settings import FaceSettings

FPS = 25
SETTINGS = FaceSettings()


def person(duration_s: float = 60.0, **changes) -> Person:
    """A face that looks ahead and neither moves nor blinks, with a little noise."""
    t_s = np.arange(0, duration_s, 1 / FPS)
    n, rng = len(t_s), np.random.default_rng(8)
    seen = np.ones(n, bool)
    values = {
        "t_s": t_s,
        "lids": 0.3 + rng.normal(0, 0.003, n),
        "head": rng.normal(0, 0.1, (n, 3)),
        "gaze": rng.normal(0, 0.3, (n, 2)),
        "valid": seen,
        "blinks_sought": seen,
        "nods_sought": seen,
        "absent": ~seen,
    }
    return Person(**(values | changes))


def swing(t_s: np.ndarray, at_s: float, hz: float, peak_to_peak_deg: float, cycles: int = 3):
    inside = (t_s >= at_s) & (t_s < at_s + cycles / hz)
    return np.where(inside, peak_to_peak_deg / 2 * np.sin(2 * np.pi * hz * (t_s - at_s)), 0.0)


def of_kind(found, *kinds: str):
    return [event for event in found if event.kind in kinds]


def test_every_kind_is_declared() -> None:
    assert set(tables.FACE_EVENT_KINDS) < set(tables.EVENTS.by_name["kind"].levels)


@pytest.mark.parametrize(
    ("hz", "size_deg", "expected"), [(2, 8, 1), (4, 8, 1), (2, 2, 0), (0.4, 8, 0)]
)
def test_shakes_are_nods_of_yaw(hz: float, size_deg: float, expected: int) -> None:
    calm = person()
    head = calm.head.copy()
    head[:, 0] += swing(calm.t_s, 30.0, hz, size_deg)
    found = face_events(person(head=head), SETTINGS)
    assert of_kind(found, "nod_slow", "nod_fast") == []
    shakes = of_kind(found, "head_shake")
    assert len(shakes) == expected
    for shake in shakes:
        assert (shake.start_s, shake.end_s) == pytest.approx((30, 30 + 3 / hz), abs=0.5)
        assert shake.size == pytest.approx(size_deg, abs=2)


def test_the_yaw_that_a_nod_brings_along_is_no_shake() -> None:
    calm = person()
    head = calm.head.copy()
    nod = swing(calm.t_s, 30.0, 2.0, 12.0)
    head[:, :2] += np.column_stack([0.5 * nod, nod])
    found = face_events(person(head=head), SETTINGS)
    assert len(of_kind(found, "nod_slow")) == 1
    assert of_kind(found, "head_shake") == []


def lost(t_s: np.ndarray, *spans: tuple[float, float]) -> np.ndarray:
    return np.any([(t_s >= a - 1e-9) & (t_s < b - 1e-9) for a, b in spans], axis=0)


def test_out_of_the_frame_from_first_missing_to_next_seen_frame() -> None:
    t_s = person().t_s
    absent = lost(t_s, (10, 20), (30, 31), (57, 60))
    found = of_kind(face_events(person(absent=absent), SETTINGS), "out_of_frame")
    assert [(e.start_s, e.end_s) for e in found] == [
        pytest.approx((10, 20)),
        pytest.approx((57, 60)),
    ]
    assert [e.size for e in found] == pytest.approx([10, 3])


def test_time_that_was_not_filmed_is_not_time_out_of_the_frame() -> None:
    whole = person()
    kept = ~lost(whole.t_s, (15, 25))
    cut = {name: getattr(whole, name)[kept] for name in Person.__slots__}
    absent = lost(cut["t_s"], (12, 15), (25, 28))
    found = of_kind(face_events(Person(**(cut | {"absent": absent})), SETTINGS), "out_of_frame")
    assert [(e.start_s, e.end_s) for e in found] == [
        pytest.approx((12, 15)),
        pytest.approx((25, 28)),
    ]


def test_uneven_frames_do_not_cut_an_absence() -> None:
    """Steps of 14 and 42 ms in turn, as phones write them."""
    steps = np.tile([0.0137, 0.0137, 0.0417], 400)
    t_s = np.cumsum(steps)
    n = len(t_s)
    made = person(n / FPS)
    changes = {name: getattr(made, name)[:n] for name in Person.__slots__}
    uneven = Person(**(changes | {"t_s": t_s, "absent": lost(t_s, (5, 15))}))
    (gone,) = of_kind(face_events(uneven, SETTINGS), "out_of_frame")
    assert (gone.start_s, gone.end_s) == pytest.approx((5, 15), abs=0.06)


def test_stares_and_looks_away_carry_their_settings() -> None:
    calm = person(120)
    gaze = calm.gaze.copy()
    gaze[lost(calm.t_s, (40, 45))] += (20, 0)
    found = face_events(person(120, gaze=gaze), SETTINGS)
    (away,) = of_kind(found, "look_away")
    assert (away.start_s, away.end_s) == pytest.approx((40, 45), abs=0.21)
    assert away.size == pytest.approx(20, abs=1)
    assert [e.size for e in of_kind(found, "stare")] == pytest.approx([40, 5, 75], abs=0.5)
    stricter = SETTINGS.model_copy(update={"stare_min_s": 50.0, "look_away_min_s": 6.0})
    found = face_events(person(120, gaze=gaze), stricter)
    assert [e.kind for e in found] == ["stare"]


def test_events_come_in_time_order_and_no_gaze_means_no_spells() -> None:
    calm = person(120)
    pitch = swing(calm.t_s, 80.0, 2.0, 8.0)
    head = calm.head + np.outer(pitch, [0, 1, 0])
    found = face_events(person(120, head=head), SETTINGS)
    assert [e.start_s for e in found] == sorted(e.start_s for e in found)
    blind = face_events(person(120, head=head, valid=np.zeros(len(pitch), bool)), SETTINGS)
    assert {e.kind for e in blind} == {"nod_slow"}
