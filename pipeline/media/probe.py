"""What a media file holds and whether it is whole, told from its packets.

Packets are read, never pictures, so that a recording can be judged before anyone's face is
decoded. A recording that stops short of what its own header promises is refused: half a session
that looks like a whole one is worse than none. Containers that promise no length (transport
streams, Ogg, bare audio) cannot be judged that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import MediaError
from pipeline.media.container import (
    CUT_OFF,
    NO_TIMES,
    decoded,
    opened,
    seconds,
    sounds,
    title,
    video_stream,
)
from pipeline.media.video import upright_size

TRUNCATION_TOLERANCE = 0.02
SLACK_S = 0.25  # a codec's start-up and last frame; matters only for very short files
STATED = ("mov", "matroska", "flv", "flac", "avi", "wav", "w64", "aiff", "caf", "asf")
FROM_ZERO = ("matroska", "flv")  # these count their length from time 0, not from the first packet
XING_FRAMES, XING_BYTES = 1, 2  # flags of what follows in an MP3's first frame
UNSIZED_RIFF = 0x7FFF_0000  # writers that cannot seek back put such sizes into the header


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One audio stream of which something can be heard."""

    index: int
    """Its number among all streams of the file."""
    title: str
    """What the program that wrote the file calls it; empty where it says nothing."""
    codec: str
    rate_hz: int
    channels: int
    start_s: float
    """Container time of the first sample that is heard."""
    end_s: float
    """Container time at which the last readable packet ends."""


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The first video stream, from its packets alone."""

    codec: str
    width_px: int | None
    """As a player shows it: upright, square pixels; None where nobody may look at a picture."""
    height_px: int | None
    start_s: float
    end_s: float
    pts_s: NDArray[np.float64] = field(repr=False)
    """Container times of the frames, ascending, duplicates removed; shape (n,)."""
    frames: int = 0
    """Frames that are shown."""
    damaged_packets: int = 0
    """Packets that are blank or that the container marks as damaged."""

    @property
    def fps_eff(self) -> float | None:
        """Median of 1 / time between frames, Hz; None with fewer than two frames."""
        return float(np.median(1.0 / np.diff(self.pts_s))) if self.pts_s.size > 1 else None


@dataclass(frozen=True, slots=True)
class MediaProbe:
    """What a media file holds."""

    file: str
    container: str
    stated_s: float | None
    """Duration the container promises, s; None where it promises none."""
    missing_s: float
    """How much of a stated duration cannot be read, s."""
    sounds: tuple[AudioTrack, ...]
    """Every audio stream that can be heard, in the file's order."""
    video: VideoTrack | None

    @property
    def audio(self) -> AudioTrack | None:
        """The first audio stream, whose first sample is the file's clock; None without sound."""
        return self.sounds[0] if self.sounds else None

    @property
    def clock_start_s(self) -> float:
        """Container time of the first audio sample, or of the first frame without audio."""
        track = self.audio or self.video
        assert track is not None  # probe() refuses a file with neither
        return track.start_s

    @property
    def start_s(self) -> float:
        """Container time of the first sample or frame."""
        return min(track.start_s for track in (*self.sounds, self.video) if track)

    @property
    def end_s(self) -> float:
        """Container time up to which anything can be read."""
        return max(track.end_s for track in (*self.sounds, self.video) if track)

    def check_whole(self, tolerance: float) -> None:
        """Raise `MediaError` if more than `tolerance` (a share) of the stated length is missing."""
        if self.stated_s and self.missing_s > max(tolerance * self.stated_s, SLACK_S):
            raise MediaError(
                f"{self.file} can be read for {max(0.0, self.stated_s - self.missing_s):.1f} s "
                f"of the {self.stated_s:.1f} s it should hold: {CUT_OFF}"
            )


def probe(
    path: Path, *, truncation_tolerance: float = TRUNCATION_TOLERANCE, pictures: bool = False
) -> MediaProbe:
    """Read all packets of a file; decode nothing but the first frame of each audio stream.

    With `pictures` the first picture is decoded too, for its upright size: only where somebody may
    be looked at.

    Raises
    ------
    MediaError
        The file cannot be opened, holds neither audio nor video, its frames have no times, or
        more than `truncation_tolerance` (a share) of the length it states is missing.
    """
    found = _probe(path, pictures=pictures)
    found.check_whole(truncation_tolerance)
    return found


@dataclass(slots=True)
class _Seen:
    """What the packets of one stream told."""

    pts_s: list[float] = field(default_factory=list)
    end_s: float = -np.inf
    first_heard_s: float | None = None
    unstamped: int = 0
    damaged: int = 0


def _probe(path: Path, *, pictures: bool) -> MediaProbe:
    with opened(path) as container:
        tracks, video = sounds(container), video_stream(container)
        streams: list[AudioStream | VideoStream] = [*tracks, video] if video else [*tracks]
        if not streams:
            raise MediaError(f"{path.name} holds neither audio nor video")
        seen = _demux(container, streams)
        video_seen = seen[video.index] if video else _Seen()
        if video_seen.unstamped and not video_seen.pts_s:
            raise MediaError(f"{path.name} {NO_TIMES}")
        stated_s, missing_s = _missing(path, container, seen)
        heard = tuple(filter(None, (_audio_track(one, seen[one.index]) for one in tracks)))
        track = _video_track(video, video_seen)
        if not heard and track is None:
            raise MediaError(f"{path.name} holds no sound and no picture that can be decoded")
        found = MediaProbe(path.name, container.format.name, stated_s, missing_s, heard, track)
    return _with_size(path, found) if pictures and track else found


