"""R1 and R2: the stretches a rater gave the lowest and the highest ratings.

They repeat a person's own judgement, so they stand outside the budget of the cue rules and need no
minimum of audio. Both are shown equally prominently (Swift, Tompkins & Parkin 2017: the same act is
helpful or hindering by its timing and fit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import tables
from pipeline.rules import Draft, Evidence
from pipeline.timeline import Seconds

RULE_OF_KIND = {"low": "R1", "high": "R2"}
_ORDINALS = {1: "", 2: "second-", 3: "third-"}
_FEATURES = {
    "client": tables.WINDOWS.by_name["dial_client"],
    "therapist": tables.WINDOWS.by_name["dial_therapist"],
}


@dataclass(frozen=True, slots=True)
class RatedSegment:
    """One picked segment of one rater; see `tables.RATING_SEGMENTS`."""

    rater: str
    kind: str
    rank: int
    start_s: Seconds
    end_s: Seconds
    mean: float
    median: float | None
    """Of this rater's whole dial."""
    depth_madn: float | None
    label: str
    low_confidence: bool


def rated_segments(segments: Sequence[RatedSegment], rules: Sequence[str]) -> list[Draft]:
    """One draft per segment whose rule is in `rules`; score = MADN away from the median."""
    return [_draft(s) for s in segments if RULE_OF_KIND[s.kind] in rules]


def _draft(segment: RatedSegment) -> Draft:
    depth = segment.depth_madn
    signed = None if depth is None else (-depth if segment.kind == "low" else depth)
    column = _FEATURES[segment.rater]
    evidence = Evidence(
        column.name,
        segment.start_s,
        segment.mean,
        segment.median,
        signed,
        column.unit,
        "degraded" if segment.low_confidence else "ok",
    )
    return Draft(
        RULE_OF_KIND[segment.kind],
        segment.start_s,
        segment.end_s,
        segment.rater,
        _title(segment),
        (evidence,),
        score=depth or 0.0,
        rank=segment.rank,
    )


def _title(segment: RatedSegment) -> str:
    ordinal = _ORDINALS.get(segment.rank, f"{segment.rank}th-")
    extreme = "lowest" if segment.kind == "low" else "highest"
    return f"{segment.rater.capitalize()}'s {ordinal}{extreme}-rated stretch ({segment.label})"
