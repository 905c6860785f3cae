"""Every cue rule finds what was planted and keeps to its rate: short form of bench.rules."""

from __future__ import annotations

from functools import cache

import pytest

from bench.made.rule_stretches import PLANTERS
from bench.rules import chance, recall
from pipeline.rules import RULES

CUE_RULES = [rule.id for rule in RULES if not rule.is_rating]
MOST = {"R4": 0.4, "R5": 0.4, "R6": 2.5, "R7": 0.2, "R8": 0.6, "R9": 4.0, "R10": 4.0}
"""Moments in 50 minutes of nothing, before budget and cap: what rules state, and noise on it."""


@cache
def by_chance() -> dict[str, float]:
    return chance(16, shared=0.0)


def test_one_is_planted_for_every_rule() -> None:
    assert list(PLANTERS) == CUE_RULES == list(MOST)


@pytest.mark.parametrize("rule", CUE_RULES)
def test_planted_stretches_are_found(rule: str) -> None:
    found, _ = recall(rule, 16)
    assert found >= 0.8  # 0.9 over the 60 sessions of the bench


@pytest.mark.parametrize("rule", CUE_RULES)
def test_nothing_gives_no_more_than_stated(rule: str) -> None:
    assert by_chance()[rule] <= MOST[rule]
