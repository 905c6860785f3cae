"""R1: the stretches a rater gave the lowest ratings."""

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
    """One draft per picked low segment."""
    del shared, own
    return rated_segments(segments_of(given), "low", "R1")


RULE = Rule(
    id="R1",
    version=1,
    name="lowest-rated stretches",
    kind="rated low",
    tone="low",
    looks_for=LOOKS_FOR,
    chance=CHANCE,
    needs=NEEDS,
    thresholds=Section,
    find=find,
    unapplied=unapplied,
    reasons=(
        "useful work is often uncomfortable; a low rating does not mean the work was wrong",
        "the dial was left where it was, or moved with a delay",
        "the rater was thinking of something outside the session",
        "the scale was read the other way round",
    ),
)
