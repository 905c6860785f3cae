"""Roles: stated, from a transcript, or guessed on real mock consultations."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from pipeline import tables
from pipeline.config import load_profile
from pipeline.stage import Inputs
from pipeline.stages import roles, turns

PROFILE = load_profile()
INTERVAL = re.compile(
    r'xmin = ([\d.]+)\s*\n\s*xmax = ([\d.]+)\s*\n\s*text = "((?:[^"]|"")*)"', re.ASCII
)


def spec(first_speaker=None, hears=("mixed",)):
    return SimpleNamespace(
        id="s01",
        session=SimpleNamespace(first_speaker=first_speaker),
        media=[SimpleNamespace(hears=list(hears))],
    )


def textgrid(path):
    """(start, end, text) of every interval that holds words, tags taken out."""
    found = INTERVAL.findall(path.read_text(encoding="utf-8"))
    cleaned = [(float(a), float(b), re.sub(r"<[^>]*>", "", text).strip()) for a, b, text in found]
    return [(a, b, text) for a, b, text in cleaned if text]


def diarized(utterances):
    """Diarization and words tables of (start, end, text, speaker, stated role)."""
    spans, words = [], []
    for start, end, text, speaker, stated in sorted(utterances):
        row = {"session_id": "s01", "speaker": speaker}
        blank = dict.fromkeys(tables.DIARIZATION.by_name)
        spans.append({**blank, **row, "start_s": start, "end_s": end, "exclusive": False})
        said = text.split()
        step = (end - start) / max(1, len(said))
        words += [
            {**row, "start_s": start + i * step, "end_s": start + (i + 1) * step, "text": word,
             "probability": None, "timing": "interpolated", "is_overlap": False,
             "stated_role": stated,
             "stated_voice": None, "low_confidence": None}
            for i, word in enumerate(said)
        ]  # fmt: skip
    words.sort(key=lambda word: word["start_s"])
    numbered = [{**word, "word_index": i} for i, word in enumerate(words)]
    return tables.DIARIZATION.build_rows(spans), tables.WORDS.build_rows(numbered)


def assign(utterances, session=None, crosstalk_db=None):
    """Role of each voice, the stage's outputs and its table."""
    session = session or spec()
    diarization, words = diarized(utterances)
    upstream = {"diarization": diarization, "words": words}
    found = turns.run(Inputs(session, None, upstream), None, PROFILE.turns).tables
    upstream = {"speaker_turns": found["speaker_turns"], "words": words}
    upstream["quality"] = tables.QUALITY_FIGURES.build_figures(
        [{"session_id": "s01", "measure": "crosstalk_db", "value": crosstalk_db, "quality": "ok",
          "reason": None, "description": "Made."}]
    )  # fmt: skip
    outputs = roles.run(Inputs(session, None, upstream), None, PROFILE.roles)
    rows = outputs.tables["roles"].to_pylist()
    return {row["speaker"]: row["role"] for row in rows}, outputs, rows


TALK = [(5.0, 9.0, "", 0, None), (0.0, 4.0, "", 1, None), (10.0, 14.0, "", 1, None)]


@pytest.mark.parametrize(("first", "other"), [("client", "therapist"), ("therapist", "client")])
def test_first_speaker_is_believed(first, other):
    found, outputs, rows = assign(TALK, spec(first))
    assert found == {1: first, 0: other}
    assert {(row["confidence"], row["method"]) for row in rows} == {(1.0, "session_toml")}
    assert outputs.absences == ()


def test_a_cough_is_nobodys_first_turn():
    talk = [(0.0, 0.6, "", 0, None), (3.0, 7.0, "", 1, None), (9.0, 12.0, "", 0, None)]
    assert assign(talk, spec("therapist"))[0] == {1: "therapist", 0: "client"}
    short = [(0.0, 0.6, "", 0, None), (3.0, 3.6, "", 1, None)]
    assert assign(short, spec("therapist"))[0] == {0: "therapist", 1: "client"}


