"""Head pose from 14 points of a face mesh: a rigid mean face laid over the picture.

Perspective-n-point (SQPNP, then Levenberg-Marquardt on the reprojection error) with the focal
length taken as the frame's long side and the optical centre as its middle; tripling the focal
length moves pitch by 1 deg. Every frame stands alone: how frames are handed over changes nothing.

Caveat: measured against faces of known angle within 60 deg of yaw the mean error is 4-6 deg of
pitch and yaw and 3 deg of roll. Zero pitch is that of this mean face: compare within one person.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]

_IMAGE_LEFT_MM = {
    33: (-45, 0, 0),
    133: (-18, 1, -5),
    98: (-18, 40, -24),
    61: (-29, 63, -12),
}
_MIDDLE_MM = {
    168: (0, -6, -22),
    6: (0, 1, -27),
    1: (0, 35, -47),
    4: (0, 28, -48),
    2: (0, 42, -32),
    9: (0, -22, -21),
}
_PARTNER = {33: 263, 133: 362, 98: 327, 61: 291}

MEAN_FACE_MM: dict[int, tuple[float, float, float]] = {
    **_IMAGE_LEFT_MM,
    **_MIDDLE_MM,
    **{_PARTNER[index]: (-x, y, z) for index, (x, y, z) in _IMAGE_LEFT_MM.items()},
}
"""Mesh index -> x (image right), y (down), z (away) in mm: our own mean face, fitted to meshes."""
POSE_POINTS = (33, 133, 362, 263, 168, 6, 1, 4, 98, 327, 2, 9, 61, 291)
"""Eye corners, nose, forehead and mouth corners, in MediaPipe's numbering."""
_MODEL = np.array([MEAN_FACE_MM[index] for index in POSE_POINTS], np.float64)


def camera_matrix(width_px: int, height_px: int) -> Floats:
    """Pinhole camera, shape (3, 3): focal length = long side, centre = middle of the frame."""
    focal = float(max(width_px, height_px))
    return np.array([[focal, 0, width_px / 2], [0, focal, height_px / 2], [0, 0, 1]])


def head_angles(points_px: NDArray[Any], camera: Floats) -> Floats:
    """Yaw, pitch and roll of every face.

    Parameters
    ----------
    points_px : shape (n_frames, 14, 2), `POSE_POINTS` in order; NaN where not measured
    camera : shape (3, 3)

    Returns
    -------
    Shape (n_frames, 3), degrees. Yaw + = nose to the image's left, pitch + = nose up, roll + = the
    image-right eye lower; ``R = Rz(roll) Ry(yaw) Rx(-pitch)``. NaN where no pose was found.
    """
    points = np.ascontiguousarray(points_px, np.float64)
    turns = np.array([_rotation_vector(face, camera) for face in points]).reshape(-1, 3)
    angles = np.full(turns.shape, np.nan)
    found = np.isfinite(turns).all(axis=1)
    if found.any():
        roll, yaw, down = Rotation.from_rotvec(turns[found]).as_euler("ZYX", degrees=True).T
        angles[found] = np.column_stack([yaw, -down, roll])
    return angles


def _rotation_vector(face: Floats, camera: Floats) -> Floats:
    lost = np.full(3, np.nan)
    if not np.isfinite(face).all():
        return lost
    found, turn, shift = cv2.solvePnP(_MODEL, face, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        return lost
    found, turn, shift = cv2.solvePnP(
        _MODEL,
        face,
        camera,
        None,
        turn,
        shift,
        useExtrinsicGuess=True,
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    return np.asarray(turn[:, 0] if found and shift[2, 0] > 0 else lost)
