"""`thinslice config check`: what can be known of a session's folder without opening a recording."""

import pytest
from conftest import ROOT

from flows.check import check
from pipeline.errors import InputError

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


def test_a_good_folder_is_said_to_be_unopened(folder, monkeypatch):
    said = "D07-05: session.toml is good; 1 media, 0 dials, which are not opened"
    assert check(folder) == check(folder / "session.toml") == said
    monkeypatch.chdir(folder)
    assert check(folder.relative_to(folder) / "session.toml") == said


def test_an_empty_recording_is_refused(folder):
    (folder / "room.wav").write_bytes(b"")
    with pytest.raises(InputError, match=r"session D07-05: room\.wav: 0 bytes.*copy it again"):
        check(folder)


def test_what_is_not_there_is_no_profile(folder):
    with pytest.raises(InputError, match=r"no file or folder .*D07-06"):
        check(folder.with_name("D07-06"))
    assert check(ROOT / "configs" / "default.toml").startswith("default.toml: good")
