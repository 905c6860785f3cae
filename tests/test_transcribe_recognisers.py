"""JSON of recognisers: word times, gaps in them, each program's layout, and odd values."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import SessionError
from pipeline.transcribe.captions import words_of
from pipeline.transcribe.recognisers import parse


def segment(*words, start=1.0, end=9.0, **more):
    return {"start": start, "end": end, "text": "said", "words": list(words), **more}


def words_in(content):
    return [word for one in parse(json.dumps(content)).cues for word in words_of(one)]


def words_of_segments(*segments):
    return words_in({"segments": segments, "language": "en"})


def test_words_keep_their_times_scores_and_voices():
    found = words_of_segments(
        segment(
            {"word": "Well,", "start": 1.1, "end": 1.4, "score": 0.5, "speaker": "SPEAKER_01"},
            {"word": " yes", "start": 1.5, "end": 1.9, "probability": 0.25},
            speaker="SPEAKER_00",
        )
    )
    assert [(w.start_s, w.end_s, w.text) for w in found] == [(1.1, 1.4, "Well,"), (1.5, 1.9, "yes")]
    assert [(w.probability, w.voice) for w in found] == [(0.5, "SPEAKER_01"), (0.25, "SPEAKER_00")]
    assert all(w.is_measured for w in found)


def test_words_without_times_lie_between_their_neighbours():
    found = words_of_segments(
        segment(
            {"word": "1"},
            {"word": "at", "start": 2.0, "end": 3.0},
            {"word": "10"},
            {"word": "1984"},
            {"word": "so", "start": 6.0, "end": 7.0},
            {"word": "42"},
        )
    )
    expected = [(1, 2), (2, 3), (3, 4), (4, 6), (6, 7), (7, 9)]
    assert [(w.start_s, w.end_s) for w in found] == expected
    assert [w.is_measured for w in found] == [False, True, False, False, True, False]


def test_a_word_without_room_takes_none():
    found = words_of_segments(
        segment(
            {"word": "a", "start": 1, "end": 3}, {"word": "7"}, {"word": "b", "start": 2, "end": 4}
        )
    )
    assert [(w.start_s, w.end_s) for w in found] == [(1, 2), (2, 2), (2, 4)]


@pytest.mark.parametrize("words", [{}, {"words": None}, {"words": []}])
def test_segments_without_words_are_spread(words):
    plain = {"id": 0, "start": 1.0, "end": 2.0, "text": " a bbb", "speaker": "client", **words}
    assert [(w.start_s, w.end_s, w.voice) for w in words_of_segments(plain)] == [
        (1.0, 1.25, "client"),
        (1.25, 2.0, "client"),
    ]


def test_signs_and_empty_segments_have_no_words():
    assert words_of_segments(segment({"word": "..."}), {"start": 3, "end": 3, "text": " "}) == []


SAID = [("How", 1.0, 1.4), ("are", 1.5, 1.8), ("you?", 2.0, 2.5)]
LISTED = [{"word": w.strip("?"), "start": a, "end": b} for w, a, b in SAID]
LAYOUTS = {
    "openai": {"segments": [{"start": 1, "end": 3, "text": " How are you?"}], "words": LISTED},
    "whisperx": {"segments": [{"start": 1, "end": 3, "text": " How are you?"}],
                 "word_segments": [{**word, "score": 0.5} for word in LISTED]},
    "words": {"words": [{"word": w, "start": a, "end": b} for w, a, b in SAID]},
    "list": [{"start": 1, "end": 3, "words": [
        {"word": w, "start": a, "end": b} for w, a, b in SAID]}],
    "amazon": {"results": {"items": [
        {"type": "pronunciation", "start_time": str(a), "end_time": str(b), "speaker_label": "s",
         "alternatives": [{"confidence": "0.9", "content": w.strip("?")}]} for w, a, b in SAID
    ] + [{"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "?"}]}]}},
    "assemblyai": {"text": "How are you?", "utterances": [
        {"speaker": "A", "text": "How are you?", "start": 1000, "end": 2500, "confidence": 0.9,
         "words": [{"text": w, "start": int(a * 1e3), "end": int(b * 1e3)} for w, a, b in SAID]}]},
    "deepgram": {"results": {"channels": [{"alternatives": [{"words": [
        {"word": w.lower().strip("?"), "punctuated_word": w, "start": a, "end": b, "speaker": 0}
        for w, a, b in SAID]}]}]}},
    "rev": {"monologues": [{"speaker": 0, "elements": [
        one for w, a, b in SAID for one in (
            {"type": "text", "value": w, "ts": a, "end_ts": b},
            {"type": "punct", "value": " "})]}]},
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_each_program(layout):
    found = words_in(LAYOUTS[layout])
    assert [(w.text, w.start_s, w.end_s) for w in found] == SAID
    assert all(w.is_measured for w in found)


def test_whisper_cpp_counts_milliseconds():
    one = {"offsets": {"from": 1000, "to": 3000}, "text": " How are you?"}
    found = words_in({"result": {"language": "en"}, "transcription": [one]})
    assert [w.text for w in found] == ["How", "are", "you?"]
    assert (found[0].start_s, found[-1].end_s) == (1.0, 3.0)


@pytest.mark.parametrize(
    "odd",
    [
        "secret",
        {"text": "secret"},
        {"start": 3, "end": 2, "text": "secret"},
        {"start": float("nan"), "end": 2, "text": "secret"},
        {"start": 10**400, "end": 10**401, "text": "secret"},
        {"start": "x", "end": [], "text": "secret"},
    ],
)
def test_an_odd_segment_costs_that_segment(odd):
    found = parse(json.dumps({"segments": [odd, {"start": 1, "end": 2, "text": "yes"}]}))
    assert [cue.text for cue in found.cues] == ["yes"]
    assert len(found.faults) == 1
    assert found.faults[0].startswith("segment 1: ")
    assert "secret" not in found.faults[0]


@pytest.mark.parametrize(
    "odd",
    [
        {"score": float("nan")},
        {"score": 7},
        {"score": "x"},
        {"start": 3, "end": 2},
        {"start": -1},
        {"start": {}, "end": "2"},
    ],
)
def test_an_odd_value_costs_that_value(odd):
    word = {"word": "so", "start": 2, "end": 3, "score": 0.5} | odd
    found = parse(json.dumps({"segments": [segment(word)]}))
    (only,) = words_of(found.cues[0])
    assert (only.text, found.odd_values) == ("so", 1)
    assert only.probability is None or not only.is_measured


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", 'no list "segments"'),
        ("[" * 20_000 + "]" * 20_000, "its lists lie too deep in each other"),
        ('{"segments": [' + "9" * 5000 + "]}", "it holds a number that is too long"),
        ('{"results": {}}', 'no list "items" in "results"'),
    ],
)
def test_what_is_no_transcript_is_said(text, message):
    with pytest.raises(SessionError) as error:
        parse(text)
    assert str(error.value).startswith(message)


def test_half_characters_are_no_text():
    (word,) = words_in({"segments": [{"start": 1, "end": 2, "text": "so \ud800 "}]})
    assert word.text == "so"
