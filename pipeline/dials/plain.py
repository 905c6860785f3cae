"""Plain dial files: a time and a rating per row, and logs that also say what the player did.

A rating holds until the next row. Times are media positions in the unit the column names, or a wall
clock with the film's start (`pipeline.dials.clock`); with a column of positions or events they are
reckoned from those (`dials.player_log`). The axis is 0..100 unless session.toml gives `scale`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.dials.axis import PLAIN_AXIS, Axis, no_ratings, on_axis
from pipeline.dials.clock import seconds_of
from pipeline.dials.direction import Direction, of_name
from pipeline.dials.header import Columns, columns_of, of_one_person
from pipeline.dials.player_log import (
    PLAY,
    RATING,
    SEEK,
    LogRow,
    Placed,
    from_events,
    from_positions,
    known_event,
)
from pipeline.dials.rows import DialRows
from pipeline.dials.table import table_of
from pipeline.errors import SessionError
from pipeline.paperwork.session import RatingFile
from pipeline.paperwork.sheet_lines import Line, Sheet
from pipeline.paperwork.sheet_values import number, shown

Floats = NDArray[np.float64]
SLACK_S = 0.0005
"""Ends are written to the millisecond."""


def read_plain(path: Path, sheet: Sheet, told: RatingFile) -> DialRows:
    """Rows of a plain file.

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    table = table_of(path, sheet)
    rows, wanted = of_one_person(path, table, told.column)
    columns = columns_of(path, table, wanted)
    axis: Axis = (told.scale[0], told.scale[1]) if told.scale else PLAIN_AXIS
    direction: Direction = "stated" if told.scale else of_name(columns.rating_name)
    if not rows:
        raise no_ratings(path)
    found = np.array([n for n, _ in rows], np.int64)
    if columns.event is not None:
        (t_s, value, found), wall = _log(path, rows, columns, told, axis)
        return DialRows(
            path.name, "event_log", t_s, value, axis, direction,
            wall_clock=wall, rewinds=True, lines=found,
        )  # fmt: skip
    cells = [(n, cells[columns.rating]) for n, cells in rows]
    value = on_axis(path, cells, axis, stated=told.scale is not None)
    if columns.position is not None:
        elapsed_s = None if columns.time is None else _elapsed(path, rows, columns, told)[0]
        t_s = _positions(path, rows, columns)
        t_s, value, found = from_positions(elapsed_s, t_s, value, found.tolist())
        return DialRows(
            path.name, "event_log", t_s, value, axis, direction, rewinds=True, lines=found
        )
    t_s, wall = _elapsed(path, rows, columns, told)
    if wall and told.started_at is None:
        raise SessionError(
            f"{path.name}, line {rows[0][0]}: time {rows[0][1][columns.time or 0]!r} is a wall "
            "clock, and when the film was started is not known; write it to its [[ratings]], e.g. "
            "started_at = 10:02:13, or give seconds of media position"
        )
    if columns.end is not None:
        t_s, value, found = _stretches(path, rows, columns, told, (t_s, value, found))
        return DialRows(
            path.name, "intervals", t_s, value, axis, direction, wall_clock=wall, lines=found
        )
    if len(t_s) > 2 and np.all(np.diff(t_s) < 0):  # a log with the newest row first
        t_s, value, found = t_s[::-1], value[::-1], found[::-1]
    return DialRows(
        path.name, "time_rating", t_s, value, axis, direction, wall_clock=wall, lines=found
    )


def _elapsed(
    path: Path, rows: Sequence[Line], columns: Columns, told: RatingFile
) -> tuple[Floats, bool]:
    times = [(n, cells[columns.time or 0]) for n, cells in rows]
    return seconds_of(path, times, unit_s=columns.time_unit_s, started_at=told.started_at)


