"""How wide a voice's pitch ranges, and how well the recording can be heard, per window.

Pitch is pooled over the window's voiced frames, in semitones, so neither figure depends on how high
a voice is (De Looze & Hirst 2010). Speech to noise (METHODS: Recording) is the window's: where a
stretch is noisier than its session, what noise spoils keeps its value and is marked as degraded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.align.speech import Speech, first_reason, five_minutes, mostly, slices_of
from pipeline.settings import AlignSettings
from pipeline.spans import (
    Floats,
    WindowCue,
    Windows,
    covered_s,
    missing_everywhere,
    rows_inside,
    sum_inside,
)
from pipeline.tables import WINDOW_CUES
from pipeline.voice.levels import window_snr_db

VOICE_CUES = {cue.name: cue.least_snr_db for cue in WINDOW_CUES if cue.least_snr_db}
"""Cues of the voice itself: the setting with the speech to noise that each needs."""
_LOW, _HIGH = 0.1, 0.9
_ROUNDING_S = 1e-6


def pitch_cues(
    pitch: pa.Table, slices: pa.Table, speech: Speech, windows: Windows, settings: AlignSettings
) -> dict[str, WindowCue]:
    """SD and P90 - P10 of F0 of client and therapist, semitones, by column."""
    found: dict[str, WindowCue] = {}
    for role in ("client", "therapist"):
        spread, wide = _pitch_cues(pitch, slices, speech, windows, settings, role)
        found |= {f"{role}_f0_sd_st": spread, f"{role}_f0_range80_st": wide}
    return found


def _pitch_cues(
    pitch: pa.Table,
    slices: pa.Table,
    speech: Speech,
    windows: Windows,
    settings: AlignSettings,
    role: str,
) -> tuple[WindowCue, WindowCue]:
    own, spans = slices_of(role, slices)
    if speech.role_reason is not None or not own:
        missing = missing_everywhere(windows, speech.role_reason or "no_speech")
        return missing, missing
    heard = pitch.filter(pc.equal(pitch.column("role"), role)).sort_by("start_s")
    start_s, end_s, f0_hz = (heard.column(n).to_numpy() for n in ("start_s", "end_s", "f0_hz"))
    bounds = rows_inside(start_s, windows)
    enough = sum_inside(end_s - start_s, bounds) >= settings.voiced_min_s - _ROUNDING_S
    semitones = 12.0 * np.log2(f0_hz.astype(np.float64))
    figures = np.full((2, len(windows)), np.nan)
    for i in np.flatnonzero(enough):
        inside = semitones[bounds[0][i] : bounds[1][i]]
        low, high = np.quantile(inside, (_LOW, _HIGH))
        figures[:, i] = inside.std(), high - low
    reason = first_reason(
        len(windows),
        (covered_s(speech.of(role), windows) <= 0, "no_speech"),
        (~enough & mostly(own, spans, windows, "low_snr"), "low_snr"),
        (~enough & mostly(own, spans, windows, "overlap"), "overlap"),
        (~enough, "unvoiced"),
        (mostly(own, spans, windows, "pitch_unsure"), "pitch_unsure"),
    )
    return WindowCue(figures[0], reason), WindowCue(figures[1], reason)


def audio_snr_db(levels: pa.Table, windows: Windows) -> Floats:
    """Speech to noise of each window, dB, the room's level taken from the 5 minutes around.

    NaN where there is too little of either.
    """
    level_db = pc.fill_null(levels.column("level_db"), -np.inf).to_numpy()
    heard = np.array(levels.column("heard").to_pylist(), dtype=object)
    return window_snr_db(
        levels.column("start_s").to_numpy(),
        level_db.astype(np.float64),
        np.asarray(heard == "speech", bool),
        np.asarray(heard == "room", bool),
        windows,
        five_minutes(windows),
    )


def noisy_degraded(
    cues: Mapping[str, WindowCue], snr_db: Floats, settings: AlignSettings
) -> dict[str, WindowCue]:
    """The cues, those that noise spoils marked ``low_snr`` where the window is too noisy."""
    marked = dict(cues)
    for name, limit in VOICE_CUES.items():
        spoilt = np.isfinite(cues[name].value) & (snr_db < getattr(settings, limit))
        marked[name] = replace(cues[name], reason=np.where(spoilt, "low_snr", cues[name].reason))
    return marked
