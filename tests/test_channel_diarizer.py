"""One microphone per person: whose speech, when, and whether the channels can be believed."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio
from scipy.signal import fftconvolve

from models.errors import EngineInputError
from models.options import ChannelDiarizerOptions, channel_diarizer_fingerprint
from models.speech.detector import SileroSpeechDetector
from models.voices.channel_diarizer import ChannelDiarizer
from tests.made.channels import RATE, Turn, microphones, scripted

pytestmark = needs_embedded_weights
COLLAR_S = 0.05


@pytest.fixture(scope="module")
def diarizer():
    return ChannelDiarizer(SileroSpeechDetector())


@pytest.fixture(scope="module")
def talk():
    """Each person's own voice, and the planned turns."""
    return scripted()


def held(turns, frames, *, wider_s=0.0):
    """10 ms frames in which each row speaks, shape (2, frames)."""
    on = np.zeros((2, frames), bool)
    for one in turns:
        row = one.row if isinstance(one, Turn) else one.speaker
        on[
            row, max(0, round((one.start_s - wider_s) * 100)) : round((one.end_s + wider_s) * 100)
        ] = 1
    return on


def edge_errors(found, turns):
    """Found minus planned, start and end of each planned turn, s."""
    errors = []
    for turn in turns:
        own = [one for one in found if one.speaker == turn.row]
        own = [one for one in own if one.start_s < turn.end_s and one.end_s > turn.start_s]
        errors.append(min(one.start_s for one in own) - turn.start_s)
        errors.append(max(one.end_s for one in own) - turn.end_s)
    return np.abs(errors)


def other_s(found, turns, frames):
    """Seconds given to one person further than the collar from any speech of that person."""
    return (held(found, frames) & ~held(turns, frames, wider_s=COLLAR_S)).sum() / 100


@pytest.mark.parametrize(
    ("leak_db", "gain_db", "room_db"),
    [(-6, 0, -70), (-12, 0, -70), (-12, 10, -45), (-20, -12, -70), (-20, 0, -45)],
)
def test_scripted_turns_at_their_times(diarizer, talk, leak_db, gain_db, room_db):
    voices, turns = talk
    channels = microphones(voices, leak_db=leak_db, gain_db=gain_db, room_db=room_db)
    assert diarizer.crosstalk_db(channels) == pytest.approx(-leak_db, abs=0.5)
    found = diarizer.diarize(channels)
    frames = channels.shape[1] // 160
    errors = edge_errors(found.turns, turns)
    print(f"{leak_db} dB: edges median {np.median(errors):.3f} s, max {errors.max():.3f} s")
    assert np.median(errors) <= 0.01
    assert np.mean(errors <= 0.05) >= (0.95 if leak_db <= -12 else 0.9)
    assert errors.max() <= 0.1  # a soft end under the other's voice
    assert other_s(found.turns, turns, frames) == 0
    assert not held(found.exclusive, frames).all(axis=0).any()
    both = held(turns, frames).all(axis=0)
    assert held(found.turns, frames)[:, both].mean() >= 0.9  # overlap is kept
    assert held(found.exclusive, frames)[:, both].any(axis=0).mean() >= 0.95


def echoing(voices, leak_db, seed):
    """As in a room: 0.4 s of reverberation, more of it on the way to the other's microphone."""
    rng = np.random.default_rng(seed)
    heard = np.zeros(voices.shape)
    for row in (0, 1):
        for voice, gain_db, tail_db in ((voices[row], 0, -15), (voices[1 - row], leak_db, 3)):
            tail = rng.standard_normal(6400) * 10 ** (-3 * np.arange(6400) / 6400)
            answer = tail / np.linalg.norm(tail) * 10 ** (tail_db / 20)
            answer[32] += 1
            answer *= 10 ** (gain_db / 20) / np.linalg.norm(answer)
            heard[row] += fftconvolve(voice, answer)[: voice.size]
    return (heard + 10**-3 * rng.standard_normal(voices.shape)).astype(np.float32)


@pytest.mark.parametrize(("leak_db", "most_s"), [(-9, 0.2), (-12, 0.2), (-20, 0.6)])
def test_an_echoing_room_confuses_nobody(diarizer, talk, leak_db, most_s):
    voices, turns = talk
    channels = echoing(voices, leak_db, seed=0)
    assert diarizer.crosstalk_db(channels) == pytest.approx(-leak_db, abs=2)
    found = diarizer.diarize(channels).turns
    frames = channels.shape[1] // 160
    assert other_s(found, turns, frames) <= most_s  # the tails of the own voice
    far = held(found, frames) & ~held(turns, frames, wider_s=0.25)
    assert far.sum() == 0


def test_the_same_on_both_channels_is_no_separation(diarizer, talk):
    mix = talk[0].sum(axis=0)
    rng = np.random.default_rng(0)
    for gain, noise in ((1.0, 0.0), (0.3, 0.0), (1.0, 0.003), (0.3, 0.003)):
        channels = np.stack([mix, gain * mix]) + noise * rng.standard_normal((2, mix.size))
        found = diarizer.crosstalk_db(channels.astype(np.float32))
        assert found == pytest.approx(0, abs=1), (gain, noise)


def test_one_who_says_all_there_is_shows_no_separation(diarizer, talk):
    alone = talk[0] * np.array([[1], [0]], np.float32)
    assert diarizer.crosstalk_db(microphones(alone, leak_db=-12)) == pytest.approx(0, abs=1)


def test_a_microphone_that_was_off_is_unknown_not_perfect(diarizer, talk):
    voices, turns = talk
    off = np.stack([voices.sum(axis=0), np.zeros(voices.shape[1])]).astype(np.float32)
    hiss = off.copy()
    hiss[1] = 10**-3 * np.random.default_rng(0).standard_normal(hiss.shape[1])
    for channels in (off, hiss):
        assert diarizer.crosstalk_db(channels) is None
    found = diarizer.diarize(off)
    assert {one.speaker for one in found.turns} == {0}
    spoken = held(turns, off.shape[1] // 160).any(axis=0)
    assert held(found.turns, spoken.size)[0][spoken].mean() >= 0.9


def test_two_who_talk_at_once_all_the_time(diarizer, shared_data):
    path = shared_data / "speech" / "two_party" / "stereo_diarization.wav"
    channels = np.stack(decode_audio(str(path), split_stereo=True))
    assert diarizer.crosstalk_db(channels) >= 20
    found = diarizer.diarize(channels).turns
    assert [one.speaker for one in found] == [0, 1, 0]
    times = [(one.start_s, one.end_s) for one in found]
    np.testing.assert_allclose(times, [(0.3, 2.4), (0.35, 2.7), (2.7, 4.5)], atol=0.06)


def test_nothing_comes_of_nothing(diarizer):
    for size in (0, 100, RATE):
        channels = np.zeros((2, size), np.float32)
        assert diarizer.crosstalk_db(channels) is None
        assert diarizer.diarize(channels).turns == ()


@pytest.mark.parametrize(
    "channels",
    [np.zeros(100, np.float32), np.zeros((3, 100), np.float32), np.zeros((2, 100)),
     np.full((2, 100), np.nan, np.float32)],
)  # fmt: skip
def test_what_is_not_two_channels_is_refused(diarizer, channels):
    with pytest.raises(EngineInputError, match=r"Channels h"):
        diarizer.diarize(channels)


def test_the_fingerprint_holds_every_option():
    usual = channel_diarizer_fingerprint()
    assert channel_diarizer_fingerprint(ChannelDiarizerOptions(reach_s=0.2)) != usual
    assert [name for name, _ in usual.weights] == ["silero-vad"]