def _stretches(
    path: Path, rows: Sequence[Line], columns: Columns, told: RatingFile, begins: Placed
) -> Placed:
    """Rows that say where they end: after the end nothing is rated, until the next begins."""
    begin_s, value, lines = begins
    cells = [(n, cells[columns.end or 0]) for n, cells in rows]
    unit_s = columns.time_unit_s
    end_s, _ = seconds_of(path, cells, unit_s=unit_s, started_at=told.started_at)
    order = np.argsort(begin_s, kind="stable")
    begin_s, end_s, value, lines = begin_s[order], end_s[order], value[order], lines[order]
    wrong = np.flatnonzero(end_s <= begin_s)
    over = np.flatnonzero(begin_s[1:] < end_s[:-1] - SLACK_S)
    if len(wrong) or len(over):
        at = int(wrong[0]) if len(wrong) else int(over[0]) + 1
        what = "ends before it begins" if len(wrong) else "begins before the one above it ends"
        raise SessionError(
            f"{path.name}, line {lines[at]}: the stretch at {begin_s[at]:g} s {what}; allowed: "
            "stretches of one rater, one after the other"
        )
    t_s = np.column_stack([begin_s, end_s]).ravel()
    values = np.column_stack([value, np.full(len(value), math.nan)]).ravel()
    # where the next stretch begins at once, nothing ends
    kept = np.append(np.diff(t_s) > SLACK_S, True) | (np.arange(len(t_s)) % 2 == 0)
    return t_s[kept], values[kept], np.repeat(lines, 2)[kept]


def _positions(path: Path, rows: Sequence[Line], columns: Columns) -> Floats:
    cells = [(n, cells[columns.position or 0]) for n, cells in rows]
    return seconds_of(path, cells, unit_s=columns.position_unit_s, started_at=None)[0]


def _log(
    path: Path, rows: Sequence[Line], columns: Columns, told: RatingFile, axis: Axis
) -> tuple[Placed, bool]:
    """Ratings at media positions from a log of events, and whether its clock was a wall clock."""
    events = [known_event(path, n, cells[columns.event or 0]) for n, cells in rows]
    begun = next((event for event in events if event not in RATING), "") in PLAY
    if begun and told.started_at is not None:
        raise SessionError(
            f"{path.name} begins with a play row and session.toml has a started_at; allowed: one "
            "of them says when the film was started. Leave `started_at` out"
        )
    if not begun and told.started_at is None:
        raise SessionError(
            f"{path.name}: no play row says when the film began; allowed: a 'play' row before any "
            "pause, seek or stop, or `started_at` in its [[ratings]]"
        )
    if columns.time is None:
        raise SessionError(f"{path.name} has an event column but no time; allowed: a column `time`")
    elapsed_s, wall = _elapsed(path, rows, columns, told)
    back = np.flatnonzero(np.diff(elapsed_s) < 0)
    if len(back):
        raise SessionError(
            f"{path.name}, line {rows[int(back[0]) + 1][0]}: the log's clock goes back; allowed: "
            "rows in the order in which they happened"
        )
    rated = [
        (n, cells[columns.rating])
        for (n, cells), event in zip(rows, events, strict=True)
        if event in RATING
    ]
    values = iter(on_axis(path, rated, axis, stated=told.scale is not None))
    log = [
        LogRow(
            n,
            float(elapsed),
            event,
            float(next(values)) if event in RATING else math.nan,
            _position(path, n, cells, columns, event),
        )
        for (n, cells), event, elapsed in zip(rows, events, elapsed_s, strict=True)
    ]
    return from_events(path, log, plays=not begun), wall


def _position(path: Path, n: int, cells: list[str], columns: Columns, event: str) -> float | None:
    """The player's own position, s; a seek may write its target where others have the rating."""
    at, unit_s = columns.position, columns.position_unit_s
    if event in SEEK and at is None:
        at, unit_s = columns.rating, 1.0
    if at is None or not cells[at]:
        return None
    position = number(cells[at])
    if position is None or position < 0:
        raise SessionError(
            f"{path.name}, line {n}: player's position {shown(cells[at])}; allowed: seconds, from 0"
        )
    return position * unit_s
