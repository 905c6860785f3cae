"""Which end is helpful, by the file's own words and by the rater's."""

from __future__ import annotations

import pytest

from pipeline.dials.direction import disagrees_with_reasons, of_ends, of_name, of_text


@pytest.mark.parametrize(
    ("low", "high", "direction"),
    [
        ("hindering", "helpful", "labelled"),
        ("very negative", "very positive", "labelled"),
        ("not helpful", "helpful", "labelled"),
        ("Unhelpful", "", "labelled"),
        ("", "most helpful", "labelled"),
        ("helpful", "hindering", "reversed"),
        ("helpful", "not helpful", "reversed"),
        ("", "hindrance", "reversed"),
        ("positive", "", "reversed"),
        ("calm", "lively", "unlabelled"),
        ("", "", "unlabelled"),
        ("helpful", "very helpful", "unlabelled"),
    ],
)
def test_labels_at_the_ends(low: str, high: str, direction: str) -> None:
    assert of_ends(low, high) == direction


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("rating", "unlabelled"),
        ("helpfulness", "labelled"),
        ("hindrance", "reversed"),
        ("unhelpful", "reversed"),
        ("Hindering to helpful", "labelled"),
        ("helpful ... hindering", "reversed"),
        ("hindering_0_helpful_100", "labelled"),
        ("rating (100 = hindering, 0 = helpful)", "labelled-not"),
        ("rating (0 = hindering, 100 = helpful)", "labelled"),
        ("helpful 100, hindering 0", "labelled"),
        ("helpful 0, hindering 100", "reversed"),
    ],
)
def test_names_of_columns(name: str, direction: str) -> None:
    assert of_name(name) == direction.replace("labelled-not", "reversed")


def test_a_raters_own_words_can_contradict_the_dial() -> None:
    assert disagrees_with_reasons([70, 80, 75], [30, 20]) is False
    assert disagrees_with_reasons([30, 20, 25], [70, 80]) is True
    assert disagrees_with_reasons([30, 20, 25], [70]) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It was helpful to be listened to", 1),
        ("That helped", 1),
        ("It didn't help at all", -1),
        ("not really helpful", -1),
        ("a bad moment", -1),
        ("good at first and then hindering", 0),
        ("we talked about work", 0),
    ],
)
def test_a_reason_in_words(text: str, said: int) -> None:
    assert of_text(text) == said
