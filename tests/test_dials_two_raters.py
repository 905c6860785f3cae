"""Where raters agree and part: crosswise counts, shared picks, planted divergences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pipeline.dials.two_raters import (
    confusion,
    divergence,
    divergences,
    kappa,
    overlap_share,
    shared,
)
from pipeline.timeline import Floats

LIMITS: dict[str, Any] = {
    "least_points": 20.0, "least_madn": 1.5, "least_s": 20.0, "bridge_s": 30.0, "most": 3,
}  # fmt: skip


def test_bins_are_counted_crosswise_with_the_edges_neutral() -> None:
    client = np.array([80, 55, 45, 44.9, 55.1, 10, math.nan])
    therapist = np.array([60, 50, 30, 44.0, 45.0, 90, 50.0])
    # rows client, columns therapist: helpful, neutral, hindering
    assert confusion(client, therapist).tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 1]]


def test_kappa_of_a_published_table() -> None:
    """Cohen's example: 20 and 15 of 50 agreed, 5 and 10 not: kappa 0.40."""
    assert kappa(np.array([[20, 5, 0], [10, 15, 0], [0, 0, 0]])) == pytest.approx(0.4)
    assert kappa(np.diag([3, 4, 5])) == pytest.approx(1)
    assert math.isnan(kappa(np.diag([9, 0, 0])))
    assert math.isnan(kappa(np.zeros((3, 3), int)))


def test_picks_are_shared_from_an_iou_of_three_tenths_and_once_each() -> None:
    client = [(0.0, 30.0), (100.0, 130.0), (200.0, 230.0)]
    therapist = [(15.0, 45.0), (117.0, 147.0), (195.0, 225.0), (204.0, 234.0)]
    # IoU 15/45 = .33 is shared, 13/47 = .28 is not; of two the nearer one counts
    assert shared(client, therapist, least=0.3) == [(15.0, 30.0), (204.0, 230.0)]
    assert shared(client, [], least=0.3) == []


def test_time_in_common_over_time_either_covers() -> None:
    assert overlap_share([(0.0, 30.0), (60.0, 90.0)], [(15.0, 45.0)]) == pytest.approx(15 / 75)
    assert overlap_share([(0.0, 30.0)], [(0.0, 30.0)]) == 1.0
    assert overlap_share([(0.0, 30.0)], [(50.0, 60.0)]) == 0.0
    assert math.isnan(overlap_share([], [(0.0, 1.0)]))


def planted(*steps: tuple[int, int, float], seconds: int = 3000) -> tuple[Floats, Floats]:
    client = 55 + 3 * np.sin(np.arange(seconds) / 40)
    therapist = client - 10
    for first, stop, points in steps:
        client[first:stop] += points
    return client, therapist


def test_planted_divergences_are_found_with_side_and_place() -> None:
    course = divergence(*planted((750, 850, 35.0), (1875, 1945, -28.0)), window_s=30.0)
    one, two = divergences(course, **LIMITS)
    assert (one.points, two.points) == pytest.approx((35, -28), abs=1)
    assert 750 - 15 <= one.start_s < one.peak_s < one.end_s <= 850 + 15
    assert (one.start_s + one.end_s) / 2 / 3000 == pytest.approx(800 / 3000, abs=0.005)
    assert one.madn is None  # the rest never diverges
    assert one.usual == pytest.approx(0, abs=0.1)


def test_a_constant_difference_between_raters_is_no_divergence() -> None:
    course = divergence(*planted(), window_s=30.0)
    assert np.abs(course).max() < 0.01
    assert divergences(course, **LIMITS) == []


def test_a_stretch_must_be_long_and_far_and_unusual() -> None:
    noise = 6 * np.sin(np.arange(3000) / 7)
    course = noise.copy()
    course[1000:1021], course[2000:2019] = 21.0, 60.0
    found = divergences(course, **LIMITS)
    assert [(one.start_s, one.end_s) for one in found] == [(1000.0, 1021.0)]
    assert found[0].madn == pytest.approx(21 / (1.4826 * np.median(np.abs(course))), rel=0.01)
    assert divergences(4 * noise, **LIMITS | {"least_s": 5.0, "least_madn": 3.0}) == []


def test_near_stretches_are_one_opposite_ones_are_two_and_three_at_most() -> None:
    course = np.zeros(3000)
    course[100:130] = course[155:185] = 30.0
    course[190:220] = -25.0
    course[1000:1030], course[2000:2030] = 40.0, 22.0
    found = divergences(course, **LIMITS)
    assert [(one.start_s, one.end_s, one.points) for one in found] == [
        (1000.0, 1030.0, 40.0), (100.0, 185.0, 30.0), (190.0, 220.0, -25.0),
    ]  # fmt: skip


def test_unrated_seconds_diverge_from_nothing() -> None:
    client, therapist = planted((750, 850, 35.0))
    client[700:900] = math.nan
    course = divergence(client, therapist, window_s=30.0)
    assert np.isnan(course[720:880]).all()
    assert divergences(course, **LIMITS) == []
    assert divergences(np.full(50, math.nan), **LIMITS) == []
