"""The guard round every reader of small files, and what a file's name may hold."""

from __future__ import annotations

import os
import time

import pytest

from pipeline.errors import ConfigError, SessionError
from pipeline.paperwork.papers import MOST_KEY_PARTS, paper, printable, toml_in


def reader(error=None, **more):
    """A guarded reader that fails so."""

    @paper(SessionError, **more)
    def read(path):
        if error is not None:
            raise error
        return path.read_text()

    return read


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (IndexError("secret"), r"d\.csv cannot be read \(IndexError\)"),
        (RecursionError(), "nested too deeply"),
        (MemoryError(), "more memory than there is"),
        (OverflowError("secret"), "a number that is too large"),
        (UnicodeEncodeError("utf-8", "secret\ud800", 6, 7, "no"), "characters that are no text"),
        (ValueError("embedded null byte"), "a NUL in it"),
        (KeyError("secret"), "KeyError"),
    ],
)
def test_whatever_a_reader_meets_is_the_files_own_sentence(tmp_path, error, said):
    with pytest.raises(SessionError, match=said) as caught:
        reader(error)(tmp_path / "d.csv")
    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith("d.csv ")


@pytest.mark.parametrize("error", [ConfigError("its own"), FileNotFoundError(2, "no")])
def test_what_says_itself_passes(tmp_path, error):
    with pytest.raises(type(error)) as caught:
        reader(error)(tmp_path / "d.csv")
    assert caught.value is error


def test_a_pipe_is_not_waited_for_and_a_large_file_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SessionError, match="pipe is a pipe; allowed: a file"):
        reader()(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(2001))
    with pytest.raises(SessionError, match="allowed: at most"):
        reader(most_bytes=2000)(tmp_path / "large")
    (tmp_path / "small").write_text("good")
    assert reader(most_bytes=2000)(tmp_path / "small") == "good"


@pytest.mark.parametrize("part", ["a.", '"a" . ', "'a.b'.", "a . "])
def test_a_key_without_end_is_refused_at_once(part):
    started = time.process_time()
    with pytest.raises(ValueError, match=f"over {MOST_KEY_PARTS} parts"):
        toml_in(part * 20_000 + "a = 1\n")
    assert time.process_time() - started < 2


def test_points_in_text_and_numbers_are_no_key():
    text = f'a = "{"e.g. " * 40}"\nb = [{"0.5, " * 40}]\nc.d.e = 1.5 # {"x." * 9}\n'
    assert toml_in(text)["c"] == {"d": {"e": 1.5}}


def test_a_name_can_be_shown_whatever_bytes_it_is_of():
    assert printable("W04") == "W04"
    assert printable(os.fsdecode(b"M\xfcller")) == "M\N{REPLACEMENT CHARACTER}ller"
    assert printable("a\x1b[2Jb\u202e") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}"
