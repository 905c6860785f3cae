"""F0 against librosa's pYIN, Praat's stored numbers and sounds of known pitch."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import librosa
import numpy as np
import pytest
import soundfile
from conftest import ROOT

from pipeline.settings import ProsodySettings
from pipeline.voice import fundamental_frequency
from pipeline.voice.autocorrelation_pitch import autocorrelation_pitch, window_samples
from pipeline.voice.fundamental_frequency import (
    autocorrelation_track,
    is_degraded,
    octave_jump_prop,
    track_voice,
    voice_limits,
)
from pipeline.voice.pitch import grid_over
from pipeline.voice.pyin import PitchSearch, pyin
from tests.made.vowels import RATE, vowel

PRAAT = tomllib.loads((ROOT / "tests" / "data" / "praat_speech.toml").read_text("utf-8"))
HOP_S = 0.01


def cents(ours, theirs):
    """Absolute difference where both are voiced."""
    both = np.isfinite(ours) & np.isfinite(theirs)
    return 1200.0 * np.abs(np.log2(ours[both] / theirs[both]))


def voicing_agreement(ours, theirs):
    return np.mean(np.isfinite(ours) == np.isfinite(theirs))


def track(audio, alone=None, **keywords):
    grid = grid_over(audio, HOP_S)
    everywhere = np.ones(grid.count, dtype=np.bool_)
    alone = everywhere if alone is None else alone
    return track_voice(audio, grid, alone, ProsodySettings(), lambda _: None, **keywords)


def glide():
    """A vowel from 100 to 200 Hz in 4 s, as far each second in semitones."""
    return vowel(lambda t: 100.0 * 2 ** (t / 4.0), 0.0, 0.0, 40.0, duration_s=4.0)[0]


@pytest.fixture(scope="module")
def speech(shared_data):
    """Name -> samples of the stretches that Praat has measured."""
    found = {}
    for name, told in PRAAT.items():
        audio, rate = soundfile.read(shared_data / "speech" / told["path"], dtype="float32")
        assert rate == RATE
        found[name] = audio[round(told["start_s"] * RATE) : round(told["end_s"] * RATE)]
    return found


def by_librosa(audio, search):
    f0_hz, _, _ = librosa.pyin(
        audio, fmin=search.floor_hz, fmax=search.ceiling_hz, sr=RATE, hop_length=search.hop,
        frame_length=search.frame_length, resolution=search.resolution_st,
    )  # fmt: skip
    return f0_hz


@pytest.mark.parametrize(
    "search",
    [
        PitchSearch(50.0, 600.0, 160),
        PitchSearch(85.0, 200.0, 256, resolution_st=0.2),  # an even number of steps
        PitchSearch(65.0, 2000.0, 512, frame_length=2048),
    ],
    ids=["standard", "narrow", "wide"],
)
def test_pyin_gives_what_librosa_gives(search):
    audio = vowel(lambda t: 150.0 + 60.0 * np.sin(5 * t), 0.01, 0.05, 15.0, duration_s=2.0)[0]
    audio[RATE // 2 : RATE] = 0.0
    theirs = by_librosa(audio, search)
    ours = pyin(np.pad(audio, search.frame_length // 2), search)
    assert ours.shape == theirs.shape
    assert voicing_agreement(ours, theirs) >= 0.99
    assert np.mean(cents(ours, theirs) == 0.0) >= 0.99


def test_pyin_gives_what_librosa_gives_on_speech(speech):
    search = PitchSearch(50.0, 600.0, 160)
    ours = pyin(np.pad(speech["test_en"], 512), search)
    theirs = by_librosa(speech["test_en"], search)
    assert voicing_agreement(ours, theirs) >= 0.99
    assert np.mean(cents(ours, theirs) == 0.0) >= 0.99


def test_a_track_stays_near_librosa(speech):
    search = PitchSearch(50.0, 600.0, 160)
    ours, theirs = [], []
    for audio in speech.values():
        f0_hz = track(audio).f0_hz
        ours.append(f0_hz)
        # equal to librosa's, as the tests above show, and quicker to have
        theirs.append(pyin(np.pad(audio, 512), search)[: f0_hz.size])
    ours, theirs = np.concatenate(ours), np.concatenate(theirs)
    assert voicing_agreement(ours, theirs) >= 0.95
    assert np.mean(cents(ours, theirs) <= 50.0) >= 0.95


def praat_at(told, count):
    """Praat's F0 at our frames, on a straight line between its own."""
    f0_hz = np.where(np.array(told["f0_hz"]) > 0, told["f0_hz"], np.nan)
    times = told["f0_start_s"] + HOP_S * np.arange(f0_hz.size)
    return np.interp(np.arange(count) * HOP_S, times, f0_hz, left=np.nan, right=np.nan)


def test_a_track_agrees_with_praat(speech):
    differences = [
        cents(found.f0_hz, praat_at(PRAAT[name], found.f0_hz.size))
        for name, found in ((name, track(audio)) for name, audio in speech.items())
    ]
    differences = np.concatenate(differences)
    assert np.mean(differences <= 50.0) >= 0.85
    assert np.median(differences) <= 10.0


def test_the_second_opinion_is_praats(speech):
    for name, audio in speech.items():
        told = PRAAT[name]
        length = window_samples(75.0)
        first = round(told["f0_start_s"] * RATE - 0.5) - length // 2
        loudest = float(np.abs(audio - audio.mean()).max())
        ours = autocorrelation_pitch(audio[first:], 160, (75.0, 600.0), loudest)
        theirs = np.where(np.array(told["f0_hz"]) > 0, told["f0_hz"], np.nan)
        ours, theirs = ours[: theirs.size], theirs[: ours.size]
        assert voicing_agreement(ours, theirs) >= 0.95, name
        assert np.mean(cents(ours, theirs) <= 10.0) >= 0.97, name


