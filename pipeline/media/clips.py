"""Short clips for the supervisor's page: WebM with VP9 and Opus, small, the same bytes every time.

The decoder seeks, so a clip costs its own length and not that of the session. VP9 and Opus are
used because their encoders are free software without further terms (x264 is not).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.media.container import opened, video_stream
from pipeline.media.recording import FolderRecording
from pipeline.media.upright import Orientation, orientation, pixel_aspect
from pipeline.media.video import Thinner, rgb, timed_frames

VERSION = 1
"""Raise it when the bytes of a clip can change."""

MAX_FPS = 15.0
VIDEO_BIT_RATE = 140_000
AUDIO_BIT_RATE = 24_000
MILLISECOND = Fraction(1, 1000)
AUDIO_BLOCK = 320  # samples of 20 ms, one Opus frame
SEEK_STEPS_S = (0.0, 5.0, 30.0)  # some containers land late: ask for ever earlier places
VP9 = {
    "deadline": "realtime",
    "cpu-used": "8",
    "row-mt": "0",
    "lag-in-frames": "0",
    "g": "150",
}


def cut_clip(
    recording: FolderRecording, start_s: float, end_s: float, *, height_px: int, video: bool
) -> bytes:
    """One clip as a WebM file.

    Parameters
    ----------
    recording : the session's media
    start_s, end_s : on the session clock; cut to what was recorded
    height_px : greatest height; a smaller picture is not enlarged
    video : False, or no readable file that shows anyone: sound only

    Returns
    -------
    bytes
        At most 15 frames/s. The same input gives the same bytes.
    """
    start_s = max(0.0, start_s)
    if end_s <= start_s:
        raise ValueError(f"a clip from {start_s} s to {end_s} s has no length")
    first, last = round(start_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ)
    audio = recording.audio[first:last]
    media = _shown(recording, (start_s + end_s) / 2) if video else None
    if media is None:
        return _encoded(audio, iter(()))
    path = recording.media_path(media)
    span = recording.pts_of(media, start_s), recording.pts_of(media, end_s)
    return _encoded(audio, _pictures(path, *span, height_px))


def _shown(recording: FolderRecording, at_s: float) -> int | None:
    """The file that shows the client at a time, else one that shows anyone."""
    media = recording.watched("client", at_s)
    return recording.watched(None, at_s) if media is None else media


def _pictures(
    path: Path, start_s: float, end_s: float, height_px: int
) -> Iterator[tuple[float, VideoFrame]]:
    """(seconds from the clip's start, small upright picture); times are the container's."""
    thin = Thinner(MAX_FPS)
    for pts_s, frame, aspect in _from(path, start_s):
        if pts_s >= end_s:
            return
        if pts_s >= start_s and thin.keeps(pts_s):
            yield pts_s - start_s, _small(frame, aspect, height_px)


def _from(path: Path, start_s: float) -> Iterator[tuple[float, VideoFrame, float]]:
    """Time, frame and pixel aspect from the last key frame before `start_s` on."""
    for earlier_s in SEEK_STEPS_S:
        with opened(path) as container:
            stream = video_stream(container)
            assert stream is not None  # only files with video are asked for
            assert stream.time_base is not None
            wanted = max(start_s - earlier_s, 0.0)
            container.seek(int(wanted / stream.time_base), stream=stream, backward=True)
            frames = timed_frames(container, stream, path.name)
            first = next(frames, None)
            if first is not None and (first[0] <= start_s or earlier_s == SEEK_STEPS_S[-1]):
                aspect = pixel_aspect(stream)
                yield from ((pts_s, frame, aspect) for pts_s, frame in chain([first], frames))
                return


def _small(frame: VideoFrame, aspect: float, height_px: int) -> VideoFrame:
    if aspect != 1.0 or orientation(frame) != Orientation():
        frame = VideoFrame.from_ndarray(rgb(frame, aspect), format="rgb24")
    height = min(height_px, frame.height) // 2 * 2
    width = round(frame.width * height / frame.height / 2) * 2
    return frame.reformat(width, height, "yuv420p", interpolation="FAST_BILINEAR")


def _encoded(audio: Audio, pictures: Iterator[tuple[float, VideoFrame]]) -> bytes:
    file = io.BytesIO()
    first = next(pictures, None)
    with av.open(file, "w", format="webm", options={"fflags": "bitexact"}) as out:
        shown = _video_out(out, first[1]) if first else None
        heard = _audio_out(out)
        written = 0
        while first:
            at_s, picture = first
            upto = round(at_s * SAMPLE_RATE_HZ) // AUDIO_BLOCK * AUDIO_BLOCK
            written = _hear(out, heard, audio, written, upto)
            picture.pts = round(at_s * 1000)
            picture.time_base = MILLISECOND
            assert shown is not None
            out.mux(shown.encode(picture))
            first = next(pictures, None)
        _hear(out, heard, audio, written, audio.size)
        for stream in (shown, heard):
            if stream is not None:
                out.mux(stream.encode(None))
    return file.getvalue()


def _video_out(out: OutputContainer, picture: VideoFrame) -> VideoStream:
    stream = out.add_stream("libvpx-vp9", rate=round(MAX_FPS), options=VP9)
    stream.width, stream.height = picture.width, picture.height
    stream.pix_fmt = "yuv420p"
    stream.bit_rate = VIDEO_BIT_RATE
    stream.codec_context.time_base = MILLISECOND
    stream.codec_context.thread_count = 1  # more threads may give other bytes
    return stream


def _audio_out(out: OutputContainer) -> AudioStream:
    stream = out.add_stream("libopus", rate=SAMPLE_RATE_HZ, layout="mono")
    stream.bit_rate = AUDIO_BIT_RATE
    return stream


def _hear(out: OutputContainer, stream: AudioStream, audio: Audio, written: int, upto: int) -> int:
    """Encode samples `written` to `upto`, so that sound and picture lie beside each other."""
    for at in range(written, min(upto, audio.size), AUDIO_BLOCK):
        block = audio[at : at + AUDIO_BLOCK]
        samples = np.zeros(AUDIO_BLOCK, np.float32)
        samples[: block.size] = block
        frame = AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        frame.pts = at
        out.mux(stream.encode(frame))
    return max(written, min(upto, audio.size))
