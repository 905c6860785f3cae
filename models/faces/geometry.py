"""From frame to network input and back: letterbox, rotated crop, regions of face and eyes.

Pure geometry with numpy and cv2. Coordinates are pixel indices of the source frame (the centre of
the first pixel is 0, 0), as in MediaPipe, so that our points can be compared with its points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from models.faces.sampling import warp_in_steps

if TYPE_CHECKING:
    from models.base import Frame, Image

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]
"""x, y (top left), width, height in pixels."""

FACE_MARGIN = 1.5
"""Side of the mesh's region over the face's longer side (measured best of 1.3 ... 2.0)."""
EYE_MARGIN = 2.3
"""Side of the iris network's region over the distance between the eye's corners."""
SHRINK_ABOVE = 2.0
"""A crop this many times larger than the network's input is averaged down first."""
MIN_SIDE_PX = 2.0
LEFT_EYE_CORNERS = (33, 133)
"""Outer and inner corner of the image-left eye (the person's right) in MediaPipe's mesh."""
RIGHT_EYE_CORNERS = (362, 263)
"""Inner and outer corner of the image-right eye."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rotated square of the frame."""

    x: float
    y: float
    side: float
    angle: float
    """Radians, from the image's x axis to the square's x axis, growing clockwise on the screen."""

    def matrix(self, size: int) -> NDArray[np.float64]:
        """Affine map (2, 3) from crop pixels 0..size to frame pixels."""
        step = self.side / size
        cos, sin = step * math.cos(self.angle), step * math.sin(self.angle)
        half = size / 2
        return np.array(
            [
                [cos, -sin, self.x - half * (cos - sin)],
                [sin, cos, self.y - half * (sin + cos)],
            ]
        )

    def to_frame(self, points: Floats) -> Floats:
        """Points (n, 2) in crop units to frame pixels."""
        matrix = self.matrix(1).astype(np.float32)
        projected: Floats = points @ matrix[:, :2].T + matrix[:, 2]
        return projected


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A whole frame fitted into a square, and the way back."""

    image: Image
    """Shape (size, size, 3); what lies outside the frame is zero."""
    origin: tuple[float, float]
    """Frame pixel at crop unit (0, 0)."""
    extent: tuple[float, float]
    """Frame pixels per crop unit, x and y."""


def letterbox_area(frame: Image, size: int) -> Letterbox:
    """The frame, centred, shrunk by area averaging (bilinear aliases and loses small faces)."""
    height, width = frame.shape[:2]
    scale = size / max(height, width)
    new_w, new_h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size - new_w) // 2, (size - new_h) // 2
    square = np.zeros((size, size, 3), np.uint8)
    resized = cv2.resize(frame, (new_w, new_h), interpolation=cv2.INTER_AREA)
    square[top : top + new_h, left : left + new_w] = resized
    step_x, step_y = width / new_w, height / new_h
    return Letterbox(square, (-left * step_x, -top * step_y), (size * step_x, size * step_y))


def letterbox_bilinear(frame: Image, size: int) -> Letterbox:
    """The same by plain bilinear sampling: what mediapipe does, so for comparison with it only."""
    height, width = frame.shape[:2]
    side = max(height, width)
    matrix = Region(width / 2, height / 2, side, 0.0).matrix(size)
    square = warp_in_steps(frame, matrix, size, border=cv2.BORDER_CONSTANT)
    origin = ((width - side) / 2, (height - side) / 2)
    return Letterbox(square, origin, (side, side))


def crop(image: Image, region: Region, size: int, *, shrink: bool = True) -> Image:
    """The region as an upright square (size, size, 3), bilinear, border replicated.

    With `shrink`, a region much larger than `size` is first averaged down by a whole factor.
    """
    matrix = region.matrix(size)
    if not shrink:
        return warp_in_steps(image, matrix, size)
    if region.side > SHRINK_ABOVE * size:
        image, matrix = _shrunk(image, matrix, int(region.side // size))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(
        image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.uint8, copy=False)


def crop_frame(frame: Frame, region: Region, size: int, *, shrink: bool = True) -> Image:
    """`crop` of a frame, of which only the part under the region is turned into RGB."""
    factor = int(region.side // size) if shrink and region.side > SHRINK_ABOVE * size else 1
    height, width = frame.size
    reach = region.side * math.sqrt(0.5) + max(factor, 2)
    left, right = _whole_blocks(region.x - reach, region.x + reach, width, factor)
    top, bottom = _whole_blocks(region.y - reach, region.y + reach, height, factor)
    part = frame.patch(left, top, right, bottom)
    moved = Region(region.x - left, region.y - top, region.side, region.angle)
    return crop(part, moved, size, shrink=shrink)


def _shrunk(
    image: Image, matrix: NDArray[np.float64], factor: int
) -> tuple[Image, NDArray[np.float64]]:
    """The image `factor` times smaller, without odd pixels at its end, and the map onto it."""
    height, width = (length - length % factor for length in image.shape[:2])
    if not (height and width):
        return image, matrix
    size = (width // factor, height // factor)
    smaller = cv2.resize(image[:height, :width], size, interpolation=cv2.INTER_AREA)
    moved = matrix.copy()
    moved[:, 2] -= (factor - 1) / 2
    return smaller.astype(np.uint8, copy=False), moved / factor


def _whole_blocks(low: float, high: float, limit: int, factor: int) -> tuple[int, int]:
    """Pixel span inside 0..limit that holds whole blocks of `factor` pixels, or one edge pixel."""
    start = min(max(0, math.floor(low)), limit)
    stop = min(max(start, math.ceil(high)), limit)
    stop -= (stop - start) % factor
    if stop > start:
        return start, stop
    edge = min(start, limit - 1)
    return edge, edge + 1


def face_region(box: Floats, points: Floats) -> Region:
    """Region for the mesh from a detection: box (4,) centre and size, points (6, 2), in pixels."""
    x, y, width, height = (float(value) for value in box)
    across = points[1] - points[0]
    angle = math.atan2(float(across[1]), float(across[0]))
    return Region(x, y, max(FACE_MARGIN * max(width, height), MIN_SIDE_PX), angle)


def followed_region(points: Floats) -> Region:
    """Region for the next pass from a mesh (n, 2): its rotated extent with the same margin."""
    across = points[RIGHT_EYE_CORNERS[1]] - points[LEFT_EYE_CORNERS[0]]
    angle = math.atan2(float(across[1]), float(across[0]))
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]], dtype=np.float32)
    upright = points @ turn
    low, high = upright.min(axis=0), upright.max(axis=0)
    x, y = turn @ ((low + high) / 2)
    return Region(float(x), float(y), max(FACE_MARGIN * float(max(high - low)), MIN_SIDE_PX), angle)


def eye_region(points: Floats, corners: tuple[int, int]) -> Region:
    """Region for the iris network: upright along the line through the eye's two corners."""
    left, right = points[corners[0]], points[corners[1]]
    x, y = (left + right) / 2
    dx, dy = (float(value) for value in right - left)
    side = max(EYE_MARGIN * math.hypot(dx, dy), MIN_SIDE_PX)
    return Region(float(x), float(y), side, math.atan2(dy, dx))


def bounding_box(points: Floats) -> Box:
    """Upright box round points (n, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    return float(low[0]), float(low[1]), float(width), float(height)


def box_centre(box: Box) -> tuple[float, float]:
    """Middle of a box in pixels."""
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def eye_centre_distance(points: Floats) -> float:
    """Pixels between the middles of the two eyes' corners, from a mesh (n, 2)."""
    left = points[list(LEFT_EYE_CORNERS)].mean(axis=0)
    right = points[list(RIGHT_EYE_CORNERS)].mean(axis=0)
    return float(np.hypot(*(right - left)))
