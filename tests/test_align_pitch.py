"""Pitch and speech to noise in windows, from frames whose every value is planted."""

from __future__ import annotations

import numpy as np
import pytest
from test_stages_align import DURATION_S, aligned, alternating, build, column, slices

HOP_S = 0.01


def pitch(f0_hz, role="client"):
    """A frame with a pitch every 10 ms where the function of time gives one."""
    t_s = np.arange(0.0, DURATION_S, HOP_S)
    values = f0_hz(t_s)
    heard = np.isfinite(values)
    rows = [
        {"start_s": t, "end_s": t + HOP_S, "speaker": 1, "role": role, "f0_hz": value}
        for t, value in zip(t_s[heard], values[heard], strict=True)
    ]
    return {"pitch": build("pitch", rows)}


def levels(speech_db, room_db):
    """Frames of 0.1 s: speech for 4 s, 0.5 s of edges, the room for 0.5 s, again and again."""
    t_s = 0.1 * np.arange(round(DURATION_S * 10))
    phase = np.round(t_s % 5, 1)
    rows = [
        {
            "start_s": t,
            "level_db": speech_db(t) if where < 4.5 else room_db(t),
            "heard": "speech" if where < 4 else "room" if where >= 4.5 else None,
        }
        for t, where in zip(t_s, phase, strict=True)
    ]
    return {"sound_levels": build("sound_levels", rows)}


def steps(t_s):
    """Each second 0.4 s at 100 Hz and 0.4 s an octave higher."""
    return np.where(t_s % 1 < 0.395, 100.0, np.where(t_s % 1 < 0.795, 200.0, np.nan))


def test_spread_and_range_of_an_octave_step() -> None:
    outputs = aligned(alternating(), slices(20, 5.0, [100.0]), pitch(steps))
    assert column(outputs, "client_f0_sd_st") == pytest.approx([6.0] * 175, abs=0.02)
    assert column(outputs, "client_f0_range80_st") == pytest.approx([12.0] * 175, abs=0.02)
    assert set(column(outputs, "therapist_f0_range80_st")) == {None}
    assert set(column(outputs, "therapist_f0_range80_st_reason")) == {"no_speech"}


def test_half_a_second_of_voice_is_the_least() -> None:
    def once(length_s):
        return pitch(lambda t: np.where((t >= 402) & (t < 402 + length_s - 0.005), 150.0, np.nan))

    for length_s, known in ((0.49, False), (0.5, True)):
        outputs = aligned(alternating(), slices(20, 5.0, [100.0]), once(length_s))
        found = column(outputs, "client_f0_sd_st")[column(outputs, "start_s").index(390)]
        assert (found is not None) == known
    why = column(outputs, "client_f0_sd_st_reason")
    assert why[column(outputs, "start_s").index(100)] == "unvoiced"


def test_a_doubtful_octave_degrades_the_window() -> None:
    rows = slices(20, 5.0, [100.0])["prosody_slices"].to_pylist()
    doubtful = [row | {"reason": "pitch_unsure" if row["start_s"] < 300 else None} for row in rows]
    given = {"prosody_slices": build("prosody_slices", doubtful)}
    outputs = aligned(alternating(), given, pitch(steps))
    start_s, why = column(outputs, "start_s"), column(outputs, "client_f0_sd_st_reason")
    assert why[start_s.index(200)] == "pitch_unsure"
    assert column(outputs, "client_f0_sd_st")[start_s.index(200)] is not None
    assert why[start_s.index(500)] == "no_baseline"  # an octave step has no spread of spreads


def test_a_noisy_stretch_is_degraded_and_keeps_its_values() -> None:
    noisy = levels(lambda _: -30.0, lambda t: -70.0 if t < 450 else -42.0)
    outputs = aligned(alternating(), slices(20, 5.0, [100.0]), pitch(steps), noisy)
    start_s, snr_db = column(outputs, "start_s"), column(outputs, "audio_snr_db")
    assert snr_db[start_s.index(100)] == pytest.approx(40.0)
    assert snr_db[start_s.index(700)] == pytest.approx(12.0)
    at = start_s.index(700)
    assert column(outputs, "client_f0_sd_st_reason")[at] == "low_snr"
    assert column(outputs, "client_f0_sd_st")[at] == pytest.approx(6.0, abs=0.02)
    assert column(outputs, "client_articulation_rate_sps_reason")[at] != "low_snr"


def test_speech_to_noise_is_missing_without_speech() -> None:
    assert set(column(aligned(), "audio_snr_db")) == {None}
