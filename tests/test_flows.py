"""Preparing, composing and summing up, without Prefect and without engines."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from conftest import ROOT

from flows.cli import main
from flows.engines import check_device, describe
from flows.lock import alone
from flows.prepare import Outcome, Work, prepare, session_folders
from flows.summary import as_data, as_markdown, exit_code, write_summary
from flows.work import stay_on_this_machine
from models.base import Fingerprint
from models.errors import WeightMissingError
from pipeline.errors import ConfigError, InputError
from pipeline.session import public_name
from pipeline.settings import Profile
from pipeline.stage import Absence, Missing
from pipeline.views import Output

SESSION = """
[session]
dyad = "D07"
number = 5
client = "C07"
therapist = "T02"

[[media]]
file = "room.wav"
hears = ["mixed"]
"""


RUN = "20261122T164748-a26d"


def recordings(tmp_path, **texts):
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "room.wav").write_bytes(b"RIFF")
        if text is not None:
            (tmp_path / name / "session.toml").write_text(text)
    return tmp_path


def prepared(place, out):
    return prepare(
        session_folders(place),
        consent=place / "consent.toml",
        profile=Profile(),
        output=Output(out),
        run_id="run",
        day=dt.date(2026, 3, 2),
    )


def work_with(tmp_path, **states):
    work = Work(RUN, Output(tmp_path), Profile())
    for session_id, state in states.items():
        work.outcomes[public_name(session_id)] = Outcome(session_id, state, "why")
    return work


def test_without_a_register_everything_is_held_back_and_nothing_opened(tmp_path):
    work = prepared(recordings(tmp_path, D0705=SESSION), tmp_path / ".out")
    (outcome,) = work.outcomes.values()
    assert outcome.state == "held_back"
    assert "no consent register consent.toml" in outcome.sentence
    assert not (tmp_path / ".out" / "store").exists()


def test_a_folder_without_session_toml_is_in_the_summary(tmp_path):
    work = prepared(recordings(tmp_path, D0705=None), tmp_path / ".out")
    (outcome,) = work.outcomes.values()
    assert outcome.state == "failed"
    assert "session.toml" in outcome.sentence


def test_a_register_that_cannot_be_opened_stops_before_anything(tmp_path):
    recordings(tmp_path, D0705=SESSION)
    (tmp_path / "consent.toml").mkdir()
    with pytest.raises(InputError, match="name a file"):
        prepared(tmp_path, tmp_path / ".out")


@pytest.mark.parametrize(
    ("states", "asked", "code"),
    [
        ({"a01": "done"}, True, 0),
        ({"a01": "done", "a02": "held_back"}, False, 0),
        ({"a01": "done", "a02": "held_back"}, True, 3),
        ({"a01": "failed"}, True, 2),
    ],
)
def test_exit_codes(tmp_path, states, asked, code):
    assert exit_code(work_with(tmp_path, **states), asked_for_sessions=asked) == code


def test_some_failed_is_one(tmp_path):
    work = work_with(tmp_path, a01="failed", a02="done")
    work.jobs["s-started"] = None
    assert exit_code(work, asked_for_sessions=True) == 1


def test_prefect_is_told_public_names_only(tmp_path):
    work = work_with(tmp_path, D0705="done")
    (outcome,) = work.outcomes.values()
    outcome.absences = (Absence("video", "no_consent", "client C07: withdrawn"),)
    text = as_markdown(work)
    assert public_name("D0705") in text
    assert "D0705" not in text
    assert "C07" not in text


def test_the_summary_is_written_for_people_and_programs(tmp_path):
    work = work_with(tmp_path, D0705="failed")
    write_summary(work)
    page = (tmp_path / "runs" / RUN / "summary.html").read_text()
    data = json.loads((tmp_path / "runs" / RUN / "summary.json").read_text())
    assert "D0705" in page
    assert data == as_data(work)


def test_the_summary_leads_to_the_reports_and_says_what_to_do(tmp_path):
    work = work_with(tmp_path, **{"D 07#5": "done", "D0706": "failed"})
    done = work.outcomes[public_name("D 07#5")]
    done.report = work.output.latest("D 07#5") / "report.html"
    done.absences = (Absence("video", "no_consent", "The client declined.", "Register: C07."),)
    write_summary(work)
    page = (tmp_path / "runs" / RUN / "summary.html").read_text()
    assert '<a href="session=D%2007%235/report.html">D 07#5</a>' in page
    assert page.count("<a ") == 1
    assert "<h1>Night of 22 November 2026</h1>" in page
    assert page.count("<th scope=col>") == 3
    assert "The client declined. Register: C07." in page


def test_one_writer_per_output_folder(tmp_path):
    with alone(tmp_path), pytest.raises(InputError, match="in use"), alone(tmp_path):
        pass


def test_prefect_may_not_point_off_the_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_URL", "https://api.example.org/api")
    with pytest.raises(ConfigError, match=r"api\.example\.org"):
        stay_on_this_machine(tmp_path)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    stay_on_this_machine(tmp_path)


def test_an_absent_device_is_refused_before_planning(monkeypatch):
    monkeypatch.setattr("models.device._why_no_cuda", lambda: "no driver")
    profile = Profile.model_validate({"execution": {"device": "cuda"}})
    with pytest.raises(ConfigError, match=r"execution\.device"):
        check_device(profile)


class Session:
    """As much of a job as `describe` looks at."""

    def __init__(self, *, transcript=None, shows=()):
        self.profile = Profile()
        self.spec = self
        self.transcript = transcript
        self.media = [self]
        self.shows = shows


def test_a_session_that_brings_its_transcript_needs_no_recogniser():
    assert describe("transcriber", Session(transcript="t.vtt")) is None
    assert describe("face_tracker", Session()) is None


def test_missing_weights_make_a_modality_absent(monkeypatch):
    def missing(name):
        raise WeightMissingError(f"{name} is not here")

    monkeypatch.setattr("models.weights.catalog.locate", missing)
    described = describe("face_tracker", Session(shows=("client",)))
    assert isinstance(described, Missing)
    assert described.reason == "no_weights"


def test_fingerprints_are_known_without_loading():
    assert isinstance(describe("clip_cutter", Session()), Fingerprint)


def test_errors_reach_a_person_as_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["thinslice", "report", str(ROOT / "nowhere")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("thinslice: no finished session")
    assert len(message.splitlines()) == 1
