"""What was looked for: each rule in words, what chance alone gives, and what was not applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.rules import BY_ID, RULES


def not_looked_for(rules: Sequence[Mapping[str, Any]]) -> str:
    """Sentence about the rules that were not applied; empty where all were.

    Parameters
    ----------
    rules : rows of `tables.RULES`
    """
    by_why: dict[str, list[str]] = {}
    for row in rules:
        if not row["is_applied"]:
            by_why.setdefault(row["why"], []).append(BY_ID[row["rule"]].name)
    parts = [f"{_listed(names)} ({why})" for why, names in by_why.items()]
    return f"Not looked for: {'; '.join(parts)}." if parts else ""


def chance_lines(rules: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Rules, what they look for, and what chance gives or that none of them was applied.

    Rules that look for two sides of one thing say the same and share a line.
    """
    unapplied = {row["rule"] for row in rules if not row["is_applied"]}
    lines: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        lines.setdefault((rule.looks_for, rule.chance), []).append(rule.id)
    return [
        (", ".join(ids), what, "not applied" if unapplied.issuperset(ids) else chance)
        for (what, chance), ids in lines.items()
    ]


def _listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
