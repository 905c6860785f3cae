"""Head pose against projections of known rotation, written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.face.head_motion import turn_angles
from pipeline.face.head_pose import MEAN_FACE_MM, POSE_POINTS, camera_matrix
from pipeline.face.pose_fit import fit_poses
from tests.made.faces import HEIGHT, WIDTH, mesh

CAMERA = camera_matrix(WIDTH, HEIGHT)
MODEL = np.array([MEAN_FACE_MM[index] for index in POSE_POINTS], np.float64)


def angles(*meshes: np.ndarray) -> np.ndarray:
    points = np.array(meshes).reshape(-1, 478, 2)[:, POSE_POINTS]
    return turn_angles(fit_poses(points, MODEL, CAMERA).turn)


@pytest.mark.parametrize("yaw", [-45, -20, 0, 20, 45])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (15, 10), (-20, -25)])
def test_projected_angles_come_back(yaw: float, pitch: float, roll: float) -> None:
    assert angles(mesh(yaw, pitch, roll))[0] == pytest.approx([yaw, pitch, roll], abs=0.01)


def test_signs_in_the_picture() -> None:
    """Nose to the image's left, nose up, image-right eye lower: read off the pixels themselves."""
    middle, nose, left_eye, right_eye = 168, 1, 33, 263
    frontal = mesh()
    to_left, up, tilted = mesh(yaw=20), mesh(pitch=20), mesh(roll=20)
    drop = frontal[nose] - frontal[middle]
    assert (to_left[nose] - to_left[middle])[0] < drop[0]
    assert (up[nose] - up[middle])[1] < drop[1]
    assert tilted[right_eye, 1] > tilted[left_eye, 1]
    yaw, pitch, roll = angles(to_left, up, tilted).diagonal()
    assert min(yaw, pitch, roll) > 19


def test_each_frame_stands_alone() -> None:
    rng = np.random.default_rng(3)
    faces = [mesh(*rng.uniform(-30, 30, 3)) + rng.normal(0, 0.5, (478, 2)) for _ in range(20)]
    together = angles(*faces)
    alone = np.concatenate([angles(face) for face in faces])
    assert np.array_equal(together, alone)


def test_unmeasured_frames_stay_unmeasured() -> None:
    lost = np.full((478, 2), np.nan)
    found = angles(mesh(yaw=10), lost, mesh(yaw=-10))
    assert np.isnan(found[1]).all()
    assert found[[0, 2], 0] == pytest.approx([10, -10], abs=0.01)


def test_no_frames() -> None:
    assert angles().shape == (0, 3)


def test_noise_of_half_a_pixel_stays_small() -> None:
    rng = np.random.default_rng(7)
    noisy = [mesh(15, 5, 0) + rng.normal(0, 0.5, (478, 2)) for _ in range(200)]
    found = angles(*noisy)
    assert np.abs(found.mean(axis=0) - [15, 5, 0]).max() < 0.5
    assert found.std(axis=0).max() < 2


def test_the_mean_face_is_symmetric() -> None:
    assert len(MEAN_FACE_MM) == len(POSE_POINTS) == 14
    assert sum(x for x, _, _ in MEAN_FACE_MM.values()) == 0
