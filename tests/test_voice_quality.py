"""Voice quality against closed forms, Praat's stored numbers and sounds made with known faults."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib

import numpy as np
import pytest
import soundfile
from conftest import ROOT

from pipeline.voice.fundamental_frequency import autocorrelation_track
from pipeline.voice.pitch import grid_over, level_db
from pipeline.voice.quality import (
    GAIN_RISE_DB,
    PITCH_LIMITS_HZ,
    gain_rise_db,
    harmonicity_db,
    jitter_local,
    measure_voice,
    shimmer_local,
    summarise,
)
from tests.made.vowels import RATE, VOWELS, vowel

DATA = ROOT / "tests" / "data"
SPEECH = tomllib.loads((DATA / "praat_speech.toml").read_text("utf-8"))
SUSTAINED = tomllib.loads((DATA / "praat_vowels.toml").read_text("utf-8"))
HOP_S = 0.01


def measured(audio):
    grid = grid_over(audio, HOP_S)
    alone = np.ones(grid.count, dtype=np.bool_)
    f0_hz = autocorrelation_track(audio, grid, alone, PITCH_LIMITS_HZ)
    return measure_voice(audio, grid, f0_hz), grid


def whole(audio):
    measure, grid = measured(audio)
    return summarise(measure, slice(0, grid.count), grid)


@pytest.fixture(scope="module")
def test_en(shared_data):
    audio, rate = soundfile.read(
        shared_data / "speech" / SPEECH["test_en"]["path"], dtype="float32"
    )
    assert rate == RATE
    return audio[: round(SPEECH["test_en"]["end_s"] * RATE)]


def agreement(ours, theirs):
    """Correlation and median difference where both are known."""
    both = np.isfinite(ours) & np.isfinite(theirs)
    return np.corrcoef(ours[both], theirs[both])[0, 1], float(np.median((ours - theirs)[both]))


def test_jitter_of_alternating_periods():
    pulses = np.cumsum(np.tile([0.0100, 0.0102], 40))
    assert jitter_local(pulses) == pytest.approx(100 * 0.0002 / 0.0101, rel=1e-3)
    assert jitter_local(np.arange(80) * 0.01) == pytest.approx(0.0, abs=1e-9)


def test_a_missed_period_is_no_jitter():
    pulses = np.delete(np.arange(90) * 0.008, 45)
    assert jitter_local(pulses) == pytest.approx(0.0, abs=1e-9)
    assert jitter_local(np.arange(30) * 0.01) is None


def test_shimmer_of_alternating_amplitudes():
    pulses = np.arange(80) * 0.01
    amplitudes = np.tile([1.0, 1.1], 40)
    assert shimmer_local(pulses, amplitudes) == pytest.approx(100 * 0.1 / 1.05, rel=1e-6)
    assert shimmer_local(pulses, np.full(80, np.nan)) is None
    # a jump beyond 1.6 is another voice, not shimmer
    amplitudes[40:] *= 3.0
    expected = 100 * 0.1 * (39 + 3 * 39) / 78 / amplitudes.mean()
    assert shimmer_local(pulses, amplitudes) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("snr_db", [10.0, 20.0, 30.0])
def test_harmonicity_is_the_ratio_of_a_tone_to_its_noise(snr_db):
    t = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 150.0 * t) + 0.5 * np.sin(2 * np.pi * 300.0 * t)
    noise = np.random.default_rng(4).normal(size=t.size)
    noise *= np.sqrt(np.mean(tone**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    found = harmonicity_db((tone + noise).astype(np.float32), np.arange(RATE, 3 * RATE, 160))
    assert np.median(found) == pytest.approx(snr_db, abs=0.5)


def test_harmonicity_of_nothing_is_unknown():
    centres = np.arange(0, RATE, 160)
    assert np.isnan(harmonicity_db(np.zeros(RATE, dtype=np.float32), centres)).all()


@pytest.mark.parametrize("name", VOWELS)
def test_a_sustained_vowel_is_as_praat_has_it(name):
    audio, jitter, shimmer = vowel(120.0, *VOWELS[name])
    found, told = whole(audio), SUSTAINED[name]
    assert found.jitter_local == pytest.approx(told["jitter"], abs=0.06)
    assert found.shimmer_local == pytest.approx(told["shimmer"], abs=0.2)
    assert found.hnr_db == pytest.approx(told["hnr_db"], abs=0.4)
    if name in ("jitter", "shimmer"):  # not both at once: each leaks into the other
        assert found.jitter_local == pytest.approx(jitter, abs=0.2)
        if name == "shimmer":
            assert found.shimmer_local == pytest.approx(shimmer, rel=0.12)


def test_vowels_are_ranked_as_praat_ranks_them():
    found = [whole(vowel(120.0, *told)[0]) for told in VOWELS.values()]
    for ours, theirs in (("jitter_local", "jitter"), ("shimmer_local", "shimmer"),
                         ("hnr_db", "hnr_db")):  # fmt: skip
        pairs = [(getattr(f, ours), SUSTAINED[name][theirs])
                 for name, f in zip(VOWELS, found, strict=True)]  # fmt: skip
        assert np.corrcoef(*np.transpose(pairs))[0, 1] >= 0.99


def test_harmonicity_of_speech_is_praats(test_en):
    told = SPEECH["test_en"]
    theirs = np.where(np.array(told["hnr"]) > -199, told["hnr"], np.nan)
    centres = (told["hnr_start_s"] + HOP_S * np.arange(theirs.size)) * RATE - 0.5
    r, offset = agreement(harmonicity_db(test_en, np.round(centres).astype(int)), theirs)
    assert r >= 0.95
    assert offset == pytest.approx(0.0, abs=0.1)


def test_intensity_of_speech_is_praats(test_en):
    told = SPEECH["test_en"]
    grid = grid_over(test_en, HOP_S)
    times = told["intensity_start_s"] + HOP_S * np.arange(len(told["intensity_db"]))
    inside = (np.arange(grid.count) * HOP_S >= times[0]) & (
        np.arange(grid.count) * HOP_S <= times[-1]
    )
    theirs = np.interp(np.arange(grid.count) * HOP_S, times, told["intensity_db"])[inside]
    # Praat counts from 20 uPa, we from full scale: 20 log10(1 / 2e-5)
    r, offset = agreement(level_db(test_en, grid)[inside], theirs - 93.98)
    assert r >= 0.95
    assert offset == pytest.approx(0.0, abs=0.2)


def segments(measure, told, length_s=0.5, fewest=15):
    """Jitter and shimmer of each half second by us and on Praat's pulses; shape (n, 4)."""
    theirs = np.array(told["pulses_s"]) - 0.5 / RATE
    rows = []
    for start in np.arange(0.0, told["end_s"], length_s):
        ours = (measure.pulses_s >= start) & (measure.pulses_s < start + length_s)
        praat = (theirs >= start) & (theirs < start + length_s)
        row = (
            jitter_local(measure.pulses_s[ours], fewest=fewest),
            jitter_local(theirs[praat], fewest=fewest),
            shimmer_local(measure.pulses_s[ours], measure.amplitudes[ours], fewest=fewest),
        )
        if None not in row:
            rows.append(row)
    return np.array(rows, dtype=float)


