"""A portrait that blinks, looks around, nods and turns: the demo's client, rendered frame by frame.

The portrait is placed on a 1280 x 720 canvas with 92 px between the eyes and kept as YUV 4:2:0. Per
frame only the head's region is warped, by two inverse maps: one in the eye openings (the upper lid
is pulled down over the eye, the iris shifted inside the opening), one for the whole head (a depth
model of an ellipsoid with a nose, turned a little). Signs are those of `made.movements`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.base import Image
from pipeline.made.movements import Motion

Floats = NDArray[np.float32]
Plane = NDArray[np.uint8]
FindPoints = Callable[[Image], Floats]
"""Finds the face points of a portrait, shape (478, 2) in pixels, MediaPipe's order."""

WIDTH, HEIGHT = 1280, 720
EYE_DISTANCE_PX = 92.0
EYES_AT = (640.0, 250.0)
MIN_PORTRAIT_EYE_DISTANCE_PX = 30.0
DEG_PER_EYE_WIDTH = 126.0
"""Iris shift: an eyeball of 12 mm radius, 26.5 mm between the corners (`face/gaze.py`)."""
EYE_DISTANCE_MM = 63.0
HEAD_MM = (80.0, 112.0, 95.0)
"""Semi-axes of the head's ellipsoid: across, along, depth."""
NOSE_MM = (28.0, 11.0, 22.0, 14.0)
"""Height of the nose over the ellipsoid, and its spread across, above and below the tip."""
NOSE_TIP_BELOW_EYES_MM = 32.0
HEAD_CENTRE_BELOW_EYES_MM = 12.0
SHELL_END = 1.55
"""Head movement fades to nothing at this many ellipsoid radii."""
SWAY_DEG = 2.5
"""Up to here one fixed-point step inverts the head's movement."""
JAW_SHARE = 0.05
"""Widest jaw opening over the distance between the eyes."""
RIGHT_EYE = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (468, 469, 470, 471, 472),
)
LEFT_EYE = (
    (362, 398, 384, 385, 386, 387, 388, 466, 263),
    (362, 382, 381, 380, 374, 373, 390, 249, 263),
    (473, 474, 475, 476, 477),
)
"""Upper lid and lower lid, both from the image's left to its right, and iris."""
LIPS_MIDDLE, CHIN = (13, 14), 152
RIG_POINTS = tuple(sorted({*sum((*RIGHT_EYE, *LEFT_EYE), ()), *LIPS_MIDDLE, CHIN}))
"""The only ones of the 478 points that are read."""


@dataclass(frozen=True, slots=True)
class EyeRig:
    """One eye opening on the canvas: a patch and its curves, all in canvas pixels."""

    left: int
    top: int
    columns: Floats
    """x of every pixel of the patch, shape (height, width)."""
    rows: Floats
    """y of every pixel of the patch, shape (height, width)."""
    fold: Floats
    """Where the lid's skin starts to stretch, per column."""
    upper: Floats
    lower: Floats
    weight: Floats
    """How far a pixel follows the iris: 1 round it, 0 at the corners, per column."""
    px_per_deg: float


@dataclass(frozen=True, slots=True)
class HeadRig:
    """The moving region on the canvas and its displacement per unit of movement, in pixels."""

    left: int
    top: int
    columns: Floats
    rows: Floats
    depth: Floats
    """Height over the turning axis, shape (height, width)."""
    across: Floats
    """Distance to the right of the neck, times how far the pixel belongs to the head (1 to 0)."""
    along: Floats
    """Distance below the neck, times the same."""
    jaw: Floats


@dataclass(frozen=True, slots=True)
class FaceRig:
    """A portrait ready to be moved."""

    picture: Plane
    """The resting canvas in I420 layout, shape (1080, 1280)."""
    eyes: tuple[EyeRig, EyeRig]
    head: HeadRig


def eye_distance(points: Floats) -> float:
    """Distance between the eye centres in pixels."""
    right, left = points[[33, 133]].mean(axis=0), points[[362, 263]].mean(axis=0)
    return float(np.hypot(*(left - right)))


