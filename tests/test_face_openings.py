"""Openings against faces built point by point in three dimensions, turned and moved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.face.head_pose import MEAN_FACE_MM, camera_matrix
from pipeline.face.openings import (
    INNER_BROWS,
    LEFT_BROW,
    LIP_CORNERS,
    LIPS,
    MOUTH_OPENINGS,
    OPENING_POINTS,
    OPENINGS,
    RIGHT_BROW,
    openings,
)
from pipeline.face.pose_fit import Poses
from tests.made.faces import HEIGHT, WIDTH, turn

CAMERA = camera_matrix(WIDTH, HEIGHT)
EYES_MM = 63.0
"""Between the eye centres of the mean face."""


def face_mm(*, mouth=6.0, left_brow=20.0, right_brow=20.0, width=58.0, off_mm=0.0):
    """x, y, z of the points that are read; `off_mm` puts all but the eyes at another depth."""
    at = {index: np.array(MEAN_FACE_MM[index], float) for index in (33, 133, 362, 263)}
    for points, height, side in ((LEFT_BROW, left_brow, -1), (RIGHT_BROW, right_brow, 1)):
        at |= {index: np.array((side * 35.0, 0.5 - height, -13.0 + off_mm)) for index in points}
    at |= {index: np.array((x, -19.0, -20.0 + off_mm))
           for index, x in zip(INNER_BROWS, (-13.5, -13.5, 13.5, 13.5), strict=True)}  # fmt: skip
    at |= {index: np.array((0.0, y, -21.0 + off_mm))
           for index, y in zip(LIPS, (66.0, 66.0 + mouth), strict=True)}  # fmt: skip
    at |= {index: np.array((x, 63.5, -12.0 + off_mm))
           for index, x in zip(LIP_CORNERS, (-width / 2, width / 2), strict=True)}  # fmt: skip
    return np.array([at[index] for index in OPENING_POINTS])


def seen(face: np.ndarray, yaw=0.0, pitch=0.0, roll=0.0, distance_mm=1000.0) -> dict[str, float]:
    spun = turn(2, roll) @ turn(1, yaw) @ turn(0, -pitch)
    place = np.array([30.0, -20.0, distance_mm])
    flat, _ = cv2.projectPoints(face, cv2.Rodrigues(spun)[0], place, CAMERA, None)
    values = openings(flat[None, :, 0], Poses(spun[None], place[None]), CAMERA)[0]
    return dict(zip(OPENINGS, values, strict=True))


TRUTH = {
    "mouth_opening": 6.0 / EYES_MM,
    "mouth_width": 58.0 / EYES_MM,
    "mouth_corner_left": 63.0 / EYES_MM,
    "mouth_corner_right": 63.0 / EYES_MM,
    "brow_opening_left": 20.0 / EYES_MM,
    "brow_opening_right": 20.0 / EYES_MM,
    "brow_gap": 27.0 / EYES_MM,
}


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (28, -15, 20), (-25, 22, -35)])
@pytest.mark.parametrize("distance_mm", [500.0, 2500.0])
def test_neither_turn_nor_distance_changes_a_length(yaw, pitch, roll, distance_mm) -> None:
    assert seen(face_mm(), yaw, pitch, roll, distance_mm) == pytest.approx(TRUTH, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "name", "expected"),
    [
        ({"mouth": 25.0}, "mouth_opening", 25 / EYES_MM),
        ({"left_brow": 26.0}, "brow_opening_left", 26 / EYES_MM),
        ({"right_brow": 14.0}, "brow_opening_right", 14 / EYES_MM),
        ({"width": 66.0}, "mouth_width", 66 / EYES_MM),
    ],
)
def test_one_movement_moves_one_value(change, name, expected) -> None:
    found = seen(face_mm(**change), yaw=15, pitch=-10)
    assert found == pytest.approx(TRUTH | {name: expected}, abs=1e-6)


def test_another_depth_than_the_mean_face_costs_what_the_docstring_says() -> None:
    turned = seen(face_mm(off_mm=2.0), pitch=10.0)
    frontal = seen(face_mm(off_mm=2.0))
    errors = {name: abs(turned[name] - frontal[name]) for name in OPENINGS}
    assert max(errors.values()) <= 0.0065
    assert errors["brow_opening_left"] > 0.004


def test_unknown_poses_and_closed_eyes_of_no_width_measure_nothing() -> None:
    nothing = Poses(np.full((1, 3, 3), np.nan), np.full((1, 3), np.nan))
    points = np.zeros((1, len(OPENING_POINTS), 2))
    assert np.isnan(openings(points, nothing, CAMERA)).all()
    at_one_spot = Poses(np.eye(3)[None], np.array([[0.0, 0.0, 1000.0]]))
    assert np.isnan(openings(points, at_one_spot, CAMERA)).all()
    assert openings(points[:0], Poses(nothing.turn[:0], nothing.place[:0]), CAMERA).shape == (0, 7)


def test_both_meshes_have_the_points() -> None:
    assert max(OPENING_POINTS) < 468
    assert set(MOUTH_OPENINGS) < set(OPENINGS)
    assert len(set(OPENING_POINTS)) == len(OPENING_POINTS)
