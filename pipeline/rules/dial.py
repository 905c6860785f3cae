"""R1 to R3: the stretches a rater gave the lowest and highest ratings, and where raters part.

They repeat people's own judgement, so they stand outside the budget of the cue rules and need no
minimum of audio. Lows and highs are shown equally prominently (Swift, Tompkins & Parkin 2017: the
same act is helpful or hindering by its timing and fit); where the raters part, neither is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline import tables
from pipeline.rules.rule import Draft, Evidence
from pipeline.timeline import Seconds

RULE_OF_KIND = {"low": "R1", "high": "R2"}
_ORDINALS = {1: "", 2: "second-", 3: "third-"}
DIVERGENCE = tables.WINDOWS.by_name["dial_divergence"]
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


@dataclass(frozen=True, slots=True)
class DialDivergence:
    """One stretch in which the dials lie far apart; see `tables.DIAL_MOMENTS`."""

    rank: int
    start_s: Seconds
    end_s: Seconds
    session_prop: float
    peak_s: Seconds
    points: float
    """Client minus therapist at the peak, each from its own median."""
    usual: float
    dials: Mapping[str, tuple[float, float | None]]
    """Rater -> the dial there, and this rater's median."""
    depth_madn: float | None


def rating_divergences(
    moments: Sequence[DialDivergence], rules: Sequence[str], *, longest_s: Seconds
) -> list[Draft]:
    """R3: one draft per stretch, at most `longest_s` around its peak; score = MADN from usual."""
    return [_apart(moment, longest_s) for moment in moments] if "R3" in rules else []


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


def _apart(moment: DialDivergence, longest_s: Seconds) -> Draft:
    first = max(moment.start_s, min(moment.peak_s - longest_s / 2, moment.end_s - longest_s))
    depth = moment.depth_madn
    is_under_usual = moment.points < moment.usual
    evidence = Evidence(
        DIVERGENCE.name,
        moment.peak_s,
        moment.points,
        moment.usual,
        -depth if depth is not None and is_under_usual else depth,
        DIVERGENCE.unit,
    )
    dials = [
        Evidence(column.name, moment.peak_s, *moment.dials[rater], None, column.unit)
        for rater, column in _FEATURES.items()
    ]
    return Draft(
        "R3",
        first,
        min(moment.end_s, first + longest_s),
        "both",
        _apart_title(moment),
        (evidence, *dials),
        score=depth or 0.0,
        rank=moment.rank,
    )


def _apart_title(moment: DialDivergence) -> str:
    nearer = "client" if moment.points > 0 else "therapist"
    apart = f"{nearer} {abs(moment.points):.0f} points nearer to helpful"
    place = f"{100 * moment.session_prop:.0f} % into the session"
    return f"The two ratings differ: {apart}, each against their own usual ({place})"
