"""Stages that hang in C, grow, crash or are killed: the night goes on and leaves nothing behind."""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import json
import mmap
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT

from flows import NIGHT_VARIABLE, server, supervise, worker
from flows.folders import session_folders
from flows.limits import held_memory, memory_limit, stage_limit_s
from flows.prepare import Work
from flows.progress import Board
from flows.summary import exit_code
from flows.work import work_through
from pipeline.config import load_profile
from pipeline.paperwork.session import public_name
from pipeline.results.views import Output
from pipeline.results.withdraw import withdraw
from pipeline.settings import ExecutionSettings
from tests.made.night import planted, recordings

GIB = 2**30
LIMITS = "[execution]\nlimit_floor_s = {:.1f}\nlimit_factor = 0.01\nmemory = {:.4f}\nretries = 0\n"
MISFORTUNES = {
    "hangs": "it took longer than",
    "grows": "GiB of memory, execution.memory allows",
    "crashes": "its process died (SIGSEGV)",
    "killed": "its process died (SIGKILL)",
}
MET = list(MISFORTUNES) if os.environ.get("THINSLICE_FAULTS") else ["hangs", "crashes"]
"""`make faults` meets them all; each costs a new worker's start."""
NOBODY = "http://127.0.0.1:1/api"
"""Where Prefect's server would be if anybody asked it."""


def limits(place, *, seconds):
    whole = memory_limit(ExecutionSettings(memory=1.0))
    file = place.parent / "limits.toml"
    file.write_text(LIMITS.format(seconds, 1.0 * GIB / whole))
    return file


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """One night in which prosody meets everything that can happen, beside a good session."""
    base = tmp_path_factory.mktemp("night")
    place, out = recordings(base / "clinic", *MET, "well-01"), base / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("flows.prepare.describe", planted)
        patched.setattr(
            supervise, "WORKER", ("-m", "tests.made.planted_worker", "prosody", "plainly")
        )
        patched.setattr(supervise, "TRIES", 1)
        patched.setenv("PREFECT_API_URL", NOBODY)
        patched.setenv("PREFECT_HOME", str(base / "home"))
        return work_through(
            session_folders(place),
            consent=place / "consent.toml",
            profile=load_profile(limits(place, seconds=12.0)),
            out=out,
            board=Board(),
        )


@pytest.mark.parametrize("name", MET)
def test_what_has_to_be_ended_from_outside_is_a_fault_of_its_stage(night, name):
    outcome = night.outcomes[public_name(name)]
    assert outcome.state == "done_with_faults"
    (absence,) = outcome.absences
    assert (absence.modality, absence.reason) == ("prosody", "fault")
    assert absence.remedy.startswith("prosody was ended: ")
    assert MISFORTUNES[name] in absence.remedy
    trace = night.output.store.problems(public_name(name)) / "prosody.txt"
    if name in {"hangs", "grows", "crashes"}:
        assert f"in {name}\n" in trace.read_text() or "string_at" in trace.read_text()


def test_the_others_are_whole_and_the_night_says_so(night):
    assert night.outcomes[public_name("well-01")].state == "done"
    assert exit_code(night, asked_for_sessions=False) == 1
    folder = night.output.run_folder(night.run_id)
    said = json.loads((folder / "summary.json").read_text())["sessions"]
    assert [one["stages_run"] for one in said] == [14] * len(MET) + [15]


def test_nothing_half_written_and_no_process_is_left(night):
    assert [p for p in night.output.root.rglob(".*") if p.name != ".lock"] == []
    assert running(night.output.root.parent) == []


def is_alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def running(place):
    """Processes whose environment or command line names the place."""
    found = []
    for pid in (p.name for p in Path("/proc").glob("[0-9]*") if int(p.name) != os.getpid()):
        try:
            named = [Path(f"/proc/{pid}/{what}").read_bytes() for what in ("cmdline", "environ")]
        except OSError:
            continue
        if str(place).encode() in b"".join(named) and is_alive(pid):
            found.append(named[0])
    return found