def test_periods_of_speech_are_praats(test_en):
    measure, grid = measured(test_en)
    told = SPEECH["test_en"]
    theirs = np.array(told["pulses_s"]) - 0.5 / RATE
    nearest = np.abs(theirs[:, None] - measure.pulses_s[None]).min(axis=1)
    assert np.mean(nearest <= 1e-4) >= 0.95
    assert measure.pulses_s.size == pytest.approx(theirs.size, rel=0.03)
    rows = segments(measure, told)
    assert len(rows) >= 6
    assert np.corrcoef(rows[:, 0], rows[:, 1])[0, 1] >= 0.95
    found = summarise(measure, slice(0, grid.count), grid)
    assert found.jitter_local == pytest.approx(told["jitter"], abs=0.3)
    assert found.shimmer_local == pytest.approx(told["shimmer"], abs=0.5)


def test_gain_control_is_seen_and_a_plain_room_is_not():
    random = np.random.default_rng(5)
    t = np.arange(50 * RATE) / RATE
    talking = (t % 5.0) < 1.0
    voice = np.where(talking, 0.3 * np.sin(2 * np.pi * 150.0 * t), 0.0)
    room = voice + 1e-3 * random.normal(size=t.size)
    # released at 4 dB/s while nobody speaks, pulled down at once
    gain_db = np.where(talking, 0.0, 4.0 * (t % 5.0 - 1.0))
    grid = grid_over(room, HOP_S)
    speech = grid.mask([(start, start + 1.0) for start in range(0, 50, 5)])
    controlled = room * 10 ** (gain_db / 20)
    assert abs(gain_rise_db(level_db(room.astype(np.float32), grid), speech, grid)) < 0.5
    rise = gain_rise_db(level_db(controlled.astype(np.float32), grid), speech, grid)
    assert rise > GAIN_RISE_DB
    assert rise == pytest.approx(4.0 * 3.2 * 2 / 3, abs=0.5)
    assert gain_rise_db(level_db(room, grid), np.ones(grid.count, dtype=np.bool_), grid) is None
    few = speech | (np.arange(grid.count) * HOP_S < 20.0)
    assert gain_rise_db(level_db(controlled.astype(np.float32), grid), few, grid) is None


def test_a_rustling_room_is_no_gain_control():
    """Silences that rise and fall by 8 dB at random, as in recorded meetings."""
    random = np.random.default_rng(6)
    grid = grid_over(np.zeros(200 * RATE, dtype=np.float32), HOP_S)
    speech = grid.mask([(start, start + 1.0) for start in range(0, 200, 5)])
    inside = np.arange(grid.count) % 500 / 500
    for _ in range(20):
        rise_db = np.repeat(random.normal(scale=8.0, size=40), 500)
        assert gain_rise_db(-60.0 + rise_db * inside, speech, grid) < GAIN_RISE_DB


def test_stored_numbers_are_what_praat_says():
    if importlib.util.find_spec("parselmouth") is None:
        pytest.skip("Praat is not here: pip install praat-parselmouth, to make its numbers again")
    told = subprocess.run(
        [sys.executable, "-m", "bench.praat_reference", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "DIFFERS" not in told.stdout, told.stdout
