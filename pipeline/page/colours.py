"""Colours of people and of rules, for every page and drawing."""

from __future__ import annotations

CLIENT = "#0b5f86"
THERAPIST = "#a8480f"
UNKNOWN = "#6b7280"
HIGH = "#2f6b3a"
LOW = "#7a4a9c"
APART = "#1d6a6a"
CUES = "#374151"
COLOURS = {"client": CLIENT, "therapist": THERAPIST, "unknown": UNKNOWN}
RULE_COLOURS = {"R1": LOW, "R2": HIGH, "R3": APART, "R4": CUES, "R6": CUES}