def build_rig(portrait: Image, points: Floats) -> FaceRig:
    """Place a portrait on the canvas and prepare its movements.

    Parameters
    ----------
    portrait : shape (height, width, 3), RGB; one face, eyes open, seen from the front.
    points : shape (478, 2) in the portrait's pixels, MediaPipe's order.

    Raises
    ------
    ValueError
        No usable face in it.
    """
    usable = points.shape == (478, 2) and bool(np.isfinite(points[list(RIG_POINTS)]).all())
    if not usable:
        message = f"face points must have shape (478, 2) and be finite, not {points.shape}"
        raise ValueError(message)
    distance = eye_distance(points)
    if distance < MIN_PORTRAIT_EYE_DISTANCE_PX:
        message = (
            f"the portrait's eyes are {distance:.0f} px apart; at least "
            f"{MIN_PORTRAIT_EYE_DISTANCE_PX:.0f} px are needed: use a larger picture of the face"
        )
        raise ValueError(message)
    scale = EYE_DISTANCE_PX / distance
    middle = points[[33, 133, 362, 263]].mean(axis=0)
    shift = np.array(EYES_AT) - scale * middle
    placed = (points * scale + shift).astype(np.float32)
    canvas = place(portrait, scale, shift)
    return FaceRig(
        picture=np.asarray(cv2.cvtColor(canvas, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8),
        eyes=(eye_rig(placed, RIGHT_EYE), eye_rig(placed, LEFT_EYE)),
        head=head_rig(placed),
    )


def place(portrait: Image, scale: float, shift: NDArray[np.float64]) -> Image:
    """The portrait scaled and shifted on the canvas; beyond its edges it fades into a soft blur."""
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], dtype=np.float64)
    size = (WIDTH, HEIGHT)
    sharp = cv2.warpAffine(
        portrait, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    inside = cv2.warpAffine(np.ones(portrait.shape[:2], np.float32), matrix, size)
    feather = np.clip(cv2.GaussianBlur(cv2.erode(inside, np.ones((41, 41))), (0, 0), 14), 0, 1)
    soft = cv2.GaussianBlur(sharp, (0, 0), 45)
    mixed = feather[..., None] * sharp + (1 - feather[..., None]) * soft
    return np.asarray(np.clip(mixed, 0, 255), dtype=np.uint8)


def eye_rig(points: Floats, indices: Sequence[tuple[int, ...]]) -> EyeRig:
    """The rig of one eye from its lid curves."""
    upper_at, lower_at, iris = (points[list(part)] for part in indices)
    corners = upper_at[[0, -1]]
    width = float(np.hypot(*(corners[1] - corners[0])))
    lid_height = 0.55 * width
    left, right = int(corners[0, 0]) - 4, int(corners[1, 0]) + 5
    top = int(upper_at[:, 1].min() - lid_height) - 2
    bottom = int(lower_at[:, 1].max()) + 4
    left, top = left & ~1, top & ~1
    width_px, height_px = (right - left + 1) & ~1, (bottom - top + 1) & ~1
    x = (left + np.arange(width_px)).astype(np.float32)
    y = (top + np.arange(height_px)).astype(np.float32)
    upper = np.interp(x, upper_at[:, 0], upper_at[:, 1]).astype(np.float32)
    lower = np.interp(x, lower_at[:, 0], lower_at[:, 1]).astype(np.float32)
    centre = iris[0, 0]
    reach = np.where(x < centre, centre - corners[0, 0], corners[1, 0] - centre)
    flat = 0.55 * reach
    weight = np.clip((reach - np.abs(x - centre)) / (reach - flat), 0, 1).astype(np.float32)
    columns, rows = np.meshgrid(x, y)
    opening = np.maximum(lower - upper, 0)
    fold = upper - lid_height * np.clip(opening / max(opening.max(), 1e-3), 0.15, 1) ** 0.5
    return EyeRig(
        left, top, columns, rows, fold.astype(np.float32), upper, np.maximum(lower, upper),
        weight, width / DEG_PER_EYE_WIDTH,
    )  # fmt: skip


def eye_map(rig: EyeRig, lid: float, yaw_deg: float, pitch_deg: float) -> tuple[Floats, Floats]:
    """Where each pixel of an eye's patch comes from, for a lid position and an eye angle.

    Parameters
    ----------
    rig : the eye.
    lid : 0 open to 1 shut.
    yaw_deg : + = towards the image's left.
    pitch_deg : + = up.
    """
    margin = rig.upper + lid * (rig.lower + 1.0 - rig.upper)
    stretch = (rig.upper - rig.fold) / np.maximum(margin - rig.fold, 1e-3)
    lid_rows = rig.fold + (rig.rows - rig.fold) * stretch
    in_lid = (rig.rows >= rig.fold) & (rig.rows <= margin)
    in_eye = (rig.rows > margin) & (rig.rows < rig.lower)
    shift_x, shift_y = -yaw_deg * rig.px_per_deg, -pitch_deg * rig.px_per_deg
    moved_rows = np.clip(rig.rows - shift_y * rig.weight, rig.upper, rig.lower)
    map_x = rig.columns - in_eye * (shift_x * rig.weight)
    map_y = np.where(in_lid, lid_rows, np.where(in_eye, moved_rows, rig.rows))
    return map_x.astype(np.float32), map_y.astype(np.float32)


def head_rig(points: Floats) -> HeadRig:
    """Depth model and moving region of the head, from the eyes, the lips and the chin."""
    mm = EYE_DISTANCE_PX / EYE_DISTANCE_MM
    eyes = points[[33, 133, 362, 263]].mean(axis=0)
    centre_x, centre_y = float(eyes[0]), float(eyes[1]) + HEAD_CENTRE_BELOW_EYES_MM * mm
    across, along, deep = (axis * mm for axis in HEAD_MM)
    left = max(0, int(centre_x - SHELL_END * across)) & ~1
    right = min(WIDTH, int(centre_x + SHELL_END * across)) & ~1
    top = max(0, int(centre_y - SHELL_END * along)) & ~1
    bottom = min(HEIGHT, int(centre_y + SHELL_END * along)) & ~1
    grid = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    columns, rows = (axis.astype(np.float32) for axis in grid)
    radius = np.hypot((columns - centre_x) / across, (rows - centre_y) / along)
    fade = np.clip((SHELL_END - radius) / (SHELL_END - 0.85), 0, 1)
    hold = fade * fade * (3 - 2 * fade)
    depth = deep * np.sqrt(1 - np.minimum(radius, 0.85) ** 2) * hold
    below_mm = (rows - eyes[1]) / mm - NOSE_TIP_BELOW_EYES_MM
    spread = np.where(below_mm < 0, NOSE_MM[2], NOSE_MM[3])
    nose = np.exp(-0.5 * (((columns - centre_x) / mm / NOSE_MM[1]) ** 2 + (below_mm / spread) ** 2))
    depth = cv2.GaussianBlur((depth + NOSE_MM[0] * mm * nose).astype(np.float32), (0, 0), 3)
    return HeadRig(
        left, top, columns, rows, depth,
        ((columns - centre_x) * hold).astype(np.float32),
        ((rows - centre_y - 0.8 * along) * hold).astype(np.float32),
        jaw_field(points, columns, rows),
    )  # fmt: skip


def jaw_field(points: Floats, columns: Floats, rows: Floats) -> Floats:
    """How far down each pixel goes when the jaw is fully open: the lower lip and the chin."""
    lips_y = float(points[list(LIPS_MIDDLE), 1].mean())
    chin_x, chin_y = (float(value) for value in points[CHIN])
    drop = np.clip((rows - lips_y) / (0.12 * (chin_y - lips_y)), 0, 1)
    fade = np.clip((chin_y + 0.5 * (chin_y - lips_y) - rows) / (0.7 * (chin_y - lips_y)), 0, 1)
    side = np.exp(-0.5 * ((columns - chin_x) / (0.42 * EYE_DISTANCE_PX)) ** 2)
    field = JAW_SHARE * EYE_DISTANCE_PX * drop * fade * side
    return cv2.GaussianBlur(field.astype(np.float32), (0, 0), 1.5)


def displacement(rig: HeadRig, depth: Floats, angles_deg: Sequence[float]) -> tuple[Floats, Floats]:
    """Movement in pixels of points of a given depth on the head, for (yaw, pitch, roll)."""
    yaw, pitch, roll = (float(np.deg2rad(angle)) for angle in angles_deg)
    narrower, lower = np.float32(np.cos(yaw) - 1), np.float32(np.cos(pitch) - 1)
    turn = np.float32(np.sin(roll))
    dx = rig.across * narrower - rig.along * turn - depth * np.float32(np.sin(yaw))
    dy = rig.across * turn + rig.along * lower - depth * np.float32(np.sin(pitch))
    return dx, dy


def head_map(rig: HeadRig, angles_deg: Sequence[float], jaw: float) -> tuple[Floats, Floats]:
    """Where each pixel of the head's region comes from.

    The inverse of the movement is found by fixed-point steps: one for ordinary sway, three for a
    turn, whose displacement changes across a nose's width.
    """
    dx, dy = displacement(rig, rig.depth, angles_deg)
    steps = 0 if max(map(abs, angles_deg)) < SWAY_DEG else 2
    for _ in range(steps):
        at_x, at_y = rig.columns - dx - rig.left, rig.rows - dy - rig.top
        depth = np.asarray(cv2.remap(rig.depth, at_x, at_y, cv2.INTER_LINEAR), dtype=np.float32)
        dx, dy = displacement(rig, depth, angles_deg)
    if jaw > 0:
        dy += np.float32(jaw) * rig.jaw
    return rig.columns - dx, rig.rows - dy


def planes(picture: Plane) -> tuple[Plane, Plane, Plane]:
    """Views of Y, U and V in an I420 picture of the canvas."""
    chroma = (HEIGHT // 2, WIDTH // 2)
    quarter = HEIGHT + HEIGHT // 4
    return (
        picture[:HEIGHT],
        picture[HEIGHT:quarter].reshape(chroma),
        picture[quarter:].reshape(chroma),
    )


def warp(
    source: Plane, target: Plane, corner: tuple[int, int], maps: tuple[Floats, Floats]
) -> None:
    """Fill the patch of `target` at (left, top) from `source` by inverse maps, in all planes."""
    left, top = corner
    height, width = maps[0].shape
    halves = [(axis[::2, ::2] + axis[1::2, 1::2] - 1) / 4 for axis in maps]
    for i, (old, new) in enumerate(zip(planes(source), planes(target), strict=True)):
        x, y = maps if i == 0 else halves
        step = 1 if i == 0 else 2
        rows = slice(top // step, (top + height) // step)
        columns = slice(left // step, (left + width) // step)
        new[rows, columns] = cv2.remap(old, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def render_frame(rig: FaceRig, motion: Motion, index: int) -> Plane:
    """Frame `index` of a planned motion, I420 layout, shape (1080, 1280)."""
    face = rig.picture.copy()
    lid = float(motion.lid[index])
    yaw, pitch = float(motion.eye_yaw_deg[index]), float(motion.eye_pitch_deg[index])
    if lid or yaw or pitch:
        for eye in rig.eyes:
            warp(rig.picture, face, (eye.left, eye.top), eye_map(eye, lid, yaw, pitch))
    out = rig.picture.copy()
    angles = [float(axis[index]) for axis in (motion.yaw_deg, motion.pitch_deg, motion.roll_deg)]
    maps = head_map(rig.head, angles, float(motion.jaw[index]))
    warp(face, out, (rig.head.left, rig.head.top), maps)
    return out
