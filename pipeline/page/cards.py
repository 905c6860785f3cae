"""One card per moment: every reason to look at one stretch, its numbers in words, its clip.

Rules and raters that propose stretches which overlap propose one moment. So each second of the
session is on one card at most, and its clip plays it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

import pyarrow as pa

from pipeline.page.said import Line, lines, with_wordless
from pipeline.page.text import clock, difference, label, quantity, signed
from pipeline.rules import BY_ID, RULES
from pipeline.rules.rule import QUALITY_WEIGHTS, Z_CAP
from pipeline.settings import ReportSettings
from pipeline.timeline import Seconds, Span, union

SHOWN = 5
"""So many numbers and so many everyday reasons stand on a card; the others on demand."""
NO_USUAL = "—"
"""Nothing is usual of a single phrase or silence, or too little was measured to say what is."""
_RULE_ORDER = [rule.id for rule in RULES]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Row:
    """One number of a card, in words."""

    feature: str
    label: str
    t_s: Seconds | None
    when: str
    observed: str
    usual: str
    difference: str
    z: str
    degraded: bool
    weight: float
    """What it adds to a score: how far from usual, capped, by quality."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a moment is worth a look: what one rule says of one person or rater."""

    id: str
    rule: str
    kind: str
    title: str
    who: str
    start_s: Seconds
    end_s: Seconds
    rank: int
    score: float
    low_confidence: bool
    rows: Sequence[Row]
    causes: Sequence[str]
    own_words: Sequence[str] = ()
    """Why, in the rater's own words."""

    @property
    def span(self) -> Span:
        """``[start_s, end_s)``."""
        return self.start_s, self.end_s

    @property
    def is_rating(self) -> bool:
        """Whether it repeats people's own judgement."""
        return BY_ID[self.rule].is_rating

    @property
    def tone(self) -> str:
        """What it calls the stretch: low, high, apart or cues."""
        return BY_ID[self.rule].tone

    @property
    def order(self) -> tuple[int, int, str]:
        """Best first: by rank within its rule, then as pages name the rules."""
        return self.rank, _RULE_ORDER.index(self.rule), self.who


@dataclass(frozen=True, slots=True)
class Card:
    """One moment as shown."""

    number: int
    start_s: Seconds
    end_s: Seconds
    clip: Span
    reasons: Sequence[Reason]
    """Best first; the first lends the card its title and colour."""
    rows: Sequence[Row]
    more_rows: Sequence[Row]
    causes: Sequence[str]
    more_causes: Sequence[str]
    lines: Sequence[Line] = ()

    @property
    def lead(self) -> Reason:
        """The first of the reasons."""
        return self.reasons[0]

    @property
    def id(self) -> str:
        """Of the card's element: the candidate it is named after."""
        return self.lead.id

    @property
    def low_confidence(self) -> bool:
        """Whether any of its numbers is degraded."""
        return any(reason.low_confidence for reason in self.reasons)


def cards(
    given: Mapping[str, pa.Table], duration_s: Seconds, settings: ReportSettings
) -> list[Card]:
    """Every moment in time order, numbered from 1; every candidate is a reason of one of them."""
    reasons = _reasons(given, settings)
    stretches = union(reason.span for reason in reasons)
    clips = clip_spans(stretches, duration_s, settings)
    roles = {row["speaker"]: row["role"] for row in given["roles"].to_pylist()}
    words = with_wordless(given["words"].to_pylist(), given["turns"].to_pylist())
    made = []
    for number, (stretch, clip) in enumerate(zip(stretches, clips, strict=True), start=1):
        inside = [r for r in reasons if stretch[0] <= r.start_s and r.end_s <= stretch[1]]
        said = lines(words, roles, clip, stretch)
        made.append(_card(number, stretch, clip, inside, said))
    return made


