"""Dial ratings as files have them: CARMA's layout, or plain ``time,rating``.

CARMA (Girard 2014) writes nine header rows, then one row per bin stamped at the bin's end, on the
axis its header states; it is mapped to 0-100. A plain file has a time in seconds (or h:mm:ss) of
media position and a rating of 0-100 per row, each held until the next. Both may have been through a
spreadsheet: semicolons, tabs, decimal commas, byte-order marks, UTF-16 and any line ends are read.

Whatever cannot be read is a `SessionError` that names file, line, value and what is allowed. Times
are media positions: a file of wall-clock stamps is refused, not guessed at.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SessionError

Floats = NDArray[np.float64]
Line = tuple[int, list[str]]
"""Line number in the file, and its cells."""

UNRATED = frozenset({"", "nan", "na", "n/a", "null", "none"})
TIME_NAMES = frozenset({"time", "time_s", "t", "t_s", "second", "seconds", "onset"})
RATING_NAMES = frozenset({"rating", "value", "dial", "score"})
CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
CARMA_MARKS = frozenset({"multimedia file", "minimum value", "number of steps"})
PERCENTS = re.compile(r"%+")
AXIS_MAX = 100.0
ALLOWED_TIME = "allowed: seconds of media position, or h:mm:ss"


@dataclass(frozen=True, slots=True)
class DialCourse:
    """A rating as steps: `value` holds in ``[start_s, end_s)``. All of shape (n,)."""

    start_s: Floats
    """Seconds of the rating's own clock."""
    end_s: Floats
    value: Floats
    """0 hindering, 50 neutral, 100 helpful; NaN where not rated."""


