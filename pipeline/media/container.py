"""Opening a media file and finding the streams that count, with errors a person can act on.

FFmpeg's own log stays off (PyAV's default), so nothing of it reaches the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.errors import MediaError

CUT_OFF = "the recording or copy was cut off; copy it again from the recorder"
NO_TIMES = (
    "has frames without time stamps, so what is seen cannot be put beside what is heard "
    "(clock_unknown); export it as mp4 or mkv"
)


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """The file, opened for reading.

    Raises
    ------
    MediaError
        Naming the file (never its folder) and what to do.
    """
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path.name} {_why_unopened(path)}") from error
    with container:
        yield container


def sounds(container: InputContainer) -> list[AudioStream]:
    """Streams of sound that can be decoded; one of an unknown codec has no context."""
    return [one for one in container.streams.audio if one.codec_context is not None]


def pictures(container: InputContainer) -> list[VideoStream]:
    """Streams of pictures that can be decoded."""
    return [one for one in container.streams.video if one.codec_context is not None]


def listed(path: Path) -> list[str]:
    """One line for every stream of sound or pictures, from the file's headers alone.

    Raises
    ------
    MediaError
        As `opened`.
    """
    with opened(path) as container:
        lines = [
            f"stream {one.index}: sound, {one.codec_context.name}, {one.codec_context.rate} Hz, "
            f"{one.codec_context.channels} channel(s){_quoted(title(one))}"
            for one in sounds(container)
        ]
        lines += [
            f"stream {one.index}: pictures, {one.codec_context.name}, stored "
            f"{one.codec_context.width} x {one.codec_context.height}{_quoted(title(one))}"
            for one in pictures(container)
        ]
        known = {one.index for one in (*sounds(container), *pictures(container))}
        lines += [
            f"stream {one.index}: {one.type}, of a kind that cannot be decoded"
            for one in (*container.streams.audio, *container.streams.video)
            if one.index not in known
        ]
    return lines


def title(stream: AudioStream | VideoStream) -> str:
    """What the program that wrote the file calls a stream; empty where it says nothing."""
    return next((v for k, v in stream.metadata.items() if k.casefold() == "title"), "")


def _quoted(words: str) -> str:
    return f", {words!r}" if words else ""


def audio_stream(container: InputContainer, index: int | None = None) -> AudioStream | None:
    """The audio stream of this number among all streams, or the first; None where there is none."""
    wanted = (one for one in sounds(container) if index in (None, one.index))
    return next(wanted, None)


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first moving picture; a cover image inside an audio file is none."""
    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    moving = (s for s in pictures(container) if not Disposition(s.disposition) & still)
    return next(moving, None)


def decoded(packet: Packet[Any]) -> list[Any] | None:
    """The frames of one packet; None where it is damaged.

    Decoders have many errors for damage: FFmpeg's for AAC may say "operation not permitted".
    """
    try:
        frames: list[Any] = packet.decode()
    except MemoryError:
        raise
    except av.error.FFmpegError:
        return None
    return frames


def seconds(stamp: int, time_base: Fraction | None) -> float:
    """A time stamp in seconds."""
    assert time_base is not None
    return float(stamp * time_base)


def _why_unopened(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        return "is not there; put it into the session's folder or mend session.toml"
    except OSError:
        return "cannot be read from the disk; check the disk and the file's permissions"
    if not head.strip(b"\0"):
        return f"is empty: {CUT_OFF}"
    if head[4:8] in {b"ftyp", b"wide", b"mdat", b"free", b"skip"}:
        return f"ends before its index was written: {CUT_OFF}"
    return "is not a recording that can be opened: its start is damaged or its format is unknown"
