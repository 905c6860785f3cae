"""The diarize stage: rows as the engine gives them, and absences where there is nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from models.base import Diarization, SpeakerInterval
from pipeline.settings import DiarizeSettings
from pipeline.stage import Inputs, Missing
from pipeline.stages import diarize
from pipeline.tables import DIARIZATION, SPEECH, VOICES
from pipeline.voice.microphones import OwnMicrophones

SPOKEN = SPEECH.build({"session_id": ["S01"], "start_s": [0.0], "end_s": [9.0]})
A, B = 0, 1


class Planted:
    """Gives back what a test planted."""

    def __init__(self, turns, exclusive):
        self.found = Diarization(tuple(turns), tuple(exclusive))
        self.asked = []

    def diarize(self, audio, *, num_speakers, most_speakers, progress):
        self.asked.append((audio.size, num_speakers, most_speakers))
        return self.found


def run(engine, speech=SPOKEN):
    channels = np.zeros((2, 160_000), np.float32)
    recording = SimpleNamespace(
        audio=channels[0], microphones_off=(), audio_channels=lambda: channels
    )
    inputs = Inputs(SimpleNamespace(id="S01"), recording, {"speech": speech})
    outputs = diarize.run(inputs, engine, DiarizeSettings())
    DIARIZATION.check(outputs.tables["diarization"])
    VOICES.check(outputs.tables["voices"])
    return outputs


def test_both_kinds_of_stretches_are_kept_and_cut_to_the_recording():
    turns = [
        SpeakerInterval(-0.1, 4.0, A),
        SpeakerInterval(3.5, 10.4, B),
        SpeakerInterval(10.1, 11, A),
    ]
    exclusive = [SpeakerInterval(0.0, 4.0, A), SpeakerInterval(4.0, 10.0, B)]
    engine = Planted(turns, exclusive)
    rows = run(engine).tables["diarization"].to_pylist()
    kept = [(r["start_s"], r["end_s"], r["speaker"], r["exclusive"]) for r in rows]
    assert kept == [(0, 4, A, False), (3.5, 10, B, False), (0, 4, A, True), (4, 10, B, True)]
    assert engine.asked == [(160_000, 2, 6)]


def test_how_sure_the_engine_is_reaches_the_table():
    sure = [SpeakerInterval(0.0, 4.0, A, 0.75), SpeakerInterval(4.0, 9.0, B)]
    rows = run(Planted(sure, sure)).tables["diarization"].to_pylist()
    assert [row["confidence"] for row in rows] == [0.75, None] * 2


def test_one_voice_is_told():
    one = [SpeakerInterval(0.0, 4.0, A)]
    outputs = run(Planted(one, one))
    assert outputs.tables["diarization"].num_rows == 2
    (told,) = outputs.absences
    assert (told.modality, told.reason) == ("voices", "one_voice")
    assert "Only one voice" in told.sentence


@pytest.mark.parametrize("third_s", [0.4, 5.0])
def test_a_third_voice_is_kept_apart_and_told_with_shares(third_s):
    talk = [
        SpeakerInterval(0.0, 4.0, A),
        SpeakerInterval(4.0, 10.0, B),
        SpeakerInterval(3.0, 3.0 + third_s, 2),
    ]
    outputs = run(Planted(talk, talk))
    voices = outputs.tables["voices"].to_pylist()
    longest = sorted(((4.0, A), (6.0, B), (third_s, 2)), reverse=True)
    assert [row["speech_s"] for row in voices] == pytest.approx([s for s, _ in longest])
    assert sum(row["speech_share"] for row in voices) == pytest.approx(1)
    (told,) = outputs.absences
    assert (told.modality, told.reason) == ("voices", "more_voices")
    shares = ", ".join(f"{row['speech_share']:.0%}" for row in voices[:2])
    assert f"3, with {shares} and {voices[2]['speech_share']:.0%} of the speech" in told.sentence
    assert {row["speaker"] for row in outputs.tables["diarization"].to_pylist()} == {A, B, 2}


def test_two_voices_are_nothing_to_tell():
    talk = [SpeakerInterval(0.0, 4.0, A), SpeakerInterval(4.0, 4.3, B)]
    outputs = run(Planted(talk, talk))
    assert outputs.absences == ()
    assert outputs.tables["voices"].column("speaker").to_pylist() == [A, B]


def test_without_engine_speech_or_voices_it_is_absent():
    engine = Planted([SpeakerInterval(0.0, 4.0, A)], [])
    cases = [
        (run(Missing("no_weights", "No weights.")), "no_weights"),
        (run(engine, SPEECH.empty()), "no_speech"),
        (run(Planted([], [])), "no_speech"),
    ]
    for outputs, reason in cases:
        assert outputs.tables["diarization"].num_rows == 0
        assert [(a.modality, a.reason) for a in outputs.absences] == [("turns", reason)]
    assert engine.asked == []  # silence is not handed to the engine


class PlantedChannels:
    """Channels with the crosstalk and the turns that a test planted."""

    def __init__(self, crosstalk_db, *turns):
        self.crosstalk = crosstalk_db
        self.found = Diarization(turns, turns)

    def crosstalk_db(self, channels, off=()):
        assert channels.shape == (2, 160_000)
        return self.crosstalk

    def diarize(self, channels, *, off=(), progress):
        return self.found


def never():
    raise AssertionError("the channels keep the voices apart")


def spans(outputs):
    rows = outputs.tables["diarization"].to_pylist()
    return [(r["start_s"], r["end_s"], r["speaker"]) for r in rows if not r["exclusive"]]


def test_channels_that_keep_the_voices_apart_are_believed_edges_and_all():
    by_channel = PlantedChannels(6.0, SpeakerInterval(0.0, 4.0, B), SpeakerInterval(3.5, 10.4, A))
    outputs = run(OwnMicrophones(by_channel, never))
    assert spans(outputs) == [(0.0, 4.0, B), (3.5, 10.0, A)]
    assert outputs.absences == ()
    assert run(OwnMicrophones(PlantedChannels(20.0), never)).absences[0].reason == "no_speech"


def test_channels_that_do_not_leave_it_to_the_mix():
    mixed = Planted([SpeakerInterval(1.0, 2.0, A)], [])
    for crosstalk_db in (5.9, 0.0, None):
        by_channel = PlantedChannels(crosstalk_db, SpeakerInterval(0.0, 9.0, B))
        assert spans(run(OwnMicrophones(by_channel, lambda: mixed))) == [(1.0, 2.0, A)]
    assert len(mixed.asked) == 3
    outputs = run(OwnMicrophones(by_channel, lambda: Missing("no_weights", "No weights.")))
    assert outputs.absences[0].reason == "no_weights"
    assert outputs.absences[0].sentence == "The microphones hear both voices. No weights."


def test_the_mix_is_listened_to_with_faint_voices_raised():
    rng = np.random.default_rng(0)
    t = np.arange(160_000) / 16_000
    level_db = np.where(t < 4, -20.0, np.where((t > 6) & (t < 8), -60.0, -90.0))
    row = (10 ** (level_db / 20) * rng.standard_normal(t.size)).astype(np.float32)
    off = ((), ((5.0, 10.0),))
    recording = SimpleNamespace(
        audio=row, microphones_off=off, audio_channels=lambda: np.stack([row, row])
    )
    heard = []
    mixed = Planted([SpeakerInterval(1.0, 2.0, A)], [])
    mixed.diarize = lambda audio, **_: heard.append(audio) or mixed.found
    engine = OwnMicrophones(PlantedChannels(None), lambda: mixed)
    diarize.run(
        Inputs(SimpleNamespace(id="S01"), recording, {"speech": SPOKEN}), engine, DiarizeSettings()
    )
    (audio,) = heard
    faint = slice(104_000, 120_000)
    assert np.abs(audio[faint]).mean() > 10 * np.abs(row[faint]).mean()
