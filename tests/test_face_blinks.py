"""Blinks of known time and length in made eye-aspect series, and in real labelled ones."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from pipeline.face.blinks import find_closures
from pipeline.settings import FaceSettings

SETTINGS = FaceSettings()
OPEN, SHUT = 0.30, 0.08


def series(fps, blinks, *, duration_s=60.0, noise=0.004, phase_s=0.0, seed=1):
    """Eye aspect over time; each (time, half-width) is a raised-cosine dip."""
    t_s = np.arange(phase_s, duration_s, 1 / fps)
    ear = OPEN + np.random.default_rng(seed).normal(0, noise, len(t_s))
    for at_s, half_width_s in blinks:
        off = np.clip((t_s - at_s) / half_width_s, -1, 1)
        ear -= (OPEN - SHUT) * (1 + np.cos(np.pi * off)) / 2
    return t_s, ear


def closures(t_s, ear, usable=None):
    usable = np.ones(len(t_s), bool) if usable is None else usable
    return find_closures(t_s, ear, usable, SETTINGS)


def blinks(t_s, ear, usable=None):
    return [c for c in closures(t_s, ear, usable) if c.duration_s <= SETTINGS.blink_max_s]


@pytest.mark.parametrize("fps", [20, 25, 30, 60])
@pytest.mark.parametrize("half_width_s", [0.1, 0.15, 0.2, 0.3])
def test_all_blinks_are_found_at_countable_rates(fps: float, half_width_s: float) -> None:
    planned = np.arange(3, 57, 3.37)
    found = blinks(*series(fps, [(at, half_width_s) for at in planned]))
    assert len(found) == len(planned)
    middles = np.array([(b.start_s + b.end_s) / 2 for b in found])
    assert np.abs(middles - planned).max() < 1.5 / fps


@pytest.mark.parametrize(
    ("fps", "least", "most"), [(10, 0.3, 1.0), (15, 0.85, 1.0), (30, 1.0, 1.0)]
)
def test_recall_of_short_blinks_falls_with_the_frame_rate(fps, least, most) -> None:
    planned = [(at, 0.1) for at in np.arange(3, 297, 3.37)]
    recall = len(blinks(*series(fps, planned, duration_s=300))) / len(planned)
    assert least <= recall <= most


def test_length_does_not_depend_on_the_frame_rate() -> None:
    planned = [(at, 0.2) for at in np.arange(3, 57, 3.37)]
    lengths = [
        np.mean([b.duration_s for b in blinks(*series(fps, planned))]) for fps in (20, 30, 60)
    ]
    assert np.ptp(lengths) < 0.02


def test_nobody_blinks_in_noise() -> None:
    """The floor lies inside the noise then; only the least depth keeps the rule quiet."""
    for seed in range(5):
        assert not closures(*series(30, [], duration_s=120, noise=0.006, seed=seed))


def test_a_long_closure_is_no_blink_and_hides_none() -> None:
    t_s, ear = series(30, [(5, 0.15), (40, 0.15)])
    ear[(t_s >= 15) & (t_s < 23)] = SHUT
    found = closures(t_s, ear)
    assert [c.duration_s <= 0.5 for c in found] == [True, False, True]
    assert found[1].start_s == pytest.approx(15, abs=0.05)
    assert found[1].duration_s == pytest.approx(8, abs=0.1)


def test_a_lost_face_shifts_nothing_and_no_event_spans_it() -> None:
    t_s, ear = series(30, [(5, 0.15), (20.0, 0.15), (40, 0.15)])
    usable = (t_s < 20.0) | (t_s > 30)
    whole, cut = blinks(t_s, ear), blinks(t_s, ear, usable)
    assert [round(b.start_s, 3) for b in cut] == [round(whole[i].start_s, 3) for i in (0, 2)]
    dropped = blinks(t_s[usable], ear[usable])
    assert [b.start_s for b in dropped] == pytest.approx([b.start_s for b in cut], abs=0.01)


def test_irregular_frames_keep_their_times() -> None:
    rng = np.random.default_rng(5)
    steps = rng.uniform(0.0137, 0.0417, 1500)
    t_s = np.cumsum(steps)
    ear = np.full(len(t_s), OPEN)
    for at in (8.0, 21.5, 30.2):
        ear -= (OPEN - SHUT) * np.exp(-(((t_s - at) / 0.09) ** 2))
    middles = [(b.start_s + b.end_s) / 2 for b in blinks(t_s, ear)]
    assert middles == pytest.approx([8.0, 21.5, 30.2], abs=0.02)


def test_slow_drift_of_the_lids_is_no_blink() -> None:
    t_s, ear = series(30, [(at, 0.15) for at in range(5, 55, 5)])
    found = blinks(t_s, ear * (1 + 0.15 * np.sin(2 * np.pi * t_s / 40)))
    assert len(found) == 10


def test_lids_that_hover_at_the_threshold_are_one_closure() -> None:
    t_s, ear = series(30, [(5, 0.15), (40, 0.15)], noise=0.0)
    low = (t_s >= 20) & (t_s < 22)
    ear[low] = np.where(np.arange(low.sum()) % 10 == 9, 0.27, 0.15)
    lengths = [c.duration_s for c in closures(t_s, ear)]
    assert len(lengths) == 3
    assert lengths[1] == pytest.approx(2.0, abs=0.1)


def test_two_quick_blinks_stay_two() -> None:
    for fps in (20, 30):
        assert len(blinks(*series(fps, [(10.0, 0.12), (10.4, 0.12)]))) == 2


def test_nothing_usable() -> None:
    t_s, ear = series(30, [(5, 0.15)])
    assert closures(t_s, ear, np.zeros(len(t_s), bool)) == []
    assert closures(np.empty(0), np.empty(0)) == []


def test_real_lids_at_240_hz(shared_data) -> None:
    """Five to seven blinks an eye by hand count, partial ones included (JeFaPaTo)."""
    with (shared_data / "blink" / "blinking_short.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    ear = np.array([(float(r["EAR2D6_l"]) + float(r["EAR2D6_r"])) / 2 for r in rows])
    usable = np.array([r["EAR2D6_valid"] == "True" for r in rows])
    found = blinks(np.arange(len(ear)) / 240.0, ear, usable)
    assert 5 <= len(found) <= 8
