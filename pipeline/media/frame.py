"""One decoded video frame that becomes RGB only where, and only when, somebody looks.

A tracker that follows a face needs a tenth of the picture. The decoder's own planes are kept; a
patch is cut from them and converted by itself. FFmpeg's converter gives each pixel of 8-bit 4:2:0
video the chroma sample it shares with its three neighbours, so a patch cut on even lines holds the
very pixels of the whole picture. Of other formats (10 bits, 4:2:2, RGB, grey, odd sizes) the whole
frame is converted once and cut. Pictures come out upright and with square pixels (`upright`).
"""

from __future__ import annotations

import threading

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from models.base import Image, Seconds
from pipeline.media.upright import Orientation, orientation, square_size

Plane = NDArray[np.uint8]  # shape (height, width)

PLANAR_420 = ("yuv420p", "yuvj420p")
PAIRED_420 = "nv12"  # the two chroma planes interleaved: what hardware decoders give
LIMITED_RANGE, FULL_RANGE = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
BLACK, WHITE = 16, 235  # of limited range (ITU-R BT.601 and BT.709)
LARGE_SHARE = 1 / 3  # of a frame: from here on the whole costs less than several patches
LIMITED_TO_FULL = np.clip(
    np.round((np.arange(256) - BLACK) * 255.0 / (WHITE - BLACK)), 0, 255
).astype(np.uint8)


class DecodedFrame:
    """`models.base.Frame` over a decoder's own picture. Safe to read from any thread."""

    __slots__ = ("_aspect", "_frame", "_image", "_lock", "_orientation", "index", "pts_s")

    def __init__(
        self, index: int, pts_s: Seconds, frame: VideoFrame, *, pixel_aspect: float = 1.0
    ) -> None:
        self.index = index
        """Counts every decoded frame of the file, from 0."""
        self.pts_s = pts_s
        """The container's own time stamp, s."""
        self._frame = frame
        self._orientation = orientation(frame)
        self._aspect = pixel_aspect
        self._image: Image | None = None
        self._lock = threading.Lock()  # PyAV alters a frame's colour tags while it converts it

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in square pixels, upright."""
        stored = square_size(self._frame.height, self._frame.width, self._aspect)
        return self._orientation.size(stored)

    @property
    def image(self) -> Image:
        """The whole frame as RGB, upright; converted at the first call and kept."""
        with self._lock:
            if self._image is None:
                self._image = _upright(self._frame, self._orientation, self._aspect)
            return self._image

    def patch(self, left: int, top: int, right: int, bottom: int) -> Image:
        """The part ``image[top:bottom, left:right]``, equal to it pixel by pixel.

        Raises
        ------
        ValueError
            An edge left of or above the frame. Beyond the other edges it is cut, as a slice is.
        """
        if left < 0 or top < 0:
            message = f"a patch from ({left}, {top}) begins outside its frame; allowed: 0 or more"
            raise ValueError(message)
        height, width = self.size
        right, bottom = min(right, width), min(bottom, height)
        if right <= left or bottom <= top:
            return np.empty((max(0, bottom - top), max(0, right - left), 3), np.uint8)
        is_large = (right - left) * (bottom - top) > LARGE_SHARE * height * width
        if self._image is not None or is_large or not self._cuts_exactly():
            return self.image[top:bottom, left:right]
        source = self._orientation.stored_box((left, top, right, bottom), self.size)
        return self._orientation.applied(_part(self._frame, *source))

    def brightness(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Luma 0..255 at the crossings of upright pixel rows and columns, (rows, columns)."""
        if not self._cuts_exactly():
            return self.image[rows[:, None], columns].mean(axis=2).astype(np.uint8)
        stored = _lines(self._frame.planes[0])[:, : self._frame.width]
        luma = self._orientation.seen(stored)[rows[:, None], columns]
        return luma if _is_full_range(self._frame) else LIMITED_TO_FULL[luma]

    def _cuts_exactly(self) -> bool:
        return self._aspect == 1.0 and _cuts_exactly(self._frame)


def rgb(frame: VideoFrame, pixel_aspect: float = 1.0) -> Image:
    """The frame as RGB, upright and with square pixels: shape (height, width, 3)."""
    return _upright(frame, orientation(frame), pixel_aspect)


def _upright(frame: VideoFrame, turned: Orientation, aspect: float) -> Image:
    return turned.applied(_stored(frame, aspect))


def _stored(frame: VideoFrame, aspect: float) -> Image:
    """As RGB with square pixels, otherwise as it lies in the file."""
    if aspect != 1.0:
        height, width = square_size(frame.height, frame.width, aspect)
        return _converted(frame, width=width, height=height, interpolation="BILINEAR")
    if frame.format.name == PAIRED_420 and _cuts_exactly(frame):
        return _part(frame, 0, 0, frame.width, frame.height)
    return _converted(frame)


def _converted(
    frame: VideoFrame,
    *,
    width: int | None = None,
    height: int | None = None,
    interpolation: str = "FAST_BILINEAR",
) -> Image:
    """As RGB; one thread, because decoder and networks use the other cores meanwhile."""
    out = frame.reformat(width, height, "rgb24", interpolation=interpolation, threads=1)
    image = out.to_ndarray().astype(np.uint8, copy=False)
    if frame.format.name == "gray" and frame.color_range == LIMITED_RANGE:
        return LIMITED_TO_FULL[image]  # FFmpeg takes all grey for full range
    return image


def _cuts_exactly(frame: VideoFrame) -> bool:
    """Whether a patch converted by itself has the pixels of the whole picture."""
    known = frame.format.name in PLANAR_420 or frame.format.name == PAIRED_420
    even = frame.width % 2 == 0 and frame.height % 2 == 0
    return known and even and all(plane.line_size > 0 for plane in frame.planes)


def _is_full_range(frame: VideoFrame) -> bool:
    return frame.format.name == "yuvj420p" or frame.color_range == FULL_RANGE


def _part(frame: VideoFrame, left: int, top: int, right: int, bottom: int) -> Image:
    """RGB of one part of an 8-bit 4:2:0 picture, not turned."""
    x0, y0 = left // 2, top // 2  # in chroma samples, each of which covers 2 x 2 pixels
    x1, y1 = -(-right // 2), -(-bottom // 2)
    luma, *chroma = _three_planes(frame)
    part = VideoFrame(2 * (x1 - x0), 2 * (y1 - y0), "yuv420p")
    part.colorspace = frame.colorspace
    part.color_range = FULL_RANGE if _is_full_range(frame) else frame.color_range
    targets = [_lines(plane) for plane in part.planes]
    targets[0][:, : part.width] = luma[2 * y0 : 2 * y1, 2 * x0 : 2 * x1]
    for target, samples in zip(targets[1:], chroma, strict=True):
        target[:, : x1 - x0] = samples[y0:y1, x0:x1]
    inside = _converted(part)[top - 2 * y0 : bottom - 2 * y0, left - 2 * x0 : right - 2 * x0]
    return np.ascontiguousarray(inside)


def _three_planes(frame: VideoFrame) -> list[Plane]:
    """Views of luma and both chroma planes."""
    planes = [_lines(plane) for plane in frame.planes]
    if frame.format.name == PAIRED_420:
        return [planes[0], planes[1][:, 0::2], planes[1][:, 1::2]]
    return planes


def _lines(plane: VideoPlane) -> Plane:
    """A view of a plane's lines, the padding at their ends included."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]
