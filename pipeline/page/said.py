"""What was said: the words of a stretch as lines of one person each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.page.text import clock
from pipeline.timeline import Seconds, Span, overlap_s

LINE_GAP_S = 2.0
"""A pause this long starts a new transcript line."""
GOES_ON = "…"
BRIEF_S = 2.0
"""A turn up to this long is brief."""
WORDLESS_BRIEF_REPLY = "[brief reply, words not recovered]"
WORDLESS_REPLY = "[reply, words not recovered]"
WORDLESS_TURN = "[heard, words not recovered]"
WHO = {"client": "Client", "therapist": "Therapist", "unknown": "Someone"}


@dataclass(frozen=True, slots=True)
class Line:
    """Words of one person without a long pause; `GOES_ON` where some are left out at an end."""

    t_s: Seconds
    when: str
    who: str
    text: str
    inside: bool
    """Some of it is said in the moment, rather than before or after."""


def lines(
    words: Sequence[Mapping[str, Any]], roles: Mapping[int, str], span: Span, moment: Span
) -> list[Line]:
    """The words in `span` as lines of one person each; inside is what is said in `moment`."""
    return [
        _line(group, kept, roles, moment)
        for group in _utterances(words, roles)
        if (kept := [word for word in group if _is_in(word, span)])
    ]


def with_wordless(
    words: Sequence[Mapping[str, Any]], turns: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The words, and what stands for a turn that was heard and has none.

    Without it a reply whose words the recogniser missed would look like no reply. Backchannels that
    answer nothing are left out, as a person would who writes down what was said.
    """
    if not words:
        return []
    stand_ins = [
        {"start_s": turn["start_s"], "end_s": turn["end_s"], "speaker": turn["speaker"],
         "stated_role": None, "text": _wordless(turn)}
        for turn in turns
        if turn["word_count"] == 0 and (turn["takes_floor"] or turn["answers_turn_id"] is not None)
    ]  # fmt: skip
    return sorted([*words, *stand_ins], key=lambda word: word["start_s"])


def _wordless(turn: Mapping[str, Any]) -> str:
    if turn["answers_turn_id"] is None:
        return WORDLESS_TURN
    is_brief = turn["end_s"] - turn["start_s"] <= BRIEF_S
    return WORDLESS_BRIEF_REPLY if is_brief else WORDLESS_REPLY


def _utterances(
    words: Sequence[Mapping[str, Any]], roles: Mapping[int, str]
) -> list[list[Mapping[str, Any]]]:
    """All words, parted where the person changes or pauses for long."""
    groups: list[list[Mapping[str, Any]]] = []
    for word in words:
        last = groups[-1][-1] if groups else None
        if (
            last is None
            or _role(word, roles) != _role(last, roles)
            or word["start_s"] - last["end_s"] > LINE_GAP_S
        ):
            groups.append([])
        groups[-1].append(word)
    return groups


def _role(word: Mapping[str, Any], roles: Mapping[int, str]) -> str:
    return roles.get(word["speaker"], word["stated_role"] or "unknown")


def _is_in(word: Mapping[str, Any], span: Span) -> bool:
    return overlap_s((word["start_s"], word["end_s"]), span) > 0


def _line(
    group: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
    roles: Mapping[int, str],
    moment: Span,
) -> Line:
    before = [GOES_ON] if kept[0] is not group[0] else []
    after = [GOES_ON] if kept[-1] is not group[-1] else []
    return Line(
        kept[0]["start_s"],
        clock(kept[0]["start_s"]),
        WHO[_role(kept[0], roles)],
        " ".join([*before, *(word["text"] for word in kept), *after]),
        inside=any(_is_in(word, moment) for word in kept),
    )
