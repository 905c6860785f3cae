"""Where the eyes point, their opening and their distance, from mesh and iris points.

Gaze is the head's angle plus the eye's rotation in it; the rotation is the iris centre's offset
from the middle of the eye's corners, over the eye's width, times 126 deg (an eyeball of 12 mm
radius, 26.5 mm from corner to corner). Both eyes are averaged.

On a portrait whose eyes are turned (`bench.face_truth`) both networks move the iris by 0.7 of its
way sideways, but only by 0.3 of it up and down. The upper lid goes with the eye over the middle of
its range (Becker and Fuchs 1988) and is seen where the iris is hidden, so up and down the iris
counts one and a half times and the lid half: about 0.6 of such a turn is then read, its sign is
right, and its noise is that of the sideways angle. A lid that sinks alone reads as a look down.

Caveat: without calibration this is off by a constant of several degrees for each person: only
differences within one session mean anything. Eye aspect ratio: Soukupová and Čech (2016).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEFT_LID = (33, 160, 158, 133, 153, 144)
"""Image-left eye: outer corner, two upper, inner corner, two lower points (p1 ... p6)."""
RIGHT_LID = (263, 387, 385, 362, 380, 373)
"""Image-right eye, mirrored: outer corner first."""
LEFT_IRIS, RIGHT_IRIS = 468, 473
LEFT_CORNERS, RIGHT_CORNERS = (33, 133), (362, 263)
"""From the image's left to its right."""
LEFT_UPPER, RIGHT_UPPER = LEFT_LID[1:3], RIGHT_LID[1:3]
LID_AHEAD = -0.2
"""Where the upper lid of an eye that looks ahead lies, by both meshes; eye widths, + = down."""


def eye_distance_px(left_corners: Floats, right_corners: Floats) -> Floats:
    """Pixels between the middles of both eyes' corners; corners of shape (n, 2, 2) -> (n,)."""
    across = right_corners.mean(axis=1) - left_corners.mean(axis=1)
    return np.asarray(np.hypot(across[:, 0], across[:, 1]))


def eye_aspect_ratio(lid: Floats) -> Floats:
    """``(|p2 - p6| + |p3 - p5|) / (2 |p1 - p4|)``; lid points of shape (n, 6, 2) -> (n,)."""
    tall = _length(lid[:, 1] - lid[:, 5]) + _length(lid[:, 2] - lid[:, 4])
    wide = _length(lid[:, 0] - lid[:, 3])
    return np.divide(tall, 2 * wide, out=np.full(len(lid), np.nan), where=wide > 0)


def offset_in_eye(point: Floats, corners: Floats) -> Floats:
    """A point from the middle of the eye's corners, in eye widths, along the eye's own axes.

    Parameters
    ----------
    point : shape (n, 2), pixels; an iris centre, or a lid's middle
    corners : shape (n, 2, 2), the eye's corners from the image's left to its right

    Returns
    -------
    Shape (n, 2): along the line through the corners (+ = image right), and across it (+ = down).
    """
    along = corners[:, 1] - corners[:, 0]
    squared = np.sum(along**2, axis=1)
    from_middle = point - corners.mean(axis=1)
    offset = np.column_stack(
        [
            np.sum(from_middle * along, axis=1),
            along[:, 0] * from_middle[:, 1] - along[:, 1] * from_middle[:, 0],
        ]
    )
    wide = squared[:, None] > 0
    return np.divide(offset, squared[:, None], out=np.full(offset.shape, np.nan), where=wide)


def gaze_angles(
    head_deg: Floats, iris: Floats, lid: Floats, deg_per_eye_width: tuple[float, float, float]
) -> Floats:
    """Gaze yaw (+ = image left) and pitch (+ = up) in degrees, shape (n, 2).

    Parameters
    ----------
    head_deg : shape (n, 2) or wider: head yaw, head pitch
    iris : shape (n, 2), from `offset_in_eye`, mean of both eyes
    lid : shape (n,), the upper lids', across the eye
    deg_per_eye_width : of the iris along and across the eye, and of the lid
    """
    along, across, of_lid = deg_per_eye_width
    yaw = head_deg[:, 0] - along * iris[:, 0]
    pitch = head_deg[:, 1] - across * iris[:, 1] - of_lid * (lid - LID_AHEAD)
    return np.column_stack([yaw, pitch])


def _length(vectors: Floats) -> Floats:
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]))
