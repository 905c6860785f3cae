"""How sure the engines are of a turn, from planted figures; and what doubt does to latencies."""

from __future__ import annotations

import numpy as np
import pytest
from test_stages_language import SETTINGS, TURNS

from pipeline import tables
from pipeline.config import load_profile
from pipeline.language.questions import is_punctuated
from pipeline.stage import Inputs
from pipeline.stages import language, turns
from pipeline.voice.confidence import certainty, voice_confidence, word_probability

SPEC = type("Spec", (), {"id": "s01", "session": type("S", (), {"capture": "in_room"})})


def stretches(rows):
    """Diarization of (start, end, speaker, confidence)."""
    return tables.DIARIZATION.build_rows(
        {"session_id": "s01", "start_s": a, "end_s": b, "speaker": s, "exclusive": False,
         "confidence": told}
        for a, b, s, told in rows
    )  # fmt: skip


def words(rows):
    """Words of (start, end, text, speaker, probability)."""
    blank = dict.fromkeys(tables.WORDS.by_name) | {"session_id": "s01", "timing": "measured"}
    return tables.WORDS.build_rows(
        {**blank, "word_index": i, "start_s": a, "end_s": b, "text": text, "speaker": s,
         "probability": p, "is_overlap": False}
        for i, (a, b, text, s, p) in enumerate(rows)
    )  # fmt: skip


def spoken(rows, said=()):
    upstream = {"diarization": stretches(rows), "words": words(said)}
    return upstream | turns.run(Inputs(SPEC, None, upstream), None, TURNS).tables


def test_a_turn_weighs_its_stretches_by_their_length():
    given = spoken([(0, 3, 0, 1.0), (4, 5, 0, 0.6), (6, 8, 1, 0.5), (9, 12, 0, None)])
    found = voice_confidence(given["diarization"], given["speaker_turns"])
    assert found[:2] == pytest.approx([0.9, 0.5])
    assert np.isnan(found[2])


def test_an_engine_that_gives_none_leaves_it_unknown():
    given = spoken([(0, 3, 0, None), (4, 6, 1, None)])
    assert np.isnan(voice_confidence(given["diarization"], given["speaker_turns"])).all()


def test_word_probability_is_the_mean_of_a_turns_own_words():
    said = [(0, 1, "one", 0, 0.9), (1, 2, "two", 0, 0.5), (6, 7, "three", 1, None)]
    given = spoken([(0, 3, 0, None), (6, 8, 1, None)], said)
    found = word_probability(given["words"], given["speaker_turns"])
    assert found[0] == pytest.approx(0.7)
    assert np.isnan(found[1])


def talk(*, sure=0.9, probability=0.9, mark="?"):
    """Thirty questions and replies; the last pair's voice and words are as sure as asked."""
    rows, said = [], []
    for i in range(30):
        at, last = 200.0 + 10 * i, i == 29
        rows += [(at, at + 2, 0, 0.9), (at + 2.5 + 0.1 * (i % 5), at + 6, 1, sure if last else 0.9)]
        chance = probability if last else 0.9
        question = ["How", "did", "you", "sleep" + mark]
        answer = ["Quite", "well", "I", "think" + ("." if mark else "")]
        said += [(at + i / 2, at + (i + 1) / 2, w, 0, chance) for i, w in enumerate(question)]
        said += [(at + 3.5 + i / 2, at + 4 + i / 2, w, 1, 0.9) for i, w in enumerate(answer)]
    return rows, said


def told(**kwargs):
    """Rows of `turns`."""
    upstream = spoken(*talk(**kwargs))
    roles = [
        {"session_id": "s01", "speaker": i, "role": role, "confidence": 1.0, "method": "channel"}
        for i, role in enumerate(("therapist", "client"))
    ]
    upstream["roles"] = tables.ROLE_ASSIGNMENT.build_rows(roles)
    return language.run(Inputs(SPEC, None, upstream), None, SETTINGS).tables["turns"].to_pylist()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, None),
        ({"sure": 0.69}, "voice_unsure"),
        ({"sure": None}, None),
        ({"probability": 0.59}, "words_unsure"),
        ({"mark": ""}, "no_punctuation"),
    ],
)
def test_doubt_degrades_the_latency_and_keeps_it(given, why):
    rows = told(**given)
    assert rows[-1]["response_latency_s"] == pytest.approx(0.9, abs=0.01)
    assert rows[-1]["response_latency_z"] is not None
    assert rows[-1]["response_latency_reason"] == why
    assert rows[1]["response_latency_reason"] == (why if why == "no_punctuation" else None)


def test_the_certainties_stand_in_the_table_with_their_reasons():
    rows = told(sure=None, probability=0.5)
    assert rows[0]["diar_confidence"] == pytest.approx(0.9)
    assert (rows[-1]["diar_confidence"], rows[-1]["diar_confidence_reason"]) == (
        None,
        "not_measured",
    )
    assert (rows[-2]["word_probability"], rows[-2]["words_reason"]) == (0.5, "words_unsure")
    assert rows[-2]["is_question_reason"] == "words_unsure"
    assert rows[0]["is_question_reason"] is None
    assert {row["is_question_reason"] for row in told(mark="")} == {"no_punctuation"}


def test_nothing_is_unsure_where_nothing_is_known():
    upstream = spoken([(0, 3, 0, None), (4, 6, 1, None)])
    found = certainty(upstream, load_profile().language)
    assert not found.voice_unsure.any()
    assert not found.words_unsure.any()
    assert not is_punctuated([])
