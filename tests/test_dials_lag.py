"""A planted lag is found inside its interval; where the dial does not follow, none is told."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.dials.lag import HIGHEST_S, LOWEST_S, estimate_lag, turn_changes
from tests.made.dials import followed, turn_table


def lags(sessions: int, seed: int, **keys):
    """Planted lags, and what was told of each."""
    rng = np.random.default_rng(seed)
    planted = rng.uniform(0.3, 5.7, sessions)
    return planted, [estimate_lag(*reversed(followed(rng, lag, **keys))) for lag in planted]


@pytest.mark.parametrize("keys", [{}, {"minutes": 20}, {"share": 0.2, "turn_s": 15.0}])
def test_a_planted_lag_lies_in_its_interval(keys) -> None:
    planted, told = lags(40, 11, **keys)
    found = [
        (lag, one) for lag, one in zip(planted, told, strict=True) if one.estimate_s is not None
    ]
    inside = [one.low_s <= lag <= one.high_s for lag, one in found]
    assert len(found) >= 0.9 * len(told)
    assert np.mean(inside) >= 0.9
    assert np.median([one.high_s - one.low_s for _, one in found]) < 1.5


@pytest.mark.parametrize("turn_s", [5.0, 12.0])
def test_a_dial_that_does_not_follow_has_no_lag(turn_s: float) -> None:
    _, told = lags(40, 12, share=0.0, own_per_minute=5, turn_s=turn_s)
    assert sum(one.reason == "lag_unsure" for one in told) >= 38


def test_a_lag_no_hand_has_is_not_told() -> None:
    rng = np.random.default_rng(13)
    for lag in (-2.0, 8.5):
        turns, course = followed(rng, lag)
        assert estimate_lag(course, turns).reason == "lag_unsure"


def test_too_little_is_said_as_such() -> None:
    turns, course = followed(np.random.default_rng(14), 2.0)
    assert estimate_lag(course, turns[:0]).reason == "no_speech"
    assert estimate_lag(course[:500], turns).reason == "too_short"
    assert estimate_lag(course, turns[:10]).reason == "few_samples"
    assert estimate_lag(np.full(3000, 50.0), turns).reason == "few_samples"
    assert estimate_lag(np.full(3000, np.nan), turns).reason == "too_short"


def test_it_depends_on_the_two_alone_and_moves_with_both() -> None:
    turns, course = followed(np.random.default_rng(15), 2.5)
    once = estimate_lag(course, turns)
    assert once == estimate_lag(course.copy(), turns.copy())
    later = np.concatenate([np.full(300, np.nan), course])
    moved = estimate_lag(later, turns + 300)
    assert moved.estimate_s == pytest.approx(once.estimate_s, abs=0.01)
    assert LOWEST_S <= once.low_s <= once.estimate_s <= once.high_s <= HIGHEST_S


def test_a_change_of_turn_is_where_another_voice_takes_over() -> None:
    rows = turn_table(np.array([4.0, 9.0, 15.0])).to_pylist()
    assert turn_changes(rows).tolist() == [4, 9, 15]
    rows[2] |= {"takes_floor": False}
    assert turn_changes(rows).tolist() == [4]
    assert turn_changes([]).tolist() == []