def test_session_and_transcript_that_contradict_each_other_give_no_role():
    talk = [(0.0, 4.0, "one two", 0, "client"), (5.0, 9.0, "one two", 1, "therapist")]
    assert assign(talk, spec("client"))[0] == {0: "client", 1: "therapist"}
    found, outputs, rows = assign(talk, spec("therapist"))
    assert set(found.values()) == {"unknown"}
    assert {(row["method"], row["confidence"]) for row in rows} == {("none", 0.5)}
    (absence,) = outputs.absences
    assert (absence.modality, absence.reason) == ("roles", "no_role")
    assert "session.toml" in absence.sentence
    assert "transcript" in absence.sentence


def test_a_transcript_that_states_roles_counts_by_time():
    talk = [
        (0.0, 4.0, "one two three four", 0, "client"),
        (5.0, 9.0, "one two three four", 1, "therapist"),
        (10.0, 12.0, "one two", 1, "client"),
    ]
    found, _, rows = assign(talk)
    assert found == {0: "client", 1: "therapist"}
    assert rows[0]["method"] == "transcript"
    assert rows[0]["confidence"] == pytest.approx(0.8)


def test_a_transcript_that_contradicts_itself_gives_no_role():
    talk = [(5.0 * i, 5.0 * i + 4, "one", i % 2, ("client", "therapist")[i // 2]) for i in range(4)]
    found, outputs, rows = assign(talk)
    assert set(found.values()) == {"unknown"}
    assert rows[0]["method"] == "none"
    assert [(a.modality, a.reason) for a in outputs.absences] == [("roles", "no_role")]


def test_turns_alone_are_not_enough_to_guess():
    found, outputs, _ = assign(TALK)
    assert set(found.values()) == {"unknown"}
    assert "first_speaker" in outputs.absences[0].sentence


WORN = ("therapist", "client")


def test_a_microphone_each_settles_the_roles():
    found, outputs, rows = assign(TALK, spec(hears=WORN), crosstalk_db=12.0)
    assert found == {0: "therapist", 1: "client"}
    assert {(row["confidence"], row["method"]) for row in rows} == {(1.0, "channel")}
    assert outputs.absences == ()
    assert assign(TALK[1:], spec(hears=WORN), crosstalk_db=12.0)[0] == {1: "client"}
    assert assign(TALK, spec("client", hears=WORN), crosstalk_db=12.0)[2] == rows


@pytest.mark.parametrize("crosstalk_db", [5.9, 0.0, None])
def test_microphones_that_hear_both_settle_nothing(crosstalk_db):
    found, _, _ = assign(TALK, spec(hears=WORN), crosstalk_db)
    assert set(found.values()) == {"unknown"}
    assert assign(TALK, spec("client", hears=WORN), crosstalk_db)[0] == {
        1: "client",
        0: "therapist",
    }


def test_microphones_that_contradict_what_else_is_stated_give_no_role():
    found, outputs, _ = assign(TALK, spec("therapist", hears=WORN), crosstalk_db=12.0)
    assert set(found.values()) == {"unknown"}
    assert "hears" in outputs.absences[0].sentence
    assert "first_speaker" in outputs.absences[0].sentence
    swapped = [(0.0, 4.0, "one two", 0, "client"), (5.0, 9.0, "one two", 1, "therapist")]
    found, outputs, _ = assign(swapped, spec(hears=WORN), crosstalk_db=12.0)
    assert set(found.values()) == {"unknown"}
    assert "transcript" in outputs.absences[0].sentence


def test_no_voice_is_an_absence():
    found, outputs, _ = assign([])
    assert (found, outputs.absences[0].reason) == ({}, "no_speech")


def test_the_guess_finds_who_asks_in_mock_consultations(shared_data):
    right = wrong = 0
    for path in sorted((shared_data / "dialogue" / "primock57").glob("*_doctor.TextGrid")):
        sides = {0: path.with_name(path.name.replace("doctor", "patient")), 1: path}
        talk = [
            (a, b, x, voice, None) for voice, side in sides.items() for a, b, x in textgrid(side)
        ]
        found, _, _ = assign(talk)
        assert sorted(found.values()) in (["client", "therapist"], ["unknown", "unknown"])
        right += found[1] == "therapist"
        wrong += found[1] == "client"
    assert right >= 13
    assert wrong <= 1
