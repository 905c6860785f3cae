"""Time cells of a dial file as seconds: media positions, or a wall clock with a known start.

A number is a media position in the unit its column names; ``h:mm:ss`` is one too, unless
session.toml says when the film was started (``started_at``): then it is a time of day. A cell with
a date, with am or pm, or with a zone is always a wall clock. One file has one kind. Dates are only
compared with each other, so their order of day and month does not matter.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.dials.axis import refuse_doubtful_marks
from pipeline.errors import SessionError
from pipeline.paperwork.sheet_values import number, numbers, position, shown

Floats = NDArray[np.float64]
TimeCell = tuple[int, str]
"""Line number in the file, and the cell."""
Start = dt.datetime | dt.time
Kind = Literal["number", "position", "time of day", "wall clock"]

DAY_S = 86400.0
LONGEST = 80
"""Characters of a time cell; what is longer is none."""
ALLOWED_TIME = "allowed: seconds of media position, h:mm:ss, or a wall clock as 2026-03-02 10:00:00"
_FOUR_FIELDS = re.compile(r"[0-9]{1,4}(?::[0-9]{1,4}){2}[:;][0-9]{1,4}")
_NO_HOURS = re.compile(r"[0-9]{1,2}:[^:]*")
HOUR_S = 3600.0
LOST_HOUR_S = 600.0
"""A clock without hours that goes back by an hour and less than this has lost its hour."""
_STAMP = re.compile(
    r"(?:(?P<day>\d{1,4}[-./](?:\d{1,2}|[A-Za-z]{3})[-./]\d{1,4})[T ,]+)?"
    r"(?P<hours>\d{1,2}):(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2}(?:[.,]\d{1,9})?)"
    r"\s*(?:(?P<half>[AaPp])\.?\s?[Mm]\.?|(?P<zone>[Zz]|[+-]\d{2}:?\d{2}))?"
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One time cell."""

    kind: Kind
    seconds: float
    """Of the media, or of the day."""
    day: str = ""
    """The date as written; empty where there is none."""
    zone_s: float | None = None
    """East of Greenwich; None where not said."""


def seconds_of(
    path: Path, cells: Sequence[TimeCell], *, unit_s: float, started_at: Start | None
) -> tuple[Floats, bool]:
    """Seconds of all time cells, shape (n,), and whether they are from a wall clock.

    Parameters
    ----------
    cells : at least one
    unit_s : length of the unit in which plain numbers are written, s
    started_at : when media position 0 was played; without it a wall clock counts from its first row

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    plain = numbers([cell for _, cell in cells]) if started_at is None else [None]
    if None not in plain:
        refuse_doubtful_marks(path, cells)
        return unit_s * np.array(plain, np.float64), False
    stamps = [_stamp(path, n, cell, timed=started_at is not None) for n, cell in cells]
    for (n, cell), stamp in zip(cells, stamps, strict=True):
        if stamp.kind != stamps[0].kind:
            raise SessionError(
                f"{path.name}, line {n}: time {cell!r} is a {stamp.kind}, where line {cells[0][0]} "
                f"has a {stamps[0].kind} ({cells[0][1]!r}); allowed: one kind in a file"
            )
    if stamps[0].kind in ("number", "position"):
        t_s = np.array([stamp.seconds for stamp in stamps])
        _refuse_lost_hours(path, cells, t_s)
        return t_s, False
    return _elapsed(path, cells, stamps, started_at), True


def _refuse_lost_hours(path: Path, cells: Sequence[TimeCell], t_s: Floats) -> None:
    """A spreadsheet that shows mm:ss saves 1:00:01 as 00:01: what is lost nobody can put back."""
    if not all(_NO_HOURS.fullmatch(cell) for _, cell in cells) or t_s.max() >= HOUR_S:
        return
    back = -np.diff(t_s)
    lost = np.flatnonzero((back > HOUR_S - LOST_HOUR_S) & (back < HOUR_S))
    if len(lost):
        (_, before), (n, now) = cells[int(lost[0])], cells[int(lost[0]) + 1]
        raise SessionError(
            f"{path.name}, line {n}: time {now!r} follows {before!r}, as where a spreadsheet shows "
            "mm:ss and leaves the hour out when it saves; the hour is not in the file any more. "
            "Take the rating program's own file, or format the column as [h]:mm:ss and save again"
        )


def is_time(cell: str) -> bool:
    """Whether a cell can be read as a time at all."""
    return _read(cell, timed=False) is not None


def _stamp(path: Path, n: int, cell: str, *, timed: bool) -> Stamp:
    stamp = _read(cell, timed=timed)
    if stamp is None:
        fields = _FOUR_FIELDS.fullmatch(cell)
        why = " (frames or milliseconds in its fourth field?)" if fields else ""
        raise SessionError(
            f"{path.name}, line {n}: time {shown(cell)} cannot be read{why}; {ALLOWED_TIME}"
        )
    if timed and stamp.kind in ("number", "position"):
        raise SessionError(
            f"{path.name}, line {n}: time {cell!r} is no time of day to the second, but "
            "session.toml gives `started_at`; allowed: h:mm:ss of the clock, or no `started_at`"
        )
    return stamp


def _read(cell: str, *, timed: bool) -> Stamp | None:
    """`timed`: the film's start is known, so that h:mm:ss is a time of day."""
    plain = number(cell)
    if plain is not None:
        return Stamp("number", plain)
    found = _STAMP.fullmatch(cell) if len(cell) <= LONGEST else None
    if found and (timed or found["day"] or found["half"] or found["zone"]):
        return _of_clock(found)
    media_s = position(cell)
    return None if media_s is None else Stamp("position", media_s)


