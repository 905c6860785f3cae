"""`thinslice config check`: what can be known of a session's folder from headers alone."""

import pytest
from conftest import ROOT

from flows.check import check
from pipeline.errors import InputError
from tests.made.streams import voice, write_streams

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


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "D07-05"
    place.mkdir()
    (place / "room.wav").write_bytes(b"RIFF")
    (place / "session.toml").write_text(SESSION)
    return place


def test_every_stream_of_every_file_is_listed(folder, monkeypatch):
    write_streams(folder / "room.mkv", [[voice("client")] * 2, [voice("client")]])
    write_streams(folder / "room.wav", [[voice("client")]])
    more = '[[media]]\nfile = "room.mkv"\nhears = ["mixed"]\nshows = ["client"]\noffset_s = 2.5\n'
    (folder / "session.toml").write_text(SESSION + more)
    said = check(folder)
    assert said == check(folder / "session.toml")
    assert "D07-05: session.toml is good; 2 media, of which headers alone are read, 0 dials" in said
    assert "room.wav: hears ['mixed'], shows [], assumed to begin at 0 s" in said
    assert "room.mkv: hears ['mixed'], shows ['client'], begins at 2.5 s" in said
    assert "stream 0: sound, pcm_s16le, 16000 Hz, 2 channel(s)" in said
    assert "stream 1: sound, pcm_s16le, 16000 Hz, 1 channel(s)" in said
    monkeypatch.chdir(folder)
    assert check(folder.relative_to(folder) / "session.toml") == said


def test_a_recording_that_cannot_be_opened_is_said(folder):
    assert "room.wav is not a recording that can be opened" in check(folder)


def test_an_empty_recording_is_refused(folder):
    (folder / "room.wav").write_bytes(b"")
    with pytest.raises(InputError, match=r"session D07-05: room\.wav: 0 bytes.*copy it again"):
        check(folder)


def test_what_is_not_there_is_no_profile(folder):
    with pytest.raises(InputError, match=r"no file or folder .*D07-06"):
        check(folder.with_name("D07-06"))
    assert check(ROOT / "configs" / "default.toml").startswith("default.toml: good")
