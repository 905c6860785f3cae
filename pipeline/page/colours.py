"""Colours of people and of rules, for every page and drawing."""

from __future__ import annotations

from pipeline.rules import RULES
from pipeline.rules.rule import Tone

CLIENT = "#0b5f86"
THERAPIST = "#a8480f"
UNKNOWN = "#6b7280"
HIGH = "#2f6b3a"
LOW = "#7a4a9c"
APART = "#1d6a6a"
CUES = "#374151"
INK = "#4b5563"
FAINT = "#9ca3af"
BAND = "#e5e7eb"
ON_TONE = "#ffffff"
COLOURS = {"client": CLIENT, "therapist": THERAPIST, "unknown": UNKNOWN}
TONES: dict[Tone, str] = {"low": LOW, "high": HIGH, "apart": APART, "cues": CUES}
RULE_COLOURS = {rule.id: TONES[rule.tone] for rule in RULES}
PROPERTIES = {
    **{colour: name for name, colour in COLOURS.items()},
    **{colour: name for name, colour in TONES.items()},
    INK: "soft",
    FAINT: "faint",
    BAND: "band",
    ON_TONE: "on",
}
"""Colour of a drawing -> the page's property of it, which has another value in the dark."""
