"""Transcript files of every kind: what was said in them, when, by which voice, in which role.

Captions (.vtt, .srt) are made to be shown, and corrected, in a player: their times are player
positions. STM and the JSON of recognisers are timed on the sound alone: 0 is its first sample, even
where the picture starts earlier. What a file's maker did otherwise is what `offset_s` in
session.toml is for. The names a file calls people by end here: outside, a voice is a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from pipeline.errors import SessionError
from pipeline.media.player_clock import player_zero_s
from pipeline.paperwork.papers import paper
from pipeline.paperwork.session import SessionSpec, TranscriptFile
from pipeline.paperwork.session_media import Role
from pipeline.timeline import Seconds
from pipeline.transcribe import recognisers, stm, subtitles
from pipeline.transcribe.captions import LONGEST, Cue, Found, Word, tokens, words_of
from pipeline.transcribe.encoding import decoded
from pipeline.transcribe.labels import with_voices
from pipeline.transcribe.order import in_order, in_spoken_order
from pipeline.transcribe.repeats import said_once
from pipeline.transcribe.speaker_names import plain, roles_of
from pipeline.transcribe.unspoken import without_events

MOST_WORDS = 100_000
OUTSIDE_MAX = 0.1
"""More words than this share before or after the recording: it is another recording's transcript,
or `offset_s` is wrong.
"""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of transcript file."""

    name: str
    parse: Callable[[str], Found]
    zero_s: Callable[[pa.Table], Seconds]
    """Session time of the file's second 0, from the table `media`."""
    is_shown: bool
    """Made to be shown: captions may show a text again that was said once."""


def sound_zero_s(media: pa.Table) -> Seconds:
    """Session time of the first sample of the first file with sound.

    Parameters
    ----------
    media : the table of that name; without any sound the clocks are taken to agree
    """
    for row in sorted(media.to_pylist(), key=lambda row: int(row["media"])):
        if row["audio_start_s"] is not None and row["clock_start_s"] is not None:
            return float(row["audio_start_s"] - row["clock_start_s"] + row["offset_s"])
    return 0.0


FORMATS = {
    ".vtt": Format("vtt", subtitles.parse, player_zero_s, is_shown=True),
    ".srt": Format("srt", subtitles.parse, player_zero_s, is_shown=True),
    ".stm": Format("stm", stm.parse, sound_zero_s, is_shown=False),
    ".json": Format("json", recognisers.parse, sound_zero_s, is_shown=False),
}
"""By ending, in small letters."""


@dataclass(frozen=True, slots=True)
class SaidWord:
    """One word on the session clock."""

    start_s: Seconds
    end_s: Seconds
    text: str
    probability: float | None
    is_measured: bool
    """False: its time is spread over its caption."""
    voice: int | None
    """Of the file's own voices, counted from 1 in order of appearance; None where it names none."""
    role: Role | None
    """The role the file, or `speakers` in session.toml, gives that voice."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, in order of time, and what in the file was no word."""

    words: list[SaidWord]
    format: str
    counts: Mapping[str, int]
    """As the columns of table `transcription`."""
    unknown_speakers: int
    """Names under `speakers` in session.toml that the file does not hold."""


def format_of(file: str) -> Format:
    """What kind of transcript a file is.

    Raises
    ------
    SessionError
        Its ending is none of `FORMATS`.
    """
    ending = Path(file).suffix.lower()
    if ending not in FORMATS:
        raise SessionError(
            f"{file}: ending {ending!r} is no transcript; allowed: WebVTT (.vtt), SubRip (.srt), "
            "NIST STM (.stm), or the JSON of a recogniser (.json)"
        )
    return FORMATS[ending]


@paper(SessionError)
def found_in(path: Path, file: str) -> Found:
    """Captions of a file as they stand in it.

    Raises
    ------
    SessionError
        It is no transcript, or less than half of it can be read: file, place, what is allowed.
    """
    kind = format_of(file)
    text = decoded(path, file=file)
    try:
        found = kind.parse(text)
    except SessionError as error:
        raise SessionError(f"{file}, {error}") from error
    fits = [cue for cue in found.cues if len(cue.text) <= LONGEST]
    too_long = f"a segment has more than {LONGEST} characters"
    found.faults += [too_long] * (len(found.cues) - len(fits))
    found.cues = fits
    words = sum(len(cue.text.split()) for cue in found.cues)
    if words > MOST_WORDS:
        raise SessionError(
            f"{file} holds {words} words; allowed: up to {MOST_WORDS}, which is nine hours of "
            "speech. Is it the transcript of this session?"
        )
    if len(found.faults) > len(found.cues):
        raise SessionError(
            f"{file}, {found.faults[0]}. {len(found.faults)} of "
            f"{len(found.faults) + len(found.cues)} captions cannot be read"
        )
    if not found.cues and text.strip(" \n\r\t\ufeffWEBVT{}[]"):
        raise SessionError(f"{file} holds no captions with times; {_ALLOWED}")
    return found


