"""z against the client's own windows: states, spans that overlap, and values under a limit."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.align.baselines import every, speaking_windows, z_of
from pipeline.spans import WindowCue, Windows
from pipeline.timeline import robust_z

N = 200
ALL = np.ones(N, bool)


def cue(value: np.ndarray, at_most: np.ndarray | None = None) -> WindowCue:
    return WindowCue(value, np.full(len(value), None, dtype=object), at_most)


def grid(n: int = N) -> Windows:
    start_s = 5.0 * np.arange(n)
    return Windows(start_s, start_s + 30)


def test_without_states_or_limits_it_is_the_robust_z() -> None:
    value = np.random.default_rng(1).normal(10, 2, N)
    baseline = np.arange(N) >= 24
    found = z_of(cue(value), baseline, minimum_samples=20)
    assert found == pytest.approx(robust_z(value, baseline))


def test_each_state_is_compared_with_its_own() -> None:
    """Twice as much while speaking: nothing is unusual about either state."""
    rng = np.random.default_rng(2)
    speaking = rng.random(N) < 0.4
    value = rng.normal(10, 1, N) + np.where(speaking, 10.0, 0.0)
    found = z_of(cue(value), ALL, minimum_samples=20, states=speaking)
    for state in (True, False):
        here = speaking == state
        assert found[here] == pytest.approx(robust_z(value[here], np.ones(here.sum(), bool)))
    assert np.abs(found).max() < 4
    mixed = z_of(cue(value), ALL, minimum_samples=20)
    assert np.abs(mixed[speaking]).mean() > 1


def test_a_state_with_too_few_windows_has_no_z() -> None:
    rare = np.arange(N) < 19
    found = z_of(cue(np.arange(float(N))), ALL, minimum_samples=20, states=rare)
    assert np.isnan(found[rare]).all()
    assert np.isfinite(found[~rare]).all()


def test_most_of_a_window_makes_its_state() -> None:
    speech = np.array([[0.0, 15.0], [100.0, 114.0]])
    assert speaking_windows(speech, grid(25)).tolist() == [True] + [False] * 24
    assert not speaking_windows(np.zeros((0, 2)), grid(3)).any()


@pytest.mark.parametrize(("n", "expected"), [(13, [0, 6, 12]), (1, [0]), (0, [])])
def test_overlapping_spans_count_every_half_minute(n: int, expected: list[int]) -> None:
    assert np.flatnonzero(every(30.0, grid(n))).tolist() == expected


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_a_limit_leaves_marked_z_exact_or_understated(share: float) -> None:
    """Values under the limit are hidden: the other z stay, and theirs are never too low."""
    rng = np.random.default_rng(3)
    true = rng.gamma(4.0, 2.0, N)
    true[: int(share * N)] = rng.uniform(0.1, 1.0, int(share * N))
    limit = 2.0
    under = true < limit
    hidden = cue(np.where(under, np.nan, true), np.where(under, limit, np.nan))
    found, exact = z_of(hidden, ALL, minimum_samples=20), robust_z(true, ALL)
    if found[under][0] < -0.675:
        assert (found[under] >= exact[under]).all()
        assert found[~under] == pytest.approx(exact[~under])
    else:  # too many under it to say how low they lie
        assert share == 0.4


def test_a_usual_that_is_not_measurable_gives_nobody_a_z() -> None:
    value = np.where(np.arange(N) % 2 == 0, np.nan, 5.0 + np.arange(N) / N)
    hidden = cue(value, np.where(np.isnan(value), 2.0, np.nan))
    assert np.isnan(z_of(hidden, ALL, minimum_samples=20)).all()


def test_durations_are_compared_on_a_log_scale() -> None:
    value = np.random.default_rng(4).lognormal(0, 1, N)
    found = z_of(cue(value), ALL, minimum_samples=20, is_duration=True)
    assert found == pytest.approx(robust_z(np.log(value + 0.25), ALL))
