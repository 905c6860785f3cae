"""CARMA in both its layouts, DARMA's two axes, axes of any range, and named columns."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.dials.layouts import read_rating, read_rows
from pipeline.errors import SessionError
from pipeline.paperwork.session import RatingFile

CARMA = (
    "Time of Rating,02-Mar-2026 10:00:00\nMultimedia File,room.mp4\nLower Label,{low}\n"
    "Upper Label,{high}\nMinimum Value,{axis[0]}\nMaximum Value,{axis[1]}\nNumber of Steps,9\n"
    "Second,Rating\n%%%%%%,%%%%%%\n"
)
TABLE = (
    "Filename,Lower Label,Upper Label,Minimum Value,Midpoint Value,Maximum Value,"
    "Number of Steps,Second,Rating\n"
)
DARMA = (
    "Time of Rating,02-Mar-2026 10:00:00,,\nMultimedia File,room.mp4,,\nMagnitude,50,,\n"
    "Second,Pace,Hindering to helpful,Button\n%%%%%%,%%%%%%,%%%%%%,%%%%%%\n"
    "1,-50,-25,0\n2,0,0,1\n3,,,\n4,NaN,NaN,NaN\n5,50,50,0\n"
)


def rows(folder: Path, text: str, **keys):
    (folder / "dial.csv").write_text(text)
    return read_rows(folder / "dial.csv", RatingFile(file="dial.csv", rater="client", **keys))


AXES = {(0, 100): (0, 25, 100), (-100, 100): (-100, -50, 100), (1, 9): (1, 3, 9)}


@pytest.mark.parametrize(("axis", "raw"), AXES.items())
def test_carma_axes_are_mapped_and_remembered(tmp_path: Path, axis, raw) -> None:
    text = CARMA.format(low="hindering", high="helpful", axis=axis)
    text += "".join(f"{i + 1},{value}\n" for i, value in enumerate(raw))
    found = rows(tmp_path, text)
    assert found.value.tolist() == [0, 25, 100]
    assert (found.layout, found.axis, found.direction) == ("carma", axis, "labelled")


def test_a_dial_is_turned_round_only_where_session_toml_says_so(tmp_path: Path) -> None:
    text = CARMA.format(low="helpful", high="hindering", axis=(0, 100)) + "1,80\n2,60\n"
    kept = rows(tmp_path, text)
    assert (kept.value.tolist(), kept.direction) == ([80, 60], "reversed")
    turned = rows(tmp_path, text, scale=[100.0, 0.0])
    assert (turned.value.tolist(), turned.direction) == ([20, 40], "stated")
    assert turned.axis == (100, 0)


def test_carma_table_has_its_axis_in_columns(tmp_path: Path) -> None:
    text = TABLE + "".join(
        f"C:\\films\\a.avi,very negative,very positive,-100,0,100,9,{s},{v}\n"
        for s, v in ((1, 7.8), (2, "NaN"), (3, -50))
    )
    found = rows(tmp_path, text)
    assert found.value[[0, 2]].tolist() == pytest.approx([53.9, 25])
    assert np.isnan(found.value[1])
    assert (found.layout, found.direction, found.bin_ends) == ("carma_table", "labelled", True)


def test_darma_gives_the_axis_that_session_toml_names(tmp_path: Path) -> None:
    y = rows(tmp_path, DARMA, column="y")
    assert y.value[[0, 1, 4]].tolist() == [25, 50, 100]
    assert np.isnan(y.value[[2, 3]]).all()
    assert (y.layout, y.axis, y.direction) == ("darma", (-50, 50), "labelled")
    by_name = rows(tmp_path, DARMA, column="Pace")
    assert by_name.value[[0, 1, 4]].tolist() == [0, 50, 100]
    assert by_name.direction == "unlabelled"


def test_an_axis_of_session_toml_maps_a_plain_file(tmp_path: Path) -> None:
    text = "time,rating\n0,1\n1,5\n2,9\n"
    assert rows(tmp_path, text, scale=[1.0, 9.0]).value.tolist() == [0, 50, 100]
    assert rows(tmp_path, text, scale=[9.0, 1.0]).value.tolist() == [100, 50, 0]
    assert rows(tmp_path, text, scale=[0.0, 100.0]).value.tolist() == [1, 5, 9]


COLUMNS = {
    "time_ms,rating\n0,50\n1500,60\n": [0, 1.5],
    "Time (ms),Rating (0-100)\n0,50\n1500,60\n": [0, 1.5],
    "milliseconds,dial\n0,50\n1500,60\n": [0, 1.5],
    "rating;time [min]\n50;0\n60;0,025\n": [0, 1.5],
    "rating,time\n50,0\n60,1.5\n": [0, 1.5],
    "participant,elapsed,helpfulness\n7,0,50\n7,1.5,60\n": [0, 1.5],
}


@pytest.mark.parametrize("text", COLUMNS)
def test_columns_are_known_by_their_names(tmp_path: Path, text: str) -> None:
    found = rows(tmp_path, text)
    assert found.t_s.tolist() == COLUMNS[text]
    assert found.value.tolist() == [50, 60]


def test_one_file_can_hold_both_raters(tmp_path: Path) -> None:
    text = "time,client,therapist\n0,50,40\n1,60,45\n"
    assert rows(tmp_path, text, column="therapist").value.tolist() == [40, 45]


def test_parts_follow_each_other_by_their_offsets(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("time,rating\n0,50\n1,60\n2,70\n")
    parts = [
        RatingFile(file="b.csv", rater="client", offset_s=10.0),
        RatingFile(file="a.csv", rater="client"),
    ]
    found = read_rating(lambda file: tmp_path / file, parts)
    assert found.course.start_s.tolist() == [0, 1, 2, 10, 11, 12]
    assert (found.parts, found.passes) == (2, 1)
    with pytest.raises(SessionError, match=r"b\.csv begins at 1 s.*mend `offset_s`"):
        read_rating(
            lambda file: tmp_path / file,
            [parts[1], parts[0].model_copy(update={"offset_s": 1.0})],
        )
    (tmp_path / "b.csv").write_text(CARMA.format(low="a", high="b", axis=(1, 9)) + "1,5\n")
    with pytest.raises(SessionError, match="one layout and one axis"):
        read_rating(lambda file: tmp_path / file, parts)


KEYS = {
    "scale = [1, 1]": "two different numbers",
    "scale = [1, 5, 9]": "two different numbers",
    'started_at = "10:02:13"': "without quotes",
    'passes = "last"': "'later' or 'earlier'",
}


@pytest.mark.parametrize("key", KEYS)
def test_keys_that_cannot_be_meant(key: str) -> None:
    with pytest.raises(ValidationError, match=KEYS[key]):
        RatingFile.model_validate(tomllib.loads(f'file = "d.csv"\nrater = "client"\n{key}'))


def test_keys_as_session_toml_has_them() -> None:
    text = 'file = "d.csv"\nrater = "client"\nscale = [1, 9]\nstarted_at = 10:02:13\n'
    told = RatingFile.model_validate(tomllib.loads(text))
    assert (told.scale, told.started_at) == ([1.0, 9.0], dt.time(10, 2, 13))