def brings_transcript(folder: Callable[[str], Path], told: TranscriptFile | None) -> bool:
    """Whether a session names a transcript, and its captions can be read.

    Parameters
    ----------
    folder : where a file that session.toml names lies
    """
    if told is None:
        return False
    try:
        found_in(folder(told.file), told.file)
    except SessionError:
        return False
    return True


_ALLOWED = "allowed: each text under its time line, such as 00:00:01.000 --> 00:00:04.000"


@paper(SessionError)
def read(path: Path, spec: SessionSpec, media: pa.Table, duration_s: Seconds | None) -> Transcript:
    """The transcript that session.toml names, on the session clock.

    Parameters
    ----------
    path : where the file lies
    media : the table of that name
    duration_s : of the session; None where it is not known

    Raises
    ------
    SessionError
        The file cannot be read, or its times lie outside the recording. Never quotes what was said.
    """
    told = spec.transcript
    assert told is not None
    kind = format_of(told.file)
    found = found_in(path, told.file)
    known = _known_names(spec)
    cues = _spelled_alike(with_voices(found.cues, known))
    cues, events = without_events(cues)
    cues, repeated = said_once(cues) if kind.is_shown else (cues, 0)
    by_s = kind.zero_s(media) + told.offset_s
    cues, retimed = in_order([_moved(cue, by_s) for cue in cues])
    inside, outside = _inside(told.file, cues, duration_s)
    words, moved = in_spoken_order([word for cue in inside for word in words_of(cue)])
    words, late = _within(words, duration_s)
    names = list(dict.fromkeys(word.voice for word in words if word.voice is not None))
    counts = {
        "stated_voices": len(names),
        "events_left_out": events,
        "words_shown_again": repeated,
        "captions_left_out": len(found.faults),
        "odd_values": found.odd_values,
        "words_retimed": retimed + moved,
        "words_outside": outside + late,
    }
    heard = {plain(name) for cue in cues for _, name in cue.voices if name}
    missing = sum(plain(name) not in heard for name in told.speakers)
    return Transcript(_said(words, names, known), kind.name, counts, missing)


def _known_names(spec: SessionSpec) -> dict[str, Role]:
    """Names that are labels for certain, and their roles."""
    assert spec.transcript is not None
    pseudonyms: dict[str, Role] = {
        plain(spec.session.client): "client",
        plain(spec.session.therapist): "therapist",
    }
    return pseudonyms | {plain(name): role for name, role in spec.transcript.speakers.items()}


def _said(words: Sequence[Word], names: Sequence[str], known: Mapping[str, Role]) -> list[SaidWord]:
    roles = roles_of(names, known)
    number = {name: index for index, name in enumerate(names, start=1)}
    return [
        SaidWord(
            word.start_s,
            word.end_s,
            word.text,
            word.probability,
            word.is_measured,
            number.get(word.voice or ""),
            roles.get(word.voice or ""),
        )
        for word in words
    ]


def _spelled_alike(cues: Sequence[Cue]) -> list[Cue]:
    """Each speaker under the name that comes first: captions shout it, or add a mark."""
    first: dict[str, str] = {}
    for cue in cues:
        for _, name in cue.voices:
            if name is not None:
                first.setdefault(plain(name), name)
    return [
        replace(
            cue,
            voices=tuple((at, name and first[plain(name)]) for at, name in cue.voices),
        )
        for cue in cues
    ]


def _moved(cue: Cue, by_s: Seconds) -> Cue:
    if not by_s:
        return cue
    marks = tuple(
        replace(
            mark,
            start_s=mark.start_s + by_s,
            end_s=None if mark.end_s is None else mark.end_s + by_s,
        )
        for mark in cue.marks
    )
    return replace(cue, start_s=cue.start_s + by_s, end_s=cue.end_s + by_s, marks=marks)


def _inside(file: str, cues: Sequence[Cue], duration_s: Seconds | None) -> tuple[list[Cue], int]:
    """Captions cut to the recording, and how many words lie outside it."""
    if duration_s is None:
        return list(cues), 0
    kept = [cue for cue in cues if cue.start_s < duration_s and cue.end_s > 0]
    counts = [len(tokens(cue.text)) for cue in cues]
    outside = sum(counts) - sum(len(tokens(cue.text)) for cue in kept)
    if outside > OUTSIDE_MAX * sum(counts):
        last = max(cue.end_s for cue in cues)
        raise SessionError(
            f"{file}: {outside} of {sum(counts)} words lie outside the recording, which lasts "
            f"{duration_s:.0f} s; its captions go until {last:.0f} s. Name the transcript of this "
            "session, or mend `offset_s` of [transcript]"
        )
    return [
        replace(cue, start_s=max(cue.start_s, 0.0), end_s=min(cue.end_s, duration_s))
        for cue in kept
    ], outside


def _within(words: list[Word], duration_s: Seconds | None) -> tuple[list[Word], int]:
    """Words inside the recording, and how many single ones are not."""
    if duration_s is None:
        return words, 0
    kept = [
        replace(word, start_s=max(word.start_s, 0.0), end_s=min(word.end_s, duration_s))
        for word in words
        if word.start_s < duration_s and word.end_s >= 0
    ]
    return kept, len(words) - len(kept)
