"""Stage: the few moments of a session worth a person's review, each with the numbers behind it.

Rated stretches and stretches in which the raters part repeat people's own judgement. Late replies
and several cues changing together compare a client with that client's own session only; they are
proposals for a look, expected to be wrong at times, never a finding about anyone. The rules about
cues keep silent in the first two minutes and in recordings with under ten minutes between the first
and the last word.

The rules: `pipeline.rules`. METHODS: Candidates, with what chance gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import tables
from pipeline.rules import BY_ID, RULES
from pipeline.rules.budget import select
from pipeline.rules.rule import Draft, Given, Rule, Unapplied
from pipeline.rules.section import CandidatesSettings, thresholds_of
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.tables.arrays import length_s

VERSION = 7


def run(inputs: Inputs, engine: None, settings: CandidatesSettings) -> Outputs:
    """Apply every rule, keep what fits the budget, and list the evidence.

    Reads what the rules need, and `sessions`; any may be empty. Writes `candidates` in time order,
    `evidence`, and in `rules` which rules could be applied at all.
    """
    del engine
    given = inputs.tables
    left_out: dict[str, Unapplied] = {}
    found: list[Draft] = []
    for rule in RULES:
        needed = rule.given(given)
        if (why := _unapplied(rule, needed, settings)) is not None:
            left_out[rule.id] = why
        else:
            found += rule.find(needed, settings, thresholds_of(rule, settings))
    kept = [draft for draft in found if BY_ID[draft.rule].is_rating]
    budgeted = [draft for draft in found if not BY_ID[draft.rule].is_rating]
    kept += select(budgeted, length_s(given["sessions"]), settings)
    kept.sort(key=lambda draft: (draft.start_s, draft.rule, draft.who, draft.rank))
    return Outputs(
        {
            "candidates": tables.CANDIDATES.build_rows(_row(inputs.spec.id, d) for d in kept),
            "evidence": tables.EVIDENCE.build_rows(
                row for d in kept for row in _evidence_rows(inputs.spec.id, d)
            ),
            "rules": tables.RULES.build_rows(_rule_rows(inputs.spec.id, left_out)),
        }
    )


def candidate_id(draft: Draft) -> str:
    """Rule, whose, and whole second of the start: stable between runs and fit for a link."""
    return f"{draft.rule}-{draft.who}-{max(0, int(draft.start_s)):05d}"


def _unapplied(rule: Rule[Any], needed: Given, settings: CandidatesSettings) -> Unapplied | None:
    if rule.id not in settings.rules:
        return Unapplied(None, "left out in the profile")
    return rule.unapplied(needed, settings, thresholds_of(rule, settings))


def _row(session_id: str, draft: Draft) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "candidate_id": candidate_id(draft),
        "rule": draft.rule,
        "rule_version": BY_ID[draft.rule].version,
        "rank": draft.rank,
        "start_s": draft.start_s,
        "end_s": draft.end_s,
        "who": draft.who,
        "title": draft.title,
        "score": draft.score,
        "low_confidence": draft.low_confidence,
    }


def _evidence_rows(session_id: str, draft: Draft) -> list[dict[str, Any]]:
    return [
        {
            "session_id": session_id,
            "candidate_id": candidate_id(draft),
            "feature": item.feature,
            "t_s": item.t_s,
            "value": item.value,
            "usual": item.usual,
            "z": item.z,
            "unit": item.unit,
            "at_most": item.at_most,
            "quality": item.quality,
        }
        for item in draft.evidence
    ]


def _rule_rows(session_id: str, left_out: Mapping[str, Unapplied]) -> list[dict[str, Any]]:
    applied = Unapplied(None, "")
    return [
        {
            "session_id": session_id,
            "rule": rule.id,
            "is_applied": rule.id not in left_out,
            "reason": left_out.get(rule.id, applied).reason,
            "why": left_out.get(rule.id, applied).why,
        }
        for rule in RULES
    ]


STAGE = Stage(
    name="candidates",
    version=VERSION,
    run=run,
    settings=CandidatesSettings,
    reads=tuple(dict.fromkeys(("sessions", "turns", *(n for rule in RULES for n in rule.needs)))),
    writes=("candidates", "evidence", "rules"),
)
