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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.dials.direction import disagrees_with_reasons, of_text
from pipeline.dials.figures import dial_figures
from pipeline.dials.lag import Lag, estimate_lag, turn_changes
from pipeline.dials.layouts import DialCourse, Rating, read_rating
from pipeline.dials.reasons import read_reasons
from pipeline.dials.segments import pick_segments
from pipeline.errors import SessionError
from pipeline.media.player_clock import player_zero_s
from pipeline.paperwork.session import RATERS
from pipeline.settings import RatingsSettings
from pipeline.spans import Floats, Windows, amount_inside
from pipeline.stage import Absence, Inputs, Outputs, Stage
from pipeline.tables.arrays import length_s

VERSION = 7
"""Raise when the numbers can change."""

RATED_SHARE_MIN = 0.5
"""A second counts as rated from here."""
TOLD_S = 1.0
"""A last rating that is taken to have stood for this much longer is told."""
BEYOND_MAX_S = 60.0
"""A rating may go on after the recording's end by this much before its clock is doubted."""
TWICE = 2.0
"""One this much longer than the session is on another clock, and is not read."""


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
    changes_s = turn_changes(inputs.tables["turns"].to_pylist())
    for rater in RATERS:
        rating = _rating(inputs, rater)
        if isinstance(rating, Absence):
            absences.append(rating)
            parts["rating_quality"].append(_absent_row(inputs.spec.id, rater, rating.sentence))
            continue
        duration_s = length_s(inputs.tables["sessions"])
        held_s = _held_s(rating, duration_s)
        rating = replace(rating, course=_held_on(rating.course, held_s))
        raw = on_seconds(rating.course, duration_s)
        who = {"session_id": inputs.spec.id, "rater": rater}
        doubts = [*_file_faults(rating, duration_s), *_reason_faults(inputs, rater, raw)]
        lag = estimate_lag(raw, changes_s)
        quality = who | _quality(rater, rating, raw, lag, doubts, settings)
        quality |= {"held_to_end_s": held_s}
        if held_s >= TOLD_S:
            told = _standing(rater, rating, duration_s)
            quality["sentence"] = f"{quality['sentence']} {told}".strip()
        value = _lag_taken_off(rating.course, raw, duration_s, settings)
        doubted = quality["quality"] != "ok"
        parts["rating_quality"].append(tables.RATING_QUALITY.build_rows([quality]))
        parts["ratings"].append(_seconds(who, raw, value))
        parts["rating_segments"].append(_segments(who, value, duration_s, settings, doubted))
    built = {name: pa.concat_tables(pieces) for name, pieces in parts.items()}
    return Outputs(built, absences=tuple(absences))


def on_seconds(course: DialCourse, duration_s: float) -> Floats:
    """Time-weighted mean of the steps in every second of the session, shape (n_seconds,).

    A last second that is not half inside the session is none of it. NaN where less than half of
    the second was rated.
    """
    n = max(1, math.floor(duration_s + RATED_SHARE_MIN))
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


def _rating(inputs: Inputs, rater: str) -> Rating | Absence:
    """One rater's steps on the session clock, or why there are none."""
    modality = f"dial_{rater}"
    parts = [part for part in inputs.spec.ratings if part.rater == rater]
    if not parts:
        return Absence(modality, "no_dial", f"There is no dial rating of the {rater} to use.")
    try:
        played = read_rating(inputs.recording.path, parts)
    except SessionError as error:
        return Absence(modality, "unreadable_media", f"The {rater}'s dial is left out: {error}")
    course = _shifted(played.course, player_zero_s(inputs.tables["media"]))
    duration_s = length_s(inputs.tables["sessions"])
    fault = _clock_fault(course, duration_s)
    if fault:
        sentence = f"The {rater}'s dial is left out: {played.rows.file} {fault}."
        return Absence(modality, "unreadable_media", sentence)
    return replace(played, course=course)


def _clock_fault(course: DialCourse, duration_s: float) -> str:
    """Why a rating cannot be on this session's clock; empty if it can."""
    last = _last_rated_s(course)
    if last > max(TWICE * duration_s, duration_s + BEYOND_MAX_S):
        return (
            f"rates until {last:.0f} s, and the session lasts {duration_s:.0f} s; allowed: seconds "
            "of media position. If its times are milliseconds, name the column time_ms; if they "
            "are clock times, write `started_at` to its [[ratings]]; else mend `offset_s`"
        )
    if not np.isfinite(on_seconds(course, duration_s)).any():
        return (
            f"has no rating between 0 and {duration_s:.0f} s, the session's length; check "
            "`offset_s` and `started_at` of its [[ratings]], and that its times are media time"
        )
    return ""


def _last_rated_s(course: DialCourse) -> float:
    rated = np.isfinite(course.value) & (course.end_s > course.start_s)
    return float(course.end_s[rated].max(initial=-math.inf))


def _held_s(rating: Rating, duration_s: float) -> float:
    """How long after its last row a log of changes stood, until the film ended."""
    return max(0.0, duration_s - float(rating.course.end_s[-1])) if rating.stands else 0.0


def _held_on(course: DialCourse, by_s: float) -> DialCourse:
    return replace(course, end_s=np.append(course.end_s[:-1], course.end_s[-1] + by_s))


def _standing(rater: str, rating: Rating, duration_s: float) -> str:
    last_s, value = float(rating.course.start_s[-1]), rating.course.value[-1]
    return (
        f"The {rater}'s dial is a log of changes whose last, to {value:.0f}, is at "
        f"{last_s:.0f} s; it is taken to have stood there until the end at {duration_s:.0f} s."
    )


