"""Doubts about a pack's words: speech left without words, text in circles, improbable text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import Interval, TimedWord
from models.options import TranscriberOptions
from models.speech.doubts import LONGEST_WORD_S, REACH_S, Heard, repetition, unworded_s

PACK = Interval(0.0, 30.0)
OPTIONS = TranscriberOptions()
STEP_S = 0.01
stretches = st.lists(st.tuples(st.integers(0, 600), st.integers(1, 500)), max_size=12)


def said(*spans):
    return [TimedWord(start, end, "so") for start, end in spans]


@given(stretches, stretches)
def test_speech_without_words_is_what_a_drawing_of_it_leaves(speech, words):
    """Against a bitmap of 10 ms."""
    at, spans = 0, []
    for gap, length in speech:
        spans.append(Interval((at + gap) * STEP_S, (at + gap + length) * STEP_S))
        at += gap + length
    spoken = [(start * STEP_S, (start + length) * STEP_S) for start, length in words]
    left = np.zeros(60_000, bool)
    for one in spans:
        left[round(one.start_s / STEP_S) : round(one.end_s / STEP_S)] = True
    left[round(PACK.end_s / STEP_S) :] = False
    for start, end in spoken:
        edges = [(start, end)] if end - start <= LONGEST_WORD_S else [(start,) * 2, (end,) * 2]
        for a, b in edges:
            first, last = round((a - REACH_S) / STEP_S), round((b + REACH_S) / STEP_S)
            left[max(0, first) : last] = False
    assert unworded_s(spans, said(*spoken), PACK) == pytest.approx(left.sum() * STEP_S, abs=1e-6)


def test_a_sentence_left_out_shows_in_the_word_stretched_over_it():
    speech = [Interval(0.0, 10.0)]
    assert unworded_s(speech, said((0.0, 1.0), (1.0, 8.0), (8.0, 10.0)), PACK) > 5.0
    assert unworded_s(speech, said(*((at, at + 1.0) for at in range(10))), PACK) == 0.0


@pytest.mark.parametrize(
    ("text", "circles"),
    [("and then I went " * 12, True), ("", False), ("Mm-hmm. Mm-hmm. Yeah.", False)],
)
def test_text_in_circles_compresses(text, circles):
    heard = Heard(PACK, tuple(said((0.0, 1.0))), -0.2, repetition(text), 0.0)
    assert heard.is_unsure(OPTIONS) == heard.is_doubtful(OPTIONS) == circles


@pytest.mark.parametrize(
    ("probabilities", "is_silent", "is_borne_out"),
    [
        ((0.011,), False, False),  # the most that "Yeah." had where nobody spoke
        ((0.008, 0.517), False, False),
        ((0.187,), False, True),  # a real "yep" in a large room
        ((0.013, 0.864, 0.983), False, True),  # one improbable word among others
        ((0.9,), True, False),
        ((), False, False),
        ((0.0,), False, False),
    ],
)
def test_words_are_borne_out_by_what_they_are_without_the_text_before(
    probabilities, is_silent, is_borne_out
):
    words = tuple(TimedWord(0.0, 1.0, "so", one) for one in probabilities)
    heard = Heard(PACK, words, -0.2, 1.0, 0.0, is_silent)
    assert heard.is_borne_out(OPTIONS) == is_borne_out


def test_improbable_words_are_unsure_and_speech_without_words_is_heard_again():
    words = tuple(said((0.0, 1.0)))
    assert Heard(PACK, words, -1.2, 1.0, 0.0).is_unsure(OPTIONS)
    assert not Heard(PACK, (), -1.2, 1.0, 0.0).is_unsure(OPTIONS)  # nothing to doubt
    lost = Heard(PACK, words, -0.2, 1.0, 1.5)
    assert (lost.is_unsure(OPTIONS), lost.is_doubtful(OPTIONS)) == (False, True)
    assert not replace(lost, words=(), is_silent=True).is_doubtful(OPTIONS)
