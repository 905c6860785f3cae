"""A face at one time as a line drawing: outline, head and gaze as measured, never a picture.

From the nose three lines show the measured head: across, up, and where the nose points. An arrow
from each iris shows the measured gaze; it is missing where gaze was not measured. Signs: `face`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from scipy.spatial.transform import Rotation

from pipeline.face.outlines import OUTLINES
from pipeline.page.text import clock, reason_words
from pipeline.timeline import Floats

PICTURE_REASONS = {
    "no_face": "no face found",
    "small_face": "face too small",
    "profile_view": "face in profile",
    "turned_away": "face turned away",
    "low_fps": "too few frames a second",
    "not_measured": "head pose not found",
    "low_coverage": "lids or pose not found",
    "no_media": "no picture",
}
"""Reasons that lie in the picture, in words."""
FACE_BOX = 100.0
HEAD_LINE, GAZE_LINE = 34.0, 90.0
CLOSED = frozenset(OUTLINES) - {"nose", "nostrils"}


@dataclass(frozen=True, slots=True)
class Face:
    """One drawing."""

    svg: Markup
    when: str
    note: str
    is_usable: bool


def drawn_face(row: Mapping[str, Any]) -> Face:
    """One row of the table `cue_check`."""
    reason, size = row["reason"], row["face_iod_px"]
    notes = [] if size is None else [f"{size:.0f} px"]
    if reason is not None:
        notes.append(PICTURE_REASONS.get(reason, reason_words(reason)))
    note = ", ".join(notes)
    when = clock(row["t_s"])
    body = _drawn(row) if row["points_px"] else ""
    label = f"Outline of the face at {when}: {note}"
    svg = f'<svg viewBox="-64 -58 128 116" role="img" aria-label="{label}">{body}</svg>'
    return Face(Markup(svg), when, note, reason is None)  # noqa: S704 - numbers and our words


def _drawn(row: Mapping[str, Any]) -> str:
    points = np.array(row["points_px"], np.float64).reshape(-1, 2)
    lines, at = {}, 0
    for name, indices in OUTLINES.items():
        lines[name] = points[at : at + len(indices)]
        at += len(indices)
    low, high = lines["face"].min(axis=0), lines["face"].max(axis=0)
    scale = FACE_BOX / max(float(max(high - low)), 1.0)  # a mesh shrunk to a point is drawn as one
    placed = {name: (line - (low + high) / 2) * scale for name, line in lines.items()}
    outlines = "".join(
        f'<path class="o-{name.split("_")[0]}" d="{_path(line, name in CLOSED)}"/>'
        for name, line in placed.items()
        if not name.startswith("iris")
    )
    irises = "".join(_iris(placed[name]) for name in ("iris_left", "iris_right"))
    return outlines + irises + "".join(_head_lines(row, placed)) + "".join(_arrows(row, placed))


def _path(line: Floats, closed: bool) -> str:
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in line)
    return f"M{steps}{'z' if closed else ''}"


def _iris(line: Floats) -> str:
    radius = float(np.mean(np.hypot(*(line[1:] - line[0]).T)))
    return f'<circle class="iris" cx="{line[0, 0]:.1f}" cy="{line[0, 1]:.1f}" r="{radius:.1f}"/>'


def _head_lines(row: Mapping[str, Any], placed: Mapping[str, Floats]) -> Iterator[str]:
    """From the nose tip: across to the image's right, up, and where the nose points."""
    angles = [row[f"head_{name}_deg"] for name in ("yaw", "pitch", "roll")]
    if any(angle is None for angle in angles):
        return
    tip = placed["nose"][5]
    turn = turned(*angles)
    for name, axis in (("across", turn[:, 0]), ("up", -turn[:, 1]), ("nose", -turn[:, 2])):
        x, y = tip + HEAD_LINE * axis[:2]
        yield f'<path class="h-{name}" d="M{tip[0]:.1f} {tip[1]:.1f}L{x:.1f} {y:.1f}"/>'


def _arrows(row: Mapping[str, Any], placed: Mapping[str, Floats]) -> Iterator[str]:
    if row["gaze_yaw_deg"] is None or row["gaze_pitch_deg"] is None:
        return
    yaw, pitch = np.radians([row["gaze_yaw_deg"], row["gaze_pitch_deg"]])
    reach = GAZE_LINE * np.array([-np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    for name in ("iris_left", "iris_right"):
        start = placed[name][0]
        x, y = start + reach
        yield (
            f'<path class="gaze" d="M{start[0]:.1f} {start[1]:.1f}L{x:.1f} {y:.1f}"/>'
            f'<circle class="tip" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        )


def turned(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Floats:
    """The head's axes (image right, down, away) as columns; `face` says which sign is which."""
    angles = [roll_deg, yaw_deg, -pitch_deg]
    return np.asarray(Rotation.from_euler("ZYX", angles, degrees=True).as_matrix())