def _with_size(path: Path, found: MediaProbe) -> MediaProbe:
    size = upright_size(path)
    if size is None or found.video is None:
        return replace(found, video=None)
    return replace(found, video=replace(found.video, height_px=size[0], width_px=size[1]))


def _demux(
    container: InputContainer, streams: Sequence[AudioStream | VideoStream]
) -> dict[int, _Seen]:
    seen = {stream.index: _Seen() for stream in streams}
    pcm = {s.index for s in streams if s.codec_context.name.startswith("pcm")}
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return seen  # what lies behind cannot be read; the missing length tells
        if packet is None:
            return seen
        if not packet.size:
            continue
        if packet.stream_index not in pcm and _blank(packet):
            seen[packet.stream_index].damaged += 1
        else:
            _note(packet, seen[packet.stream_index])


def _note(packet: Packet[Any], seen: _Seen) -> None:
    if packet.stream.type == "audio" and seen.first_heard_s is None:
        seen.first_heard_s = _first_heard(packet)
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None:
        seen.unstamped += 1
        return
    seen.damaged += packet.is_corrupt
    if packet.is_discard or packet.is_corrupt:
        return
    start_s = seconds(stamp, packet.time_base)
    seen.end_s = max(seen.end_s, start_s + seconds(packet.duration or 0, packet.time_base))
    if packet.stream.type == "video":
        seen.pts_s.append(start_s)


def _first_heard(packet: Packet[Any]) -> float | None:
    """Time of the first decoded sample, which start-up samples of the codec do not count as."""
    for frame in decoded(packet) or ():
        return 0.0 if frame.pts is None else seconds(frame.pts, frame.time_base)
    return None


def _blank(packet: Packet[Any]) -> bool:
    """True for a packet of zeros: space reserved by a copy that never filled it."""
    head = bytes(memoryview(packet)[:32])
    return not head.strip(b"\0") and not bytes(packet).strip(b"\0")


def _audio_track(stream: AudioStream, seen: _Seen) -> AudioTrack | None:
    if seen.first_heard_s is None:
        return None
    context = stream.codec_context
    return AudioTrack(
        stream.index,
        title(stream),
        context.name,
        context.rate,
        context.channels,
        seen.first_heard_s,
        max(seen.end_s, seen.first_heard_s),
    )


def _video_track(stream: VideoStream | None, seen: _Seen) -> VideoTrack | None:
    if stream is None or not seen.pts_s:
        return None
    context = stream.codec_context
    return VideoTrack(
        context.name,
        None,
        None,
        min(seen.pts_s),
        seen.end_s,
        np.unique(np.asarray(seen.pts_s)),
        len(seen.pts_s),
        seen.damaged,
    )


def _missing(
    path: Path, container: InputContainer, seen: dict[int, _Seen]
) -> tuple[float | None, float]:
    """(stated duration, unreadable part of it) in seconds; the worst of file and streams."""
    if container.format.name == "mp3":
        return _mp3_missing(path, max((one.end_s for one in seen.values()), default=0.0))
    if not container.format.name.startswith(STATED):
        return None, 0.0
    stated: list[tuple[float, float]] = []
    from_zero = container.format.name.startswith(FROM_ZERO)
    if container.duration:
        length_s = container.duration / av.time_base
        start_s = 0.0 if from_zero else (container.start_time or 0) / av.time_base
        end_s = max((one.end_s for one in seen.values()), default=-np.inf)
        stated.append((length_s, min(start_s + length_s - end_s, length_s)))
    for index, one in seen.items():
        stream = container.streams[index]
        if stream.duration:
            length_s = seconds(stream.duration, stream.time_base)
            start_s = 0.0 if from_zero else seconds(stream.start_time or 0, stream.time_base)
            stated.append((length_s, min(start_s + length_s - one.end_s, length_s)))
    if not stated:
        return None, 0.0
    stated.append(_riff_missing(path, stated[0][0]))
    length_s, missing_s = max(stated, key=lambda pair: pair[1])
    return (length_s, missing_s) if missing_s > 0 else (stated[0][0], 0.0)


def _riff_missing(path: Path, readable_s: float) -> tuple[float, float]:
    """For WAV and AVI, whose length FFmpeg trims to what is there: by the header's byte count."""
    with path.open("rb") as file:
        head = file.read(8)
    size = int.from_bytes(head[4:8], "little") + 8
    held = path.stat().st_size
    if head[:4] != b"RIFF" or size >= UNSIZED_RIFF or size <= held or not held:
        return 0.0, 0.0
    stated_s = readable_s * size / held
    return stated_s, stated_s - readable_s


def _mp3_missing(path: Path, readable_s: float) -> tuple[float | None, float]:
    """By the byte count in an MP3's own header: its length in seconds is FFmpeg's estimate.

    Without a Xing header, or with more bytes than it counts (files joined end to end, tags behind
    the sound), nothing is promised that could be missing.
    """
    with path.open("rb") as file:
        tag = file.read(10)
        start = 0
        if tag[:3] == b"ID3":  # its size: four bytes of seven bits
            start = 10 + sum(
                byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True)
            )
        file.seek(start)
        head = file.read(256)
    promised = _xing_bytes(head)
    held = path.stat().st_size - start
    if promised is None or held <= 0:
        return None, 0.0
    stated_s = readable_s * max(1.0, promised / held)
    return stated_s, stated_s - readable_s


def _xing_bytes(frame: bytes) -> int | None:
    """How many bytes the first MP3 frame says there are, itself included; None if it does not."""
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if not flags & XING_BYTES:
        return None
    place = at + 8 + 4 * (flags & XING_FRAMES)
    return int.from_bytes(frame[place : place + 4], "big") or None
