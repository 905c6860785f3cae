"""Whatever wrote a file by hand, its letters are read; damage costs what is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.paperwork import spreadsheet_text
from pipeline.paperwork.papers import text_of
from pipeline.transcribe import encoding

LINE = "0;50;ich war müde, sehr müde für die Größe\n"
SCRIPTS = ["Zeit;Wert\n1;50;müde\n", "Время;Оценка\n1;50;устал\n", "時間;値\n1;50;疲れた\n"]


def as_sheet(folder: Path, content: bytes) -> str:
    path = folder / "reasons.csv"
    path.write_bytes(content)
    return spreadsheet_text.decoded(path)


def as_captions(folder: Path, content: bytes) -> str:
    path = folder / "captions.vtt"
    path.write_bytes(content)
    return encoding.decoded(path, file=path.name)


READERS = pytest.mark.parametrize("read", [as_sheet, as_captions])


@given(data=st.data())
def test_one_lost_byte_costs_one_letter(data):
    whole = (LINE * 40).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    text = text_of(whole[:at] + whole[at + 1 :])
    assert text.count("müde") >= 79
    assert "Ã" not in text


@READERS
def test_a_file_cut_inside_a_letter_keeps_the_rest(tmp_path, read):
    text = read(tmp_path, (LINE * 40 + "mü").encode()[:-1])
    assert text.count("müde") == 80
    assert "Ã" not in text


@READERS
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_script_in_every_unicode(tmp_path, read, script, code):
    assert read(tmp_path, script.encode(code)) == script


@READERS
def test_an_old_western_file_is_read_as_such(tmp_path, read):
    assert read(tmp_path, LINE.encode("cp1252")) == LINE
