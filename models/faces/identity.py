"""Keeping people apart where they pass each other: where each was going, and what each looks like.

A look is 16 colours of the face and its surroundings, less than a thumbnail: enough to tell two
people in one room apart, not to recognise anybody. It lives only while a video is read.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.faces.geometry import (
    LEFT_EYE_CORNERS,
    RIGHT_EYE_CORNERS,
    Box,
    Floats,
    Region,
    box_centre,
    crop_frame,
)

if TYPE_CHECKING:
    from models.base import Frame

LOOK_CELLS = 4
LOOK_PIXELS = 32
LOOK_SIDE = 2.4
"""Side of the square a look is taken from, in eye distances ..."""
LOOK_BELOW = 0.2
"""... and how far below the eyes its middle lies."""
MIDDLE_GREY = 128.0
TRAIL_S = 0.4
"""Stretch of time over which a speed is taken."""
COAST_S = 1.0
"""A hidden person is expected to walk on for at most so long."""


@dataclass(slots=True)
class Trail:
    """Where somebody was in the last moments."""

    places: deque[tuple[float, float, float]] = field(default_factory=deque)
    """(time in s, x, y in pixels) of box centres, oldest first."""

    def add(self, pts_s: float, box: Box) -> None:
        """Appends a place; forgets what is older than `TRAIL_S`, or later than `pts_s`."""
        while self.places and not 0 <= pts_s - self.places[0][0] <= TRAIL_S:
            self.places.popleft()
        self.places.append((pts_s, *box_centre(box)))

    @property
    def velocity(self) -> tuple[float, float]:
        """Pixels per second, x and y; 0 where too little is known."""
        if len(self.places) < 2:
            return 0.0, 0.0
        (t0, x0, y0), (t1, x1, y1) = self.places[0], self.places[-1]
        return ((x1 - x0) / (t1 - t0), (y1 - y0) / (t1 - t0)) if t1 > t0 else (0.0, 0.0)

    def moved(self, pts_s: float) -> tuple[float, float]:
        """How far, in pixels, somebody who walked on has come since their last place."""
        if not self.places:
            return 0.0, 0.0
        since_s = min(max(pts_s - self.places[-1][0], 0.0), COAST_S)
        x, y = self.velocity
        return x * since_s, y * since_s

    def expected(self, box: Box, pts_s: float) -> Box:
        """`box` put where its owner is by now if they walked on."""
        if not self.places:
            return box
        x, y = self.moved(pts_s)
        _, last_x, last_y = self.places[-1]
        return last_x + x - box[2] / 2, last_y + y - box[3] / 2, box[2], box[3]


def eye_centres(points: Floats) -> Floats:
    """Middles of both eyes' corners from a mesh (n, 2): shape (2, 2), image-left eye first."""
    corners = (LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS)
    return np.stack([points[list(pair)].mean(axis=0) for pair in corners])


def look_of(frame: Frame, eyes: Floats) -> Floats:
    """Colours round the eyes (2, 2), shape (cells, cells, 3); half of a change in light cancels."""
    across = eyes[1] - eyes[0]
    angle, distance = math.atan2(float(across[1]), float(across[0])), float(np.hypot(*across))
    below = np.array([-math.sin(angle), math.cos(angle)]) * LOOK_BELOW * distance
    x, y = eyes.mean(axis=0) + below
    region = Region(float(x), float(y), max(LOOK_SIDE * distance, 2.0), angle)
    square = crop_frame(frame, region, LOOK_PIXELS)
    cells = cv2.resize(square, (LOOK_CELLS, LOOK_CELLS), interpolation=cv2.INTER_AREA)
    colours = np.asarray(cells, np.float32)
    return colours / math.sqrt(MIDDLE_GREY * max(float(colours.mean()), 1.0))


def difference(one: Floats | None, other: Floats | None) -> float:
    """Mean absolute difference of two looks; 0 where one is unknown: then nothing speaks."""
    if one is None or other is None:
        return 0.0
    return float(np.abs(one - other).mean())
