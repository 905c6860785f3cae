"""What is seen of the client, per window: gaze, head, lids, nods and face, each with its own gate.

A window counts only if enough of the frames it would use were good enough; otherwise the cue is
null and its reason is the commonest one among the frames that were not. Rates are events over the
time in which they could have been seen, never over the clock.

| cue | of | gate (METHODS: Face and gaze) |
|---|---|---|
| gaze share, spread, travel, longest still gaze | listening | 15 fps, eyes 40 px apart |
| blink rates (`align.lids`) | each state, 180 s | 20 fps, eyes 40 px apart |
| eye closure P80 | 60 s | 15 fps, eyes 40 px apart |
| nods, slow and fast | all | 15 fps, head pose |
| head speed | all | 10 fps, head pose |
| face motion | all; mouth while listening | 10 fps, eyes 40 px apart |

All need 70 % of their frames. Gaze travel under twice what noise alone would show is null for
`below_noise`, and keeps that limit for comparisons.
"""

from __future__ import annotations

import numpy as np

from pipeline.align.client_frames import Events, Frames
from pipeline.align.gates import commonest, gate, gated
from pipeline.align.gaze import noise_floor_dps, stillest_run, travel
from pipeline.align.lids import blink_rate, eye_closure
from pipeline.face.gaze_bins import Bins, binned_medians
from pipeline.face.gaze_modes import around_mode
from pipeline.face.openings import MOUTH_OPENINGS
from pipeline.face.stretches import RATE_TOLERANCE
from pipeline.settings import AlignSettings
from pipeline.spans import (
    Bounds,
    Flags,
    Floats,
    Whys,
    WindowCue,
    Windows,
    divided,
    is_inside,
    missing_everywhere,
    rows_inside,
    sum_inside,
)
from pipeline.tables import WINDOW_CUES
from pipeline.timeline import union

LISTENING_MIN_S = 5.0
"""With less listening in a window, gaze has no usual to be compared with."""
MOTION_MIN_S = 5.0
"""With less of an opening measured in a window, its spread says nothing."""
MOTION_MIN_HZ = 10.0


def bridged_speech(speech: Floats, settings: AlignSettings) -> Floats:
    """The client's speech with its short pauses: who pauses for breath is not listening yet.

    Parameters
    ----------
    speech : shape (n, 2), seconds
    """
    spans = ((float(a), float(b)) for a, b in speech)
    return np.array(union(spans, bridge_s=settings.speech_pause_s), np.float64).reshape(-1, 2)


def face_cues(
    frames: Frames,
    events: Events,
    speaking: Floats | str,
    windows: Windows,
    settings: AlignSettings,
) -> dict[str, WindowCue]:
    """All cues by column name.

    Parameters
    ----------
    frames : at least one
    speaking : from `bridged_speech`, or the reason why it is not known
    """
    lost = events.near_shut(frames.t_s)
    silent = np.ones(len(lost), bool)
    if not isinstance(speaking, str):
        silent = ~is_inside(speaking, frames.t_s)
    bins = _bins(frames, silent & ~lost, lost, settings)
    cues = {
        "client_head_speed_dps": _head_cue(frames, windows, settings),
        "client_eye_closure_p80_prop": eye_closure(frames, windows, settings),
        "client_nod_slow_pm": _nod_rate(frames, events.nods_slow_s, windows, settings),
        "client_nod_fast_pm": _nod_rate(frames, events.nods_fast_s, windows, settings),
    }
    if isinstance(speaking, str):
        listening = (cue.name for cue in WINDOW_CUES if cue.of_listening)
        return cues | {name: missing_everywhere(windows, speaking) for name in listening}
    return (
        cues
        | _gaze_cues(frames, bins, lost, silent, windows, settings)
        | blink_rate(frames, events, speaking, windows, settings)
        | {"client_face_motion_sd": face_motion(frames, lost, silent, windows, settings)}
    )