def _of_clock(found: re.Match[str]) -> Stamp | None:
    hours, minutes = int(found["hours"]), int(found["minutes"])
    seconds = float(found["seconds"].replace(",", "."))
    if found["half"] and 1 <= hours <= 12:
        hours = hours % 12 + (12 if found["half"] in "pP" else 0)
    elif found["half"] or hours > 23:
        return None
    if minutes > 59 or seconds >= 60:
        return None
    of_day = 3600 * hours + 60 * minutes + seconds
    if found["day"] or found["half"] or found["zone"]:
        return Stamp("wall clock", of_day, found["day"] or "", _zone_s(found["zone"]))
    return Stamp("time of day", of_day)


def _zone_s(zone: str | None) -> float | None:
    if not zone:
        return None
    if zone in "Zz":
        return 0.0
    sign = -1.0 if zone[0] == "-" else 1.0
    return sign * (3600 * int(zone[1:3]) + 60 * int(zone[-2:]))


def _elapsed(
    path: Path, cells: Sequence[TimeCell], stamps: Sequence[Stamp], started_at: Start | None
) -> Floats:
    """Seconds since `started_at`, or since the first row."""
    days = 0
    clock = [stamps[0].seconds]
    for (n, cell), before, now in zip(cells[1:], stamps, stamps[1:], strict=False):
        if now.zone_s != before.zone_s:
            raise SessionError(
                f"{path.name}, line {n}: time {cell!r} is of another zone than the line above; "
                "allowed: one zone in a file"
            )
        days += _days_between(path, n, cell, before, now)
        clock.append(now.seconds + days * DAY_S)
        if clock[-1] < clock[-2]:
            raise SessionError(
                f"{path.name}, line {n}: the wall clock goes back by {clock[-2] - clock[-1]:g} s "
                f"to {cell!r}; allowed: times that do not go back (was the computer's clock set?)"
            )
    origin = clock[0] if started_at is None else _origin(path, cells[0], stamps[0], started_at)
    return np.array(clock) - origin


def _days_between(path: Path, n: int, cell: str, before: Stamp, now: Stamp) -> int:
    """Midnights between two rows: 0 or 1."""
    if now.day == before.day:
        # a time of day without a date passes midnight; a small step back is a fault
        undated = not now.day and before.seconds - now.seconds > DAY_S / 2
        return int(undated)
    apart = _calendar_days(before.day, now.day)
    if apart is None and now.seconds < before.seconds:
        return 1
    if apart != 1:
        raise SessionError(
            f"{path.name}, line {n}: the date changes to that of {cell!r}; allowed: the same day, "
            "or the next one after midnight"
        )
    return 1


def _calendar_days(before: str, now: str) -> int | None:
    """Days between ISO dates; None where a date is written otherwise."""
    try:
        return (dt.date.fromisoformat(now) - dt.date.fromisoformat(before)).days
    except ValueError:
        return None


def _origin(path: Path, cell: TimeCell, first: Stamp, started_at: Start) -> float:
    """`started_at` on the scale of the first row's seconds of the day."""
    shift = started_at.utcoffset()
    if (shift is None) != (first.zone_s is None):
        raise SessionError(
            f"{path.name}, line {cell[0]}: {cell[1]!r} and started_at = {started_at.isoformat()} "
            "must both name a time zone or neither; allowed: e.g. 2026-03-02T10:00:00+01:00"
        )
    of_day = 3600.0 * started_at.hour + 60 * started_at.minute + started_at.second
    of_day += started_at.microsecond / 1e6
    if shift is not None and first.zone_s is not None:
        of_day += first.zone_s - shift.total_seconds()
    apart = None
    if isinstance(started_at, dt.datetime) and shift is None:
        apart = _calendar_days(started_at.date().isoformat(), first.day)
    if apart is not None:
        return of_day - apart * DAY_S
    # only the time of day counts: the nearer of yesterday, today and tomorrow
    ahead = (first.seconds - of_day + DAY_S / 2) % DAY_S - DAY_S / 2
    return first.seconds - ahead
