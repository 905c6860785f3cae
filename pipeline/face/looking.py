"""Two kinds of spells of gaze: still ones, and ones away from where this person mostly looks.

A stare is gaze (eyes and head together) inside one circle of 5 deg, with the head turning less than
2 deg/s and blinks of up to 0.5 s bridged. A look away is gaze more than 10 deg from the commonest
direction of the minutes round it (`gaze_modes`). While the head is turned too far for the eyes to
be measured, only a head more than 30 deg off that direction counts: eyes seldom stay 20 deg off the
head's own.

Both say where somebody looked and for how long, measured against this recording alone; there is no
calibration, so nobody knows what they looked at. After Danböck et al. (2021), Zhang et al. (2017).

Caveat: times are those of 0.2 s bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.face.gaze_bins import (
    SHUT_MARGIN_S,
    Bins,
    Flags,
    Floats,
    binned_medians,
    bridged_runs,
    still_reach,
)
from pipeline.face.gaze_modes import SPAN_BINS_MIN, Modes
from pipeline.spans import as_array, is_inside

BIN_S = 0.2
AWAY_DEG = 10.0
USUAL_STEP_S = 10.0
"""The usual direction is looked up this often."""
EYE_REACH_DEG = 20.0


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch of gaze of one kind."""

    start_s: float
    end_s: float
    size: float
    """Seconds of a stare; of a look away the farthest from the usual direction, degrees."""


def gaze_bins(
    t_s: Floats, gaze: Floats, head: Floats, usable: Flags, shut: list[tuple[float, float]]
) -> Bins:
    """Frames of one person as bins; frames within 0.1 s of shut lids are left out.

    Parameters
    ----------
    t_s : shape (n,), seconds, increasing; at least one
    gaze : shape (n, 2), yaw and pitch in degrees
    head : shape (n, 3), yaw, pitch and roll in degrees; NaN where there is no pose
    usable : shape (n,), where gaze can be trusted
    shut : start and end of every stretch of shut lids, seconds
    """
    near = as_array((start - SHUT_MARGIN_S, end + SHUT_MARGIN_S) for start, end in shut)
    lost = is_inside(near, t_s)
    first = int(np.floor(t_s[0] / BIN_S + 1e-9))
    from_first = t_s - first * BIN_S
    n = int(np.floor(from_first[-1] / BIN_S + 1e-9)) + 1
    dark = np.zeros(n, bool)
    dark[np.floor(from_first[lost] / BIN_S + 1e-9).astype(np.intp)] = True
    posed = np.asarray(np.isfinite(head).all(axis=1))
    return Bins(
        BIN_S,
        binned_medians(from_first, gaze, usable & ~lost, n, BIN_S),
        binned_medians(from_first, head, posed, n, BIN_S),
        dark,
        first,
    )


def stares(bins: Bins, least_s: float) -> list[Spell]:
    """Still spells of at least `least_s`, in order: the longest first, then what is left of it."""
    stop = still_reach(bins) + 1
    least = max(1, int(np.ceil(least_s / bins.step_s - 1e-9)))
    open_parts, found = [(0, len(stop))], []
    while open_parts:
        a, b = open_parts.pop()
        length = np.minimum(stop[a:b], b) - np.arange(a, b)
        if b - a < least or length.max() < least:
            continue
        start = a + int(np.argmax(length))
        end = start + int(length.max())
        found.append(_spell(bins, start, end, (end - start) * bins.step_s))
        open_parts += [(a, start), (end, b)]
    return sorted(found, key=lambda spell: spell.start_s)


def looks_away(bins: Bins, least_s: float) -> list[Spell]:
    """Spells of at least `least_s` away from the usual direction, in order.

    None in a recording with less than a minute of measured gaze: it has no usual direction.
    """
    known = np.asarray(np.isfinite(bins.gaze).all(axis=1))
    if known.sum() < SPAN_BINS_MIN:
        return []
    usual = _usual(bins, known)
    eyes, head = _apart(bins.gaze, usual), _apart(bins.head, usual)
    unseen = np.isnan(eyes)
    off = np.where(unseen, head, eyes)
    away = np.where(unseen, off > AWAY_DEG + EYE_REACH_DEG, off > AWAY_DEG)
    least = max(1, int(np.ceil(least_s / bins.step_s - 1e-9)))
    return [
        _spell(bins, int(run[0]), int(run[-1]) + 1, float(off[run].max()))
        for run in bridged_runs(np.flatnonzero(away), bins)
        if run[-1] + 1 - run[0] >= least
    ]


def _usual(bins: Bins, known: Flags) -> Floats:
    """The commonest direction of the ten minutes before, round or after each bin, shape (n, 2)."""
    modes = Modes(bins.gaze, known, bins.step_s)
    per_step = round(USUAL_STEP_S / bins.step_s)
    steps = -(-len(known) // per_step)
    found = np.array([modes.at((step + 0.5) * USUAL_STEP_S) for step in range(steps)])
    return np.repeat(found, per_step, axis=0)[: len(known)]


def _apart(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.hypot(a[:, 0] - b[:, 0], a[:, 1] - b[:, 1]))


def _spell(bins: Bins, start: int, stop: int, size: float) -> Spell:
    return Spell(bins.start_s(start), bins.start_s(stop), size)