def face_quality(frames: Frames, windows: Windows, no_video: str) -> dict[str, Floats | Whys]:
    """How well the client's face was seen, by column name; NaN and a reason without a frame.

    Parameters
    ----------
    no_video : why there is no frame at all
    """
    bounds = rows_inside(frames.t_s, windows)
    count = (bounds[1] - bounds[0]).astype(np.float64)
    reason = commonest(frames.reason, ~frames.valid, bounds)
    reason[sum_inside(~frames.valid, bounds) == 0] = None
    reason[count == 0] = "no_media" if len(frames.t_s) else no_video
    return {
        "client_face_valid_prop": divided(sum_inside(frames.valid, bounds), count),
        "client_face_iod_px": _medians(frames.iod_px, bounds),
        "client_video_hz": divided(count, sum_inside(frames.held_s, bounds)),
        "client_face_reason": reason,
    }


def gaze_floor_dps(frames: Frames, events: Events, settings: AlignSettings) -> float:
    """Gaze travel that measurement noise alone would give in this session, deg/s."""
    usable = frames.valid & ~events.near_shut(frames.t_s)
    return noise_floor_dps(frames.t_s, frames.gaze, usable, settings.gaze_bin_s)


def face_motion(
    frames: Frames, lost: Flags, silent: Flags, windows: Windows, settings: AlignSettings
) -> WindowCue:
    """Spread of the openings of mouth and brows in each window, over that in the session.

    Mean over the openings of the standard deviation of 0.2 s medians, in units of the session's
    own; the mouth only while the client does not speak.

    Parameters
    ----------
    lost : shape (n_frames,), near shut lids, which pull at the whole mesh
    silent : shape (n_frames,), the client does not speak
    """
    usable = frames.valid & ~lost
    step_s = settings.gaze_bin_s
    n = _bin_count(frames, step_s)
    spreads = [np.full(len(windows), np.nan)]
    for name, opening in frames.openings.items():
        counted = usable & silent if name in MOUTH_OPENINGS else usable
        medians = binned_medians(frames.t_s, opening[:, None], counted, n, step_s)[:, 0]
        spreads.append(_spread(medians, step_s, windows))
    known = np.isfinite(spreads)
    value = divided(np.where(known, spreads, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))
    bounds = rows_inside(frames.t_s, windows)
    checked = gate(frames.reason, frames.valid, ~lost, bounds, settings.valid_min)
    return gated(value, checked, (_is_slow(frames, bounds), "low_fps"))


def _spread(medians: Floats, step_s: float, windows: Windows) -> Floats:
    """Standard deviation inside each window over that of the whole, shape (n_windows,)."""
    known = np.isfinite(medians)
    whole = float(np.std(medians[known])) if known.any() else 0.0
    if not whole > 0:
        return np.full(len(windows), np.nan)
    scaled = np.where(known, (medians - np.mean(medians[known])) / whole, 0.0)
    first, stop = (
        np.clip(np.round(edge / step_s), 0, len(medians)).astype(np.intp)
        for edge in (windows.start_s, windows.end_s)
    )
    bounds = first, stop
    count = sum_inside(known, bounds)
    mean = divided(sum_inside(scaled, bounds), count)
    square = divided(sum_inside(scaled**2, bounds), count)
    spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    return np.where(count * step_s >= MOTION_MIN_S, spread, np.nan)


def _nod_rate(
    frames: Frames, nods_s: Floats, windows: Windows, settings: AlignSettings
) -> WindowCue:
    """Nods of one band per minute of time in which they were sought."""
    bounds = rows_inside(frames.t_s, windows)
    exposure_s = sum_inside(np.where(frames.nods_sought, frames.held_s, 0.0), bounds)
    first, stop = rows_inside(nods_s, windows)
    why = np.where(frames.posed & ~frames.nods_sought, "low_fps", frames.reason)
    all_frames = np.ones(len(frames.t_s), bool)
    checked = gate(why, frames.nods_sought, all_frames, bounds, settings.valid_min)
    return gated(60 * divided((stop - first).astype(np.float64), exposure_s), checked)


