"""Stage: the few moments of a session worth a person's review, each with the numbers behind it.

Rated stretches (R1, R2) and stretches in which the raters part (R3) repeat people's own judgement.
Late replies (R4) and several cues changing together (R6) compare a client with that client's own
session only; they are proposals for a look, expected to be wrong at times, never a finding about
anyone. R4 and R6 keep silent in the first two minutes and in recordings with under ten minutes
between the first and the last word.

METHODS: Candidates, with what chance gives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import tables
from pipeline.rules.cue_windows import cue_windows, question_ends
from pipeline.rules.cues import (
    several_cues,
)
from pipeline.rules.dial import (
    DialDivergence,
    RatedSegment,
    rated_segments,
    rating_divergences,
)
from pipeline.rules.late_replies import late_reply_runs, replies_of
from pipeline.rules.rule import Draft, select
from pipeline.rules.unapplied import Unapplied, unapplied
from pipeline.settings import CandidatesSettings
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.tables.arrays import floats, length_s
from pipeline.tables.rules import RULE_VERSIONS
from pipeline.timeline import Seconds

VERSION = 6


def run(inputs: Inputs, engine: None, settings: CandidatesSettings) -> Outputs:
    """Apply every rule, keep what fits the budget, and list the evidence.

    Reads `windows`, `turns`, `rating_segments`, `rating_quality`, `congruence`, `dial_moments`,
    `silences` and `sessions`; any may be empty. Writes `candidates` in time order, `evidence`, and
    in `rules` which rules could be applied at all.
    """
    del engine
    given = inputs.tables
    medians = _medians(given["rating_quality"])
    segments = _segments(given["rating_segments"], medians)
    kept = rated_segments(segments, settings.rules)
    apart = _divergences(given["dial_moments"], medians)
    kept += rating_divergences(apart, settings.rules, longest_s=settings.longest_s)
    turns = given["turns"]
    left_out = unapplied(given, spoken_s(turns), settings)
    applied = set(RULE_VERSIONS) - set(left_out)
    drafts = _cue_drafts(given["windows"], turns, given["silences"], settings, applied)
    kept += select(drafts, length_s(given["sessions"]), settings)
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


def spoken_s(turns: pa.Table) -> Seconds:
    """Length of the usable audio: from the first to the last word anyone is heard to speak."""
    if not turns.num_rows:
        return 0.0
    return float(pc.max(turns.column("end_s")).as_py() - pc.min(turns.column("start_s")).as_py())


def candidate_id(draft: Draft) -> str:
    """Rule, whose, and whole second of the start: stable between runs and fit for a link."""
    return f"{draft.rule}-{draft.who}-{max(0, int(draft.start_s)):05d}"


def _cue_drafts(
    windows: pa.Table,
    turns: pa.Table,
    silences: pa.Table,
    settings: CandidatesSettings,
    applied: Collection[str],
) -> list[Draft]:
    replies = turns.filter(
        pc.and_(
            pc.equal(turns.column("role"), "client"), pc.is_valid(turns.column("answers_turn_id"))
        )
    ).sort_by("start_s")
    drafts: list[Draft] = []
    if "R4" in applied:
        drafts += late_reply_runs(replies_of(replies), settings)
    if "R6" in applied:
        questions = question_ends(turns)
        spans = list(zip(floats(silences, "start_s"), floats(silences, "end_s"), strict=True))
        drafts += several_cues(
            cue_windows(windows, replies, spans, questions, settings), questions, settings
        )
    return drafts


def _medians(quality: pa.Table) -> dict[str, float | None]:
    """Rater -> median of the whole dial."""
    columns = (quality.column(name).to_pylist() for name in ("rater", "dial_median"))
    return dict(zip(*columns, strict=True))


def _segments(segments: pa.Table, medians: Mapping[str, float | None]) -> list[RatedSegment]:
    return [
        RatedSegment(
            rater=row["rater"],
            kind=row["kind"],
            rank=row["rank"],
            start_s=row["start_s"],
            end_s=row["end_s"],
            mean=row["mean"],
            median=medians.get(row["rater"]),
            depth_madn=row["depth_madn"],
            label=row["label"],
            low_confidence=row["low_confidence"],
        )
        for row in segments.to_pylist()
        if row["mean"] is not None
    ]


def _divergences(moments: pa.Table, medians: Mapping[str, float | None]) -> list[DialDivergence]:
    return [
        DialDivergence(
            rank=row["rank"],
            start_s=row["start_s"],
            end_s=row["end_s"],
            session_prop=row["session_prop"],
            peak_s=row["peak_s"],
            points=row["divergence"],
            usual=row["usual_divergence"],
            dials={
                rater: (row[f"dial_{rater}"], medians.get(rater))
                for rater in ("client", "therapist")
            },
            depth_madn=row["depth_madn"],
        )
        for row in moments.to_pylist()
        if row["kind"] == "divergence"
    ]


def _row(session_id: str, draft: Draft) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "candidate_id": candidate_id(draft),
        "rule": draft.rule,
        "rule_version": RULE_VERSIONS[draft.rule],
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
            "rule": rule,
            "is_applied": rule not in left_out,
            "reason": left_out.get(rule, applied).reason,
            "why": left_out.get(rule, applied).why,
        }
        for rule in RULE_VERSIONS
    ]


STAGE = Stage(
    name="candidates",
    version=VERSION,
    run=run,
    settings=CandidatesSettings,
    reads=(
        "windows",
        "turns",
        "rating_segments",
        "rating_quality",
        "congruence",
        "dial_moments",
        "silences",
        "sessions",
    ),
    writes=("candidates", "evidence", "rules"),
)
