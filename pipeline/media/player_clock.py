"""A player's position on the session clock: captions and dials are timed by a player.

A player shows 0 where the container begins, at its first sample or frame; the session clock is 0 at
the first audio sample, whose container time can be later. The file played is taken to be the first
of session.toml that can be read.
"""

from __future__ import annotations

import pyarrow as pa

from pipeline.timeline import Seconds


def player_zero_s(media: pa.Table) -> Seconds:
    """Session time at which a player shows 0.

    Parameters
    ----------
    media : the table of that name; without any readable file the clocks are taken to agree
    """
    for row in sorted(media.to_pylist(), key=lambda row: int(row["media"])):
        starts = [row[name] for name in ("audio_start_s", "video_start_s") if row[name] is not None]
        if row["clock_start_s"] is not None and starts:
            return float(min(starts) - row["clock_start_s"] + row["offset_s"])
    return 0.0
