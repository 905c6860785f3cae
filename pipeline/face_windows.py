"""What is seen of the client, per window: gaze, head, blinks and nods, each with its own gate.

A window counts only if enough of the frames it would use were good enough; otherwise the cue is
null and its reason is the commonest one among the frames that were not. Rates are events over the
time in which they could have been seen, never over the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.gaze_windows import (
    Bins,
    around_mode,
    binned_medians,
    head_speed,
    noise_floor_dps,
    stillest_run,
    travel,
)
from pipeline.settings import AlignSettings
from pipeline.spans import (
    Bounds,
    Flags,
    Floats,
    Whys,
    WindowCue,
    Windows,
    as_array,
    divided,
    is_inside,
    missing_everywhere,
    rows_inside,
    sum_inside,
)

SHUT_MARGIN_S = 0.1
LONG_CLOSURE_S = 1.0
"""Lids low for longer: shut, or eyes cast down; no time in which a blink could be counted."""
LISTENING_MIN_S = 5.0
"""With less listening in a window, gaze has no usual to be compared with."""
BLINK_EXPOSURE_MIN_S = 60.0
HEAD_MIN_HZ = 10.0
GAP_STEPS = 2.5
GAZE_CUES = (
    "client_gaze_path_rate_dps",
    "client_stare_run_s",
    "client_gaze_modal_prop",
    "client_gaze_dispersion_deg",
)
FACE_CUES = (*GAZE_CUES, "client_head_speed_dps", "client_blink_rate_pm", "client_nod_rate_pm")


@dataclass(frozen=True, slots=True)
class Frames:
    """The client's frames in time order; all of shape (n,) or (n, columns)."""

    t_s: Floats
    held_s: Floats
    """Time a frame stands for: to the next one, gaps not counted."""
    reason: Whys
    """Why a frame is not good enough for gaze; None where it is."""
    gaze: Floats
    head: Floats
    valid: Flags
    lids_measured: Flags
    blinks_sought: Flags
    nods_sought: Flags


@dataclass(frozen=True, slots=True)
class Events:
    """The client's face events; starts in seconds."""

    blinks_s: Floats
    nods_slow_s: Floats
    nods_fast_s: Floats
    shut: Floats
    """Every closure, shape (n, 2), disjoint."""
    long_shut: Floats
    """Those of over 1 s."""


def client_frames(face_frames: pa.Table) -> Frames:
    """The client's rows, sorted by time."""
    roles = np.array(face_frames.column("role").to_pylist(), dtype=object)
    rows = np.flatnonzero(roles == "client")
    rows = rows[np.argsort(_floats(face_frames, "t_s")[rows], kind="stable")]
    own = face_frames.take(pa.array(rows))
    t_s = _floats(own, "t_s")
    usual_s = float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0
    held_s = np.minimum(np.append(np.diff(t_s), usual_s)[: len(t_s)], GAP_STEPS * usual_s)
    gaze = np.column_stack([_floats(own, f"gaze_{axis}_deg") for axis in ("yaw", "pitch")])
    head = np.column_stack([_floats(own, f"head_{axis}_deg") for axis in ("yaw", "pitch", "roll")])
    return Frames(
        t_s,
        held_s,
        np.array(own.column("reason").to_pylist(), dtype=object),
        gaze,
        head,
        _flags(own, "face_valid"),
        np.isfinite(_floats(own, "eye_aspect_left")),
        _flags(own, "blinks_sought"),
        _flags(own, "nods_sought"),
    )


def client_events(face_events: pa.Table) -> Events:
    """The client's events by kind."""
    own = [row for row in face_events.to_pylist() if row["role"] == "client"]
    starts = {
        kind: np.sort([row["start_s"] for row in own if row["kind"] == kind])
        for kind in ("blink", "nod_slow", "nod_fast")
    }
    shut = [
        (row["start_s"], row["end_s"]) for row in own if row["kind"] in {"blink", "eye_closure"}
    ]
    long_shut = [span for span in shut if span[1] - span[0] > LONG_CLOSURE_S]
    return Events(
        starts["blink"],
        starts["nod_slow"],
        starts["nod_fast"],
        as_array(shut),
        as_array(long_shut),
    )


