"""One card per moment: numbers in words, everyday reasons, lines spoken, which clip to cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipeline.page.text import clock, difference, label, quantity, signed
from pipeline.settings import ReportSettings
from pipeline.timeline import Seconds, Span, overlap_s

LINE_GAP_S = 2.0
"""A pause this long starts a new transcript line."""
WHO = {"client": "Client", "therapist": "Therapist", "unknown": "Someone"}
KINDS = {
    "R1": "rated low",
    "R2": "rated high",
    "R3": "raters part",
    "R4": "late replies",
    "R6": "several cues",
}


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
    """Words of one person without a long pause."""

    when: str
    who: str
    text: str
    inside: bool
    """Starts inside the moment rather than in the clip's lead-in."""


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
    lines: Sequence[Line]
    reasons: Sequence[str] = ()
    """Why, in the rater's own words."""

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
    words = given["words"].to_pylist()
    why = given["rating_reasons"].to_pylist()
    ordered = sorted(
        given["candidates"].to_pylist(), key=lambda row: (row["start_s"], row["candidate_id"])
    )
    made = [
        _card(
            number, row, evidence.get(row["candidate_id"], []), words, roles, duration_s, settings
        )
        for number, row in enumerate(ordered, start=1)
    ]
    return [
        replace(card, reasons=_reasons(row, why)) for card, row in zip(made, ordered, strict=True)
    ]


def clip_span(
    start_s: Seconds,
    end_s: Seconds,
    most_marked_s: Seconds | None,
    duration_s: Seconds,
    settings: ReportSettings,
) -> Span:
    """What the clip plays: the moment with lead-in and lead-out, inside the session.

    A moment too long for one clip is played around its most marked number.
    """
    first = max(0.0, start_s - settings.pre_roll_s)
    last = min(duration_s, end_s + settings.post_roll_s)
    if last - first <= settings.clip_max_s:
        return first, last
    middle = start_s if most_marked_s is None else most_marked_s
    first = min(max(first, middle - settings.clip_max_s / 2), last - settings.clip_max_s)
    return first, first + settings.clip_max_s


def causes(rule: str, features: Sequence[str], lists: Mapping[str, list[str]]) -> list[str]:
    """Everyday reasons for the cues of a card, then for its rule, each once."""
    names = [_cue_name(feature) for feature in features] + [rule]
    return list(dict.fromkeys(cause for name in names for cause in lists.get(name, [])))


def lines(
    words: Sequence[Mapping[str, Any]], roles: Mapping[int, str], span: Span, moment: Span
) -> list[Line]:
    """The words in `span` as lines of one person each."""
    groups: list[list[Mapping[str, Any]]] = []
    for word in words:
        if overlap_s((word["start_s"], word["end_s"]), span) <= 0:
            continue
        last = groups[-1][-1] if groups else None
        if (
            last is None
            or _role(word, roles) != _role(last, roles)
            or word["start_s"] - last["end_s"] > LINE_GAP_S
        ):
            groups.append([])
        groups[-1].append(word)
    return [_line(group, roles, moment) for group in groups]


def _card(
    number: int,
    row: Mapping[str, Any],
    evidence: Sequence[Mapping[str, Any]],
    words: Sequence[Mapping[str, Any]],
    roles: Mapping[int, str],
    duration_s: Seconds,
    settings: ReportSettings,
) -> Card:
    timed = [item for item in evidence if item["t_s"] is not None]
    peak = max(timed, key=lambda item: abs(item["z"] or 0.0), default=None)
    moment = (row["start_s"], row["end_s"])
    clip = clip_span(*moment, peak["t_s"] if peak else None, duration_s, settings)
    return Card(
        id=row["candidate_id"],
        number=number,
        rule=row["rule"],
        kind=KINDS[row["rule"]],
        title=row["title"],
        who=row["who"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        clip=clip,
        low_confidence=row["low_confidence"],
        rows=[_row(item) for item in evidence],
        causes=causes(row["rule"], [i["feature"] for i in evidence], settings.innocent_causes),
        lines=lines(words, roles, clip, moment),
    )


def _reasons(row: Mapping[str, Any], why: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the rater of a picked stretch wrote about it."""
    kind = {"R1": "low", "R2": "high"}.get(row["rule"])
    about = (row["who"], kind, row["rank"])
    return [r["text"] for r in why if kind and (r["rater"], r["kind"], r["rank"]) == about]


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


def _line(group: Sequence[Mapping[str, Any]], roles: Mapping[int, str], moment: Span) -> Line:
    first = group[0]
    return Line(
        clock(first["start_s"]),
        WHO[_role(first, roles)],
        " ".join(word["text"] for word in group),
        inside=moment[0] <= first["start_s"] < moment[1],
    )
