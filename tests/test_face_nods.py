"""Nods in pitch courses of known frequency and size."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.face.nods import find_nods


def nods(t_s, pitch, usable=None, least_deg=3.0):
    usable = np.ones(len(t_s), bool) if usable is None else usable
    return find_nods(t_s, pitch, usable, least_deg=least_deg)


def burst(fps, hz, peak_to_peak_deg, *, at_s=10.0, cycles=3, duration_s=30.0, noise=0.0):
    """A few cycles of a sine on a still head."""
    t_s = np.arange(0, duration_s, 1 / fps)
    inside = (t_s >= at_s) & (t_s < at_s + cycles / hz)
    pitch = np.where(inside, peak_to_peak_deg / 2 * np.sin(2 * np.pi * hz * (t_s - at_s)), 0.0)
    return t_s, pitch + np.random.default_rng(2).normal(0, noise, len(t_s))


@pytest.mark.parametrize("fps", [15, 25, 30])
@pytest.mark.parametrize("hz", [0.5, 1.5, 3.0, 5.0])
@pytest.mark.parametrize("size_deg", [2.0, 4.0])
def test_only_large_enough_sines_in_the_band_are_nods(fps, hz, size_deg) -> None:
    t_s = np.arange(0, 20, 1 / fps)
    found = nods(t_s, size_deg / 2 * np.sin(2 * np.pi * hz * t_s))
    assert bool(found) is (size_deg == 4.0 and hz != 0.5)
    assert {nod.is_fast for nod in found} <= {hz > 2.6}
    assert all(nod.size_deg == pytest.approx(4, abs=0.8) for nod in found)


@pytest.mark.parametrize(("hz", "fast"), [(1.5, False), (2.0, False), (3.5, True), (5.0, True)])
def test_a_burst_is_one_nod_at_its_time(hz: float, fast: bool) -> None:
    (nod,) = nods(*burst(30, hz, 6.0, noise=0.2))
    assert nod.is_fast is fast
    assert nod.start_s == pytest.approx(10.0, abs=0.5)
    assert nod.end_s == pytest.approx(10.0 + 3 / hz, abs=0.5)
    assert nod.size_deg == pytest.approx(6.0, abs=1.5)


def test_bursts_within_half_a_second_are_one() -> None:
    t_s, first = burst(30, 3.0, 8.0, at_s=10.0)
    apart = {gap: first + burst(30, 3.0, 8.0, at_s=11.0 + gap)[1] for gap in (0.4, 2.0)}
    assert [len(nods(t_s, apart[gap])) for gap in (0.4, 2.0)] == [1, 2]


def test_looking_down_and_staying_there_is_no_nod() -> None:
    t_s = np.arange(0, 30, 1 / 30)
    assert not nods(t_s, np.interp(t_s, [10, 10.3], [0, -15]))


def test_measurement_noise_is_no_nod() -> None:
    assert not nods(*burst(30, 2.0, 0.0, noise=0.5, duration_s=300))


def test_a_swing_under_shut_lids_is_theirs() -> None:
    """Shut lids pull the mesh down: such a swing is no nod, a longer nod with a blink in it is."""
    for cycles, found in ((1, 0), (4, 1)):
        t_s, pitch = burst(25, 4.0, 8.0, cycles=cycles)
        usable = np.ones(len(t_s), bool)
        assert len(find_nods(t_s, pitch, usable, least_deg=3.0)) == 1
        shut = [(4.0, 4.2), (10.05, 10.3)]
        assert len(find_nods(t_s, pitch, usable, least_deg=3.0, shut=shut)) == found


def test_no_nod_spans_a_lost_face() -> None:
    t_s, pitch = burst(30, 2.0, 8.0, at_s=10, cycles=20)
    usable = (t_s < 13) | (t_s > 15)
    found = nods(t_s, pitch, usable)
    assert [nod.end_s < 13.01 or nod.start_s > 14.99 for nod in found] == [True, True]


def test_short_stretches_and_no_frames() -> None:
    assert nods(np.empty(0), np.empty(0)) == []
    t_s = np.arange(0, 0.5, 1 / 30)
    assert nods(t_s, 5 * np.sin(2 * np.pi * 3 * t_s)) == []
