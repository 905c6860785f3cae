"""Oracle 8: the share of gaze near its commonest direction, planted, with seats that move."""

from __future__ import annotations

import numpy as np
import pytest

from bench.gaze_modes import CASES, Planted, errors, planted
from pipeline.face.gaze_modes import around_mode
from pipeline.spans import Windows


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_planted_shares_are_found(case: Planted) -> None:
    found = errors(planted(np.random.default_rng(8), case))
    assert found.mean() <= 0.03
    assert np.mean(found <= 0.03) >= 0.95


def test_half_a_minute_of_looking_elsewhere_is_no_mode() -> None:
    rng = np.random.default_rng(9)
    gaze = rng.normal(0, 1, (4500, 2))
    away = slice(2000, 2150)
    gaze[away] += 20
    share, spread = around_mode(gaze, 0.2, Windows(np.array([400.0]), np.array([430.0])))
    assert share.tolist() == [0.0]
    assert spread[0] == pytest.approx(20 * np.sqrt(2), rel=0.02)


def test_a_short_session_has_the_mode_of_all_of_it() -> None:
    gaze = np.concatenate([np.zeros((100, 2)), np.full((50, 2), 30.0)])
    share, _ = around_mode(gaze, 0.2, Windows(np.array([0.0, 20.0]), np.array([30.0, 30.0])))
    assert share == pytest.approx([2 / 3, 0.0])


def test_nothing_measured_gives_nothing() -> None:
    share, spread = around_mode(
        np.full((200, 2), np.nan), 0.2, Windows(np.zeros(1), np.full(1, 30.0))
    )
    assert np.isnan(share).all()
    assert np.isnan(spread).all()
