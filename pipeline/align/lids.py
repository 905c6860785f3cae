"""Blink rates and lid closure per window, over longer spans round it.

Blinks are counted apart while the client speaks and while not: people blink more when they talk (26
a minute against 17 at rest; Bentivoglio et al. 1997), so a rate over both would follow the talk. A
rate is blinks over the time of that state in which lids were seen; time with lids down for over a
second is none. P80 (Wierwille and Ellsworth 1994) is the share of a minute with lids at least 80 %
down: a number for context, about tired lids and cast-down eyes alike.
"""

from __future__ import annotations

import numpy as np

from pipeline.align.client_frames import Events, Frames
from pipeline.align.gates import gate, gated
from pipeline.settings import AlignSettings
from pipeline.spans import (
    Flags,
    Floats,
    WindowCue,
    Windows,
    divided,
    is_inside,
    rows_inside,
    sum_inside,
)

EXPOSURE_SHARE = 0.25
"""Of the span round a window: less time of a state with lids seen gives it no rate."""
CLOSED_SHARE = 0.8
CLOSED_DEPTH_MIN = 0.08
"""Least depth, share of open, as for blinks: without it noise is a closure in who hardly blinks."""
FLOOR_PERCENTILE = 1.0


def spans_round(windows: Windows, length_s: float) -> Windows:
    """A span of this length round each window, moved inwards where it would leave the session."""
    latest_s = max(0.0, float(np.max(windows.end_s, initial=0.0)) - length_s)
    start_s = np.clip(windows.centre_s - length_s / 2, 0.0, latest_s)
    return Windows(start_s, start_s + length_s)


def blink_exposure(frames: Frames, events: Events) -> Flags:
    """Frames in which a blink could be counted, shape (n,)."""
    return np.asarray(frames.blinks_sought & ~is_inside(events.long_shut, frames.t_s))


def blink_rate(
    frames: Frames, events: Events, speaking: Floats, windows: Windows, settings: AlignSettings
) -> dict[str, WindowCue]:
    """Blinks per minute of each state in the span round each window, by column name.

    Parameters
    ----------
    speaking : the client's speech, shape (n, 2), sorted and disjoint
    """
    spoken = is_inside(speaking, frames.t_s)
    said = is_inside(speaking, events.blinks_s)
    return {
        "client_blink_rate_speaking_pm": _rate(
            frames, events, spoken, events.blinks_s[said], windows, settings
        ),
        "client_blink_rate_listening_pm": _rate(
            frames, events, ~spoken, events.blinks_s[~said], windows, settings
        ),
    }


def eye_closure(frames: Frames, windows: Windows, settings: AlignSettings) -> WindowCue:
    """Share of the minute round each window with lids at least 80 % down (PERCLOS P80)."""
    around = spans_round(windows, settings.closure_window_s)
    bounds = rows_inside(frames.t_s, around)
    measured = np.isfinite(frames.lids)
    good = measured & frames.nods_sought
    why = np.where(measured & ~frames.nods_sought, "low_fps", frames.reason)
    closed = good & (frames.lids < closed_under(frames.lids))
    seen_s = sum_inside(np.where(good, frames.held_s, 0.0), bounds)
    closed_s = sum_inside(np.where(closed, frames.held_s, 0.0), bounds)
    all_frames = np.ones(len(good), bool)
    short = seen_s < settings.valid_min * settings.closure_window_s / 2
    return gated(
        np.clip(divided(closed_s, seen_s), 0.0, 1.0),
        gate(why, good, all_frames, bounds, settings.valid_min),
        (short, "too_short"),
    )


def closed_under(lids: Floats) -> float:
    """Eye aspect ratio under which this session's lids are 80 % down; NaN without any.

    Parameters
    ----------
    lids : shape (n,), NaN where not measured
    """
    known = lids[np.isfinite(lids)]
    if not len(known):
        return float("nan")
    is_open, shut = np.percentile(known, [50.0, FLOOR_PERCENTILE])
    depth = max(CLOSED_SHARE * (is_open - shut), CLOSED_DEPTH_MIN * is_open)
    return float(is_open - depth)


def _rate(
    frames: Frames,
    events: Events,
    in_state: Flags,
    blinks_s: Floats,
    windows: Windows,
    settings: AlignSettings,
) -> WindowCue:
    around = spans_round(windows, settings.blink_window_s)
    bounds = rows_inside(frames.t_s, around)
    exposed = in_state & blink_exposure(frames, events)
    exposure_s = sum_inside(np.where(exposed, frames.held_s, 0.0), bounds)
    first, stop = rows_inside(blinks_s, around)
    # fast enough frames whose lids were not measured say why themselves
    measured = np.isfinite(frames.lids)
    why = np.where(measured & ~frames.blinks_sought, "low_fps", frames.reason)
    return gated(
        60 * divided((stop - first).astype(np.float64), exposure_s),
        gate(why, frames.blinks_sought, in_state, bounds, settings.valid_min),
        (exposure_s < EXPOSURE_SHARE * settings.blink_window_s, "few_samples"),
    )
