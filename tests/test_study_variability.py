"""Aim 1 against closed forms."""

import math

import numpy as np
import pytest

from pipeline.dials.figures import count_excursions
from pipeline.settings import StudySettings
from pipeline.study.variability import (
    dyad_means,
    log_sd_differences,
    sd_ratio,
    variability,
)

SETTINGS = StudySettings()


def test_a_square_wave_in_closed_form():
    dial = np.tile([40.0] * 20 + [60.0] * 20, 30)
    found = variability(dial, SETTINGS)
    assert found["dial_mean"] == 50
    assert found["dial_sd"] == pytest.approx(10 * math.sqrt(1200 / 1199))
    assert found["dial_iqr"] == found["dial_range"] == 20
    # of 239 steps between 5-s bins, 59 are jumps of 20 points
    assert found["dial_mssd"] == pytest.approx(59 * 400 / 239)
    assert found["dial_prop_helpful"] == found["dial_prop_hindering"] == 0.5
    assert found["dial_prop_neutral"] == 0


def test_excursions_are_long_far_and_on_one_side():
    dial = np.full(600, 50.0)
    dial[100:110] = 61  # far and long enough
    dial[200:209] = 61  # too short
    dial[300:320] = 60  # not far enough
    dial[400:406], dial[406:412] = 70, 30  # two sides, each too short
    dial[500:505], dial[505:520] = 70, 30
    assert count_excursions(dial, 10, 10) == 2
    assert variability(dial, SETTINGS)["excursions_per_hour"] == pytest.approx(12)


def test_seconds_that_were_not_rated_change_nothing():
    dial = np.random.default_rng(0).uniform(20, 80, 600)
    gaps = np.concatenate([np.full(50, np.nan), dial, np.full(35, np.nan)])
    assert variability(gaps, SETTINGS) == pytest.approx(variability(dial, SETTINGS))
    assert set(variability(np.full(9, np.nan), SETTINGS).values()) == {None}


def row(dyad, session, rater, sd, used=True):
    return {"dyad_id": dyad, "session_id": session, "rater": rater, "dial_sd": sd, "used": used}


def test_dyads_are_compared_by_the_log_of_their_sds():
    rows = [
        row("D2", "a", "client", 8.0), row("D2", "a", "therapist", 4.0),
        row("D2", "b", "client", 2.0), row("D2", "b", "therapist", 4.0),
        row("D1", "c", "client", 9.0), row("D1", "c", "therapist", 3.0),
        row("D3", "d", "client", 0.0), row("D3", "d", "therapist", 3.0),
        row("D4", "e", "client", 5.0, used=False), row("D4", "e", "therapist", 3.0),
    ]  # fmt: skip
    found = log_sd_differences(rows)
    assert list(found) == ["D1", "D2"]
    assert found["D1"] == pytest.approx(math.log(3))
    assert found["D2"] == pytest.approx(0)
    assert dyad_means(rows, "dial_sd", "client") == [9.0, 5.0, 0.0]


def test_a_planted_ratio_of_sds_is_found():
    rng = np.random.default_rng(3)
    differences = {f"D{j:02d}": float(x) for j, x in enumerate(rng.normal(math.log(0.7), 0.2, 18))}
    ratio, p = sd_ratio(differences, 0)
    assert ratio.low < 0.7 < ratio.high < 1
    assert p < 0.001
    assert sd_ratio({}, 0)[1] is None
