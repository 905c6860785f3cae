"""What was looked for: each rule in words, what chance alone gives, and what was not applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CHANCE_LOAD = (
    (
        ("R1", "R2"),
        "Each rater's three lowest and three highest stretches",
        "always the rater's own extremes",
    ),
    (
        ("R3",),
        "The dials at least 20 points apart for 20 s, each from its own median",
        (
            "7 in 50 minutes of two unrelated dials (SD 12), 3 where they correlate at .5, 0.2 at "
            ".8; of which at most 3 are shown"
        ),
    ),
    (("R4",), "At least 3 of 5 replies to questions late", "0.2 in 50 minutes of noise"),
    (
        ("R6",),
        "At least three kinds of cue changed together after a question, for 40 s or longer",
        (
            "1.2 in 50 minutes of unrelated noise, 0.1 without video; 3 where all cues drift "
            "together (r = .3), of which at most 2 are shown"
        ),
    ),
)
"""Rules, what they look for, and what chance alone gives (`tests/test_candidates.py`)."""
NAMES = {
    "R1": "lowest-rated stretches",
    "R2": "highest-rated stretches",
    "R3": "stretches rated differently",
    "R4": "late replies",
    "R6": "several cues at once",
}


def not_looked_for(rules: Sequence[Mapping[str, Any]]) -> str:
    """Sentence about the rules that were not applied; empty where all were.

    Parameters
    ----------
    rules : rows of `tables.RULES`
    """
    by_why: dict[str, list[str]] = {}
    for row in rules:
        if not row["is_applied"]:
            by_why.setdefault(row["why"], []).append(NAMES[row["rule"]])
    parts = [f"{' and '.join(names)} ({why})" for why, names in by_why.items()]
    return f"Not looked for: {'; '.join(parts)}." if parts else ""


def chance_lines(rules: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Rules, what they look for, and what chance gives or that none of them was applied."""
    unapplied = {row["rule"] for row in rules if not row["is_applied"]}
    return [
        (", ".join(names), what, "not applied" if unapplied.issuperset(names) else load)
        for names, what, load in CHANCE_LOAD
    ]
