"""Word times: pauses beside a word are cut off it, and nothing else changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.base import Interval, TimedWord
from models.speech.word_times import within_speech

lengths = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60)), max_size=15)


def laid_out(steps):
    """Start and end in tenths of a second, one after the other."""
    at, found = 0, []
    for gap, length in steps:
        found.append(((at + gap) / 10, (at + gap + length) / 10))
        at += gap + length
    return found


@given(lengths, lengths)
def test_a_word_ends_and_begins_in_speech_or_keeps_its_time(said, spoken):
    speech = [Interval(*span) for span in laid_out(spoken)]
    words = [TimedWord(*span, "so") for span in laid_out(said)]
    found = within_speech(words, speech)
    assert [one.start_s for one in found] == sorted(one.start_s for one in found)
    for before, after in zip(words, found, strict=True):
        reached = [s for s in speech if s.start_s < before.end_s and s.end_s > before.start_s]
        edges = before.start_s, before.end_s
        if reached:
            edges = max(edges[0], reached[0].start_s), min(edges[1], reached[-1].end_s)
        assert (after.start_s, after.end_s) == edges


def test_a_pause_is_cut_off_both_words_beside_it():
    speech = [Interval(1.0, 2.0), Interval(5.0, 6.0)]
    found = within_speech([TimedWord(1.5, 3.1, "so"), TimedWord(3.1, 5.4, "well")], speech)
    assert [(word.start_s, word.end_s) for word in found] == [(1.5, 2.0), (5.0, 5.4)]
