"""Stretches, rates and running medians of irregularly timed frames, always from their times."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pipeline.spans import Flags, Floats, runs

RATE_TOLERANCE = 0.99
"""A camera set to 20 Hz gives 19.98: a gate means the nominal rate."""
GAP_FRAMES = 2.5
"""Frames further apart than this many usual steps are not neighbours."""
RATE_SPAN_S = 5.0
KNOT_S = 0.25
"""A running median is computed this often and interpolated."""
KNOT_SAMPLES_MIN = 5


def unbroken(t_s: Floats, usable: Flags) -> list[tuple[int, int]]:
    """Index ranges ``[first, stop)`` of usable frames that follow each other without a gap.

    Parameters
    ----------
    t_s : shape (n,), increasing
    usable : shape (n,); one frame that is not usable ends a stretch
    """
    if len(t_s) < 2:
        return runs(usable)
    steps = np.diff(t_s)
    limit_s = GAP_FRAMES * float(np.median(steps))
    pieces = []
    for first, stop in runs(usable):
        breaks = first + 1 + np.flatnonzero(steps[first : stop - 1] > limit_s)
        bounds = [first, *(int(at) for at in breaks), stop]
        pieces += list(pairwise(bounds))
    return pieces


def local_rate_hz(t_s: Floats, *, span_s: float = RATE_SPAN_S) -> Floats:
    """Frames a second in the `span_s` round each frame, shape (n,); NaN for a lone frame."""
    first = np.searchsorted(t_s, t_s - span_s / 2)
    last = np.searchsorted(t_s, t_s + span_s / 2, side="right") - 1
    elapsed = t_s[last] - t_s[first]
    return np.divide(last - first, elapsed, out=np.full(len(t_s), np.nan), where=elapsed > 0)


def running_median(t_s: Floats, values: Floats, usable: Flags, window_s: float) -> Floats:
    """Median of the usable frames within `window_s`, centred; shape (n,).

    Where no usable frame is near, it is interpolated between the nearest places that have some.
    At least one frame must be usable.
    """
    at, known = t_s[usable], values[usable]
    knots = np.arange(at[0], at[-1] + KNOT_S, KNOT_S)
    first = np.searchsorted(at, knots - window_s / 2)
    stop = np.searchsorted(at, knots + window_s / 2, side="right")
    enough = stop - first >= min(KNOT_SAMPLES_MIN, len(at))
    if not enough.any():
        return np.full(len(t_s), float(np.median(known)))
    pairs = zip(first[enough], stop[enough], strict=True)
    medians = [float(np.median(known[a:b])) for a, b in pairs]
    return np.asarray(np.interp(t_s, knots[enough], medians))
