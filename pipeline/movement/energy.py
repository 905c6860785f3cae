"""Motion energy: the share of a region's pixels that changed by more than noise, in its own SDs.

    e(t) = mean over the region's cells of (pixels changed by at least c) / 64, less what the still
           background shows at the same time; 0.5 s running mean; divided by its SD

(Ramseyer & Tschacher 2011.) Noise and background come from the recording itself. The static patch
is the whole picture while next to nothing moves, the stillest quarter of all steps; its noise is
the least class of change that at most 1 % of pixels reach (P99), in four of five cells. A blank
wall alone would not do, since an encoder adds most noise where there are edges. c lies two classes,
half as much again, above it, because key frames change a picture by more than the frames between:
with c at P99 itself, planted courses came back at r = 0.85-0.97 instead of 0.95-0.98. Still
background is the half of all cells in which least changes over the session.

A time at which the picture as a whole changes is masked with 0.4 s on either side, since it would
pass for movement of both people at once: a shift of the camera explains most of what changed, or
more than half of the still background changes together (`light_changed` where most of it in the
same direction, else `picture_changed`), or nothing at all changes for a second (`picture_frozen`).

Caveat: a share of pixels grows with speed and with contrast, so a striped shirt moves more than a
plain one. Dividing by the region's own SD takes that out of comparisons over time, not of anything
between people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.movement.grid import CELL_PIXELS, CELLS, LEVELS, STEP_S, counts_of
from pipeline.settings import MovementSettings

STILL_SHARE = 0.5
"""Of all cells: the quieter half is taken for background; people seldom fill more."""
REST_SHARE = 0.25
"""Of all steps: the stillest show what noise is."""
REST_CELLS = 0.8
"""Of all cells: so many are taken to be at rest then."""
NOISE_SHARE = 0.01
"""Of pixels that may exceed it at rest: P99."""
NOISE_MARGIN = 2
"""Classes from noise to the least change that counts, or as many as there are."""
CELL_CHANGED = CELL_PIXELS // 8
"""Pixels of a cell that must change for the cell to count as changed: an edge shifted by one."""
ONE_WAY = 0.5
"""|mean change| over mean |change|: from here on light, not movement."""
MASK_S = 0.4
"""Masked on either side of a change of the whole picture."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Whys = NDArray[np.object_]
Pieces = Callable[[], Iterator[pa.RecordBatch]]
"""Reads the table `motion_grid` anew, piece by piece."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed, on a regular grid of steps; all of length n."""

    t_s: Floats
    measured: Flags
    """Whether two pictures a step apart were there."""
    change: Floats = field(repr=False)
    """Mean signed change of brightness, grey levels."""
    change_abs: Floats = field(repr=False)
    """Mean size of a pixel's change, grey levels."""
    shift: Floats = field(repr=False)
    """Share of the change that a moved camera explains, 0..1; NaN where not looked at."""
    counts: NDArray[np.uint8] = field(repr=False)
    """Pixels changed by more than noise, shape (n, CELLS); 10 MB an hour."""
    still: Flags = field(repr=False)
    """The half of the cells that is quieter, shape (CELLS,)."""
    level: int | None
    """Least change that counts, grey levels; None where noise drowns every class."""


def read_changes(pieces: Pieces) -> Changes | None:
    """Three passes over the grid: when is rest, what is noise then, what exceeds it.

    None without any row.
    """
    surveyed = [_survey(batch) for batch in pieces()]
    if not sum(len(part.t_s) for part in surveyed):
        return None
    t_s = np.concatenate([part.t_s for part in surveyed])
    picture = np.concatenate([part.picture for part in surveyed])
    rest = at_rest(np.concatenate([part.changed for part in surveyed]), picture[:, 1])
    chosen = least_class(_shares(pieces, rest))
    step = np.round((t_s - t_s[0]) / STEP_S).astype(np.intp)
    n = int(step[-1]) + 1
    counts = np.zeros((n, CELLS), np.uint8)
    counts[step] = _exceeding(pieces, 0 if chosen is None else chosen)
    measured, whole = np.zeros(n, bool), np.full((n, 3), np.nan)
    measured[step], whole[step] = True, picture
    return Changes(
        t_s[0] + np.arange(n) * STEP_S,
        measured,
        whole[:, 0],
        whole[:, 1],
        whole[:, 2],
        counts,
        still_cells(counts),
        None if chosen is None else LEVELS[chosen],
    )


def at_rest(changed: NDArray[np.int64], change_abs: Floats) -> Flags:
    """The stillest quarter of the steps by pixels changed; a repeated picture is no rest."""
    new = change_abs > 0
    if not new.any():
        return new
    return np.asarray(new & (changed <= np.quantile(changed[new], REST_SHARE)))


def least_class(shares: Floats) -> int | None:
    """The least class that counts, from how many pixels reach each class at rest.

    Parameters
    ----------
    shares : of pixels that changed at least so much, shape (cells, classes)

    Returns
    -------
    Index into `LEVELS`; None where noise exceeds them all.
    """
    quiet_enough = np.flatnonzero(np.quantile(shares, REST_CELLS, axis=0) <= NOISE_SHARE)
    if not len(quiet_enough):
        return None
    return min(int(quiet_enough[0]) + NOISE_MARGIN, shares.shape[1] - 1)


