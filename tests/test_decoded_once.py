"""Audio is decoded once in a run, however many stages hear it, and never for a repeat."""

from __future__ import annotations

import pytest

from models.base import Diarization, Fingerprint, Interval, SpeakerInterval
from pipeline.media import recording as media
from pipeline.paperwork.session_toml import load_session
from pipeline.profile import Profile
from pipeline.results.execute import Job, plan, run_stage
from pipeline.results.store import Store
from pipeline.stage import Missing
from pipeline.stages import STAGES
from tests.made.media import bursts, session, write_media

HEARING = ("ingest", "diarize", "prosody")  # the stages that read audio here
SPOKEN = [(0.5, 4.0, 0), (5.0, 9.0, 1)]


class Voices:
    """Speech detector and diarizer that know the truth."""

    def speech(self, audio):
        assert audio.size
        return tuple(Interval(start_s, end_s) for start_s, end_s, _ in SPOKEN)

    def diarize(self, audio, *, num_speakers, most_speakers=None, progress):
        assert audio.size
        turns = tuple(SpeakerInterval(*one) for one in SPOKEN)
        return Diarization(turns, turns)


def describe(role, _job):
    if role in {"speech_detector", "diarizer"}:
        return Fingerprint("made", "1")
    return Missing("no_weights", "Not needed here.")


def job(folder, store):
    recording = session(folder, '[[media]]\nfile = "room.wav"\nhears = ["mixed"]\n')
    return Job(
        spec=load_session(folder),
        folder=folder,
        refused={},
        profile=Profile(),
        store=store,
        recording=recording,
    )


@pytest.fixture
def decodes(monkeypatch):
    """Every call that decodes audio."""
    made = []
    real = media.decode_stream

    def noted(path, *rest):
        made.append(path.name)
        return real(path, *rest)

    monkeypatch.setattr(media, "decode_stream", noted)
    return made


def work_through(one):
    plan(one, describe)
    for stage in STAGES:
        run_stage(one, stage, describe=describe, build=lambda *_: Voices())


def test_once_for_all_stages_and_never_for_a_repeat(tmp_path, decodes):
    folder = tmp_path / "S01"
    folder.mkdir()
    sound = bursts(12.0, [0.5 + 0.1 * i for i in range(35)] + [5.0 + 0.1 * i for i in range(40)])
    write_media(folder / "room.wav", [(0.0, sound)], codec="pcm_s16le")
    first = job(folder, Store(tmp_path / "store"))
    work_through(first)
    assert set(HEARING) <= first.computed
    assert decodes == ["room.wav"]
    again = job(folder, Store(tmp_path / "store"))
    work_through(again)
    assert again.computed == set()
    assert decodes == ["room.wav"]
    again.recording.forget_audio()
    assert again.recording.audio.size
    assert decodes == ["room.wav", "room.wav"]
