"""How sure the diarizers are: scores of windows by hand, and microphones with planted leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyannote.audio
import pytest
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio
from pyannote.core import SlidingWindow, SlidingWindowFeature

from models.speech.detector import SileroSpeechDetector
from models.voices.channel_diarizer import ChannelDiarizer
from models.voices.embedded_diarizer import EmbeddedDiarizer
from models.voices.voice_posterior import VoicePosterior, voice_posterior
from tests.made.channels import microphones, scripted

FRAMES = SlidingWindow(duration=0.1, step=0.1)


def windows(scores):
    """Windows of 1 s every 0.5 s, ten frames each."""
    return SlidingWindowFeature(np.array(scores, float), SlidingWindow(duration=1.0, step=0.5))


def test_the_mean_is_over_all_windows_that_see_a_frame():
    agree, lost = np.full((10, 2), [0.9, np.nan]), np.full((10, 2), [np.nan, 0.8])
    found = voice_posterior(windows([agree, agree, lost]), FRAMES)
    assert found.scores.shape == (20, 2)
    assert found.scores[:10, 0] == pytest.approx(np.full(10, 0.9))
    assert found.scores[10:15] == pytest.approx(np.full((5, 2), [0.45, 0.4]))
    assert found.scores[15:] == pytest.approx(np.full((5, 2), [0.0, 0.8]))


def test_a_turn_is_the_mean_of_its_frames():
    scores = np.column_stack([np.linspace(0.1, 1.0, 10), np.zeros(10)])
    found = voice_posterior(windows([scores]), FRAMES)
    assert found.mean(0, 0.05, 0.35) == pytest.approx(0.2)  # frames in the middle of which 0.05..
    assert found.mean(0, 0.0, 1.0) == pytest.approx(0.55)
    assert found.mean(0, 5.0, 6.0) is None


@pytest.fixture(scope="module")
def by_channel():
    return ChannelDiarizer(SileroSpeechDetector())


@needs_embedded_weights
@pytest.mark.parametrize("leak_db", [-20.0, -10.0])
def test_microphones_that_keep_voices_apart_are_sure(by_channel, leak_db):
    voices, turns = scripted()
    found = by_channel.diarize(microphones(voices, leak_db=leak_db)).turns
    sure = np.array([turn.confidence for turn in found])
    print(f"leak {leak_db} dB: median {np.median(sure):.3f}, least {sure.min():.3f}")
    assert ((sure >= 0.7) & (sure <= 1.0)).all()
    assert len(found) >= len(turns)


@needs_embedded_weights
def test_a_silent_microphone_leaves_it_unknown(by_channel):
    voices, _ = scripted()
    voices[1] = 0.0
    found = by_channel.diarize(microphones(voices, leak_db=-90.0, room_db=-90.0)).turns
    assert {turn.confidence for turn in found} == {None}


@needs_embedded_weights
def test_voices_in_a_mix_are_mostly_sure():
    """Two people on the telephone, 30 s: every stretch has a figure, overlapped ones the least."""
    audio = decode_audio(str(Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"))
    found = EmbeddedDiarizer().diarize(audio, num_speakers=2)
    sure = np.array([turn.confidence for turn in found.turns], float)
    length_s = [turn.end_s - turn.start_s for turn in found.turns]
    usual = np.average(sure, weights=length_s)
    print(f"mean {usual:.2f}, least {sure.min():.2f}")
    assert ((sure > 0.0) & (sure <= 1.0)).all()
    assert usual > 0.8
    both = [
        one.confidence
        for one in found.turns
        for other in found.turns
        if other.speaker != one.speaker
        and other.start_s <= one.start_s
        and one.end_s <= other.end_s
    ]
    assert both
    assert np.median(both) < usual


def test_a_voice_that_no_window_names_is_not_heard() -> None:
    """pyannote may count more people than it told apart, and adds voices without a window."""
    frames = SlidingWindow(start=0.0, duration=0.02, step=0.01)
    found = VoicePosterior(np.ones((100, 1), np.float32), frames)
    assert found.mean(0, 0.2, 0.6) == 1.0
    assert found.mean(1, 0.2, 0.6) == 0.0
