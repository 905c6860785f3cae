"""Video frames with the container's own time stamps, in presentation order, decoded once.

frame / fps is never used: files with a variable frame rate, or an AVI that claims 60 fps for 30
frames, are seconds off under it. The time stamp is the one ffprobe calls
``best_effort_timestamp``; its rule (FFmpeg, libavcodec/decode.c, ``guess_correct_pts``) is repeated
here because PyAV does not expose it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from models.base import Frame
from pipeline.errors import MediaError
from pipeline.media.container import NO_TIMES, decoded, opened, seconds, video_stream
from pipeline.media.frame import DecodedFrame, rgb
from pipeline.media.upright import pixel_aspect

__all__ = ["Thinner", "read_frames", "rgb", "timed_frames"]

GEN_PTS = 0x1  # AVFMT_FLAG_GENPTS
EARLY_SHARE = 0.2  # a frame may come this share of the wanted spacing early and still count


def read_frames(path: Path, *, max_fps: float) -> Iterator[Frame]:
    """Frames of the first video stream, thinned by time to at most `max_fps`.

    `Frame.index` counts every decoded frame, also those thinned out; `Frame.pts_s` is the
    container's own time stamp in seconds. Frames are upright, with square pixels (`upright`).
    Pixels become RGB only where somebody looks (`DecodedFrame`), so a frame thinned out costs its
    decoding alone.

    Raises
    ------
    MediaError
        No video stream, or frames without time stamps (``clock_unknown``).
    """
    with opened(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise MediaError(f"{path.name} has no video")
        thin, aspect = Thinner(max_fps), pixel_aspect(stream)
        for index, (pts_s, frame) in enumerate(timed_frames(container, stream, path.name)):
            if thin.keeps(pts_s):
                yield DecodedFrame(index, pts_s, frame, pixel_aspect=aspect)


def timed_frames(
    container: InputContainer, stream: VideoStream, name: str
) -> Iterator[tuple[float, VideoFrame]]:
    """(time stamp in seconds, frame) from where the container stands to its end."""
    stream.thread_type = "AUTO"
    container.flags &= ~GEN_PTS  # invented time stamps come in the wrong order
    clock = _BestEffort()
    for packet in container.demux(stream):
        for frame in decoded(packet) or ():  # round a damaged one, frames keep their time stamps
            stamp = clock.stamp(frame.pts, frame.dts)
            if stamp is None:
                raise MediaError(f"{name} {NO_TIMES}")
            yield seconds(stamp, stream.time_base), frame


class Thinner:
    """Chooses frames by time so that at most `max_fps` a second remain on average."""

    def __init__(self, max_fps: float) -> None:
        self._spacing_s = 1.0 / max_fps
        self._due_s = -np.inf

    def keeps(self, pts_s: float) -> bool:
        """Whether the frame at `pts_s` is kept."""
        if pts_s < self._due_s - EARLY_SHARE * self._spacing_s:
            return False
        # after a late frame the next may come early: uneven spacing alone drops nothing
        self._due_s = max(self._due_s + self._spacing_s, pts_s + self._spacing_s / 2)
        return True


class _BestEffort:
    """Presentation time where it is trustworthy, else decoding time; see the module's docstring."""

    def __init__(self) -> None:
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = 0
        self._faulty_dts = 0
        self._given: list[int] = []  # the last two, to go on from where a drained frame has none

    def stamp(self, pts: int | None, dts: int | None) -> int | None:
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        trusted = pts is not None and (self._faulty_pts <= self._faulty_dts or dts is None)
        best = pts if trusted else dts
        if best is None and len(self._given) == 2:
            best = 2 * self._given[1] - self._given[0]
        if best is not None:
            self._given = [*self._given[-1:], best]
        return best


def upright_size(path: Path) -> tuple[int, int] | None:
    """Height and width of the picture as it is seen, by its first frame; None without any."""
    return next((frame.size for frame in read_frames(path, max_fps=1.0)), None)
