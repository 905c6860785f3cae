"""Gaze per window while listening: travel, its noise, and the stillest run.

All from medians of 0.2 s (`gaze_bins`), frames near shut lids left out. The commonest direction and
the spread round it are in `gaze_modes`.

Caveat: even with a frontal face part of the travel is noise. Its size is read off the session's own
frames; travel under twice of it is known only to be small. Travel after Danböck et al. (2021), an
analogue of track length; the floor after the project's own measurements.
"""

from __future__ import annotations

import numpy as np

from pipeline.face.gaze_bins import Bins, still_reach
from pipeline.spans import Bounds, Flags, Floats, Windows, divided, sum_inside

NOISE_PAIRS_MIN = 300
"""Fewer pairs of neighbouring frames give no noise floor."""


def bin_bounds(bins: Bins, windows: Windows) -> Bounds:
    """First and one-past-last bin of each window."""
    first, stop = (
        np.clip(np.round(edge / bins.step_s) - bins.first, 0, len(bins.gaze)).astype(np.intp)
        for edge in (windows.start_s, windows.end_s)
    )
    return first, stop


def travel(bins: Bins, windows: Windows) -> Floats:
    """Gaze path over measured time, deg/s; NaN without two neighbouring bins."""
    steps = _steps(bins.gaze)
    measured = np.isfinite(steps)
    first, stop = bin_bounds(bins, windows)
    bounds = (first, np.maximum(first, stop - 1))
    path = sum_inside(np.where(measured, steps, 0.0), bounds)
    return divided(path, sum_inside(measured, bounds) * bins.step_s)


def stillest_run(bins: Bins, windows: Windows) -> Floats:
    """Longest run inside each window of gaze within one circle and a still head, seconds."""
    last = still_reach(bins)
    first, stop = bin_bounds(bins, windows)
    longest = [
        float(np.max(np.minimum(last[a:b] + 1, b) - np.arange(a, b), initial=0))
        for a, b in zip(first, stop, strict=True)
    ]
    return np.array(longest) * bins.step_s


def noise_floor_dps(t_s: Floats, gaze: Floats, usable: Flags, step_s: float) -> float:
    """Gaze travel that pure measurement noise would show, deg/s; NaN if too little was measured.

    The noise of a frame is read off the differences between successive frames (a median, so that
    real movements do not count); that of a bin's median is 1.2533 / sqrt(frames) of it.

    Parameters
    ----------
    t_s : shape (n,), seconds, increasing
    gaze : shape (n, 2), degrees
    usable : shape (n,), good enough for gaze and not near shut lids
    step_s : length of a bin
    """
    if len(t_s) < NOISE_PAIRS_MIN:
        return float("nan")
    rate_hz = 1 / float(np.median(np.diff(t_s)))
    both = usable[1:] & usable[:-1] & (np.diff(t_s) * rate_hz < 1.5)
    if both.sum() < NOISE_PAIRS_MIN:
        return float("nan")
    changes = np.diff(gaze, axis=0)[both]
    frame = 1.4826 * np.median(np.abs(changes - np.median(changes, axis=0)), axis=0) / np.sqrt(2)
    of_bin = 1.2533 * float(np.sqrt(np.mean(frame**2))) / np.sqrt(step_s * rate_hz)
    # mean length of the difference of two such medians (Rayleigh), over the step
    return float(of_bin * np.sqrt(2) * np.sqrt(np.pi / 2) / step_s)


def _steps(values: Floats) -> Floats:
    """Distance between neighbouring bins, shape (n - 1,)."""
    return np.asarray(np.linalg.norm(np.diff(values, axis=0), axis=1))
