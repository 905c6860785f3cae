"""Preparing, composing and summing up, without engines; Prefect is imported by one test."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
from types import SimpleNamespace

import pytest
from conftest import ROOT

from flows import disk, faults, supervise
from flows.cli import main
from flows.deploy import serve_nightly
from flows.engines import check_device, describe
from flows.folders import session_folders
from flows.lock import alone
from flows.messages import PrefectFailed
from flows.prepare import Outcome, Work, prepare
from flows.progress import Board
from flows.publish import finish
from flows.summary import as_data, as_markdown, exit_code, write_summary
from flows.work import stay_on_this_machine, work_through
from models.base import Fingerprint
from models.errors import WeightMissingError
from pipeline.errors import ConfigError, InputError
from pipeline.paperwork.consent import Record, append_record
from pipeline.paperwork.session import public_name
from pipeline.profile import Profile
from pipeline.results.views import Output
from pipeline.stage import Absence, Missing
from pipeline.stages import STAGES

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


def granted(place):
    for person, role in (("C07", "client"), ("T02", "therapist")):
        append_record(
            place / "consent.toml",
            Record(
                person=person,
                role=role,
                scopes=["record", "analyse_audio"],
                decision="granted",
                date=dt.date(2026, 1, 1),
            ),
        )
    return place


def night_of(place, out):
    return work_through(
        session_folders(place),
        consent=place / "consent.toml",
        profile=Profile(),
        out=out,
        board=Board(),
    )


def refusing(code):
    """Something that the file system refuses, whatever it is called with."""

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    return refuse


def said_by(monkeypatch, capsys, *words):
    """Exit code and standard error of the command."""
    monkeypatch.setattr("sys.argv", ["thinslice", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code, capsys.readouterr().err


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

    def __init__(self, *, transcript=None, shows=(), folder=None):
        self.profile = Profile()
        self.recording = SimpleNamespace(path=lambda file: folder / file)
        self.spec = self
        self.transcript = transcript
        self.media = [self]
        self.shows = shows


def test_a_session_that_brings_its_transcript_needs_no_recogniser(tmp_path):
    named = SimpleNamespace(file="t.vtt")
    brings = Session(transcript=named, folder=tmp_path)
    (tmp_path / "t.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nYes.\n")
    assert describe("transcriber", brings) is None
    (tmp_path / "t.vtt").write_bytes(b"no captions at all")
    assert describe("transcriber", brings) is not None
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


def test_an_unreadable_recording_fails_and_leaves_the_latest_results(tmp_path, monkeypatch):
    granted(recordings(tmp_path, D0705=SESSION))
    latest = Output(tmp_path / ".out").latest("D0705")
    latest.mkdir(parents=True)
    (latest / "report.html").touch()
    monkeypatch.setattr("pipeline.results.execute.sha256_of", refusing(errno.EACCES))
    work = night_of(tmp_path, tmp_path / ".out")
    (outcome,) = work.outcomes.values()
    assert outcome.state == "failed"
    assert "a file of the session cannot be read: Permission denied" in outcome.sentence
    assert (latest / "report.html").exists()


def test_half_a_session_is_never_shown(tmp_path):
    granted(recordings(tmp_path, D0705=SESSION))
    work = prepared(tmp_path, tmp_path / ".out")
    ((name, job),) = work.jobs.items()
    assert job.done == {}
    finish(work, name, 0.0)
    assert work.outcomes[name].state == "failed"
    assert not (tmp_path / ".out" / "runs").exists()


def test_a_full_disk_is_said_and_the_night_ends_with_1(tmp_path, monkeypatch, capsys):
    recordings(tmp_path, D0705=SESSION)
    monkeypatch.setattr("pipeline.results.store.os.fsync", refusing(errno.ENOSPC))
    code, said = said_by(monkeypatch, capsys, "nightly", tmp_path, "--out", tmp_path / ".out")
    assert code == 1
    assert "the disk of --out is full; the summary could not be written" in " ".join(said.split())
    left = [path for path in (tmp_path / ".out").rglob("*") if path.is_file()]
    assert [path.name for path in left] == [".lock"]


def test_a_fault_in_planning_one_session_stops_no_other(tmp_path, monkeypatch):
    granted(recordings(tmp_path, D0705=SESSION, D0706=SESSION))

    def planned(job, _):
        if job.spec.id == "D0705":
            raise ZeroDivisionError
        job.hash_sources()
        return []

    monkeypatch.setattr("flows.prepare.plan", planned)
    work = prepared(tmp_path, tmp_path / ".out")
    (outcome,) = work.outcomes.values()
    assert outcome.sentence.startswith("it could not be looked at: ZeroDivisionError")
    assert list(work.jobs) == [public_name("D0706")]
    trace = work.output.store.problems(public_name("D0705")) / "prepare.txt"
    assert "ZeroDivisionError" in trace.read_text()


def test_a_full_disk_while_preparing_is_no_unreadable_file(tmp_path, monkeypatch):
    granted(recordings(tmp_path, D0705=SESSION))
    monkeypatch.setattr("pipeline.results.store.os.fsync", refusing(errno.ENOSPC))
    (outcome,) = prepared(tmp_path, tmp_path / ".out").outcomes.values()
    assert outcome.sentence == disk.FULL


def test_when_prefect_fails_each_session_says_so(tmp_path, monkeypatch):
    granted(recordings(tmp_path, D0705=SESSION))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / ".prefect"))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")  # there is a server already

    def shift(work, _left, board, *_):
        return supervise._heard(PrefectFailed("OSError"), None, work, board)

    monkeypatch.setattr(supervise, "_shift", shift)
    work = night_of(tmp_path, tmp_path / ".out")
    (outcome,) = work.outcomes.values()
    assert (outcome.state, work.unwritten) == ("failed", "")
    assert outcome.sentence.startswith("Prefect stopped with OSError")
    assert list((tmp_path / ".out").glob("runs/*/summary.json"))


def test_a_stage_that_meets_a_full_disk_with_no_room_for_its_trace(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "write_atomically", refusing(errno.ENOSPC))
    faults.keep_trace(Output(tmp_path).store, "s-1", "face", "trace")
    (face,) = (stage for stage in STAGES if stage.name == "face")
    why = faults.why_failed(face, OSError(errno.ENOSPC, ""))
    assert faults.as_failure(why) == f"face stopped: {disk.FULL}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "D0705", "--out", "a_file"), "--out a_file: File exists"),
        (("run", "D0705", "--out", "/proc/x"), "--out /proc/x: No such file"),
        (("run", "D0705", "--profile", ".."), "..: Is a directory"),
        (("serve", "nowhere"), "no folder nowhere"),
        (("serve", ".", "--consent", "a_file"), "not TOML"),
        (("serve", ".", "--out", "a_file"), "--out a_file: Not a directory"),
        (("consent", "grant", "", "--role", "client"), "the pseudonym is empty"),
        (
            ("consent", "grant", "C04", "--role", "client", "--consent", "nowhere/c.toml"),
            "--consent nowhere/c.toml: No such file",
        ),
        (
            ("consent", "grant", "C04", "--role", "client", "--expires", "2026-01-01"),
            "--expires 2026-01-01 is not after today",
        ),
        (("consent", "list", "--consent", ".."), "--consent ..: Is a directory"),
    ],
)
def test_wrong_input_is_one_sentence_and_2(tmp_path, monkeypatch, capsys, words, said):
    recordings(tmp_path, D0705=SESSION)
    (tmp_path / "a_file").write_text("no register")
    monkeypatch.chdir(tmp_path)
    code, message = said_by(monkeypatch, capsys, *words)
    assert code == 2
    assert said in message
    assert len([line for line in message.splitlines() if "until then" not in line]) == 1


@pytest.mark.parametrize("cron", ["0 2 * *", "0 25 * * *", "0 2 * * * 0", "h 2 * * *"])
def test_a_wrong_cron_starts_nothing(tmp_path, monkeypatch, capsys, cron):
    def started(*_):
        raise AssertionError("a server was started")

    monkeypatch.setattr("flows.deploy.prefect_server", started)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / ".prefect"))
    monkeypatch.setenv("PREFECT_API_URL", "")  # so that what is set is forgotten afterwards
    with pytest.raises(InputError, match=r"--cron .*: five fields, e\.g\. 0 2 \* \* \*"):
        serve_nightly(tmp_path, out=tmp_path / ".out", profile=None, consent=None, cron=cron)
    assert "until then every session is held back" in capsys.readouterr().err
