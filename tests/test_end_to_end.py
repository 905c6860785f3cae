"""The command on made recordings, with real engines: one night, its repeats, its accidents.

One module-wide night of five sessions is run once; the tests look at what it left behind.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, needs_embedded_weights

from pipeline.made.recognised import WER_BAR, line_up
from pipeline.paperwork.session import public_name
from pipeline.tables import TABLES

pytestmark = needs_embedded_weights

MINUTES = 2.0
CONSENT = """
[[consent]]
person = "{client}"
role = "client"
scopes = ["record", "analyse_audio", "analyse_video", "transcribe", "dial", "supervisor_view"]
decision = "granted"
date = 2026-01-10

[[consent]]
person = "{therapist}"
role = "therapist"
scopes = ["record", "analyse_audio", "analyse_video", "transcribe", "dial", "supervisor_view"]
decision = "granted"
date = 2026-01-10
"""


def thinslice(*words, prefix=(), check=True, **more):
    """Run the command as a person would; standard output as text."""
    command = [*prefix, sys.executable, "-m", "flows.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, **more)
    if check:
        assert done.returncode in (0, 1, 3), done.stderr
    return done


def made_session(recordings):
    """A 2-minute session with audio, video and dials, without words; returns its folder."""
    from flows.demo import _find_points, _portrait
    from pipeline.made.conversation import make_plan, write_session

    plan = make_plan(seed=7, minutes=MINUTES)
    return write_session(plan, recordings, face=_portrait(None), find_points=_find_points)


def variant(good, name, *, media, client="C01"):
    """A copy of the good session with other media and, if asked, another client."""
    folder = good.parent.parent / "recordings" / name
    folder.mkdir(parents=True)
    for file in good.glob("*.csv"):
        shutil.copy(file, folder)
    text = (good / "session.toml").read_text()
    head, _, rest = text.partition("[[media]]")
    rest = rest[rest.index("[[ratings]]") :]
    (folder / "session.toml").write_text(head.replace('"C01"', f'"{client}"') + media + "\n" + rest)
    return folder


def audio_of(video, target):
    """The recording's own sound as a separate file."""
    import av

    with av.open(str(video)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.audio[0]
        out = sink.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = out
                sink.mux(packet)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """good, audio only, cut with its only audio, cut beside good audio, without consent."""
    base = tmp_path_factory.mktemp("clinic")
    good = made_session(base / "made")
    place = base / "recordings"
    place.mkdir()
    room = good / "room.mp4"
    cut = room.read_bytes()[: int(room.stat().st_size * 0.6)]
    both = '[[media]]\nfile = "room.mp4"\nhears = ["mixed"]\nshows = ["client"]\n'
    seen = '[[media]]\nfile = "room.mp4"\nshows = ["client"]\n'
    audio = '[[media]]\nfile = "a.m4a"\nhears = ["mixed"]\n'
    shutil.copy(room, variant(good, "n1-good", media=both) / "room.mp4")
    audio_of(room, variant(good, "n2-audio", media=audio) / "a.m4a")
    (variant(good, "n3-cut", media=both) / "room.mp4").write_bytes(cut)
    folder = variant(good, "n4-cut-beside", media=f"{seen}\n{audio}")
    (folder / "room.mp4").write_bytes(cut)
    audio_of(room, folder / "a.m4a")
    shutil.copy(room, variant(good, "n5-none", media=both, client="C99") / "room.mp4")
    (place / "consent.toml").write_text(CONSENT.format(client="C01", therapist="T01"))
    return place


@pytest.fixture(scope="module")
def night(recordings, tmp_path_factory):
    """Summary, output folder, exit code and, where strace is, a trace of the night."""
    out = tmp_path_factory.mktemp("out")
    trace = out.parent / "opened.trace"
    strace = shutil.which("strace")
    prefix = (strace, "-f", "-qq", "-e", "trace=open,openat,connect", "-o", trace) if strace else ()
    done = thinslice("nightly", recordings, "--out", out, "--json", prefix=prefix)
    sessions = {s["session"]: s for s in json.loads(done.stdout)["sessions"]}
    return {
        "out": out,
        "sessions": sessions,
        "code": done.returncode,
        "trace": trace,
        "told": done.stderr,
    }


def parquet_bytes(out):
    """Every table people see, by session and name."""
    return {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for path in sorted((out / "latest").glob("*/*.parquet"))
    }


def bytes_of_the_night(night, session_id):
    """A session's tables as the first run of the night left them."""
    first = min((night["out"] / "runs").iterdir())
    folder = first / f"session={session_id}"
    return {f"{folder.name}/{p.name}": p.read_bytes() for p in sorted(folder.glob("*.parquet"))}


def test_each_session_ends_as_it_should(night):
    states = {name: s["state"] for name, s in night["sessions"].items()}
    assert states == {
        "n1-good": "done",
        "n2-audio": "done",
        "n3-cut": "failed",
        "n4-cut-beside": "done",
        "n5-none": "held_back",
    }
    assert night["code"] == 1


def test_it_hears_what_is_said(night, recordings):
    truth = json.loads(
        (next((recordings.parent / "made").glob("demo-*")) / "truth.json").read_text()
    )
    planted = [word["text"] for said in truth["utterances"] for word in said["words"]]
    folder = night["out"] / "latest" / "session=n1-good"
    assert pq.read_table(folder / "transcription.parquet").column("source").to_pylist() == [
        "recognised"
    ]
    found = pq.read_table(folder / "words.parquet").column("text").to_pylist()
    assert line_up(planted, found).error_rate <= WER_BAR


def test_the_failed_one_names_file_and_cause(night):
    sentence = night["sessions"]["n3-cut"]["sentence"]
    assert "room.mp4" in sentence
    assert any(word in sentence for word in ("cut off", "ends")), sentence


def test_unreadable_video_beside_good_audio_is_absent_with_its_reason(night):
    absent = {a["modality"]: a["reason"] for a in night["sessions"]["n4-cut-beside"]["absent"]}
    assert absent["video"] == "unreadable_media"
    media = pq.read_table(night["out"] / "latest" / "session=n4-cut-beside" / "media.parquet")
    assert "unreadable_media" in media.column("video_reason").to_pylist()


def test_audio_only_is_a_full_citizen(night):
    folder = night["out"] / "latest" / "session=n2-audio"
    windows = pq.read_table(folder / "windows.parquet")
    assert windows.num_rows > 0
    assert windows.column("dial_client").null_count < windows.num_rows
    assert windows.column("client_gaze_path_rate_dps").null_count == windows.num_rows
    assert (folder / "report.html").stat().st_size > 10_000


def test_nothing_half_written_is_left(night):
    drafts = [p for p in night["out"].rglob(".*") if p.name != ".lock" and "prefect" not in str(p)]
    assert drafts == []
    assert not (night["out"] / "latest" / "session=n3-cut").exists()
    assert not (night["out"] / "latest" / "session=n5-none").exists()


def test_the_unconsented_file_is_never_opened(night):
    if not night["trace"].exists():
        pytest.skip("strace is not installed: no trace of opened files")
    opened = night["trace"].read_text(errors="replace")
    assert "n1-good/room.mp4" in opened
    assert "n5-none/room.mp4" not in opened
    assert "n5-none/dial_client.csv" not in opened


def test_only_loopback_is_ever_connected_to(night):
    if not night["trace"].exists():
        pytest.skip("strace is not installed: no trace of connections")
    lines = [x for x in night["trace"].read_text(errors="replace").splitlines() if "connect(" in x]
    outside = [x for x in lines if "AF_INET" in x and "127.0.0.1" not in x and "::1" not in x]
    assert outside == []


def test_logs_and_prefect_hold_no_session_id_or_path(night):
    place = night["out"] / "prefect"
    kept = [p for p in place.rglob("*") if p.is_file() and p.suffix != ".toml"]
    assert "work.log" in {p.name for p in kept}
    database = b"".join(p.read_bytes() for p in kept)
    assert public_name("n1-good").encode() in database
    for private in (b"n1-good", b"n5-none", b"room.mp4", b"C01", b"dial_client"):
        assert private not in database


def test_nothing_of_a_library_reaches_the_terminal(night):
    step = r"s-[0-9a-f]{8}  (\w+: (took [\d.]+ s|found)|failed; runs/\S+/summary\.html says why)"
    assert [x for x in night["told"].splitlines() if not re.fullmatch(step, x)] == []


def test_every_column_has_unit_description_and_source(night):
    folder = night["out"] / "latest" / "session=n1-good"
    shown = {name for name, table in TABLES.items() if not table.private}
    assert {p.stem for p in folder.glob("*.parquet")} == shown
    for path in folder.glob("*.parquet"):
        for field in pq.read_schema(path):
            assert {b"unit", b"description", b"source"} <= set(field.metadata), field.name


@pytest.mark.parametrize("name", ["session_features", "quality"])
def test_every_figure_of_the_night_is_declared_in_its_unit(night, name):
    declared = {figure.name: figure.unit for figure in TABLES[name].figures}
    files = sorted((night["out"] / "latest").glob(f"*/{name}.parquet"))
    assert len(files) >= 3
    for file in files:
        columns = pq.read_table(file).select([TABLES[name].key[-1], "unit"]).to_pydict()
        found = dict(zip(*columns.values(), strict=True))
        assert found
        assert found.items() <= declared.items()


def test_duckdb_and_pandas_read_the_windows(night):
    import duckdb
    import pandas as pd

    pattern = str(night["out"] / "latest" / "*" / "windows.parquet")
    rows = duckdb.sql(f"select session, count(*) n from read_parquet('{pattern}') group by all")
    counted = dict(rows.fetchall())
    assert set(counted) == {"n1-good", "n2-audio", "n4-cut-beside"}
    frame = pd.read_parquet(night["out"] / "latest" / "session=n1-good" / "windows.parquet")
    assert len(frame) == counted["n1-good"]


@pytest.fixture(scope="module")
def again(night, recordings):
    """The same command for one session, in-process bookkeeping printed by the child."""
    code = (
        "import sys; sys.argv=['thinslice']+sys.argv[1:]\n"
        "from flows.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy={'prefect','torch','pyannote','faster_whisper','mediapipe','ai_edge_litert'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    before = parquet_bytes(night["out"])
    words = ["run", recordings / "n1-good", "--out", night["out"], "--json"]
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    summary, _, heavy = done.stdout.rpartition("HEAVY")
    return {"before": before, "summary": json.loads(summary), "heavy": heavy.strip()}


def test_a_second_run_finds_everything_and_loads_nothing(again, night):
    (session,) = again["summary"]["sessions"]
    assert session["stages_run"] == 0
    assert again["heavy"] == "[]"
    assert parquet_bytes(night["out"]) == again["before"]


def test_latest_still_holds_every_session_after_a_run_of_one(again, night):
    assert len(list((night["out"] / "latest").glob("session=*"))) == 3


def test_a_changed_threshold_runs_only_what_reads_it(again, night, recordings, tmp_path):
    profile = tmp_path / "mine.toml"
    profile.write_text("[candidates]\nz_enter = 1.7\n")
    out = night["out"]
    done = thinslice("run", recordings / "n2-audio", "--out", out, "--json", "--profile", profile)
    (session,) = json.loads(done.stdout)["sessions"]
    assert session["stages_run"] <= 2
    run = json.loads(done.stdout)["run"]
    changed = {
        stage
        for stage in ("candidates", "report", "align", "diarize")
        if _keys(out, run, "n2-audio")[stage] != _keys_of_first(out, "n2-audio")[stage]
    }
    assert changed == {"candidates", "report"}


def _keys(out, run, session_id):
    import tomllib

    record = tomllib.loads((out / "runs" / run / "run.toml").read_text())
    return record["keys"][public_name(session_id)]


def _keys_of_first(out, session_id):
    first = min(p.name for p in (out / "runs").iterdir())
    return _keys(out, first, session_id)


def test_without_a_network_the_bytes_are_the_same(night, recordings, tmp_path):
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces are forbidden here; the connection trace stands in")
    verb = f"-m flows.cli run {recordings}/n2-audio --out {tmp_path}"
    command = f"ip link set lo up; exec {sys.executable} {verb}"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert parquet_bytes(tmp_path) == bytes_of_the_night(night, "n2-audio")


def test_killed_at_any_moment_the_same_command_ends_in_the_same_bytes(night, recordings, tmp_path):
    words = ["run", str(recordings / "n2-audio"), "--out", str(tmp_path)]
    rng = np.random.default_rng(0)
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *words],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _wait_for_some_artifact(tmp_path, child, extra_s=float(rng.uniform(0, 2)))
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert thinslice(*words).returncode == 0
    assert parquet_bytes(tmp_path) == bytes_of_the_night(night, "n2-audio")


def _wait_for_some_artifact(out, child, *, extra_s):
    """Until at least one more stage is done, and a little into the next."""
    before = len(list(out.glob("store/*/*/*/manifest.json")))
    while child.poll() is None and len(list(out.glob("store/*/*/*/manifest.json"))) <= before:
        time.sleep(0.05)
    time.sleep(extra_s)


def test_run_of_a_held_back_session_exits_3(recordings, tmp_path):
    done = thinslice("run", recordings / "n5-none", "--out", tmp_path)
    assert done.returncode == 3
    assert "C99" in done.stdout


def test_wrong_input_exits_2_and_starts_nothing(recordings, tmp_path):
    done = thinslice("run", tmp_path / "nowhere", "--out", tmp_path / "out", check=False)
    assert done.returncode == 2
    assert "no folder" in done.stderr
    assert not (tmp_path / "out").exists()


def test_export_rttm_names_roles(night):
    done = thinslice("export", night["out"], "n1-good", "--format", "rttm")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {line[0] for line in lines} == {"SPEAKER"}
    assert {line[7] for line in lines} == {"client", "therapist"}


def test_withdrawal_removes_everything_of_that_person(night, recordings, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(night["out"], out, symlinks=True)
    register = tmp_path / "consent.toml"
    shutil.copy(recordings / "consent.toml", register)
    done = thinslice("consent", "withdraw", "C01", "--consent", register, "--out", out)
    assert "removed" in done.stdout
    left = [p for p in out.rglob("*") if "session=" in str(p) or "store/s-" in str(p)]
    assert left == []
    after = thinslice("run", recordings / "n1-good", "--out", out, "--consent", register)
    assert after.returncode == 3
