"""Stage: how far client and therapist agree on the same hour.

One row says how their dials go together and what chance gives. Beside it stand the stretches in
which they lie far apart, the lowest segments both picked, the therapist's blind guesses and the
raters' own reasons. Dials are compared with the reaction lag of the profile taken off both, never
one fitted to the other.

Caveat: a dial that failed its quality gate is not compared, nor are dials with less than 15 minutes
in common. Where the raters part, neither is right. METHODS: Dials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.dials import guess_task
from pipeline.dials.congruence import binned, both_rated, congruence
from pipeline.dials.reasons import read_reasons
from pipeline.dials.two_raters import (
    LEVELS,
    confusion,
    divergence,
    divergences,
    kappa,
    overlap_share,
    running_mean,
    shared,
)
from pipeline.errors import SessionError
from pipeline.media.player_clock import player_zero_s
from pipeline.paperwork.session import RATERS, GuessFile
from pipeline.settings import AgreementSettings
from pipeline.stage import Absence, Inputs, Outputs, Stage
from pipeline.tables.arrays import floats, length_s
from pipeline.timeline import Floats, Seconds, Span, overlap_s

VERSION = 2
"""Raise when the numbers can change."""

COUNTS = tuple(f"client_{mine}_therapist_{other}_bins" for mine in LEVELS for other in LEVELS)
Row = dict[str, Any]


def run(inputs: Inputs, engine: None, settings: AgreementSettings) -> Outputs:
    """`congruence`, `dial_moments`, `guesses` and `rating_reasons` of one session.

    A file of guesses or reasons that cannot be read is an absence (``unreadable_media``), never an
    error: the rest of the session goes on.
    """
    del engine
    given = inputs.tables
    segments = given["rating_segments"].to_pylist()
    guesses, guess_figures, absent = _guesses(inputs, segments)
    reasons, unread = _reasons(inputs, segments)
    dials = _dials(given["ratings"], given["rating_quality"], settings)
    moments: list[Row] = []
    if isinstance(dials, str):
        row = _nothing(dials)
    else:
        row = _compared(*dials, settings) | _overlaps(segments, settings)
        moments = _moments(*dials, segments, length_s(given["sessions"]), settings)
    who = {"session_id": inputs.spec.id}
    return Outputs(
        {
            "congruence": tables.CONGRUENCE.build_rows([who | row | guess_figures]),
            "dial_moments": tables.DIAL_MOMENTS.build_rows(who | moment for moment in moments),
            "guesses": tables.GUESSES.build_rows(who | guess for guess in guesses),
            "rating_reasons": tables.RATING_REASONS.build_rows(who | reason for reason in reasons),
        },
        absences=(*absent, *unread),
    )


def _dials(
    ratings: pa.Table, quality: pa.Table, settings: AgreementSettings
) -> tuple[Floats, Floats] | str:
    """Both dials on the session's seconds, or the reason why they are not compared."""
    found = {row["rater"]: row["quality"] for row in quality.to_pylist()}
    if not found:  # `ratings` says of each rater at least that there is nothing
        return "fault"
    if any(found.get(rater, "absent") == "absent" for rater in RATERS):
        return "no_dial"
    if any(found[rater] != "ok" for rater in RATERS):
        return "dial_unsure"
    client, therapist = (_on_seconds(ratings, rater) for rater in RATERS)
    n = max(len(client), len(therapist))
    client, therapist = (
        np.pad(dial, (0, n - len(dial)), constant_values=np.nan) for dial in (client, therapist)
    )
    if np.isfinite(client + therapist).sum() < settings.minimum_s:
        return "too_short"
    return client, therapist


def _on_seconds(ratings: pa.Table, rater: str) -> Floats:
    mine = ratings.filter(pa.compute.equal(ratings.column("rater"), rater)).sort_by("t_s")
    return floats(mine, "value")


def _nothing(why: str) -> Row:
    """The row of a session whose dials are not compared."""
    row = dict.fromkeys(tables.CONGRUENCE.by_name)
    del row["session_id"]
    return row | {"is_interpretable": False, "reason": why}


def _compared(client: Floats, therapist: Floats, settings: AgreementSettings) -> Row:
    found = congruence(
        client,
        therapist,
        bin_s=settings.bin_s,
        shortest_shift_s=settings.shortest_shift_s,
        max_lag_s=settings.max_lag_s,
    )
    bins = (binned(dial, settings.bin_s) for dial in both_rated(client, therapist))
    counts = confusion(*bins)
    return asdict(found) | {
        "kappa": kappa(counts),
        **dict(zip(COUNTS, counts.ravel().tolist(), strict=True)),
    }


def _overlaps(segments: Sequence[Row], settings: AgreementSettings) -> Row:
    """How many picks the raters share, and how much time."""
    row: Row = {}
    for kind in ("high", "low"):
        picks = [_picked(segments, rater, kind) for rater in RATERS]
        row[f"{kind}_overlap_count"] = len(shared(*picks, least=settings.shared_iou_min))
        row[f"{kind}_overlap_iou"] = overlap_share(*picks)
    return row | {"shared_low": row["low_overlap_count"] > 0}


def _picked(segments: Sequence[Row], rater: str, kind: str) -> list[Span]:
    return [
        (row["start_s"], row["end_s"])
        for row in segments
        if row["rater"] == rater and row["kind"] == kind
    ]


