"""attendance.csv: read as a spreadsheet leaves it, refused with file, line and value."""

import datetime as dt

import pytest

from pipeline.errors import InputError
from pipeline.study.attendance import Appointment, read_attendance

HEAD = "dyad,number,date,status,recorded\n"


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "attendance.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_good_file(tmp_path, encoding, delimiter):
    text = HEAD + (
        "D07,5,2026-03-02,held,yes\r\n\r\nD07,6,2026-03-09,No-Show,\r\n"
        "D07,,2026-03-16,ended_unplanned,\r\nD08,1,2026-03-02,held,no\r\n"
    )
    rows = read_attendance(written(tmp_path, text.replace(",", delimiter), encoding))
    assert rows[0] == Appointment("D07", 5, dt.date(2026, 3, 2), "held", recorded=True)
    assert [row.status for row in rows] == ["held", "no_show", "ended_unplanned", "held"]
    assert [row.recorded for row in rows] == [True, None, None, False]
    assert [row.is_ending for row in rows] == [False, False, True, False]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("D07,5,2026-03-02,came,yes", ["line 2", "'came'", "held, cancelled"]),
        ("D07,5,02.03.2026,held,yes", ["line 2", "'02.03.2026'", "2026-03-02"]),
        ("D07,0,2026-03-02,held,yes", ["line 2", "number '0'"]),
        ("D07,,2026-03-02,held,yes", ["line 2", "number ''"]),
        ("D07,5,2026-03-02,held,", ["line 2", "recorded ''", "yes, no"]),
        ("D07,5,2026-03-02,cancelled,yes", ["line 2", "not held"]),
        (",5,2026-03-02,held,yes", ["line 2", "no dyad"]),
        ("D07,5,2026-03-02,held,yes,7", ["line 2", "6 cells"]),
        ("D07,,2026-03-02,ended_planned,\nD07,,2026-04-02,ended_planned,", ["line 3", "second"]),
        ("D07,5,2026-03-02,held,yes\nD07,5,2026-03-02,held,no", ["line 3", "session 5"]),
    ],
)
def test_each_fault_has_its_own_sentence(tmp_path, rows, words):
    with pytest.raises(InputError) as caught:
        read_attendance(written(tmp_path, HEAD + rows + "\n"))
    for word in ["attendance.csv", *words]:
        assert word in str(caught.value)


def test_missing_columns_and_files(tmp_path):
    with pytest.raises(InputError, match="no column date"):
        read_attendance(written(tmp_path, "dyad,number,status,recorded\nD1,1,held,yes\n"))
    with pytest.raises(InputError, match="no file"):
        read_attendance(tmp_path / "other.csv")
