"""`thinslice study` on a made cohort: tables, page, methods, consent, errors."""

import datetime as dt
import errno
import itertools
import re
import shutil
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from bench.made.cohort_files import RUN, write_cohort
from flows import study as flows_study
from flows.progress import Board
from flows.study import run_study
from pipeline.errors import ConfigError, ConsentError, InputError
from pipeline.page.wording import PROMPT, scan, scan_html
from pipeline.paperwork.consent import Record, Register, load_register
from pipeline.settings import StudySettings
from pipeline.study.attendance import Appointment
from pipeline.study.attendance_rates import agreed_to_recording, period_rows
from pipeline.study.forms import form_rows
from pipeline.study.methods import METHOD_SOURCES, settings_hash
from pipeline.tables import STUDY_TABLES, TABLES
from pipeline.tables.sources import SOURCES

SETTINGS = StudySettings()


def quiet():
    return Board(Console(quiet=True))


def studied(out, settings=SETTINGS, attendance=None):
    return run_study(
        out, consent=out / "consent.toml", attendance=attendance, settings=settings, board=quiet()
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "out"
    write_cohort(out, dyads=7, sessions=1, seed=4)
    studied(out)
    return out


@pytest.fixture
def copied(made, tmp_path):
    return shutil.copytree(made, tmp_path / "out", symlinks=True)


def rows(out, name):
    return pq.read_table(out / "study" / f"{name}.parquet").to_pylist()


def page_of(out):
    return (out / "study" / "study.html").read_text(encoding="utf-8")


class Killed(BaseException):
    """From here on this process does nothing any more."""


class Axe:
    """Ends what touches files at its n-th touch; afterwards nothing succeeds, tidying neither."""

    def __init__(self):
        self.left = None
        sys.addaudithook(self)

    def __call__(self, event, _args):
        if self.left is None or not event.startswith(("os.", "open", "shutil.", "ctypes.dl")):
            return
        self.left -= 1
        if self.left < 0:
            raise Killed


@pytest.fixture(scope="module")
def axe():
    return Axe()


@pytest.mark.parametrize("can_exchange", [True, False])
def test_ended_at_any_step_the_study_is_the_old_one_or_the_new(
    copied, axe, monkeypatch, can_exchange
):
    """Without an exchange of names, as some shares are, there is one step between the two."""
    if not can_exchange:
        monkeypatch.setattr("pipeline.files._exchanged", lambda _one, _other: False)
    other = SETTINGS.model_copy(update={"seed": SETTINGS.seed + 1})
    old, states = _study_state(copied), []
    real = flows_study._write

    def ended_everywhere(output, found, text):
        for step in itertools.count():
            axe.left = step
            with suppress(Killed):
                real(output, found, text)
            is_done, axe.left = axe.left >= 0, None
            states.append(_study_state(copied))
            if is_done:
                break
        return copied / "study"

    monkeypatch.setattr(flows_study, "_write", ended_everywhere)
    studied(copied, other)
    assert len(states) > 50
    assert {old, _study_state(copied)} == set(states) - {None}
    assert states.count(None) <= (0 if can_exchange else 2)
    assert not list(copied.glob(".study.*"))


def _study_state(out):
    """What stands in the study's place, in one number; None where nothing does."""
    files = sorted((out / "study").glob("*"))
    return hash(tuple((f.name, f.read_bytes()) for f in files)) if files else None


# ---- what is written -----------------------------------------------------------------------


def test_every_table_is_as_declared(made):
    for name, declared in STUDY_TABLES.items():
        table = pq.read_table(made / "study" / f"{name}.parquet")
        declared.check(table)
        assert table.schema.equals(declared.arrow_schema(), check_metadata=False)
        assert table.num_rows, name
        assert table.schema.metadata[b"thinslice.settings"].decode() == settings_hash(SETTINGS)


def test_columns_are_documented_like_all_others():
    units = {c.name: c.unit for table in TABLES.values() for c in table.columns}
    for table in STUDY_TABLES.values():
        for column in table.columns:
            assert column.description.endswith("."), column.name
            assert column.source in SOURCES or column.source in {"study", "ingest", "ratings"}
            assert units.setdefault(column.name, column.unit) == column.unit, column.name
            assert scan(f"{table.name} {column.name}", ids=True) == []
            assert scan(f"{column.description} {column.gate} {column.label}") == []
    assert not set(STUDY_TABLES) & set(TABLES)
    assert set(METHOD_SOURCES) <= set(SOURCES)


def test_one_row_per_dyad_in_order_of_ids(made):
    dyads = [row["dyad_id"] for row in rows(made, "study_congruence")]
    assert dyads == ["D01", "D03", "D04", "D05", "D06", "D07"]
    shown = re.findall(r"<b>(D\d+)</b> session", page_of(made))
    assert shown == dyads


def test_session_means_are_those_of_the_session_tables(made):
    for row in rows(made, "study_variability"):
        folder = made / "latest" / f"session={row['session_id']}"
        quality = pq.read_table(folder / "rating_quality.parquet").to_pylist()
        known = next(q for q in quality if q["rater"] == row["rater"])
        assert row["dial_mean"] == pytest.approx(known["dial_mean"], abs=1e-4)
        assert row["dial_sd"] == pytest.approx(known["dial_sd"], abs=1e-4)


def test_the_same_tables_give_the_same_bytes(made, copied):
    studied(copied)
    for path in sorted((made / "study").iterdir()):
        assert path.read_bytes() == (copied / "study" / path.name).read_bytes(), path.name


def test_the_methods_state_lag_bins_shifts_and_exclusions(made):
    text = (made / "study" / "methods.txt").read_text(encoding="utf-8")
    for words in (
        "reaction time by 2 s",
        "first 10 s",
        "bins of 5 s",
        "shifts of at least 60 s",
        "All aims: 1 dyad (not everyone agreed to `research`)",
        "15 features",
        settings_hash(SETTINGS),
        "Hartung",
        "Made up, not real: 6 sessions",
        PROMPT,
    ):
        assert words in text, words  # fmt: skip
    assert scan(text) == []


def test_sessions_processed_differently_are_said_to_be(copied):
    run = copied / "runs" / RUN
    other = shutil.copytree(run, copied / "runs" / "other", symlinks=True)
    record = other / "run.toml"
    text = re.sub(r"(\[profile\.agreement\]\nbin_s = )5", r"\g<1>10", record.read_text())
    assert tomllib.loads(text)["profile"]["agreement"]["bin_s"] == 10
    record.write_text(text)
    link = copied / "latest" / "session=D01-01"
    link.unlink()
    link.symlink_to(other / "session=D01-01")
    studied(copied)
    methods = (copied / "study" / "methods.txt").read_text()
    assert "bins of 5 s (in 5 sessions) and 10 s (in 1 session)" in methods


def test_the_page_is_one_offline_file_that_keeps_the_wording_contract(made):
    page = page_of(made)
    assert [f"{v.word}: {v.context}" for v in scan_html(page)] == []
    assert PROMPT in page
    assert "Made up: 6 of 6 sessions" in page
    assert re.findall(r"<(?:script|link|img|iframe)\b|\bsrc=|@import|url\(", page) == []
    assert "default-src 'none'" in page
    assert "D02" not in page
    assert "holds back" not in page
    assert not re.search(r"%\s+points", page)
    assert re.search(r"\d percentage points<", page)
    assert re.search(r'<td class="n">[\d.]+<small class="narrow">[\d.]+ to [\d.]+</small>', page)


# ---- consent, settings, errors -------------------------------------------------------------


def test_who_does_not_agree_is_counted_and_nowhere_named(made):
    assert {"part": "all", "what": "dyad", "why": "not everyone agreed to `research`",
            "count": 1} in rows(made, "study_exclusions")  # fmt: skip
    for path in (made / "study").iterdir():
        assert b"D02" not in path.read_bytes(), path.name


def test_a_recording_under_two_ids_counts_once(copied):
    for folder in sorted((copied / "latest").iterdir())[:3]:
        row = dict.fromkeys(TABLES["media"].by_name)
        row |= {"session_id": "-", "media": 0, "offset_s": 0.0, "sha256": "ab" * 32}
        schema = TABLES["media"].arrow_schema()
        pq.write_table(pa.Table.from_pylist([row], schema=schema), folder / "media.parquet")
    studied(copied)
    copies = [row for row in rows(copied, "study_exclusions") if "a copy" in row["why"]]
    assert [(row["part"], row["what"], row["count"]) for row in copies] == [("all", "session", 1)]


def test_nobody_agreeing_is_an_answer_with_the_way_out(copied):
    register = copied / "consent.toml"
    register.write_text(register.read_text().replace(', "research"', ""))
    with pytest.raises(ConsentError, match="--scope research"):
        studied(copied)
    register.unlink()
    with pytest.raises(ConsentError, match="no consent register"):
        studied(copied)


def test_an_empty_folder_and_sessions_without_dials_are_refused(tmp_path, copied):
    with pytest.raises(InputError, match=r"no finished session.*thinslice run"):
        studied(tmp_path)
    for folder in (copied / "latest").iterdir():
        pq.write_table(TABLES["ratings"].empty(), folder / "ratings.parquet")
        pq.write_table(TABLES["congruence"].empty(), folder / "congruence.parquet")
    with pytest.raises(InputError, match=r"has a dial rating.*\[\[ratings\]\]"):
        studied(copied)


def test_tables_of_an_earlier_version_are_named(copied):
    folder = copied / "latest" / "session=D04-01"
    old = pq.read_table(folder / "turns.parquet").drop_columns(["client_demur"])
    pq.write_table(old, folder / "turns.parquet")
    with pytest.raises(InputError, match=r"D04-01: table turns lacks client_demur.*run the sess"):
        studied(copied)
    (folder / "congruence.parquet").unlink()
    with pytest.raises(InputError, match="table congruence lacks the whole table"):
        studied(copied)


def test_unknown_features_are_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ConfigError, match="rapid_nods"):
        studied(tmp_path, StudySettings(features=["rapid_nods"]))


