"""Language of a whole session: rates per 1,000 words, shares of turns, medians of replies.

Rates and shares compare a session with other sessions of the same pair; there is no norm to hold
them against (METHODS: Words; 4.50 against 1.14 directives per 1,000 words between two groups of
demo sessions is a fact about those).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Turn = dict[str, Any]
Named = tuple[str, float | None, str | None]
"""Name, value, reason where it is missing."""

RATE_MIN_WORDS = 100
"""Fewer words have no rate worth stating."""
MIN_TURNS = 5
"""Fewer turns have no share or median worth stating."""
FEEDBACK_LAST_S = 900.0
"""Feedback is looked for in the last 15 minutes (METHODS: Words)."""
REPAIR_FIRST_S = 1200.0
"""Taking up the session before is looked for in the first 20 minutes (METHODS: Words)."""

_RATES = {
    "therapist_directives_pk": ("therapist", "directive_strong"),
    "therapist_generalising_pk": ("therapist", "generalising"),
    "client_generalising_pk": ("client", "generalising"),
}
_SHARES = ("permission_phrase", "certainty_phrase", "reflection", "affirmation")
_COUNTS = ("somatic_question", "self_disclosure")
_MEDIANS = {
    "client_reply_words_median_count": "reply_words",
    "client_response_latency_lexical_median_s": "response_latency_lexical_s",
    "client_reply_echo_median_prop": "reply_echo_ratio",
}


def language_figures(turns: Sequence[Turn], why: str | None, why_roles: str | None) -> list[Named]:
    """All figures of what was said.

    Parameters
    ----------
    turns : rows of the table `turns`
    why : reason where words or roles are unknown
    why_roles : reason where roles are unknown
    """
    known: list[Turn] = []
    if why is None:
        known = [turn for turn in turns if turn["takes_floor"] and turn["reflection"] is not None]
    named = [
        *_rates(turns if why is None else []),
        *_shares(known),
        *_replies(turns if why is None else []),
        *_moments(turns, known),
    ]
    if why is not None:
        named = [(name, None, why) for name, _, _ in named]
    return [*_interruptions(turns, why_roles), *named]


def _rates(turns: Sequence[Turn]) -> Iterator[Named]:
    for name, (role, cue) in _RATES.items():
        said = [t for t in turns if t["role"] == role and t[cue] is not None]
        words = sum(turn["word_count"] for turn in said)
        enough = words >= RATE_MIN_WORDS
        rate = 1000 * sum(turn[cue] for turn in said) / words if enough else None
        yield name, rate, "few_samples"


def _shares(known: Sequence[Turn]) -> Iterator[Named]:
    held = [turn for turn in known if turn["role"] == "therapist"]
    for cue in _SHARES:
        yield f"therapist_{cue}_prop", _share([turn[cue] for turn in held]), "few_samples"
    for cue in _COUNTS:
        yield f"therapist_{cue}_count", float(sum(turn[cue] is True for turn in held)), None
    demurs = [turn["client_demur"] for turn in known if turn["client_demur"] is not None]
    yield "client_demur_prop", _share(demurs), "few_samples"


def _replies(turns: Sequence[Turn]) -> Iterator[Named]:
    for name, column in _MEDIANS.items():
        given = [turn[column] for turn in turns if turn[column] is not None]
        value = float(np.median(given)) if len(given) >= MIN_TURNS else None
        missing = [turn[f"{column.removesuffix('_s')}_reason"] for turn in _lacking(turns, column)]
        commonest = max(sorted(set(missing)), key=missing.count, default="few_samples")
        yield name, value, commonest
    cohesion = [
        turn["topic_cohesion"]
        for turn in turns
        if turn["role"] == "client" and turn["topic_cohesion"] is not None
    ]
    value = float(np.median(cohesion)) if len(cohesion) >= MIN_TURNS else None
    yield "client_topic_cohesion_median_cos", value, "few_samples"


def _lacking(turns: Sequence[Turn], column: str) -> list[Turn]:
    """Replies without the value, whose reason says why there are too few."""
    return [
        turn
        for turn in turns
        if turn["answers_turn_id"] is not None
        and turn[column] is None
        and turn.get(f"{column.removesuffix('_s')}_reason") is not None
    ]


def _moments(turns: Sequence[Turn], known: Sequence[Turn]) -> Iterator[Named]:
    held = [turn for turn in known if turn["role"] == "therapist"]
    end_s = max((turn["end_s"] for turn in turns), default=0.0)
    late = [turn for turn in held if turn["start_s"] >= end_s - FEEDBACK_LAST_S]
    for kind in ("general", "specific"):
        count = float(sum(turn["solicit_feedback"] == kind for turn in late))
        yield f"therapist_feedback_{kind}_count", count, None
    early = [turn["repair_marker"] for turn in held if turn["start_s"] < REPAIR_FIRST_S]
    yield "therapist_repair_marker_max_count", float(max(early, default=0)), None


def _interruptions(turns: Sequence[Turn], why: str | None) -> Iterator[Named]:
    for role in ("therapist", "client"):
        own = [turn["interruption"] for turn in turns if turn["role"] == role]
        count = float(sum(own_one is True for own_one in own)) if own else None
        yield f"{role}_interruption_count", None if why else count, why or "no_speech"


def _share(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if len(values) >= MIN_TURNS else None
