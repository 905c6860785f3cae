"""Whether a recording is whole, or somebody is still copying or recording it.

Most containers state how much they hold, and `media.probe` refuses what falls short of it. Ogg, a
browser's WebM, transport streams and bare audio state nothing: half of one is a recording like any
other. So it is compared with itself a moment later, and so is any file written to just now.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import av

from pipeline.errors import MediaError
from pipeline.media.container import opened
from pipeline.media.probe import STATED

MOMENT_S = 1.0
"""A copy over the slowest share writes more often than this."""
JUST_NOW_S = 10.0
"""A file this young is doubted, whatever it states."""
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Look:
    """A file at one time."""

    size: int
    modified_ns: int
    at_s: float
    """Of a clock that only goes on."""


def look_at(path: Path) -> Look:
    """Size and time of a file, now."""
    stated = path.stat()
    return Look(stated.st_size, stated.st_mtime_ns, time.monotonic())


def is_doubtful(path: Path) -> bool:
    """Whether only another look can tell that the file is whole."""
    return _is_young(path) or not _states_length(path)


def growth(path: Path, first: Look) -> str:
    """What has changed since the first look, in words; empty if the file stands still.

    Waits until `MOMENT_S` after the first look, and not at all if that has passed.
    """
    time.sleep(max(0.0, first.at_s + MOMENT_S - time.monotonic()))
    now = look_at(path)
    if now.size != first.size:
        return f"it had {first.size / 1e6:.1f} MB and has {now.size / 1e6:.1f} MB a moment later"
    if now.modified_ns != first.modified_ns:
        return "it was written to while it was looked at"
    empty = _is_young(path) and not _states_length(path) and _ends_empty(path, now.size)
    return "its end is empty" if empty else ""


def _is_young(path: Path) -> bool:
    return abs(time.time() - path.stat().st_mtime) < JUST_NOW_S


def _states_length(path: Path) -> bool:
    """By its header; what cannot be opened is left to who reads it."""
    try:
        with opened(path) as container:
            name = container.format.name  # FFmpeg guesses an mp3's length from its first frames
            return name.startswith(STATED) and name != "mp3" and bool(container.duration)
    except (MediaError, OSError, av.FFmpegError):
        return True


def _ends_empty(path: Path, size: int) -> bool:
    """Whether the file was given its size before its content, as some copies do."""
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read(TAIL_BYTES)
    return len(tail) == TAIL_BYTES and not tail.strip(b"\0")
