"""A turn against the same person's other turns: robust z by hand, and its reasons."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.settings import ProsodySettings
from pipeline.tables import PROSODY_CUES
from pipeline.voice.baselines import with_baselines

SETTINGS = ProsodySettings()


def rows(values, *, start_s=120.0, reason=None, name="articulation_rate_sps"):
    """One turn every 10 s; all other values null."""
    blank = dict.fromkeys(PROSODY_CUES) | {f"{cue}_reason": "too_short" for cue in PROSODY_CUES}
    own = {f"{name}_reason": reason}
    return [
        blank | own | {"start_s": start_s + 10.0 * i, name: value} for i, value in enumerate(values)
    ]


def measured(listed, speakers=None, confidence=None, name="articulation_rate_sps"):
    """z and reason of each turn."""
    speakers = speakers or [0] * len(listed)
    sure = np.full(len(listed), np.nan) if confidence is None else np.array(confidence)
    found = with_baselines(listed, speakers, sure, SETTINGS)
    return [(row[f"{name}_z"], row[f"{name}_reason"]) for row in found]


def test_z_is_that_of_iglewicz_and_hoaglin():
    values = [4.0, 5.0] * 10 + [7.0]
    z = [one for one, _ in measured(rows(values))]
    middle = np.median(values)
    scale = 1.4826 * np.median(np.abs(np.array(values) - middle))
    assert z == pytest.approx((np.array(values) - middle) / scale)


def test_without_spread_of_the_middle_half_the_mean_deviation_is_the_scale():
    values = [4.0] * 19 + [6.0]
    assert measured(rows(values))[-1][0] == pytest.approx(2.0 / (1.2533 * 0.1))
    assert measured(rows([4.0] * 20))[0][1] == "no_baseline"


def test_nineteen_turns_are_no_baseline_and_the_first_two_minutes_count_for_none():
    assert {why for _, why in measured(rows([4.0, 5.0, 6.0] * 6 + [4.0]))} == {"no_baseline"}
    early = rows([4.0, 5.0, 6.0] * 7, start_s=20.0)  # ten of them before 120 s
    assert {why for _, why in measured(early)} == {"no_baseline"}
    late = early + rows([4.0, 5.0, 6.0] * 4, start_s=400.0)
    assert {why for _, why in measured(late)} == {None}


def test_each_person_is_compared_with_nobody_else():
    slow, fast = rows([3.0, 4.0, 5.0] * 8), rows([7.0, 8.0, 9.0] * 8)
    z = [one for one, _ in measured(slow + fast, [0] * 24 + [1] * 24)]
    assert z[:24] == pytest.approx(z[24:])


def test_pitch_is_compared_in_semitones():
    values = [100.0, 200.0] * 11
    z = [one for one, _ in measured(rows(values, name="f0_median_hz"), name="f0_median_hz")]
    assert z[0] == pytest.approx(-z[1])
    assert z[1] == pytest.approx(6.0 / (1.4826 * 6.0))


def test_an_unsure_voice_is_degraded_and_left_out_of_the_baseline():
    usual = rows([4.0, 5.0, 6.0] * 8)
    odd = rows([9.0] * 30)
    found = measured(usual + odd, confidence=[0.9] * 24 + [0.69] * 30)
    assert found[:24] == measured(usual)
    assert {why for _, why in found[24:]} == {"voice_unsure"}
    assert found[-1][0] == pytest.approx((9.0 - 5.0) / 1.4826)


def test_what_degrades_a_value_stays_its_reason():
    found = measured(rows([4.0, 5.0, 6.0] * 8, reason="gain_control"))
    assert {why for _, why in found} == {"gain_control"}
    assert not np.isnan([z for z, _ in found]).any()
