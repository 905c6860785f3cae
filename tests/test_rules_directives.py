"""R9 on planted turns: leave asked or not, and each thing that may follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline import tables
from pipeline.rules.r9_directives import RULE, DirectivesSettings, find
from pipeline.rules.section import CandidatesSettings

DIRECTIVE, ASKED_S = 10, 420.0
"""Turn, and when it begins: turns take 20 s each, with 2 s between two."""


def found(changes: dict[int, dict[str, Any]], fall: float = 0.0, fall_at_s: float = 450.0) -> Any:
    rows = []
    for at in range(24):
        start = 200.0 + 22.0 * at
        row = dict.fromkeys(tables.TURNS.by_name) | {
            "session_id": "s-1", "turn_id": at, "speaker": at % 2, "is_backchannel": False,
            "takes_floor": True, "role": ("therapist", "client")[at % 2], "word_count": 40,
            "start_s": start, "end_s": start + 20, "directive_strong": int(at == DIRECTIVE),
            "permission_phrase": False, "topic_cohesion_z": -1.0,
            "client_demur": False if at == DIRECTIVE + 1 else None,
        }  # fmt: skip
        rows.append(row | changes.get(at, {}))
    seconds = np.arange(900.0)
    value = 60.0 - fall * ((seconds >= fall_at_s) & (seconds < fall_at_s + 30))
    ratings = {"session_id": ["s-1"] * 900, "rater": ["client"] * 900, "t_s": seconds}
    quality = dict.fromkeys(tables.RATING_QUALITY.by_name) | {
        "session_id": "s-1", "rater": "client", "quality": "ok", "dial_median": 60.0,
        "sentence": "",
    }  # fmt: skip
    given = {
        "turns": tables.TURNS.build_rows(rows),
        "ratings": tables.RATINGS.build(ratings | {"value_raw": value, "value": value}),
        "rating_quality": tables.RATING_QUALITY.build_rows([quality]),
    }
    return find(RULE.given(given), CandidatesSettings(), DirectivesSettings())


DEMURS = {DIRECTIVE + 1: {"client_demur": True}}
BRIEF = {DIRECTIVE + 1: {"word_count": 3}}


@pytest.mark.parametrize(
    ("changes", "fall", "features"),
    [
        (DEMURS, 0.0, ["client_demur"]),
        (BRIEF, 0.0, ["word_count"]),
        (
            {DIRECTIVE + 2: {"directive_strong": 1, "topic_cohesion_z": 0.0}},
            0,
            ["directive_strong"],
        ),
        ({}, 11.0, ["dial_client", "dial_client"]),
    ],
    ids=["demur", "brief turn", "again", "lower dial"],
)
def test_what_may_follow(changes: Any, fall: float, features: list[str]) -> None:
    (draft,) = found(changes, fall)
    assert draft.start_s == ASKED_S
    assert [item.feature for item in draft.evidence] == ["directive_strong", *features]
    assert draft.low_confidence
    assert draft.score == pytest.approx(0.7 * 0.5 * 1.5 * 2)


@pytest.mark.parametrize(
    ("changes", "fall", "fall_at_s"),
    [
        ({}, 0.0, 450.0),
        (DEMURS | {DIRECTIVE: {"permission_phrase": True, "directive_strong": 1}}, 0.0, 450.0),
        (DEMURS | {DIRECTIVE - 4: {"permission_phrase": True}}, 0.0, 450.0),
        ({DIRECTIVE + 1: {"word_count": 4}}, 0.0, 450.0),
        ({DIRECTIVE + 1: {"word_count": 0}}, 0.0, 450.0),
        ({DIRECTIVE + 2: {"directive_strong": 1, "topic_cohesion_z": None}}, 0.0, 450.0),
        ({}, 9.0, 450.0),
        ({}, 30.0, 501.0),
    ],
    ids=["nothing", "leave", "leave before", "4 words", "no words", "topic", "9 points", "late"],
)
def test_what_does_not_fire(changes: Any, fall: float, fall_at_s: float) -> None:
    assert found(changes, fall, fall_at_s) == []


def test_leave_counts_for_two_turns_of_the_therapist() -> None:
    asked_long_before = {DIRECTIVE - 6: {"permission_phrase": True}}
    assert len(found(DEMURS | asked_long_before)) == 1


def test_a_dial_that_passes_through_is_no_fall() -> None:
    """A level is the mean of ten seconds: five seconds 19 points lower are not ten points."""
    assert found({}, 19.0, fall_at_s=495.0) == []
    assert len(found({}, 21.0, fall_at_s=495.0)) == 1
