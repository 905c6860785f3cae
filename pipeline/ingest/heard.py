"""What `ingest` tells of a session's sound: every stream, which of it is heard, and why not.

Sentences name a file by its place in session.toml, counted from 1, because a file's name may hold a
person's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.base import SAMPLE_RATE_HZ, SpeechDetector
from pipeline.errors import MediaError
from pipeline.media.films import films
from pipeline.media.hearing import Heard, off_of
from pipeline.media.probe import MediaProbe
from pipeline.media.quality import speech_prop
from pipeline.media.recording import FolderRecording
from pipeline.paperwork.session import SessionSpec, own_channels
from pipeline.stage import Missing
from pipeline.timeline import Span, complement, overlap_s, union
from pipeline.voice.microphones import OFF, ChannelDiarizer

UNHEARD_MAX_S = 5.0  # speech on what is not heard; less is a detector's error [ours]
UNBOUNDED_S = 1e6
RATES_HZ = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
RATIOS = sorted({a / b for a in RATES_HZ for b in RATES_HZ if a != b})
RATIO_WITHIN = 0.002
SPEED_LEAST_S = 60.0  # in shorter ones a late start alone gives any ratio [ours]
UNKNOWN = dict.fromkeys(
    ("role", "level_db", "raised_db", "offset_prop", "clip_prop", "off_s", "speech_prop")
)
USE_WORDS = {
    "inverted": "is wired the wrong way round and was turned over",
    "silent": "holds nothing",
    "steady": "holds nothing but a steady hum or hiss",
    "clipped": "is too loud and clipped, and another holds the same",
    "covered": "holds nothing that others do not",
    "unused": "is of a recording that another one stands for",
}

Engine = SpeechDetector | ChannelDiarizer | Missing


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the quality table."""

    measure: str
    value: float | None
    quality: str
    reason: str | None
    description: str


def sound_figures(
    spec: SessionSpec, recording: FolderRecording, speech: Sequence[Span], engine: Engine
) -> list[Figure]:
    """How many files the sound is in, what of it is set aside, and when nothing was recorded."""
    return [
        _files(spec, recording),
        _set_aside(recording.channels()),
        _off(spec, recording),
        _unheard(recording, speech, engine),
    ]


def speed_figures(probes: Iterable[MediaProbe]) -> list[Figure]:
    """Sound against pictures of the files that hold both and are heard: a wrong rate shows in it.

    A program that takes 44.1 kHz for 48 kHz makes the sound longer or shorter by just that ratio.
    """
    text = "Length of the sound over that of the pictures in the same file."
    for one in probes:
        if one.audio is None or one.video is None:
            continue
        sound_s, film_s = (t.end_s - t.start_s for t in (one.audio, one.video))
        if min(sound_s, film_s) < SPEED_LEAST_S:
            continue
        ratio = sound_s / film_s
        wrong = [a for a in RATIOS if abs(ratio / a - 1.0) <= RATIO_WITHIN]
        if wrong:
            text += " It is that of two sampling rates taken for each other: sound and picture run "
            text += "apart, and pitch and rates are wrong by it; export the recording anew."
        return [Figure("audio_speed_prop", ratio, "degraded" if wrong else "ok", None, text)]
    return []


