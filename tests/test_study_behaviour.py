"""Differences between highest and lowest segments: brute force, planted effects, null rates."""

import numpy as np
import pytest

from bench.made.cohort import KINDS, draw_rho, make_dials, make_feature, with_effect
from bench.study import one_run
from pipeline.settings import StudySettings
from pipeline.study.behaviour import (
    effects,
    label_track,
    session_rows,
    shift_p,
    shifted_differences,
)

SETTINGS = StudySettings(features=["silence_prop", "therapist_talk_prop"])


def segments(*spans):
    return [
        {"rater": "client", "kind": kind, "start_s": a, "end_s": b, "low_confidence": False}
        for kind, a, b in spans
    ]


HALVES = segments(("high", 10.0, 50.0), ("low", 70.0, 120.0))


def test_labels_lie_on_the_seconds_of_their_segments():
    labels = label_track(segments(("high", 1.0, 3.0), ("low", 4.0, 9.0)), 6)
    np.testing.assert_array_equal(labels, [0, 1, 1, 0, -1, -1])


def test_every_shift_is_what_rolling_the_labels_gives():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 200))
    features[1, rng.random(200) < 0.3] = np.nan
    features[2, :80] = np.nan
    labels = label_track(HALVES, 200)
    found = shifted_differences(features, labels, 15)
    for k in range(0, 200, 7):
        moved = np.roll(labels, k)
        for i, feature in enumerate(features):
            kinds = [feature[(moved == sign) & np.isfinite(feature)] for sign in (1, -1)]
            if min(len(kind) for kind in kinds) < 15:
                assert np.isnan(found[i, k])
            else:
                assert found[i, k] == pytest.approx(kinds[0].mean() - kinds[1].mean())


def test_an_exact_difference_comes_out_exactly():
    labels = label_track(HALVES, 3000)
    feature = 5 + 2.0 * (labels > 0) - 1.0 * (labels < 0)
    rows = session_rows({"dyad_id": "D1", "session_id": "D1-1"}, SETTINGS.features,
                        np.stack([feature, feature]), HALVES, SETTINGS)  # fmt: skip
    row = rows[0]
    assert row["delta"] == pytest.approx(3.0)
    assert row["delta_sd"] == pytest.approx(3.0 / feature.std())
    assert (row["high_s"], row["low_s"]) == (40, 50)
    assert row["p_shift"] == pytest.approx(1 / (1 + 3000 - 2 * 60 + 1), rel=0.01)


def test_what_cannot_be_compared_says_why():
    n = 300
    constant, unknown = np.ones(n), np.full(n, np.nan)
    doubtful = [segment | {"low_confidence": True} for segment in HALVES]
    ids = {"dyad_id": "D1", "session_id": "D1-1"}
    for feature, listed, reason in (
        (unknown, HALVES, "not_measured"),
        (constant, HALVES, "few_samples"),
        (constant, doubtful, "no_dial"),
        (np.where(np.arange(n) < 60, 1.0, np.nan), HALVES, "few_samples"),
    ):
        rows = session_rows(ids, SETTINGS.features[:1], feature[None], listed, SETTINGS)
        assert rows[0]["delta_sd"] is None
        assert rows[0]["reason"] == reason


@pytest.mark.parametrize("kind", KINDS)
def test_shifts_find_a_difference_in_few_sessions_without_one(kind):
    rng = np.random.default_rng(5)
    found = []
    for _ in range(60):
        dials = make_dials(rng, draw_rho(rng), 2000)
        labels = label_track([s for s in dials.segments if s["rater"] == "client"], 2000)
        p = shift_p(shifted_differences(make_feature(rng, kind, 2000)[None], labels, 15)[0], 60)
        found += [] if p is None else [p < 0.05]
    assert len(found) > 40
    assert np.mean(found) <= 0.15


def test_the_planted_effect_has_its_size():
    rng = np.random.default_rng(2)
    labels = label_track(HALVES, 1500)
    feature = make_feature(rng, "turns per minute", 1500)
    moved = with_effect(feature, labels)
    gap = [(f[labels > 0].mean() - f[labels < 0].mean()) / feature.std() for f in (feature, moved)]
    assert gap[1] - gap[0] == pytest.approx(0.5)


def test_made_studies_find_the_planted_effect_and_little_else():
    runs = [one_run(seed, 18, KINDS[0]) for seed in range(5)]
    assert sum(run.planted_found for run in runs) >= 4
    assert sum(run.false_found for run in runs) / (14 * len(runs)) <= 0.1
    assert sum(run.covers for run in runs) >= 3


def rows_of(dyads, shift):
    rng = np.random.default_rng(0)
    return [
        {"dyad_id": f"D{j}", "rater": "client", "feature": name, "delta": value, "delta_sd": value}
        for j in range(dyads)
        for name, value in zip(SETTINGS.features, rng.normal(shift, 0.3, 2), strict=True)
    ]


def test_sessions_of_a_dyad_count_once():
    rows = rows_of(6, 0.5)
    once = effects(rows, SETTINGS)
    assert effects(rows + rows, SETTINGS) == once
    assert [row["n_dyads"] for row in once] == [6, 6, 0, 0]
    assert [row["is_found"] for row in once] == [True, True, None, None]


def test_four_dyads_are_described_and_not_tested():
    row = effects(rows_of(4, 0.5), SETTINGS)[0]
    assert row["delta_sd"] is not None
    assert row["p"] is row["q"] is row["is_found"] is row["delta_sd_low"] is None
