"""Levels every 0.1 s and speech to noise, from signals whose level is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import SAMPLE_RATE_HZ as RATE
from pipeline.spans import Windows
from pipeline.voice.levels import frame_levels_db, heard_in, snr_db, window_snr_db


def tone(duration_s, level):
    """A sine of 200 Hz: 20 full periods in each frame of 0.1 s."""
    return level * np.sin(2 * np.pi * 200 * np.arange(round(duration_s * RATE)) / RATE)


def test_levels_of_a_sine_and_of_digital_silence():
    audio = np.concatenate([tone(1.0, 0.5), np.zeros(RATE)]).astype(np.float32)
    levels = frame_levels_db(audio)
    assert levels.shape == (20,)
    assert levels[:10] == pytest.approx(np.full(10, 10 * np.log10(0.125)), abs=1e-3)
    assert np.isneginf(levels[10:]).all()


def test_a_frame_counts_only_where_it_lies_wholly_inside_or_outside():
    inside, outside = heard_in(10, [(0.25, 0.6), (0.6, 0.7)])
    assert np.flatnonzero(inside).tolist() == [3, 4, 5, 6]
    assert np.flatnonzero(outside).tolist() == [0, 1, 7, 8, 9]


@pytest.mark.parametrize("expected_db", [0.0, 9.9, 15.0, 30.0])
def test_speech_to_noise_is_the_difference_of_the_levels(expected_db):
    assert snr_db(np.full(50, -20.0), np.full(50, -20.0 - expected_db)) == pytest.approx(
        expected_db
    )


def test_too_few_frames_give_none_and_gaps_say_nothing_of_the_room():
    assert snr_db(np.full(4, -20.0), np.full(50, -60.0)) is None
    assert snr_db(np.full(50, -20.0), np.full(4, -60.0)) is None
    gated = np.concatenate([np.full(90, -np.inf), np.full(10, -60.0)])
    assert snr_db(np.full(50, -20.0), gated) == pytest.approx(40.0)
    assert snr_db(np.full(50, -20.0), np.full(50, -np.inf)) == pytest.approx(76.3, abs=0.1)


def test_a_window_without_a_pause_takes_the_room_around_it():
    start_s = 0.1 * np.arange(6000)
    speech = (start_s % 100) < 60
    level_db = np.where(speech, -20.0, np.where(start_s < 300, -60.0, -35.0))
    windows = Windows(np.array([10.0, 510.0, 70.0]), np.array([40.0, 540.0, 90.0]))
    around = Windows(np.array([0.0, 400.0, 0.0]), np.array([200.0, 600.0, 200.0]))
    found = window_snr_db(start_s, level_db, speech, ~speech, windows, around)
    assert found[:2] == pytest.approx([40.0, 15.0])
    assert np.isnan(found[2])
