"""Pooling against published worked examples, closed forms and scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.study.pooling import (
    benjamini_hochberg,
    mean_interval,
    newcombe_difference,
    random_effects,
    repeated_measures_correlation,
    sign_flip_p,
    wilson,
    within_units,
)

BCG = np.array(
    [
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
        (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619),
        (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
        (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
    ],
    float,
)  # fmt: skip
"""Thirteen vaccine trials (Colditz et al. 1994): cases and others, treated and control."""

ACIDITY = (
    ((6.68, 6.53, 6.43, 6.33), (3.97, 4.12, 4.09, 3.97)),
    ((6.85, 7.06, 7.13, 7.17), (5.27, 5.37, 5.41, 5.44)),
    ((7.40, 7.42, 7.41, 7.37, 7.34, 7.35, 7.28, 7.30, 7.34),
     (5.67, 3.64, 4.32, 4.73, 4.96, 5.04, 5.22, 4.82, 5.07)),
    ((7.36, 7.33, 7.29, 7.30, 7.35), (5.67, 5.10, 5.53, 4.75, 5.51)),
    ((7.35, 7.30, 7.30, 7.37, 7.27, 7.28, 7.32, 7.32),
     (4.28, 4.44, 4.32, 3.23, 4.46, 4.72, 4.75, 4.99)),
    ((7.38, 7.30, 7.29, 7.33, 7.31, 7.33), (4.78, 4.73, 5.12, 4.93, 5.03, 4.93)),
    ((6.86, 6.94, 6.92), (6.85, 6.44, 6.52)),
    ((7.19, 7.29, 7.21, 7.25, 7.20, 7.19, 6.77, 6.82),
     (5.28, 4.56, 4.34, 4.32, 4.41, 3.69, 6.09, 5.58)),
)  # fmt: skip
"""pH and PaCO2 of eight people, measured repeatedly (Bland & Altman 1995)."""


def bcg():
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_the_vaccine_trials_give_their_published_random_effects():
    found = random_effects(*bcg())
    assert found.estimate == pytest.approx(-0.7141, abs=5e-5)
    assert found.tau**2 == pytest.approx(0.3088, abs=5e-5)
    assert found.q == pytest.approx(152.2330, abs=5e-5)
    assert found.weights.sum() == pytest.approx(1)


def test_hartung_and_knapps_interval_is_that_of_weighted_least_squares():
    y, v = bcg()
    found = random_effects(y, v)
    w = 1 / (v + found.tau**2)
    x = np.sqrt(w)[:, None]
    _, residual, _, _ = np.linalg.lstsq(x, np.sqrt(w) * y, rcond=None)
    error = math.sqrt(residual[0] / 12 / w.sum())
    half = stats.t.ppf(0.975, 12) * error
    assert found.high - found.low == pytest.approx(2 * half)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.estimate) / error, 12))
    reach = stats.t.ppf(0.975, 11) * math.sqrt(found.tau**2 + error**2)
    assert found.prediction_high - found.prediction_low == pytest.approx(2 * reach)


def test_equal_variances_and_no_heterogeneity_give_the_plain_mean():
    y = [0.1, 0.2, 0.3, 0.25, 0.15]
    found, plain = random_effects(y, [1.0] * 5), mean_interval(y)
    assert found.tau == 0
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (plain.estimate, plain.low, plain.high)
    )


def test_two_units_are_too_few():
    assert random_effects([0.1, 0.2], [1, 1]) is None
    assert mean_interval([3.0]).low is None
    assert mean_interval([]).estimate is None


def test_the_mean_interval_is_scipys():
    x = np.random.default_rng(1).normal(2, 3, 12)
    known = stats.ttest_1samp(x, 0).confidence_interval(0.95)
    assert (mean_interval(x).low, mean_interval(x).high) == pytest.approx(known)


@pytest.mark.parametrize("n", [5, 8, 11])
def test_sign_flips_agree_with_scipys_exact_test(n):
    x = np.random.default_rng(n).normal(0.4, 1, n)
    known = stats.permutation_test(
        (x,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert sign_flip_p(x) == pytest.approx(known.pvalue)


def test_sign_flips_of_many_units_are_drawn_and_repeatable():
    x = np.random.default_rng(0).normal(0.35, 1, 30)
    drawn = sign_flip_p(x, seed=3)
    assert drawn == sign_flip_p(x, seed=3)
    assert drawn == pytest.approx(stats.ttest_1samp(x, 0).pvalue, abs=0.02)


def test_the_least_p_of_sign_flips():
    assert sign_flip_p([1.0] * 5) == 2 / 2**5
    assert sign_flip_p([0.1] * 20) == 2 / 2**20
    assert sign_flip_p([0.0] * 6) == 1


def test_benjamini_and_hochbergs_own_example():
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
         0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    q = benjamini_hochberg([*p[:7], None, *p[7:]])
    assert q[7] is None
    assert sum(value is not None and value <= 0.05 for value in q) == 4
    assert benjamini_hochberg([None, None]) == [None, None]


def test_wilsons_interval_of_newcombes_example():
    found = wilson(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 0).estimate is None


def test_newcombes_difference_of_his_example():
    found = newcombe_difference((56, 70), (48, 80))
    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe_difference((1, 2), (0, 0)).estimate is None


def test_repeated_measures_correlation_of_the_published_example():
    pairs = [(np.array(x), np.array(y)) for x, y in ACIDITY]
    found, p = repeated_measures_correlation(within_units(pairs, sum(len(x) for x, _ in pairs)))
    assert found.estimate == pytest.approx(-0.5067697, abs=5e-8)
    assert p == pytest.approx(0.0008471081, abs=5e-9)
    assert (round(found.low, 2), round(found.high, 2)) == (-0.71, -0.23)


def test_levels_of_units_do_not_matter_to_it():
    rng = np.random.default_rng(0)
    pairs = [(x, 2 * x + rng.normal(size=40)) for x in rng.normal(size=(6, 40))]
    moved = [(x + 50 * i, y - 30 * i) for i, (x, y) in enumerate(pairs)]
    one, other = (repeated_measures_correlation(within_units(p, 240))[0] for p in (pairs, moved))
    assert one.estimate == pytest.approx(other.estimate)
    assert repeated_measures_correlation(within_units([], 0))[1] is None
