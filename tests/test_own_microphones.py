"""A microphone for each person, from files to roles: real engines, planned gaps."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import needs_embedded_weights

from flows import engines
from models.base import Diarization, SpeakerInterval
from pipeline.config import load_profile
from pipeline.paperwork.session_toml import load_session
from pipeline.results.execute import Job, run_stage
from pipeline.results.store import Store
from pipeline.stages import STAGES
from tests.made.channels import GAPS, RATE, microphones, scripted
from tests.made.media import session, write_media

pytestmark = needs_embedded_weights
UP_TO_ROLES = ("ingest", "diarize", "transcribe", "turns", "roles")
ONE_FILE = '[[media]]\nfile = "a.wav"\nhears = ["client", "therapist"]\n'
TWO_FILES = (
    '[[media]]\nfile = "therapist.wav"\nhears = ["therapist"]\noffset_s = -1.5\n'
    '[[media]]\nfile = "client.wav"\nhears = ["client"]\noffset_s = 0.0\n'
)
LEAK_DB = -12.0


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("espeakng_loader", reason="the demo's synthesiser is not installed")
    (tmp_path / "S01").mkdir()
    return tmp_path / "S01"


def wave(path, samples):
    write_media(path, [(0.0, samples)], codec="pcm_s16le", rate=RATE)


def worked_through(folder, media):
    """The job after the stages up to `roles`, and its tables as rows."""
    recording = session(folder, media)
    job = Job(
        spec=load_session(folder),
        folder=folder,
        refused={},
        profile=load_profile(None),
        store=Store(folder.parent / "store"),
        recording=recording,
    )
    job.hash_sources()
    for stage in STAGES:
        if stage.name in UP_TO_ROLES:
            run_stage(job, stage, describe=engines.describe, build=engines.build)
    written = {table: stage.name for stage in STAGES for table in stage.writes}
    return job, {
        name: job.store.table(job.session, job.done[made], name).to_pylist()
        for name, made in written.items()
        if made in UP_TO_ROLES
    }


def figure(tables, measure):
    (row,) = (row for row in tables["quality"] if row["measure"] == measure)
    return row


def offsets(tables):
    """Role and floor transfer offset of each turn that takes the floor."""
    role = {row["speaker"]: row["role"] for row in tables["roles"]}
    held = sorted(tables["speaker_turns"], key=lambda row: row["start_s"])
    return [(role[row["speaker"]], row["fto_s"]) for row in held if row["takes_floor"]]


def check(tables):
    """Every planned gap is found, between the right people."""
    assert {(row["confidence"], row["method"]) for row in tables["roles"]} == {(1.0, "channel")}
    found = offsets(tables)
    expected = [("client", "therapist")[i % 2] for i in range(len(GAPS) + 1)]
    assert [role for role, _ in found] == expected
    errors = np.abs([offset - gap for (_, offset), gap in zip(found[1:], GAPS, strict=True)])
    print(f"fto: median error {np.median(errors):.3f} s, largest {errors.max():.3f} s")
    assert np.median(errors) <= 0.02
    assert errors.max() <= 0.1


def test_one_file_with_a_channel_each(folder):
    voices, _ = scripted()
    wave(folder / "a.wav", microphones(voices, leak_db=LEAK_DB, gain_db=-6.0))
    job, tables = worked_through(folder, ONE_FILE)
    row = figure(tables, "crosstalk_db")
    assert row["value"] == pytest.approx(-LEAK_DB, abs=0.5)
    assert row["quality"] == "ok"
    check(tables)
    engine = job.done["diarize"].made["engine"]
    assert engine.startswith("channel-levels, else pyannote-embedded")
    assert "pyannote-segmentation-3" in engine


def test_a_file_each_at_its_own_offset(folder):
    voices, _ = scripted()
    client, therapist = microphones(voices, leak_db=LEAK_DB)
    wave(folder / "client.wav", client)
    wave(folder / "therapist.wav", np.concatenate([np.zeros(RATE * 3 // 2, np.float32), therapist]))
    _, tables = worked_through(folder, TWO_FILES)
    assert figure(tables, "audio_unshared_s")["value"] == pytest.approx(0, abs=0.001)
    check(tables)


def test_the_loudest_channel_decides_about_clipping(folder):
    voices, _ = scripted()
    channels = microphones(voices, leak_db=LEAK_DB)
    wave(folder / "a.wav", np.clip(channels * np.array([[30.0], [1.0]]), -1, 1).astype(np.float32))
    _, tables = worked_through(folder, ONE_FILE)
    assert figure(tables, "audio_clip_prop")["quality"] == "degraded"


class Voices:
    """Stands in for the diarizer of mixed sound."""

    def __init__(self, turns):
        self.turns = turns

    def diarize(self, audio, *, num_speakers, most_speakers, progress):
        found = tuple(SpeakerInterval(t.start_s, t.end_s, 1 - t.row) for t in self.turns)
        return Diarization(found, found)


def test_microphones_that_hear_both_are_said_to_and_not_believed(folder, monkeypatch):
    voices, turns = scripted()
    monkeypatch.setattr(engines, "_build_diarizer", lambda _job: Voices(turns))
    monkeypatch.setattr("models.weights.catalog.find_whisper", lambda _language=None: None)
    wave(folder / "a.wav", microphones(voices, leak_db=-3.0))
    _, tables = worked_through(folder, ONE_FILE)
    row = figure(tables, "crosstalk_db")
    assert row["value"] == pytest.approx(3.0, abs=0.5)
    assert row["quality"] == "degraded"
    assert "by voice in the mix" in row["description"]
    assert {row["method"] for row in tables["roles"]} == {"none"}
    assert len(offsets(tables)) == len(turns)
