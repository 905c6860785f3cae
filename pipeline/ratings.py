"""Dial ratings on the session clock, whether they can be read, and their extreme segments.

Each rater's file becomes one value a second. `value_raw` is what the dial said at that second of
the media; `value` is what it said `lag_s` later, because a hand follows what is seen and heard by
1 to 6 s (Mariooryad and Busso 2015), without the first seconds, in which a rater finds the dial.
The lag is never fitted to the other rater. Summaries are of `value_raw`, so that a published mean
comes out again.

Caveat: a low rating is no bad work (Swift, Tompkins and Parkin 2017: the same act was rated both
ways). A file that cannot be read is one rater's absence; the other rater's dial goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.dial_files import DialCourse, read_dial
from pipeline.errors import SessionError
from pipeline.player_clock import player_zero_s
from pipeline.rating_segments import HELPFUL_ABOVE, HINDERING_BELOW, pick_segments
from pipeline.settings import RatingsSettings
from pipeline.spans import Floats, Windows, amount_inside
from pipeline.stage import Absence, Inputs, Outputs, Stage

VERSION = 2
"""Raise when the numbers can change."""

RATERS = ("client", "therapist")
MOVE_POINTS = 2.0
HOLD_POINTS = 0.5
"""A dial that stays within this has not been touched: less is the device's own noise."""
RATED_SHARE_MIN = 0.5
"""A second counts as rated from here."""


def run(inputs: Inputs, engine: None, settings: RatingsSettings) -> Outputs:
    """`ratings`, `rating_quality` and `rating_segments` of both raters.

    A rater without a file is absent with reason ``no_dial``, one whose file cannot be read with
    ``unreadable_media``; modality ``dial_client`` or ``dial_therapist``.
    """
    del engine
    parts: dict[str, list[pa.Table]] = {
        name: [tables.TABLES[name].empty()] for name in STAGE.writes
    }
    absences: list[Absence] = []
    for rater in RATERS:
        course = _course(inputs, rater)
        if isinstance(course, Absence):
            absences.append(course)
            row = _absent_row(inputs.spec.id, rater, course.sentence)
            parts["rating_quality"].append(row)
            continue
        duration_s = _duration_s(inputs, course)
        for name, part in _of_rater(inputs.spec.id, rater, course, duration_s, settings).items():
            parts[name].append(part)
    built = {name: pa.concat_tables(pieces) for name, pieces in parts.items()}
    return Outputs(built, absences=tuple(absences))


def on_seconds(course: DialCourse, duration_s: float) -> Floats:
    """Time-weighted mean of the steps in every second of the session, shape (ceil(duration_s),).

    NaN where less than half of the second was rated.
    """
    n = math.ceil(duration_s - 1e-6)
    rated = np.isfinite(course.value)
    edges = np.arange(n + 1, dtype=np.float64)
    spans = np.column_stack([course.start_s, course.end_s])[rated]
    lengths = spans[:, 1] - spans[:, 0]
    seconds = Windows(edges[:-1], edges[1:])
    weights = amount_inside(spans, lengths, seconds)
    totals = amount_inside(spans, lengths * course.value[rated], seconds)
    enough = weights >= RATED_SHARE_MIN - 1e-9
    means = np.divide(totals, weights, out=np.full(n, np.nan), where=enough)
    return np.clip(means, 0, 100)


def count_moves(course: Floats) -> int:
    """How often the dial went at least 2 points from where it was last taken to rest."""
    known = course[np.isfinite(course)]
    moves, rest = 0, known[0] if len(known) else math.nan
    for value in known:
        if abs(value - rest) >= MOVE_POINTS:
            moves, rest = moves + 1, value
    return moves


def longest_hold_s(course: Floats) -> float:
    """Longest stretch of rated seconds in which the dial did not change."""
    longest, first = 0, 0
    for i, value in enumerate(course):
        if i == first or not abs(value - course[first]) < HOLD_POINTS:
            first = i
        if math.isfinite(value):
            longest = max(longest, i + 1 - first)
    return float(longest)


def _course(inputs: Inputs, rater: str) -> DialCourse | Absence:
    """One rater's steps on the session clock, or why there are none."""
    modality = f"dial_{rater}"
    part = next((part for part in inputs.spec.ratings if part.rater == rater), None)
    if part is None:
        return Absence(modality, "no_dial", f"The {rater} gave no dial rating.")
    try:
        played = read_dial(inputs.recording.path(part.file))
        course = _shifted(played, player_zero_s(inputs.tables["media"]) + part.offset_s)
    except SessionError as error:
        return Absence(modality, "unreadable_media", f"The {rater}'s dial is left out: {error}")
    duration_s = _duration_s(inputs, course)
    if not np.isfinite(on_seconds(course, duration_s)).any():
        sentence = (
            f"The {rater}'s dial is left out: no rating lies between 0 and {duration_s:.0f} s, the "
            "session's length; check `offset_s` of its [[ratings]], and that times are media time."
        )
        return Absence(modality, "unreadable_media", sentence)
    return course


