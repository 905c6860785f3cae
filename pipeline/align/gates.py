"""When a window's cue counts: enough frames good enough, or the reason why not."""

from __future__ import annotations

import numpy as np

from pipeline.spans import Bounds, Flags, Floats, Whys, WindowCue, divided, sum_inside


def gate(why: Whys, good: Flags, considered: Flags, bounds: Bounds, least_share: float) -> Whys:
    """Reason per window; None where enough of the considered frames are good.

    The reason is the commonest one among the considered frames that are not.

    Parameters
    ----------
    why : shape (n_frames,), why a frame is not good
    good, considered : shape (n_frames,)
    bounds : rows of each window, from `rows_inside`
    least_share : of the considered frames

    Returns
    -------
    Shape (n_windows,)
    """
    count = sum_inside(considered, bounds)
    share = divided(sum_inside(considered & good, bounds), count)
    reason = commonest(why, considered & ~good, bounds)
    reason[share >= least_share] = None
    reason[bounds[1] - bounds[0] == 0] = "no_media"
    reason[(bounds[1] > bounds[0]) & (count == 0)] = "few_samples"
    return reason


def commonest(why: Whys, where: Flags, bounds: Bounds) -> Whys:
    """The commonest reason among some frames of each window; `low_coverage` where none is given."""
    names = sorted({name for name in why[where] if name is not None})
    tallies = [sum_inside(where & (why == name), bounds) for name in names]
    most = np.argmax([*tallies, np.full(len(bounds[0]), 0.5)], axis=0)
    return np.asarray(np.array([*names, "low_coverage"], dtype=object)[most])


def gated(value: Floats, gate: Whys, *also: tuple[Flags, str]) -> WindowCue:
    """The value where no gate speaks against it, and the first reason elsewhere."""
    reason = gate.copy()
    for where, name in also:
        reason[where & (reason == None)] = name  # noqa: E711  # element by element
    reason[~np.isfinite(value) & (reason == None)] = "few_samples"  # noqa: E711
    missing = reason != None  # noqa: E711
    return WindowCue(np.where(missing, np.nan, value), reason)
