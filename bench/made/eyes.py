"""An eyeball painted anew behind a portrait's lids, so that it can be turned.

A picture shows neither the white below a raised iris nor the brown that a lid hides. Both are taken
from what it does show: the white as a plane of brightness through all white that is seen, the iris
as the colour at each distance from the pupil's middle, and the light mirrored in the cornea, which
moves half as far as the iris. The upper lid goes with the eye; the lower one stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.base import Image
from pipeline.made.portrait import EyeRig, eye_map

Floats = NDArray[np.float32]
LIMBUS_MM, EYE_WIDTH_MM = 5.9, 26.5
"""Radius of the iris (Rüfer et al. 2005); corner to corner, as `EyeRig.px_per_deg` has it."""
LID_EDGE_PX = 2.0
"""Over this height lashes and wet rim fade into the eyeball."""
LIMBUS_EDGE_PX = 1.5
SEEN_FROM_LIDS_PX = 2.5
"""Nearer to a lid its shadow and lashes colour the eyeball."""
CATCHLIGHT_SHARE = 0.5
LID_SHADOW, LID_SHADOW_PX = 0.35, 6.0
"""What the upper lid takes of the light at its edge, and how far down."""


@dataclass(frozen=True, slots=True)
class Eyeball:
    """What one eye's patch shows when nothing covers it, in canvas pixels."""

    rig: EyeRig
    centre: tuple[float, float]
    across: tuple[float, float]
    """Unit vector from one eye to the other: a leaning head turns its eyes about its own axes."""
    radius: float
    white: Floats
    """Shape (rows, columns, 3)."""
    iris: Floats
    """Colour at whole pixels from the pupil's middle, shape (n, 3)."""
    catchlight: Floats
    """Light over the iris's own colour, shape (rows, columns, 3)."""


def eyeball(
    canvas: Image, rig: EyeRig, centre: tuple[float, float], across: tuple[float, float]
) -> Eyeball:
    """The eyeball of one eye.

    Parameters
    ----------
    canvas : shape (height, width, 3)
    rig : the eye's opening
    centre : of the iris
    across : unit vector from the image-left eye to the other
    """
    height, width = rig.rows.shape
    patch = canvas[rig.top : rig.top + height, rig.left : rig.left + width].astype(np.float32)
    radius = LIMBUS_MM / EYE_WIDTH_MM * float(np.ptp(np.flatnonzero(rig.lower > rig.upper)))
    away = np.hypot(rig.columns - centre[0], rig.rows - centre[1])
    from_lids = np.minimum(rig.rows - rig.upper, rig.lower - rig.rows)
    shown = from_lids > SEEN_FROM_LIDS_PX
    iris = _by_distance(patch, away, shown & (away < radius), radius)
    light = patch - _at_distance(iris, away)
    inside = (from_lids > 0) & (away < 0.8 * radius)
    catchlight = np.where(inside[..., None], np.maximum(light - 25, 0), 0)
    white = _plane(patch, rig, shown & (away > radius + 2 * LIMBUS_EDGE_PX))
    return Eyeball(rig, centre, across, radius, white, iris, catchlight.astype(np.float32))


def turned(canvas: Image, ball: Eyeball, lid: float, yaw_deg: float, pitch_deg: float) -> Image:
    """The eye's patch with the eyeball turned and the upper lid at `lid`, shape (rows, columns, 3).

    Parameters
    ----------
    lid : 0 open to 1 shut
    yaw_deg : + = towards the image's left
    pitch_deg : + = up
    """
    rig = ball.rig
    covered = cv2.remap(canvas, *eye_map(rig, lid, 0.0, 0.0), cv2.INTER_LINEAR).astype(np.float32)
    along, down = -yaw_deg * rig.px_per_deg, -pitch_deg * rig.px_per_deg
    x, y = ball.across
    shift = np.array([along * x - down * y, along * y + down * x], np.float32)
    away = np.hypot(rig.columns - ball.centre[0] - shift[0], rig.rows - ball.centre[1] - shift[1])
    on_iris = np.clip((ball.radius - away) / LIMBUS_EDGE_PX + 0.5, 0, 1)[..., None]
    bare = ball.white + on_iris * (_at_distance(ball.iris, away) - ball.white)
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    move[:, 2] *= CATCHLIGHT_SHARE
    bare += cv2.warpAffine(ball.catchlight, move, (away.shape[1], away.shape[0]))
    margin = rig.upper + lid * (rig.lower + 1.0 - rig.upper)
    from_lids = np.minimum(rig.rows - margin, rig.lower - rig.rows)
    bare *= (1 - LID_SHADOW * np.clip(1 - (rig.rows - margin) / LID_SHADOW_PX, 0, 1))[..., None]
    uncovered = np.clip(from_lids / LID_EDGE_PX, 0, 1)[..., None]
    return np.asarray(np.clip(covered + uncovered * (bare - covered), 0, 255), np.uint8)


def _by_distance(patch: Floats, away: Floats, shown: NDArray[np.bool_], radius: float) -> Floats:
    """Median colour at every whole pixel of distance."""
    rings = [shown & (np.abs(away - at) <= 1) for at in range(int(np.ceil(radius)) + 1)]
    known = [at for at, ring in enumerate(rings) if ring.any()]
    colours = np.array([np.median(patch[rings[at]], axis=0) for at in known])
    return np.column_stack(
        [np.interp(np.arange(len(rings)), known, colours[:, c]) for c in range(3)]
    ).astype(np.float32)


def _at_distance(colours: Floats, away: Floats) -> Floats:
    at = np.arange(len(colours))
    return np.stack([np.interp(away, at, colours[:, c]) for c in range(3)], axis=-1).astype(
        np.float32
    )


def _plane(patch: Floats, rig: EyeRig, seen: NDArray[np.bool_]) -> Floats:
    """The colour of what is seen, continued over the patch as a plane within its range."""
    columns = rig.columns - rig.columns.mean()
    rows = rig.rows - rig.rows.mean()
    ones = np.ones_like(columns)
    terms = np.stack([ones, columns, rows], axis=-1)
    fit, *_ = np.linalg.lstsq(terms[seen], patch[seen], rcond=None)
    least, most = np.quantile(patch[seen], [0.1, 0.9], axis=0)
    return np.asarray(np.clip(terms @ fit, least, most), np.float32)
