"""What all candidate rules share: hysteresis, runs, the budget. Pure functions of plain values.

A rule never fires on a cue that was not measured: a missing value is NaN, and NaN turns a cue off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.settings import CandidatesSettings
from pipeline.spans import Flags
from pipeline.tables.rules import WEIGHTS
from pipeline.timeline import Floats, Seconds, Span, overlap_s, union

Z_CAP = 4.0
"""No single number counts for more than this in a score."""
QUALITY_WEIGHTS = {"ok": 1.0, "degraded": 0.5, "absent": 0.0}
SECOND_OF_A_RULE = 0.7
"""Diversity: the score of a rule's later candidates is multiplied by this."""
FEWEST = 3
"""The budget of a short session."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number behind a candidate; `usual` is the client's own median that z compares it with."""

    feature: str
    t_s: Seconds | None
    value: float
    usual: float | None
    z: float | None
    unit: str
    quality: str = "ok"
    at_most: bool = False
    """The value is a limit: it was too small to be told from measurement noise."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A moment that a rule proposes, before the budget."""

    rule: str
    start_s: Seconds
    end_s: Seconds
    who: str
    title: str
    evidence: tuple[Evidence, ...]
    score: float = 0.0
    rank: int = 1

    @property
    def span(self) -> Span:
        """``[start_s, end_s)``."""
        return self.start_s, self.end_s

    @property
    def low_confidence(self) -> bool:
        """Whether any number behind it is degraded."""
        return any(item.quality != "ok" for item in self.evidence)


def hysteresis(marked: Floats, enter: float, leave: float) -> Flags:
    """On from where `marked` reaches `enter` until it falls under `leave` or is missing.

    Parameters
    ----------
    marked : shape (..., n_windows), larger is more marked; NaN where not measured
    enter, leave : thresholds, ``leave <= enter``
    """
    # Each position is decided by the last one before it that switched the cue on or off.
    decides = (marked >= enter) | ~(marked >= leave)
    position = np.where(decides, np.arange(marked.shape[-1]), -1)
    last = np.maximum.accumulate(position, axis=-1)
    switched_on = np.take_along_axis(marked >= enter, np.maximum(last, 0), axis=-1)
    return np.asarray(switched_on & (last >= 0))


def tidy(spans: Sequence[Span], settings: CandidatesSettings) -> list[Span]:
    """Neighbours merged, then short spans dropped and long ones cut at their end.

    The beginning is kept, because what came before a change is what a supervisor asks about.
    """
    merged = union(spans, bridge_s=settings.merge_gap_s)
    return [
        (start, min(end, start + settings.longest_s))
        for start, end in merged
        if end - start >= settings.shortest_s
    ]


def scored(draft: Draft) -> Draft:
    """The draft with its score: capped |z| over the evidence, by quality and rule."""
    total = sum(
        min(abs(item.z), Z_CAP) * QUALITY_WEIGHTS[item.quality]
        for item in draft.evidence
        if item.z is not None
    )
    return replace(draft, score=total * WEIGHTS[draft.rule])


def budget(duration_s: Seconds, settings: CandidatesSettings) -> int:
    """How many cue candidates a session of this length may have; halves round up."""
    return max(FEWEST, int(np.floor(settings.per_hour * duration_s / 3600 + 0.5)))


def select(
    drafts: Sequence[Draft], duration_s: Seconds, settings: CandidatesSettings
) -> list[Draft]:
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
