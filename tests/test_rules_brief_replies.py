"""R5 on planted replies: which count, where a run begins and ends, and what is handed on."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import tables
from pipeline.rules.r5_brief_replies import BriefRepliesSettings, brief_reply_runs, open_replies
from pipeline.rules.section import CandidatesSettings

SHARED, OWN = CandidatesSettings(), BriefRepliesSettings()


def talk(words: list[int | None], step_s: float = 40.0, first_s: float = 200.0, **changes: Any):
    """Open questions and replies of so many words, one every `step_s`."""
    rows = []
    for at, count in enumerate(words):
        asked = dict.fromkeys(tables.TURNS.by_name) | {
            "session_id": "s-1", "turn_id": 2 * at, "speaker": 0, "role": "therapist",
            "start_s": first_s + step_s * at, "end_s": first_s + step_s * at + 5.0,
            "is_question": True, "question_type": "open", "is_backchannel": False,
            "takes_floor": True,
        }  # fmt: skip
        start = asked["end_s"] + 1.0
        reply = asked | {
            "turn_id": 2 * at + 1, "speaker": 1, "role": "client", "answers_turn_id": 2 * at,
            "start_s": start, "end_s": start + 0.4 * (count or 1), "question_type": None,
            "is_question": False, "response_latency_s": 1.0, "reply_words": count,
            "reply_minimal": None if count is None else count <= 3, "reply_agreeing": False,
        }  # fmt: skip
        rows += [asked, reply | changes]
    return rows


def runs(rows: list[dict[str, Any]]):
    return brief_reply_runs(open_replies(tables.TURNS.build_rows(rows)), SHARED, OWN)


def test_three_brief_of_four_fire_with_their_evidence() -> None:
    (found,) = runs(talk([30, 40, 2, 1, 30, 3, 50, 40]))
    assert found.span == pytest.approx((285.0, 407.2))
    assert [(item.value, item.usual) for item in found.evidence] == [(2, 30), (1, 30), (3, 30)]
    assert found.score == pytest.approx(3 * 1.5 * 0.9)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (talk([30, 2, 40, 1, 30, 30, 3]), "two of four"),
        (talk([30, 2, 40, 1, 2, 30], step_s=121.0), "over more than six minutes"),
        (talk([1, 2, 1, 2], first_s=-150.0), "one of four after two minutes"),
        (talk([4, 4, 4, 4, 4]), "four words are not few"),
        (talk([2, None, 2, 40, 40]), "words not recovered"),
    ],
)
def test_replies_that_do_not_fire(rows: list[dict[str, Any]], why: str) -> None:
    assert runs(rows) == [], why


def test_only_open_questions_count() -> None:
    closed = [
        row | ({"question_type": "closed"} if row["role"] == "therapist" else {})
        for row in talk([2] * 8)
    ]
    assert runs(closed) == []


def test_acknowledgements_count_whatever_their_length_and_unsure_words_are_told() -> None:
    (found,) = runs(talk([9] * 4, reply_agreeing=True, words_reason="words_unsure"))
    assert len(found.evidence) == 4
    assert found.low_confidence


def test_lost_words_between_do_not_part_a_run() -> None:
    assert len(runs(talk([2, None, 2, 1, 30]))) == 1
