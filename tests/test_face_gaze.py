"""Gaze and lid opening against faces drawn to order."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.face.gaze import (
    LEFT_CORNERS,
    LEFT_LID,
    LID_AHEAD,
    RIGHT_CORNERS,
    eye_aspect_ratio,
    eye_distance_px,
    gaze_angles,
    offset_in_eye,
)
from tests.made.faces import mesh


def offset(face: np.ndarray) -> np.ndarray:
    points = face[None]
    left = offset_in_eye(points[:, 468], points[:, LEFT_CORNERS])
    right = offset_in_eye(points[:, 473], points[:, RIGHT_CORNERS])
    return (left + right)[0] / 2


@pytest.mark.parametrize("roll", [0, 25, -25])
def test_an_offset_follows_the_eye_axis(roll: float) -> None:
    assert offset(mesh(roll=roll, iris=(0.1, -0.05))) == pytest.approx([0.1, -0.05])


AHEAD = np.array([LID_AHEAD])
PER_WIDTH = (126.0, 189.0, 63.0)


def test_gaze_is_head_plus_eye_with_signs() -> None:
    """An iris shifted to the image's left (negative x) and up (negative y) gives + and +."""
    shifted = np.array([[-0.1, -0.05]])
    gaze = gaze_angles(np.array([[4.0, -3.0, 9.0]]), shifted, AHEAD, PER_WIDTH)
    assert gaze[0] == pytest.approx([4 + 12.6, -3 + 1.5 * 6.3])


def test_a_lid_that_sinks_is_a_look_down() -> None:
    gaze = gaze_angles(np.zeros((1, 2)), np.zeros((1, 2)), AHEAD + 0.1, PER_WIDTH)
    assert gaze[0] == pytest.approx([0, -6.3])


def test_head_and_eye_turning_against_each_other_cancel() -> None:
    to_right = np.array([[10 / 126, 0.0]])
    gaze = gaze_angles(np.array([[10.0, 0.0]]), to_right, AHEAD, PER_WIDTH)
    assert gaze[0] == pytest.approx([0, 0])


@pytest.mark.parametrize("opening", [0.05, 0.3])
def test_eye_aspect_ratio_is_the_opening(opening: float) -> None:
    face = mesh(roll=15, opening=opening)
    assert eye_aspect_ratio(face[None][:, LEFT_LID])[0] == pytest.approx(opening)


def test_eye_distance_is_between_corner_middles() -> None:
    left = np.array([[[0.0, 0.0], [10.0, 0.0]]])
    right = np.array([[[35.0, 40.0], [35.0, 40.0]]])
    assert eye_distance_px(left, right) == pytest.approx([50.0])


def test_a_collapsed_eye_measures_nothing() -> None:
    assert np.isnan(eye_aspect_ratio(np.zeros((1, 6, 2))))[0]
    assert np.isnan(offset_in_eye(np.zeros((1, 2)), np.zeros((1, 2, 2)))).all()
