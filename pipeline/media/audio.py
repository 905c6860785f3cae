"""Audio as an array in which the position of a sample is its time.

Libraries that decode audio for speech engines drop the time stamps: a start offset, a lost packet
or a slow clock then moves every later word against the picture. Here a decoded frame goes where
its time stamp says. Time stamps are rounded (1 ms in some containers), so a correction is made
only where several frames in a row agree that it is due: gaps become silence, overlaps are cut,
and a drift of fractions of a millisecond is taken up by stretching one frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ
from pipeline.errors import MediaError
from pipeline.media.container import audio_stream, decoded, opened

Channels = NDArray[np.float32]  # shape (channels, n_samples)
_Keep = Callable[[bytes], object]  # takes resampled samples in order

AGREEING_FRAMES = 8  # frames that must agree before the clock is corrected
TOLERATED_S = 0.000_75  # rounding of time stamps; with it the error stays within 1 ms
STRETCHED_S = 0.002  # up to here a correction is drift, beyond it a gap or an overlap
LONGEST_GAP_S = 3600.0  # beyond this the time stamps themselves are damaged
BLOCK_S = 1.0  # resampled at a time
LOUDEST = 1e6  # re full scale; a sample of floating point beyond it, or no number, is damaged


class DecodedAudio(NamedTuple):
    """Audio of one file. Sample ``i`` lies at ``first_s + i / rate`` within 1 ms."""

    samples: NDArray[np.float32]
    """In [-1, 1]; shape (n,)."""
    first_s: float
    """Container time of sample 0, after the codec's own start-up samples."""
    damaged_packets: int
    """Packets that could not be decoded; their time is silent."""


class DecodedStream(NamedTuple):
    """One audio stream, decoded into files."""

    files: tuple[IO[bytes], ...]
    """float32 in [-1, 1], one file a channel."""
    first_s: float
    """Container time of sample 0, after the codec's own start-up samples."""
    damaged_packets: int
    """Packets that could not be decoded; their time is silent."""


def read_audio(path: Path, *, rate: int = SAMPLE_RATE_HZ) -> DecodedAudio:
    """The first stream, all channels as one, on the container's clock; silence where there is none.

    For a look at a single file: a session is heard through `pipeline.media.recording`.

    Raises
    ------
    MediaError
        No audio stream, nothing decodable, or time stamps that jump.
    """
    buffer = bytearray()
    first_s, damaged = _resampled(path, rate, lambda _: [buffer.extend], mixed=True)
    return DecodedAudio(np.frombuffer(buffer, np.float32), first_s, damaged)


def decode_stream(
    path: Path, index: int, new_file: Callable[[], IO[bytes]], *, rate: int = SAMPLE_RATE_HZ
) -> DecodedStream:
    """One stream on the container's clock, each channel into a file: memory stays flat.

    A stream that changes its channels midway keeps the number it begins with: what comes with
    another number is averaged and put on all of them. One that changes its rate is resampled.

    Raises
    ------
    MediaError
        Nothing decodable, or time stamps that jump.

    """
    files: list[IO[bytes]] = []

    def into(channels: int) -> list[_Keep]:
        files.extend(new_file() for _ in range(channels))
        return [file.write for file in files]

    first_s, damaged = _resampled(path, rate, into, mixed=False, index=index)
    for file in files:
        file.flush()
    return DecodedStream(tuple(files), first_s, damaged)


def _resampled(
    path: Path,
    rate: int,
    into: Callable[[int], Sequence[_Keep]],
    *,
    mixed: bool,
    index: int | None = None,
) -> tuple[float, int]:
    """Hand every channel's samples on; container time of the first, and damaged packets."""
    damaged: list[int | None] = []
    frames = _decoded(path, damaged, mixed=mixed, index=index)
    first = next(frames, None)
    if first is None:
        raise MediaError(f"{path.name} holds no audio that can be decoded")
    first_s, source_rate, samples = first
    out = [_Resampled(source_rate, rate, keep) for keep in into(len(samples))]
    even = _OneRate(source_rate)

    def placed() -> Iterator[tuple[float, Channels]]:
        yield 0.0, samples
        for pts_s, frame_rate, frame in frames:
            alike = _as_channels(even(frame, frame_rate), len(out))
            if alike.shape[1]:
                yield (pts_s - first_s) * source_rate, alike

    for block in _blocks(_aligned(placed(), source_rate, path.name), source_rate):
        for channel, samples_of_channel in zip(out, block, strict=True):
            channel.add(samples_of_channel)
    for channel in out:
        channel.finish()
    return first_s, len(damaged)


def _decoded(
    path: Path, damaged: list[int | None], *, mixed: bool, index: int | None
) -> Iterator[tuple[float, int, Channels]]:
    """(time stamp, rate, samples) per frame; NaN where a later frame has no time stamp.

    The time stamp of each packet that cannot be decoded is added to `damaged`.
    """
    with opened(path) as container:
        stream = audio_stream(container, index)
        if stream is None:
            raise MediaError(f"{path.name} has no audio")
        assert stream.time_base is not None
        tick_s = float(stream.time_base)
        stamped = False
        for packet in container.demux(stream):
            frames = decoded(packet)
            if frames is None:
                damaged.append(packet.pts)  # its time is left silent
                continue
            for frame in frames:
                pts_s = float("nan")
                if frame.pts is not None:
                    pts_s = frame.pts * tick_s
                elif not stamped:
                    pts_s = 0.0  # a bare stream of audio: its samples are the only clock
                stamped = True
                samples = _samples(frame, mixed=mixed)
                sound = np.abs(samples) < LOUDEST  # False for what is no number
                if not sound.all():
                    damaged.append(packet.pts)
                    samples = np.where(sound, samples, np.float32(0.0))
                yield pts_s, frame.sample_rate, samples


