"""A dial file as numbered lines of cells, whatever spreadsheet it has been through.

Any encoding and line ends, commas, semicolons or tabs, quotes, blank lines and empty cells at the
ends of rows are read. A workbook or another program's file is refused by name.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.spreadsheet_text import decoded

Line = tuple[int, list[str]]
"""Line number in the file, and its cells."""

UNRATED = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_PERCENTS = re.compile(r"%+")
_LONGEST_SHOWN = 40


def lines_of(path: Path) -> list[Line]:
    """Cells of every line that is not blank.

    Raises
    ------
    SessionError
        If the file is empty, no text, or cannot be split into cells.
    """
    text = decoded(path)
    numbered = [
        (n, line) for n, line in enumerate(re.split(r"\r\n|\n|\r", text), 1) if line.strip()
    ]
    if not numbered:
        raise SessionError(
            f"{path.name} is empty; allowed: CARMA's or DARMA's layout, or time,rating rows"
        )
    delimiter = _delimiter([line for _, line in numbered])
    cells = csv.reader((line for _, line in numbered), delimiter=delimiter, strict=True)
    at = 0
    rows: list[Line] = []
    try:
        for at, row in enumerate(cells):
            rows.append((numbered[at][0], _trimmed(row)))
    except csv.Error as error:
        n = numbered[min(at + 1, len(numbered) - 1)][0]
        raise SessionError(
            f"{path.name}, line {n}: cannot be split into cells ({error}); allowed: quotes in pairs"
        ) from error
    if len(rows) != len(numbered):
        raise SessionError(
            f"{path.name}: a quote opens on one line and closes on another; allowed: quotes that "
            "open and close in one cell"
        )
    return [(n, row) for n, row in rows if row]


def number(cell: str) -> float | None:
    """A plain number with decimal point or comma; None for anything else."""
    plain = cell.strip().replace(",", ".")
    if not NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def is_unrated(cell: str) -> bool:
    """Whether a cell says that nothing was rated."""
    return cell.lower() in UNRATED


def shown(cell: str) -> str:
    """A cell as a message may repeat it: a word or a value, never free text."""
    plain = len(cell) <= _LONGEST_SHOWN and (" " not in cell or any(c.isdigit() for c in cell))
    return repr(cell) if plain else "other text"


def is_ruled(cells: list[str]) -> bool:
    """Whether a row is the line of per-cent signs above CARMA's and DARMA's ratings."""
    return bool(_PERCENTS.fullmatch(cells[0]))


def _trimmed(cells: list[str]) -> list[str]:
    """Without blanks, and without the empty cells a spreadsheet leaves beyond the second."""
    trimmed = [cell.strip() for cell in cells]
    while trimmed and not trimmed[-1] and (len(trimmed) > 2 or not any(trimmed)):
        trimmed.pop()
    return trimmed


def _delimiter(lines: list[str]) -> str:
    """The separator most lines have; a comma only where nothing else separates."""
    for mark in ("\t", ";"):
        if sum(mark in line for line in lines) > len(lines) / 2:
            return mark
    return ","
