"""Interval algebra and robust baselines against closed form."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import timeline

span = st.tuples(st.floats(0, 100), st.floats(0, 50)).map(lambda p: (p[0], p[0] + p[1]))


@given(st.lists(span, max_size=12))
def test_union_and_complement_share_the_whole(spans):
    whole = (0.0, 200.0)
    joined = timeline.union(spans)
    free = timeline.complement(spans, whole)
    total = sum(e - s for s, e in joined) + sum(e - s for s, e in free)
    assert total == pytest.approx(200.0)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(joined))


@given(span, span)
def test_overlap_is_symmetric_and_bounded(a, b):
    both = timeline.overlap_s(a, b)
    assert both == timeline.overlap_s(b, a)
    assert 0 <= both <= min(a[1] - a[0], b[1] - b[0]) + 1e-9


def test_union_bridges_short_gaps():
    assert timeline.union([(0, 1), (1.1, 2)], bridge_s=0.2) == [(0, 2)]
    assert timeline.union([(0, 1), (1.3, 2)], bridge_s=0.2) == [(0, 1), (1.3, 2)]


def test_windows_cover_the_session_and_nothing_else():
    grid = timeline.windows(60.0, 30.0, 5.0)
    assert grid[0] == (0.0, 30.0)
    assert grid[-1] == (30.0, 60.0)
    assert len(grid) == 7
    assert timeline.windows(12.0, 30.0, 5.0) == [(0.0, 12.0)]
    assert timeline.windows(0.0, 30.0, 5.0) == []


def test_robust_z_of_a_normal_sample_is_a_z():
    x = np.random.default_rng(0).normal(10, 2, 20_000)
    z = timeline.robust_z(x, np.ones(x.size, bool))
    assert np.allclose(z, (x - 10) / 2, atol=0.1)


def test_robust_z_falls_back_to_mean_deviation_and_then_to_nothing():
    mostly = np.array([5.0] * 30 + [8.0] * 4)
    scale = 1.2533 * np.mean(np.abs(mostly - 5))
    assert timeline.robust_z(mostly, np.ones(34, bool))[-1] == pytest.approx(3 / scale)
    assert np.isnan(timeline.robust_z(np.full(30, 5.0), np.ones(30, bool))).all()
    assert np.isnan(timeline.robust_z(np.arange(19.0), np.ones(19, bool))).all()


def test_baseline_samples_alone_decide():
    x = np.concatenate([np.linspace(0, 1, 21), [100.0]])
    keep = np.arange(22) < 21
    assert timeline.robust_z(x, keep)[-1] == pytest.approx((100 - 0.5) / (1.4826 * 0.25))
