"""The demo session's media file: rendered frames and audio into one container.

MPEG-4 part 2 video and AAC audio, both FFmpeg's own encoders; never libx264, which is GPL.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from models.base import Audio, Image, Progress, silent
from pipeline.made.movements import FPS, Motion
from pipeline.made.portrait import (
    HEIGHT,
    WIDTH,
    FaceRig,
    FindPoints,
    Plane,
    build_rig,
    render_frame,
)
from pipeline.made.spoken_lines import RATE_HZ

RENDER_THREADS = 2
BATCH_FRAMES = 2 * FPS
VIDEO_BIT_RATE = 4_000_000
AUDIO_BIT_RATE = 96_000
QUANTISER = {"qmin": "2", "qmax": "6"}


def write_media(
    path: Path,
    audio: Audio,
    motion: Motion,
    *,
    face: Image | None = None,
    find_points: FindPoints | None = None,
    progress: Progress = silent,
) -> None:
    """Encode the session; the file appears under its name only when it is whole.

    Parameters
    ----------
    path : ``.mp4`` with a face, ``.m4a`` without.
    audio : shape (n,), at `RATE_HZ`, in [-1, 1].
    motion : what the face does, 25 frames a second.
    face : portrait, shape (height, width, 3), RGB; None for audio only.
    find_points : finds its 478 points; needed with `face`.
    progress : called as ``progress("rendering", share)``.

    Raises
    ------
    ValueError
        A portrait without `find_points`, or without a usable face.
    """
    rig = None
    if face is not None:
        if find_points is None:
            message = "a portrait needs `find_points`, a function that finds its 478 face points"
            raise ValueError(message)
        rig = build_rig(face, find_points(face))
    partial = path.with_name(f"partial-{path.name}")
    with av.open(str(partial), "w", format="mp4") as container:
        encode(container, audio, motion, rig, progress)
    partial.replace(path)


def encode(
    container: Any, audio: Audio, motion: Motion, rig: FaceRig | None, progress: Progress
) -> None:
    """Write the streams in steps of two seconds, so that they are interleaved."""
    video: Any = None if rig is None else video_stream(container)
    sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
    sound.bit_rate = AUDIO_BIT_RATE
    total = len(motion.lid)
    pictures = rendered(rig, motion)
    for start in range(0, total, BATCH_FRAMES):
        stop = min(start + BATCH_FRAMES, total)
        for index, picture in enumerate(next(pictures), start=start):
            container.mux(video.encode(video_frame(picture, index)))
        container.mux(sound.encode(audio_frame(audio, start * RATE_HZ // FPS, stop)))
        progress("rendering", stop / total)
    for stream in container.streams:
        container.mux(stream.encode(None))


def video_stream(container: Any) -> Any:
    """The video stream: 25 frames a second, a key frame every two seconds."""
    stream = container.add_stream("mpeg4", rate=FPS, options=QUANTISER)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = VIDEO_BIT_RATE
    stream.codec_context.gop_size = BATCH_FRAMES
    stream.codec_context.time_base = Fraction(1, FPS)
    return stream


def video_frame(picture: Plane, index: int) -> av.VideoFrame:
    """Frame `index`, stamped on the 25 Hz grid."""
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    frame.pts, frame.time_base = index, Fraction(1, FPS)
    return frame


def audio_frame(audio: Audio, start: int, stop_frame: int) -> av.AudioFrame:
    """Samples from `start` to the end of video frame `stop_frame`."""
    samples = audio[None, start : stop_frame * RATE_HZ // FPS]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
    return frame


def rendered(rig: FaceRig | None, motion: Motion) -> Iterator[list[Plane]]:
    """Batches of frames, the next rendered while one is encoded; empty ones without a face."""
    total = len(motion.lid)
    with ThreadPoolExecutor(RENDER_THREADS) as pool:

        def submit(start: int) -> list[Future[Plane]]:
            if rig is None:
                return []
            stop = min(start + BATCH_FRAMES, total)
            return [pool.submit(render_frame, rig, motion, i) for i in range(start, stop)]

        waiting = submit(0)
        for start in range(BATCH_FRAMES, total + BATCH_FRAMES, BATCH_FRAMES):
            ready, waiting = waiting, submit(start)
            yield [future.result() for future in ready]