def valid_share(frames: Frames, windows: Windows) -> Floats:
    """Share of frames good enough for gaze; NaN where there are none."""
    bounds = rows_inside(frames.t_s, windows)
    return divided(sum_inside(frames.valid, bounds), (bounds[1] - bounds[0]).astype(np.float64))


def face_cues(
    frames: Frames,
    events: Events,
    speaking: Floats | str,
    windows: Windows,
    settings: AlignSettings,
) -> dict[str, WindowCue]:
    """All seven cues by column name.

    Parameters
    ----------
    frames : at least one
    speaking : the client's speech, shape (n, 2), or the reason why it is not known
    """
    near_shut = as_array(
        (float(a) - SHUT_MARGIN_S, float(b) + SHUT_MARGIN_S) for a, b in events.shut
    )
    lost = is_inside(near_shut, frames.t_s)
    silent = np.ones(len(lost), bool)
    if not isinstance(speaking, str):
        silent = ~is_inside(speaking, frames.t_s)
    considered = silent & ~lost
    bins = _bins(frames, considered, lost, settings)
    if isinstance(speaking, str):
        cues = {name: missing_everywhere(windows, speaking) for name in GAZE_CUES}
    else:
        cues = _gaze_cues(frames, bins, considered, windows, settings)
    return cues | {
        "client_head_speed_dps": _head_cue(frames, bins, windows, settings),
        "client_blink_rate_pm": blink_rate(frames, events, windows, settings),
        "client_nod_rate_pm": nod_rate(frames, events, windows, settings),
    }


def blink_spans(windows: Windows, settings: AlignSettings) -> Windows:
    """The longer spans in which blinks are counted, one round each window."""
    return windows.around(settings.blink_window_s)


def blink_rate(
    frames: Frames, events: Events, windows: Windows, settings: AlignSettings
) -> WindowCue:
    """Blinks per minute of time in which lids were seen, in a longer span round each window."""
    around = blink_spans(windows, settings)
    bounds = rows_inside(frames.t_s, around)
    exposed = frames.blinks_sought & ~is_inside(events.long_shut, frames.t_s)
    exposure_s = sum_inside(np.where(exposed, frames.held_s, 0.0), bounds)
    rate = 60 * divided(_counted(events.blinks_s, around), exposure_s)
    # fast enough frames whose lids were not measured say why themselves
    why = np.where(frames.lids_measured & ~frames.blinks_sought, "low_fps", frames.reason)
    gate = _gate(why, frames.blinks_sought, np.ones(len(frames.t_s), bool), bounds, settings)
    return _gated(rate, gate, (exposure_s < BLINK_EXPOSURE_MIN_S, "too_short"))


def nod_rate(
    frames: Frames, events: Events, windows: Windows, settings: AlignSettings
) -> WindowCue:
    """Nods, slow and fast, per minute of time in which the head's pitch was known."""
    bounds = rows_inside(frames.t_s, windows)
    exposure_s = sum_inside(np.where(frames.nods_sought, frames.held_s, 0.0), bounds)
    nods = _counted(events.nods_slow_s, windows) + _counted(events.nods_fast_s, windows)
    posed = np.isfinite(frames.head[:, 0])
    why = np.where(posed & ~frames.nods_sought, "low_fps", frames.reason)
    gate = _gate(why, frames.nods_sought, np.ones(len(frames.t_s), bool), bounds, settings)
    return _gated(60 * divided(nods, exposure_s), gate)


def gaze_floor_dps(frames: Frames, settings: AlignSettings) -> float:
    """Gaze travel that measurement noise alone would give in this session, deg/s."""
    if len(frames.t_s) < 2:
        return float("nan")
    rate_hz = 1 / float(np.median(np.diff(frames.t_s)))
    return noise_floor_dps(
        frames.t_s, frames.gaze, frames.valid, step_s=settings.gaze_bin_s, rate_hz=rate_hz
    )


