"""What is usual for this client in this session, and how far each window lies from it.

A baseline holds windows of one person, one session and one state: what depends on whether the
client speaks is compared only with windows of which the client speaks as much (most, or less than
half). Overlapping spans of blinks count every 30 s. A value too small to be told from noise enters
at its limit, and its z is that of the limit: the least it can be away from the usual.

Why the limit does no harm: it changes neither a median that lies over it nor a median absolute
deviation smaller than the distance from that median to the limit. A z of -0.7 or less is therefore
exact in its scale and, for a value under the limit, an understatement. Where the median itself is
not measurable nothing has a z.
"""

from __future__ import annotations

import numpy as np

from pipeline.spans import Flags, Floats, WindowCue, Windows, covered_s
from pipeline.timeline import log_duration, robust_location

SPEAKING_SHARE = 0.5
"""A window of which the client speaks at least this much is one of speaking."""


def speaking_windows(speaking: Floats, windows: Windows) -> Flags:
    """Windows of which the client speaks at least half, shape (n,)."""
    length_s = windows.end_s - windows.start_s
    return np.asarray(covered_s(speaking, windows) >= SPEAKING_SHARE * length_s)


def every(step_s: float, windows: Windows) -> Flags:
    """Windows at every `step_s`, shape (n,): overlapping spans say little anew in between."""
    if len(windows) < 2:
        return np.ones(len(windows), bool)
    hop_s = float(windows.start_s[1] - windows.start_s[0])
    return np.asarray(np.arange(len(windows)) % max(1, round(step_s / hop_s)) == 0)


def z_of(
    cue: WindowCue,
    baseline: Flags,
    *,
    minimum_samples: int,
    states: Flags | None = None,
    is_duration: bool = False,
) -> Floats:
    """Robust z of every window, shape (n,); NaN where it cannot be had.

    Parameters
    ----------
    cue : of n windows
    baseline : shape (n,), which windows describe the usual
    states : shape (n,); each is compared with its own. None: all alike
    is_duration : compared on log(x + 0.25)
    """
    compared = log_duration(cue.compared) if is_duration else cue.compared
    z = np.full(len(compared), np.nan)
    for state in (None,) if states is None else (False, True):
        here = np.ones(len(z), bool) if states is None else states == state
        z[here] = _z(cue, compared, here, baseline & here, minimum_samples)
    return z


def _z(
    cue: WindowCue, compared: Floats, here: Flags, baseline: Flags, minimum_samples: int
) -> Floats:
    centre, scale = robust_location(compared[baseline], minimum_samples=minimum_samples)
    missing = np.isnan(cue.value[baseline]) & np.isfinite(compared[baseline])
    known = np.isfinite(compared[baseline])
    if not np.isfinite(scale) or 2 * missing.sum() >= known.sum():
        return np.full(int(here.sum()), np.nan)
    return np.asarray((compared[here] - centre) / scale)
