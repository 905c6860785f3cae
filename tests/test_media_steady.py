"""A recording that still grows waits, and one recording under two ids is told."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest
from test_flows import SESSION, granted, prepared

from pipeline.media import steady
from pipeline.media.steady import growth, is_doubtful, look_at
from pipeline.paperwork.session import public_name
from tests.made.media import bursts, write_media

LONG_AGO_S = 1_700_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("sound")
    write_media(place / "a.ogg", [(0, bursts(3, [1]))], codec="libopus")
    write_media(place / "a.mka", [(0, bursts(3, [1]))], codec="libopus")
    write_media(place / "a.wav", [(0, bursts(3, [1]))], codec="pcm_s16le")
    return place


@pytest.mark.parametrize(("kind", "doubtful"), [("ogg", True), ("mka", False), ("wav", False)])
def test_what_states_no_length_is_looked_at_twice(made, tmp_path, kind, doubtful):
    path = shutil.copy(made / f"a.{kind}", tmp_path)
    assert is_doubtful(tmp_path / f"a.{kind}")  # written just now
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    assert is_doubtful(tmp_path / f"a.{kind}") is doubtful


def test_what_grows_is_seen_and_what_stands_still_is_not_waited_for(made, tmp_path, monkeypatch):
    monkeypatch.setattr(steady, "MOMENT_S", 0.3)
    path = tmp_path / "a.ogg"
    shutil.copy(made / "a.ogg", path)
    first = look_at(path)
    late = threading.Timer(0.1, lambda: path.write_bytes(path.read_bytes() + b"more"))
    late.start()
    assert "a moment later" in growth(path, first)
    late.join()
    started, before = time.monotonic(), look_at(path)
    before = steady.Look(before.size, before.modified_ns, before.at_s - 1)
    assert growth(path, before) == ""
    assert time.monotonic() - started < 0.2


def test_a_copy_that_has_its_size_but_not_its_end_is_seen(made, tmp_path, monkeypatch):
    monkeypatch.setattr(steady, "MOMENT_S", 0.0)
    path = tmp_path / "a.ogg"
    path.write_bytes((made / "a.ogg").read_bytes() + bytes(9000))
    assert growth(path, look_at(path)) == "its end is empty"


def session(place, name, sound):
    (place / name).mkdir()
    (place / name / "session.toml").write_text(SESSION)
    (place / name / "room.wav").write_bytes(sound)
    os.utime(place / name / "room.wav", (LONG_AGO_S, LONG_AGO_S))


def test_a_growing_recording_waits_and_the_others_go_on(tmp_path, monkeypatch):
    for name in ("D0705", "D0706"):
        session(tmp_path, name, name.encode())
    granted(tmp_path)
    monkeypatch.setattr("flows.prepare.is_doubtful", lambda _: True)
    monkeypatch.setattr(
        "flows.prepare.growth", lambda path, _: "it grew" if "D0705" in str(path) else ""
    )
    work = prepared(tmp_path, tmp_path / ".out")
    assert list(work.jobs) == list(work.plans) == [public_name("D0706")]
    (outcome,) = work.outcomes.values()
    assert outcome.sentence == (
        "room.wav is still being copied or recorded: it grew; run again when it is done"
    )


def test_one_recording_under_two_ids_is_told_with_both(tmp_path):
    for name, sound in (("D0705", b"same"), ("D0706", b"same"), ("D0707", b"other")):
        session(tmp_path, name, sound)
    granted(tmp_path)
    work = prepared(tmp_path, tmp_path / ".out")
    assert len(work.jobs) == 3
    assert set(work.told) == {public_name("D0705"), public_name("D0706")}
    (told,) = work.told[public_name("D0705")]
    assert "room.wav is byte for byte a recording of session D0706 too" in told
