"""A drawn face in the order of `face.outlines`, and rows of the table `cue_check`."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.face.outlines import OUTLINES

ROUND = {
    "face": (0.0, 10.0, 70.0, 95.0), "eye_left": (-31.0, -12.0, 14.0, 5.0),
    "eye_right": (31.0, -12.0, 14.0, 5.0), "brow_left": (-31.0, -30.0, 17.0, 4.0),
    "brow_right": (31.0, -30.0, 17.0, 4.0), "lips_outer": (0.0, 58.0, 24.0, 9.0),
    "lips_inner": (0.0, 58.0, 17.0, 3.0),
}  # fmt: skip
"""Centre and half axes of each round line; the eyes are 62 apart."""


def outline(iod_px: float = 62.0, at: tuple[float, float] = (640.0, 360.0)) -> list[float]:
    """x0, y0, x1, y1, ... of a frontal face."""
    lines = []
    for name, indices in OUTLINES.items():
        n = len(indices)
        if name in ROUND:
            x, y, wide, tall = ROUND[name]
            angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
            line = np.column_stack([x + wide * np.sin(angle), y - tall * np.cos(angle)])
        elif name.startswith("iris"):
            x = -31.0 if name == "iris_left" else 31.0
            line = np.array([[0, 0], [4, 0], [0, -4], [-4, 0], [0, 4]]) + np.array([x, -12.0])
        elif name == "nose":
            line = np.column_stack([np.zeros(n), np.linspace(-12, 30, n)])
        else:
            line = np.column_stack([np.linspace(-12, 12, n), np.full(n, 34.0)])
        lines.append(line)
    points = np.concatenate(lines) * iod_px / 62.0 + at
    return [float(value) for value in points.ravel()]


def moment(session_id: str, t_s: float, **changes: Any) -> dict[str, Any]:
    """One row of `cue_check`: looking a little to the image's left, unless `changes` say else."""
    return {
        "session_id": session_id, "t_s": t_s, "face_iod_px": 62.0, "head_yaw_deg": 6.0,
        "head_pitch_deg": -4.0, "head_roll_deg": 2.0, "gaze_yaw_deg": 12.0,
        "gaze_pitch_deg": -3.0, "reason": None, "points_px": outline(), "gate_iod_px": 40.0,
        "gate_nod_hz": 15.0, "gate_blink_hz": 20.0,
    } | changes  # fmt: skip
