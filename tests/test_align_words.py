"""Directive phrases per 1,000 words around each window, from planted turns."""

from __future__ import annotations

import numpy as np
import pytest
from test_stages_align import DURATION_S, aligned, alternating, column, feature, turns

NAME = "therapist_directive_strong_pk"
FIGURE = "therapist_directives_pk"


def spoken(words, phrases, *, role="therapist", every_s=15.0):
    """A turn of 10 s of the therapist every `every_s`; phrases from 450 s on."""
    return [
        {
            "start_s": t,
            "end_s": t + 10,
            "speaker": 0,
            "role": role,
            "word_count": words,
            "directive_strong": phrases if t >= 450 else 0,
            "generalising": 0,
        }
        for t in np.arange(0.0, DURATION_S, every_s)
    ]


def test_the_rate_is_that_of_the_five_minutes_around() -> None:
    outputs = aligned(alternating(), turns(spoken(25, 1)))
    rate, start_s = column(outputs, NAME), column(outputs, "start_s")
    assert rate[start_s.index(200)] == 0.0
    assert rate[start_s.index(435)] == pytest.approx(20.0, rel=0.02)  # half of the span
    assert rate[start_s.index(700)] == pytest.approx(40.0)
    assert feature(outputs, FIGURE)["value"] == pytest.approx(20.0)


def test_a_turn_that_reaches_into_the_span_counts_by_its_share() -> None:
    long = [{"start_s": 0.0, "end_s": 600.0, "speaker": 0, "role": "therapist",
             "word_count": 1200, "directive_strong": 12, "generalising": 0}]  # fmt: skip
    outputs = aligned(alternating(), turns(long))
    assert column(outputs, NAME)[:100] == pytest.approx([10.0] * 100)


def test_under_a_hundred_words_there_is_no_rate() -> None:
    outputs = aligned(alternating(), turns(spoken(4, 1)))  # 80 in 300 s, 240 in the session
    assert set(column(outputs, NAME)) == {None}
    assert set(column(outputs, f"{NAME}_reason")) == {"too_short"}
    assert feature(outputs, FIGURE)["value"] is not None
    few = feature(aligned(alternating(), turns(spoken(1, 1))), FIGURE)
    assert (few["value"], few["reason"]) == (None, "few_samples")


def test_without_words_or_roles_the_reason_says_so() -> None:
    silent = turns([{"start_s": 0.0, "end_s": 10.0, "is_question": None, "word_count": None}])
    assert set(column(aligned(alternating(), silent), f"{NAME}_reason")) == {"no_transcript"}
    client = turns(spoken(25, 1, role="client"))
    assert set(column(aligned(alternating(), client), f"{NAME}_reason")) == {"no_speech"}


def test_z_starts_where_the_span_has_left_the_first_minutes() -> None:
    """A window's 300 s begin 135 s before it: the first 120 s are in windows up to 255 s."""
    rng = np.random.default_rng(1)
    rows = [row | {"directive_strong": int(rng.integers(0, 4))} for row in spoken(25, 1)]
    early = [row | ({"directive_strong": 9} if row["start_s"] < 110 else {}) for row in rows]
    first, second = (aligned(alternating(), turns(listed)) for listed in (rows, early))
    after = column(first, "start_s").index(255)
    z, same = (np.array(column(found, f"{NAME}_z"), float) for found in (first, second))
    assert np.isfinite(z).all()
    assert z[after:] == pytest.approx(same[after:])
    assert z[0] != pytest.approx(same[0])
