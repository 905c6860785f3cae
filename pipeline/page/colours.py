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
COLOURS = {"client": CLIENT, "therapist": THERAPIST, "unknown": UNKNOWN}
TONES: dict[Tone, str] = {"low": LOW, "high": HIGH, "apart": APART, "cues": CUES}
RULE_COLOURS = {rule.id: TONES[rule.tone] for rule in RULES}
