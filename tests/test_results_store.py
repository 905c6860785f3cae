"""Artifacts: whole or not there, re-hashed on a hit, gone on withdrawal."""

import datetime as dt
import errno
import hashlib
import json
import shutil
import tomllib

import pyarrow.parquet as pq
import pytest

from pipeline.errors import StoreError
from pipeline.profile import Profile
from pipeline.results.provenance import run_record
from pipeline.results.store import Store
from pipeline.results.views import Output, publish, write_record
from pipeline.results.withdraw import withdraw
from pipeline.stage import Absence, Outputs
from pipeline.tables import SPEECH, TABLES

SESSION = "s-0123abcd"
KEY = "ab" * 32
NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)


def speech(n=3):
    return SPEECH.build(
        {
            "session_id": ["D07-05"] * n,
            "start_s": [float(i) for i in range(n)],
            "end_s": [i + 0.5 for i in range(n)],
        }
    )


def written(store, outputs=None):
    outputs = outputs or Outputs(
        {"speech": speech()},
        files={"report.html": b"<p>page"},
        absences=(Absence("video", "no_media", "Audio only."),),
    )
    return store.write(SESSION, "ingest", KEY, outputs, {"engine": "none"})


def test_what_was_written_is_found_again(tmp_path):
    store = Store(tmp_path)
    manifest = written(store)
    found, why = store.find(SESSION, "ingest", KEY)
    assert found == manifest
    assert why == ""
    assert store.table(SESSION, manifest, "speech").equals(speech())


def test_same_content_same_bytes(tmp_path):
    one, two = written(Store(tmp_path / "a")), written(Store(tmp_path / "b"))
    assert one == two


def test_a_streamed_table_reads_like_a_whole_one(tmp_path):
    store = Store(tmp_path)
    whole = speech(6)
    pieces = Outputs({"speech": iter([whole.slice(0, 2), whole.slice(2, 4)])})
    assert store.table(SESSION, written(store, pieces), "speech").equals(whole)


