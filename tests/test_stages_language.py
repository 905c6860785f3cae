"""Questions and replies on scripted talk."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import tables
from pipeline.config import load_profile
from pipeline.errors import ConfigError
from pipeline.language.cohesion import cohesion
from pipeline.language.lexicon import (
    compile_phrases,
    compile_whole,
    contains,
    phrases_named,
    tokens,
)
from pipeline.language.questions import QuestionRules
from pipeline.language.rates import language_figures
from pipeline.settings import LanguageSettings
from pipeline.stage import Inputs
from pipeline.stages import language, turns

PHRASES = load_profile().language.phrases
SETTINGS = LanguageSettings(phrases=PHRASES, word_rate_min_wps=0.0)
"""The talk here is scripted with few words, slowly said."""
TURNS = load_profile().turns


def run(utterances, roles=("therapist", "client"), **kwargs):
    """Rows of `turns` for (start, end, text, speaker); texts spread evenly over their time."""
    return run_tables(utterances, roles, **kwargs)["turns"].to_pylist()


def run_tables(
    utterances,
    roles=("therapist", "client"),
    *,
    transcribed=True,
    settings=SETTINGS,
    capture="in_room",
    timing="measured",
):
    """The tables of the stage."""
    spans, words = [], []
    for start, end, text, speaker in sorted(utterances):
        blank = dict.fromkeys(tables.DIARIZATION.by_name) | {"session_id": "s01"}
        spans.append(
            {**blank, "start_s": start, "end_s": end, "speaker": speaker, "exclusive": False}
        )
        edges = np.linspace(start, end, len(text.split()) + 1)
        words += [
            {"session_id": "s01", "start_s": a, "end_s": b, "text": word, "probability": None,
             "timing": timing, "speaker": speaker, "is_overlap": False, "stated_role": None,
             "stated_voice": None, "low_confidence": None}
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
    upstream |= turns.run(inputs, None, TURNS).tables
    return language.run(inputs, None, settings).tables


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


@pytest.mark.parametrize(("resumes_s", "until_s"), [(0.3, 5.3), (4.0, 5.3), (0.3, 8.0)])
def test_a_reply_that_was_heard_and_has_no_words_is_a_reply(resumes_s, until_s):
    """From the voice alone: late as it was, and its words are said to be missing, not the reply."""
    rows = run([
        (0.0, 4.0, "Do you sleep well?", 0),
        (4.8, until_s, "", 1),
        (until_s + resumes_s, until_s + 7.0, "That is good to hear.", 0),
    ])  # fmt: skip
    reply = next(row for row in rows if row["speaker"] == 1)
    assert reply["answers_turn_id"] == 0
    assert reply["response_latency_s"] == pytest.approx(0.8)
    assert reply["response_latency_reason"] != "no_question"
    unknown = ("reply_words", "reply_minimal", "reply_agreeing", "reply_echo_ratio", "is_question")
    assert {reply[name] for name in unknown} == {None}
    why = (
        *("reply_words_reason", "reply_echo_ratio_reason", "response_latency_lexical_reason"),
        *("is_question_reason", "words_reason", "topic_cohesion_reason"),
    )
    assert {reply[name] for name in why} == {"words_not_recovered"}


def test_turns_with_few_words_for_their_speech_are_marked():
    gated = LanguageSettings(phrases=PHRASES)
    full, thin = "well " * 12, "well well"
    talk = [(0.0, 4.0, full, 0), (4.5, 8.0, thin, 1), (8.5, 9.4, "", 1), (10.0, 14.0, full, 0)]
    rows = run(talk, settings=gated)
    assert [row["word_rate_wps"] for row in rows] == pytest.approx([3.0, 2 / 4.4, 3.0])
    assert [row["words_reason"] for row in rows] == [None, "low_coverage", None]
    bare = run([(0.0, 4.0, "well", 0), (4.5, 5.0, "well", 1)], settings=gated)
    assert {row["words_reason"] for row in bare} == {"low_coverage"}  # the session as a whole
    assert {row["words_reason"] for row in run(talk)} == {None}  # no gate


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
    assert {(row["words_reason"], row["reflection"]) for row in silent} == {("no_transcript", None)}
    assert {row["topic_cohesion_reason"] for row in silent} == {"no_transcript"}


ASKED = (0.0, 4.0, "How was the garden?", 0)


@pytest.mark.parametrize(
    ("reply", "timing", "expected", "reason"),
    [
        ("Um well good again thanks", "measured", 1.0 + 2 * 1.0, "few_samples"),
        ("Good again it was thanks", "measured", 1.0, "few_samples"),
        ("Um well good again thanks", "interpolated", None, "no_word_times"),
        ("Um uh um uh hmm", "measured", None, "too_short"),
    ],
)
def test_lexical_latency_runs_to_the_first_word_that_is_no_filler(reply, timing, expected, reason):
    row = run([ASKED, (5.0, 10.0, reply, 1)], timing=timing)[1]
    assert row["response_latency_s"] == pytest.approx(1.0)
    assert row["response_latency_lexical_s"] == (expected and pytest.approx(expected))
    assert row["response_latency_lexical_reason"] == reason


def test_echo_is_the_share_of_content_words_the_question_has():
    question = (0.0, 4.0, "Did the garden gate break again?", 0)
    rows = run([question, (5.0, 9.0, "The garden gate was open and neighbours came.", 1)])
    assert rows[1]["reply_echo_ratio"] == pytest.approx(2 / 5)
    rows = run([question, (5.0, 9.0, "The garden gate was open.", 1)])
    assert (rows[1]["reply_echo_ratio"], rows[1]["reply_echo_ratio_reason"]) == (None, "too_short")
    assert rows[0]["reply_echo_ratio_reason"] == "no_question"


def test_cohesion_equals_the_cosine_of_an_independent_tfidf():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    docs = [
        "apple pear plum apple",
        "pear river boat",
        "boat sail wind pear",
        "stone",
        "apple wind",
    ]
    weights = text.TfidfVectorizer().fit(docs)
    found = cohesion([doc.split() for doc in docs])
    assert found[0] is None
    for at in range(1, len(docs)):
        before = " ".join(docs[max(0, at - 3) : at])
        a, b = weights.transform([docs[at], before]).toarray()
        assert found[at] == pytest.approx(float(a @ b), abs=1e-12)


def test_cohesion_is_gated_by_length_and_scored_against_the_same_voice():
    rng = np.random.default_rng(4)
    nouns = ["river", "boat", "morning", "stone", "apple", "garden", "letter", "train"]
    said = [" the ".join(["so", *rng.choice(nouns, 5), "river"]) for _ in range(60)]
    talk = [(10.0 * i, 10.0 * i + 8, text, i % 2) for i, text in enumerate(said)]
    rows = run([*talk, (600.0, 604.0, "the river boat", 0)])
    assert rows[0]["topic_cohesion"] is None
    assert all(0 < row["topic_cohesion"] <= 1 for row in rows[1:60])
    assert (rows[60]["topic_cohesion"], rows[60]["topic_cohesion_reason"]) == (None, "too_short")
    assert {row["topic_cohesion_reason"] for row in rows[1:60]} == {None}
    few = run(talk[:20])
    assert {row["topic_cohesion_reason"] for row in few[1:]} == {"no_baseline"}


@pytest.mark.parametrize(
    ("before", "reply", "expected"),
    [
        ("You should call him.", "But he never listens to me.", True),
        ("You should call him.", "I will do that today.", False),
        ("He lives in town.", "But he never listens to me.", None),
        ("That's wonderful.", "Not really.", True),
    ],
)
def test_demur_needs_something_to_hold_back_from(before, reply, expected):
    rows = run([(0.0, 4.0, before, 0), (5.0, 9.0, reply, 1), (12.0, 15.0, "I see it.", 0)])
    assert [row["client_demur"] for row in rows] == [None, expected, None]


@pytest.mark.parametrize(
    ("overlap_s", "expected"), [(0.3, False), (0.5, True), (0.9, True), (1.5, False)]
)
def test_an_interruption_overlaps_and_the_other_stops(overlap_s, expected):
    start = 4.0 - overlap_s
    rows = run([(0.0, 4.0, "It was hard.", 0), (start, start + 5.0, "No it was not.", 1)])
    assert [row["interruption"] for row in rows] == [None, expected]


def test_a_hold_is_the_therapists_turn_with_backchannels_bridged():
    rows = run([
        (0.0, 9.0, "It was hard.", 0), (9.2, 9.6, "Mm-hmm.", 1), (10.0, 20.0, "Very hard.", 0),
        (21.0, 30.0, "It was.", 1),
    ])  # fmt: skip
    assert [row["therapist_hold_s"] for row in rows] == [20.0, None, None]


def test_phrases_quote_what_was_counted_and_when():
    talk = [(0.0, 6.0, "Well, you should go now.", 0), (7.0, 9.0, "But I can't go there.", 1)]
    found = run_tables(talk)["phrases"].to_pylist()
    assert [(row["turn_id"], row["cue"], row["text"]) for row in found] == [
        (0, "directive_strong", "you should"), (1, "demur", "But"),
    ]  # fmt: skip
    assert (found[0]["start_s"], found[0]["end_s"]) == pytest.approx((1.2, 3.6))
    assert run_tables(talk, transcribed=False)["phrases"].num_rows == 0


def test_cues_and_disclosure_gate():
    long = "When I was your age my mother did that to me as well."
    rows = run([(0.0, 6.0, long, 0), (7.0, 9.0, "Trust me. You always say so.", 1),
                (10.0, 12.0, "My own mother.", 0)])  # fmt: skip
    assert [row["self_disclosure"] for row in rows] == [True, None, None]
    assert [row["certainty_phrase"] for row in rows] == [False, True, False]
    assert [row["generalising"] for row in rows] == [0, 1, 0]
    assert {row["solicit_feedback"] for row in rows} == {"none"}


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("would it be ok/alright", "So would it be alright, then?", True),
        ("i guess (so)", "I guess.", True),
        ("can ... help", "Can you really not help", True),
        ("^ no", "well no", False),
        ("right $", "that is right", True),
        ("art", "party", False),
        ("we ... talk", "we", False),
    ],
)
def test_phrase_notation(phrase, text, expected):
    assert contains(compile_phrases([phrase]), tokens(text)) is expected


def test_whole_match_and_bad_phrases():
    pattern = compile_whole(["yeah", "i guess (so)"], ["um"])
    assert contains(pattern, tokens("Um, yeah. I guess so."))
    assert not contains(pattern, tokens("Yeah, I went there."))
    assert not contains(pattern, tokens("Um."))
    for bad in ("a|b", "", "what[s]", "(so) (well)", "... (so)"):
        with pytest.raises(ConfigError, match="phrase"):
            compile_phrases([bad])
    with pytest.raises(ConfigError, match="fillers"):
        QuestionRules({}, punctuated=True)


def test_a_phrase_may_name_another_list():
    lists = {"relatives": ["mother", "son"], "own": ["my (own) @relatives"], "bad": ["my @nobody"]}
    pattern = compile_phrases(phrases_named(lists, "own"))
    assert contains(pattern, tokens("That was my own son."))
    assert not contains(pattern, tokens("That was my own fault."))
    with pytest.raises(ConfigError, match="nobody"):
        phrases_named(lists, "bad")


def figures(rows, why=None, why_roles=None):
    return {name: (value, why) for name, value, why in language_figures(rows, why, why_roles)}


def test_session_figures_are_rates_shares_and_medians():
    talk = []
    for i in range(12):
        at = 20.0 * i
        said = "You should call her. " if i % 4 == 0 else "It sounds like you were tired. "
        talk += [
            (at, at + 8, said + "How was that for you and your son?", 0),
            (at + 9, at + 18, "But nothing ever works for me at home you see.", 1),
        ]
    rows = run(talk)
    found = figures(rows)
    words = sum(row["word_count"] for row in rows if row["role"] == "therapist")
    assert found["therapist_directives_pk"][0] == pytest.approx(1000 * 3 / words)
    assert found["therapist_reflection_prop"][0] == pytest.approx(9 / 12)
    assert found["client_generalising_pk"][0] == pytest.approx(1000 * 24 / (12 * 10))
    assert found["client_reply_words_median_count"][0] == 10
    assert found["client_demur_prop"] == (None, "few_samples")
    assert found["therapist_interruption_count"][0] == 0
    assert found["therapist_somatic_question_count"][0] == 0
    few = figures(run(talk[:2]))
    assert few["therapist_directives_pk"] == (None, "few_samples")


def test_session_figures_of_an_unknown_session_have_its_reason():
    talk = [(0.0, 4.0, "How was it?", 0), (5.0, 9.0, "It was fine.", 1)]
    rows = run(talk, roles=("unknown", "unknown"))
    assert {why for _, why in figures(rows, "no_role", "no_role").values()} == {"no_role"}
    assert {value for value, _ in figures(rows, "no_role", "no_role").values()} == {None}
    silent = figures(run(talk, transcribed=False, settings=LanguageSettings()), "no_transcript")
    assert silent["therapist_interruption_count"] == (0.0, "no_speech")
    assert silent["client_demur_prop"] == (None, "no_transcript")


def test_feedback_is_looked_for_at_the_end_and_repair_at_the_start():
    talk = [
        (0.0, 9.0, "Last week I cut you off, I'm sorry. How was that for you?", 0),
        (10.0, 19.0, "It was fine with me I think.", 1),
        (1500.0, 1504.0, "I'm sorry about last week.", 0),
        (1505.0, 1509.0, "It is okay.", 1),
        (1510.0, 1519.0, "How was today for you?", 0),
        (1520.0, 1529.0, "Good I think.", 1),
    ]
    found = figures(run(talk))
    assert found["therapist_repair_marker_max_count"][0] == 3
    assert found["therapist_feedback_general_count"][0] == 1
    assert found["therapist_feedback_specific_count"][0] == 0
