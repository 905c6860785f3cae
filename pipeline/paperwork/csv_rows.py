"""Small tables that people type: `guesses.csv`, `reasons.csv`, `attendance.csv`.

Their lines, cells, numbers and media positions are read as those of dials are (`sheet_lines`,
`sheet_values`). An error names file and line and never repeats free text: a reason is private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.paperwork.papers import paper
from pipeline.paperwork.sheet_lines import HEADER_LINES, Line, has_row_names, sheet_of
from pipeline.paperwork.sheet_values import number, position
from pipeline.timeline import Seconds, Span

LONGEST_SHOWN = 12
"""Characters of a cell that should be a time; what is longer may be what somebody said."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file."""

    where: str
    """File name and line, for messages."""
    cells: Mapping[str, str]
    """Lower-case column name -> trimmed cell."""


@paper(SessionError)
def read_rows(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """Every line that is not blank, its cells by column name.

    Raises
    ------
    SessionError
        A column is missing, a line has more cells than columns, or the file is no text.
    """
    sheet = sheet_of(path, columns)
    lines = sheet.rows
    at = next((i for i, line in enumerate(lines[:HEADER_LINES]) if _names(line, columns)), 0)
    rows = lines[at + 1 :]
    if not lines or (not rows and _names(lines[at], columns)):
        raise SessionError(
            f"{path.name} has no row; allowed: a first line {','.join(columns)}, then one line each"
        )
    header = _header(f"{path.name}, line {lines[at][0]}", lines[at][1], columns)
    longest = max((len(cells) for _, cells in rows), default=0)
    if longest == len(header) + 1 and has_row_names(header, rows, separator=sheet.separator):
        header = ["", *header]
    wheres = [f"{path.name}, line {n}" for n, _ in rows]
    return [
        Row(where, _by_name(where, header, cells))
        for where, (_, cells) in zip(wheres, rows, strict=True)
    ]


def span_of(row: Row) -> Span:
    """The cells `start` and `end` as seconds.

    Raises
    ------
    SessionError
        One cannot be read, or the end is not after the start.
    """
    start_s, end_s = (_seconds(row, name) for name in ("start", "end"))
    if end_s <= start_s:
        raise SessionError(
            f"{row.where}: it ends at {end_s:g} s, which is not after its start at {start_s:g} s; "
            "allowed: an end after the start, both in seconds or h:mm:ss"
        )
    return start_s, end_s


def choice_of(row: Row, column: str, allowed: tuple[str, ...]) -> str:
    """A cell that must be one of a few words, in lower case.

    Raises
    ------
    SessionError
        It is another.
    """
    value = row.cells[column].lower()
    if value not in allowed:
        is_word = value.isalpha() and len(value) <= LONGEST_SHOWN
        shown = repr(value) if is_word or not value else "other text"
        raise SessionError(f"{row.where}: {column} is {shown}; allowed: {', '.join(allowed)}")
    return value


def _seconds(row: Row, column: str) -> Seconds:
    cell = row.cells[column]
    at = number(cell)
    at = position(cell) if at is None else at
    if at is not None and at >= 0:
        return at
    plain = not cell or (cell[0].isdigit() and len(cell) <= LONGEST_SHOWN)
    shown = repr(cell) if plain else "text"  # which may be private
    raise SessionError(
        f"{row.where}: {column} is {shown}; allowed: seconds of media position, or h:mm:ss"
    )


def _names(line: Line, columns: tuple[str, ...]) -> bool:
    return {cell.lower() for cell in line[1]}.issuperset(columns)


def _header(where: str, cells: list[str], columns: tuple[str, ...]) -> list[str]:
    names = [cell.lower() for cell in cells]
    missing = [name for name in columns if name not in names]
    twice = sorted(name for name, times in Counter(names).items() if name and times > 1)
    if missing or twice:
        fault = f"no column {', '.join(missing)}" if missing else f"two columns {', '.join(twice)}"
        raise SessionError(f"{where}: {fault}; the first line must name {','.join(columns)}")
    return names


def _by_name(where: str, header: list[str], cells: list[str]) -> dict[str, str]:
    if any(cells[len(header) :]):
        raise SessionError(
            f"{where}: {len(cells)} cells, but {len(header)} columns are named; put text that "
            "holds the mark between cells in double quotes"
        )
    padded = cells + [""] * (len(header) - len(cells))
    return dict(zip(header, padded, strict=False))
