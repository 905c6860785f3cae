"""Angles and turning speed of heads that turn as planned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pipeline.face.head_motion import head_speed, turn_angles
from tests.made.faces import turn


def everywhere(t_s: np.ndarray) -> np.ndarray:
    return np.ones(len(t_s), bool)


@pytest.mark.parametrize("angles", [(0, 0, 0), (40, -25, 10), (-70, 50, -120)])
def test_angles_of_a_turn(angles: tuple[float, float, float]) -> None:
    yaw, pitch, roll = angles
    spun = turn(2, roll) @ turn(1, yaw) @ turn(0, -pitch)
    assert turn_angles(spun[None])[0] == pytest.approx(angles, abs=1e-9)
    assert np.isnan(turn_angles(np.full((1, 3, 3), np.nan))).all()


@pytest.mark.parametrize("seed", range(5))
def test_speed_is_that_of_the_rigid_turn(seed: int) -> None:
    """Against the angle of the rotation between neighbouring frames, from a library."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(0, 1, 0.01)
    angles = rng.uniform(-50, 50, 3) + np.outer(t_s - 0.5, rng.uniform(-30, 30, 3))
    a, b = (Rotation.from_euler("ZYX", (r, y, -p), degrees=True) for y, p, r in angles[50:52])
    expected = np.degrees((b * a.inv()).magnitude()) / 0.01
    assert head_speed(t_s, angles, everywhere(t_s))[50] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("fps", [10, 15, 25, 30])
def test_a_constant_turn_has_its_speed_at_every_frame_and_rate(fps: int) -> None:
    t_s = np.arange(0, 4, 1 / fps)
    head = np.column_stack([12 * t_s, 0 * t_s, 0 * t_s])
    assert head_speed(t_s, head, everywhere(t_s)) == pytest.approx(12)


def test_uneven_frames_change_nothing() -> None:
    steps = np.random.default_rng(3).choice([1 / 30, 1 / 24], 200)
    t_s = np.cumsum(steps)
    head = np.column_stack([0 * t_s, -8 * t_s, 0 * t_s])
    assert head_speed(t_s, head, everywhere(t_s)) == pytest.approx(8)


def test_noise_of_a_still_head_reads_as_the_docstring_says() -> None:
    t_s = np.arange(0, 120, 0.04)
    head = np.random.default_rng(4).normal(0, 0.3, (len(t_s), 3))
    assert np.median(head_speed(t_s, head, everywhere(t_s))) == pytest.approx(1.2, abs=0.2)


def test_nothing_reaches_across_a_lost_face() -> None:
    t_s = np.arange(0, 3, 0.04)
    usable = (t_s < 1) | (t_s > 2)
    head = np.zeros((len(t_s), 3))
    head[t_s > 1.5] = 60.0
    head[~usable] = np.nan
    speed = head_speed(t_s, head, usable)
    assert speed[usable] == pytest.approx(0)
    assert np.isnan(speed[~usable]).all()
    lone = np.arange(len(t_s)) == 7
    assert np.isnan(head_speed(t_s, head, lone)).all()
    assert head_speed(np.empty(0), np.empty((0, 3)), np.empty(0, bool)).shape == (0,)
