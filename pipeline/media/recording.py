"""A session's recordings on one clock.

``t = pts - clock_start + offset_s``, where ``clock_start`` is the container time of a file's first
audio sample, or of its first frame where it has no audio. The three readers this rests on:
`media.probe` (packets only), `media.audio` and `media.video`.
"""

from __future__ import annotations

import mmap
import tempfile
import weakref
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from models.base import SAMPLE_RATE_HZ, Audio, Frame
from pipeline.errors import MediaError
from pipeline.media.audio import Channels, DecodedAudio, read_audio
from pipeline.media.microphones import MicrophoneFile, Microphones, decode_microphones
from pipeline.media.probe import TRUNCATION_TOLERANCE, MediaProbe, probe
from pipeline.media.video import read_frames
from pipeline.session import SessionSpec, own_channels

_SPOOLED = ("_decoded", "_microphones")


class FolderRecording:
    """The media of one session folder on one clock; audio is decoded once, video on demand.

    Implements `pipeline.stage.Recording`. All errors are `MediaError` and name the session.
    """

    def __init__(
        self,
        folder: Path,
        spec: SessionSpec,
        *,
        truncation_tolerance: float = TRUNCATION_TOLERANCE,
    ) -> None:
        self._folder = folder
        self._spec = spec
        self._tolerance = truncation_tolerance
        self._probes: dict[int, MediaProbe | MediaError] = {}
        self._held: weakref.ref[Audio] | None = None

    def with_tolerance(self, truncation_tolerance: float) -> FolderRecording:
        """The same recording judged by another tolerance."""
        if truncation_tolerance == self._tolerance:
            return self
        return FolderRecording(self._folder, self._spec, truncation_tolerance=truncation_tolerance)

    def path(self, file: str) -> Path:
        """Where a file named in session.toml lies."""
        return self._folder / file

    def media_path(self, media: int) -> Path:
        """Where media file `media` lies."""
        return self.path(self._spec.media[media].file)

    def probe(self, media: int) -> MediaProbe:
        """What media file `media` holds; read once. Raises `MediaError` if it is not whole."""
        if media not in self._probes:
            try:
                self._probes[media] = probe(
                    self.media_path(media),
                    truncation_tolerance=self._tolerance,
                    pictures=bool(self._spec.media[media].shows),
                )
            except MediaError as error:
                self._probes[media] = MediaError(f"session {self._spec.id}: {error}")
        found = self._probes[media]
        if isinstance(found, MediaError):
            raise found
        return found

    @cached_property
    def heard(self) -> tuple[int, ...]:
        """Media files whose audio is the session's: each microphone's, or the first that is mixed.

        A mixed recording that cannot be read is passed over; a microphone cannot be.
        """
        hearing = [media for media, part in enumerate(self._spec.media) if part.hears]
        if own_channels(self._spec):
            for media in hearing:
                self._check_sound(media)
            return tuple(hearing)
        problems = []
        for media in hearing:
            try:
                self._check_sound(media)
            except MediaError as problem:
                problems.append(problem)
            else:
                return (media,)
        raise problems[0]  # session.toml without `hears` is refused when it is read

    def _check_sound(self, media: int) -> None:
        """A file that hears has sound, and where it names roles, one channel for each."""
        part, audio = self._spec.media[media], self.probe(media).audio
        where = f"session {self._spec.id}: {part.file}"
        if audio is None:
            raise MediaError(
                f"{where} has no audio, but session.toml says "
                f"hears = {part.hears}; name the file that was recorded with a microphone"
            )
        if part.hears != ["mixed"] and audio.channels != len(part.hears):
            raise MediaError(
                f"{where} has {audio.channels} audio channel(s), but session.toml names one role "
                f"for each of {len(part.hears)} in hears = {part.hears}; name as many roles as "
                'the file has channels, export it with as many channels, or write ["mixed"] if '
                "everyone is heard on it"
            )

    def watched(self, role: str | None = None) -> int | None:
        """The first readable media file that shows `role` (anyone, if None); None without one."""
        for media, part in enumerate(self._spec.media):
            if part.shows and (role is None or role in part.shows):
                try:
                    if self.probe(media).video is not None:
                        return media
                except MediaError:
                    continue  # ingest reports it; here only a readable one is wanted
        return None

    @property
    def audio(self) -> Audio:
        """Mono 16 kHz on the session clock, shape (n,): sample 0 is t = 0.

        Decoded at the first call into a file without a name, and mapped from it whenever nobody
        holds it any more: it takes memory only in the stages that hear it, and what one of them
        writes into it no other sees.
        """
        held = self._held() if self._held else None
        if held is not None:
            return held
        spool, size, _ = self._decoded
        audio = np.empty(0, np.float32)
        if size:
            mapped = mmap.mmap(spool.fileno(), audio.itemsize * size, access=mmap.ACCESS_COPY)
            audio = np.frombuffer(mapped, np.float32)
        self._held = weakref.ref(audio)
        return audio

    @property
    def damaged_audio_packets(self) -> int:
        """Packets of the session's audio that could not be decoded; their time is silent."""
        return self._decoded[2]

    def audio_channels(self) -> Channels:
        """As `audio`, one row for each of `session.own_channels`: shape (roles, n).

        No rows where both voices are on one recording.
        """
        if not own_channels(self._spec):
            return np.empty((0, self.audio.size), np.float32)
        one = self._microphones
        mapped = mmap.mmap(one.rows.fileno(), 0, access=mmap.ACCESS_COPY)
        return np.frombuffer(mapped, np.float32).reshape(one.channels, one.size)

    @property
    def unshared_audio_s(self) -> float:
        """Sound that only one of two microphones' files recorded; it is left out. Seconds."""
        return self._microphones.unshared_s if own_channels(self._spec) else 0.0

    def forget_audio(self) -> None:
        """Give the decoded audio's file back: a night has many sessions."""
        decoded, microphones = (self.__dict__.pop(name, None) for name in _SPOOLED)
        files = [decoded[0]] if decoded else []
        files += [microphones.rows, microphones.mix] if microphones else []
        for file in files:
            file.close()  # what is mapped keeps a handle of its own

    def frames(self, media: int, *, max_fps: float) -> Iterator[Frame]:
        """Frames of one media file with the container's time stamps; see `read_frames`."""
        self.probe(media)
        try:
            yield from read_frames(self.media_path(media), max_fps=max_fps)
        except MediaError as error:
            raise MediaError(f"session {self._spec.id}: {error}") from error

    def t_of(self, media: int, pts_s: float) -> float:
        """Session time of container time `pts_s` of one media file, s."""
        return pts_s - self.probe(media).clock_start_s + self._spec.media[media].offset_s

    def pts_of(self, media: int, t_s: float) -> float:
        """Container time of session time `t_s` in one media file, s."""
        return t_s + self.probe(media).clock_start_s - self._spec.media[media].offset_s

    @cached_property
    def _decoded(self) -> tuple[IO[bytes], int, int]:
        """File with the samples, their number, and how many packets were damaged."""
        if own_channels(self._spec):
            one = self._microphones
            return one.mix, one.size, one.damaged_packets
        decoded = self._read(read_audio)
        samples = self._on_clock(decoded.samples[None])[0]
        spool = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the recording; has no name
        weakref.finalize(self, spool.close)
        samples.tofile(spool)
        return spool, samples.size, decoded.damaged_packets

    @cached_property
    def _microphones(self) -> Microphones:
        parts = [(media, self._spec.media[media]) for media in self.heard]
        files = [
            MicrophoneFile(self.media_path(media), len(part.hears), part.offset_s)
            for media, part in parts
        ]
        try:
            decoded = decode_microphones(files)
        except MediaError as error:
            raise MediaError(f"session {self._spec.id}: {error}") from error
        for spool in (decoded.rows, decoded.mix):
            weakref.finalize(self, spool.close)
        return decoded

    def _read(self, reader: Callable[[Path], DecodedAudio]) -> DecodedAudio:
        path = self.media_path(self.heard[0])  # which names the session in its own complaint
        try:
            return reader(path)
        except MediaError as error:
            raise MediaError(f"session {self._spec.id}: {error}") from error

    def _on_clock(self, channels: Channels) -> Channels:
        """The file's own clock shifted by its `offset_s`, so that sample 0 is t = 0."""
        late = round(self._spec.media[self.heard[0]].offset_s * SAMPLE_RATE_HZ)
        if late > 0:
            return np.pad(channels, ((0, 0), (late, 0)))
        return channels[:, -late:]
