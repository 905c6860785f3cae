"""Figures of the client's video for a whole session: how well it was seen, and rates of events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.align.client_frames import Events, Frames
from pipeline.align.lids import blink_exposure
from pipeline.spans import Flags, Floats, is_inside

NODS_MIN_S = 60.0
BLINKS_MIN_S = 180.0
"""A blink rate needs 3 min to be stable (Doughty 2001)."""
UNSEEN = ("no_face", "small_face", "profile_view", "turned_away")
"""Reasons of frames whose share is told."""
Figure = tuple[str, float | None, str | None]
"""Name, value, reason where it is missing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the session's video gave."""

    frames: Frames
    events: Events
    speaking: Floats | str
    """When the client speaks, or the reason why that is not known."""
    gaze_floor_dps: float
    no_video: str
    """Reason where there is no frame."""


def face_figures(seen: Seen) -> Iterator[Figure]:
    """All figures, in the order in which a reader wants them."""
    yield from _quality(seen)
    floor = seen.gaze_floor_dps if np.isfinite(seen.gaze_floor_dps) else None
    why = "few_samples" if len(seen.frames.t_s) else seen.no_video
    yield "client_gaze_floor_dps", floor, why
    yield from _blinks(seen)
    for band, starts_s in (("slow", seen.events.nods_slow_s), ("fast", seen.events.nods_fast_s)):
        name = f"client_nods_{band}_pm"
        yield _rate(seen, name, starts_s, seen.frames.nods_sought, NODS_MIN_S)


def _quality(seen: Seen) -> Iterator[Figure]:
    frames, why = seen.frames, seen.no_video
    steps = np.diff(frames.t_s)
    fps = 1 / float(np.median(steps)) if len(steps) else None
    yield "client_video_median_hz", fps, why
    sizes = frames.iod_px[np.isfinite(frames.iod_px)]
    size = float(np.median(sizes)) if len(sizes) else None
    yield "client_face_iod_median_px", size, why
    share = float(frames.valid.mean()) if len(frames.t_s) else None
    yield "client_frames_valid_prop", share, why
    for reason in UNSEEN:
        part = float(np.mean(frames.reason == reason)) if len(frames.t_s) else None
        yield f"client_frames_{reason}_prop", part, why


def _blinks(seen: Seen) -> Iterator[Figure]:
    exposed, starts_s = blink_exposure(seen.frames, seen.events), seen.events.blinks_s
    yield _rate(seen, "client_blinks_pm", starts_s, exposed, BLINKS_MIN_S)
    for state in ("speaking", "listening"):
        name = f"client_blinks_{state}_pm"
        if isinstance(seen.speaking, str):
            why = seen.speaking if len(seen.frames.t_s) else seen.no_video
            yield name, None, why
            continue
        inside, said = (is_inside(seen.speaking, t) for t in (seen.frames.t_s, starts_s))
        if state == "listening":
            inside, said = ~inside, ~said
        yield _rate(seen, name, starts_s[said], exposed & inside, BLINKS_MIN_S)


def _rate(seen: Seen, name: str, starts_s: Floats, exposed: Flags, least_s: float) -> Figure:
    exposure_s = float(np.sum(seen.frames.held_s[exposed]))
    rate = 60 * len(starts_s) / exposure_s if exposure_s >= least_s else None
    return name, rate, _why_unseen(seen, exposed, least_s)


def _why_unseen(seen: Seen, exposed: Flags, least_s: float) -> str:
    frames = seen.frames
    if not len(frames.t_s):
        return seen.no_video
    if float(np.sum(frames.held_s)) < least_s:
        return "too_short"
    unseen = [reason or "low_fps" for reason in frames.reason[~exposed]]
    return max(sorted(set(unseen)), key=unseen.count, default="too_short")
