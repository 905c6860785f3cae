"""What head pose is fitted with: 14 points of a face mesh, a rigid mean face, a stated camera.

`pose_fit` lays the mean face over the picture, with the focal length taken as the frame's long side
and the optical centre as its middle; tripling the focal length moves pitch by 1 deg.
`head_motion.turn_angles` names the angles.

Caveat: measured against faces of known angle within 60 deg of yaw the mean error is 4-6 deg of
pitch and yaw and 3 deg of roll. Zero pitch is that of this mean face: compare within one person.
Changes of an animated portrait within 25 deg are read at 0.80 to 0.95 of their size, roll at 1.0
(`bench.face_truth`). The mouth's corners stay, for somebody who talks too: without them the pitch
is read at 0.6 of its size, and no false nod fewer was found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def camera_matrix(width_px: int, height_px: int) -> Floats:
    """Pinhole camera, shape (3, 3): focal length = long side, centre = middle of the frame."""
    focal = float(max(width_px, height_px))
    return np.array([[focal, 0, width_px / 2], [0, focal, height_px / 2], [0, 0, 1]])
