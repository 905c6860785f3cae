"""Poses of many frames at once against projections of known pose and against cv2's own solver."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.face.head_pose import MEAN_FACE_MM, POSE_POINTS, camera_matrix
from pipeline.face.pose_fit import fit_poses
from tests.made.faces import HEIGHT, WIDTH, mesh, turn

CAMERA = camera_matrix(WIDTH, HEIGHT)
MODEL = np.array([MEAN_FACE_MM[index] for index in POSE_POINTS], np.float64)


def noisy(n: int, noise_px: float, *, distance_mm: float = 1000.0, most_deg: float = 60.0):
    rng = np.random.default_rng(5)
    turns = rng.uniform(-most_deg, most_deg, (n, 3)) * (1, 0.6, 0.6)
    faces = np.array([mesh(*angles, distance_mm=distance_mm) for angles in turns])
    return faces[:, POSE_POINTS] + rng.normal(0, noise_px, (n, len(POSE_POINTS), 2))


def by_cv2(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, spun, shift = cv2.solvePnP(MODEL, points, CAMERA, None, flags=cv2.SOLVEPNP_SQPNP)
    assert found
    _, spun, shift = cv2.solvePnP(
        MODEL, points, CAMERA, None, spun, shift, True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    return cv2.Rodrigues(spun)[0], shift[:, 0]


@pytest.mark.parametrize("yaw", [-60, 0, 35])
@pytest.mark.parametrize("distance_mm", [400.0, 3000.0])
def test_a_projected_pose_comes_back(yaw: float, distance_mm: float) -> None:
    face = mesh(yaw, 12, -20, distance_mm=distance_mm)
    poses = fit_poses(face[None, POSE_POINTS], MODEL, CAMERA)
    assert poses.place[0] == pytest.approx([30, -20, distance_mm], abs=1e-3)
    assert poses.turn[0] == pytest.approx(turn(2, -20) @ turn(1, yaw) @ turn(0, -12), abs=1e-6)


@pytest.mark.parametrize(("noise_px", "distance_mm"), [(0.5, 1000.0), (1.5, 2500.0)])
def test_noisy_points_give_what_cv2_gives(noise_px: float, distance_mm: float) -> None:
    points = noisy(200, noise_px, distance_mm=distance_mm)
    poses = fit_poses(points, MODEL, CAMERA)
    theirs = [by_cv2(np.ascontiguousarray(frame)) for frame in points]
    assert poses.turn == pytest.approx(np.array([spun for spun, _ in theirs]), abs=2e-4)
    assert poses.place == pytest.approx(np.array([shift for _, shift in theirs]), rel=1e-3, abs=0.3)


def test_a_frame_does_not_depend_on_the_others() -> None:
    points = noisy(40, 1.0)
    points[7] += 300 * np.random.default_rng(1).normal(size=(len(POSE_POINTS), 2))
    together = fit_poses(points, MODEL, CAMERA)
    for i, frame in enumerate(points):
        alone = fit_poses(frame[None], MODEL, CAMERA)
        assert np.array_equal(alone.turn[0], together.turn[i])
        assert np.array_equal(alone.place[0], together.place[i])


def test_what_is_no_face_has_no_pose_or_a_proper_one() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal((WIDTH / 2, HEIGHT / 2), 200, (300, len(POSE_POINTS), 2))
    points[0], points[1], points[2, 3] = 0.0, np.nan, np.inf
    poses = fit_poses(points, MODEL, CAMERA)
    assert np.isnan(poses.place[:3]).all()
    assert np.isnan(poses.turn[:3]).all()
    known = np.isfinite(poses.place[:, 0])
    assert (poses.place[known, 2] > 0).all()
    square = poses.turn[known] @ np.swapaxes(poses.turn[known], 1, 2)
    assert square == pytest.approx(np.broadcast_to(np.eye(3), square.shape), abs=1e-9)


def test_no_frames() -> None:
    poses = fit_poses(np.empty((0, len(POSE_POINTS), 2)), MODEL, CAMERA)
    assert poses.turn.shape == (0, 3, 3)
    assert poses.place.shape == (0, 3)
