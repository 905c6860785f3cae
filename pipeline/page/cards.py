"""One card per moment: numbers in words, everyday reasons, lines spoken, which clip to cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipeline.page.text import clock, difference, label, quantity, signed
from pipeline.rules import BY_ID
from pipeline.settings import ReportSettings
from pipeline.timeline import Seconds, Span, overlap_s

LINE_GAP_S = 2.0
"""A pause this long starts a new transcript line."""
SAME_SHARE = 0.5
"""Two moments with this share of the longer one in common are the same stretch."""
GOES_ON = "…"
BRIEF_S = 2.0
"""A turn up to this long is brief."""
WORDLESS_BRIEF_REPLY = "[brief reply, words not recovered]"
WORDLESS_REPLY = "[reply, words not recovered]"
WORDLESS_TURN = "[heard, words not recovered]"
WHO = {"client": "Client", "therapist": "Therapist", "unknown": "Someone"}


@dataclass(frozen=True, slots=True)
class Row:
    """One number of a card, in words."""

    label: str
    when: str
    observed: str
    usual: str
    difference: str
    z: str
    degraded: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Words of one person without a long pause; `GOES_ON` where some are left out at an end."""

    when: str
    who: str
    text: str
    inside: bool
    """Some of it is said in the moment, rather than before or after."""


@dataclass(frozen=True, slots=True)
class Card:
    """One moment as shown."""

    id: str
    number: int
    rule: str
    kind: str
    title: str
    who: str
    start_s: Seconds
    end_s: Seconds
    clip: Span
    low_confidence: bool
    rows: Sequence[Row]
    causes: Sequence[str]
    lines: Sequence[Line] = ()
    reasons: Sequence[str] = ()
    """Why, in the rater's own words."""
    same: Sequence[int] = ()
    """Numbers of the other moments that are the same stretch."""
    said_in: int | None = None
    """Number of the earlier one of them whose lines hold this one's; then `lines` is empty."""

    @property
    def is_partial(self) -> bool:
        """Whether the clip leaves out part of the moment."""
        return self.clip[0] > self.start_s + 0.5 or self.clip[1] < self.end_s - 0.5


def cards(
    given: Mapping[str, pa.Table], duration_s: Seconds, settings: ReportSettings
) -> list[Card]:
    """Every candidate in time order, numbered from 1."""
    evidence: dict[str, list[dict[str, Any]]] = {}
    for row in given["evidence"].to_pylist():
        evidence.setdefault(row["candidate_id"], []).append(row)
    roles = {row["speaker"]: row["role"] for row in given["roles"].to_pylist()}
    why = given["rating_reasons"].to_pylist()
    ordered = sorted(
        given["candidates"].to_pylist(), key=lambda row: (row["start_s"], row["candidate_id"])
    )
    made = [
        replace(
            _card(number, row, evidence.get(row["candidate_id"], []), duration_s, settings),
            reasons=_reasons(row, why),
        )
        for number, row in enumerate(ordered, start=1)
    ]
    said = with_wordless(given["words"].to_pylist(), given["turns"].to_pylist())
    return _with_lines(made, said, roles)


def clip_span(
    start_s: Seconds,
    end_s: Seconds,
    times_s: Sequence[Seconds],
    duration_s: Seconds,
    settings: ReportSettings,
) -> Span:
    """What the clip plays: the moment with lead-in and lead-out, inside the session.

    Of a moment too long for one clip it plays what covers most of the times `times_s` of its
    numbers, the earliest such stretch: what came before a change is what is asked about.
    """
    first = max(0.0, start_s - settings.pre_roll_s)
    last = min(duration_s, end_s + settings.post_roll_s)
    length = settings.clip_max_s
    if last - first <= length:
        return first, last

    def covered(start: Seconds) -> int:
        return sum(start <= t < start + length for t in times_s)

    leads = (t - settings.pre_roll_s for t in times_s)
    starts = sorted(min(max(start, first), last - length) for start in (first, *leads, *times_s))
    best = max(starts, key=covered)  # the first of equals
    return best, best + length


def causes(rule: str, features: Sequence[str], lists: Mapping[str, list[str]]) -> list[str]:
    """Everyday reasons for the cues of a card, then for its rule, each once."""
    names = [_cue_name(feature) for feature in features] + [rule]
    return list(dict.fromkeys(cause for name in names for cause in lists.get(name, [])))


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


def _with_lines(
    made: Sequence[Card], words: Sequence[Mapping[str, Any]], roles: Mapping[int, str]
) -> list[Card]:
    """The cards with what was said; of moments that are the same stretch the first has it all."""
    told: dict[int, Card] = {}
    for card in made:
        twins = [other for other in made if _is_same(card, other)]
        numbers = [twin.number for twin in twins]
        teller = next((n for n in numbers if n in told and told[n].said_in is None), None)
        if teller is not None:
            told[card.number] = replace(card, same=numbers, said_in=teller)
            continue
        shown = [card, *(twin for twin in twins if twin.number > card.number)]
        span = (
            min(min(c.clip[0], c.start_s) for c in shown),
            max(max(c.clip[1], c.end_s) for c in shown),
        )
        said = lines(words, roles, span, (card.start_s, card.end_s))
        told[card.number] = replace(card, same=numbers, lines=said)
    return list(told.values())


def _is_same(card: Card, other: Card) -> bool:
    spans = (card.start_s, card.end_s), (other.start_s, other.end_s)
    longer = max(end - start for start, end in spans)
    return card is not other and overlap_s(*spans) >= SAME_SHARE * longer


def _card(
    number: int,
    row: Mapping[str, Any],
    evidence: Sequence[Mapping[str, Any]],
    duration_s: Seconds,
    settings: ReportSettings,
) -> Card:
    times_s = [item["t_s"] for item in evidence if item["t_s"] is not None]
    return Card(
        id=row["candidate_id"],
        number=number,
        rule=row["rule"],
        kind=BY_ID[row["rule"]].kind,
        title=row["title"],
        who=row["who"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        clip=clip_span(row["start_s"], row["end_s"], times_s, duration_s, settings),
        low_confidence=row["low_confidence"],
        rows=[_row(item) for item in evidence],
        causes=causes(row["rule"], [i["feature"] for i in evidence], settings.innocent_causes),
    )


def _reasons(row: Mapping[str, Any], why: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the rater of a picked stretch wrote about it."""
    about = (row["who"], BY_ID[row["rule"]].tone, row["rank"])  # a segment is "low" or "high"
    return [r["text"] for r in why if (r["rater"], r["kind"], r["rank"]) == about]


def _row(item: Mapping[str, Any]) -> Row:
    feature, unit = item["feature"], item["unit"]
    observed = quantity(feature, item["value"], unit)
    apart = difference(feature, item["value"], item["usual"], unit, item["z"])
    if item["at_most"]:
        observed, apart = f"under {observed}", apart.replace(", by ", ", by over ")
    return Row(
        label(feature),
        "" if item["t_s"] is None else clock(item["t_s"]),
        observed,
        quantity(feature, item["usual"], unit),
        apart,
        signed(item["z"]),
        item["quality"] != "ok",
    )


def _cue_name(feature: str) -> str:
    # One reply and a window of replies have the same everyday reasons.
    return "client_response_latency_s" if feature == "response_latency_s" else feature


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
        clock(kept[0]["start_s"]),
        WHO[_role(kept[0], roles)],
        " ".join([*before, *(word["text"] for word in kept), *after]),
        inside=any(_is_in(word, moment) for word in kept),
    )
