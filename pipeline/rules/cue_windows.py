"""What R6 looks at: the analysis windows of one session as arrays, with what is usual in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import tables
from pipeline.rules.replies import replies_of, usual_s
from pipeline.settings import SharedSettings
from pipeline.spans import Flags
from pipeline.tables import WINDOW_CUES
from pipeline.tables.arrays import floats, present
from pipeline.tables.schema import Column
from pipeline.timeline import Floats


@dataclass(frozen=True, slots=True)
class Cue:
    """One window column of a family and the direction that counts."""

    column: Column
    family: str
    sign: int
    """+1 above usual, -1 below, 0 either way."""


def _column(name: str) -> Column:
    return tables.WINDOWS.by_name[name]


LATENCY = _column("client_response_latency_s")
CUES = (
    Cue(LATENCY, "A", 1),
    Cue(_column("client_articulation_rate_sps"), "B", -1),
    Cue(_column("client_pause_prop"), "B", 1),
    Cue(_column("client_gaze_path_rate_dps"), "C", -1),
    Cue(_column("client_stare_run_s"), "C", 1),
    Cue(_column("client_blink_rate_speaking_pm"), "E", 0),
    Cue(_column("client_blink_rate_listening_pm"), "E", 0),
    Cue(_column("client_face_motion_sd"), "E", 0),
)
NODS = (Cue(_column("client_nod_slow_pm"), "F", 1), Cue(_column("client_nod_fast_pm"), "F", 1))
TRAVEL = CUES[3].column
MINIMAL = _column("client_replies_minimal")
NEEDED = (
    "start_s",
    "end_s",
    "client_speaking",
    "client_gaze_limit_dps",
    MINIMAL.name,
    *(f"{cue.column.name}{end}" for cue in (*CUES, *NODS) for end in ("", "_z", "_reason")),
)
"""Columns of `windows` that are read here."""


@dataclass(frozen=True, slots=True)
class CueWindows:
    """The windows of one session; arrays of shape (n_windows,), NaN where not measured."""

    start_s: Floats
    end_s: Floats
    values: Mapping[str, Floats]
    """Value of each column of `CUES`, `NODS` and `MINIMAL`, by name."""
    z: Mapping[str, Floats]
    """Robust z of each column of `CUES` and `NODS`, by name."""
    degraded: Mapping[str, Flags]
    minimal_reply: Flags
    """A minimal reply starts in the window."""
    silences: tuple[LongSilence, ...] = ()
    """Silences after a therapist question."""
    usual: Mapping[str, Floats] = field(default_factory=dict)
    """What z compares each window's value with, by column; see `usual_values`."""
    at_most: Mapping[str, Flags] = field(default_factory=dict)
    """Where the value of a column is a limit that it lies under, by name."""


@dataclass(frozen=True, slots=True)
class LongSilence:
    """A silence after a therapist question, against the client's usual reply latency."""

    start_s: float
    end_s: float
    usual_s: float
    z: float


def usual_values(values: Floats, z: Floats, states: Floats | None = None) -> Floats:
    """The value whose z is 0, the centre that the z were computed against; NaN without any z.

    z rises with its value, on a linear and on a log scale alike, so the centre lies between the two
    windows whose z lie round 0, whichever windows the baseline was taken from.

    Parameters
    ----------
    values, z : shape (n_windows,), NaN where not measured
    states : shape (n_windows,); where z compares a window only with those of its own state
    """
    usual = np.full(len(values), np.nan)
    states = np.zeros(len(values)) if states is None else states
    for state in np.unique(states[np.isfinite(states)]):
        here = states == state
        known = np.flatnonzero(here & np.isfinite(values) & np.isfinite(z))
        if known.size:
            known = known[np.argsort(z[known], kind="stable")]
            usual[here] = np.interp(0.0, z[known], values[known])
    return usual


def cue_windows(
    windows: pa.Table,
    replies: pa.Table,
    silences: tuple[LongSilence, ...],
    settings: SharedSettings,
) -> CueWindows:
    """All that `several_cues` looks at.

    Parameters
    ----------
    windows : rows of `tables.WINDOWS`
    replies : the client's turns that answer a question, rows of `tables.TURNS` in time order
    silences : those that follow a therapist question and are long for this client
    """
    windows = windows.sort_by("start_s")
    start_s, end_s = floats(windows, "start_s"), floats(windows, "end_s")
    cued = [cue.column.name for cue in (*CUES, *NODS)]
    minimal_s = floats(
        replies.filter(pc.fill_null(replies.column("reply_minimal"), False)), "start_s"
    )
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
        silences=silences,
        usual=usual,
        at_most={TRAVEL.name: still},
    )


def _any_inside(times_s: Floats, start_s: Floats, end_s: Floats) -> Flags:
    times_s = np.sort(times_s)
    return np.asarray(np.searchsorted(times_s, end_s) > np.searchsorted(times_s, start_s))


def _median(values: Floats) -> float:
    measured = values[np.isfinite(values)]
    return float(np.median(measured)) if measured.size else float("nan")
