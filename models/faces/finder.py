"""Where in a frame are faces: the detector on the whole frame, on tiles, or round a known place.

The detector resolves 0.06 of its input's longer side (measured), 115 px in 1080p. Somebody at the
far end of a room is smaller, so their neighbourhood is looked at enlarged; where nobody is known
yet, tiles of a third of the frame are, which costs eight passes and is done rarely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.faces.geometry import Box, box_centre, letterbox_area, letterbox_bilinear
from models.faces.seats import FoundFace, in_pixels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.base import Frame
    from models.faces.networks import FaceDetector

FAR_SHARE = 0.07
"""Boxes narrower than this share of the frame's longer side need an enlarged look."""
NEAR_WIDTHS = 8.0
"""Side of such a look, in box widths (6 to 10 found all; 4 loses profiles)."""
TILE_SHARE = 1 / 3
"""Side of a tile over the frame's longer side."""
TILE_STEP = 0.75
"""From tile to tile at most, in sides: a face on one tile's edge is whole on the next."""
TILE_STRETCH = 1.25
"""An area up to this many tiles long is one tile."""
AREA_MARGIN = 0.05
"""Of the frame's longer side."""
EDGE_SHARE = 0.01
"""A box this near (in tile sides) to a tile's inner edge is the rest of a cut face."""
SAME_OVERLAP = 0.6
"""Two boxes sharing this much of the smaller one are one face, seen in two looks ..."""
SAME_SIZE = 1.5
"""... if the wider is at most so many times as wide."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a frame in whole pixels: left, top, right, bottom."""

    left: int
    top: int
    right: int
    bottom: int


class FaceFinder:
    """The detector, and where to point it.

    With `as_mediapipe` the whole frame is sampled as mediapipe does it: for comparison only.
    """

    def __init__(self, detector: FaceDetector, *, as_mediapipe: bool = False) -> None:
        self._detector = detector
        self._letterbox = letterbox_bilinear if as_mediapipe else letterbox_area

    def whole(self, frame: Frame) -> list[FoundFace]:
        """Faces of the whole frame, best first."""
        boxed = self._letterbox(frame.image, self._detector.input_side)
        return in_pixels(self._detector(boxed.image), boxed)

    def near(self, frame: Frame, box: Box) -> list[FoundFace]:
        """Faces in the square of `NEAR_WIDTHS` round a known `box`."""
        return self._within(frame, _square(frame, box))

    def tiles(self, frame: Frame, area: Box | None = None) -> list[FoundFace]:
        """Faces found in tiles of `area` (the whole frame if None), each once, best first."""
        found = [
            face for span in tile_spans(frame.size, area) for face in self._within(frame, span)
        ]
        return distinct(sorted(found, key=lambda face: -face.score))

    def _within(self, frame: Frame, span: Span) -> list[FoundFace]:
        """Faces wholly inside a part of the frame, in pixels of the frame."""
        if span.right <= span.left or span.bottom <= span.top:
            return []
        part = frame.patch(span.left, span.top, span.right, span.bottom)
        boxed = letterbox_area(part, self._detector.input_side)
        origin = (boxed.origin[0] + span.left, boxed.origin[1] + span.top)
        found = in_pixels(self._detector(boxed.image), replace(boxed, origin=origin))
        return [face for face in found if not _is_cut_off(face.box, span, frame.size)]


def is_far(box: Box, size: tuple[int, int]) -> bool:
    """Whether a face is too small for the detector to see it on the whole frame."""
    return box[2] < FAR_SHARE * max(size)


def distinct(found: Iterable[FoundFace]) -> list[FoundFace]:
    """`found` in its order, without those that mostly share their place with an earlier one.

    Both stay if their sizes differ clearly: on the whole frame a small head and its collar pass for
    one large face, and only the mesh can say which of the two is one.
    """
    kept: list[FoundFace] = []
    for face in found:
        if not any(_is_twice(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def without_collars(found: list[FoundFace]) -> list[FoundFace]:
    """`found` without profiles that hold a surer frontal face: a small head and its collar."""
    frontal = [face for face in found if not face.in_profile]
    return [
        face
        for face in found
        if not face.in_profile
        or not any(
            other.score > face.score and _shared(face.box, other.box) > SAME_OVERLAP
            for other in frontal
        )
    ]


def _is_twice(one: Box, other: Box) -> bool:
    alike = max(one[2], other[2]) <= SAME_SIZE * min(one[2], other[2])
    return alike and _shared(one, other) > SAME_OVERLAP


def tile_spans(size: tuple[int, int], area: Box | None = None) -> list[Span]:
    """Square tiles, spread evenly over `area` of a frame of `size` (height, width).

    They overlap so far that every face narrower than a quarter of a tile is whole in one of them;
    for wider ones an `area` that takes several tiles is looked at as a whole as well. An area's
    edges lie `AREA_MARGIN` further out: a face belongs to it by its middle.
    """
    height, width = size
    margin = AREA_MARGIN * max(size) if area else 0.0
    x, y, across, down = area or (0.0, 0.0, float(width), float(height))
    left, right = max(0, math.floor(x - margin)), min(width, math.ceil(x + across + margin))
    top, bottom = max(0, math.floor(y - margin)), min(height, math.ceil(y + down + margin))
    side = max(1, round(TILE_SHARE * max(size)))
    spans = [
        Span(column[0], row[0], column[1], row[1])
        for row in _stretches(top, bottom, side)
        for column in _stretches(left, right, side)
    ]
    return [Span(left, top, right, bottom), *spans] if area and len(spans) > 1 else spans


def _stretches(low: int, high: int, side: int) -> list[tuple[int, int]]:
    """Overlapping stretches of `side` that cover low..high; a single one if that is short."""
    length = high - low
    if length <= TILE_STRETCH * side:
        return [(low, high)]
    steps = math.ceil((length - side) / (TILE_STEP * side))
    starts = [low + round(k * (length - side) / steps) for k in range(steps + 1)]
    return [(start, start + side) for start in starts]


def _square(frame: Frame, box: Box) -> Span:
    """The square round `box`, moved inside the frame where it reaches over its edge."""
    height, width = frame.size
    side = max(1, round(NEAR_WIDTHS * max(box[2], box[3])))
    x, y = box_centre(box)
    left = min(max(0, round(x - side / 2)), max(0, width - side))
    top = min(max(0, round(y - side / 2)), max(0, height - side))
    return Span(left, top, min(width, left + side), min(height, top + side))


def _is_cut_off(box: Box, span: Span, size: tuple[int, int]) -> bool:
    """Whether a box reaches an edge of `span` that is not an edge of the frame."""
    height, width = size
    slack = EDGE_SHARE * max(span.right - span.left, span.bottom - span.top)
    x, y, across, down = box
    return (
        (span.left > 0 and x < span.left + slack)
        or (span.top > 0 and y < span.top + slack)
        or (span.right < width and x + across > span.right - slack)
        or (span.bottom < height and y + down > span.bottom - slack)
    )


def _shared(one: Box, other: Box) -> float:
    """Intersection over the smaller area."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    smaller = min(one[2] * one[3], other[2] * other[3])
    if across <= 0 or down <= 0 or smaller <= 0:
        return 0.0
    return across * down / smaller