def clip_spans(
    stretches: Sequence[Span], duration_s: Seconds, settings: ReportSettings
) -> list[Span]:
    """What each clip plays: its whole stretch with lead-in and lead-out, nothing twice.

    A lead-in starts after the stretch before it at the earliest, and a lead-out ends where the next
    lead-in starts: what came before a change is what is asked about.

    Parameters
    ----------
    stretches : sorted, disjoint
    """
    before = [0.0, *(end for _, end in stretches)]
    firsts = [
        max(0.0, start - settings.pre_roll_s, earlier)
        for (start, _), earlier in zip(stretches, before, strict=False)
    ]
    return [
        (first, min(duration_s, max(end, min(end + settings.post_roll_s, following))))
        for first, (_, end), following in zip(
            firsts, stretches, [*firsts[1:], duration_s], strict=False
        )
    ]


def causes(rule: str, features: Sequence[str], lists: Mapping[str, list[str]]) -> list[str]:
    """Everyday reasons for the cues of a rule's moment, then for the rule, each once."""
    names = [_cue_name(feature) for feature in features] + [rule]
    return list(dict.fromkeys(cause for name in names for cause in lists.get(name, [])))


def _reasons(given: Mapping[str, pa.Table], settings: ReportSettings) -> list[Reason]:
    evidence: dict[str, list[dict[str, Any]]] = {}
    for row in given["evidence"].to_pylist():
        evidence.setdefault(row["candidate_id"], []).append(row)
    told = given["rating_reasons"].to_pylist()
    return [
        _reason(row, evidence.get(row["candidate_id"], []), told, settings)
        for row in given["candidates"].to_pylist()
    ]


def _reason(
    row: Mapping[str, Any],
    evidence: Sequence[Mapping[str, Any]],
    told: Sequence[Mapping[str, Any]],
    settings: ReportSettings,
) -> Reason:
    rule = BY_ID[row["rule"]]
    about = (row["who"], rule.tone, row["rank"])  # a rated segment is "low" or "high"
    return Reason(
        id=row["candidate_id"],
        rule=rule.id,
        kind=rule.kind,
        title=row["title"],
        who=row["who"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        rank=row["rank"],
        score=row["score"],
        low_confidence=row["low_confidence"],
        rows=[_row(item) for item in evidence],
        causes=causes(rule.id, [i["feature"] for i in evidence], settings.innocent_causes),
        own_words=[r["text"] for r in told if (r["rater"], r["kind"], r["rank"]) == about],
    )


def _card(
    number: int, stretch: Span, clip: Span, inside: Sequence[Reason], said: Sequence[Line]
) -> Card:
    reasons = sorted(inside, key=lambda reason: reason.order)
    rows = _taking_turns(
        sorted(reason.rows, key=lambda row: row.weight, reverse=True) for reason in reasons
    )
    everyday = _taking_turns(reason.causes for reason in reasons)
    return Card(
        number,
        *stretch,
        clip,
        reasons,
        _in_time_order(rows[:SHOWN]),
        _in_time_order(rows[SHOWN:]),
        everyday[:SHOWN],
        everyday[SHOWN:],
        said,
    )


def _taking_turns(lists: Iterable[Sequence[Item]]) -> list[Item]:
    """The first of each list, then the second of each, and so on, each item once."""
    placed = ((place, item) for items in lists for place, item in enumerate(items))
    return list(dict.fromkeys(item for _, item in sorted(placed, key=itemgetter(0))))


def _in_time_order(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.t_s is None, row.t_s or 0.0))


def _row(item: Mapping[str, Any]) -> Row:
    feature, unit = item["feature"], item["unit"]
    observed = quantity(feature, item["value"], unit)
    apart = difference(feature, item["value"], item["usual"], unit, item["z"])
    if item["at_most"]:
        observed, apart = f"under {observed}", apart.replace(", by ", ", by over ")
    return Row(
        feature,
        label(feature),
        item["t_s"],
        "" if item["t_s"] is None else clock(item["t_s"]),
        observed,
        NO_USUAL if item["usual"] is None else quantity(feature, item["usual"], unit),
        apart,
        signed(item["z"]),
        item["quality"] != "ok",
        min(abs(item["z"] or 0.0), Z_CAP) * QUALITY_WEIGHTS[item["quality"]],
    )


def _cue_name(feature: str) -> str:
    # One reply and a window of replies have the same everyday reasons.
    return "client_response_latency_s" if feature == "response_latency_s" else feature
