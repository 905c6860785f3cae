"""The demo session's files of text: transcript, session.toml and consent register."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.made.script import Utterance

CLIENT, THERAPIST = "C01", "T01"
TRANSCRIPT = "transcript.vtt"
MADE_UP = (
    "everything: synthetic voices speak a written script; a still portrait is moved by a program; "
    "dials, reasons, guesses and the form are invented. Nobody said, did or rated any of this."
)


def clock(t_s: float) -> str:
    """A WebVTT time stamp."""
    ms = round(1000 * t_s)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def transcript_text(utterances: Sequence[Utterance]) -> str:
    """WebVTT with a voice tag per turn and the exact onset of every word after the first."""
    cues = ["WEBVTT", "NOTE Made for the demo: nobody said this."]
    for i, u in enumerate(utterances, start=1):
        first, *rest = u.words
        spoken = first.text + "".join(f" <{clock(w.start_s)}>{w.text}" for w in rest if w.text)
        cues.append(f"{i}\n{clock(u.start_s)} --> {clock(u.end_s)}\n<v {u.role}>{spoken}")
    return "\n\n".join(cues) + "\n"


def session_text(media_name: str, *, shows_client: bool, transcript: bool) -> str:
    """The session's description, see README.md, "What goes in", for the keys."""
    shows = '["client"]' if shows_client else "[]"
    words = f'[transcript]\nfile = "{TRANSCRIPT}"\n\n' if transcript else ""
    return f"""\
[session]
dyad = "D01"
number = 5
client = "{CLIENT}"
therapist = "{THERAPIST}"
date = 2026-03-02
capture = "in_room"
made_up = "{MADE_UP}"

[[media]]
file = "{media_name}"
hears = ["mixed"]
shows = {shows}
offset_s = 0.0

[[ratings]]
file = "dial_client.csv"
rater = "client"

[[ratings]]
file = "dial_therapist.csv"
rater = "therapist"

[[reasons]]
file = "reasons_client.csv"
rater = "client"

[guesses]
file = "guesses.csv"
blinded = true

{words}[[forms]]
instrument = "SRS"
by = "client"
total = 32.5
max = 40
"""


def consent_text() -> str:
    """A register that grants every scope for both made persons."""
    scopes = (
        '["record", "store", "analyse_audio", "analyse_video", "transcribe", "dial", '
        '"supervisor_view", "research", "exemplar"]'
    )
    record = """\
[[consent]]
person = "{person}"
role = "{role}"
sessions = "*"
scopes = {scopes}
decision = "granted"
date = 2026-01-10
rationale = "demo"
"""
    people = ((CLIENT, "client"), (THERAPIST, "therapist"))
    return "\n".join(record.format(person=p, role=r, scopes=scopes) for p, r in people)