def command(place, out, stage, *more):
    """The command as a person starts it, with planted engines and Prefect as it is."""
    words = ["-m", "tests.made.planted_command", stage, "nightly", str(place), "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "400", "CLINIC": str(place)}
    for name in ("PREFECT_API_URL", "PREFECT_HOME"):
        environment.pop(name, None)
    return subprocess.Popen(
        [sys.executable, *words, *map(str, more)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def until(met, seconds=240.0):
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A night of the whole command, asked to end while its last session hangs."""
    base = tmp_path_factory.mktemp("stopped")
    place, out = recordings(base / "clinic", "raises", "well-01", "z-hangs"), base / "out"
    child = command(place, out, "diarize", "--profile", limits(place, seconds=600))
    hung = out / "store" / public_name("z-hangs") / "ingest"
    until(lambda: list(hung.glob("*/manifest.json")))
    child.send_signal(signal.SIGTERM)
    said, told = child.communicate(timeout=60)
    until(lambda: not running(base), 10.0)  # Prefect's server and the worker are gone with it
    return {"out": out, "said": said, "told": told, "code": child.returncode}


def test_who_stops_a_night_still_gets_its_summary(stopped):
    lines = [line.split() for line in stopped["said"].splitlines()]
    assert [line[0] for line in lines] == ["session", "raises", "well-01", "z-hangs", "report", "1"]
    assert re.search(rf"z-hangs +failed .*{supervise.STOPPED}", stopped["said"])
    assert stopped["code"] == 1
    (page,) = stopped["out"].glob("runs/*/summary.html")
    assert supervise.STOPPED in page.read_text()


def test_the_terminal_is_ours(stopped):
    step = r"s-[0-9a-f]{8}  (\w+: (took [\d.]+ s|found)|failed; runs/\S+/summary\.html says why)"
    assert [x for x in stopped["told"].splitlines() if not re.fullmatch(step, x)] == []
    why = "diarize stopped with ZeroDivisionError; details lie in the store"
    assert stopped["said"].count(why) == 1


def test_what_libraries_say_lies_in_a_log_that_withdrawal_removes(stopped):
    log = stopped["out"] / "prefect" / "work.log"
    text = log.read_text()
    assert "INFO: a library says something of its own" in text
    assert "diarize: ZeroDivisionError" in text
    for private in ("well-01", "z-hangs", "C07", "T02", "room.mp4", "dial.csv"):
        assert private not in text
    withdraw(Output(stopped["out"]), "C07", None, dt.datetime.now(tz=dt.UTC))
    assert not log.exists()


def test_a_killed_parent_takes_its_children_along(tmp_path):
    hangs = "from flows import child; child.ends_with_parent(); print(1, flush=True); "
    hangs += "import itertools; sum(itertools.repeat(0))"
    starts = "import sys, time, pathlib; from flows import child; "
    starts += f"child.start(['-c', {hangs!r}], pathlib.Path(sys.argv[1])); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", starts, str(tmp_path / "log")], cwd=ROOT)
    until(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text())
    (child,) = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    parent.kill()
    parent.wait()
    until(lambda: not is_alive(child), 10.0)
    for module in (server, worker):
        assert "child.ends_with_parent()" in inspect.getsource(module.main)


def end(stage, *, is_final=False):
    now = supervise._Now("s-1", stage, 1.0, 0.0, print) if stage else None
    return supervise._End(now, "its process died (SIGKILL)", is_final=is_final, stacks="")


@pytest.mark.parametrize(
    ("ends", "shifts", "broken", "why"),
    [
        ([end("face"), None], 2, set(), ""),
        ([end("face"), end("face"), None], 3, {"face"}, ""),
        ([end("face"), end("movement"), None], 3, set(), ""),
        ([end("face", is_final=True), None], 2, {"face"}, ""),
        ([end(""), end("")], 2, set(), "its process died (SIGKILL); see prefect/work.log"),
    ],
)
def test_a_stage_in_which_the_worker_dies_is_tried_once_more(
    tmp_path, monkeypatch, ends, shifts, broken, why
):
    work = Work("run", Output(tmp_path), load_profile())
    work.jobs["s-1"] = SimpleNamespace(store=work.output.store, session="s-1")
    left = iter(ends)
    monkeypatch.setattr(supervise, "_shift", lambda *_: next(left))
    assert supervise._shifts(work, ["s-1"], Board(), NOBODY, None) == why
    assert list(left) == ends[shifts:]
    assert {stage for _, stage in work.broken} == broken


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("0", ""),
        ("raise SystemExit(7)", "its process died (exit code 7)"),
        ("os.kill(os.getpid(), 11)", "its process died (SIGSEGV)"),
        ("time.sleep(60)", "its process broke off and did not end"),
    ],
)
def test_how_a_worker_ended_is_told(monkeypatch, code, said):
    monkeypatch.setattr(supervise, "CLOSING_S", 2.0)
    process = subprocess.Popen([sys.executable, "-c", f"import os, time; {code}"])
    assert supervise._death(process) == said
    process.kill()
    process.wait()


def test_a_worker_between_stages_may_not_rest_for_ever():
    now = time.monotonic()
    assert supervise._late(None, now) == ""
    assert supervise._late(None, now - 1201) == "nothing happened for 1200 s between two stages"
    late = supervise._Now("s-1", "face", 1200.0, now - 1, print)
    assert supervise._late(late, now).startswith("it took longer than 1200 s; raise execution.")
    assert supervise._late(dataclasses.replace(late, deadline=now + 60), now - 5000) == ""


@pytest.mark.parametrize(("media_s", "limit_s"), [(0.0, 1200.0), (60.0, 1200.0), (3000.0, 9000.0)])
def test_a_stage_has_three_times_the_recording_and_at_least_twenty_minutes(media_s, limit_s):
    assert stage_limit_s(media_s, ExecutionSettings()) == limit_s


def test_memory_is_what_a_process_could_not_read_again():
    before = held_memory(os.getpid())
    with mmap.mmap(-1, 64 << 20) as held:  # of its own: what was freed before is not used again
        held.write(b"\1" * len(held))
        assert held_memory(os.getpid()) - before == pytest.approx(len(held), rel=0.2)
    assert held_memory(2**30) == 0


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({}, "own"),
        ({"PREFECT_HOME": "/elsewhere"}, "given"),
        ({"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite:///x"}, "given"),
        ({"PREFECT_API_URL": "http://127.0.0.1:4200/api"}, "given"),
    ],
)
def test_only_what_lies_in_the_output_folder_is_our_own(tmp_path, monkeypatch, named, expected):
    for name in ("PREFECT_API_URL", NIGHT_VARIABLE, *supervise.DATABASE_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    work = SimpleNamespace(output=SimpleNamespace(root=tmp_path))
    assert supervise._whose_server(work) == expected