def _moments(
    client: Floats,
    therapist: Floats,
    segments: Sequence[Row],
    duration_s: Seconds,
    settings: AgreementSettings,
) -> list[Row]:
    """Rows of `dial_moments` without the session."""
    window_s = settings.divergence_window_s
    dials = {"dial_client": client, "dial_therapist": therapist}
    courses = {name: running_mean(dial, window_s=window_s) for name, dial in dials.items()}
    apart = divergences(
        divergence(client, therapist, window_s=window_s),
        least_points=settings.divergence_points,
        least_madn=settings.divergence_madn,
        least_s=settings.divergence_min_s,
        bridge_s=settings.divergence_bridge_s,
        most=settings.divergences_max,
    )
    rows = [
        _placed("divergence", rank, (one.start_s, one.end_s), duration_s)
        | {"peak_s": one.peak_s, "divergence": one.points, "usual_divergence": one.usual}
        | {"depth_madn": None if one.madn is None else abs(one.madn)}
        | {
            name: float(np.clip(course[int(one.peak_s)], 0, 100))
            for name, course in courses.items()
        }
        for rank, one in enumerate(apart, start=1)
    ]
    lows = [_picked(segments, rater, "low") for rater in RATERS]
    unknown = dict.fromkeys(("peak_s", "divergence", "usual_divergence", "depth_madn", *dials))
    rows += [
        _placed("shared_low", rank, span, duration_s) | unknown
        for rank, span in enumerate(shared(*lows, least=settings.shared_iou_min), start=1)
    ]
    return rows


def _placed(kind: str, rank: int, span: Span, duration_s: Seconds) -> Row:
    start_s, end_s = span[0], min(span[1], duration_s)
    place = min(1.0, (start_s + end_s) / 2 / duration_s)
    return {"kind": kind, "rank": rank, "start_s": start_s, "end_s": end_s, "session_prop": place}


def _guesses(inputs: Inputs, segments: Sequence[Row]) -> tuple[list[Row], Row, list[Absence]]:
    """Rows of `guesses`, their columns of `congruence`, and an absence if they are unreadable."""
    part = inputs.spec.guesses
    if part is None:
        return [], _no_guess("no_guess"), []
    try:
        given = guess_task.read_guesses(inputs.recording.path(part.file))
    except SessionError as error:
        sentence = f"The therapist's guesses are left out: {error}"
        absence = Absence("guesses", "unreadable_media", sentence)
        return [], _no_guess("unreadable_media"), [absence]
    zero_s = player_zero_s(inputs.tables["media"]) + part.offset_s
    picked = [
        (span, kind) for kind in ("high", "low") for span in _picked(segments, "client", kind)
    ]
    rows: list[Row] = []
    pairs: list[tuple[str, str]] = []
    for guess in given:
        span = (guess.start_s + zero_s, guess.end_s + zero_s)
        rated = guess_task.rated_as(span, picked)
        is_correct = None if rated is None else rated == guess.label
        rows.append({"start_s": span[0], "end_s": span[1], "guess": guess.label}
                    | {"rated": rated, "is_correct": is_correct})  # fmt: skip
        pairs += [] if rated is None else [(guess.label, rated)]
    if not pairs:
        return rows, _no_guess("few_samples" if picked else "no_dial"), []
    return rows, _guess_figures(pairs, part), []


def _guess_figures(pairs: Sequence[tuple[str, str]], part: GuessFile) -> Row:
    result = guess_task.assess(pairs, split_known=part.split_known)
    return {
        "guess_count": result.count,
        "guess_correct": result.correct,
        "guess_p": result.p if part.blinded else None,
        "guess_reason": None if part.blinded else "not_blinded",
        "guess_split_known": part.split_known,
    }


def _no_guess(why: str) -> Row:
    return {
        "guess_count": None, "guess_correct": None, "guess_p": None, "guess_reason": why,
        "guess_split_known": None,
    }  # fmt: skip


def _reasons(inputs: Inputs, segments: Sequence[Row]) -> tuple[list[Row], list[Absence]]:
    """Rows of `rating_reasons`, each with the rater's own picked stretch it is about."""
    rows: list[Row] = []
    absences: list[Absence] = []
    for part in inputs.spec.reasons:
        zero_s = player_zero_s(inputs.tables["media"]) + part.offset_s
        own = [row for row in segments if row["rater"] == part.rater]
        try:
            given = read_reasons(inputs.recording.path(part.file))
        except SessionError as error:
            sentence = f"The {part.rater}'s reasons are left out: {error}"
            absences.append(Absence("reasons", "unreadable_media", sentence))
            continue
        for reason in given:
            span = (reason.start_s + zero_s, reason.end_s + zero_s)
            about = _nearest(span, own)
            rows.append({"rater": part.rater, "start_s": span[0], "end_s": span[1]}
                        | {"text": reason.text, "kind": about.get("kind")}
                        | {"rank": about.get("rank")})  # fmt: skip
    return rows, absences


def _nearest(span: Span, segments: Sequence[Row]) -> Row:
    """The segment with most time in common; empty if none has any."""
    times = [overlap_s(span, (row["start_s"], row["end_s"])) for row in segments]
    most = max(times, default=0.0)
    return segments[times.index(most)] if most > 0 else {}


STAGE = Stage(
    name="agreement",
    version=VERSION,
    run=run,
    settings=AgreementSettings,
    reads=("sessions", "media", "ratings", "rating_quality", "rating_segments"),
    writes=("congruence", "dial_moments", "guesses", "rating_reasons"),
    sources=("reasons", "guesses"),
    scope="dial",
    modality="dials",
    without="No comparison of the dials",
)
