"""Perspective-n-point for many frames at once: where a rigid set of points is, and how turned.

Each frame is fitted by itself: a scaled orthographic guess (DeMenthon and Davis 1995), then
Levenberg-Marquardt steps on the reprojection error (Marquardt 1963) until the step is below 1e-5.
This is what `cv2.solvePnP` minimises, so the answers agree; frames share the arithmetic only, which
is several times faster, and a frame's answer does not depend on the frames beside it.

Caveat: one starting point, so a picture that fits no turn of the points (a mesh of nothing) may end
in a side minimum. Faces within 80 deg of the camera came out as with several starting points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEPS_MAX = 60
STEP_SMALL = 1e-5
"""Radians, and shares of the distance."""
DAMPING_FIRST, DAMPING_LESS, DAMPING_MORE = 1e-4, 0.1, 10.0
DAMPING_MIN, DAMPING_MAX = 1e-12, 1e8
"""Beyond the upper one no step helps: this is the minimum as far as numbers go."""


@dataclass(frozen=True, slots=True)
class Poses:
    """Rotation and place of every frame: ``camera = turn @ model + place``. NaN where none."""

    turn: Floats
    """Shape (n, 3, 3)."""
    place: Floats
    """Shape (n, 3), in the model's unit: x to the image's right, y down, z away."""


def fit_poses(points_px: Floats, model: Floats, camera: Floats) -> Poses:
    """The pose of `model` that best explains each frame's points.

    Parameters
    ----------
    points_px : shape (n_frames, n_points, 2); NaN where not measured
    model : shape (n_points, 3), not in one plane; x right, y down, z away
    camera : shape (3, 3), pinhole with one focal length
    """
    n = len(points_px)
    turn, place = np.full((n, 3, 3), np.nan), np.full((n, 3), np.nan)
    flat = np.asarray((points_px - camera[:2, 2]) / camera[0, 0], np.float64)
    rows = np.flatnonzero(np.isfinite(flat).all(axis=(1, 2)))
    if len(rows):
        first_turn, first_place, usable = _orthographic(flat[rows], model)
        rows = rows[usable]
        turn[rows], place[rows] = first_turn[usable], first_place[usable]
        _refine(flat, model, turn, place, rows)
    behind = ~(place[:, 2] > 0)
    turn[behind], place[behind] = np.nan, np.nan
    return Poses(turn, place)


def _orthographic(flat: Floats, model: Floats) -> tuple[Floats, Floats, Flags]:
    """A first turn and place, as if all points were equally far away."""
    centre = model.mean(axis=0)
    rows = np.swapaxes(flat - flat.mean(axis=1, keepdims=True), 1, 2)
    affine = rows @ np.linalg.pinv(model - centre).T
    length = np.linalg.norm(affine, axis=2)
    usable = np.asarray((length > 0).all(axis=1))
    safe = np.where(length > 0, length, 1.0)
    across = affine[:, 0] / safe[:, :1]
    down = affine[:, 1] - np.sum(affine[:, 1] * across, axis=1, keepdims=True) * across
    size = np.linalg.norm(down, axis=1, keepdims=True)
    usable &= size[:, 0] > 0
    down = down / np.where(size > 0, size, 1.0)
    turn = np.stack([across, down, np.cross(across, down)], axis=1)
    away = 1 / safe.mean(axis=1)
    middle = np.column_stack([flat.mean(axis=1), np.ones(len(flat))]) * away[:, None]
    return turn, middle - turn @ centre, usable


def _refine(
    flat: Floats, model: Floats, turn: Floats, place: Floats, rows: NDArray[np.intp]
) -> None:
    """Levenberg-Marquardt on `rows`, in place; a frame drops out when its step is small."""
    damping = np.full(len(rows), DAMPING_FIRST)
    error, slope = _residuals(flat[rows], turn[rows] @ model.T, place[rows])
    for _ in range(STEPS_MAX):
        step = _step(error, slope, damping)
        new_turn, new_place = _moved(turn[rows], place[rows], step)
        new_error, new_slope = _residuals(flat[rows], new_turn @ model.T, new_place)
        better = np.sum(new_error**2, axis=1) <= np.sum(error**2, axis=1)
        turn[rows[better]], place[rows[better]] = new_turn[better], new_place[better]
        error[better], slope[better] = new_error[better], new_slope[better]
        damping = np.where(better, damping * DAMPING_LESS, damping * DAMPING_MORE)
        small = np.max(np.abs(step), axis=1) < STEP_SMALL
        going = ~(small | (damping > DAMPING_MAX))
        if not going.any():
            return
        rows, damping = rows[going], damping[going]
        error, slope = error[going], slope[going]


def _residuals(flat: Floats, turned: Floats, place: Floats) -> tuple[Floats, Floats]:
    """Reprojection error (n, 2 k), and its slope (n, 2 k, 6) against turn and share of distance.

    `turned` has shape (n, 3, k).
    """
    y_x, y_y, y_z = turned[:, 0], turned[:, 1], turned[:, 2]
    z = y_z + place[:, 2:3]
    per = 1 / np.where(np.abs(z) > 1e-9, z, 1e-9)
    u, v = (y_x + place[:, :1]) * per, (y_y + place[:, 1:2]) * per
    error = np.concatenate([u - flat[:, :, 0], v - flat[:, :, 1]], axis=1)
    share = per * place[:, 2:3]
    none = np.zeros_like(u)
    of_u = (-u * y_y * per, (y_z + u * y_x) * per, -y_y * per, share, none, -u * share)
    of_v = (-(y_z + v * y_y) * per, v * y_x * per, y_x * per, none, share, -v * share)
    slope = np.concatenate([np.stack(of_u, axis=2), np.stack(of_v, axis=2)], axis=1)
    return error, slope


def _step(error: Floats, slope: Floats, damping: Floats) -> Floats:
    """Damped least-squares step, shape (n, 6): turn in radians, move in shares of the distance.

    Zero, which ends the search, where numbers overflow: points of no face at all.
    """
    across = np.swapaxes(slope, 1, 2)
    normal, downhill = across @ slope, (across @ error[:, :, None])[:, :, 0]
    diagonal = np.arange(6)
    size = np.sqrt(normal[:, diagonal, diagonal])
    size[~(size > 0)] = 1.0
    normal /= size[:, :, None] * size[:, None]
    normal[:, diagonal, diagonal] += np.maximum(damping, DAMPING_MIN)[:, None]
    lost = ~(np.isfinite(normal).all(axis=(1, 2)) & np.isfinite(downhill).all(axis=1))
    normal[lost], downhill[lost] = np.eye(6), 0.0
    return np.asarray(-np.linalg.solve(normal, (downhill / size)[:, :, None])[:, :, 0] / size)


def _moved(turn: Floats, place: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Rodrigues' formula for the turn; the move is scaled by the distance."""
    angle = np.linalg.norm(step[:, :3], axis=1)[:, None, None]
    axis = step[:, :3] / np.where(angle[:, 0] > 0, angle[:, 0], 1.0)
    skew = np.zeros((len(step), 3, 3))
    skew[:, 0, 1], skew[:, 0, 2], skew[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    skew -= np.swapaxes(skew, 1, 2)
    rotation = np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * (skew @ skew)
    return rotation @ turn, place + step[:, 3:] * place[:, 2:3]
