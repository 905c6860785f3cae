"""Gaze per window while listening: travel, stillest run, commonest direction, spread.

Gaze is taken as medians of 0.2 s bins of time: the raw path is all measurement noise, and a median
over a number of frames would make it depend on the frame rate. Frames within 0.1 s of shut lids are
left out; only listening counts, because speakers look about. The commonest direction is found anew
every 10 min, for seats move (mean shift, bandwidth 5 deg; Zhang et al. 2017).

Caveat: even with a frontal face part of the travel is noise; its size is given per session as
`client_gaze_floor_dps`. Travel after Danböck et al. (2021), an analogue of track length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.spans import Bounds, Flags, Floats, Windows, divided, sum_inside

BLOCK_S = 600.0
"""The commonest direction is found anew this often."""
BLOCK_BINS_MIN = 300
"""With less (1 min) in a block, that of the whole session is used."""
BANDWIDTH_DEG = 5.0
NEAR_DEG = 10.0
STILL_CIRCLE_DEG = 5.0
"""Diameter of the circle that a still gaze stays in."""
STILL_HEAD_DPS = 2.0
HEAD_REACH_BINS = 2
BRIDGE_S = 0.5
BIN_FRAMES_MIN = 2
MEAN_SHIFT_STEPS = 50


@dataclass(frozen=True, slots=True)
class Bins:
    """Medians on a fixed grid of time, from t = 0; NaN where not measured."""

    step_s: float
    gaze: Floats
    """Shape (n, 2): yaw, pitch in degrees, while listening."""
    head: Floats
    """Shape (n, 3): yaw, pitch, roll in degrees."""
    shut: Flags
    """Shape (n,): lids were shut near some frame of the bin."""

    def bounds(self, windows: Windows) -> Bounds:
        """First and one-past-last bin of each window."""
        first, stop = (
            np.clip(np.round(edge / self.step_s), 0, len(self.gaze)).astype(np.intp)
            for edge in (windows.start_s, windows.end_s)
        )
        return first, stop


def binned_medians(t_s: Floats, values: Floats, usable: Flags, n: int, step_s: float) -> Floats:
    """Median of the usable frames of every bin, per column, shape (n, n_columns).

    Parameters
    ----------
    t_s : shape (n_frames,)
    values : shape (n_frames, n_columns)
    usable : shape (n_frames,); a bin needs two such frames
    """
    at = np.floor(t_s / step_s + 1e-9).astype(np.int64)
    inside = usable & (at >= 0) & (at < n) & np.isfinite(values).all(axis=1)
    medians = np.full((n, values.shape[1]), np.nan)
    kept = at[inside]
    for column in range(values.shape[1]):
        ordered = values[inside, column]
        order = np.lexsort((ordered, kept))
        ordered, bins = ordered[order], kept[order]
        first = np.searchsorted(bins, np.arange(n))
        count = np.searchsorted(bins, np.arange(n), side="right") - first
        known = np.flatnonzero(count >= BIN_FRAMES_MIN)
        low = first[known] + (count[known] - 1) // 2
        high = first[known] + count[known] // 2
        medians[known, column] = (ordered[low] + ordered[high]) / 2
    return medians


def travel(bins: Bins, windows: Windows) -> Floats:
    """Gaze path over measured time, deg/s; NaN without two neighbouring bins."""
    steps = _steps(bins.gaze)
    measured = np.isfinite(steps)
    first, stop = bins.bounds(windows)
    bounds = (first, np.maximum(first, stop - 1))
    path = sum_inside(np.where(measured, steps, 0.0), bounds)
    return divided(path, sum_inside(measured, bounds) * bins.step_s)


def head_speed(bins: Bins, windows: Windows) -> Floats:
    """Median speed of head rotation between neighbouring bins, deg/s."""
    speed = _steps(bins.head) / bins.step_s
    first, stop = bins.bounds(windows)
    return np.array(
        [_median(speed[a : max(a, b - 1)]) for a, b in zip(first, stop, strict=True)], np.float64
    )


def noise_floor_dps(
    t_s: Floats, gaze: Floats, usable: Flags, *, step_s: float, rate_hz: float
) -> float:
    """Gaze travel that pure measurement noise would show, deg/s; NaN if too little was measured.

    The noise of a frame is read off the differences between successive frames (a median, so that
    real movements do not count); that of a bin's median is 1.2533 / sqrt(frames) of it.
    """
    both = usable[1:] & usable[:-1] & (np.diff(t_s) * rate_hz < 1.5)
    if both.sum() < BLOCK_BINS_MIN:
        return float("nan")
    changes = np.diff(gaze, axis=0)[both]
    frame = 1.4826 * np.median(np.abs(changes - np.median(changes, axis=0)), axis=0) / np.sqrt(2)
    of_bin = 1.2533 * float(np.sqrt(np.mean(frame**2))) / np.sqrt(step_s * rate_hz)
    # mean length of the difference of two such medians (Rayleigh), over the step
    return float(of_bin * np.sqrt(2) * np.sqrt(np.pi / 2) / step_s)


def stillest_run(bins: Bins, windows: Windows) -> Floats:
    """Longest run inside each window of gaze within one circle and a still head, seconds."""
    last = _reach(bins)
    first, stop = bins.bounds(windows)
    longest = [
        float(np.max(np.minimum(last[a:b] + 1, b) - np.arange(a, b), initial=0))
        for a, b in zip(first, stop, strict=True)
    ]
    return np.array(longest) * bins.step_s


def around_mode(bins: Bins, windows: Windows) -> tuple[Floats, Floats]:
    """Share within 10 deg of the commonest direction, and root mean square deviation from it."""
    share, spread = np.full(len(windows), np.nan), np.full(len(windows), np.nan)
    known = np.asarray(np.isfinite(bins.gaze).all(axis=1))
    if not known.any():
        return share, spread
    bounds = bins.bounds(windows)
    count = sum_inside(known, bounds)
    block = np.floor(windows.centre_s / BLOCK_S).astype(np.int64)
    for index in np.unique(block):
        here = block == index
        mode = _mode_of_block(bins, known, int(index))
        away = np.hypot(bins.gaze[:, 0] - mode[0], bins.gaze[:, 1] - mode[1])
        near = sum_inside(known & (away <= NEAR_DEG), bounds)
        squares = sum_inside(np.where(known, away, 0.0) ** 2, bounds)
        share[here] = divided(near, count)[here]
        spread[here] = np.sqrt(np.maximum(divided(squares, count)[here], 0))
    return share, spread


def commonest_direction(gaze: Floats) -> Floats:
    """Mode of directions (n, 2) by Gaussian mean shift, from the fullest cell of a 2 deg grid."""
    cells = np.round(gaze / 2).astype(np.int64)
    found, counts = np.unique(cells, axis=0, return_counts=True)
    squared = np.sum((found[:, None] - found[None]) ** 2, axis=2) * 4.0
    density = np.exp(-squared / (2 * BANDWIDTH_DEG**2)) @ counts
    mode = found[int(np.argmax(density))] * 2.0
    for _ in range(MEAN_SHIFT_STEPS):
        weight = np.exp(-np.sum((gaze - mode) ** 2, axis=1) / (2 * BANDWIDTH_DEG**2))
        moved = weight @ gaze / weight.sum()
        if np.linalg.norm(moved - mode) < 1e-4:
            break
        mode = moved
    return np.asarray(mode, np.float64)


def _mode_of_block(bins: Bins, known: Flags, index: int) -> Floats:
    first = round(index * BLOCK_S / bins.step_s)
    stop = round((index + 1) * BLOCK_S / bins.step_s)
    here = bins.gaze[first:stop][known[first:stop]]
    return commonest_direction(here if len(here) >= BLOCK_BINS_MIN else bins.gaze[known])


def _steps(values: Floats) -> Floats:
    """Distance between neighbouring bins, shape (n - 1,)."""
    return np.asarray(np.linalg.norm(np.diff(values, axis=0), axis=1))


def _reach(bins: Bins) -> NDArray[np.int64]:
    """For every bin, the last bin of the longest still run that starts there (itself - 1: none)."""
    last = np.arange(len(bins.gaze)) - 1
    for run in _candidates(bins):
        gaze, at = bins.gaze[run], 0
        for i in range(len(run)):
            at = max(at, i)
            while at + 1 < len(run) and _fits(gaze[i : at + 2]):
                at += 1
            last[run[i]] = run[at]
    return last


def _fits(gaze: Floats) -> bool:
    # The box shrinks when a point leaves it, so a run never has to be looked at twice.
    return bool(np.hypot(*(gaze.max(axis=0) - gaze.min(axis=0))) <= STILL_CIRCLE_DEG)


def _candidates(bins: Bins) -> list[NDArray[np.intp]]:
    """Bins with measured gaze and a still head that follow each other, blinks bridged."""
    good = np.flatnonzero(np.isfinite(bins.gaze).all(axis=1) & _head_is_still(bins))
    if not len(good):
        return []
    blocked = np.concatenate([[0], np.cumsum(~bins.shut)])
    # a gap is bridged if it is short and every bin in it was lost to shut lids
    gap = np.diff(good) - 1
    lost = blocked[good[1:]] - blocked[good[:-1] + 1]
    broken = (gap > np.ceil(BRIDGE_S / bins.step_s)) | ((gap > 0) & (lost > 0))
    return np.split(good, np.flatnonzero(broken) + 1)


def _head_is_still(bins: Bins) -> Flags:
    reach = HEAD_REACH_BINS
    padded = np.pad(bins.head, ((reach, reach), (0, 0)), constant_values=np.nan)
    moved = np.linalg.norm(padded[2 * reach :] - padded[: -2 * reach], axis=1)
    return np.asarray(~(moved / (2 * reach * bins.step_s) >= STILL_HEAD_DPS))


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
