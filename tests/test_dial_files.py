"""Dial files in every dress they come in; what is wrong with one is said with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.dials.layouts import DialCourse, read_rating
from pipeline.errors import SessionError
from pipeline.paperwork.session import RatingFile

HEADER = [
    "Time of Rating,02-Mar-2026 10:00:00", "Multimedia File,room.mp4", "Lower Label,hindering",
    "Upper Label,helpful", "Minimum Value,0", "Maximum Value,100", "Number of Steps,9",
    "Second,Rating", "%%%%%%,%%%%%%",
]  # fmt: skip


def read(folder: Path, text: str | bytes) -> DialCourse:
    path = folder / "dial.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rating(lambda _: path, [RatingFile(file=path.name, rater="client")]).course


def carma(*rows: str, low="0", high="100", end="\n") -> str:
    header = [
        {
            "Minimum Value,0": f"Minimum Value,{low}",
            "Maximum Value,100": f"Maximum Value,{high}",
        }.get(line, line)
        for line in HEADER
    ]
    return end.join([*header, *rows]) + end


def test_carma_bins_are_stamped_at_their_end(tmp_path: Path) -> None:
    course = read(tmp_path, carma("1,50", "2,60.5", "3,NaN", "4,70"))
    assert course.start_s.tolist() == [0, 1, 2, 3]
    assert course.end_s.tolist() == [1, 2, 3, 4]
    assert course.value[[0, 1, 3]].tolist() == [50, 60.5, 70]
    assert np.isnan(course.value[2])


@pytest.mark.parametrize(("low", "high", "middle"), [("-100", "100", "0"), ("1", "9", "5")])
def test_any_axis_is_mapped_to_0_to_100(tmp_path: Path, low, high, middle) -> None:
    course = read(tmp_path, carma(f"1,{low}", f"2,{middle}", f"3,{high}", low=low, high=high))
    assert course.value.tolist() == [0, 50, 100]


def test_half_second_bins_and_a_hole(tmp_path: Path) -> None:
    course = read(tmp_path, carma("0.5,10", "1.0,20", "1.5,30", "5.0,40", "5.5,50"))
    assert course.start_s.tolist() == [0, 0.5, 1.0, 4.5, 5.0]


PLAIN = "time,rating\n0,50\n1.5,52.5\n3,47\n"
DRESSES = {
    "as it is": PLAIN,
    "no header": PLAIN.removeprefix("time,rating\n"),
    "windows ends": PLAIN.replace("\n", "\r\n"),
    "old mac ends": PLAIN.replace("\n", "\r"),
    "byte-order mark": "\ufeff" + PLAIN,
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "decimal commas": PLAIN.replace(",", ";").replace(".", ","),
    "utf-16": PLAIN.encode("utf-16"),
    "utf-16 unmarked": PLAIN.encode("utf-16-le"),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "spreadsheet tail": PLAIN.replace("\n", ",,\n") + ",,,\n",
    "more columns": "n,seconds,comment,value\n1,0,a,50\n2,1.5,,52.5\n3,3,b,47\n",
    "units in the header": PLAIN.replace("time,", "Time (s),"),
    "quotes": '"time","rating"\n"0","50"\n"1.5","52.5"\n"3","47"\n',
    "clock": "time,rating\n0:00,50\n0:01.5,52.5\n0:00:03,47\n",
    "latin-1 header": "zeit,größe\n0,50\n1.5,52.5\n3,47\n".encode("latin-1"),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_plain_files_in_every_dress(tmp_path: Path, dress: str) -> None:
    course = read(tmp_path, DRESSES[dress])
    assert course.start_s.tolist() == [0, 1.5, 3]
    assert course.value.tolist() == [50, 52.5, 47]
    assert course.end_s[:2].tolist() == [1.5, 3]


def test_carma_from_a_german_spreadsheet(tmp_path: Path) -> None:
    text = carma("1,0;52,5", "2,0;47,25", end="\r\n")
    text = "\ufeff" + "\r\n".join(
        line if ";" in line else line.replace(",", ";") for line in text.split("\r\n")
    )
    assert read(tmp_path, text).value.tolist() == [52.5, 47.25]


BROKEN = {
    "": "empty",
    "time,rating\n": "no ratings",
    "time,rating\n0,nan\n1,\n": "no rating in any",
    "time,rating\n0,50\n1,high\n": r"line 3: rating 'high'; allowed: a number from 0 hindering",
    "time,rating\n0,50\n1,101\n": r"line 3: rating '101'",
    "time,rating\n0,50\n1,-0.5\n": r"line 3: rating '-0.5'",
    "time,rating\n0,50\n\n1,inf\n": r"line 4: rating 'inf'",
    "time,rating\n0,50\n1,1_0\n": r"line 3: rating '1_0'",
    "time,rating\n5,50\n4,50\n": r"line 3: time 4 s is before the line above \(5 s\)",
    "time,rating\n2026-03-02 10:00:00,50\n": r"line 2: time '2026-03-02 10:00:00' .*media position",
    "time,rating\n0\n": r"line 2: 1 cell",
    "time,rating\n0,52,5\n": r"line 2: 3 cells where 2 are allowed; .*semicolons",
    "0,5,52,5\n1,0,53,0\n": r"line 1: 4 cells",
    carma("1,50", "2,101"): r"line 11: rating '101'; allowed: .*0 hindering to 100",
    carma("1,50", low="100"): "axis goes from 100 to 100; allowed: a maximum above",
    carma("1,50", low="low"): r"line 5: Minimum Value is 'low', not a number",
    carma("1,50").replace("Maximum Value,100\n", ""): "no 'Maximum Value' row",
    carma("1,50").replace("Second,Rating\n%%%%%%,%%%%%%\n", ""): "no 'Second,Rating' row",
    carma(): "no ratings",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(SessionError, match=rf"dial\.csv.*{BROKEN[text]}"):
        read(tmp_path, text)


SAID = "and then my sister Jane said that it had all been my own fault"


@pytest.mark.parametrize(
    "content",
    [
        f"{SAID}\nof course\n",
        f"time;{SAID};mood\n0;1;2\n",
        f"0,50\n1,{SAID}\n",
        f"time,rating\n{SAID},50\n",
        f"time,event,rating\n0,play,\n1,{SAID},50\n",
        b"time,rating\n0,50\n1,5\x001\n2,52\n",
    ],
)
def test_no_free_text_of_a_file_is_repeated(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(SessionError, match=r"dial\.csv.*allowed|dial\.csv.*name it") as error:
        read(tmp_path, content)
    assert "jane" not in str(error.value).lower()
    assert str(error.value).isascii()


@pytest.mark.parametrize("content", [b"\xff\xfe0", b"\x00\x01\x02", bytes(range(256)), b'"\n"\n"'])
def test_rubbish_is_a_session_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SessionError, match=r"dial\.csv"):
        read(tmp_path, content)
