"""Figures of one dial against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.dials.figures import (
    count_excursions,
    count_moves,
    dial_figures,
    longest_hold_s,
    mean_square_successive_difference,
)

NAN = np.nan


def test_moves_and_holds() -> None:
    ramp = np.arange(0, 20, 0.5)
    assert count_moves(ramp) == 9
    assert count_moves(np.array([50, 51.9, 50, 48.1])) == 0
    assert longest_hold_s(np.array([1.0, 1, 1, 5, 5, NAN, 5, 5, 5, 5.2])) == 4


def test_mssd_is_of_the_means_of_five_seconds() -> None:
    stairs = np.repeat([50.0, 53.0, 47.0], 5)
    assert mean_square_successive_difference(stairs) == pytest.approx((9 + 36) / 2)
    within = stairs + np.tile([-2, -1, 0, 1, 2], 3)
    assert mean_square_successive_difference(within) == pytest.approx((9 + 36) / 2)
    ramp = np.arange(0, 60.0)
    assert mean_square_successive_difference(ramp) == pytest.approx(25)
    assert mean_square_successive_difference(ramp[:8]) is None


def test_mssd_of_noise_is_twice_the_variance_of_a_bin() -> None:
    noise = 50 + np.random.default_rng(3).normal(0, 4, 200_000)
    assert mean_square_successive_difference(noise) == pytest.approx(2 * 16 / 5, rel=0.02)


def test_mssd_compares_rated_neighbours_only() -> None:
    course = np.repeat([50.0, 60.0, NAN, 90.0, 92.0], 5)
    course[[0, 1]] = NAN
    assert mean_square_successive_difference(course) == pytest.approx((100 + 4) / 2)
    course[2] = NAN  # two of five seconds are too few
    assert mean_square_successive_difference(course) == pytest.approx(4)


def test_excursions_are_far_long_and_on_one_side() -> None:
    course = np.full(600, 50.0)
    course[100:110] = 60.1
    course[200:209] = 90.0  # 9 s
    course[300:320] = 60.0  # not more than 10 points
    course[400:405], course[405:410] = 70.0, 30.0  # two sides
    course[500:520] = 20.0
    assert count_excursions(course) == 2
    course[510] = NAN
    assert count_excursions(course) == 2
    course[508] = NAN
    assert count_excursions(course) == 1


def test_spread_and_shares() -> None:
    course = np.concatenate([[NAN] * 3, np.arange(0.0, 101)])
    figures = dial_figures(course)
    assert figures["dial_iqr"] == 50
    assert figures["dial_range"] == 100
    assert figures["dial_mean"] == 50
    assert figures["coverage"] == pytest.approx(101 / 104)
    shares = [figures[f"dial_prop_{name}"] for name in ("hindering", "neutral", "helpful")]
    assert shares == pytest.approx([45 / 101, 11 / 101, 45 / 101])
