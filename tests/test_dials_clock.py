"""Time cells: media positions, wall clocks with a start, midnight and zones."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.dials.clock import seconds_of
from pipeline.errors import SessionError

TEN = dt.time(10, 2, 13)


def read(*cells: str, started_at=None, unit_s: float = 1.0):
    numbered = [(i + 2, cell) for i, cell in enumerate(cells)]
    found, wall = seconds_of(Path("d.csv"), numbered, unit_s=unit_s, started_at=started_at)
    return found.round(6).tolist(), wall


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (("0", "1,5", "90.25"), [0, 1.5, 90.25]),
        (("0:00", "1:30.5", "75:00"), [0, 90.5, 4500]),
        (("0:00:00", "0:01:30,5", "1:15:00"), [0, 90.5, 4500]),
        (("100:00", "100:01.5"), [6000, 6001.5]),
        (("1:2:3", "1:2:4", "26:00:00"), [3723, 3724, 93600]),
        (("500 ms", "1 s", "1,5 min"), [0.5, 1, 90]),
        (("−1", "1 000,5", "1\u202f000"), [-1, 1000.5, 1000]),
    ],
)
def test_media_positions(cells, seconds) -> None:
    assert read(*cells) == (seconds, False)


STAMPS = {
    "time of day": ("10:02:13", "10:02:14.5", "10:03:13"),
    "twelve hours": ("10:02:13 AM", "10:02:14.5 AM", "10:03:13 a.m."),
    "iso": ("2026-03-02T10:02:13", "2026-03-02 10:02:14,5", "2026-03-02 10:03:13"),
    "iso with milliseconds": (
        "2026-03-02T10:02:13.000", "2026-03-02T10:02:14.500", "2026-03-02T10:03:13.000",
    ),
    "german spreadsheet": ("02.03.2026 10:02:13", "02.03.2026 10:02:14,5", "02.03.2026 10:03:13"),
    "american spreadsheet": (
        "3/2/2026 10:02:13 AM", "3/2/2026 10:02:14.5 AM", "3/2/2026 10:03:13 AM",
    ),
    "matlab": ("02-Mar-2026 10:02:13", "02-Mar-2026 10:02:14.5", "02-Mar-2026 10:03:13"),
}  # fmt: skip


@pytest.mark.parametrize("cells", STAMPS.values(), ids=STAMPS)
def test_wall_clocks_count_from_the_start_of_the_film(cells) -> None:
    assert read(*cells, started_at=TEN) == ([0, 1.5, 60], True)
    late = read(*cells, started_at=dt.time(10, 2, 3, 250_000))
    assert late == ([9.75, 11.25, 69.75], True)


def test_noon_and_midnight_of_twelve_hours() -> None:
    assert read("12:00:01 PM", started_at=dt.time(12)) == ([1], True)
    assert read("12:00:01 AM", started_at=dt.time(0)) == ([1], True)


@pytest.mark.parametrize(
    "cells",
    [
        ("23:59:59", "00:00:01"),
        ("2026-03-02 23:59:59", "2026-03-03 00:00:01"),
        ("02.03.2026 23:59:59", "03.03.2026 00:00:01"),
    ],
)
def test_a_rating_may_pass_midnight(cells) -> None:
    assert read(*cells, started_at=dt.time(23, 59, 50))[0] == [9, 11]
    assert read(cells[1], started_at=dt.time(23, 59, 50))[0] == [11]


def test_zones_are_reckoned_with_or_asked_for() -> None:
    zone = dt.timezone(dt.timedelta(hours=1))
    start = dt.datetime(2026, 3, 2, 10, 2, 13, tzinfo=zone)
    assert read("2026-03-02T09:02:14Z", started_at=start)[0] == [1]
    assert read("2026-03-02T10:02:14+01:00", started_at=start)[0] == [1]
    assert read("2026-03-02T04:02:14-0500", started_at=start)[0] == [1]
    with pytest.raises(SessionError, match="must both name a time zone"):
        read("2026-03-02T09:02:14Z", started_at=TEN)
    with pytest.raises(SessionError, match=r"line 3: .* another zone"):
        read("2026-03-02T09:02:14Z", "2026-03-02T10:02:15+01:00", started_at=start)


def test_a_full_date_counts_the_days_to_it() -> None:
    start = dt.datetime(2026, 3, 1, 23, 59, 50)  # noqa: DTZ001
    assert read("2026-03-02 00:00:05", started_at=start)[0] == [15]
    assert read("2026-03-04 23:59:50", started_at=start)[0] == [3 * 86400]


@pytest.mark.parametrize("cell", ["1:75", "10:61:00", "25:00:00 PM", "0:00:61", "x", "1:2:3:4", ""])
def test_no_time(cell: str) -> None:
    with pytest.raises(SessionError, match=r"d\.csv, line 2: time .* cannot be read"):
        read(cell)
