"""Congruence of two dials: oracle 9, closed forms, brute force, and what cannot be compared."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.congruence import false_positives, late_copies, misses, wandering_dial
from pipeline.dials.congruence import (
    autocorrelation,
    binned,
    both_rated,
    circular_correlations,
    concordance,
    congruence,
    correlation_interval,
    effective_n,
    peak_test,
)
from pipeline.dials.truth_and_bias import truth_and_bias
from pipeline.timeline import Floats


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def holed(values: Floats, seed: int = 3) -> Floats:
    return np.where(rng(seed).random(len(values)) < 0.1, np.nan, values)


# ---- chance --------------------------------------------------------------------------------


def test_independent_dials_are_seldom_called_congruent() -> None:
    """Oracle 9 in small: naive tests are wrong in most sessions, ours in at most one of ten."""
    rates = np.mean(
        [false_positives(rng(i), 40, tau_s, 15.0) for i, tau_s in enumerate((10.0, 30.0, 80.0))],
        axis=0,
    )
    naive_1_s, naive_5_s, by_n_eff, by_shift, by_peak = rates[:5]
    assert naive_1_s > 0.5
    assert naive_5_s > 0.3
    assert max(by_n_eff, by_shift, by_peak) <= 0.10


def test_a_late_copy_is_found() -> None:
    dial = wandering_dial(rng(1), 40.0, 4.0)
    found = congruence(dial[3:], dial[:-3])
    assert (found.peak_lag_s, found.is_interpretable, found.reason) == (3.0, True, None)
    assert found.r > 0.9
    assert found.peak_r == pytest.approx(1, abs=0.01)
    assert max(found.r_p_shift, found.rho_p_shift, found.peak_p_shift) < 0.01
    assert congruence(dial[:-3], dial[3:]).peak_lag_s == -3.0
    assert "lag [3.0]" in late_copies(rng(2), 3)


def test_the_least_p_is_one_of_all_shifts() -> None:
    dial = wandering_dial(rng(4), 20.0, 0.0)
    shifts = 600 - 2 * 12 + 1  # bins of 5 s at least 60 s from no shift, both ways
    assert congruence(dial, dial).r_p_shift == pytest.approx(1 / (1 + shifts))


# ---- effective number and interval ---------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (0.8, 0.5), (0.9, 0.9)])
def test_effective_n_of_two_autoregressive_series(a: float, b: float) -> None:
    """n (1 - ab) / (1 + ab) in the long run (Bartlett 1935)."""

    def series(keeps: float, seed: int) -> Floats:
        out = rng(seed).standard_normal(20_000)
        for i in range(1, len(out)):
            out[i] += keeps * out[i - 1]
        return out

    found = effective_n(series(a, 1), series(b, 2))
    assert found == pytest.approx(20_000 * (1 - a * b) / (1 + a * b), rel=0.1)


def test_the_sum_ends_at_the_first_product_that_is_not_positive() -> None:
    alternating = np.tile([1.0, -1.0], 50)
    slow = np.repeat([1.0, -1.0], 50)
    assert effective_n(alternating, slow) == 100.0
    assert effective_n(slow, slow) < 10


def test_autocorrelation_is_that_of_the_known_pairs() -> None:
    values = holed(np.cumsum(rng(5).standard_normal(200)))
    centred = values - np.nanmean(values)
    found = autocorrelation(values)
    for lag in (0, 1, 17, 150):
        pairs = centred[: len(values) - lag] * centred[lag:]
        assert found[lag] == pytest.approx(np.nanmean(pairs) / np.nanmean(centred**2))


def test_interval_by_effective_number() -> None:
    low, high = correlation_interval(0.5, 28)
    half = 1.959964 / 5
    assert low == pytest.approx(math.tanh(math.atanh(0.5) - half))
    assert high == pytest.approx(math.tanh(math.atanh(0.5) + half))
    assert np.isnan(correlation_interval(0.5, 3.0)).all()
    # |r| at which an interval just clears 0
    assert correlation_interval(0.444, 20)[0] == pytest.approx(0, abs=0.01)
    assert correlation_interval(0.254, 60)[0] == pytest.approx(0, abs=0.01)


# ---- every shift at once -------------------------------------------------------------------


def test_every_circular_shift_is_numpys_correlation() -> None:
    a, b = holed(np.cumsum(rng(6).standard_normal(101))), holed(rng(7).standard_normal(101), 8)
    found = circular_correlations(a, b)
    for shift in range(101):
        turned = np.roll(b, -shift)
        known = np.isfinite(a) & np.isfinite(turned)
        assert found[shift] == pytest.approx(np.corrcoef(a[known], turned[known])[0, 1], abs=1e-9)


def test_every_shift_may_choose_its_own_best_lag() -> None:
    a, b = rng(9).standard_normal(300), rng(10).standard_normal(300)
    every = np.abs(circular_correlations(a, b))
    best = [max(every[(s + lag) % 300] for lag in range(-5, 6)) for s in range(300)]
    null = [best[s] for s in range(300) if min(s, 300 - s) >= 65]
    p = (1 + sum(v >= best[0] for v in null)) / (1 + len(null))
    assert peak_test(a, b, max_lag=5, shortest=60)[2] == pytest.approx(p)


# ---- numbers -------------------------------------------------------------------------------


def test_numbers_of_a_known_pair() -> None:
    client = wandering_dial(rng(11), 20.0, 0.0)
    found = congruence(client, 0.5 * client + 20.87)
    assert (found.r, found.rho) == pytest.approx((1, 1))
    assert found.r_difference == pytest.approx(1)
    assert found.tracking == pytest.approx(0.5)
    assert found.mean_difference == pytest.approx(20.87 - 0.5 * client.mean())
    assert found.bias == pytest.approx(found.mean_difference)


def test_concordance_counts_a_constant_difference() -> None:
    x = rng(12).standard_normal(400)
    assert concordance(x, x) == pytest.approx(1)
    assert concordance(x, x + 2) == pytest.approx(2 * x.var() / (2 * x.var() + 4))
    assert concordance(x, -x) < 0


def test_truth_and_bias_intervals_cover_the_truth() -> None:
    """Of 95 % intervals of b0 and b1, where errors last for 20 to 80 s."""
    assert np.max([misses(rng(13), 60, tau_s) for tau_s in (20.0, 40.0, 80.0)]) <= 0.15


def test_truth_and_bias_with_white_errors_has_the_usual_width() -> None:
    x, noise = rng(14).standard_normal(4000), rng(15).standard_normal(4000)
    line = truth_and_bias(x, 3 + 0.7 * (x - x.mean()) + noise + x.mean())
    assert (line.b0, line.b1) == pytest.approx((3, 0.7), abs=0.06)
    # fixed-b critical value of a fifth of the sample: 2.57 standard errors of 1 / sqrt(n)
    assert (line.b1_high - line.b1_low) / 2 == pytest.approx(2.57 / math.sqrt(4000), rel=0.5)


def test_bins_need_half_of_their_seconds() -> None:
    nan = math.nan
    values = np.array([1, 2, 3, nan, nan, nan, nan, nan, 4, 6, 9.0])
    assert binned(values, 5)[0] == 2.0
    assert np.isnan(binned(values, 5)[1])
    assert len(binned(values, 5)) == 2


# ---- what cannot be compared ---------------------------------------------------------------


def test_a_drifting_dial_is_not_interpreted() -> None:
    slow = 50 + 20 * np.sin(np.arange(3000) / 900)
    found = congruence(slow, slow + rng(16).standard_normal(3000))
    assert found.n_eff < 30
    assert (found.is_interpretable, found.reason) == (False, "few_samples")


@pytest.mark.parametrize(
    ("client", "therapist", "reason"),
    [
        (np.full(3000, 50.0), wandering_dial(rng(17), 20.0, 0.0), "dial_unsure"),
        (np.full(3000, math.nan), wandering_dial(rng(18), 20.0, 0.0), "few_samples"),
        (np.zeros(0), np.zeros(0), "few_samples"),
    ],
)
def test_nothing_is_made_up(client: Floats, therapist: Floats, reason: str) -> None:
    found = congruence(client, therapist)
    assert (found.is_interpretable, found.reason) == (False, reason)
    assert np.isnan([found.r, found.n_eff, found.r_p_shift, found.peak_r, found.tracking]).all()


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="3 seconds and the therapist's 4"):
        both_rated(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match=r"bin_s = 2\.5; allowed: whole seconds"):
        congruence(np.zeros(9), np.zeros(9), bin_s=2.5)


@settings(max_examples=15, deadline=None)
@given(before=st.integers(0, 40), after=st.integers(0, 40), seed=st.integers(0, 99))
def test_when_the_dials_begin_changes_nothing(before: int, after: int, seed: int) -> None:
    client, therapist = (holed(wandering_dial(rng(seed + i), 30.0, 3.0)) for i in (0, 100))
    client[[0, -1]] = therapist[[0, -1]] = 50.0
    pads = (before, after)
    padded = (np.pad(dial, pads, constant_values=math.nan) for dial in (client, therapist))
    assert congruence(*padded) == congruence(client, therapist)
