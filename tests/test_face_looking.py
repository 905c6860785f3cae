"""Stares and looks away in gaze of known course."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from pipeline.face.gaze_bins import STILL_CIRCLE_DEG, Bins, still_reach
from pipeline.face.looking import BIN_S, gaze_bins, looks_away, stares

FPS = 25


def course(duration_s: float, *parts: tuple[float, float, float, float], noise=0.3, seed=0):
    """Times and gaze: straight ahead, but (yaw, pitch) from start to end of each part."""
    t_s = np.arange(0, duration_s, 1 / FPS)
    gaze = np.random.default_rng(seed).normal(0, noise, (len(t_s), 2))
    for start_s, end_s, yaw, pitch in parts:
        gaze[(t_s >= start_s) & (t_s < end_s)] += (yaw, pitch)
    return t_s, gaze


def restless(duration_s: float, still: tuple[float, float], seed=0):
    """Gaze that jumps by more than 5 deg every 0.6 s, but rests on one spot for one stretch."""
    t_s, gaze = course(duration_s, seed=seed)
    jump = np.where(np.floor(t_s / 0.6) % 2 == 0, -4.0, 4.0)
    gaze[:, 0] += np.where((t_s >= still[0]) & (t_s < still[1]), 0.0, jump)
    return t_s, gaze


def bins_of(t_s, gaze, *, head=None, usable=None, shut=()) -> Bins:
    head = np.zeros((len(t_s), 3)) if head is None else head
    usable = np.ones(len(t_s), bool) if usable is None else usable
    return gaze_bins(t_s, gaze, head, usable, list(shut))


def spans(spells) -> list[tuple[float, float]]:
    return [(spell.start_s, spell.end_s) for spell in spells]


def close(found, expected, within=0.41) -> bool:
    return len(found) == len(expected) and np.allclose(found, expected, atol=within)


def test_a_still_stretch_is_a_stare_with_its_length() -> None:
    (stare,) = stares(bins_of(*restless(40, (10, 22))), 5.0)
    assert close([(stare.start_s, stare.end_s)], [(10, 22)])
    assert stare.size == pytest.approx(stare.end_s - stare.start_s)
    assert stares(bins_of(*restless(40, (10, 14))), 5.0) == []


def test_a_moving_head_is_no_stare_though_gaze_rests() -> None:
    t_s, gaze = restless(40, (10, 22))
    head = np.zeros((len(t_s), 3))
    head[:, 0] = 10 * np.sin(2 * np.pi * t_s / 8)  # 8 deg/s at most
    assert stares(bins_of(t_s, gaze, head=head), 5.0) == []


STARE = [(10, 22)]


@pytest.mark.parametrize(("blink_s", "expected"), [(0.15, STARE), (0.5, STARE), (0.9, [])])
def test_blinks_are_bridged_and_longer_closures_are_not(blink_s: float, expected: list) -> None:
    t_s, gaze = restless(40, (10, 22))
    shut = [(at, at + blink_s) for at in (13.0, 16.0, 19.0)]
    for start_s, end_s in shut:
        gaze[(t_s >= start_s) & (t_s <= end_s)] += (0, -20)
    assert close(spans(stares(bins_of(t_s, gaze, shut=shut), 5.0)), expected)


def test_a_lost_face_ends_a_stare_and_shifts_nothing_after_it() -> None:
    t_s, gaze = restless(60, (10, 40))
    usable = (t_s < 18) | (t_s >= 28)
    found = spans(stares(bins_of(t_s, gaze, usable=usable), 5.0))
    assert close(found, [(10, 18), (28, 40)])


def test_the_longest_stare_comes_first_and_none_overlap() -> None:
    """Drifting 0.25 deg/s, no circle of 5 deg holds more than 20 s of it."""
    t_s, gaze = course(90, noise=0.1)
    gaze[:, 0] += 0.25 * t_s
    found = spans(stares(bins_of(t_s, gaze), 5.0))
    lengths_s = [end - start for start, end in found]
    assert max(lengths_s) == pytest.approx(19.5, abs=1.5)
    assert min(lengths_s) >= 5
    assert sum(lengths_s) <= 90
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(found))


def test_still_reach_is_the_longest_run_that_fits() -> None:
    rng = np.random.default_rng(6)
    gaze = np.cumsum(rng.normal(0, 0.8, (300, 2)), axis=0)
    gaze[rng.random(300) < 0.05] = np.nan
    reach = still_reach(Bins(BIN_S, gaze, np.zeros((300, 3)), np.zeros(300, bool)))
    for i in range(300):
        last = i - 1
        for j in range(i, 300):
            box = gaze[i : j + 1]
            if not np.hypot(*(box.max(axis=0) - box.min(axis=0))) <= STILL_CIRCLE_DEG:
                break
            last = j
        assert reach[i] == last


def test_spells_away_from_the_usual_direction() -> None:
    t_s, gaze = course(180, (30, 35, 20, 0), (60, 61, 20, 0), (90, 100, 0, -14), (120, 130, 8, 0))
    found = looks_away(bins_of(t_s, gaze), 2.0)
    assert close(spans(found), [(30, 35), (90, 100)])
    assert [spell.size for spell in found] == pytest.approx([20, 14], abs=1)


def test_who_moves_to_another_seat_is_not_looking_away_for_the_rest_of_the_hour() -> None:
    t_s, gaze = course(1500, (800, 1500, 25, -5), (1000, 1004, -25, 0))
    assert close(spans(looks_away(bins_of(t_s, gaze), 2.0)), [(1000, 1004)])


def test_a_head_turned_too_far_for_gaze_counts_only_far_off() -> None:
    t_s, gaze = course(120, (50, 60, 20, 0))
    usable = ~((t_s >= 52) & (t_s < 58)) & ~((t_s >= 80) & (t_s < 90))
    head = np.zeros((len(t_s), 3))
    head[(t_s >= 50) & (t_s < 60), 0] = 45.0
    head[(t_s >= 80) & (t_s < 90), 0] = 26.0
    found = looks_away(bins_of(t_s, gaze, head=head, usable=usable), 2.0)
    assert close(spans(found), [(50, 60)])
    assert found[0].size == pytest.approx(45, abs=1)


def test_no_usual_direction_in_less_than_a_minute_of_gaze() -> None:
    t_s, gaze = course(50, (20, 30, 20, 0))
    assert looks_away(bins_of(t_s, gaze), 2.0) == []


def test_times_before_zero_and_uneven_starts_stay_on_the_clock() -> None:
    t_s, gaze = course(120, (30, 35, 20, 0))
    early = t_s - 40.13
    assert close(spans(looks_away(bins_of(early, gaze), 2.0)), [(-10.13, -5.13)])
