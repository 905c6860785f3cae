"""Motion energy per analysis window, and co-movement as figures of the whole session.

For `align`: pure arithmetic on the tables that the movement stage wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.movement.energy import commonest
from pipeline.spans import (
    Floats,
    WindowCue,
    Windows,
    divided,
    missing_everywhere,
    rows_inside,
    sum_inside,
)
from pipeline.tables.arrays import floats


def motion_cues(
    motion: pa.Table, regions: pa.Table, windows: Windows, *, no_video: str, valid_min: float
) -> dict[str, WindowCue]:
    """Mean motion energy of each person in every window.

    Parameters
    ----------
    motion, regions : the tables `motion` and `motion_regions`
    no_video : reason where there is no video
    valid_min : least share of the window's steps that must not be masked
    """
    reasons = {row["role"]: row["reason"] for row in regions.to_pylist()}
    roles = np.array(motion.column("role").to_pylist(), dtype=object)
    cues = {}
    for role in ("client", "therapist"):
        name = f"{role}_mea"
        rows = np.flatnonzero(roles == role)
        if len(rows):
            cues[name] = _window_means(motion.take(pa.array(rows)), windows, valid_min)
        else:
            # measured, but by the profile's choice not kept per window
            why = (reasons[role] or "not_measured") if role in reasons else no_video
            cues[name] = missing_everywhere(windows, why)
    return cues


def _window_means(course: pa.Table, windows: Windows, valid_min: float) -> WindowCue:
    t_s: Floats = course.column("t_s").to_numpy()
    energy = floats(course, "motion_energy")
    whys = np.array(course.column("reason").to_pylist(), dtype=object)
    valid = np.isfinite(energy)
    first, stop = rows_inside(t_s, windows)
    count = sum_inside(valid, (first, stop))
    mean = divided(sum_inside(np.where(valid, energy, 0.0), (first, stop)), count)
    enough = divided(count, (stop - first).astype(np.float64)) >= valid_min
    reason = np.full(len(windows), None, dtype=object)
    for k in np.flatnonzero(~enough):
        reason[k] = commonest(whys[first[k] : stop[k]]) if stop[k] > first[k] else "no_media"
    return WindowCue(np.where(enough, mean, np.nan), reason)


def motion_figures(
    regions: Sequence[Mapping[str, Any]], synchrony: Sequence[Mapping[str, Any]], no_video: str
) -> Iterator[dict[str, Any]]:
    """Rows of `session_features` (without the session), from the rows of both tables."""
    client = next((row for row in regions if row["role"] == "client"), {"reason": no_video})
    pair = next(iter(synchrony), {"reason": no_video})
    figures = [("client_motion_valid_prop", "motion_valid_prop", client)]
    figures += [(name, column, pair) for name, column in _PAIRED.items()]
    for name, column, row in figures:
        value = row.get(column)
        reason = row["reason"] or (row.get("lag_reason") if column == "peak_lag_s" else None)
        yield {
            "feature": name,
            "value": value,
            "reason": None if value is not None else reason or "not_measured",
        }


_PAIRED = {
    "sync_wclc_z": "wclc_z",
    "sync_es_sd": "surrogate_es",
    "sync_rank_prop": "surrogate_p",
    "sync_peak_lag_s": "peak_lag_s",
}
"""Figure -> its column of `synchrony`."""
