"""What every cue rule finds in made sessions: of what was planted, and of nothing.

    python -m bench.rules [--sessions 60]

Sessions of 50 minutes at table level (`bench.made.rule_sessions`), 60 with one planted stretch per
rule and 60 null ones; seeds are 1000 + n and 2000 + n. Recall: a draft of the rule touches the
planted stretch; shown: some moment within the budget does. Chance counts drafts in null sessions
before budget and cap: where cues are independent, and where all share r = .3.
"""

from __future__ import annotations

import argparse

import numpy as np

from bench.made.rule_sessions import as_tables, null_plan
from bench.made.rule_stretches import PLANTERS, planted
from pipeline.rules import BY_ID
from pipeline.rules.budget import select
from pipeline.rules.rule import Draft
from pipeline.rules.section import CandidatesSettings, thresholds_of
from pipeline.tables.arrays import length_s
from pipeline.timeline import overlap_s

SETTINGS = CandidatesSettings()
PLANTED_SEED, NULL_SEED = 1000, 2000


def found_in(given: dict[str, object]) -> list[Draft]:
    """Drafts of all cue rules, before the budget."""
    drafts: list[Draft] = []
    for rule in BY_ID.values():
        if rule.id in PLANTERS:
            needed = rule.given(given)  # type: ignore[arg-type]
            own = thresholds_of(rule, SETTINGS)
            assert rule.unapplied(needed, SETTINGS, own) is None, rule.id
            drafts += rule.find(needed, SETTINGS, own)
    return drafts


def recall(rule: str, sessions: int) -> tuple[float, float]:
    """Share of planted stretches found, and shown within the budget, if under another rule."""
    hits = np.zeros(2)
    for n in range(sessions):
        rng = np.random.default_rng(PLANTED_SEED + n)
        plan, span = planted(rng, rule)
        given = as_tables(plan, rng)
        drafts = found_in(given)
        kept = select(drafts, length_s(given["sessions"]), SETTINGS)
        hits += [
            any(d.rule == rule and overlap_s(d.span, span) > 0 for d in drafts),
            any(overlap_s(d.span, span) > 0 for d in kept),
        ]
    return float(hits[0] / sessions), float(hits[1] / sessions)


def chance(sessions: int, shared: float) -> dict[str, float]:
    """Drafts per null session by rule, before budget and cap."""
    counts = dict.fromkeys(PLANTERS, 0)
    for n in range(sessions):
        rng = np.random.default_rng(NULL_SEED + n)
        for draft in found_in(as_tables(null_plan(rng, shared), rng)):
            counts[draft.rule] += 1
    return {rule: count / sessions for rule, count in counts.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=60, help="of either kind")
    sessions = parser.parse_args().sessions
    apart, together = chance(sessions, 0.0), chance(sessions, 0.3)
    print(f"{'':6}{'recall':>8}{'shown':>8}{'null':>8}{'r = .3':>8}  stated")
    for rule in PLANTERS:
        before, within = recall(rule, sessions)
        print(
            f"{rule:6}{before:8.2f}{within:8.2f}{apart[rule]:8.2f}{together[rule]:8.2f}  "
            f"{BY_ID[rule].chance}"
        )


if __name__ == "__main__":
    main()