def test_an_octave_glide_is_twelve_semitones():
    found = track(glide())
    times = np.arange(found.f0_hz.size) * HOP_S
    inside = (times > 0.1) & (times < 3.9)
    truth = 100.0 * 2 ** (times / 4.0)
    for f0_hz in (found.f0_hz, found.second_hz):
        error_st = 12.0 * np.log2(f0_hz[inside] / truth[inside])
        assert np.isfinite(error_st).all()
        assert np.abs(error_st).max() <= 0.25
        slope, _ = np.polyfit(times[inside], 12.0 * np.log2(f0_hz[inside]), 1)
        assert 4.0 * slope == pytest.approx(12.0, abs=0.1)


def test_octave_errors_degrade_and_a_clean_glide_does_not():
    found = track(glide())
    everything = slice(0, found.f0_hz.size)
    assert not is_degraded(found, everything, HOP_S)
    longer = replace(found, f0_hz=found.f0_hz * np.where(np.arange(401)[:400] % 100 < 25, 2, 1))
    assert octave_jump_prop(longer.f0_hz, HOP_S) < 0.02
    assert is_degraded(longer, everything, HOP_S)
    often = replace(found, f0_hz=found.f0_hz * np.where(np.arange(400) % 25 < 2, 0.5, 1))
    assert octave_jump_prop(often.f0_hz, HOP_S) == pytest.approx(2 / 25, abs=0.01)
    assert is_degraded(often, everything, HOP_S)
    assert is_degraded(replace(found, second_hz=np.full(400, np.nan)), everything, HOP_S)


def test_a_frame_outside_the_voice_is_repaired():
    audio = np.tile(vowel(220.0, 0.0, 0.0, 40.0, duration_s=3.0)[0], 2)
    # every second pulse louder: for a while the period is twice as long to an eager tracker
    hum = 0.3 * np.sin(2 * np.pi * 55.0 * np.arange(audio.size) / RATE)
    hum[: 5 * RATE] = 0.0
    found = track((audio + hum).astype(np.float32))
    heard = found.f0_hz[np.isfinite(found.f0_hz)]
    floor, ceiling = found.limits_hz
    assert (floor, ceiling) == pytest.approx((0.75 * 220.0, 1.5 * 220.0), rel=0.02)
    assert ((heard >= floor) & (heard <= ceiling)).all()


def test_limits_are_those_of_de_looze_and_hirst():
    f0_hz = np.array([np.nan, 100.0, 120.0, 140.0, 160.0, 180.0])
    assert voice_limits(f0_hz, (50.0, 600.0)) == pytest.approx((90.0, 240.0))
    assert voice_limits(f0_hz, (95.0, 200.0)) == (95.0, 200.0)
    assert voice_limits(np.full(3, np.nan), (50.0, 600.0)) is None


def test_another_voice_is_not_listened_to():
    audio = vowel(130.0, 0.0, 0.0, 30.0, duration_s=4.0)[0]
    alone = np.zeros(grid_over(audio, HOP_S).count, dtype=np.bool_)
    alone[50:180] = alone[250:330] = True
    other = audio.copy()
    samples = np.repeat(alone, 160)
    shifted = np.append(samples[80:], np.zeros(80, dtype=np.bool_))  # a frame is about its sample
    other[~shifted] = np.random.default_rng(3).normal(size=int((~shifted).sum()))
    mine, theirs = track(audio, alone), track(other, alone)
    np.testing.assert_array_equal(mine.f0_hz, theirs.f0_hz)
    np.testing.assert_array_equal(mine.second_hz, theirs.second_hz)
    assert np.isnan(mine.f0_hz[~alone]).all()
    assert np.isfinite(mine.f0_hz[alone]).mean() > 0.9


def test_threads_change_nothing_and_cuts_next_to_nothing(monkeypatch, speech):
    audio = speech["dyad1"]
    one, four = track(audio, threads=1), track(audio, threads=4)
    np.testing.assert_array_equal(one.f0_hz, four.f0_hz)
    np.testing.assert_array_equal(one.second_hz, four.second_hz)
    monkeypatch.setattr(fundamental_frequency, "LONGEST_PIECE_S", 2.5)
    cut = track(audio)
    assert voicing_agreement(cut.f0_hz, one.f0_hz) >= 0.99
    assert np.mean(cents(cut.f0_hz, one.f0_hz) <= 1.0) >= 0.99


def test_silence_and_nobody_have_no_pitch():
    silent = np.zeros(RATE, dtype=np.float32)
    found = track(silent)
    assert found.limits_hz is None
    assert np.isnan(found.f0_hz).all()
    assert np.isnan(found.second_hz).all()
    nobody = np.zeros(grid_over(silent, HOP_S).count, dtype=np.bool_)
    assert np.isnan(track(silent, nobody).f0_hz).all()
    grid = grid_over(silent, HOP_S)
    assert np.isnan(autocorrelation_track(silent, grid, nobody, (75.0, 600.0))).all()


@pytest.mark.parametrize(
    ("limits", "says"), [((600.0, 50.0), "under the ceiling"), ((10.0, 50.0), "one period")]
)
def test_limits_that_cannot_be_are_refused(limits, says):
    with pytest.raises(ValueError, match=says):
        PitchSearch(*limits, 160)
