"""What one microphone hears of two people while the other one is off, at one usable level.

A microphone hears its wearer's partner 6 to 40 dB weaker: too faint for what finds speech, tells
voices apart and recognises words. While the partner's own microphone is off, what stands out of the
room is raised towards the wearer's level; nothing else is, so a room in which nobody speaks stays
as it is. For listening only: levels are measured on the sound as it was recorded.
Thresholds are [ours].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import maximum_filter1d

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline.media.channel import NOTHING_DB
from pipeline.spans import Floats
from pipeline.stage import Recording
from pipeline.timeline import Span
from pipeline.voice.levels import FRAME, FRAME_S, frame_levels_db

LOUD_PERCENT, ROOM_PERCENT = 95, 10
UNDER_LOUD_DB = 12.0  # as soft as this is not faint: nothing is raised beyond it
OVER_ROOM_DB = 10.0  # what stands out less is the room
RAISED_MOST_DB = 40.0
BLOCK = 60 * SAMPLE_RATE_HZ
AROUND_FRAMES = 5  # 0.2 s to either side: the dips between syllables go along, pauses do not


def evened(audio: Audio, recording: Recording) -> Audio:
    """The mix or a row of a session, raised where one of two microphones is off and voices faint.

    The same array where both work all the time, and where all are heard on one recording.
    """
    off = recording.microphones_off
    if len(off) != 2 or not any(off):
        return audio
    found, rows = np.array(audio), recording.audio_channels()
    for spans, standing, its_own in zip(off, rows[::-1], off[::-1], strict=True):
        gain_db = _gain_db(frame_levels_db(standing), its_own) if spans else np.empty(0)
        for start_s, end_s in spans if gain_db.any() else ():
            _raise(found, gain_db, start_s, end_s)
    return found


def _gain_db(level: Floats, off: Sequence[Span]) -> Floats:
    """By how much each frame of a microphone is to be raised, shape (n_frames,)."""
    on = np.ones(level.size, bool)
    for start_s, end_s in off:
        on[round(start_s / FRAME_S) : round(end_s / FRAME_S)] = False
    works = level[on & np.isfinite(level)]  # a gap and a gate are no room: they hold only zeros
    heard = works[works > NOTHING_DB]
    if not heard.size:
        return np.zeros(level.size)
    loud = np.percentile(heard, LOUD_PERCENT)
    room = np.percentile(np.maximum(works, NOTHING_DB), ROOM_PERCENT)
    near = maximum_filter1d(level, AROUND_FRAMES)
    wanted = np.clip(loud - UNDER_LOUD_DB - near, 0.0, RAISED_MOST_DB)
    return np.where(near > room + OVER_ROOM_DB, wanted, 0.0)


def _raise(audio: Audio, gain_db: Floats, start_s: float, end_s: float) -> None:
    """Raise a stretch in place, the gain gliding from frame to frame; a minute at a time."""
    first, last = (min(audio.size, round(t_s * SAMPLE_RATE_HZ)) for t_s in (start_s, end_s))
    centres = (np.arange(gain_db.size) + 0.5) * FRAME
    for begin in range(first, last, BLOCK):
        end = min(begin + BLOCK, last)
        glide = np.interp(np.arange(begin, end), centres, gain_db)
        audio[begin:end] = np.clip(audio[begin:end] * 10.0 ** (glide / 20.0), -1.0, 1.0)
