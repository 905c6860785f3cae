"""Faces of known pose, gaze and lid opening: a 3-D mean face projected by cv2, and their tables."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.face.gaze import LEFT_IRIS, LEFT_LID, RIGHT_IRIS, RIGHT_LID
from pipeline.face.head_pose import MEAN_FACE_MM, camera_matrix
from pipeline.paperwork.session import SessionSpec
from pipeline.stage import Inputs

WIDTH, HEIGHT = 1280, 720
SPEC = {
    "id": "made-01",
    "session": {"dyad": "D1", "number": 1, "client": "C1", "therapist": "T1"},
    "media": [{"file": "room.mp4", "hears": ["mixed"], "shows": ["client"]}],
}


def turn(axis: int, degrees: float) -> np.ndarray:
    """Rotation about the x, y or z axis, written out by hand rather than by a library."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    plain = {
        0: [[1, 0, 0], [0, c, -s], [0, s, c]],
        1: [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        2: [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(plain[axis])


def mesh(yaw=0.0, pitch=0.0, roll=0.0, *, opening=0.3, iris=(0.0, 0.0), distance_mm=1000.0):
    """478 points in pixels; `opening` is the eye aspect ratio, `iris` its offset in eye widths."""
    rotation = turn(2, roll) @ turn(1, yaw) @ turn(0, -pitch)
    face = np.array(list(MEAN_FACE_MM.values()), np.float64)
    camera = camera_matrix(WIDTH, HEIGHT)
    shift = np.array([30.0, -20.0, distance_mm])
    flat, _ = cv2.projectPoints(face, cv2.Rodrigues(rotation)[0], shift, camera, None)
    points = np.zeros((478, 2))
    points[list(MEAN_FACE_MM)] = flat[:, 0]
    for lid, centre in ((LEFT_LID, LEFT_IRIS), (RIGHT_LID, RIGHT_IRIS)):
        p1, p4 = points[lid[0]], points[lid[3]]
        along = (p4 - p1) * (1 if p4[0] > p1[0] else -1)
        down = np.array([-along[1], along[0]])
        for a, b, share in ((1, 5, 0.3), (2, 4, 0.7)):
            points[lid[a]] = p1 + share * (p4 - p1) - opening / 2 * down
            points[lid[b]] = p1 + share * (p4 - p1) + opening / 2 * down
        points[centre] = (p1 + p4) / 2 + iris[0] * along + iris[1] * down
    return points


def landmark_table(t_s, meshes, *, role="client", presence=1.0, reasons=None):
    """The landmarks table of one person; a mesh of None is a row without a face."""
    n = len(t_s)
    points = [None if m is None else np.asarray(m, np.float32).ravel().tolist() for m in meshes]
    reasons = reasons or ["no_face" if m is None else None for m in meshes]
    nothing = [None] * n
    return tables.LANDMARKS.build(
        {
            "session_id": [SPEC["id"]] * n,
            "media": [0] * n,
            "frame_index": list(range(n)),
            "media_pts_s": list(t_s),
            "t_s": list(t_s),
            "role": [role] * n,
            "detector_score": nothing,
            "presence": [presence] * n,
            "box_x_px": nothing,
            "box_y_px": nothing,
            "box_width_px": nothing,
            "box_height_px": nothing,
            "points_px": points,
            "reason": reasons,
        }
    )


def media_table(**changes):
    """One probed video file, readable unless changed."""
    row = dict.fromkeys(tables.MEDIA.by_name)
    row |= {"session_id": SPEC["id"], "media": 0, "sha256": "0" * 64, "offset_s": 0.0}
    row |= {"video_codec": "h264", "width_px": WIDTH, "height_px": HEIGHT, "video_frames": 100}
    return tables.MEDIA.build_rows([row | changes])


def inputs(upstream: dict[str, pa.Table], recording=None, spec=None, absences=()) -> Inputs:
    """What a stage is given."""
    checked = SessionSpec.model_validate(spec or SPEC)
    return Inputs(checked, recording, upstream, absences)
