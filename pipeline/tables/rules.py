"""The rules, declared once: version, weight, words, and what chance alone gives. No logic here."""

from __future__ import annotations

RULE_VERSIONS = {"R1": 1, "R2": 1, "R3": 1, "R4": 1, "R6": 2}
"""Raise one when its rule's meaning changes."""
WEIGHTS = {"R4": 0.9, "R6": 1.0}
"""How much a rule's score counts against the other's, within the budget."""
NAMES = {
    "R1": "lowest-rated stretches",
    "R2": "highest-rated stretches",
    "R3": "stretches rated differently",
    "R4": "late replies",
    "R6": "several cues at once",
}
KINDS = {
    "R1": "rated low",
    "R2": "rated high",
    "R3": "ratings differ",
    "R4": "late replies",
    "R6": "several cues",
}
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
"""Rules, what they look for, and what chance alone gives (`tests/test_stages_candidates.py`)."""
