"""A portrait as a relief that is really turned: frames of a head of known angles, lids and eyes.

The portrait (scikit-image's, public domain, read at run time) is given a depth at every pixel and
becomes a solid surface. Per frame its lids and irises are moved as in the demo, the surface is
turned about the neck in three dimensions, and a pinhole camera looks at it: each pixel's ray is
followed until it meets the surface, so near parts hide far ones and perspective is right. The whole
picture turns with the head, which is what a camera walking round a still person sees.

Two shapes of head tell what depends on ours: `ellipsoid_depth_mm` knows nothing but where the eyes
are; `canonical_depth_mm` is the face inside MediaPipe's bundle, with which its mesh was trained.
Light does not move over the skin, and what the portrait does not show cannot be shown.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial.transform import Rotation

from bench.made.eyes import Eyeball, eyeball, turned
from models.base import FaceTracker, Image, StillFrame
from pipeline.face.head_pose import POSE_POINTS
from pipeline.made.conversation import sample_portrait
from pipeline.made.portrait import (
    EYE_DISTANCE_MM,
    EYE_DISTANCE_PX,
    EYES_AT,
    HEAD_CENTRE_BELOW_EYES_MM,
    HEAD_MM,
    HEIGHT,
    LEFT_EYE,
    NOSE_MM,
    NOSE_TIP_BELOW_EYES_MM,
    RIGHT_EYE,
    WIDTH,
    EyeRig,
    eye_distance,
    eye_rig,
    jaw_field,
    place,
)

Floats = NDArray[np.float32]
MM_PER_PX = EYE_DISTANCE_MM / EYE_DISTANCE_PX
"""On the canvas, in the plane of the eyes."""
NECK_MM = (0.0, 45.0, 90.0)
"""What the head turns about: right of, below and behind the middle between the eyes."""
NEAREST_MM, FARTHEST_MM = 110.0, 190.0
"""Rays are followed from so far before the eyes to so far behind them."""
RAY_STEPS = 24
COARSE = 2
"""Rays are followed for every second pixel of every second row."""
BASE_MM = -95.0
"""Depth of all that is not the head."""
REACH = (2.9, 2.6, 3.4)
"""What is drawn anew, to the sides, up and down from the eyes, in eye distances."""
EYE_PLANE = (33, 133, 362, 263)
CANONICAL_MEMBER = "geometry_pipeline_metadata_landmarks.binarypb"
CANONICAL_POINTS = 468
LENS_MM, FRAME_MM = (50.0, 40.0), 2.5
"""Width and height of a lens; thickness of the frame."""
GLASSES_LIE = (slice(200, 310), slice(520, 760))
"""Rows and columns of the canvas that hold a pair of glasses."""
RIM_MM = 20.0
"""Over this distance a face's own depth fades into the ellipsoid round it."""


@dataclass(frozen=True, slots=True)
class Pose:
    """One moment. Yaw + = image left, pitch + = up, roll + = the image-right eye lower."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    eye_yaw_deg: float = 0.0
    eye_pitch_deg: float = 0.0
    lid: float = 0.0
    """0 open to 1 shut."""
    jaw: float = 0.0
    """0 shut to 1 open."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """The portrait on the demo's canvas, eyes `EYE_DISTANCE_PX` apart and level at `EYES_AT`."""

    canvas: Image
    points: Floats
    """Shape (478, 2), canvas pixels, MediaPipe's order."""
    eyes: tuple[Eyeball, Eyeball]
    jaw: Floats
    """Pixels that each place goes down when the jaw is open, shape (rows, columns)."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera in front of a relief, and the rays of the patch that is drawn."""

    portrait: Portrait
    depth_mm: Floats
    """Towards the camera from the plane of the eyes, canvas shape."""
    glasses: Floats | None
    """Colour and cover of what lies over the face, shape (rows, columns, 4), or None."""
    size: tuple[int, int]
    """Width and height."""
    eyes_px: float
    at: tuple[float, float]
    """Where the middle between the eyes rests."""
    patch: tuple[int, int, int, int]
    """Left, top, right, bottom of what is drawn anew."""
    rays: Floats
    """Direction of each coarse pixel's ray, z = 1, shape (3, rows, columns)."""

    @property
    def focal_px(self) -> float:
        """As `head_pose.camera_matrix` takes it: the long side."""
        return float(max(self.size))

    @property
    def distance_mm(self) -> float:
        """From the camera to the plane of the eyes."""
        return self.focal_px * EYE_DISTANCE_MM / self.eyes_px


