"""What R1 and R2 share: a rater's lowest and highest stretches, as the stage `ratings` picked them.

They repeat people's own judgement, so they stand outside the budget of the cue rules and need no
minimum of audio. Lows and highs are shown equally prominently (Swift, Tompkins & Parkin 2017: the
same act is helpful or hindering by its timing and fit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline import tables
from pipeline.rules.rule import Draft, Evidence, Given, Unapplied
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.timeline import Seconds

LOOKS_FOR = "Each rater's three lowest and three highest stretches"
CHANCE = "always the rater's own extremes"
NEEDS = {
    "rating_segments": (
        "rater",
        "kind",
        "rank",
        "start_s",
        "end_s",
        "mean",
        "depth_madn",
        "label",
        "low_confidence",
    ),
    "rating_quality": ("rater", "dial_median", "quality"),
}
DIALS = {
    "client": tables.WINDOWS.by_name["dial_client"],
    "therapist": tables.WINDOWS.by_name["dial_therapist"],
}
_ORDINALS = {1: "", 2: "second-", 3: "third-"}


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


def medians_of(quality: pa.Table) -> dict[str, float | None]:
    """Rater -> median of the whole dial."""
    columns = (quality.column(name).to_pylist() for name in ("rater", "dial_median"))
    return dict(zip(*columns, strict=True))


def segments_of(given: Given) -> list[RatedSegment]:
    """The picked segments that were rated at all."""
    medians = medians_of(given["rating_quality"])
    return [
        RatedSegment(**row, median=medians.get(row["rater"]))
        for row in given["rating_segments"].to_pylist()
        if row["mean"] is not None
    ]


def rated_segments(segments: Sequence[RatedSegment], kind: str, rule: str) -> list[Draft]:
    """One draft of `rule` per segment of its kind; score = MADN away from the median."""
    return [_draft(segment, rule) for segment in segments if segment.kind == kind]


def unapplied(given: Given, shared: SharedSettings, own: Section) -> Unapplied | None:
    """No dial can be read."""
    del shared, own
    readable = set(given["rating_quality"].column("quality").to_pylist()) - {"absent"}
    if readable or given["rating_segments"].num_rows:
        return None
    return Unapplied("no_dial", "no readable dial")


def _draft(segment: RatedSegment, rule: str) -> Draft:
    depth = segment.depth_madn
    signed = None if depth is None else (-depth if segment.kind == "low" else depth)
    column = DIALS[segment.rater]
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
        rule,
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
