"""How a stored picture is turned, mirrored and stretched until it is what a player shows.

Phones store every film sideways and add a display matrix (ISO/IEC 14496-12, 6.2.2); some cameras
store pixels that are not square. Whatever reads a picture or its size reads it upright: this module
is the one place that knows how. Players know eight orientations; a matrix between them counts as
the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideData

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from models.base import Image

Box = tuple[int, int, int, int]  # left, top, right, bottom
Size = tuple[int, int]  # height, width

SQUARE_WITHIN = 0.01  # pixels this near to square are square: headers round
WIDEST_PIXEL = 4.0  # beyond this, either way, the header is wrong


@dataclass(frozen=True, slots=True)
class Orientation:
    """Rows and columns exchanged first (or not), then either mirrored (or not)."""

    exchanged: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    def applied(self, image: Image) -> Image:
        """The picture upright, shape (height, width) or (height, width, 3), in its own memory."""
        return image if self == Orientation() else np.ascontiguousarray(self.seen(image))

    def seen(self, image: Image) -> Image:
        """As `applied`, as a view of the same memory."""
        turned = np.swapaxes(image, 0, 1) if self.exchanged else image
        lines, columns = -1 if self.mirrored_y else 1, -1 if self.mirrored_x else 1
        return turned[::lines, ::columns]

    def size(self, stored: Size) -> Size:
        """Height and width upright of what has height and width `stored`."""
        return (stored[1], stored[0]) if self.exchanged else stored

    def stored_box(self, box: Box, size: Size) -> Box:
        """Where an upright box lies in the stored picture; `size` is the upright picture's."""
        (left, top, right, bottom), (height, width) = box, size
        if self.mirrored_x:
            left, right = width - right, width - left
        if self.mirrored_y:
            top, bottom = height - bottom, height - top
        return (top, left, bottom, right) if self.exchanged else (left, top, right, bottom)


def orientation(frame: VideoFrame) -> Orientation:
    """What the container, or the codec, asks of a decoded frame."""
    # not `frame.side_data`: what it keeps on the frame refers back to it, and such a ring of
    # pictures outlives its last reader until the garbage collector comes by
    make = cast("Callable[[VideoFrame], Mapping[object, Any]]", SideDataContainer)
    given = make(frame)
    if SideData.DISPLAYMATRIX not in given:
        return Orientation()
    matrix = np.frombuffer(bytes(given[SideData.DISPLAYMATRIX]), np.int32)
    (a, b, _), (c, d, _) = matrix.reshape(3, 3)[:2].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):  # x right = a x + c y, y down = b x + d y
        return Orientation(exchanged=False, mirrored_x=a < 0, mirrored_y=d < 0)
    return Orientation(exchanged=True, mirrored_x=c < 0, mirrored_y=b < 0)


def pixel_aspect(stream: VideoStream) -> float:
    """Width of a stored pixel over its height; 1 where the file does not say."""
    return plausible_aspect(stream.sample_aspect_ratio)


def plausible_aspect(stated: Fraction | None) -> float:
    """A stated pixel aspect as a number; 1 where it is missing, as good as 1, or absurd."""
    aspect = float(stated) if stated else 1.0
    absurd = not 1 / WIDEST_PIXEL <= aspect <= WIDEST_PIXEL
    return 1.0 if absurd or abs(aspect - 1.0) <= SQUARE_WITHIN else aspect


def square_size(height: int, width: int, aspect: float) -> Size:
    """Height and width with square pixels; the side that is too short grows."""
    if aspect >= 1.0:
        return height, round(width * aspect)
    return round(height / aspect), width
