"""JSON of WhisperX and Whisper: word times, gaps in them, and errors."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import SessionError
from pipeline.transcripts.whisperx_json import parse


def segment(*words, start=1.0, end=9.0, **more):
    return {"start": start, "end": end, "text": "said", "words": list(words), **more}


def words_of(*segments):
    found = parse(json.dumps({"segments": segments, "language": "en"}))
    return [word for one in found for word in one.words]


def test_words_keep_their_times_scores_and_voices():
    found = words_of(
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
    found = words_of(
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
    found = words_of(
        segment(
            {"word": "a", "start": 1, "end": 3}, {"word": "7"}, {"word": "b", "start": 2, "end": 4}
        )
    )
    assert [(w.start_s, w.end_s) for w in found] == [(1, 3), (3, 3), (2, 4)]


@pytest.mark.parametrize("words", [{}, {"words": None}, {"words": []}])
def test_segments_without_words_are_spread(words):
    plain = {"id": 0, "start": 1.0, "end": 2.0, "text": " a bbb", "speaker": "client", **words}
    found = words_of(plain)
    assert [(w.start_s, w.end_s, w.voice) for w in found] == [
        (1.0, 1.25, "client"),
        (1.25, 2.0, "client"),
    ]


def test_signs_and_empty_segments_have_no_words():
    assert words_of(segment({"word": "..."}), {"start": 3, "end": 3, "text": " "}) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", 'top level: no list "segments"'),
        ({"segments": ["secret"]}, "segment 1: is str; allowed: an object"),
        ({"segments": [segment(), segment(end="x")]}, 'segment 2: "end" is str; allowed: a number'),
        ({"segments": [{"text": "secret"}]}, "segment 1: start None, end None; allowed: two times"),
        ({"segments": [segment(start=3, end=2)]}, "segment 1: start 3.0, end 2.0"),
        ({"segments": [segment(start=float("nan"))]}, 'segment 1: "start" is no number'),
        ({"segments": [segment(start=10**400)]}, 'segment 1: "start" is no number'),
        ({"segments": [{**segment(), "words": {"secret": 1}}]}, 'segment 1: "words" is dict'),
        (
            {"segments": [segment({"word": "a"}, {"word": "secret", "start": 3, "end": 2})]},
            "segment 1, word 2: ends at 2 s, before its start at 3 s",
        ),
        ({"segments": [segment({"word": 7})]}, 'segment 1, word 1: "word" is int; allowed: text'),
        ({"segments": [segment({"word": "a", "start": -1})]}, 'segment 1, word 1: "start" is -1'),
        (
            {"segments": [segment({"word": "a", "start": 1, "end": 2, "score": 7})]},
            "segment 1, word 1: score 7; allowed: 0 to 1",
        ),
    ],
)
def test_a_broken_place_is_named_and_never_quoted(content, message):
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(SessionError) as error:
        parse(text, file="talk.json")
    assert str(error.value).startswith(f"talk.json, {message}")
    assert "secret" not in str(error.value)
