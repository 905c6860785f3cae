"""Aim 3: sessions and dyads joined, coverage of the pooled interval, the exact null of guesses."""

import math

import numpy as np
import pytest

from pipeline.settings import StudySettings
from pipeline.study.congruence import (
    SessionPair,
    correlation_estimates,
    dyad_rows,
    dyad_z,
    other_estimates,
)
from pipeline.study.pooling import random_effects

SETTINGS = StudySettings()
RNG = np.random.default_rng(0)


def pair(dyad="D01", n_eff=60.0, r=0.3, **more):
    x = RNG.normal(size=50)
    given = {"bias": 1.0, "tracking": 0.5, "is_interpretable": n_eff >= 30, "client": x,
             "therapist": r * x + RNG.normal(size=50), "picked": {}}  # fmt: skip
    return SessionPair(dyad, n_eff, r, **(given | more))


def cohort(n=18, **more):
    return [pair(f"D{j:02d}", 50 + 5.0 * j, 0.02 * j, **more) for j in range(1, n + 1)]


def estimates(pairs):
    rows = dyad_rows(pairs, SETTINGS)
    found = [*correlation_estimates(pairs, SETTINGS), *other_estimates(rows, pairs, SETTINGS)]
    return {row["measure"]: row for row in found}


def test_sessions_of_a_dyad_are_weighted_by_their_effective_bins():
    z, variance = dyad_z([pair(n_eff=33, r=0.1), pair(n_eff=93, r=0.5)])
    assert z == pytest.approx((30 * math.atanh(0.1) + 90 * math.atanh(0.5)) / 120)
    assert variance == pytest.approx(1 / 120)
    assert dyad_z([pair(n_eff=2.5)]) is None
    assert dyad_z([pair(n_eff=math.nan, r=math.nan)]) is None


def test_one_session_keeps_its_own_interval():
    (row,) = dyad_rows([pair(n_eff=63, r=0.4)], SETTINGS)
    half = 1.959964 / math.sqrt(60)
    assert row["r"] == pytest.approx(0.4)
    assert row["r_low"] == pytest.approx(math.tanh(math.atanh(0.4) - half))
    assert row["weight"] is None


def test_what_is_not_interpretable_counts_in_the_sensitivity_only():
    pairs = [*cohort(), pair("D00", n_eff=20, r=-0.9)]
    found = estimates(pairs)
    assert found["congruence_r"]["n_dyads"] == 18
    assert found["congruence_r_all_sessions"]["n_dyads"] == 19
    assert found["congruence_r_all_sessions"]["estimate"] < found["congruence_r"]["estimate"]
    rows = dyad_rows(pairs, SETTINGS)
    assert rows[0]["dyad_id"] == "D00"
    assert rows[0]["r"] is rows[0]["weight"] is None
    assert sum(row["weight"] or 0 for row in rows) == pytest.approx(1)
    assert [row["dyad_id"] for row in rows] == sorted(row["dyad_id"] for row in rows)


def test_four_dyads_are_described_and_not_pooled():
    found = estimates(cohort(4))
    for measure in ("congruence_r", "congruence_rmcorr", "bias", "tracking", "guesses_correct"):
        assert found[measure]["low"] is found[measure]["p"] is None, measure
    assert found["congruence_r"]["estimate"] is not None
    assert "descriptive" in found["congruence_r"]["method"]


def test_the_pooled_interval_covers_the_truth():
    rng = np.random.default_rng(1)
    truth, covered = math.atanh(0.3), 0
    for _ in range(1000):
        variances = 1 / (rng.uniform(40, 150, 18) - 3)
        z = rng.normal(truth, np.sqrt(0.15**2 + variances))
        found = random_effects(z, variances)
        covered += found.low <= truth <= found.high
    assert 925 <= covered <= 975


def test_the_prediction_interval_covers_a_new_dyad():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(1000):
        variances = 1 / (rng.uniform(40, 150, 18) - 3)
        found = random_effects(rng.normal(0.3, np.sqrt(0.2**2 + variances)), variances)
        inside += found.prediction_low <= rng.normal(0.3, 0.2) <= found.prediction_high
    assert 915 <= inside <= 980


def guesses(right):
    """Six labels with three of each; `right` of them right (even, as the split is known)."""
    rated = ["helpful"] * 3 + ["hindering"] * 3
    swapped = (6 - right) // 2
    guess = ["hindering"] * swapped + ["helpful"] * 3 + ["hindering"] * (3 - swapped)
    return list(zip(guess, rated, strict=True))


@pytest.mark.parametrize(("fours", "significant"), [(15, True), (14, False)])
def test_thirty_three_of_fifty_four_helpful_segments_are_needed(fours, significant):
    """18 tasks: 15 with four right and 3 with two make 66 of 108 labels, 33 of 54 helpful."""
    right = [4] * fours + [2] * (18 - fours)
    pairs = [pair(f"D{j:02d}", guesses=guesses(k)) for j, k in enumerate(right)]
    row = estimates(pairs)["guesses_correct"]
    assert row["estimate"] == sum(right)
    assert (row["p"] < 0.05) == significant
    assert row["p"] == pytest.approx(0.026 if significant else 0.056, abs=5e-4)
    assert "needs 66" in row["method"]


def test_coin_guesses_have_the_binomial_null():
    pairs = [pair(f"D{j}", guesses=guesses(4), split_known=False) for j in range(6)]
    known = sum(math.comb(36, k) for k in range(24, 37)) / 2**36
    assert estimates(pairs)["guesses_correct"]["p"] == pytest.approx(known)


def test_shared_segments_are_shares_within_dyads():
    pairs = [pair(f"D{j}", picked={"high": (3, j % 2), "low": (2, 2)}) for j in range(6)]
    found = estimates(pairs)
    assert found["high_shared_prop"]["estimate"] == pytest.approx(1 / 6)
    assert found["low_shared_prop"]["estimate"] == 1