def _as_channels(samples: Channels, channels: int) -> Channels:
    """With this many channels; with any other number they are averaged and repeated."""
    if samples.shape[0] == channels:
        return samples
    return np.repeat(samples.mean(axis=0, keepdims=True), channels, axis=0)


def _samples(frame: AudioFrame, *, mixed: bool) -> Channels:
    raw: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, len(frame.layout.channels)).T
    if raw.dtype == np.uint8:
        values = (raw.astype(np.float32) - 128.0) / 128.0
    elif np.issubdtype(raw.dtype, np.integer):
        values = (raw / -float(np.iinfo(raw.dtype).min)).astype(np.float32)
    else:
        values = raw.astype(np.float32, copy=False)
    if not mixed or values.shape[0] == 1:
        return values
    total: Channels = np.add.reduce(values, axis=0, keepdims=True)
    return total * np.float32(1.0 / values.shape[0])


def _aligned(frames: Iterator[tuple[float, Channels]], rate: int, name: str) -> Iterator[Channels]:
    """Frames with silence put in, samples cut or stretched so that each lies at its time stamp.

    `frames` gives (position in samples from the first, samples).
    """
    ahead: deque[tuple[float, Channels]] = deque()  # (deviation from end-to-end order, samples)
    counted = 0
    shift = 0  # corrections made so far, in samples
    for position, frame in frames:
        deviation = position - counted if np.isfinite(position) else (ahead or [(shift,)])[-1][0]
        ahead.append((deviation, frame))
        counted += frame.shape[1]
        if len(ahead) == AGREEING_FRAMES:
            due = _agreed(ahead, shift, rate, name)
            shift += yield from _corrected(ahead.popleft()[1], due, rate)
    while ahead:
        due = _agreed(ahead, shift, rate, name)
        shift += yield from _corrected(ahead.popleft()[1], due, rate)


def _agreed(ahead: deque[tuple[float, Channels]], shift: int, rate: int, name: str) -> int:
    """Samples by which the next frame lies off, if the following ones say so too; else 0."""
    if abs(ahead[0][0] - shift) <= TOLERATED_S * rate:
        return 0
    errors = [deviation - shift for deviation, _ in ahead]
    if min(errors) < 0 < max(errors):
        return 0
    error = min(errors, key=abs)
    if abs(error) > LONGEST_GAP_S * rate:
        raise MediaError(
            f"{name}: its time stamps jump by {error / rate:.0f} s, so the time of what is heard "
            "is unknown (clock_unknown); export it anew"
        )
    return round(error) if abs(error) > TOLERATED_S * rate else 0


def _corrected(frame: Channels, due: int, rate: int) -> Generator[Channels, None, int]:
    """Yield the frame moved by `due` samples; returns the move that was made."""
    count = frame.shape[1]
    if due == 0:
        yield frame
        return 0
    if abs(due) <= min(STRETCHED_S * rate, count / 4):
        at = np.linspace(0, count - 1, count + due)
        yield np.stack([np.interp(at, np.arange(count), row) for row in frame]).astype(np.float32)
        return due
    if due > 0:
        yield np.zeros((frame.shape[0], due), np.float32)
        yield frame
        return due
    cut = min(count, -due)
    yield frame[:, cut:]
    return -cut


def _blocks(pieces: Iterator[Channels], rate: int) -> Iterator[Channels]:
    """The same samples in blocks of about a second: fewer calls, same result."""
    waiting: list[Channels] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += piece.shape[1]
        if length >= BLOCK_S * rate:
            yield np.concatenate(waiting, axis=1)
            waiting, length = [], 0
    if length:
        yield np.concatenate(waiting, axis=1)


class _OneRate:
    """Frames at the rate a stream began with, where a later part of it has another."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._other: dict[tuple[int, int], list[_Resampled]] = {}
        self._pieces: dict[tuple[int, int], list[list[bytes]]] = {}

    def __call__(self, samples: Channels, rate: int) -> Channels:
        """The same sound at the first rate; a resampler holds back a few samples."""
        if rate == self._rate:
            return samples
        known = (rate, len(samples))
        if known not in self._other:
            self._pieces[known] = [[] for _ in samples]
            self._other[known] = [
                _Resampled(rate, self._rate, pieces.append) for pieces in self._pieces[known]
            ]
        for one, row in zip(self._other[known], samples, strict=True):
            one.add(row)
        rows = [np.frombuffer(b"".join(pieces), np.float32) for pieces in self._pieces[known]]
        for pieces in self._pieces[known]:
            pieces.clear()
        return np.stack(rows)


class _Resampled:
    """One channel, resampled as it comes, within [-1, 1]."""

    def __init__(self, source_rate: int, rate: int, keep: _Keep) -> None:
        self._source_rate = source_rate
        self._rate = rate
        self._resampler = AudioResampler(format="flt", layout="mono", rate=rate)
        self._taken = 0
        self._keep = keep

    def add(self, samples: NDArray[np.float32]) -> None:
        """Samples at the source rate, shape (n,)."""
        if self._source_rate == self._rate:
            self._hand_on(samples)
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), "flt", "mono")
        frame.sample_rate = self._source_rate
        frame.time_base = Fraction(1, self._source_rate)
        frame.pts = self._taken
        self._taken += samples.size
        self._resample(frame)

    def finish(self) -> None:
        """Hand on what the resampler still holds."""
        if self._source_rate != self._rate:
            self._resample(None)

    def _resample(self, frame: AudioFrame | None) -> None:
        for piece in self._resampler.resample(frame):
            self._hand_on(piece.to_ndarray())

    def _hand_on(self, samples: NDArray[Any]) -> None:
        self._keep(np.clip(samples, -1.0, 1.0).tobytes())