def test_a_full_disk_leaves_no_draft(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    output = Output(tmp_path)
    manifest = written(output.store)
    monkeypatch.setattr("pipeline.results.views._link", full)
    with pytest.raises(OSError, match="No space"):
        publish(output, "run-1", "D07-05", SESSION, {"ingest": manifest})
    monkeypatch.setattr("pipeline.results.store.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        output.store.write("s-other000", "ingest", KEY, Outputs({"speech": speech()}), {})
    assert list(tmp_path.rglob(".*")) == []


@pytest.mark.parametrize("name", ["speech.parquet", "report.html"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damage_is_seen_and_named(tmp_path, name, damage):
    store = Store(tmp_path)
    written(store)
    path = store.folder(SESSION, "ingest", KEY) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(bytes(content) if damage == "flip" else bytes(content[:-5]))
    found, why = store.find(SESSION, "ingest", KEY)
    assert found is None
    assert name in why
    assert store.find(SESSION, "ingest", written(store).key)[0] is not None


def test_a_torn_manifest_is_no_artifact(tmp_path):
    store = Store(tmp_path)
    written(store)
    (store.folder(SESSION, "ingest", KEY) / "manifest.json").write_text('{"stage": "ing')
    assert store.find(SESSION, "ingest", KEY)[0] is None


def test_a_failed_write_leaves_nothing_to_find(tmp_path):
    store = Store(tmp_path)

    def breaks():
        yield speech()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        written(store, Outputs({"speech": breaks()}))
    assert store.find(SESSION, "ingest", KEY)[0] is None
    store.drop_unfinished(SESSION)
    assert not list(store.session_folder(SESSION).glob("*/.*"))


def test_what_a_killed_run_left_is_swept_at_any_depth(tmp_path):
    store = Store(tmp_path)
    manifest = written(store)
    session = store.session_folder(SESSION)
    drafts = [
        ".people.json.17", "clips/.a.webm.17", "problems/.ingest.txt.17",
        "ingest/.abab.17/speech.parquet", "ingest/.abab.17/.speech.json.17",
    ]  # fmt: skip
    for name in [*drafts, "clips/a.webm"]:
        (session / name).parent.mkdir(parents=True, exist_ok=True)
        (session / name).write_bytes(b"x")
    store.drop_unfinished(SESSION)
    assert not list(session.rglob(".*"))
    assert (session / "clips" / "a.webm").exists()
    assert store.find(SESSION, "ingest", manifest.key)[0] == manifest


def test_units_and_the_key_stand_in_the_parquet_metadata(tmp_path):
    store = Store(tmp_path)
    manifest = written(store)
    path = store.folder(SESSION, "ingest", manifest.key) / "speech.parquet"
    schema = pq.read_schema(path)
    assert schema.metadata[b"thinslice.key"] == KEY.encode()
    assert schema.field("start_s").metadata[b"unit"] == b"s"
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["start_s"]["Units"] == "s"


def published(tmp_path, people=None):
    output = Output(tmp_path)
    output.store.remember_people(SESSION, "D07-05", people or {"client": "C07", "therapist": "T02"})
    done = {"ingest": written(output.store)}
    return output, publish(output, "run-1", "D07-05", SESSION, done)


def test_latest_points_at_the_newest_run(tmp_path):
    output, view = published(tmp_path)
    publish(output, "run-2", "D07-05", SESSION, {"ingest": written(output.store)})
    assert output.latest("D07-05").readlink().parts[-2] == "run-2"
    assert (output.latest("D07-05") / "report.html").read_bytes() == b"<p>page"
    assert view.exists()
    assert output.sessions() == ["D07-05"]


def test_private_tables_are_not_shown(tmp_path):
    output = Output(tmp_path)
    outputs = Outputs({"landmarks": TABLES["landmarks"].empty()})
    manifest = output.store.write(SESSION, "landmarks", KEY, outputs, {})
    view = publish(output, "run-1", "D07-05", SESSION, {"landmarks": manifest})
    assert list(view.iterdir()) == []


def test_withdrawal_leaves_nothing_and_says_what_it_removed(tmp_path):
    output, _ = published(tmp_path)
    other = tmp_path / "store" / "s-other000"
    output.store.remember_people("s-other000", "D08-01", {"client": "C08", "therapist": "T02"})
    (removal,) = withdraw(output, "C07", None, NOW)
    assert (removal.session, removal.artifacts, removal.views) == (SESSION, 1, 1)
    left = [p for p in tmp_path.rglob("*") if "D07-05" in p.name or SESSION in str(p)]
    assert left == []
    assert other.exists()


def test_withdrawal_takes_what_was_pooled_over_sessions_with_it(tmp_path):
    output, _ = published(tmp_path)
    for name in ("study/study.html", ".study.4711/study_estimates.parquet"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    withdraw(output, "C99", None, NOW)
    assert (tmp_path / "study").exists()
    withdraw(output, "C07", None, NOW)
    assert not list(tmp_path.glob("*study*"))


def test_tombstones_are_chained_and_hold_no_pseudonym(tmp_path):
    output, _ = published(tmp_path)
    withdraw(output, "C07", None, NOW)
    withdraw(output, "C07", None, NOW)
    first, second = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(second)["previous_line_sha256"] == hashlib.sha256(first.encode()).hexdigest()
    assert "C07" not in first + second


def test_withdrawal_that_cannot_finish_says_so(tmp_path, monkeypatch):
    output, _ = published(tmp_path)
    monkeypatch.setattr("pipeline.results.withdraw.shutil.rmtree", lambda place: None)
    with pytest.raises(StoreError, match="could not be removed"):
        withdraw(output, "C07", None, NOW)


def test_a_removal_that_fails_half_way_is_counted_noted_and_can_be_done_again(
    tmp_path, monkeypatch
):
    output, view = published(tmp_path)
    (output.store.session_folder(SESSION) / "clips").mkdir()
    remove = shutil.rmtree

    def refuses(place):
        if place.name in {"clips", view.name}:
            raise PermissionError(13, "Permission denied")
        remove(place)

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.results.withdraw.shutil.rmtree", refuses)
        with pytest.raises(StoreError, match=r"^2 places could not be removed.*Permission denied"):
            withdraw(output, "C07", None, NOW)
    (line,) = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert (json.loads(line)["left"], json.loads(line)["sessions"]) == (2, [SESSION])
    assert len(withdraw(output, "C07", None, NOW)) == 1
    assert not view.exists()
    assert not output.store.session_folder(SESSION).exists()


def test_withdrawal_takes_keys_summaries_and_drafts_with_it(tmp_path):
    output, _ = published(tmp_path)
    keys = {SESSION: {"ingest": KEY, "turns": KEY}, "s-other000": {"ingest": KEY}}
    record = write_record(output, "run-1", run_record("run-1", Profile(), keys))
    runs = tmp_path / "runs"
    drafts = [
        tmp_path / "latest" / ".session=D07-05.17", runs / "run-1" / ".run.toml.17",
        runs / "run-1" / ".summary.json.17", runs / "run-1" / ".session=D07-05" / "turns.parquet",
        tmp_path / "store" / "s-half0000" / ".people.json.17",
    ]  # fmt: skip
    half_a_summary = runs / "run-0" / "summary.html"
    for path in [*drafts, half_a_summary]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("D07-05 C07")
    withdraw(output, "C07", None, NOW)
    assert tomllib.loads(record.read_text())["keys"] == {"s-other000": {"ingest": KEY}}
    assert record.read_text() == run_record("run-1", Profile(), {"s-other000": {"ingest": KEY}})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["audit.jsonl", "run.toml"]
