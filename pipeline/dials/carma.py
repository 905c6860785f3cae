"""Dial files of CARMA (Girard 2014): nine header rows, or the older table of one row per bin.

Nine rows: time of rating, multimedia file, lower and upper label, minimum and maximum value, number
of steps, ``Second,Rating`` and a row of per-cent signs; then one row per bin, stamped at the bin's
end. The older layout repeats labels and axis in columns of every row. The axis is whatever the
rater was shown; what was not sampled is NaN.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.dials.axis import Axis, chosen_axis, no_ratings, on_axis
from pipeline.dials.clock import seconds_of
from pipeline.dials.direction import Direction, of_ends
from pipeline.dials.rows import DialRows, Layout
from pipeline.errors import SessionError
from pipeline.paperwork.session import RatingFile
from pipeline.paperwork.sheet_lines import Line, is_ruled
from pipeline.paperwork.sheet_values import number, shown

MARKS = frozenset({"multimedia file", "minimum value", "maximum value", "number of steps"})
TABLE_MARKS = frozenset({"minimum value", "maximum value", "second", "rating"})
HEADER_ROWS = 20
"""Looked through for the header; CARMA writes nine."""


def is_carma(lines: list[Line]) -> bool:
    """Whether the file has CARMA's header rows."""
    return any(cells[0].lower() in MARKS for _, cells in lines[:HEADER_ROWS])


def is_carma_table(lines: list[Line]) -> bool:
    """Whether the file is the older layout, with the axis in columns."""
    return {cell.lower() for cell in lines[0][1]} >= TABLE_MARKS


def read_carma(path: Path, lines: list[Line], told: RatingFile) -> DialRows:
    """Bins below the header rows.

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    header = {cells[0].lower(): (n, cells) for n, cells in lines[:HEADER_ROWS] if len(cells) > 1}
    low, high = (_axis_end(path, header, name) for name in ("minimum value", "maximum value"))
    axis = chosen_axis(path, (low, high), told.scale)
    rows = [(n, *_pair(path, n, cells)) for n, cells in lines[_first_row(path, lines) :]]
    labels = (_label(header, "lower label"), _label(header, "upper label"))
    return _bins(path, rows, told, axis, "carma", labels)


def read_carma_table(path: Path, lines: list[Line], told: RatingFile) -> DialRows:
    """Bins with labels and axis in columns.

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    names = [cell.lower() for cell in lines[0][1]]
    at = {name: names.index(name) for name in names}
    rows: list[tuple[int, str, str]] = []
    said: set[tuple[str, ...]] = set()
    for n, cells in lines[1:]:
        if len(cells) != len(names):
            raise SessionError(
                f"{path.name}, line {n}: {len(cells)} cells under {len(names)} column names; "
                "allowed: a cell for each; if commas mark decimals, separate cells by semicolons"
            )
        ends = tuple(cells[at[name]] for name in ("minimum value", "maximum value"))
        ends += tuple(
            cells[at[name]] if name in at else "" for name in ("lower label", "upper label")
        )
        if said and ends not in said:
            raise SessionError(
                f"{path.name}, line {n}: axis or labels {', '.join(map(shown, ends))} are not "
                "those of the lines above; allowed: one axis in a file"
            )
        said.add(ends)
        rows.append((n, cells[at["second"]], cells[at["rating"]]))
    if not said:
        raise no_ratings(path)
    lowest, highest, lower, upper = said.pop()
    low, high = number(lowest), number(highest)
    if low is None or high is None:
        raise SessionError(
            f"{path.name}, line {rows[0][0]}: axis {shown(lowest)} to {shown(highest)}; "
            "allowed: two numbers"
        )
    axis = chosen_axis(path, (low, high), told.scale)
    return _bins(path, rows, told, axis, "carma_table", (lower, upper))


def _bins(
    path: Path,
    rows: list[tuple[int, str, str]],
    told: RatingFile,
    axis: Axis,
    layout: Layout,
    labels: tuple[str, str],
) -> DialRows:
    if told.column is not None:
        raise SessionError(
            f"{path.name} is CARMA's and has one rating column; allowed: no `column` in its "
            f"[[ratings]] (found {told.column!r})"
        )
    value = on_axis(path, [(n, rating) for n, _, rating in rows], axis, stated=True)
    times = [(n, time) for n, time, _ in rows]
    t_s, _ = seconds_of(path, times, unit_s=1.0, started_at=told.started_at)
    direction: Direction = "stated" if told.scale else of_ends(*labels)
    lines = np.array([n for n, _, _ in rows])
    return DialRows(path.name, layout, t_s, value, axis, direction, bin_ends=True, lines=lines)


def _axis_end(path: Path, header: dict[str, Line], name: str) -> float:
    if name not in header:
        raise SessionError(
            f"{path.name}: no {name.title()!r} row in its header; CARMA writes one. Export again, "
            "or put the row back"
        )
    n, cells = header[name]
    value = number(cells[1])
    if value is None:
        raise SessionError(
            f"{path.name}, line {n}: {name.title()} is {shown(cells[1])}, not a number; "
            "allowed: an end of the axis, e.g. 0 or 100"
        )
    return value


def _label(header: dict[str, Line], name: str) -> str:
    return header[name][1][1] if name in header else ""


def _first_row(path: Path, lines: list[Line]) -> int:
    """Where the ratings begin: after the row of per-cent signs, or after ``Second,Rating``."""
    for is_mark in (is_ruled, _is_column_names):
        for at, (_, cells) in enumerate(lines[:HEADER_ROWS]):
            if is_mark(cells):
                return at + 1
    raise SessionError(
        f"{path.name}: no 'Second,Rating' row; CARMA writes one before the ratings. Export again, "
        "or put the row back"
    )


def _is_column_names(cells: list[str]) -> bool:
    return cells[0].lower() == "second"


def _pair(path: Path, n: int, cells: list[str]) -> tuple[str, str]:
    if len(cells) != 2:
        raise SessionError(
            f"{path.name}, line {n}: {len(cells)} cell(s) where CARMA writes a second and a "
            "rating; allowed: two cells; if commas mark decimals, separate them by semicolons"
        )
    return cells[0], cells[1]
