"""R10 on planted silences: which are proposed, what is said of them, and how they are joined."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import tables
from pipeline.rules.r10_long_silences import LONG, RULE, UNFINISHED, LongSilencesSettings, find
from pipeline.rules.section import CandidatesSettings

Planted = tuple[float, float, int, bool]
"""Start, length, voice before, whether that voice had not finished."""


def found(*planted: Planted) -> Any:
    rows = [
        {"session_id": "s-1", "start_s": start, "end_s": start + length, "after_speaker": voice,
         "before_speaker": 1 - voice, "after_incomplete": unfinished}
        for start, length, voice, unfinished in planted
    ]  # fmt: skip
    roles = [
        {"session_id": "s-1", "speaker": voice, "role": role, "confidence": 1.0,
         "method": "session_toml"} for voice, role in enumerate(("therapist", "client"))
    ]  # fmt: skip
    given = {
        "silences": tables.SILENCES.build_rows(rows),
        "roles": tables.ROLE_ASSIGNMENT.build_rows(roles),
        "turns": tables.TURNS.empty(),
    }
    return find(RULE.given(given), CandidatesSettings(), LongSilencesSettings())


@pytest.mark.parametrize(
    ("planted", "title"),
    [
        ((300.0, 8.0, 1, False), LONG),
        ((300.0, 7.9, 1, False), None),
        ((300.0, 3.0, 0, True), UNFINISHED),
        ((300.0, 2.9, 0, True), None),
        ((300.0, 5.0, 0, False), None),
        ((300.0, 5.0, 1, True), None),
        ((100.0, 20.0, 1, False), None),
    ],
    ids=["8 s", "shorter", "unfinished", "too short", "finished", "client's", "too early"],
)
def test_thresholds(planted: Planted, title: str | None) -> None:
    assert [draft.title for draft in found(planted)] == ([title] if title else [])


def test_a_silence_is_an_event_and_may_be_shorter_than_a_moment() -> None:
    (draft,) = found((300.0, 8.0, 1, False), (900.0, 4.0, 1, False))
    assert draft.span == (300.0, 308.0)
    assert [(item.value, item.usual) for item in draft.evidence] == [(8.0, 6.0)]


def test_silences_that_lie_close_are_one_moment_and_longer_ones_come_first() -> None:
    first, second = found((300.0, 9.0, 1, False), (330.0, 9.0, 1, False), (900.0, 20.0, 1, False))
    assert (first.span, len(first.evidence)) == ((300.0, 339.0), 2)
    assert second.score > first.score