def _bins(frames: Frames, considered: Flags, lost: Flags, settings: AlignSettings) -> Bins:
    step_s = settings.gaze_bin_s
    n = max(0, int(np.floor(frames.t_s[-1] / step_s + 1e-9)) + 1)
    listening = frames.valid & frames.nods_sought & considered
    posed = np.isfinite(frames.head[:, 0])
    at = np.floor(frames.t_s[lost] / step_s + 1e-9).astype(np.int64)
    shut = np.zeros(n, bool)
    shut[at[(at >= 0) & (at < n)]] = True
    return Bins(
        step_s,
        binned_medians(frames.t_s, frames.gaze, listening, n, step_s),
        binned_medians(frames.t_s, frames.head, posed, n, step_s),
        shut,
    )


def _gaze_cues(
    frames: Frames, bins: Bins, considered: Flags, windows: Windows, settings: AlignSettings
) -> dict[str, WindowCue]:
    bounds = rows_inside(frames.t_s, windows)
    good = frames.valid & frames.nods_sought
    why = np.where(frames.valid & ~frames.nods_sought, "low_fps", frames.reason)
    gate = _gate(why, good, considered, bounds, settings)
    listened_s = sum_inside(np.where(considered, frames.held_s, 0.0), bounds)
    too_little = (listened_s < LISTENING_MIN_S, "few_samples")
    modal, spread = around_mode(bins, windows)
    values = (travel(bins, windows), stillest_run(bins, windows), modal, spread)
    return {
        name: _gated(value, gate, too_little) for name, value in zip(GAZE_CUES, values, strict=True)
    }


def _head_cue(frames: Frames, bins: Bins, windows: Windows, settings: AlignSettings) -> WindowCue:
    bounds = rows_inside(frames.t_s, windows)
    posed = np.isfinite(frames.head[:, 0])
    gate = _gate(frames.reason, posed, np.ones(len(frames.t_s), bool), bounds, settings)
    seen_s = sum_inside(frames.held_s, bounds)
    slow = divided((bounds[1] - bounds[0]).astype(np.float64), seen_s) < 0.99 * HEAD_MIN_HZ
    return _gated(head_speed(bins, windows), gate, (slow, "low_fps"))


def _gate(
    why: Whys,
    good: Flags,
    considered: Flags,
    bounds: Bounds,
    settings: AlignSettings,
) -> Whys:
    """Reason per window: None where enough of the considered frames are good."""
    count = sum_inside(considered, bounds)
    share = divided(sum_inside(considered & good, bounds), count)
    bad = considered & ~good
    names = sorted({name for name in why[bad] if name is not None})
    tallies = [sum_inside(bad & (why == name), bounds) for name in names]
    most = np.argmax([*tallies, np.full(len(count), 0.5)], axis=0)
    reason: Whys = np.array([*names, "low_coverage"], dtype=object)[most]
    reason[share >= settings.valid_min] = None
    reason[bounds[1] - bounds[0] == 0] = "no_media"
    reason[(bounds[1] > bounds[0]) & (count == 0)] = "few_samples"
    return reason


def _gated(value: Floats, gate: Whys, *also: tuple[Flags, str]) -> WindowCue:
    """The value where no gate speaks against it, and the first reason elsewhere."""
    reason = gate.copy()
    for where, name in also:
        reason[where & (reason == None)] = name  # noqa: E711  # element by element
    reason[~np.isfinite(value) & (reason == None)] = "few_samples"  # noqa: E711
    missing = reason != None  # noqa: E711
    return WindowCue(np.where(missing, np.nan, value), reason)


def _counted(starts_s: Floats, windows: Windows) -> Floats:
    first, stop = rows_inside(starts_s, windows)
    return (stop - first).astype(np.float64)


def _floats(table: pa.Table, column: str) -> Floats:
    return np.asarray(table.column(column).cast(pa.float64()).to_numpy(), np.float64)


def _flags(table: pa.Table, column: str) -> Flags:
    return np.asarray(table.column(column).to_numpy(), bool)