def read_portrait(engine: FaceTracker, picture: Image | None = None) -> Portrait:
    """A portrait with its face points, found by `engine`; by default scikit-image's."""
    picture = sample_portrait() if picture is None else picture
    margin = picture.shape[0] // 4
    padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    (seen,) = engine.track([StillFrame(0, 0.0, padded)], people=1)
    if seen.points is None:
        raise ValueError(f"no face was found in the portrait ({seen.reason})")
    points = seen.points - margin
    scale = EYE_DISTANCE_PX / eye_distance(points)
    shift = np.array(EYES_AT) - scale * points[list(EYE_PLANE)].mean(axis=0)
    placed = np.asarray(points * scale + shift, np.float32)
    grid = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    columns, rows = (axis.astype(np.float32) for axis in grid)
    canvas = place(picture, scale, shift)
    irises = placed[[RIGHT_EYE[2][0], LEFT_EYE[2][0]]]
    between = irises[1] - irises[0]
    across = tuple(between / np.hypot(*between))
    right, left = (
        eyeball(canvas, eye_rig(placed, parts), tuple(iris), across)
        for parts, iris in zip((RIGHT_EYE, LEFT_EYE), irises.tolist(), strict=True)
    )
    return Portrait(
        canvas,
        placed,
        (right, left),
        jaw_field(placed, columns, rows),
    )


def ellipsoid_depth_mm() -> Floats:
    """An ellipsoid with a nose, from nothing but where the eyes are; canvas shape."""
    x, y = _canvas_mm()
    across, along, deep = HEAD_MM
    radius = np.hypot(x / across, (y - HEAD_CENTRE_BELOW_EYES_MM) / along)
    head = deep * (np.sqrt(1 - np.minimum(radius, 0.97) ** 2) - 1)
    below = y - NOSE_TIP_BELOW_EYES_MM
    spread = np.where(below < 0, NOSE_MM[2], NOSE_MM[3])
    nose = NOSE_MM[0] * np.exp(-0.5 * ((x / NOSE_MM[1]) ** 2 + (below / spread) ** 2))
    return _smooth(head + nose)