def _shifted(course: DialCourse, by_s: float) -> DialCourse:
    return DialCourse(course.start_s + by_s, course.end_s + by_s, course.value)


def _duration_s(inputs: Inputs, course: DialCourse) -> float:
    known = inputs.tables["sessions"].column("duration_s").drop_null().to_pylist()
    return float(known[0]) if known else max(0.0, float(course.end_s[-1]))


def _of_rater(
    session_id: str, rater: str, course: DialCourse, duration_s: float, settings: RatingsSettings
) -> Mapping[str, pa.Table]:
    raw = on_seconds(course, duration_s)
    value = on_seconds(_shifted(course, -settings.lag_s), duration_s)
    begun = int(np.flatnonzero(np.isfinite(raw))[0])
    value[: begun + math.ceil(settings.drop_first_s)] = np.nan
    figures = _figures(raw)
    faults = _faults(figures, settings)
    who = {"session_id": session_id, "rater": rater}
    quality = {
        **who,
        "quality": "degraded" if faults else "ok",
        "sentence": f"The {rater}'s dial {'; '.join(faults)}." if faults else "",
        "lag_s": settings.lag_s,
        **figures,
    }
    segments = [
        {
            **who,
            "kind": segment.kind,
            "rank": segment.rank,
            "start_s": float(segment.first),
            "end_s": min(float(segment.stop), duration_s),
            "mean": segment.mean,
            "depth_madn": segment.depth_madn,
            "label": segment.label,
            "low_confidence": bool(faults),
        }
        for segment in pick_segments(value, settings)
    ]
    n = len(raw)
    return {
        "ratings": tables.RATINGS.build(
            {
                "session_id": [session_id] * n,
                "rater": [rater] * n,
                "t_s": np.arange(n, dtype=np.float64),
                "value_raw": raw,
                "value": value,
            }
        ),
        "rating_quality": tables.RATING_QUALITY.build_rows([quality]),
        "rating_segments": tables.RATING_SEGMENTS.build_rows(segments),
    }


def _figures(raw: Floats) -> dict[str, Any]:
    known = raw[np.isfinite(raw)]
    return {
        "coverage": len(known) / len(raw),
        "moves": count_moves(raw),
        "longest_hold_s": longest_hold_s(raw),
        "dial_mean": float(known.mean()),
        "dial_median": float(np.median(known)),
        "dial_sd": float(known.std(ddof=1)) if len(known) > 1 else 0.0,
        "dial_prop_helpful": float(np.mean(known > HELPFUL_ABOVE)),
        "dial_prop_neutral": float(np.mean((known >= HINDERING_BELOW) & (known <= HELPFUL_ABOVE))),
        "dial_prop_hindering": float(np.mean(known < HINDERING_BELOW)),
    }


def _faults(figures: Mapping[str, Any], settings: RatingsSettings) -> list[str]:
    """What is wrong with a dial, in words; empty if nothing."""
    faults = []
    if figures["coverage"] < settings.coverage_min:
        least = f"{settings.coverage_min:.0%}"
        faults.append(f"covers {figures['coverage']:.0%} of the session (at least {least} needed)")
    if figures["moves"] < settings.moves_min:
        faults.append(f"moved {figures['moves']} times (at least {settings.moves_min} needed)")
    if figures["dial_sd"] < settings.sd_min:
        least = f"{settings.sd_min:g}"
        faults.append(f"varied by {figures['dial_sd']:.1f} points (SD; at least {least} needed)")
    if figures["longest_hold_s"] > settings.hold_max_s:
        most = f"{settings.hold_max_s:.0f} s"
        faults.append(f"was left alone for {figures['longest_hold_s']:.0f} s (at most {most})")
    return faults


def _absent_row(session_id: str, rater: str, sentence: str) -> pa.Table:
    row: dict[str, Any] = dict.fromkeys(tables.RATING_QUALITY.by_name)
    row |= {"session_id": session_id, "rater": rater, "quality": "absent", "sentence": sentence}
    return tables.RATING_QUALITY.build_rows([row])


STAGE = Stage(
    name="ratings",
    version=VERSION,
    run=run,
    settings=RatingsSettings,
    reads=("sessions", "media"),
    writes=("ratings", "rating_quality", "rating_segments"),
    sources=("ratings",),
    scope="dial",
    modality="dials",
)
