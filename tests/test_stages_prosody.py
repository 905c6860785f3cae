"""Prosody against synthetic voices whose pitch, level and syllables are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import tables
from pipeline.settings import ProsodySettings
from pipeline.stage import Inputs
from pipeline.stages import prosody
from pipeline.voice import fundamental_frequency
from pipeline.voice.pitch import grid_over, level_db
from pipeline.voice.syllables import periodicity
from tests.made.vowels import vowel as vowel_with_faults

RATE = 16_000


def vowel(f0_hz, *, seed=0):
    """Harmonics under a falling spectrum with two formant bumps; f0_hz per sample."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    voice = np.zeros(f0_hz.size)
    for k in range(1, 25):
        at = k * f0_hz
        weight = (1 / k) * (1 + 4 * np.exp(-(((at - 700) / 150) ** 2)))
        voice += np.where(at < 7000, weight, 0) * np.sin(k * phase)
    noise = np.random.default_rng(seed).normal(size=f0_hz.size)
    return (0.05 * voice / np.abs(voice).max() * 4 + 1e-4 * noise).astype(np.float32)


def measure(audio, intervals, roles=("therapist", "client"), settings=None, snr_db=None):
    """Run the stage on intervals (start, end, speaker), each a turn of its own."""
    common = {"session_id": "s01"}
    diarization = [
        dict.fromkeys(tables.DIARIZATION.by_name)
        | {**common, "start_s": a, "end_s": b, "speaker": s, "exclusive": False}
        for a, b, s in intervals
    ]
    whole = {s: (min(a for a, _, x in intervals if x == s),
                 max(b for _, b, x in intervals if x == s)) for _, _, s in intervals}  # fmt: skip
    turns = [
        {**common, "turn_id": i, "start_s": a, "end_s": b, "speaker": s, "phonation_s": b - a,
         "ipu_count": 1, "is_backchannel": False, "takes_floor": True, "fto_s": None,
         "overlap_between_s": None, "overlap_within_s": 0.0, "word_count": None,
         "word_rate_wps": None}
        for i, (s, (a, b)) in enumerate(sorted(whole.items()))
    ]  # fmt: skip
    given = [
        {**common, "speaker": s, "role": roles[s], "confidence": 1.0, "method": "session_toml"}
        for s in sorted(whole)
    ]
    noise = {
        **common, "measure": "audio_snr_session_db", "value": snr_db, "description": "-",
        "quality": "absent" if snr_db is None else "ok", "reason": None,
    }  # fmt: skip
    inputs = Inputs(
        SimpleNamespace(id="s01"),
        SimpleNamespace(audio=audio),
        {
            "diarization": tables.DIARIZATION.build_rows(diarization),
            "speaker_turns": tables.SPEAKER_TURNS.build_rows(turns),
            "roles": tables.ROLE_ASSIGNMENT.build_rows(given),
            "quality": tables.QUALITY_FIGURES.build_figures([noise]),
        },
    )
    return prosody.run(inputs, None, settings or ProsodySettings()).tables


