"""Planted and recognised words laid side by side: known edits give known rates, pairs and times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.made import recognised

WORDS = st.lists(st.sampled_from(["yes", "no", "the", "garden", "rain", "I"]), max_size=20)


def timed(*words, gap_s=0.1, length_s=0.3):
    step = gap_s + length_s
    return [
        {"text": text, "start_s": i * step, "end_s": i * step + length_s}
        for i, text in enumerate(words)
    ]


def test_signs_case_and_hyphens_are_no_errors():
    lineup = recognised.line_up(
        ["Well,", "a", "check-in", "isn’t"], ["well", "A", "check", "in", "isn't"]
    )
    assert (lineup.planted, lineup.errors) == (5, 0)
    assert lineup.pairs == ((0, 0), (1, 1), (2, 2), (2, 3), (3, 4))


@pytest.mark.parametrize(
    ("found", "rate"),
    [("a b c d", 0.0), ("a x c d", 0.25), ("a c d", 0.25), ("a b b c d", 0.25), ("", 1.0)],
)
def test_each_kind_of_error_counts_once(found, rate):
    assert recognised.line_up(["a", "b", "c", "d"], found.split()).error_rate == rate


def test_words_where_none_were_planted_are_errors():
    assert recognised.line_up([], ["thank", "you"]).error_rate == 1.0
    assert recognised.line_up([], []).error_rate == 0.0


@given(WORDS, WORDS)
def test_pairs_are_equal_words_in_order(planted, found):
    lineup = recognised.line_up(planted, found)
    assert all(planted[i] == found[j] for i, j in lineup.pairs)
    assert list(lineup.pairs) == sorted(set(lineup.pairs))
    assert lineup.errors <= max(len(planted), len(found))
    assert len(lineup.pairs) + lineup.errors >= max(len(planted), len(found))


def test_times_are_compared_for_words_that_are_the_same():
    planted, found = timed("one", "two", "three"), timed("one", "too", "three")
    found[2]["start_s"] += 0.25
    lineup = recognised.line_up([w["text"] for w in planted], [w["text"] for w in found])
    assert recognised.time_errors_s(lineup, planted, found) == pytest.approx([0.0, 0.25])


def test_the_first_word_after_a_pause_is_looked_at_alone():
    planted = timed("one", "two", "three")
    for word in planted[1:]:
        word["start_s"] += 1.0
        word["end_s"] += 1.0
    found = [dict(word) for word in planted]
    found[0]["start_s"] += 0.01
    found[1]["start_s"] += 0.2
    lineup = recognised.line_up(["one", "two", "three"], ["one", "two", "three"])
    errors = recognised.after_pause_errors_s(lineup, planted, found, pause_s=0.5)
    assert errors == pytest.approx([0.01, 0.2])


def test_a_question_counts_where_it_ends():
    planted = [{"end_s": 10.0}, {"end_s": 20.0}, {"end_s": 30.0}]
    turns = [
        {"is_question": True, "question_end_s": 10.4},
        {"is_question": False, "question_end_s": None},
        {"is_question": True, "question_end_s": 31.5},
    ]
    assert recognised.questions_found(planted, turns) == 1
