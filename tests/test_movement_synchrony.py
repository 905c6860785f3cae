"""Co-movement: a known lead, independent pairs, and the naive way of computing it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.movement.synchrony import (
    SEGMENTS_MIN,
    above_chance,
    derangements,
    lag_correlation,
)
from tests.made.motion import STEP_S, TICK_S, moving, pair, planned_energy


@pytest.mark.parametrize("lead_s", [1.2, -1.2, 0.0, 0.5, 2.7])
@pytest.mark.parametrize("alike", [1.0, 0.6, 0.4])
def test_a_known_lead_is_found(lead_s: float, alike: float) -> None:
    first, second = pair(3, lead_s, alike=alike)
    lag_s, z = lag_correlation(first, second, step_s=STEP_S).peak()
    assert lag_s == pytest.approx(lead_s, abs=0.1)
    assert z > 0


def test_what_is_planted_lies_above_500_surrogates() -> None:
    first, second = pair(5, 1.2, alike=0.5)
    found = above_chance(first, second, step_s=STEP_S)
    assert found is not None
    assert found.p == pytest.approx(1 / 501)
    assert found.effect_size > 5
    assert found.mean_abs_z > found.chance_mean


def test_independent_pairs_are_at_chance() -> None:
    rng = np.random.default_rng(11)
    found = [
        above_chance(moving(rng, 900.0), moving(rng, 900.0), step_s=STEP_S) for _ in range(200)
    ]
    p = np.array([one.p for one in found if one])
    sizes = np.array([one.effect_size for one in found if one])
    assert len(p) == 200
    assert np.mean(p < 0.05) <= 0.07
    assert 0.4 < np.mean(p < 0.5) < 0.6
    assert abs(sizes.mean()) < 0.2
    assert 0.8 < sizes.std() < 1.2


def test_lags_beyond_the_segments_are_no_co_movement() -> None:
    first, second = pair(7, 60.0)
    found = above_chance(first, second, step_s=STEP_S)
    assert found is not None
    assert found.p > 0.05


def test_every_window_and_lag_is_pearsons_r() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 500))
    found = lag_correlation(first, second, step_s=STEP_S, window_s=30.0, hop_s=20.0, lag_max_s=2.0)
    assert found.z.shape == (4, 21)
    for window, start in enumerate(range(0, 351, 100)):
        for lag in range(-10, 11):
            a = first[start + max(0, -lag) : start + 150 - max(0, lag)]
            b = second[start + max(0, lag) : start + 150 - max(0, -lag)]
            r = np.corrcoef(a, b)[0, 1]
            assert found.z[window, lag + 10] == pytest.approx(np.arctanh(r), abs=1e-9)


def test_equal_courses_are_capped() -> None:
    course = moving(np.random.default_rng(1), 300.0)
    found = lag_correlation(course, course, step_s=STEP_S)
    assert found.peak() == (pytest.approx(0.0, abs=0.01), 10.0)
    assert np.abs(found.z).max() == 10.0
    inverted = lag_correlation(course, -course, step_s=STEP_S)
    assert inverted.peak()[1] == -10.0


def test_scale_and_offset_do_not_matter() -> None:
    first, second = pair(2, 1.2, lasts_s=600.0)
    usual = above_chance(first, second, step_s=STEP_S)
    assert usual == above_chance(first, second, step_s=STEP_S)
    other = above_chance(3 * first + 7, second / 5, step_s=STEP_S)
    assert usual is not None
    assert other is not None
    assert other.effect_size == pytest.approx(usual.effect_size)


def test_what_is_masked_has_no_weight() -> None:
    first, second = pair(4, 1.2)
    clean = lag_correlation(first, second, step_s=STEP_S)
    first[::15] = np.nan
    second[::15] = np.nan
    masked = lag_correlation(first, second, step_s=STEP_S)
    assert masked.z.shape == clean.z.shape
    assert np.abs(masked.z - clean.z).mean() < 0.05
    assert masked.peak()[0] == pytest.approx(1.2, abs=0.1)
    first[: len(first) // 2] = np.nan
    assert len(lag_correlation(first, second, step_s=STEP_S).z) < 0.55 * len(clean.z)


def test_too_little_gives_nothing() -> None:
    rng = np.random.default_rng(0)
    short = moving(rng, 30.0 * SEGMENTS_MIN - 2.0)
    assert above_chance(short, short, step_s=STEP_S) is None
    empty = lag_correlation(short[:200], short[:200], step_s=STEP_S)
    assert empty.z.shape == (0, 51)
    assert np.isnan(empty.mean_abs_z)
    assert np.isnan(empty.peak()).all()


def test_a_course_without_movement_does_not_co_move() -> None:
    flat, lively = np.ones(3000), moving(np.random.default_rng(0), 600.5)
    found = lag_correlation(flat, lively[:3000], step_s=STEP_S)
    assert found.mean_abs_z == 0.0


def test_in_a_surrogate_no_segment_keeps_its_partner() -> None:
    drawn = derangements(12, 500, np.random.default_rng(0))
    assert drawn.shape == (500, 12)
    assert (np.sort(drawn, axis=1) == np.arange(12)).all()
    assert not (drawn == np.arange(12)).any()
    assert len(np.unique(drawn, axis=0)) > 495


def test_planned_energy_is_mean_speed() -> None:
    speed = np.full(round(10 / TICK_S), 30.0)
    assert planned_energy(speed, np.array([2.0, 5.0])) == pytest.approx([30.0, 30.0])
