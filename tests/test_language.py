"""Questions and replies on scripted talk."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import language, tables, turns
from pipeline.config import CONFIGS, LanguageSettings, TurnsSettings
from pipeline.errors import ConfigError
from pipeline.lexicon import compile_phrases, compile_whole, contains, tokens
from pipeline.questions import QuestionRules
from pipeline.stage import Inputs

PHRASES = tomllib.loads((CONFIGS / "lexicon.en.toml").read_text(encoding="utf-8"))
SETTINGS = LanguageSettings(phrases=PHRASES)


def run(
    utterances,
    roles=("therapist", "client"),
    *,
    transcribed=True,
    settings=SETTINGS,
    capture="in_room",
):
    """Rows of `turns` for (start, end, text, speaker); texts spread evenly over their time."""
    spans, words = [], []
    for start, end, text, speaker in sorted(utterances):
        spans.append({"session_id": "s01", "start_s": start, "end_s": end, "speaker": speaker,
                      "exclusive": False})  # fmt: skip
        edges = np.linspace(start, end, len(text.split()) + 1)
        words += [
            {"session_id": "s01", "start_s": a, "end_s": b, "text": word, "probability": None,
             "timing": "measured", "speaker": speaker, "is_overlap": False, "stated_role": None}
            for a, b, word in zip(edges, edges[1:], text.split(), strict=False)
        ]  # fmt: skip
    words = sorted(words, key=lambda word: word["start_s"]) if transcribed else []
    upstream = {
        "diarization": tables.DIARIZATION.build_rows(spans),
        "words": tables.WORDS.build_rows([{**w, "word_index": i} for i, w in enumerate(words)]),
        "roles": tables.ROLE_ASSIGNMENT.build_rows([
            {"session_id": "s01", "speaker": i, "role": role, "confidence": 1.0, "method": "none"}
            for i, role in enumerate(roles)
        ]),
    }  # fmt: skip
    spec = SimpleNamespace(id="s01", session=SimpleNamespace(capture=capture))
    inputs = Inputs(spec, None, upstream)
    upstream |= turns.run(inputs, None, TurnsSettings()).tables
    return language.run(inputs, None, settings).tables["turns"].to_pylist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What brings you here today?", "open"),
        ("I see. How did that feel? Um.", "open"),
        ("Tell me about your week.", "open"),
        ("I wonder how that was for you.", "open"),
        ("Do you sleep well?", "closed"),
        ("How many hours do you sleep?", "closed"),
        ("What time do you get up?", "closed"),
        ("That's how it goes, isn't it?", "closed"),
        ("Do you mean this? I think so.", None),
        ("Mr Smith told me what happened.", None),
    ],
)
def test_question_type_with_punctuation(text, expected):
    rules = QuestionRules(PHRASES, punctuated=True)
    assert rules.question_type(text.split()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what brings you here today", "open"),
        ("so how are you feeling about that", "open"),
        ("okay and do you sleep well", "closed"),
        ("it got better didn't it", "closed"),
        ("i told him about the house and we left", None),
        ("that sounds hard", None),
    ],
)
def test_question_type_without_punctuation(text, expected):
    rules = QuestionRules(PHRASES, punctuated=False)
    assert rules.question_type(text.split()) == expected


def test_a_reply_is_the_next_client_turn_after_a_question():
    rows = run([
        (0.0, 4.0, "How was your week then?", 0),
        (5.2, 9.0, "It was quite good, I went out.", 1),
        (9.5, 12.0, "That is good to hear.", 0),
        (12.5, 15.0, "Then I went home again.", 1),
    ])  # fmt: skip
    assert [row["is_question"] for row in rows] == [True, False, False, False]
    assert [row["answers_turn_id"] for row in rows] == [None, 0, None, None]
    assert rows[1]["response_latency_s"] == pytest.approx(1.2)
    assert (rows[1]["reply_words"], rows[1]["reply_minimal"]) == (7, False)
    assert rows[1]["response_latency_reason"] == "few_samples"
    assert rows[3]["response_latency_reason"] == "no_question"


def test_an_early_reply_has_latency_zero_and_a_late_one_is_none():
    early = run([(0.0, 4.0, "How was it?", 0), (3.7, 8.0, "It was really fine.", 1)])
    assert early[1]["response_latency_s"] == 0.0
    late = run([(0.0, 4.0, "How was it?", 0), (19.5, 24.0, "It was really fine.", 1)])
    assert (late[1]["answers_turn_id"], late[1]["response_latency_s"]) == (None, None)


@pytest.mark.parametrize("resumes_s", [0.3, 4.0])
def test_a_short_yes_is_a_reply_whether_or_not_it_takes_the_floor(resumes_s):
    rows = run([
        (0.0, 4.0, "Do you sleep well?", 0),
        (4.8, 5.3, "Yes.", 1),
        (5.3 + resumes_s, 12.0, "That is good to hear.", 0),
    ])  # fmt: skip
    reply = next(row for row in rows if row["speaker"] == 1)
    assert reply["is_backchannel"] == (resumes_s < 1)
    assert reply["answers_turn_id"] == 0
    assert reply["response_latency_s"] == pytest.approx(0.8)
    assert (reply["reply_words"], reply["reply_minimal"], reply["reply_agreeing"]) == (
        1,
        True,
        True,
    )
    assert (rows[0]["is_question"], rows[0]["question_type"]) == (True, "closed")


def test_a_question_ends_where_it_is_answered_or_with_its_turn():
    inside = run([
        (0.0, 4.0, "Do you sleep well?", 0),
        (4.8, 5.3, "Yes.", 1),
        (5.6, 30.0, "That is good to hear.", 0),
    ])  # fmt: skip
    assert (inside[0]["end_s"], inside[0]["question_end_s"]) == (30.0, 4.0)
    assert [row["takes_floor"] for row in inside] == [True, False]
    closing = run([(0.0, 4.0, "How was it?", 0), (5.0, 9.0, "It was really fine.", 1)])
    assert [row["question_end_s"] for row in closing] == [4.0, None]


def test_remote_replies_are_kept_and_marked():
    talk = []
    for i in range(24):
        at = 121.0 + 12 * i
        talk += [(at, at + 3, "How was that?", 0), (at + 4 + i % 3, at + 9, "Quite good then.", 1)]
    for count, reason in ((48, "remote_delay"), (18, "few_samples")):
        rows = run(talk[:count], capture="remote")
        replies = [row for row in rows if row["answers_turn_id"] is not None]
        assert {row["response_latency_reason"] for row in replies} == {reason}
        assert all(row["response_latency_s"] is not None for row in replies)


def test_an_acknowledgement_that_follows_no_question_is_no_reply():
    spoken_over = [
        (0.0, 4.0, "Do you sleep well? I ask as you look tired.", 0),
        (2.0, 2.4, "Yes.", 1),
    ]
    plain = [(0.0, 4.0, "It was hard.", 0), (4.3, 4.7, "Yes.", 1), (5.0, 9.0, "Very hard.", 0)]
    for talk in (spoken_over, plain):
        assert {row["answers_turn_id"] for row in run(talk)} == {None}


def test_latency_z_is_robust_and_gated():
    rng = np.random.default_rng(3)
    gaps = np.concatenate([rng.uniform(0.4, 1.6, 24), [6.0]])
    talk, at = [], 121.0
    for gap in gaps:
        talk += [
            (at, at + 3, "How was that?", 0),
            (at + 3 + gap, at + 8 + gap, "Quite good then.", 1),
        ]
        at += 10 + gap
    replies = [row for row in run(talk) if row["answers_turn_id"] is not None]
    logs = np.log(gaps + 0.25)
    mad = 1.4826 * np.median(np.abs(logs - np.median(logs)))
    expected = (logs - np.median(logs)) / mad
    np.testing.assert_allclose([row["response_latency_z"] for row in replies], expected, rtol=1e-4)
    assert {row["response_latency_reason"] for row in replies} == {None}
    some = [row for row in run(talk[:30]) if row["answers_turn_id"] is not None]
    assert {row["response_latency_reason"] for row in some} == {"few_samples"}
    assert all(row["response_latency_z"] is not None for row in some)
    few = [row for row in run(talk[:18]) if row["answers_turn_id"] is not None]
    assert {row["response_latency_z"] for row in few} == {None}


def test_without_roles_or_words_nothing_is_claimed():
    talk = [(0.0, 4.0, "How was it?", 0), (5.0, 9.0, "It was fine.", 1)]
    unknown = run(talk, roles=("unknown", "unknown"))
    assert [row["is_question"] for row in unknown] == [True, False]
    assert {(r["response_latency_s"], r["response_latency_reason"]) for r in unknown} == {
        (None, "no_role")
    }
    silent = run(talk, transcribed=False, settings=LanguageSettings())
    assert {(r["is_question"], r["word_count"], r["response_latency_reason"]) for r in silent} == {
        (None, None, "no_transcript")
    }
    assert run([]) == []


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("would it be ok/alright", "So would it be alright, then?", True),
        ("i guess (so)", "I guess.", True),
        ("can ... help", "Can you really not help", True),
        ("^ no", "well no", False),
        ("right $", "that is right", True),
        ("art", "party", False),
    ],
)
def test_phrase_notation(phrase, text, expected):
    assert contains(compile_phrases([phrase]), tokens(text)) is expected


def test_whole_match_and_bad_phrases():
    pattern = compile_whole(["yeah", "i guess (so)"], ["um"])
    assert contains(pattern, tokens("Um, yeah. I guess so."))
    assert not contains(pattern, tokens("Yeah, I went there."))
    assert not contains(pattern, tokens("Um."))
    for bad in ("a|b", "", "what[s]"):
        with pytest.raises(ConfigError, match="phrase"):
            compile_phrases([bad])
    with pytest.raises(ConfigError, match="fillers"):
        QuestionRules({}, punctuated=True)