def read_dial(path: Path) -> DialCourse:
    """Read one dial file in either layout.

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    lines = _lines(path)
    if any(cells[0].lower() in CARMA_MARKS for _, cells in lines[:20]):
        return _read_carma(path, lines)
    return _read_plain(path, lines)


def _lines(path: Path) -> list[Line]:
    """Cells of every line that is not blank."""
    text = _decoded(path)
    numbered = [
        (n, line) for n, line in enumerate(re.split(r"\r\n|\n|\r", text), 1) if line.strip()
    ]
    if not numbered:
        raise SessionError(f"{path.name} is empty; allowed: CARMA's layout, or time,rating rows")
    delimiter = _delimiter([line for _, line in numbered])
    cells = csv.reader((line for _, line in numbered), delimiter=delimiter)
    try:
        rows = [(n, _trimmed(row)) for (n, _), row in zip(numbered, cells, strict=True)]
    except (csv.Error, ValueError) as error:
        raise SessionError(f"{path.name} cannot be split into cells: {error}") from error
    return [(n, row) for n, row in rows if row]


def _trimmed(cells: list[str]) -> list[str]:
    """Without blanks, and without the empty cells a spreadsheet leaves beyond the second."""
    trimmed = [cell.strip() for cell in cells]
    while trimmed and not trimmed[-1] and (len(trimmed) > 2 or not any(trimmed)):
        trimmed.pop()
    return trimmed


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in content:
        encoding = "utf-16-le" if content[1:2] == b"\x00" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        pass
    if encoding != "utf-8-sig":
        raise SessionError(f"{path.name} is broken UTF-16; save it as CSV in UTF-8")
    return content.decode("latin-1")  # an old spreadsheet; the numbers are ASCII all the same


def _delimiter(lines: list[str]) -> str:
    """The separator most lines have; a comma only where nothing else separates."""
    for mark in ("\t", ";"):
        if sum(mark in line for line in lines) > len(lines) / 2:
            return mark
    return ","


def _read_carma(path: Path, lines: list[Line]) -> DialCourse:
    header = {cells[0].lower(): (n, cells) for n, cells in lines[:20] if len(cells) > 1}
    low, high = (_axis_end(path, header, name) for name in ("minimum value", "maximum value"))
    if high <= low:
        raise SessionError(
            f"{path.name}: Maximum Value {high:g} is not above Minimum Value {low:g}"
        )
    rows = [_cells(path, line, (0, 1), 2) for line in lines[_first_row(path, lines) :]]
    ends, raw = _columns(path, rows, (low, high), f"Minimum to Maximum Value, {low:g} to {high:g}")
    usual = float(np.median(np.diff(ends))) if len(ends) > 1 else 1.0
    starts = np.concatenate([[max(0.0, ends[0] - usual)], ends[:-1]])
    # a bin is no longer than usual: before a hole nothing was rated
    starts = np.where(ends - starts > 1.5 * usual, ends - usual, starts)
    return DialCourse(starts, ends, (raw - low) / (high - low) * AXIS_MAX)


def _axis_end(path: Path, header: dict[str, Line], name: str) -> float:
    if name not in header:
        raise SessionError(f"{path.name}: no {name.title()!r} row in its header; CARMA writes one")
    n, cells = header[name]
    value = _number(cells[1])
    if value is None:
        raise SessionError(f"{path.name}, line {n}: {name.title()} is {cells[1]!r}, not a number")
    return value


def _first_row(path: Path, lines: list[Line]) -> int:
    """Where the ratings begin: after the row of per-cent signs, or after ``Second,Rating``."""
    for is_mark in (_is_percents, _is_column_names):
        for at, (_, cells) in enumerate(lines[:20]):
            if is_mark(cells):
                return at + 1
    raise SessionError(f"{path.name}: no 'Second,Rating' row; CARMA writes one before the ratings")


def _is_percents(cells: list[str]) -> bool:
    return bool(PERCENTS.fullmatch(cells[0]))


def _is_column_names(cells: list[str]) -> bool:
    return cells[0].lower() == "second"


def _read_plain(path: Path, lines: list[Line]) -> DialCourse:
    columns, width = (0, 1), 2
    names = [re.split(r"[\s(\[]", cell.lower())[0] for cell in lines[0][1]]
    if not any(cell[:1].isdigit() for cell in lines[0][1]):
        columns, width = _named_columns(names), max(2, len(names))
        lines = lines[1:]
    rows = [_cells(path, line, columns, width) for line in lines]
    times, values = _columns(path, rows, (0.0, AXIS_MAX), "0 hindering to 100 helpful")
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    ends = np.append(times[1:], times[-1] + max(usual, 1.0))
    return DialCourse(times, ends, values)


def _named_columns(names: list[str]) -> tuple[int, int]:
    time = next((i for i, name in enumerate(names) if name in TIME_NAMES), 0)
    rating = next((i for i, name in enumerate(names) if name in RATING_NAMES), 1)
    return time, rating


def _cells(path: Path, line: Line, columns: tuple[int, int], width: int) -> tuple[int, str, str]:
    n, cells = line
    if max(columns) >= len(cells):
        raise SessionError(
            f"{path.name}, line {n}: {len(cells)} cell(s); allowed: a time and a rating, "
            "separated by a comma, semicolon or tab"
        )
    if len(cells) > width:
        raise SessionError(
            f"{path.name}, line {n}: {len(cells)} cells where {width} are allowed; if commas mark "
            "decimals, separate cells by semicolons"
        )
    return n, cells[columns[0]], cells[columns[1]]


def _columns(
    path: Path, rows: list[tuple[int, str, str]], axis: tuple[float, float], allowed: str
) -> tuple[Floats, Floats]:
    """Times and values of all rows, checked; shape (n,) each."""
    if not rows:
        raise SessionError(f"{path.name} has a header but no ratings; rate again or leave it out")
    times: list[float] = []
    values: list[float] = []
    for n, time, rating in rows:
        times.append(_checked_time(path, n, time, times[-1] if times else None))
        values.append(_checked_rating(path, n, rating, axis, allowed))
    if np.isnan(values).all():
        raise SessionError(f"{path.name} has {len(values)} rows but no rating in any of them")
    return np.array(times), np.array(values)


def _checked_time(path: Path, n: int, cell: str, before: float | None) -> float:
    time = _time(cell)
    if time is None:
        raise SessionError(f"{path.name}, line {n}: time {cell!r} cannot be read; {ALLOWED_TIME}")
    if before is not None and time < before:
        raise SessionError(
            f"{path.name}, line {n}: time {time:g} s is before the line above ({before:g} s); "
            "allowed: times that do not go back"
        )
    return time


def _checked_rating(
    path: Path, n: int, cell: str, axis: tuple[float, float], allowed: str
) -> float:
    if cell.lower() in UNRATED:
        return math.nan
    value = _number(cell)
    if value is None or not axis[0] <= value <= axis[1]:
        raise SessionError(f"{path.name}, line {n}: rating {cell!r}; allowed: {allowed}, or empty")
    return value


def _time(cell: str) -> float | None:
    clock = CLOCK.fullmatch(cell.strip().replace(",", "."))
    if clock:
        hours, minutes, seconds = clock.groups(default="0")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return _number(cell)


def _number(cell: str) -> float | None:
    plain = cell.strip().replace(",", ".")
    return float(plain) if NUMBER.fullmatch(plain) else None
