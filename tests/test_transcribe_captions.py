"""Rules that all transcript formats share."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.transcribe.captions import Cue, Mark, spread, tokens, words_of


def test_signs_are_no_words():
    found = [text for _, text in tokens("Tom & Ann left … yes <3 -- no ♪")]
    assert found == ["Tom&", "Ann", "left…", "yes", "<3--", "no"]
    assert tokens("… -") == []


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1), st.floats(0, 1e4))
def test_spread_words_fill_their_caption_without_gaps(texts, start_s):
    times = spread(texts, start_s, start_s + 7)
    assert times[0][0] == start_s
    assert times[-1][1] == pytest.approx(start_s + 7)
    assert all(a[1] == b[0] for a, b in pairwise(times))
    rates = [(b - a) / len(text) for (a, b), text in zip(times, texts, strict=True)]
    assert rates == pytest.approx([rates[0]] * len(rates), abs=1e-9)


@given(st.data())
def test_words_keep_their_order_whatever_is_timed(data):
    count = data.draw(st.integers(1, 12))
    starts = sorted(data.draw(st.lists(st.floats(0, 10), min_size=count, max_size=count)))
    timed = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    text = " ".join(f"w{index}" for index in range(count))
    places = [text.index(f"w{index}") for index in range(count)]
    ends = data.draw(st.sampled_from([None, 0.3]))
    marks = tuple(
        Mark(at, start, None if ends is None else start + ends)
        for at, start, is_timed in zip(places, starts, timed, strict=True)
        if is_timed
    )
    words = words_of(Cue(0.0, 11.0, text, marks))
    assert [word.text for word in words] == text.split()
    assert all(a.start_s <= b.start_s for a, b in pairwise(words))
    assert all(word.end_s >= word.start_s for word in words)


def test_what_is_blanked_moves_nothing():
    cue = Cue(0.0, 4.0, "[x] one\ntwo", (Mark(8, 2.0),), ((0, "a"), (8, "b")))
    words = words_of(cue.without([(0, 3)]))
    assert [(w.text, w.start_s, w.voice) for w in words] == [("one", 0.0, "a"), ("two", 2.0, "b")]
