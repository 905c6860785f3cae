"""R9: the therapist told the client what to do without asking leave, and something followed.

What follows is the client's next turn (it opens with "no", "yes, but" or the like, or is of a few
words), a second directive on the same topic, or a lower dial. Phrases find advice less often than
not (METHODS: Words), so all of it is of low confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from pipeline import tables
from pipeline.rules.client_dial import NEEDS, ClientDial, client_dial
from pipeline.rules.rule import (
    QUALITY_WEIGHTS,
    Draft,
    Evidence,
    Given,
    Rule,
    Unapplied,
    scored,
    tidy,
)
from pipeline.rules.talk import too_little_speech
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.timeline import Seconds, Span

TITLE = "Directive phrases without asking leave (phrase match, low confidence)"
WEIGHT = 0.7
TURNS_BEFORE = 2
"""Turns of the therapist before the directive in which leave may have been asked."""
SAME_TOPIC_Z = 0.0
"""A turn is on the topic if it fits the three before it at least as well as usual [ours]."""

Row = dict[str, Any]


class DirectivesSettings(Section):
    """Directives without permission."""

    again_s: float = Field(120.0, gt=0, description="A second directive counts within, s")
    brief_words: int = Field(3, ge=1, description="A next turn of at most this many words counts")
    dial_points: float = Field(10.0, gt=0, description="A fall of the client's dial counts from")
    dial_s: float = Field(60.0, gt=0, description="within this long after the directive, s")


@dataclass(frozen=True, slots=True)
class Followed:
    """A directive and what followed it."""

    span: Span
    conditions: int
    evidence: tuple[Evidence, ...]


def find(given: Given, shared: SharedSettings, own: DirectivesSettings) -> list[Draft]:
    """One draft per directive that something followed, or per few that lie close together."""
    turns = given["turns"].sort_by("start_s").to_pylist()
    floor = [turn for turn in turns if turn["takes_floor"]]
    dial = client_dial(given)
    found = [
        followed
        for at, turn in enumerate(floor)
        if turn["start_s"] >= shared.earliest_s
        and _directs(turn)
        and not _leave_asked(floor, at)
        and (followed := _followed(floor, at, dial, own)) is not None
    ]
    spans = tidy([one.span for one in found], shared, are_events=True)
    return [_draft(span, found, shared) for span in spans]


def unapplied(given: Given, shared: SharedSettings, own: DirectivesSettings) -> Unapplied | None:
    """Too little was heard, or none of the therapist's words are known."""
    del own
    turns = given["turns"]
    if (too_little := too_little_speech(turns, shared)) is not None:
        return too_little
    if any(turn["directive_strong"] is not None for turn in turns.to_pylist()):
        return None
    return Unapplied("no_transcript", "no transcript to find directives in")


def _directs(turn: Row) -> bool:
    return turn["role"] == "therapist" and bool(turn["directive_strong"])


def _leave_asked(floor: Sequence[Row], at: int) -> bool:
    """In the turn itself or in the therapist's two before it."""
    own = [turn for turn in floor[: at + 1] if turn["role"] == "therapist"]
    return any(turn["permission_phrase"] for turn in own[-1 - TURNS_BEFORE :])


def _followed(
    floor: Sequence[Row], at: int, dial: ClientDial, own: DirectivesSettings
) -> Followed | None:
    turn = floor[at]
    parts = [
        _next_turn(floor[at + 1 : at + 2], own),
        _again(turn, floor[at + 1 :], own),
        _lower_dial(turn, dial, own),
    ]
    known = [part for part in parts if part]
    if not known:
        return None
    ends = [item.t_s for part in known for item in part if item.t_s is not None]
    ends += [one["end_s"] for one in floor[at + 1 : at + 2] if parts[0]]
    evidence = (_number(turn, "directive_strong"), *(item for part in known for item in part))
    return Followed((turn["start_s"], max(turn["end_s"], *ends)), len(known), evidence)


def _next_turn(following: Sequence[Row], own: DirectivesSettings) -> list[Evidence]:
    if not following or following[0]["role"] != "client":
        return []
    turn = following[0]
    found = [_number(turn, "client_demur")] if turn["client_demur"] else []
    is_brief = 1 <= (turn["word_count"] or 0) <= own.brief_words
    return [*found, _number(turn, "word_count")] if is_brief else found


def _again(turn: Row, later: Sequence[Row], own: DirectivesSettings) -> list[Evidence]:
    for other in later:
        if other["start_s"] - turn["end_s"] > own.again_s:
            return []
        fits = other["topic_cohesion_z"]
        if _directs(other) and fits is not None and fits >= SAME_TOPIC_Z:
            return [_number(other, "directive_strong")]
    return []


def _lower_dial(turn: Row, dial: ClientDial, own: DirectivesSettings) -> list[Evidence]:
    began: Seconds = turn["start_s"]
    lowest = dial.lowest_s(began, turn["end_s"] + own.dial_s)
    if dial.level(began) - dial.level(lowest) >= own.dial_points:
        return [dial.evidence(began), dial.evidence(lowest)]
    return []


def _number(turn: Row, name: str) -> Evidence:
    column = tables.TURNS.by_name[name]
    return Evidence(name, turn["start_s"], float(turn[name]), None, None, column.unit, "degraded")


def _draft(span: Span, found: Sequence[Followed], shared: SharedSettings) -> Draft:
    inside = [one for one in found if span[0] <= one.span[0] < span[1]]
    evidence = tuple(dict.fromkeys(item for one in inside for item in one.evidence))
    conditions = 1 + max(one.conditions for one in inside)
    weight = shared.z_enter * QUALITY_WEIGHTS["degraded"]
    return scored(
        Draft("R9", *span, "both", TITLE, evidence), WEIGHT, without_z=weight * conditions
    )


RULE = Rule(
    id="R9",
    version=1,
    name="directives without asking leave",
    kind="directive phrases",
    tone="cues",
    looks_for=(
        "Directive phrases without asking leave, then a demur, a brief turn, another directive or "
        "a lower dial; always of low confidence"
    ),
    chance=(
        "4 in 50 minutes with 8 directives and a dial that wanders, 2 without a dial, though "
        "nothing hangs together; at most 2 are shown"
    ),
    needs=NEEDS
    | {
        "turns": (
            "role",
            "start_s",
            "end_s",
            "takes_floor",
            "word_count",
            "directive_strong",
            "permission_phrase",
            "client_demur",
            "topic_cohesion_z",
        )
    },
    thresholds=DirectivesSettings,
    find=find,
    unapplied=unapplied,
    reasons=(
        "homework the client asked for, planning for safety, or an exercise being led",
        "leave was asked earlier, or in words the list does not have",
        "a phrase that only looks like a directive",
        "a short answer that is simply an answer",
    ),
)
