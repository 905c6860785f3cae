"""A fault costs a modality, never a session: each stage in turn breaks off, and heals."""

from __future__ import annotations

import errno
import html
import json
import os
from itertools import count

import pyarrow.parquet as pq
import pytest

from flows.summary import exit_code, write_summary
from pipeline.errors import ConfigError, SessionError
from pipeline.page.wording import scan, scan_html
from pipeline.paperwork.session import public_name
from pipeline.stages import STAGES
from pipeline.tables import TABLES
from tests.made.night import STAGE, breaking, night, plant_engines, recordings

NAME = public_name("D0705")
ANOTHER = count(1000)
COSTS = {stage.name for stage in STAGES if stage.without}
LATER = "a step of the program broke off; the next run tries it again."


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return recordings(tmp_path_factory.mktemp("clinic"), "D0705")


@pytest.fixture(scope="module")
def whole(place, tmp_path_factory):
    """What a night without faults leaves; every test here goes on from it."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        plant_engines(patched)
        (outcome,) = night(place, out, "20261122T020000-a26d").outcomes.values()
    assert (outcome.state, outcome.absences) == ("done", ())
    return out


@pytest.fixture
def planted(monkeypatch):
    plant_engines(monkeypatch)


def raising(error):
    def broken(*_):
        raise error

    return broken


@pytest.fixture
def anew():
    """Makes a stage look changed: what the store holds of it is another version's."""
    versions = {name: stage.version for name, stage in STAGE.items()}
    yield lambda name: object.__setattr__(STAGE[name], "version", next(ANOTHER))
    for name, version in versions.items():
        object.__setattr__(STAGE[name], "version", version)


def shown(out):
    return html.unescape((out / "latest" / "session=D0705" / "report.html").read_text())


def tables(out):
    folder = out / "latest" / "session=D0705"
    return {p.stem: pq.read_table(p).replace_schema_metadata() for p in folder.glob("*.parquet")}


def what_is_lost(out, stage, work):
    """Where a stage that costs a modality broke off: tables, page, summary, trace, record."""
    (outcome,) = work.outcomes.values()
    assert outcome.state == "done_with_faults"
    (absence,) = (a for a in outcome.absences if a.reason == "fault")
    assert absence.sentence == f"{STAGE[stage].without}: {LATER}"
    assert absence.remedy.startswith(f"{stage} stopped with ZeroDivisionError")
    page = shown(out)
    assert absence.sentence in page
    assert absence.remedy not in page
    assert scan_html(page) == []
    given = tables(out)
    assert all(given[n].num_rows == 0 for n in STAGE[stage].writes if not TABLES[n].private)
    store = work.output.store
    assert "ZeroDivisionError" in (store.problems(NAME) / f"{stage}.txt").read_text()
    assert stage not in {m.stage for m in work.jobs[NAME].done.values() if len(m.key) == 64}


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES])
def test_what_breaks_off_costs_what_it_measures_and_heals(stage, place, whole, planted, anew):
    anew(stage)
    before = len(list(whole.glob(f"store/*/{stage}/*")))
    with breaking(stage, raising(ZeroDivisionError("planted"))):
        work = night(place, whole, "20261123T020000-a26d")
    write_summary(work)
    (outcome,) = work.outcomes.values()
    assert exit_code(work, asked_for_sessions=True) == 1
    assert len(list(whole.glob(f"store/*/{stage}/*"))) == before
    if stage in COSTS:
        what_is_lost(whole, stage, work)
    else:
        assert outcome.state == "failed"
        assert outcome.sentence.startswith(f"{stage} stopped with ZeroDivisionError")
    said = json.loads((work.output.run_folder(work.run_id) / "summary.json").read_text())
    assert said["sessions"][0]["state"] == outcome.state
    healed = night(place, whole, "20261124T020000-a26d")
    (outcome,) = healed.outcomes.values()
    assert (outcome.state, outcome.absences) == ("done", ())
    assert not (whole / "store" / NAME / "problems").exists()
    assert LATER not in shown(whole)


def test_what_a_stage_left_empty_has_no_other_reason(place, whole, planted, anew):
    anew("prosody")
    with breaking("prosody", raising(ZeroDivisionError())):
        night(place, whole, "20261125T020000-a26d")
    windows = tables(whole)["windows"]
    for name in ("client_articulation_rate_sps", "therapist_f0_sd_st"):
        assert set(windows.column(f"{name}_reason").to_pylist()) == {"fault"}
    figures = tables(whole)["session_features"].to_pylist()
    (pitch,) = (row for row in figures if row["feature"] == "client_f0_median_hz")
    assert pitch["reason"] == "fault"


def test_a_file_at_fault_costs_its_modality_in_its_own_words(place, whole, planted, anew):
    anew("transcribe")
    why = "session D0705: t.vtt, line 3: no time; write 00:01.000"
    with breaking("transcribe", raising(SessionError(why))):
        (outcome,) = night(place, whole, "20261126T020000-a26d").outcomes.values()
    (absence,) = outcome.absences
    assert (outcome.state, absence.modality) == ("done_with_faults", "transcript")
    assert (absence.reason, absence.sentence) == ("unreadable_media", f"No words: {why}")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError("the lexicon lacks a list"), "the lexicon lacks a list"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "face stopped: the disk is full"),
    ],
)
def test_profile_and_disk_are_no_modality(place, whole, planted, anew, error, said):
    anew("face")
    with breaking("face", raising(error)):
        (outcome,) = night(place, whole, "20261127T020000-a26d").outcomes.values()
    assert outcome.state == "failed"
    assert outcome.sentence.startswith(said)


def test_a_fault_that_comes_back_recomputes_nothing_else(place, whole, planted, anew):
    anew("movement")
    with breaking("movement", raising(ZeroDivisionError())):
        night(place, whole, "20261128T020000-a26d")
        (outcome,) = night(place, whole, "20261129T020000-a26d").outcomes.values()
    assert (outcome.state, outcome.stages_run) == ("done_with_faults", 0)


def test_what_is_said_of_a_fault_keeps_to_the_wording():
    assert {s.name for s in STAGES} - COSTS == {
        *("ingest", "diarize", "turns", "language", "align", "candidates", "report"),
    }
    assert [v for stage in STAGES for v in scan(f"{stage.without}: {LATER}")] == []
