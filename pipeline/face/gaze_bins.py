"""Gaze and head in bins of 0.2 s: medians, the commonest direction, still runs.

Medians of bins of time, because the raw path of gaze is all measurement noise and a median over a
number of frames would make it depend on the frame rate. The commonest direction is the mode of many
directions by mean shift (Gaussian, bandwidth 5 deg; Zhang et al. 2017). A still run stays inside
one circle of 5 deg while the head turns less than 2 deg/s; short gaps are bridged where shut lids
alone made them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

BANDWIDTH_DEG = 5.0
STILL_CIRCLE_DEG = 5.0
"""Diameter of the circle that a still gaze stays in."""
STILL_HEAD_DPS = 2.0
HEAD_REACH_BINS = 2
BRIDGE_S = 0.5
"""Longest blink within a still run, s."""
SHUT_MARGIN_S = 0.1
"""Lids still move and the iris is half covered this long before and after a closure, s."""
BIN_FRAMES_MIN = 2
MEAN_SHIFT_STEPS = 50
CELL_ROW = 1 << 20
"""Numbers a cell of the grid by its row and column, far apart."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Medians on a fixed grid of time; NaN where not measured."""

    step_s: float
    gaze: Floats
    """Shape (n, 2): yaw, pitch in degrees."""
    head: Floats
    """Shape (n, 3): yaw, pitch, roll in degrees."""
    shut: Flags
    """Shape (n,): lids were shut near some frame of the bin."""
    first: int = 0
    """Bin 0 of the arrays begins at ``first * step_s``; negative where frames come before t = 0."""

    def start_s(self, index: int) -> float:
        """Where bin `index` of the arrays begins, and the one before it ends."""
        return (self.first + index) * self.step_s


def binned_medians(t_s: Floats, values: Floats, usable: Flags, n: int, step_s: float) -> Floats:
    """Median of the usable frames of every bin from t = 0, per column, shape (n, n_columns).

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
    known = np.flatnonzero(np.bincount(kept, minlength=n) >= BIN_FRAMES_MIN)
    if len(known):
        for column in range(values.shape[1]):
            medians[known, column] = ndimage.median(values[inside, column], kept, known)
    return medians


def commonest_direction(gaze: Floats) -> Floats:
    """Mode of directions (n, 2) by Gaussian mean shift, from the fullest cell of a 2 deg grid."""
    cells = np.round(gaze / 2).astype(np.int64)
    keys, counts = np.unique(cells[:, 0] * CELL_ROW + cells[:, 1], return_counts=True)
    rows = np.round(keys / CELL_ROW)
    found = 2.0 * np.column_stack([rows, keys - rows * CELL_ROW])
    squared = np.sum((found[:, None] - found[None]) ** 2, axis=2)
    density = np.exp(-squared / (2 * BANDWIDTH_DEG**2)) @ counts
    mode = found[int(np.argmax(density))]
    for _ in range(MEAN_SHIFT_STEPS):
        weight = np.exp(-np.sum((gaze - mode) ** 2, axis=1) / (2 * BANDWIDTH_DEG**2))
        moved = weight @ gaze / weight.sum()
        if np.linalg.norm(moved - mode) < 1e-4:
            break
        mode = moved
    return np.asarray(mode, np.float64)


def still_reach(bins: Bins) -> Indices:
    """For every bin, the last bin of the longest still run from it; itself - 1 where none is."""
    last = np.arange(len(bins.gaze)) - 1
    good = np.flatnonzero(np.isfinite(bins.gaze).all(axis=1) & _head_is_still(bins))
    if not len(good):
        return last
    stop = np.concatenate(
        [np.full(len(run), at) for run, at in _with_ends(bridged_runs(good, bins))]
    )
    lows, highs = _extremes(bins.gaze[good])
    position = np.arange(len(good))
    low, high = np.full((len(good), 2), np.inf), np.full((len(good), 2), -np.inf)
    # the box round a run only grows with it, so its longest length is found by halving
    for level in reversed(range(len(lows))):
        longer = np.flatnonzero(position + 2**level <= stop)
        box_low = np.minimum(low[longer], lows[level][position[longer]])
        box_high = np.maximum(high[longer], highs[level][position[longer]])
        fits = np.hypot(*(box_high - box_low).T) <= STILL_CIRCLE_DEG
        rows = longer[fits]
        low[rows], high[rows] = box_low[fits], box_high[fits]
        position[rows] += 2**level
    last[good] = good[position - 1]
    return last


def bridged_runs(good: Indices, bins: Bins) -> list[Indices]:
    """`good` bins cut where they do not follow each other; short gaps of shut lids are bridged."""
    if not len(good):
        return []
    open_before = np.concatenate([[0], np.cumsum(~bins.shut)])
    gap = np.diff(good) - 1
    lost = open_before[good[1:]] - open_before[good[:-1] + 1]
    most = np.ceil((BRIDGE_S + 2 * SHUT_MARGIN_S) / bins.step_s)
    broken = (gap > most) | ((gap > 0) & (lost > 0))
    return np.split(good, np.flatnonzero(broken) + 1)


def _with_ends(runs: list[Indices]) -> list[tuple[Indices, int]]:
    """Each run with its one-past-last position among all runs joined."""
    return list(zip(runs, np.cumsum([len(run) for run in runs]).tolist(), strict=True))


def _extremes(values: Floats) -> tuple[list[Floats], list[Floats]]:
    """Lowest and highest of the 1, 2, 4, ... values from each one on, per column."""
    lows, highs = [values], [values]
    step = 1
    while len(lows[-1]) > step:
        lows.append(np.minimum(lows[-1][:-step], lows[-1][step:]))
        highs.append(np.maximum(highs[-1][:-step], highs[-1][step:]))
        step *= 2
    return lows, highs


def _head_is_still(bins: Bins) -> Flags:
    reach = HEAD_REACH_BINS
    padded = np.pad(bins.head, ((reach, reach), (0, 0)), constant_values=np.nan)
    moved = np.linalg.norm(padded[2 * reach :] - padded[: -2 * reach], axis=1)
    return np.asarray(~(moved / (2 * reach * bins.step_s) >= STILL_HEAD_DPS))