def still_cells(counts: NDArray[np.uint8]) -> Flags:
    """The quieter half of the cells over the session, from counts of shape (n, CELLS)."""
    total = counts.sum(axis=0, dtype=np.int64)
    still = np.zeros(len(total), bool)
    still[np.argsort(total, kind="stable")[: round(STILL_SHARE * len(total))]] = True
    return still


def masks(changes: Changes, settings: MovementSettings) -> Whys:
    """Why a step tells nothing of the people; None where it does. Shape (n,)."""
    background = changes.counts[:, changes.still] >= CELL_CHANGED
    jumped = background.mean(axis=1) > settings.jump_share
    one_way = np.abs(changes.change) >= ONE_WAY * changes.change_abs
    shifted = changes.shift > settings.shift_min
    reason: Whys = np.full(len(jumped), None, dtype=object)
    reason[_held(changes.change_abs == 0.0, settings.frozen_s)] = "picture_frozen"
    around = round(MASK_S / STEP_S)
    reason[widened(shifted | (jumped & ~one_way), around)] = "picture_changed"
    reason[widened(jumped & one_way, around)] = "light_changed"
    reason[~changes.measured] = "low_fps"
    return reason


def energy(
    changes: Changes, area: Flags, masked: Whys, settings: MovementSettings
) -> tuple[Floats, str | None]:
    """Motion energy of one area in its own SDs, shape (n,), NaN where masked.

    Parameters
    ----------
    area : the region's cells, shape (CELLS,)

    Returns
    -------
    The course, and why there is none: ``low_snr`` where noise drowns every class of change,
    ``few_samples`` where nothing ever moves.
    """
    nothing = np.full(len(changes.t_s), np.nan)
    if changes.level is None:
        return nothing, "low_snr"
    everywhere = np.median(changes.counts[:, changes.still], axis=1)
    share = (changes.counts[:, area].mean(axis=1) - everywhere) / CELL_PIXELS
    valid = masked == None  # noqa: E711  # element by element
    course = smoothed(np.maximum(share, 0.0), valid, settings.smooth_s / STEP_S)
    spread = float(np.std(course[valid])) if valid.any() else 0.0
    if not spread > 0:
        return nothing, "few_samples"
    return course / spread, None


def smoothed(values: Floats, valid: Flags, length: float) -> Floats:
    """Running mean over `length` steps (may be a fraction) of valid values; NaN where not valid."""
    reach = max(0, int(np.ceil((length - 1) / 2 - 1e-9)))
    box = np.ones(2 * reach + 1)
    box[0] = box[-1] = (length - (2 * reach - 1)) / 2 if reach else 1.0
    total = np.convolve(np.where(valid, values, 0.0), box, mode="full")
    weight = np.convolve(valid.astype(np.float64), box, mode="full")
    kept = slice(reach, reach + len(values))
    return np.where(valid, total[kept] / np.maximum(weight[kept], box[0]), np.nan)


def widened(flags: Flags, steps: int) -> Flags:
    """Flags with `steps` more on either side of each."""
    return np.asarray(np.convolve(flags, np.ones(2 * steps + 1), mode="full") > 0)[
        steps : steps + len(flags)
    ]


def _held(flags: Flags, least_s: float) -> Flags:
    """Only runs of at least `least_s`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    kept = np.zeros(len(flags), bool)
    for start, stop in edges.reshape(-1, 2):
        kept[start:stop] = (stop - start) * STEP_S >= least_s - 1e-9
    return kept


@dataclass(frozen=True, slots=True)
class _Surveyed:
    """What of a piece is small: one value per step."""

    t_s: Floats
    picture: Floats
    """Mean change, mean size of change and share that a shift explains, shape (n, 3)."""
    changed: NDArray[np.int64]
    """Pixels that changed by any class."""


def _survey(batch: pa.RecordBatch) -> _Surveyed:
    names = ("brightness_change", "brightness_change_abs", "shift_prop")
    return _Surveyed(
        batch.column("t_s").to_numpy(),
        np.column_stack([batch.column(n).to_numpy(zero_copy_only=False) for n in names]),
        counts_of(batch.column("changed_px")).sum(axis=(1, 2), dtype=np.int64),
    )


def _shares(pieces: Pieces, steps: Flags) -> Floats:
    """Share of pixels that changed at least so much in these steps, shape (CELLS, classes)."""
    total, at = np.zeros((CELLS, len(LEVELS))), 0
    for batch in pieces():
        chosen = steps[at : at + batch.num_rows]
        total += counts_of(batch.column("changed_px"))[chosen].sum(axis=0)
        at += batch.num_rows
    reached = np.cumsum(total[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(reached / (CELL_PIXELS * max(1, int(steps.sum()))))


def _exceeding(pieces: Pieces, chosen: int) -> NDArray[np.uint8]:
    parts = [
        counts_of(batch.column("changed_px"))[..., chosen:].sum(axis=-1, dtype=np.uint8)
        for batch in pieces()
    ]
    return np.concatenate(parts)


def commonest(reasons: Iterable[str | None]) -> str:
    """The reason given most often, of equals the first by name; ``low_coverage`` without any."""
    named = sorted(reason for reason in reasons if reason is not None)
    return max(dict.fromkeys(named), key=named.count, default="low_coverage")