def _shifted(course: DialCourse, by_s: float) -> DialCourse:
    return DialCourse(course.start_s + by_s, course.end_s + by_s, course.value)


def _lag_taken_off(
    course: DialCourse, raw: Floats, duration_s: float, settings: RatingsSettings
) -> Floats:
    """What the dial said `lag_s` later, without the first seconds of the rating; as `raw`."""
    value = on_seconds(_shifted(course, -settings.lag_s), duration_s)
    begun = int(np.flatnonzero(np.isfinite(raw))[0])
    # what was rated in second t lies at t - lag_s by now
    dropped = math.ceil(begun + settings.drop_first_s - settings.lag_s)
    value[: max(0, dropped)] = np.nan
    return value


def _quality(
    rater: str,
    rating: Rating,
    raw: Floats,
    lag: Lag,
    doubts: Sequence[str],
    settings: RatingsSettings,
) -> dict[str, Any]:
    """A row of ``rating_quality`` without its key."""
    figures = dial_figures(raw)
    faults = [*_faults(figures, settings), *doubts]
    rows = rating.rows
    return {
        "quality": "degraded" if faults else "ok",
        "sentence": f"The {rater}'s dial {'; '.join(faults)}." if faults else "",
        "layout": rows.layout,
        "axis_low": rows.axis[0],
        "axis_high": rows.axis[1],
        "direction": rows.direction,
        "clock": "wall" if rows.wall_clock else "media",
        "parts": rating.parts,
        "passes": rating.passes,
        "lag_s": settings.lag_s,
        "lag_estimate_s": lag.estimate_s,
        "lag_low_s": lag.low_s,
        "lag_high_s": lag.high_s,
        "lag_reason": lag.reason,
        **figures,
    }


def _file_faults(rating: Rating, duration_s: float) -> list[str]:
    """What the file itself gives reason to doubt, in words."""
    faults = []
    if rating.rows.direction == "reversed":
        low, high = rating.rows.axis
        faults.append(
            f"is labelled the other way round, {low:g} helpful and {high:g} hindering, and is kept "
            f"as written; if that is so, write scale = [{high:g}, {low:g}] to its [[ratings]]"
        )
    beyond = _last_rated_s(rating.course) - duration_s
    if beyond > BEYOND_MAX_S:
        faults.append(f"goes on for {beyond:.0f} s after the recording's end; check its clock")
    return faults


def _reason_faults(inputs: Inputs, rater: str, raw: Floats) -> list[str]:
    """Whether the rater's own reasons contradict the direction of the dial."""
    named: dict[int, list[float]] = {-1: [], 0: [], 1: []}
    zero_s = player_zero_s(inputs.tables["media"])
    for part in inputs.spec.reasons:
        if part.rater != rater:
            continue
        try:
            reasons = read_reasons(inputs.recording.path(part.file))
        except SessionError:
            return []  # said by the stage that shows the reasons
        for reason in reasons:
            first, stop = (
                round(t + zero_s + part.offset_s) for t in (reason.start_s, reason.end_s)
            )
            rated = raw[max(0, first) : max(0, stop)]
            rated = rated[np.isfinite(rated)]
            if len(rated):
                named[of_text(reason.text)].append(float(rated.mean()))
    if not disagrees_with_reasons(named[1], named[-1]):
        return []
    higher, lower = np.median(named[-1]), np.median(named[1])
    fault = (
        f"rates what the {rater} called helpful lower (median {lower:.0f}) than what they called "
        f"hindering ({higher:.0f}), and is kept as written; if its axis is the other way round, "
        "write scale = [100, 0] to its [[ratings]]"
    )
    return [fault]


def _faults(figures: Mapping[str, Any], settings: RatingsSettings) -> list[str]:
    """What is wrong with a dial's course, in words; empty if nothing."""
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


def _seconds(who: Mapping[str, str], raw: Floats, value: Floats) -> pa.Table:
    n = len(raw)
    columns = {name: [one] * n for name, one in who.items()}
    t_s = np.arange(n, dtype=np.float64)
    return tables.RATINGS.build({**columns, "t_s": t_s, "value_raw": raw, "value": value})


def _segments(
    who: Mapping[str, str],
    value: Floats,
    duration_s: float,
    settings: RatingsSettings,
    doubted: bool,
) -> pa.Table:
    rows = [
        {
            **who,
            "kind": segment.kind,
            "rank": segment.rank,
            "start_s": float(segment.first),
            "end_s": min(float(segment.stop), duration_s),
            "mean": segment.mean,
            "depth_madn": segment.depth_madn,
            "label": segment.label,
            "low_confidence": doubted,
        }
        for segment in pick_segments(value, settings)
    ]
    return tables.RATING_SEGMENTS.build_rows(rows)


def _absent_row(session_id: str, rater: str, sentence: str) -> pa.Table:
    row: dict[str, Any] = dict.fromkeys(tables.RATING_QUALITY.by_name)
    row |= {"session_id": session_id, "rater": rater, "quality": "absent", "sentence": sentence}
    return tables.RATING_QUALITY.build_rows([row])


STAGE = Stage(
    name="ratings",
    version=VERSION,
    run=run,
    settings=RatingsSettings,
    reads=("sessions", "media", "turns"),
    writes=("ratings", "rating_quality", "rating_segments"),
    sources=("ratings", "reasons"),
    scope="dial",
    modality="dials",
    without="No dials",
)