def canonical_depth_mm(portrait: Portrait, task: Path) -> Floats:
    """MediaPipe's canonical face as it lies in the portrait, an ellipsoid round it."""
    camera = np.array([[WIDTH, 0, EYES_AT[0]], [0, WIDTH, EYES_AT[1]], [0, 0, 1.0]])
    face = canonical_face_mm(task)
    chosen = list(POSE_POINTS)
    seen = portrait.points[chosen].astype(np.float64)
    _, turn, shift = cv2.solvePnP(face[chosen], seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    placed = face @ cv2.Rodrigues(turn)[0].T + shift.ravel()
    eyes_mm = float(placed[list(EYE_PLANE), 2].mean())
    own = (eyes_mm - placed[:, 2]) * MM_PER_PX * WIDTH / eyes_mm
    x, y = _canvas_mm()
    inside = LinearNDInterpolator(portrait.points[:CANONICAL_POINTS], own)(
        x / MM_PER_PX + EYES_AT[0], y / MM_PER_PX + EYES_AT[1]
    )
    return _smooth(_continued(inside, ellipsoid_depth_mm()))


def canonical_face_mm(task: Path) -> NDArray[np.float64]:
    """Shape (468, 3): x right, y down, z away, from a ``face_landmarker.task``."""
    with zipfile.ZipFile(task) as bundle:
        mesh = _members(bundle.read(CANONICAL_MEMBER), 1)[0]
    corners = np.frombuffer(b"".join(_members(mesh, 3)), "<f4").reshape(-1, 5)[:, :3]
    return 10.0 * corners.astype(np.float64) * (1, -1, -1)


def glasses_over(portrait: Portrait) -> Floats:
    """Dark frames of 50 mm lenses, a bridge, and a window's reflection across each lens."""
    layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    half = (int(LENS_MM[0] / MM_PER_PX / 2), int(LENS_MM[1] / MM_PER_PX / 2))
    thick = round(FRAME_MM / MM_PER_PX)
    sides = []
    for corners in ((33, 133), (362, 263)):
        x, y = (int(v) for v in portrait.points[list(corners)].mean(axis=0) + np.array([0, 5]))
        top, bottom = (x + half[0] // 2, y - half[1] // 2), (x + half[0] // 5, y + half[1] // 2)
        cv2.line(layer, top, bottom, (255, 255, 255, 0.4), 6, cv2.LINE_AA)
        cv2.ellipse(layer, (x, y), half, 0, 0, 360, (25, 22, 20, 1.0), thick, cv2.LINE_AA)
        sides.append((x, y - half[1] // 3))
    left, right = (sides[0][0] + half[0], sides[0][1]), (sides[1][0] - half[0], sides[1][1])
    cv2.line(layer, left, right, (25, 22, 20, 1.0), thick, cv2.LINE_AA)
    return layer


def look_at(
    portrait: Portrait,
    depth_mm: Floats,
    *,
    eyes_px: float,
    size: tuple[int, int] = (640, 360),
    glasses: bool = False,
) -> View:
    """A camera before which the eyes are `eyes_px` apart, a little above the frame's middle."""
    width, height = size
    at = (width / 2, 0.42 * height)
    side, up, down = (reach * eyes_px for reach in REACH)
    patch = (
        max(0, int(at[0] - side)),
        max(0, int(at[1] - up)),
        min(width, int(at[0] + side)),
        min(height, int(at[1] + down)),
    )
    rows, columns = np.mgrid[patch[1] : patch[3] : COARSE, patch[0] : patch[2] : COARSE]
    focal = float(max(size))
    half = (COARSE - 1) / 2
    rays = np.stack(
        [
            (columns + half - width / 2) / focal,
            (rows + half - height / 2) / focal,
            np.ones(rows.shape),
        ]
    )
    cover = glasses_over(portrait) if glasses else None
    return View(portrait, depth_mm, cover, size, eyes_px, at, patch, rays.astype(np.float32))


def draw(view: View, pose: Pose) -> Image:
    """The frame a camera takes of this pose, shape (height, width, 3), RGB."""
    face = _moved_eyes(view, pose)
    scale = EYE_DISTANCE_PX / view.eyes_px
    if scale > 1:
        face = np.asarray(cv2.GaussianBlur(face, (0, 0), 0.45 * scale))
    still = np.array(
        [
            [scale, 0, EYES_AT[0] - scale * view.at[0]],
            [0, scale, EYES_AT[1] - scale * view.at[1]],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    frame = cv2.warpAffine(face, still, view.size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    left, top, right, bottom = view.patch
    x, y = (
        cv2.resize(axis, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        for axis in surface_seen(view, pose)
    )
    if pose.jaw:
        y = y - np.float32(pose.jaw) * cv2.remap(view.portrait.jaw, x, y, cv2.INTER_LINEAR)
    frame[top:bottom, left:right] = cv2.remap(
        face, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(frame, np.uint8)


def surface_seen(view: View, pose: Pose) -> tuple[Floats, Floats]:
    """Canvas x and y of what each coarse pixel of the patch shows: where its ray first hits."""
    angles = [pose.roll_deg, pose.yaw_deg, -pose.pitch_deg]
    back = Rotation.from_euler("ZYX", angles, degrees=True).as_matrix().T.astype(np.float32)
    middle = (np.array(view.at) - np.array(view.size) / 2) * view.distance_mm / view.focal_px
    neck = np.array([*middle, view.distance_mm]) + NECK_MM
    origin = (neck - back @ neck).astype(np.float32)[:, None, None]
    turned = np.tensordot(back, view.rays, 1)
    steps = np.linspace(-NEAREST_MM, FARTHEST_MM, RAY_STEPS, dtype=np.float32)
    x, y, before = _beneath(view, origin + turned * (view.distance_mm + steps[0]))
    seen_x, seen_y, met = x.copy(), y.copy(), before >= 0
    for step in steps[1:]:
        next_x, next_y, after = _beneath(view, origin + turned * (view.distance_mm + step))
        now = ~met & (after >= 0)
        share = before / np.where(now, before - after, 1)
        seen_x[now] = (x + share * (next_x - x))[now]
        seen_y[now] = (y + share * (next_y - y))[now]
        met |= now
        x, y, before = next_x, next_y, after
    seen_x[~met], seen_y[~met] = x[~met], y[~met]
    return seen_x, seen_y


def _beneath(view: View, points_mm: Floats) -> tuple[Floats, Floats, Floats]:
    """Canvas position of points in the resting camera's space, and how far below the surface."""
    scale = np.float32(EYE_DISTANCE_PX / view.eyes_px)
    focal = np.float32(view.focal_px) * scale / points_mm[2]
    x = points_mm[0] * focal + np.float32(EYES_AT[0] + scale * (view.size[0] / 2 - view.at[0]))
    y = points_mm[1] * focal + np.float32(EYES_AT[1] + scale * (view.size[1] / 2 - view.at[1]))
    surface = cv2.remap(view.depth_mm, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return x, y, points_mm[2] - np.float32(view.distance_mm) + surface


def _moved_eyes(view: View, pose: Pose) -> Image:
    face = view.portrait.canvas.copy()
    if pose.lid or pose.eye_yaw_deg or pose.eye_pitch_deg:
        for ball in view.portrait.eyes:
            eye = ball.rig
            lid = pose.lid + (1 - pose.lid) * followed(eye, pose.eye_pitch_deg)
            shown = turned(view.portrait.canvas, ball, lid, pose.eye_yaw_deg, pose.eye_pitch_deg)
            height, width = eye.rows.shape
            face[eye.top : eye.top + height, eye.left : eye.left + width] = shown
    if view.glasses is not None:
        rows, columns = GLASSES_LIE
        part, over = face[rows, columns], view.glasses[rows, columns]
        cover = over[..., 3:]
        face[rows, columns] = part * (1 - cover) + over[..., :3] * cover
    return face


def followed(eye: EyeRig, eye_pitch_deg: float) -> float:
    """Lid position of an eye that looks up or down: the upper lid goes with the iris.

    Becker and Fuchs (1988): lid and eye turn together over the middle of their range.
    """
    return -eye_pitch_deg * eye.px_per_deg / float(np.max(eye.lower - eye.upper))


def _canvas_mm() -> tuple[Floats, Floats]:
    """Millimetres right of and below the middle between the eyes, canvas shape."""
    grid = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    x, y = ((axis - at) * MM_PER_PX for axis, at in zip(grid, EYES_AT, strict=True))
    return x.astype(np.float32), y.astype(np.float32)


def _continued(own: NDArray[np.float64], around: Floats) -> Floats:
    """`own` where it is known, `around` brought to meet it at the rim elsewhere."""
    known = np.isfinite(own)
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), RIM_MM / MM_PER_PX / 2)
    apart = np.where(known, own - around, 0).astype(np.float32)
    near = cv2.GaussianBlur(apart, (0, 0), RIM_MM / MM_PER_PX / 2) / np.maximum(weight, 1e-3)
    beyond = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5) * MM_PER_PX
    return np.where(known, own, around + near * np.exp(-beyond / RIM_MM)).astype(np.float32)


def _smooth(depth_mm: NDArray[np.floating]) -> Floats:
    clipped = np.maximum(depth_mm, BASE_MM).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(clipped, (0, 0), 3), np.float32)


def _members(message: bytes, wanted: int) -> list[bytes]:
    """Contents of one field of a protocol buffer message: bytes, or 4-byte numbers."""
    found, at = [], 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            at = _varint(message, at)[1]
            continue
        size, at = (4, at) if kind == 5 else _varint(message, at)
        if key >> 3 == wanted:
            found.append(message[at : at + size])
        at += size
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
