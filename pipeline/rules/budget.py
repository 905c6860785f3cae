"""How many cue candidates a session may have, and which of the drafts those are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.rules.rule import Draft
from pipeline.settings import SharedSettings
from pipeline.timeline import Seconds, Span, overlap_s

SECOND_OF_A_RULE = 0.7
"""Diversity: the score of a rule's later candidates is multiplied by this."""
FEWEST = 3
"""The budget of a short session."""


def budget(duration_s: Seconds, settings: SharedSettings) -> int:
    """How many cue candidates a session of this length may have; halves round up."""
    return max(FEWEST, int(np.floor(settings.per_hour * duration_s / 3600 + 0.5)))


def select(drafts: Sequence[Draft], duration_s: Seconds, settings: SharedSettings) -> list[Draft]:
    """The drafts that fit the budget, best first, with their rank within their rule.

    Greedy: at each step the highest score (a rule's later ones count `SECOND_OF_A_RULE`), ties to
    the earliest; at most `per_rule` of a rule; none sharing more than `overlap_max` of the shorter
    span with one already taken.
    """
    taken: list[Draft] = []
    left = list(drafts)
    while left and len(taken) < budget(duration_s, settings):
        counts = {rule: sum(d.rule == rule for d in taken) for rule in {d.rule for d in left}}
        left = [
            draft
            for draft in left
            if counts[draft.rule] < settings.per_rule
            and all(_shared(draft.span, other.span) <= settings.overlap_max for other in taken)
        ]
        if left:
            best = min(left, key=lambda draft: _order(draft, counts[draft.rule]))
            left.remove(best)
            taken.append(replace(best, rank=counts[best.rule] + 1))
    return taken


def _order(draft: Draft, already: int) -> tuple[float, Seconds, str]:
    score = draft.score * (SECOND_OF_A_RULE if already else 1.0)
    return -round(score, 9), draft.start_s, draft.rule


def _shared(a: Span, b: Span) -> float:
    shorter = min(a[1] - a[0], b[1] - b[0])
    return overlap_s(a, b) / shorter if shorter > 0 else 0.0
