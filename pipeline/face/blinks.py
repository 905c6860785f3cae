"""Blinks and longer closures from the eye aspect ratio, against lids that are open just then.

The lids count as closed while the ratio is under ``open - max(factor (open - floor), depth open)``:
`open` is a rolling median over 5 s, `floor` the 1st percentile of the recording. The least depth
matters most: without it a person who hardly blinks has a floor inside the noise, and the rule finds
30 blinks a minute where there are none. Everything is in seconds, so no frame rate is assumed.

Caveat: a closure longer than 1 s may be eyes cast down; it is no blink, and `align` takes it out of
the time in which blinks are counted. A partial blink is none: lids that come down by an eighth to a
quarter. Source: Soukupová and Čech (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.face.stretches import running_median, unbroken
from pipeline.settings import FaceSettings
from pipeline.spans import Flags, Floats, runs

LONG_CLOSURE_S = 1.0
"""Lids low for longer than this: closed, or eyes cast down; never part of the open level."""
REOPEN_S = 0.1
"""Lids seen open for less than this were not: the ratio only hovers round its threshold."""
LONG_CLOSURE_DEPTHS = 2.0
"""Such a stretch is at least this many times as deep as the shallowest blink."""


@dataclass(frozen=True, slots=True)
class Closure:
    """One time the lids were down, ends interpolated between frames."""

    start_s: float
    end_s: float
    depth: float
    """Deepest point as a share of the open level."""

    @property
    def duration_s(self) -> float:
        """Seconds under the threshold."""
        return self.end_s - self.start_s


def find_closures(
    t_s: Floats, eye_aspect: Floats, usable: Flags, settings: FaceSettings
) -> list[Closure]:
    """Closures of at least `blink_min_s`, in order; none spans a gap in the usable frames.

    One that a gap cuts off has no known length; it is kept only where what was seen of it is
    already longer than `blink_max_s`.

    Parameters
    ----------
    t_s : shape (n,), seconds, increasing
    eye_aspect : shape (n,), mean of both eyes
    usable : shape (n,), where `eye_aspect` can be trusted
    """
    usable = usable & np.isfinite(eye_aspect)
    if not usable.any():
        return []
    stretches = unbroken(t_s, usable)
    floor = float(np.percentile(eye_aspect[usable], 1))
    steady = usable & ~_long_low(t_s, eye_aspect, stretches, floor, settings)
    steady = steady if steady.any() else usable
    level = running_median(t_s, eye_aspect, steady, settings.blink_window_s)
    above = eye_aspect - (level - _depth(level, floor, settings.blink_depth_min, settings))
    found = []
    for first, stop in stretches:
        for span in _joined(t_s, [(first + a, first + b) for a, b in runs(above[first:stop] < 0)]):
            closure, is_whole = _closure(t_s, eye_aspect, level, above, span, (first, stop))
            least_s = settings.blink_min_s if is_whole else settings.blink_max_s
            if closure.duration_s >= least_s:
                found.append(closure)
    return found


def _depth(level: Floats, floor: float, least: float, settings: FaceSettings) -> Floats:
    return np.maximum(settings.blink_factor * (level - floor), least * level)


def _long_low(
    t_s: Floats,
    eye_aspect: Floats,
    stretches: list[tuple[int, int]],
    floor: float,
    settings: FaceSettings,
) -> Flags:
    """Stretches that would otherwise become the open level themselves."""
    session = np.array([np.median(np.concatenate([eye_aspect[a:b] for a, b in stretches]))])
    least = LONG_CLOSURE_DEPTHS * settings.blink_depth_min
    threshold = float((session - _depth(session, floor, least, settings))[0])
    low = np.zeros(len(t_s), bool)
    for first, stop in stretches:
        for a, b in runs(eye_aspect[first:stop] < threshold):
            if t_s[first + b - 1] - t_s[first + a] > LONG_CLOSURE_S:
                low[first + a : first + b] = True
    return low


def _joined(t_s: Floats, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Index ranges with those merged between which the lids reopen too briefly."""
    joined: list[tuple[int, int]] = []
    for a, b in spans:
        if joined and t_s[a] - t_s[joined[-1][1] - 1] < REOPEN_S:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


def _closure(
    t_s: Floats,
    eye_aspect: Floats,
    level: Floats,
    above: Floats,
    span: tuple[int, int],
    stretch: tuple[int, int],
) -> tuple[Closure, bool]:
    """The closure of frames ``[a, b)``, and whether both of its ends were seen."""
    a, b = span
    begins, ends = a > stretch[0], b < stretch[1]
    start = _crossing(t_s, above, a - 1) if begins else float(t_s[a])
    end = _crossing(t_s, above, b - 1) if ends else float(t_s[b - 1])
    depth = float(np.max(1 - eye_aspect[a:b] / level[a:b]))
    return Closure(start, end, depth), begins and ends


def _crossing(t_s: Floats, above: Floats, i: int) -> float:
    """Time between frames i and i + 1 at which `above` passes zero."""
    share = above[i] / (above[i] - above[i + 1])
    return float(t_s[i] + share * (t_s[i + 1] - t_s[i]))
