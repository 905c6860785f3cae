"""Media and session folders with known truth, made by the tests themselves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipeline.media.recording import FolderRecording
from pipeline.paperwork.session_toml import load_session

RATE = 48_000
MILLISECOND = Fraction(1, 1000)
SESSION = '[session]\ndyad = "D01"\nnumber = 1\nclient = "C07"\ntherapist = "T02"\n'
BOTH = '[[media]]\nfile = "room.mp4"\nhears = ["mixed"]\nshows = ["client"]\n'


def bursts(duration_s: float, at_s: Sequence[float], *, rate: int = RATE) -> np.ndarray:
    """Silence with 50 ms of 1 kHz at each time; shape (n,), float32."""
    t = np.arange(round(duration_s * rate)) / rate
    on = np.zeros(t.size, bool)
    for start in at_s:
        on |= (t >= start) & (t < start + 0.05)
    return np.where(on, 0.5 * np.sin(2 * np.pi * 1000 * t), 0).astype(np.float32)


def onsets(audio: np.ndarray, *, rate: int = 16_000) -> np.ndarray:
    """Times at which the sound begins after at least 100 ms of quiet."""
    loud = np.flatnonzero(np.abs(audio) > 0.1)
    first = np.diff(loud, prepend=-rate) > 0.1 * rate
    return loud[first] / rate


def write_media(
    path: Path,
    pieces: Sequence[tuple[float, np.ndarray]] = (),
    frames: Sequence[float] = (),
    *,
    codec: str = "aac",
    size: tuple[int, int] = (64, 48),
    rate: int = RATE,
    options: dict[str, str] | None = None,
) -> Path:
    """Audio pieces, shape (n,) or (channels, n), and grey frames at the given container times."""
    with av.open(str(path), "w", options=options or {}) as out:
        sound = None
        if pieces:
            layout = "stereo" if pieces[0][1].ndim == 2 else "mono"
            sound = out.add_stream(codec, rate=rate, layout=layout)
        picture = out.add_stream("mpeg4", rate=30) if len(frames) else None
        if picture:
            picture.width, picture.height = size
            picture.pix_fmt = "yuv420p"
            picture.codec_context.time_base = MILLISECOND
            picture.time_base = MILLISECOND
        for index, at_s in enumerate(frames):
            image = np.full((size[1], size[0], 3), 8 * (index % 30), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = round(at_s * 1000), MILLISECOND
            out.mux(picture.encode(frame))
        for at_s, samples in pieces:
            _write_sound(out, sound, at_s, np.atleast_2d(samples), rate)
        for stream in (sound, picture):
            if stream:
                out.mux(stream.encode(None))
    return path


def _write_sound(out, stream, at_s, samples, rate):
    layout = "stereo" if samples.shape[0] == 2 else "mono"
    for start in range(0, samples.shape[1], 1024):
        block = np.ascontiguousarray(samples[:, start : start + 1024])
        if stream.name.startswith("pcm"):
            packed = (block.T.reshape(1, -1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(packed, "s16", layout)
        else:
            frame = av.AudioFrame.from_ndarray(block, "fltp", layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = round(at_s * rate) + start
        out.mux(stream.encode(frame))


def session(folder: Path, media: str = BOTH, rest: str = "") -> FolderRecording:
    """A session folder around media already there."""
    (folder / "session.toml").write_text(f"{SESSION}{media}{rest}", encoding="utf-8")
    return FolderRecording(folder, load_session(folder))