def test_few_dyads_are_described_and_not_tested(copied):
    found = studied(copied, StudySettings(dyads_min=8))
    assert found["descriptive_only"]
    assert "Descriptive only" in page_of(copied)
    for name in ("study_estimates", "study_effects"):
        assert {row["p"] for row in rows(copied, name)} == {None}
    assert {row["low"] for row in rows(copied, "study_estimates")} == {None}


def test_one_dial_is_enough_for_aim_one_alone(copied):
    folder = copied / "latest" / "session=D01-01"
    ratings = pq.read_table(folder / "ratings.parquet")
    client = ratings.filter(np.array([r == "client" for r in ratings["rater"].to_pylist()]))
    pq.write_table(client, folder / "ratings.parquet")
    blank = dict.fromkeys(TABLES["congruence"].by_name) | {
        "session_id": "D01-01", "is_interpretable": False, "reason": "no_dial"}  # fmt: skip
    pq.write_table(TABLES["congruence"].build_rows([blank]), folder / "congruence.parquet")
    studied(copied)
    left_out = {(row["part"], row["why"]): row["count"] for row in rows(copied, "study_exclusions")}
    assert left_out["all", "no rating"] == 1
    assert left_out["aim_3", "a dial is missing"] == 1
    assert rows(copied, "study_congruence")[0]["r"] is None
    assert "no dial of therapist" in page_of(copied)