def _bin_count(frames: Frames, step_s: float) -> int:
    return max(0, int(np.floor(frames.t_s[-1] / step_s + 1e-9)) + 1)


def _bins(frames: Frames, considered: Flags, lost: Flags, settings: AlignSettings) -> Bins:
    step_s = settings.gaze_bin_s
    n = _bin_count(frames, step_s)
    listening = frames.valid & frames.nods_sought & considered
    at = np.floor(frames.t_s[lost] / step_s + 1e-9).astype(np.int64)
    shut = np.zeros(n, bool)
    shut[at[(at >= 0) & (at < n)]] = True
    return Bins(
        step_s,
        binned_medians(frames.t_s, frames.gaze, listening, n, step_s),
        binned_medians(frames.t_s, frames.head, frames.posed, n, step_s),
        shut,
    )


def _gaze_cues(
    frames: Frames,
    bins: Bins,
    lost: Flags,
    silent: Flags,
    windows: Windows,
    settings: AlignSettings,
) -> dict[str, WindowCue]:
    bounds = rows_inside(frames.t_s, windows)
    considered = silent & ~lost
    good = frames.valid & frames.nods_sought
    why = np.where(frames.valid & ~frames.nods_sought, "low_fps", frames.reason)
    checked = gate(why, good, considered, bounds, settings.valid_min)
    listened_s = sum_inside(np.where(considered, frames.held_s, 0.0), bounds)
    too_little = (listened_s < LISTENING_MIN_S, "few_samples")
    modal, spread = around_mode(bins.gaze, bins.step_s, windows)
    floor = noise_floor_dps(frames.t_s, frames.gaze, good & ~lost, bins.step_s)
    moved = gated(travel(bins, windows), checked, too_little)
    others = {
        "client_stare_run_s": stillest_run(bins, windows),
        "client_gaze_modal_prop": modal,
        "client_gaze_dispersion_deg": spread,
    }
    cues = {name: gated(value, checked, too_little) for name, value in others.items()}
    travelled = measurable(moved, settings.gaze_floor_factor * floor)
    return {"client_gaze_path_rate_dps": travelled} | cues


def measurable(cue: WindowCue, limit: float) -> WindowCue:
    """The cue with values under `limit` null for `below_noise`; as it is where that is NaN."""
    under = cue.value < limit
    reason = cue.reason.copy()
    reason[under] = "below_noise"
    return WindowCue(
        np.where(under, np.nan, cue.value), reason, at_most=np.where(under, limit, np.nan)
    )


def _head_cue(frames: Frames, windows: Windows, settings: AlignSettings) -> WindowCue:
    bounds = rows_inside(frames.t_s, windows)
    known = np.isfinite(frames.head_speed_dps)
    all_frames = np.ones(len(known), bool)
    checked = gate(frames.head_speed_reason, known, all_frames, bounds, settings.valid_min)
    return gated(_medians(frames.head_speed_dps, bounds), checked)


def _is_slow(frames: Frames, bounds: Bounds) -> Flags:
    """Windows with under 10 frames a second."""
    seen_s = sum_inside(frames.held_s, bounds)
    rate_hz = divided((bounds[1] - bounds[0]).astype(np.float64), seen_s)
    return np.asarray(rate_hz < RATE_TOLERANCE * MOTION_MIN_HZ)


def _medians(values: Floats, bounds: Bounds) -> Floats:
    """Median of the known rows of each window."""
    medians = np.full(len(bounds[0]), np.nan)
    for window, (first, stop) in enumerate(zip(*bounds, strict=True)):
        known = values[first:stop][np.isfinite(values[first:stop])]
        if len(known):
            medians[window] = np.median(known)
    return medians