def film_figures(spec: SessionSpec, rows: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """How many files the client's film is in, and which are not looked at; none without a film."""
    shown = [media for media, part in enumerate(spec.media) if "client" in part.shows]
    if len(shown) < 2:
        return []
    looked, _ = films(spec.media, rows, "client")
    told = "Files the film of the client is in."
    if len(looked) > 1:
        told += f" {_listed(_told_place(media, rows[media]) for media in looked)}."
    left = [f"file {media + 1}" for media in shown if media not in looked]
    if left:
        told += f" Not looked at, unreadable or another camera's: {_listed(left)} of session.toml."
    assumed = any(rows[media]["offset_source"] == "follows" for media in looked)
    quality = "degraded" if assumed or left else "ok"
    return [Figure("video_file_count", float(len(looked)), quality, None, told)]


def stream_rows(
    spec: SessionSpec, recording: FolderRecording, channels: Sequence[Heard], engine: Engine
) -> list[dict[str, Any]]:
    """One row per channel of every file, decoded or not."""
    decoded: dict[tuple[int, int], list[Heard]] = {}
    for one in channels:
        decoded.setdefault((one.channel.media, one.channel.stream), []).append(one)
    roles = _roles(spec, channels)
    rows = []
    for media, part in enumerate(spec.media):
        try:
            tracks = recording.probe(media).sounds
        except MediaError:
            continue  # table `media` says so
        for track in tracks:
            shared = {
                "session_id": spec.id,
                "media": media,
                "stream": track.index,
                "codec": track.codec,
                "rate_hz": track.rate_hz,
                "title": track.title,
            }
            known = decoded.get((media, track.index), [])
            rows += [
                shared | _measured(one, channels, engine) | {"role": roles.get(id(one))}
                for one in known
            ]
            use = "unused" if part.hears else "not_named"
            left = range(0 if known else track.channels)
            rows += [shared | UNKNOWN | {"channel": number, "use": use} for number in left]
    return rows


def _measured(one: Heard, channels: Sequence[Heard], engine: Engine) -> dict[str, Any]:
    channel = one.channel
    others = [o.channel for o in channels if o is not one and o.gain]
    spans = _speech(one, engine)
    return {
        "channel": channel.number,
        "use": one.use,
        "level_db": channel.level_db,
        "raised_db": 20 * float(np.log10(abs(one.gain))) if one.gain else None,
        "offset_prop": float(np.clip(channel.offset, -1.0, 1.0)),
        "clip_prop": channel.clip_prop,
        "off_s": float(sum(b - a for a, b in off_of(channel, others))),
        "speech_prop": None if spans is None else speech_prop(spans, channel.size / SAMPLE_RATE_HZ),
    }


def _speech(one: Heard, engine: Engine) -> list[Span] | None:
    """Where the detector finds speech on a channel, session s; None without a detector."""
    if isinstance(engine, Missing):
        return None
    if one.channel.is_silent:
        return []
    audio = one.channel.whole()
    if abs(one.gain) > 1:
        audio = np.clip(audio * np.float32(abs(one.gain)), -1, 1)
    at_s, end_s = one.channel.first / SAMPLE_RATE_HZ, one.channel.end / SAMPLE_RATE_HZ
    spans = ((at_s + s.start_s, min(at_s + s.end_s, end_s)) for s in engine.speech(audio))
    return [(a, b) for a, b in spans if b > a]


def _roles(spec: SessionSpec, channels: Sequence[Heard]) -> dict[int, str]:
    """Heard channel -> whose it is, where each person has one."""
    if not own_channels(spec):
        return {}
    found: dict[int, str] = {}
    for media, part in enumerate(spec.media):
        heard = (one for one in channels if one.channel.media == media and one.gain)
        found |= {id(one): role for one, role in zip(heard, part.hears, strict=False)}
    return found


def _files(spec: SessionSpec, recording: FolderRecording) -> Figure:
    heard = recording.heard
    assumed = [media for media in heard if recording.place(media).source == "follows"]
    left = [m for m, part in enumerate(spec.media) if part.hears and m not in heard]
    told = "Files the sound is in."
    if len(heard) > 1:
        places = ((media, recording.place(media)) for media in heard)
        rows = ((m, {"offset_s": p.offset_s, "offset_source": p.source}) for m, p in places)
        told += f" {_listed(_told_place(*row) for row in rows)}."
    if left:
        names = _listed(f"file {media + 1}" for media in left)
        told += f" Not heard, because another ran at the same time: {names} of session.toml."
    quality = "degraded" if assumed else "ok"
    return Figure("audio_file_count", float(len(heard)), quality, None, told)


def _told_place(media: int, row: Mapping[str, Any]) -> str:
    assumed = " (assumed: where the one before ends)" if row["offset_source"] == "follows" else ""
    return f"file {media + 1} of session.toml begins at {row['offset_s']:.1f} s{assumed}"


def _set_aside(channels: Sequence[Heard]) -> Figure:
    told = "Channels of the sound that are not heard as they are."
    aside = [one for one in channels if one.use != "heard"]
    for one in aside:
        channel = one.channel
        told += (
            f" Channel {channel.number + 1} of stream {channel.stream} of file "
            f"{channel.media + 1} {USE_WORDS[one.use]}."
        )
    offset = [one.channel for one in channels if one.gain and one.channel.offset_removed]
    if offset:
        told += f" A constant offset was removed from {len(offset)} channel(s)."
    raised = [abs(one.gain) for one in channels if abs(one.gain) > 1]
    if raised:
        told += f" What is very quiet was raised by {20 * np.log10(max(raised)):.0f} dB."
    quality = "degraded" if offset or raised or any(one.gain < 0 for one in aside) else "ok"
    return Figure("audio_channel_aside_count", float(len(aside)), quality, None, told)


def _off(spec: SessionSpec, recording: FolderRecording) -> Figure:
    roles = own_channels(spec)
    told = "How long a microphone recorded nothing while the recording went on."
    total_s = 0.0
    duration_s = recording.audio.size / SAMPLE_RATE_HZ
    for row, spans in enumerate(recording.microphones_off):
        whose = f"the {roles[row]}'s microphone" if roles else "the recording"
        for start_s, end_s in spans:
            total_s += end_s - start_s
            until = "to the end" if end_s > duration_s - 0.2 else f"to {end_s:.1f} s"
            told += f" From {start_s:.1f} s {until} {whose} holds nothing."
    if total_s and roles:
        told += " That voice is looked for in the other microphone meanwhile."
    return Figure(
        OFF,
        total_s,
        "degraded" if total_s else "ok",
        "microphone_off" if total_s else None,
        told,
    )


def _unheard(recording: FolderRecording, speech: Sequence[Span], engine: Engine) -> Figure:
    """Speech on what is not heard, while nobody is heard in the mix."""
    name, text = "audio_unheard_speech_s", "Speech on sound that is not listened to."
    if isinstance(engine, Missing):
        return Figure(name, None, "absent", engine.reason, text)
    aside = [one for one in recording.channels() if not one.gain]
    found = [("a channel set aside", span) for one in aside for span in _speech(one, engine) or ()]
    if not speech:  # nobody was heard: is somebody in a file that nobody named?
        for media, heard in recording.others():
            where = f"file {media + 1} of session.toml"
            found += [(where, span) for one in heard for span in _speech(one, engine) or ()]
    quiet = complement(union(speech, bridge_s=2.0), (0.0, UNBOUNDED_S))
    spans = union(span for _, span in found)
    value = float(sum(overlap_s(one, other) for one in spans for other in quiet))
    if value > UNHEARD_MAX_S:
        text += f" It is on {_listed(dict.fromkeys(where for where, _ in found))}: name that file "
        text += "in `hears` under [[media]], or export the recording with that stream alone."
    quality = "degraded" if value > UNHEARD_MAX_S else "ok"
    return Figure(name, value, quality, None, text)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
