"""A session's recordings on one clock.

``t = pts - clock_start + offset_s``, where ``clock_start`` is the container time of a file's first
audio sample, or of its first frame where it has no audio, and the offset is given or assumed
(`media.parts`). The three readers this rests on: `media.probe` (packets only), `media.audio` and
`media.video`.
"""

from __future__ import annotations

import mmap
import tempfile
import weakref
from collections.abc import Iterator
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import IO

import numpy as np

from models.base import SAMPLE_RATE_HZ, Audio, Frame
from pipeline.errors import MediaError
from pipeline.media.audio import Channels, decode_stream
from pipeline.media.channel import Channel, measured
from pipeline.media.hearing import Heard, hear_mixed, hear_roles
from pipeline.media.parts import Place, claims, place_of
from pipeline.media.probe import TRUNCATION_TOLERANCE, MediaProbe, probe
from pipeline.media.sound import Claim, Sound, in_rows, mixed
from pipeline.media.video import read_frames
from pipeline.paperwork.session import SessionSpec, own_channels
from pipeline.timeline import Span, overlap_s

VERSION = 1
"""Raise it when decoded samples, frames or their times can change: whatever reads media follows."""

AT_ONCE_S = 2.0  # offsets typed by hand overlap by less
WHOLE_WITHIN_S = 0.05  # packets say to within a frame where a file's sound ends


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
        self._places: dict[int, Place] = {}
        self._held: weakref.ref[Audio] | None = None
        self._channels: list[Heard] = []
        self._keeps_channels = False
        self._files: list[IO[bytes]] = []
        self._damaged = 0

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
        """Media files whose audio is the session's, in the order of session.toml.

        Of recordings of everyone one that cannot be read is passed over, unless it is a part; a
        microphone cannot be.
        """
        return tuple(media for media, spans in self._claims.items() if spans)

    @cached_property
    def _claims(self) -> dict[int, list[Span]]:
        """Hearing media -> the stretches of the session in which it is the one that is heard."""
        hearing = [media for media, part in enumerate(self._spec.media) if part.hears]
        own = bool(own_channels(self._spec))
        spans: dict[int, Span | None] = {}
        problems = []
        for media in hearing:
            try:
                spans[media] = self._heard_span(media)
            except MediaError as problem:
                if own or self._is_part(media):
                    raise
                spans[media] = None
                problems.append(problem)
        if not any(spans.values()):
            raise problems[0]  # session.toml without `hears` is refused when it is read
        if own:
            self._check_once(spans)
            return {media: [span] for media, span in spans.items() if span}
        fills = [self.place(media).source != "start" if spans[media] else False for media in spans]
        return dict(zip(spans, claims(list(spans.values()), fills), strict=True))

    def _check_once(self, spans: dict[int, Span | None]) -> None:
        """Nobody is heard by two microphones at once."""
        for one, other in combinations(spans, 2):
            first, second = self._spec.media[one], self._spec.media[other]
            at, to = spans[one], spans[other]
            if first.hears == second.hears and at and to and overlap_s(at, to) > AT_ONCE_S:
                raise MediaError(
                    f"session {self._spec.id}: the {first.hears[0]} is heard twice at once, in "
                    f"{first.file} and in {second.file}, for {overlap_s(at, to):.1f} s; keep the "
                    "better one, or mend offset_s if one goes on where the other ends"
                )

    def _is_part(self, media: int) -> bool:
        """Whether a file is one of several of its kind."""
        kinds = [(part.hears, part.shows) for part in self._spec.media]
        return kinds.count(kinds[media]) > 1

    def _heard_span(self, media: int) -> Span:
        part, probed = self._spec.media[media], self.probe(media)
        if probed.audio is None:
            raise MediaError(
                f"session {self._spec.id}: {part.file} has no audio, but session.toml says "
                f"hears = {part.hears}; name the file that was recorded with a microphone"
            )
        offset_s = self.place(media).offset_s
        ends_s = max(one.end_s for one in probed.sounds)
        return offset_s, offset_s + ends_s - probed.clock_start_s

    def place(self, media: int) -> Place:
        """Where a file lies on the session clock, and who says so."""
        if media not in self._places:
            self._places[media] = place_of(self._spec.media, media, self._length_s)
        return self._places[media]

    def _length_s(self, media: int) -> float:
        """How long a file is for the one that goes on where it ends."""
        probed = self.probe(media)
        track = probed.audio or probed.video
        assert track is not None  # probe() refuses a file with neither
        return track.end_s - probed.clock_start_s

    def watched(self, role: str | None = None, at_s: float = 0.0) -> int | None:
        """A readable media file that shows `role` (anyone, if None), best one that runs at `at_s`.

        None where there is none; the first where none runs then.
        """
        found = []
        for media, part in enumerate(self._spec.media):
            if part.shows and (role is None or role in part.shows):
                try:
                    video = self.probe(media).video
                    if video is not None:
                        span = self.t_of(media, video.start_s), self.t_of(media, video.end_s)
                        found.append((media, span))
                except MediaError:
                    continue  # ingest reports it; here only a readable one is wanted
        running = [media for media, (start_s, end_s) in found if start_s <= at_s < end_s]
        return next(iter(running or [media for media, _ in found]), None)

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
        sound = self._sound
        audio = np.empty(0, np.float32)
        if sound.size:
            mapped = mmap.mmap(
                sound.mix.fileno(), audio.itemsize * sound.size, access=mmap.ACCESS_COPY
            )
            audio = np.frombuffer(mapped, np.float32)
        self._held = weakref.ref(audio)
        return audio

    @property
    def damaged_audio_packets(self) -> int:
        """Packets of the session's audio that could not be decoded; their time is silent."""
        _ = self._sound
        return self._damaged

    def audio_channels(self) -> Channels:
        """As `audio`, one row for each of `session.own_channels`: shape (roles, n).

        No rows where both voices are on one recording. While a person's microphone is off
        (`microphones_off`) the row holds what the other's hears.
        """
        sound = self._sound
        if sound.rows is None:
            return np.empty((0, sound.size), np.float32)
        mapped = mmap.mmap(sound.rows.fileno(), 0, access=mmap.ACCESS_COPY)
        return np.frombuffer(mapped, np.float32).reshape(sound.row_count, sound.size)

    @property
    def microphones_off(self) -> tuple[tuple[Span, ...], ...]:
        """Of each row of `audio_channels`, or of `audio`, when nothing is recorded in it, s."""
        return self._sound.off

    @property
    def unshared_audio_s(self) -> float:
        """Sound that only one of two microphones' files recorded; it is left out. Seconds."""
        return self._sound.unshared_s

    def channels(self) -> list[Heard]:
        """Every decoded channel and what becomes of it; to be given back with `forget_channels`."""
        if not self._channels:
            self.forget_audio()
            self._keeps_channels = True
            _ = self._sound
        return self._channels

    def others(self) -> Iterator[tuple[int, list[Heard]]]:
        """What the files hold that are not heard, one after the other."""
        for media in range(len(self._spec.media)):
            if media in self.heard:
                continue
            try:
                yield media, hear_mixed(self._decode(media))
            except MediaError:
                continue  # ingest reports it

    def forget_channels(self) -> None:
        """Give back the files of the single channels; the mix and the rows stay."""
        for file in self._files:
            file.close()
        self._channels, self._files, self._keeps_channels = [], [], False

    def forget_audio(self) -> None:
        """Give the decoded audio's file back: a night has many sessions."""
        self.forget_channels()
        sound: Sound | None = self.__dict__.pop("_sound", None)
        if sound is not None:
            sound.close()  # what is mapped keeps a handle of its own

    def frames(self, media: int, *, max_fps: float) -> Iterator[Frame]:
        """Frames of one media file with the container's time stamps; see `read_frames`."""
        self.probe(media)
        try:
            yield from read_frames(self.media_path(media), max_fps=max_fps)
        except MediaError as error:
            raise MediaError(f"session {self._spec.id}: {error}") from error

    def t_of(self, media: int, pts_s: float) -> float:
        """Session time of container time `pts_s` of one media file, s."""
        return pts_s - self.probe(media).clock_start_s + self.place(media).offset_s

    def pts_of(self, media: int, t_s: float) -> float:
        """Container time of session time `t_s` in one media file, s."""
        return t_s + self.probe(media).clock_start_s - self.place(media).offset_s

    @cached_property
    def _sound(self) -> Sound:
        """Decoded once; the files of its channels are closed unless somebody asked for them."""
        self._damaged = 0
        try:
            sound = self._in_rows() if own_channels(self._spec) else self._mixed()
        except BaseException:
            self.forget_channels()
            raise
        for file in (sound.mix, sound.rows):
            if file is not None:
                weakref.finalize(self, file.close)
        if not self._keeps_channels:
            self.forget_channels()
        return sound

    def _mixed(self) -> Sound:
        found = []
        for media in self.heard:
            heard = tuple(hear_mixed(self._decode(media)))
            self._channels += heard
            found += [self._claim(media, span, heard) for span in self._claims[media]]
        return mixed(found)

    def _claim(self, media: int, span: Span, heard: tuple[Heard, ...]) -> Claim:
        """One stretch of a file; where it is the file's own edge, as decoded."""
        whole = self._heard_span(media)
        start, end = (round(at * SAMPLE_RATE_HZ) for at in span)
        if span[1] >= whole[1] - WHOLE_WITHIN_S:
            end = max(one.channel.end for one in heard)
        return Claim(max(0, start), max(0, start, end), heard)

    def _in_rows(self) -> Sound:
        people: dict[str, list[Heard]] = {role: [] for role in own_channels(self._spec)}
        for media in self.heard:
            roles = self._spec.media[media].hears
            channels = self._decode(media)
            heard = hear_roles(channels, len(roles))
            if heard is None:
                raise MediaError(self._not_as_many(media, channels))
            self._channels += heard
            for role, one in zip(roles, (h for h in heard if h.gain), strict=True):
                people[role].append(one)
        sound = in_rows(list(people.values()))
        if sound is None:
            told = ", ".join(
                f"{self._spec.media[media].file} at offset_s = {self.place(media).offset_s:g}"
                for media in self.heard
            )
            raise MediaError(
                f"session {self._spec.id}: the microphones' files have no time in common: {told}"
            )
        return sound

    def _decode(self, media: int) -> list[Channel]:
        """Every channel of every audio stream of one file, looked at."""
        path, probed = self.media_path(media), self.probe(media)
        offset_s = self.place(media).offset_s
        found = []
        for track in probed.sounds:
            try:
                one = decode_stream(path, track.index, self._new_file)
            except MediaError as error:
                raise MediaError(f"session {self._spec.id}: {error}") from error
            self._damaged += one.damaged_packets
            start_s = offset_s + one.first_s - probed.clock_start_s
            found += [
                measured(media, track.index, number, file, round(start_s * SAMPLE_RATE_HZ))
                for number, file in enumerate(one.files)
            ]
        return found

    def _new_file(self) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # until the channels are forgotten
        weakref.finalize(self, file.close)
        self._files.append(file)
        return file

    def _not_as_many(self, media: int, channels: list[Channel]) -> str:
        part = self._spec.media[media]
        held = {one.index: one for one in self.probe(media).sounds}
        listed = "; ".join(
            f"stream {index} ({track.codec}{', ' + repr(track.title) if track.title else ''}): "
            f"{sum(one.stream == index for one in channels)} channel(s)"
            for index, track in held.items()
        )
        return (
            f"session {self._spec.id}: {part.file} has {len(channels)} audio channel(s), {listed}, "
            f"but session.toml names one role for each of {len(part.hears)} in "
            f"hears = {part.hears}; name as many roles as the file has channels, export it with as "
            'many channels, or write ["mixed"] if everyone is heard on it'
        )
