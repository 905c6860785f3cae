"""What R6 looks at: the analysis windows of one session as arrays, with what is usual in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rules.cues import (
    CUES,
    LATENCY,
    MINIMAL,
    NODS,
    TRAVEL,
    CueWindows,
    silences_after_questions,
    usual_values,
)
from pipeline.rules.late_replies import replies_of, usual_s
from pipeline.settings import CandidatesSettings
from pipeline.spans import Flags
from pipeline.tables import WINDOW_CUES
from pipeline.tables.arrays import floats, present
from pipeline.timeline import Floats, Span


def cue_windows(
    windows: pa.Table,
    replies: pa.Table,
    silences: Sequence[Span],
    questions_s: Floats,
    settings: CandidatesSettings,
) -> CueWindows:
    """All that `cues.several_cues` looks at.

    Parameters
    ----------
    windows : rows of `tables.WINDOWS`
    replies : the client's turns that answer a question, rows of `tables.TURNS` in time order
    silences, questions_s : every listed silence, and the end of every therapist question, s
    """
    windows = windows.sort_by("start_s")
    start_s, end_s = floats(windows, "start_s"), floats(windows, "end_s")
    cued = [cue.column.name for cue in (*CUES, *NODS)]
    minimal_s = floats(
        replies.filter(pc.fill_null(replies.column("reply_minimal"), False)), "start_s"
    )
    begun = floats(replies, "start_s") >= settings.earliest_s
    latencies_s = floats(replies, "response_latency_s")[begun]
    unflagged = np.zeros(len(start_s), dtype=bool)
    values = {name: floats(windows, name) for name in (*cued, MINIMAL.name)}
    z = {name: floats(windows, f"{name}_z") for name in cued}
    speaking = floats(windows, "client_speaking")  # NaN, 0 or 1
    by_state = {cue.name for cue in WINDOW_CUES if cue.by_state}
    usual = {
        name: usual_values(values[name], z[name], speaking if name in by_state else None)
        for name in cued
    }
    for name in (nod.column.name for nod in NODS):  # a window without a nod is none of nodding
        z[name] = np.where(values[name] == 0, np.nan, z[name])
    usual[LATENCY.name] = np.full(len(start_s), usual_s(replies_of(replies), settings))
    median = _median(values[MINIMAL.name][start_s >= settings.earliest_s])
    usual[MINIMAL.name] = np.full(len(start_s), median)
    degraded = {name: present(windows, f"{name}_reason") for name in cued}
    still = np.isnan(values[TRAVEL.name]) & np.isfinite(z[TRAVEL.name])
    degraded[TRAVEL.name] = degraded[TRAVEL.name] & ~still
    limit = floats(windows, "client_gaze_limit_dps")
    values[TRAVEL.name] = np.where(still, limit, values[TRAVEL.name])
    return CueWindows(
        start_s,
        end_s,
        values=values,
        z=z,
        degraded=degraded | {MINIMAL.name: unflagged},
        minimal_reply=_any_inside(minimal_s, start_s, end_s),
        silences=silences_after_questions(list(silences), questions_s, latencies_s, settings),
        usual=usual,
        at_most={TRAVEL.name: still},
    )


def question_ends(turns: pa.Table) -> Floats:
    """When each question of the therapist ends, s; shape (n_questions,)."""
    asked = pc.and_(
        pc.equal(turns.column("role"), "therapist"),
        pc.fill_null(turns.column("is_question"), False),
    )
    return floats(turns.filter(asked), "question_end_s")


def _any_inside(times_s: Floats, start_s: Floats, end_s: Floats) -> Flags:
    times_s = np.sort(times_s)
    return np.asarray(np.searchsorted(times_s, end_s) > np.searchsorted(times_s, start_s))


def _median(values: Floats) -> float:
    measured = values[np.isfinite(values)]
    return float(np.median(measured)) if measured.size else float("nan")
