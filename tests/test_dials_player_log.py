"""Pauses, rewinds and irregular logs: every moment of the media is rated once, at its own time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dials.layouts import read_rating
from pipeline.errors import SessionError
from pipeline.paperwork.session import RatingFile
from pipeline.stages.ratings import on_seconds


def seconds(folder: Path, text: str, length: int, **keys) -> list[float]:
    """Rating of every second, -1 where none."""
    (folder / "dial.csv").write_text(text)
    told = RatingFile(file="dial.csv", rater="client", **keys)
    course = read_rating(lambda file: folder / file, [told]).course
    assert np.all(course.end_s[:-1] <= course.start_s[1:] + 1e-9)
    return np.nan_to_num(on_seconds(course, length), nan=-1).tolist()


def test_a_change_holds_until_the_next(tmp_path: Path) -> None:
    text = "time_ms,rating\n0,50\n2500,60\n4000,70\n4000,80\n8000,\n9000,40\n"
    found = seconds(tmp_path, text, 12)
    assert found == [50, 50, 55, 60, 80, 80, 80, 80, -1, 40, 40, -1]


def test_a_hole_in_even_samples_is_not_held(tmp_path: Path) -> None:
    text = "time,rating\n" + "".join(f"{t},50\n" for t in range(60) if not 20 <= t < 40)
    found = seconds(tmp_path, text, 60)
    assert found == [50] * 20 + [-1] * 20 + [50] * 20


def test_samples_stamped_to_the_second_all_count(tmp_path: Path) -> None:
    text = "time,rating\n" + "".join(
        f"10:00:{s:02},{50 + tenth}\n" for s in range(5) for tenth in range(10)
    )
    found = seconds(tmp_path, text, 5, started_at=dt.time(10))
    assert found == pytest.approx([54.5] * 5)


PAUSED = (
    "time,event,rating\n10:00:00,play,\n10:00:00,rating,50\n10:00:04,pause,\n10:05:00,rating,70\n"
    "10:06:00,play,\n10:06:02,rating,30\n10:06:05,stop,\n"
)


def test_a_pause_takes_no_media_time(tmp_path: Path) -> None:
    found = seconds(tmp_path, PAUSED, 12)
    assert found == [50] * 4 + [70] * 2 + [30] * 3 + [-1] * 3


def test_a_seek_back_is_rated_again_and_the_later_counts(tmp_path: Path) -> None:
    text = (
        "ms,event,value\n0,play,\n0,rating,50\n6000,seek,2\n7000,rating,80\n9000,seek,10\n"
        "12000,end,\n"
    )
    found = seconds(tmp_path, text, 14)
    assert found == [50, 50, 50, 80, 80, 50, -1, -1, -1, -1, 80, 80, 80, -1]
    earlier = seconds(tmp_path, text, 14, passes="earlier")
    assert earlier == [50] * 6 + [-1] * 4 + [80] * 3 + [-1]


def test_the_players_position_is_believed(tmp_path: Path) -> None:
    """Rated to 4 s, paused for a minute, rewound to 2 s, then moved on to 8 s."""
    rows = [(0, 0, 50), (1, 1, 50), (2, 2, 60), (3, 3, 60), (63, 4, 60), (64, 2, 70), (65, 3, 71)]
    rows += [(66, 8, 40), (67, 9, 41)]
    text = "time,position,rating\n" + "".join(f"{t},{p},{r}\n" for t, p, r in rows)
    found = seconds(tmp_path, text, 11)
    assert found == [50, 50, 70, 71, 60, -1, -1, -1, 40, 41, -1]


def test_a_plain_file_that_goes_back_needs_a_word(tmp_path: Path) -> None:
    text = "time,rating\n" + "".join(f"{t},50\n" for t in range(6))
    text += "".join(f"{t},80\n" for t in range(3, 8))
    assert seconds(tmp_path, text, 8, passes="later") == [50] * 3 + [80] * 5
    assert seconds(tmp_path, text, 8, passes="earlier") == [50] * 6 + [80] * 2


def test_without_a_play_row_the_film_starts_when_session_toml_says(tmp_path: Path) -> None:
    text = (
        "time,event,rating\n10:00:02,rating,50\n10:00:04,pause,\n10:01:00,play,\n10:01:03,stop,\n"
    )
    found = seconds(tmp_path, text, 8, started_at=dt.time(10))
    assert found == [-1, -1, 50, 50, 50, 50, 50, -1]
    with pytest.raises(SessionError, match="no play row says when the film began"):
        seconds(tmp_path, text, 8)
    with pytest.raises(SessionError, match="Leave `started_at` out"):
        seconds(tmp_path, PAUSED, 8, started_at=dt.time(10))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 60)), min_size=1, max_size=8))
def test_time_is_never_doubled(tmp_path_factory, moves) -> None:
    """However the rater jumps about: rated media time is what the player passed over, once."""
    folder = tmp_path_factory.mktemp("log")
    lines, now, at, played = (
        ["time,event,rating,position", "0,play,,0", "0,rating,50,0"],
        0,
        0,
        set(),
    )
    for watched, target in moves:
        played |= set(range(at, at + watched))
        now, at = now + watched, target
        lines.append(f"{now},seek,,{target}")
    lines.append(f"{now},stop,,")
    found = seconds(folder, "\n".join(lines) + "\n", 120)
    assert {t for t, value in enumerate(found) if value >= 0} == played