# ---- attendance and forms ------------------------------------------------------------------


def ending(month, planned, dyad="D1"):
    status = "ended_planned" if planned else "ended_unplanned"
    return Appointment(dyad, None, dt.date(2025, month, 1), status, None)


def test_drop_out_by_period_with_the_difference_to_the_one_before():
    listed = [ending(1, i >= 48) for i in range(80)] + [ending(7, i >= 56) for i in range(70)]
    listed += [Appointment("D1", 1, dt.date(2025, 8, 1), "held", recorded=True)] * 3
    first, second = period_rows(listed, "half_year")
    assert (first["period"], second["period"]) == ("2025-H1", "2025-H2")
    assert (first["unplanned"], first["endings"], first["dropout_difference"]) == (48, 80, None)
    assert second["dropout_difference"] == pytest.approx(0.2)
    assert (second["difference_low"], second["difference_high"]) == pytest.approx(
        (0.0524, 0.3339), abs=5e-5
    )
    assert (second["held"], second["recorded"], second["recorded_prop"]) == (3, 3, 1)
    assert period_rows([ending(5, planned=True)], "quarter")[0]["period"] == "2025-Q2"
    assert period_rows([ending(5, planned=True)], "year")[0]["period"] == "2025"


def test_clients_who_agreed_of_those_asked(made):
    day = dt.date(2026, 1, 1)
    assert agreed_to_recording(load_register(made / "consent.toml"), day) == (7, 7)
    said_no = Record(person="C9", role="client", scopes=["record"], decision="declined",
                     date=dt.date(2025, 1, 1))  # fmt: skip
    assert agreed_to_recording(Register((said_no,)), day) == (0, 1)


def test_form_courses_mark_reliable_changes_and_say_what_is_missing():
    def form(total, maximum=40.0):
        return [{"instrument": "ORS", "by": "client", "total": total, "max": maximum}]

    given = [form(20.0), [], form(24.9), form(25.0), form(30.0, 60.0)]
    course = [
        ({"dyad_id": "D1", "session_id": f"s{i}", "session_number": i}, forms)
        for i, forms in enumerate(given)
    ]
    found = form_rows(course)
    assert [row["reason"] for row in found] == [None, "no_form", None, None, None]
    assert [row["change"] for row in found] == [None, None, pytest.approx(4.9), 5.0, None]
    marks = [row["reliable_change"] for row in found]
    assert marks == [None, None, "within error", "higher", None]
    assert [row["is_below_mark"] for row in found] == [True, None, True, False, None]


def test_a_full_disk_at_the_last_step_leaves_the_study_of_before(copied, monkeypatch):
    old = _study_state(copied)
    monkeypatch.setattr("pipeline.files._exchanged", lambda _one, _other: False)
    real = Path.rename

    def full(self, target):
        if Path(target).name == "study" and self.suffix != ".old":
            raise OSError(errno.ENOSPC, "full")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="full"):
        studied(copied, SETTINGS.model_copy(update={"seed": 9}))
    assert _study_state(copied) == old
