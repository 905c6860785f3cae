"""Openings and distances inside the face, seen from the front whichever way the head is turned.

A mesh point is laid back onto the head: its ray is cut with the plane at the depth that such a
point has in the mean face, in the head's own axes. What is left is divided by the distance between
the eye centres, laid back the same way, so neither distance nor a moderate turn changes a value.
Only lengths are given; what a face means is nobody's guess here.

Caveat: the depths are those of a mean face. With 2 mm between a person's own depth and it, 10 deg
of turn moves a height by 0.006. Compare within one person, and over seconds rather than frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.face.head_pose import MEAN_FACE_MM
from pipeline.face.pose_fit import Poses

Floats = NDArray[np.float64]

LEFT_CORNERS, RIGHT_CORNERS = (33, 133), (362, 263)
LEFT_BROW, RIGHT_BROW = (63, 105, 66, 53, 52, 65), (293, 334, 296, 283, 282, 295)
"""Upper and lower edge of the middle of each brow, image-left and image-right."""
INNER_BROWS = (107, 55, 336, 285)
"""Inner end of the image-left brow (upper, lower edge), then of the image-right one."""
LIPS, LIP_CORNERS = (13, 14), (61, 291)
"""Inner edge of the upper and the lower lip; image-left and image-right corner."""
BROW_DEPTH_MM, INNER_BROW_DEPTH_MM, LIP_DEPTH_MM = -13.0, -20.0, -21.0
"""Away from the line through the outer eye corners, towards the camera."""

_DEPTH_MM = (
    {index: MEAN_FACE_MM[index][2] for index in (*LEFT_CORNERS, *RIGHT_CORNERS, *LIP_CORNERS)}
    | dict.fromkeys((*LEFT_BROW, *RIGHT_BROW), BROW_DEPTH_MM)
    | dict.fromkeys(INNER_BROWS, INNER_BROW_DEPTH_MM)
    | dict.fromkeys(LIPS, LIP_DEPTH_MM)
)
OPENING_POINTS = tuple(_DEPTH_MM)
"""The mesh points that are read; all of them are among the first 468."""
OPENINGS = (
    "mouth_opening",
    "mouth_width",
    "mouth_corner_left",
    "mouth_corner_right",
    "brow_opening_left",
    "brow_opening_right",
    "brow_gap",
)
"""What `openings` gives, in order; left and right are the image's."""
MOUTH_OPENINGS = OPENINGS[:4]
"""Those that speaking moves."""


def openings(points_px: Floats, poses: Poses, camera: Floats) -> Floats:
    """Lengths in the face over the distance between the eye centres, shape (n, 7).

    In the order of `OPENINGS`: gap between the inner lips; between the lip corners; how far each
    lip corner lies below the line through the eyes; how far each brow lies above its own eye's
    corners; gap between the inner ends of the brows.

    Parameters
    ----------
    points_px : shape (n, 18, 2), `OPENING_POINTS` in order
    poses : of the same n frames; NaN gives NaN
    camera : shape (3, 3)
    """
    depth = np.array([_DEPTH_MM[index] for index in OPENING_POINTS])
    head = laid_back(points_px, depth, poses, camera)
    at = {index: head[:, i] for i, index in enumerate(OPENING_POINTS)}
    left, right = _middle(at, LEFT_CORNERS), _middle(at, RIGHT_CORNERS)
    eyes = (left + right) / 2
    upper, lower = at[LIPS[0]], at[LIPS[1]]
    corner_left, corner_right = at[LIP_CORNERS[0]], at[LIP_CORNERS[1]]
    inner_left, inner_right = _middle(at, INNER_BROWS[:2]), _middle(at, INNER_BROWS[2:])
    lengths = np.column_stack(
        [
            np.abs(lower - upper)[:, 1],
            (corner_right - corner_left)[:, 0],
            (corner_left - eyes)[:, 1],
            (corner_right - eyes)[:, 1],
            (left - _middle(at, LEFT_BROW))[:, 1],
            (right - _middle(at, RIGHT_BROW))[:, 1],
            (inner_right - inner_left)[:, 0],
        ]
    )
    between = (right - left)[:, :1]
    return np.divide(lengths, between, out=np.full(lengths.shape, np.nan), where=between > 0)


def laid_back(points_px: Floats, depth_mm: Floats, poses: Poses, camera: Floats) -> Floats:
    """Points of known depth in the head's own axes: x to the image's right, y down, mm.

    Parameters
    ----------
    points_px : shape (n, k, 2)
    depth_mm : shape (k,), along the head's own z axis (away from the camera)
    poses : of the same n frames
    camera : shape (3, 3)

    Returns
    -------
    Shape (n, k, 2)
    """
    flat = (points_px - camera[:2, 2]) / camera[0, 0]
    rays = np.concatenate([flat, np.ones((*flat.shape[:2], 1))], axis=2) @ poses.turn
    origin = (poses.place[:, None] @ poses.turn)[:, 0]
    along = (depth_mm + origin[:, 2:]) / rays[:, :, 2]
    return np.asarray(rays[:, :, :2] * along[:, :, None] - origin[:, None, :2])


def _middle(at: dict[int, Floats], indices: tuple[int, ...]) -> Floats:
    return np.asarray(np.mean([at[index] for index in indices], axis=0))
