"""R2: the stretches a rater gave the highest ratings."""

from __future__ import annotations

from pipeline.rules.rated_stretches import (
    CHANCE,
    LOOKS_FOR,
    NEEDS,
    rated_segments,
    segments_of,
    unapplied,
)
from pipeline.rules.rule import Draft, Given, Rule
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section


def find(given: Given, shared: SharedSettings, own: Section) -> list[Draft]:
    """One draft per picked high segment."""
    del shared, own
    return rated_segments(segments_of(given), "high", "R2")


RULE = Rule(
    id="R2",
    version=1,
    name="highest-rated stretches",
    kind="rated high",
    tone="high",
    looks_for=LOOKS_FOR,
    chance=CHANCE,
    needs=NEEDS,
    thresholds=Section,
    find=find,
    unapplied=unapplied,
    reasons=(
        "the dial was left where it was, or moved with a delay",
        "an easier topic, or the relief of ending one",
        "the rater wanted to be polite",
    ),
)
