"""What a rule is, and what all of them share: hysteresis, tidying, scores.

A rule is one module of this room, named after its id. It declares one `Rule`; the list of them in
`pipeline.rules` is all that the stage, the page, the profile, the dictionary and the tests read.

A rule never fires on a cue that was not measured: a missing value is NaN, and NaN turns a cue off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

import numpy as np
import pyarrow as pa

from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.spans import Flags
from pipeline.timeline import Floats, Seconds, Span, union

Z_CAP = 4.0
"""No single number counts for more than this in a score."""
QUALITY_WEIGHTS = {"ok": 1.0, "degraded": 0.5, "absent": 0.0}

Given = Mapping[str, pa.Table]
"""What a rule is handed: of each table it needs, the columns it needs."""
Thresholds = TypeVar("Thresholds", bound=Section)
Tone = Literal["low", "high", "apart", "cues"]
"""What a rule's moments have in common with those of others, and are drawn alike for."""


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


@dataclass(frozen=True, slots=True)
class Unapplied:
    """Why a rule was not applied: finding nothing is another matter."""

    reason: str | None
    """One of `tables.REASONS`; None where the profile leaves the rule out."""
    why: str
    """In words, for the page."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[Thresholds]):
    """One kind of moment worth a person's review: all that is known of it, in one place."""

    id: str
    """As in candidates and profiles; the module bears it in lower case: ``r4_late_replies``."""
    version: int
    """Raise it when the rule's meaning changes."""
    name: str
    """In a list of what was looked for: ``late replies``."""
    kind: str
    """On a card, beside who it is about."""
    tone: Tone
    looks_for: str
    """One line of the page's table of rules."""
    chance: str
    """What chance alone gives at the default settings; measured by a test."""
    needs: Mapping[str, tuple[str, ...]]
    """Table -> the columns it reads. It is handed these and no others."""
    thresholds: type[Thresholds]
    """Its own section of the profile, e.g. ``[candidates.R4]``; without fields it has none."""
    find: Callable[[Given, SharedSettings, Thresholds], list[Draft]]
    """The moments, each with its evidence; called only where `unapplied` gives None."""
    unapplied: Callable[[Given, SharedSettings, Thresholds], Unapplied | None]
    """Why the session gives too little to apply it to."""
    reasons: tuple[str, ...]
    """Everyday reasons, printed on its cards after those of its numbers."""
    reasons_remote: tuple[str, ...] = ()
    """More of them where the session was not recorded in one room."""

    @property
    def is_rating(self) -> bool:
        """It repeats people's own judgement and so stands outside the budget of the cue rules."""
        return self.tone != "cues"

    def given(self, tables: Mapping[str, pa.Table]) -> Given:
        """What it needs of a session's tables."""
        return {name: tables[name].select(columns) for name, columns in self.needs.items()}

    def everyday_reasons(self) -> dict[str, list[str]]:
        """Its lists as they may stand in configs/innocent_causes.toml, by their names there."""
        lists = {self.id: [*self.reasons], f"{self.id}_remote": [*self.reasons_remote]}
        return {name: reasons for name, reasons in lists.items() if reasons}


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


def tidy(
    spans: Sequence[Span], settings: SharedSettings, *, are_events: bool = False
) -> list[Span]:
    """Neighbours merged, then short spans dropped and long ones cut at their end.

    The beginning is kept, because what came before a change is what a supervisor asks about.

    Parameters
    ----------
    are_events : of events, as a silence or a turn, no span is too short
    """
    shortest_s = 0.0 if are_events else settings.shortest_s
    merged = union(spans, bridge_s=settings.merge_gap_s)
    return [
        (start, min(end, start + settings.longest_s))
        for start, end in merged
        if end - start >= shortest_s
    ]


def scored(draft: Draft, weight: float = 1.0, *, without_z: float = 0.0) -> Draft:
    """The draft with its score: capped |z| over the evidence, by quality.

    Parameters
    ----------
    weight : how much the rule's score counts against the others', within the budget
    without_z : added for evidence that is there or not, in units of z
    """
    total = without_z + sum(
        min(abs(item.z), Z_CAP) * QUALITY_WEIGHTS[item.quality]
        for item in draft.evidence
        if item.z is not None
    )
    return replace(draft, score=total * weight)
