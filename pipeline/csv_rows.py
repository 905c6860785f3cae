"""Small tables that people type: `guesses.csv`, `reasons.csv`.

They may have been through a spreadsheet, so semicolons, tabs, decimal commas and its encodings are
read. An error names file and line and never repeats free text: a reason is private.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.spreadsheet_text import decoded
from pipeline.timeline import Seconds, Span

DELIMITERS = ("\t", ";", ",")
CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):([0-5]?\d(?:\.\d+)?)")
NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file."""

    where: str
    """File name and line, for messages."""
    cells: Mapping[str, str]
    """Lower-case column name -> trimmed cell."""


def read_rows(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """Every line that is not blank, its cells by column name.

    Raises
    ------
    SessionError
        A column is missing, a line has more cells than columns, or the file is no text.
    """
    text = decoded(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    header: list[str] = []
    rows: list[Row] = []
    try:
        for cells in reader:
            trimmed = [cell.strip() for cell in cells]
            if not any(trimmed):
                continue
            where = f"{path.name}, line {reader.line_num}"
            if not header:
                header = _header(where, trimmed, columns)
            else:
                rows.append(Row(where, _by_name(where, header, trimmed)))
    except csv.Error as error:
        raise SessionError(f"{path.name}, line {reader.line_num}: {error}; save it anew") from error
    if not rows:
        raise SessionError(
            f"{path.name} has no row; allowed: a first line {','.join(columns)}, then one line each"
        )
    return rows


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
            f"{row.where}: it ends at {end_s:g} s, which is not after its start at {start_s:g} s"
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
        shown = repr(value) if value.isalpha() or not value else "other text"
        raise SessionError(f"{row.where}: {column} is {shown}; allowed: {', '.join(allowed)}")
    return value


def _seconds(row: Row, column: str) -> Seconds:
    cell = row.cells[column].replace(",", ".")
    clock = CLOCK.fullmatch(cell)
    if clock:
        hours, minutes, seconds = clock.groups(default="0")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if NUMBER.fullmatch(cell):
        return float(cell)
    shown = repr(cell) if cell[:1].isdigit() or not cell else "text"  # which may be private
    raise SessionError(
        f"{row.where}: {column} is {shown}; allowed: seconds of media position, or h:mm:ss"
    )


def _header(where: str, cells: list[str], columns: tuple[str, ...]) -> list[str]:
    names = [cell.lower() for cell in cells]
    missing = [name for name in columns if name not in names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if missing or twice:
        fault = f"no column {', '.join(missing)}" if missing else f"two columns {', '.join(twice)}"
        raise SessionError(f"{where}: {fault}; the first line must name {','.join(columns)}")
    return names


def _by_name(where: str, header: list[str], cells: list[str]) -> dict[str, str]:
    if any(cells[len(header) :]):
        raise SessionError(
            f"{where}: {len(cells)} cells, but {len(header)} columns are named; put text that "
            "holds a comma in double quotes"
        )
    padded = cells + [""] * (len(header) - len(cells))
    return dict(zip(header, padded, strict=False))


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=first.count)