def test_an_octave_step_is_twelve_semitones():
    f0 = np.repeat([100.0, 200.0], 4 * RATE)
    row = measure(vowel(f0), [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    assert row["f0_range80_st"] == pytest.approx(12.0, abs=0.1)
    assert row["f0_sd_st"] == pytest.approx(6.0, abs=0.1)


def test_an_octave_glide_has_the_spread_of_a_straight_line():
    f0 = 100.0 * 2 ** np.linspace(0, 1, 8 * RATE)
    row = measure(vowel(f0), [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    assert row["f0_range80_st"] == pytest.approx(0.8 * 12.0, abs=0.1)
    assert row["f0_sd_st"] == pytest.approx(12.0 / np.sqrt(12), abs=0.1)
    assert row["f0_median_hz"] == pytest.approx(100 * np.sqrt(2), rel=0.01)
    assert row["voiced_prop"] > 0.95


@pytest.mark.parametrize("per_s", [2, 3, 4, 5, 6])
def test_syllable_rate(per_s):
    length = 8 * RATE
    t = np.arange(length) / RATE
    envelope = 0.02 + np.sin(np.pi * per_s * t) ** 2
    audio = (vowel(np.full(length, 130.0)) * envelope).astype(np.float32)
    row = measure(audio, [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    assert row["speech_rate_sps"] == pytest.approx(per_s, rel=0.05)
    assert row["articulation_rate_sps"] == pytest.approx(per_s, rel=0.05)


def test_pauses_slow_speech_but_not_articulation():
    t = np.arange(16 * RATE) / RATE
    audio = vowel(np.full(t.size, 130.0)) * (0.02 + np.sin(4 * np.pi * t) ** 2)
    audio[4 * RATE : 12 * RATE] = 0.0
    spoken = [(0.0, 4.0, 0), (12.0, 16.0, 0)]
    row = measure(audio.astype(np.float32), spoken)["prosody"].to_pylist()[0]
    assert row["pause_prop"] == pytest.approx(0.5)
    assert row["phonation_s"] == pytest.approx(8.0)
    assert row["speech_rate_sps"] == pytest.approx(2.0, rel=0.05)
    assert row["articulation_rate_sps"] == pytest.approx(4.0, rel=0.05)


def test_level_steps_in_decibels():
    tone = np.sin(2 * np.pi * 200 * np.arange(6 * RATE) / RATE)
    gain = np.repeat([0.4, 0.2, 0.1], 2 * RATE)  # steps of 6.02 dB
    settings = ProsodySettings(slice_s=2.0)
    found = measure((tone * gain).astype(np.float32), [(0.0, 6.0, 0)], settings=settings)
    levels = found["prosody_slices"].column("intensity_rel_db").to_pylist()
    np.testing.assert_allclose(levels, [6.02, 0.0, -6.02], atol=0.01)


def test_level_of_a_sine_is_its_mean_power():
    audio = (0.5 * np.sin(2 * np.pi * 250 * np.arange(RATE) / RATE)).astype(np.float32)
    level = level_db(audio, grid_over(audio, 0.016))
    assert level[30] == pytest.approx(10 * np.log10(0.125), abs=0.01)


def test_periodicity_tells_a_vowel_from_noise():
    noise = np.random.default_rng(1).normal(scale=0.1, size=RATE).astype(np.float32)
    frames = np.arange(5, 55)
    grid = grid_over(noise, 0.016)
    assert periodicity(noise, grid, frames, (50.0, 600.0)).max() < 0.45
    voiced = periodicity(vowel(np.full(RATE, 130.0)), grid, frames, (50.0, 600.0))
    assert voiced.min() > 0.9


def test_overlapped_speech_is_left_out():
    low, high = vowel(np.full(8 * RATE, 110.0)), vowel(np.full(8 * RATE, 230.0))
    high[: 4 * RATE] = 0.0
    low[6 * RATE :] = 0.0
    rows = measure(low + high, [(0.0, 6.0, 0), (4.0, 8.0, 1)])["prosody"].to_pylist()
    assert [row["f0_median_hz"] for row in rows] == pytest.approx([110, 230], rel=0.01)
    rows = measure(low, [(0.0, 6.0, 0), (0.0, 6.0, 1)])["prosody"].to_pylist()
    assert [(row["reason"], row["f0_median_hz"]) for row in rows] == [("overlap", None)] * 2
    assert rows[0]["phonation_s"] == pytest.approx(6.0)


def test_gates_give_null_and_a_reason():
    short = measure(vowel(np.full(2 * RATE, 120.0)), [(0.0, 2.0, 0)])["prosody"].to_pylist()[0]
    assert (short["pause_prop"], short["reason"]) == (None, "too_short")
    noise = np.random.default_rng(2).normal(scale=0.05, size=8 * RATE).astype(np.float32)
    hiss = measure(noise, [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    assert (hiss["f0_median_hz"], hiss["reason"]) == (None, "unvoiced")
    steady = measure(vowel(np.full(8 * RATE, 120.0)), [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    assert (steady["speech_rate_sps"], steady["reason"]) == (None, "few_syllables")


@pytest.mark.parametrize(
    ("snr_db", "pitch_known", "rate_known"),
    [(None, True, True), (15.0, True, True), (14.9, False, True), (9.9, False, False)],
)
def test_noise_takes_pitch_first_and_then_rates(snr_db, pitch_known, rate_known):
    t = np.arange(8 * RATE) / RATE
    audio = vowel(np.full(t.size, 130.0)) * (0.02 + np.sin(4 * np.pi * t) ** 2)
    row = measure(audio.astype(np.float32), [(0.0, 8.0, 0)], snr_db=snr_db)
    (row,) = row["prosody"].to_pylist()
    for name in ("f0_median_hz", "f0_sd_st", "f0_range80_st", "voiced_prop"):
        assert (row[name] is not None) == pitch_known
    for name in ("syllables", "speech_rate_sps", "articulation_rate_sps"):
        assert (row[name] is not None) == rate_known
    assert row["reason"] == (None if pitch_known else "low_snr")
    assert row["pause_prop"] == 0.0


@pytest.mark.parametrize(
    ("snr_db", "reason"), [(30.0, None), (29.9, "low_snr"), (None, "not_measured")]
)
def test_voice_quality_needs_a_quiet_room(snr_db, reason):
    audio, jitter, shimmer = vowel_with_faults(120.0, 0.005, 0.03, 40.0, duration_s=4.0)
    found = measure(audio, [(0.0, 4.0, 0)], snr_db=snr_db)
    for table in ("prosody", "prosody_slices"):
        row = found[table].to_pylist()[0]
        assert row["voice_quality_reason"] == reason
        if reason is None:
            assert row["jitter_local"] == pytest.approx(jitter, abs=0.15)
            assert row["shimmer_local"] == pytest.approx(shimmer, rel=0.25)
            assert 15.0 < row["hnr_db"] < 40.0
        else:
            assert {row[name] for name in ("hnr_db", "jitter_local", "shimmer_local")} == {None}


def test_voice_quality_says_why_a_turn_has_none():
    hiss = np.random.default_rng(2).normal(scale=0.05, size=8 * RATE).astype(np.float32)
    row = measure(hiss, [(0.0, 8.0, 0)], snr_db=40.0)["prosody"].to_pylist()[0]
    assert (row["hnr_db"], row["voice_quality_reason"]) == (None, "unvoiced")
    syllable = np.zeros(8 * RATE, dtype=np.float32)
    syllable[: RATE // 5] = vowel(np.full(RATE // 5, 120.0))
    row = measure(syllable, [(0.0, 8.0, 0)], snr_db=40.0)["prosody"].to_pylist()[0]
    assert row["hnr_db"] is not None
    assert (row["jitter_local"], row["voice_quality_reason"]) == (None, "too_short")


def test_another_voice_does_not_enter_voice_quality():
    quiet = 0.05 * vowel_with_faults(120.0, 0.005, 0.03, 40.0, duration_s=4.0)[0]
    shout = 10.0 * vowel(np.full(4 * RATE, 250.0), seed=3)
    turns = [(0.0, 4.0, 0), (5.0, 9.0, 1)]
    gap = np.zeros(RATE, dtype=np.float32)
    names = ("hnr_db", "jitter_local", "shimmer_local")
    heard = [
        measure(np.concatenate([quiet, gap, other]), turns, snr_db=40.0)["prosody"].to_pylist()[0]
        for other in (shout, np.zeros_like(shout))
    ]
    assert [heard[0][name] for name in names] == [heard[1][name] for name in names]
    assert heard[0]["voice_quality_reason"] is None


def test_gain_control_degrades_loudness_and_nothing_else():
    t = np.arange(40 * RATE) / RATE
    talking = (t % 4.0) < 1.5
    room = 1e-3 * np.random.default_rng(5).normal(size=t.size)
    audio = np.where(talking, vowel(np.full(t.size, 130.0)), 0.0) + room
    turned_up = np.where(talking, 1.0, 10 ** (0.3 * (t % 4.0 - 1.5)))  # 6 dB/s in silences
    spoken = [(start, start + 1.5, 0) for start in np.arange(0.0, 40.0, 4.0)]
    for gain, reason in ((1.0, None), (turned_up, "gain_control")):
        found = measure((audio * gain).astype(np.float32), spoken)
        assert found["prosody_slices"].to_pylist()[0]["intensity_rel_db_reason"] == reason
        row = found["prosody"].to_pylist()[0]
        assert row["intensity_rel_db"] == pytest.approx(0.0, abs=0.1)
        assert row["intensity_rel_db_reason"] == (reason or "no_baseline")
        assert row["f0_median_hz"] == pytest.approx(130.0, rel=0.01)
        assert row["reason"] != "gain_control"


def test_silence_and_no_speech_do_not_fail():
    silent = np.zeros(8 * RATE, dtype=np.float32)
    row = measure(silent, [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    assert (row["f0_median_hz"], row["syllables"], row["reason"]) == (None, 0, "unvoiced")
    assert row["voice_quality_reason"] == "not_measured"
    nothing = Inputs(SimpleNamespace(id="s01"), None, {
        "diarization": tables.DIARIZATION.empty(), "roles": tables.ROLE_ASSIGNMENT.empty(),
        "speaker_turns": tables.SPEAKER_TURNS.empty(),
    })  # fmt: skip
    found = prosody.run(nothing, None, ProsodySettings()).tables
    assert {name: table.num_rows for name, table in found.items()} == dict.fromkeys(
        ("prosody", "prosody_slices", "pitch", "sound_levels"), 0
    )


def test_unknown_roles_leave_slices_empty_with_the_reason():
    slices = measure(vowel(np.full(12 * RATE, 120.0)), [(0.0, 12.0, 0)], roles=("unknown",))
    rows = slices["prosody_slices"].to_pylist()
    assert [(row["start_s"], row["end_s"]) for row in rows] == [(0.0, 10.0), (10.0, 12.0)]
    assert {(row["role"], row["phonation_s"], row["reason"]) for row in rows} == {
        ("unknown", None, "no_role")
    }
    assert slices["prosody"].column("f0_median_hz")[0].as_py() == pytest.approx(120, rel=0.01)


def test_two_runs_agree_to_the_last_byte():
    audio = vowel(120.0 + 20 * np.sin(np.arange(9 * RATE) / RATE))
    turns = [(0.0, 4.0, 0), (4.5, 9.0, 1)]
    first, second = measure(audio, turns), measure(audio, turns)
    assert first["prosody"].equals(second["prosody"])
    assert first["prosody_slices"].equals(second["prosody_slices"])


def test_pitch_does_not_depend_on_where_chunks_are_cut(monkeypatch):
    audio = vowel(120.0 + 20 * np.sin(np.arange(8 * RATE) / RATE))
    whole = measure(audio, [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    monkeypatch.setattr(fundamental_frequency, "LONGEST_PIECE_S", 0.6)
    pieces = measure(audio, [(0.0, 8.0, 0)])["prosody"].to_pylist()[0]
    assert pieces["f0_median_hz"] == pytest.approx(whole["f0_median_hz"], rel=0.01)
    assert pieces["f0_sd_st"] == pytest.approx(whole["f0_sd_st"], abs=0.1)
    assert pieces["voiced_prop"] == pytest.approx(whole["voiced_prop"], abs=0.05)
