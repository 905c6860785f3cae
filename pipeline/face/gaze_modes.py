"""The direction a client looks in most while listening, and how gaze spreads round it, per window.

The commonest direction is the mode of the gaze of ten minutes (mean shift with a Gaussian of 5 deg;
Zhang et al. 2017). Seats move and people shift, so a window is offered three modes: of the ten
minutes before it, round it and after it. It takes the one that most of the gaze of the minute
round it lies near: just before and just after a move that is the side that has not moved yet, while
half a minute of looking elsewhere never becomes a mode.

Caveat: the commonest direction has no name. A face camera alone cannot show what lies there.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from pipeline.face.gaze_bins import commonest_direction
from pipeline.spans import Flags, Floats, Windows

SPAN_S = 600.0
"""Gaze of this long has a mode."""
SPAN_BINS_MIN = 300
"""Measured bins (1 min) without which a span has none; then that of the whole session is used."""
STEP_S = 30.0
"""Modes are computed this often."""
LOCAL_S = 60.0
"""Round a window, to choose among its modes."""
NEAR_DEG = 10.0


def around_mode(gaze: Floats, step_s: float, windows: Windows) -> tuple[Floats, Floats]:
    """Share within 10 deg of the commonest direction, and root mean square deviation from it, deg.

    Parameters
    ----------
    gaze : shape (n_bins, 2), yaw and pitch in degrees on a grid of `step_s` from t = 0; NaN where
        not measured

    Returns
    -------
    Two arrays of shape (n_windows,), NaN without a measured bin.
    """
    share, spread = np.full(len(windows), np.nan), np.full(len(windows), np.nan)
    known = np.asarray(np.isfinite(gaze).all(axis=1))
    if not known.any():
        return share, spread
    modes = Modes(gaze, known, step_s)
    spans = zip(windows.start_s, windows.end_s, strict=True)
    for row, (start_s, end_s) in enumerate(spans):
        away = _away(modes.between(start_s, end_s), modes.at((start_s + end_s) / 2))
        if len(away):
            share[row] = np.mean(away <= NEAR_DEG)
            spread[row] = np.sqrt(np.mean(away**2))
    return share, spread


class Modes:
    """Modes of ten-minute spans, each found once."""

    def __init__(self, gaze: Floats, known: Flags, step_s: float) -> None:
        self._gaze, self._known, self._step_s = gaze, known, step_s
        self._found: dict[int, Floats | None] = {}

    def between(self, start_s: float, end_s: float) -> Floats:
        """Measured gaze of a span of time, shape (n, 2)."""
        first, stop = (max(0, round(edge / self._step_s)) for edge in (start_s, end_s))
        return self._gaze[first:stop][self._known[first:stop]]

    def at(self, centre_s: float) -> Floats:
        """The mode for a window round `centre_s`."""
        step, back = round(centre_s / STEP_S), round(SPAN_S / STEP_S)
        # the first and last span are a minute that the session still holds
        begins = min(step, int(len(self._gaze) * self._step_s / STEP_S) - 2)
        ends = max(step, 2)
        offered = [self._of_span(at) for at in (step - back // 2, ends - back, begins)]
        modes = [mode for mode in offered if mode is not None]
        if not modes:
            return self._whole
        near = self.between(centre_s - LOCAL_S / 2, centre_s + LOCAL_S / 2)
        # ties go to the span round the window
        return max(modes, key=lambda mode: int(np.sum(_away(near, mode) <= NEAR_DEG)))

    @cached_property
    def _whole(self) -> Floats:
        return commonest_direction(self._gaze[self._known])

    def _of_span(self, step: int) -> Floats | None:
        """Mode of the ten minutes from `step` on; None if too little of them was measured."""
        if step not in self._found:
            gaze = self.between(step * STEP_S, step * STEP_S + SPAN_S)
            enough = len(gaze) >= SPAN_BINS_MIN
            self._found[step] = commonest_direction(gaze) if enough else None
        return self._found[step]


def _away(gaze: Floats, mode: Floats) -> Floats:
    """Degrees from the mode, shape (n,)."""
    return np.asarray(np.hypot(gaze[:, 0] - mode[0], gaze[:, 1] - mode[1]))
