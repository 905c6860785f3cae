"""Nods: head pitch going down and up again, 1 to 6.5 times a second.

Pitch is band-passed within unbroken stretches; a nod is at least one full cycle (two successive
swings) of at least `nod_min_deg` from peak to peak; nods within 0.5 s are one. Listeners' fast nods
occupy 2.6 to 6.5 Hz (Hale et al. 2020), so slow and fast ones are told apart at 2.6 Hz.

Not counted: a head that moves to a new position and stays there, which swings through the filter as
well (it ends further from where it began than it swung); and a swing that lasts no longer than a
closure of the lids under it. Lids that shut pull the mesh's eyes down, and the pitch with them, by
up to 4 deg in a blurred or noisy picture (`bench.face_truth`).

Caveat: a single short nod that falls together with a blink is lost with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import butter, sosfiltfilt

from pipeline.face.stretches import unbroken
from pipeline.spans import Flags, Floats, runs

BAND_HZ = (1.0, 6.5)
FAST_HZ = 2.6
MERGE_GAP_S = 0.5
STRETCH_MIN_S = 1.0
"""Shorter stretches hold no full slow cycle."""
FILTER_ORDER = 4
FINER = 4
"""Grid points per frame: at 15 frames a second the frames themselves miss the peaks of 5 Hz."""
REST_S = 0.3
"""Pitch before and after is the median over this time."""
SWINGS_MIN = 2
LID_MARGIN_S = 0.2
"""Lids disturb the pitch this long before and after they count as shut."""


@dataclass(frozen=True, slots=True)
class Nod:
    """One nod, from its first turning point to its last."""

    start_s: float
    end_s: float
    size_deg: float
    """Largest swing, peak to peak."""
    rate_hz: float
    """Cycles a second."""

    @property
    def is_fast(self) -> bool:
        """Whether it is above 2.6 Hz."""
        return self.rate_hz >= FAST_HZ


def find_nods(
    t_s: Floats,
    pitch_deg: Floats,
    usable: Flags,
    *,
    least_deg: float,
    shut: Sequence[tuple[float, float]] = (),
) -> list[Nod]:
    """Nods in order; none spans a gap in the usable frames.

    Parameters
    ----------
    t_s : shape (n,), seconds, increasing
    pitch_deg : shape (n,), + = nose up
    usable : shape (n,), where `pitch_deg` can be trusted
    least_deg : least swing, peak to peak
    shut : start and end of each time the lids were down, seconds
    """
    found = []
    for first, stop in unbroken(t_s, usable & np.isfinite(pitch_deg)):
        if t_s[stop - 1] - t_s[first] >= STRETCH_MIN_S:
            found += _in_stretch(t_s[first:stop], pitch_deg[first:stop], least_deg)
    return [nod for nod in found if not any(_is_of_lids(nod, span) for span in shut)]


def _is_of_lids(nod: Nod, shut: tuple[float, float]) -> bool:
    return nod.start_s >= shut[0] - LID_MARGIN_S and nod.end_s <= shut[1] + LID_MARGIN_S


def _in_stretch(t_s: Floats, pitch_deg: Floats, least_deg: float) -> list[Nod]:
    step_s = float(np.median(np.diff(t_s))) / FINER
    if 1 / step_s <= 2 * BAND_HZ[1]:  # the stretch itself is slower than the frames round it
        return []
    grid_s = np.arange(t_s[0], t_s[-1], step_s)
    finer = CubicSpline(t_s, pitch_deg - np.median(pitch_deg))(grid_s)
    band = _band_passed(finer, 1 / step_s)
    turning = np.flatnonzero(np.diff(np.sign(np.diff(band))) != 0) + 1
    nods: list[Nod] = []
    for first, last in _swinging(band[turning], least_deg):
        ends = turning[first : last + 1]
        nods = _joined(nods, _nod(grid_s[ends], band[ends]))
    return [nod for nod in nods if not _stays(t_s, pitch_deg, nod)]


def _band_passed(values: Floats, rate_hz: float) -> Floats:
    """Zero-phase Butterworth."""
    sections = butter(FILTER_ORDER, BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    padding = min(len(values) - 1, int(2 * rate_hz))
    return np.asarray(sosfiltfilt(sections, values, padlen=padding))


def _swinging(peaks_deg: Floats, least_deg: float) -> list[tuple[int, int]]:
    """First and last turning point of each run of at least two swings that are large enough."""
    return runs(np.abs(np.diff(peaks_deg)) >= least_deg, SWINGS_MIN)


def _nod(at_s: Floats, peaks_deg: Floats) -> Nod:
    swings = np.abs(np.diff(peaks_deg))
    rate_hz = len(swings) / 2 / float(at_s[-1] - at_s[0])
    return Nod(float(at_s[0]), float(at_s[-1]), float(swings.max()), rate_hz)


def _joined(nods: list[Nod], new: Nod) -> list[Nod]:
    """`nods` with `new` added, or merged into the last one where the gap is small."""
    if not nods or new.start_s - nods[-1].end_s > MERGE_GAP_S:
        return [*nods, new]
    last = nods[-1]
    a, b = last.end_s - last.start_s, new.end_s - new.start_s
    rate_hz = (last.rate_hz * a + new.rate_hz * b) / (a + b)
    merged = Nod(last.start_s, new.end_s, max(last.size_deg, new.size_deg), rate_hz)
    return [*nods[:-1], merged]


def _stays(t_s: Floats, pitch_deg: Floats, nod: Nod) -> bool:
    before = pitch_deg[(t_s >= nod.start_s - REST_S) & (t_s <= nod.start_s)]
    after = pitch_deg[(t_s >= nod.end_s) & (t_s <= nod.end_s + REST_S)]
    if not (before.size and after.size):
        return False
    return bool(abs(np.median(after) - np.median(before)) >= nod.size_deg)
