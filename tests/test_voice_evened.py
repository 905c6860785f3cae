"""What is left to hear while a microphone is off: faint voices raised, and nothing else."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio
from hypothesis import given, settings
from hypothesis import strategies as st

from models.speech.detector import SileroSpeechDetector
from pipeline.timeline import overlap_s
from pipeline.voice.evened import UNDER_LOUD_DB, evened
from pipeline.voice.levels import frame_levels_db
from tests.made.channels import microphones, scripted

RATE = 16_000
LENGTH_S = 24
LOUD_DB = -24.0
BURST_S = 1.0


def recording(rows, off=((), ())):
    return SimpleNamespace(audio_channels=lambda: rows, microphones_off=off)


def off_from(row, at_s, until_s=float(LENGTH_S)):
    spans = [(), ()]
    spans[row] = ((at_s, until_s),)
    return tuple(spans)


@cache
def noise_of_1(seed):
    return np.random.default_rng(seed).standard_normal(LENGTH_S * RATE)


def noise(level_db, seed=0):
    return (10 ** (level_db / 20) * noise_of_1(seed)).astype(np.float32)


def bursts(first_s):
    """True for a second in every four; shape (n,)."""
    t = np.arange(LENGTH_S * RATE) / RATE
    return (t % 4.0 >= first_s) & (t % 4.0 < first_s + BURST_S)


def inside(flags, first_s, last_s):
    """Frames that lie wholly in True, away from its edges, between two times."""
    whole = flags[: flags.size // 1600 * 1600].reshape(-1, 1600).all(axis=1)
    whole &= np.roll(whole, 1) & np.roll(whole, -1)
    times = np.arange(whole.size) / 10
    return whole & (times >= first_s) & (times < last_s)


def standing(leak_db, room_db):
    """What the microphone that stays hears: its wearer, the other person, the room."""
    mine = noise(LOUD_DB, 1) * bursts(0.5)
    other = noise(LOUD_DB - leak_db, 2) * bursts(2.5)
    return (mine + other + noise(room_db, 3)).astype(np.float32)


@given(silent_s=st.floats(0.0, 12.0), room_db=st.floats(-80.0, -50.0))
@settings(max_examples=25, deadline=None)
def test_a_recorder_started_late_makes_no_voice_of_the_room(silent_s, room_db):
    """Zeros before it began, or of a gate, are no quieter room."""
    sound = (noise(LOUD_DB, 1) * bursts(0.5) + noise(room_db, 3)).astype(np.float32)
    sound[: int(silent_s * RATE)] = 0.0
    sound[14 * RATE :] = noise(room_db, 3)[14 * RATE :].astype(np.float32)
    found = evened(sound, recording(np.stack([sound, sound]), off_from(0, 15.0)))
    np.testing.assert_array_equal(found, sound)


@settings(max_examples=25, deadline=None)
@given(
    row=st.integers(0, 1),
    at_s=st.floats(4.0, 20.0),
    leak_db=st.floats(0.0, 50.0),
    room_db=st.floats(-90.0, -45.0),
)
def test_what_is_faint_is_raised_and_what_is_not_stays(row, at_s, leak_db, room_db):
    sound = standing(leak_db, room_db)
    rows = np.stack([sound, sound])
    found = evened(sound, recording(rows, off_from(row, at_s)))
    before, after = frame_levels_db(sound), frame_levels_db(found)
    faint, loud = (
        inside(bursts(2.5), at_s + 0.3, LENGTH_S),
        inside(bursts(0.5), at_s + 0.3, LENGTH_S),
    )
    nobody = inside(~bursts(0.5) & ~bursts(2.5), 0, LENGTH_S)
    nobody = nobody & np.roll(nobody, 2) & np.roll(nobody, -2)
    np.testing.assert_array_equal(found[: int(at_s * RATE)], sound[: int(at_s * RATE)])
    np.testing.assert_allclose(after[loud], before[loud], atol=0.01)
    np.testing.assert_allclose(after[nobody], before[nobody], atol=0.01)
    above_room = LOUD_DB - leak_db - room_db
    if above_room > 14 and leak_db < 50:
        least = min(LOUD_DB - UNDER_LOUD_DB, LOUD_DB - leak_db + 40.0) - 1.5
        assert after[faint].min() > least
    if above_room < 6:
        np.testing.assert_array_equal(found, sound)
    assert after.max() <= before.max() + 0.01


@pytest.mark.parametrize("off", [((), ()), ((), ((10.0, 20.0),))])
def test_one_recording_of_everybody_or_two_that_live_are_heard_as_they_are(off):
    sound = standing(30.0, -80.0)
    assert evened(sound, recording(np.stack([sound, sound]))) is sound
    assert evened(sound, recording(np.empty((0, sound.size), np.float32), off[:1])) is sound


def test_only_the_stretch_changes_and_not_the_recording_itself():
    sound = standing(30.0, -80.0)
    kept = sound.copy()
    found = evened(sound, recording(np.stack([sound, sound]), off_from(1, 8.0, 16.0)))
    np.testing.assert_array_equal(sound, kept)
    changed = np.flatnonzero(found != sound) / RATE
    assert 8.0 <= changed.min() < changed.max() < 16.0


def test_both_off_at_once_or_a_silent_other_is_no_fault():
    sound = standing(30.0, -80.0)
    sound[10 * RATE : 20 * RATE] = 0
    both = (((10.0, 20.0),), ((10.0, 20.0),))
    np.testing.assert_array_equal(evened(sound, recording(np.stack([sound] * 2), both)), sound)
    nothing = np.zeros_like(sound)
    found = evened(nothing, recording(np.stack([nothing] * 2), off_from(0, 5.0)))
    np.testing.assert_array_equal(found, nothing)


def rising(seed):
    """A fan that comes on: 20 dB more within a second."""
    more = np.interp(np.arange(LENGTH_S * RATE) / RATE, [18.0, 19.0], [0.0, 20.0])
    return noise(-75.0, seed) * 10 ** (more / 20)


def knocks(seed):
    """Something that falls, three times: bursts of noise that die away."""
    t = np.arange(LENGTH_S * RATE) / RATE
    blows = sum(np.where(t >= at, np.exp(-30 * (t - at).clip(0)), 0.0) for at in (14, 19.5, 24))
    return noise(-78.0, seed) + noise(-45.0, seed + 1) * blows


@needs_embedded_weights
@pytest.mark.parametrize("made", [lambda s: noise(-70.0, s), rising, knocks])
@pytest.mark.parametrize("seed", [0, 5])
def test_a_room_in_which_nobody_speaks_has_no_voice(made, seed):
    talk = scripted()[0][0, : 12 * RATE]
    sound = made(seed).astype(np.float32)
    sound[: talk.size] += talk
    found = evened(sound, recording(np.stack([sound] * 2), off_from(1, 12.0)))
    heard = SileroSpeechDetector().speech(found)
    assert heard
    assert [one for one in heard if one.end_s > 12.5] == []


def heard_s(audio, spans):
    """Seconds of the spans in which the detector hears somebody."""
    heard = SileroSpeechDetector().speech(audio)
    return sum(overlap_s((one.start_s, one.end_s), span) for one in heard for span in spans)


@pytest.fixture(scope="module")
def conversation(shared_data):
    """A minute of two real voices, shape (2, n), and when each speaks: start, end, row."""
    place = shared_data / "speech" / "dyads"
    audio = decode_audio(str(place / "dyad2.flac"))[: 60 * RATE]
    rows = [line.split() for line in (place / "dyad2.rttm").read_text().splitlines()]
    spans = [(float(r[3]), float(r[3]) + float(r[4]), int(r[7] != rows[0][7])) for r in rows]
    voices = np.zeros((2, audio.size), np.float32)
    for start_s, end_s, row in spans:
        inside = slice(round(start_s * RATE), round(end_s * RATE))
        voices[row, inside] = audio[inside]
    return voices, spans


@needs_embedded_weights
@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize("at_s", [10.0, 22.0])
@pytest.mark.parametrize(("leak_db", "room_db"), [(15.0, -70.0), (25.0, -75.0), (36.0, -85.0)])
def test_the_voice_without_one_is_heard_in_the_other_microphone(
    conversation, row, at_s, leak_db, room_db
):
    voices, spans = conversation
    rows = microphones(voices, leak_db=-leak_db, room_db=room_db)
    rows[row, int(at_s * RATE) :] = rows[1 - row, int(at_s * RATE) :]
    mix = rows.mean(axis=0)
    found = evened(mix, recording(rows, off_from(row, at_s, mix.size / RATE)))
    own = [(start_s, end_s) for start_s, end_s, who in spans if who == row and start_s > at_s]
    both = voices.sum(axis=0)
    assert heard_s(found, own) > 0.9 * heard_s(both, own)
    assert leak_db < 30 or heard_s(mix, own) < 0.7 * heard_s(found, own)
    others = [span[:2] for span in spans if span[2] != row and span[0] > at_s]
    assert heard_s(found, others) > 0.95 * heard_s(both, others)
