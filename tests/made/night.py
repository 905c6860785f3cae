"""A short made session and planted engines: a whole night in a second, without weights."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from flows import registry, session, sessions
from flows.folders import session_folders
from flows.prepare import Work, prepare
from flows.progress import Board
from flows.publish import finish
from models.base import (
    Diarization,
    FaceObservation,
    Fingerprint,
    Interval,
    SpeakerInterval,
    TimedWord,
    Transcript,
)
from pipeline.config import load_profile
from pipeline.paperwork.consent import Record, append_record
from pipeline.profile import Profile
from pipeline.results.views import Output
from pipeline.stages import STAGES
from tests.made.media import BOTH, SESSION, write_media

SECONDS, RATE = 60.0, 16_000
TURNS = [(float(start), start + 3.6, i % 2) for i, start in enumerate(range(1, 57, 4))]
"""Start, end, voice: the therapist's is voice 0 and asks."""
STAGE = {stage.name: stage for stage in STAGES}


def voices(seed: int = 0) -> np.ndarray:
    """Two voices in turn, each of ten partials, over a little noise that tells copies apart."""
    t = np.arange(round(SECONDS * RATE)) / RATE
    sound = 0.002 * np.random.default_rng(seed).standard_normal(t.size)
    for start_s, end_s, voice in TURNS:
        inside = (t >= start_s) & (t < end_s)
        f0_hz = (200.0, 110.0)[voice] * (1 + 0.02 * np.sin(2 * np.pi * 1.5 * t[inside]))
        phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
        beat = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * t[inside])
        sound[inside] += 0.05 * beat * sum(np.sin(k * phase) / k for k in range(1, 11))
    return sound.astype(np.float32)


def recordings(place: Path, *names: str) -> Path:
    """Folders of the same session under several names, and the register that permits them."""
    for seed, name in enumerate(names):
        folder = place / name
        folder.mkdir(parents=True)
        frames = np.arange(0, SECONDS, 0.2)
        write_media(folder / "room.mp4", [(0.0, voices(seed))], frames, rate=RATE)
        (folder / "dial.csv").write_text(
            "time,rating\n" + "".join(f"{t},{50 + 40 * np.sin(t / 9):.1f}\n" for t in range(60))
        )
        rated = '[[ratings]]\nfile = "dial.csv"\nrater = "{}"\n'
        both = "".join(map(rated.format, ("client", "therapist")))
        (folder / "session.toml").write_text(
            SESSION + 'first_speaker = "therapist"\n' + BOTH + both, encoding="utf-8"
        )
    for person, role in (("C07", "client"), ("T02", "therapist")):
        scopes = ["record", "analyse_audio", "analyse_video", "transcribe", "dial"]
        append_record(
            place / "consent.toml",
            Record(
                person=person,
                role=role,
                scopes=[*scopes, "supervisor_view"],
                decision="granted",
                date=dt.date(2026, 1, 1),
            ),
        )
    return place


class Planted:
    """Every engine at once: gives back what `TURNS` says."""

    has_video = False

    def speech(self, audio):
        return tuple(Interval(start, end) for start, end, _ in TURNS)

    def diarize(self, audio, **_):
        spans = tuple(SpeakerInterval(*turn) for turn in TURNS)
        return Diarization(spans, spans)

    def transcribe(self, audio, *, speech, language, **_):
        said = ("I went home and it was fine.", "How was that for you?")
        words = []
        for start_s, _, voice in TURNS:
            for i, text in enumerate(said[1 - voice].split()):
                at = start_s + 0.5 * i
                words.append(TimedWord(at, at + 0.4, text, 0.9))
        return Transcript(words=tuple(words), language=language, decoded=tuple(speech))

    def track(self, frames, *, people, regions=None):
        points = np.random.default_rng(0).uniform(10, 40, (478, 2)).astype(np.float32)
        for frame in frames:
            for person in range(people):
                yield FaceObservation(
                    frame.index, frame.pts_s, person, None, 0.9, 0.8, (1.0, 2.0, 30.0, 40.0), points
                )

    def clip(self, start_s, end_s):
        return b"webm"


def planted(role, job):
    """An engine's description, whatever its role."""
    return Fingerprint("planted", "1")


class Plain:
    """A Prefect task without Prefect: tried once."""

    def __init__(self, task):
        self.task = task

    def with_options(self, **_):
        return self.task.fn


def plant_engines(monkeypatch, *, prefect: bool = False) -> None:
    """No weights and, unless it is wanted, no Prefect between a session and its stages."""
    monkeypatch.setattr("flows.prepare.describe", planted)
    monkeypatch.setattr(session, "describe", planted)
    monkeypatch.setattr(session, "build", lambda role, job: Planted())
    if prefect:
        return
    monkeypatch.setattr(session, "run_one_stage", Plain(session.run_one_stage))
    monkeypatch.setattr(sessions, "process_session", session.process_session.fn)
    monkeypatch.setattr(sessions, "create_markdown_artifact", lambda *_, **__: None)


@contextmanager
def breaking(stage: str, how):
    """A stage that does `how` instead of what it should."""
    right = STAGE[stage].run
    object.__setattr__(STAGE[stage], "run", how)  # a frozen declaration, for the length of a test
    try:
        yield
    finally:
        object.__setattr__(STAGE[stage], "run", right)


def night(place: Path, out: Path, run_id: str, profile: Profile | None = None) -> Work:
    """One night in this process."""
    work = prepare(
        session_folders(place),
        consent=place / "consent.toml",
        profile=profile or load_profile(),
        output=Output(out),
        run_id=run_id,
        day=dt.date(2026, 3, 2),
    )
    unfinished = work.unfinished()
    for name in work.jobs:
        if name not in unfinished:
            finish(work, name, 0.0)
    with registry.registered(work, Board()):
        sessions.process_sessions.fn(run_id, unfinished)
    return work
