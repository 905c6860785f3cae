"""R8 on a planted long turn: which changes count, and that two of four are needed."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from pipeline import tables
from pipeline.rules.cue_windows import TRAVEL
from pipeline.rules.r8_long_holds import RULE, LongHoldsSettings, find
from pipeline.rules.section import CandidatesSettings

START, END = 300.0, 370.0
CHANGES = {"late", "brief", "gaze", "dial"}
FEATURES = {"late": "response_latency_s", "brief": "reply_words", "dial": "dial_client"}
FEATURES["gaze"] = TRAVEL.name


def found(changed: set[str], *, first: Any = (), reply: Any = (), z: float = 1.5) -> Any:
    blank = dict.fromkeys(tables.TURNS.by_name) | {
        "session_id": "s-1", "is_backchannel": False, "takes_floor": True,
    }  # fmt: skip
    hold = blank | {
        "turn_id": 0, "speaker": 0, "role": "therapist", "start_s": START, "end_s": END,
        "therapist_hold_s": END - START, "word_count": 100,
    }  # fmt: skip
    answer = blank | {
        "turn_id": 1, "speaker": 1, "role": "client", "start_s": END + 4, "end_s": END + 6,
        "answers_turn_id": 0, "response_latency_s": 4.0, "reply_words": 2,
        "response_latency_z": z if "late" in changed else 0.0, "reply_minimal": "brief" in changed,
    }  # fmt: skip
    given = {
        "turns": tables.TURNS.build_rows([hold | dict(first), answer | dict(reply)]),
        "windows": windows(-z if "gaze" in changed else 0.0),
    }
    return find(
        RULE.given(given | dial(10.0 if "dial" in changed else 9.9)),
        CandidatesSettings(),
        LongHoldsSettings(),
    )


def windows(z: float) -> Any:
    columns: dict[str, Any] = {name: [None] * 120 for name in tables.WINDOWS.by_name}
    start: Any = 5.0 * np.arange(120)
    scores = np.where(start + 30 == END, z, np.resize([-0.1, 0.1], 120))
    columns |= {"session_id": ["s-1"] * 120, "start_s": start, "end_s": start + 30}
    return tables.WINDOWS.build(columns | {TRAVEL.name: 9 + scores, f"{TRAVEL.name}_z": scores})


def dial(fall: float) -> Any:
    seconds = np.arange(600.0)
    value = 60.0 - fall * (seconds >= END)
    ratings = {"session_id": ["s-1"] * 600, "rater": ["client"] * 600, "t_s": seconds}
    quality = dict.fromkeys(tables.RATING_QUALITY.by_name) | {
        "session_id": "s-1", "rater": "client", "quality": "ok", "dial_median": 60.0,
        "sentence": "",
    }  # fmt: skip
    return {
        "ratings": tables.RATINGS.build(ratings | {"value_raw": value, "value": value}),
        "rating_quality": tables.RATING_QUALITY.build_rows([quality]),
    }


@pytest.mark.parametrize("pair", combinations(sorted(CHANGES), 2))
def test_any_two_changes_fire_with_their_numbers(pair: tuple[str, str]) -> None:
    (draft,) = found(set(pair))
    assert {item.feature for item in draft.evidence} == {
        "therapist_hold_s", *(FEATURES[name] for name in pair),
    }  # fmt: skip
    assert draft.start_s == START
    assert draft.score == pytest.approx(2 * 1.5, abs=0.01)


@pytest.mark.parametrize("changed", [set(), *({name} for name in CHANGES)])
def test_a_long_turn_with_less_is_nothing_to_look_at(changed: set[str]) -> None:
    assert found(changed) == []


@pytest.mark.parametrize(
    ("first", "reply", "fires"),
    [
        ({"therapist_hold_s": 59.0}, {}, 0),
        ({"therapist_hold_s": 59.0, "word_count": 150}, {}, 1),
        ({"therapist_hold_s": None, "word_count": 150}, {}, 0),
        ({}, {"start_s": END + 61, "end_s": END + 63}, 0),
        ({}, {"answers_turn_id": None}, 0),
    ],
    ids=["shorter", "many words", "not the therapist's", "no reply soon", "no reply"],
)
def test_what_is_long_and_which_reply_is_next(first: Any, reply: Any, fires: int) -> None:
    assert len(found({"late", "brief"}, first=first, reply=reply)) == fires


def test_under_the_threshold_nothing_counts() -> None:
    assert found({"late", "gaze"}, z=1.49) == []
