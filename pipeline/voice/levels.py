"""How loud a recording is, every 0.1 s, and speech to noise from it.

Levels are RMS values of frames of 0.1 s on one grid from t = 0. A frame counts as speech or as the
room's only where it lies wholly inside or wholly outside of speech (METHODS: Recording).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.media.quality import FEWEST_FRAMES, QUIETEST_RMS
from pipeline.spans import Flags, Floats, Windows, as_array, covered_s, rows_inside
from pipeline.timeline import Span

FRAME_S = 0.1
FRAME = round(FRAME_S * SAMPLE_RATE_HZ)
_BLOCK_FRAMES = 600  # a minute at a time: an hour costs the memory of a minute
_ROUNDING_S = 1e-6
LOUD_PERCENT, QUIET_PERCENT = 90, 10


def frame_levels_db(audio: Audio) -> Floats:
    """20 lg RMS re full scale of each whole frame, shape (n_frames,); -inf in digital silence."""
    mean_square = np.empty(audio.size // FRAME)
    for start in range(0, mean_square.size, _BLOCK_FRAMES):
        samples = audio[start * FRAME : (start + _BLOCK_FRAMES) * FRAME]
        frames = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME)
        mean_square[start : start + len(frames)] = np.square(frames, dtype=np.float64).mean(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 * np.log10(mean_square))


def heard_in(count: int, spans: Sequence[Span]) -> tuple[Flags, Flags]:
    """Which of `count` frames lie wholly inside the spans, and which wholly outside."""
    starts = FRAME_S * np.arange(count, dtype=np.float64)
    covered = covered_s(as_array(spans), Windows(starts, starts + FRAME_S))
    return covered > FRAME_S - _ROUNDING_S, covered < _ROUNDING_S


def snr_db(speech_db: Floats, room_db: Floats) -> float | None:
    """P90 of speech levels minus P10 of the room's; None with under 5 frames of either.

    Digital silence (a noise gate, a gap) says nothing about the room and is left out, unless there
    is nothing else.
    """
    if min(speech_db.size, room_db.size) < FEWEST_FRAMES:
        return None
    quietest = 20.0 * np.log10(QUIETEST_RMS)
    audible = room_db[np.isfinite(room_db)]
    room_db = audible if audible.size >= FEWEST_FRAMES else room_db
    # a percentile between -inf and a number is not a number
    loud, quiet = (np.maximum(levels, quietest) for levels in (speech_db, room_db))
    return float(np.percentile(loud, LOUD_PERCENT) - np.percentile(quiet, QUIET_PERCENT))


def window_snr_db(
    start_s: Floats, level_db: Floats, speech: Flags, room: Flags, windows: Windows, around: Windows
) -> Floats:
    """Speech to noise of each window: its own speech against the room of a longer one around it.

    Parameters
    ----------
    start_s, level_db, speech, room : of the frames, each of shape (n_frames,)
    windows, around : of the same number; the room hardly changes in minutes, and half a minute of
        talk may leave none of it

    Returns
    -------
    shape (n_windows,), dB; NaN where `snr_db` gives none
    """
    centre_s = start_s + FRAME_S / 2
    said, still = (np.flatnonzero(mask) for mask in (speech, room))
    bounds = [
        *rows_inside(centre_s[said], windows),
        *rows_inside(centre_s[still], around),
    ]
    found = [
        snr_db(level_db[said[a:b]], level_db[still[c:d]])
        for a, b, c, d in zip(*bounds, strict=True)
    ]
    return np.array([np.nan if value is None else value for value in found], np.float64)
