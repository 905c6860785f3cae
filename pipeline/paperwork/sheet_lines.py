"""A table typed by hand as numbered lines of cells, whatever spreadsheet it has been through.

Any encoding and line ends; commas, semicolons, tabs, bars or blanks, said by a line ``sep=;`` or
not; quotes, also around whole lines; comment lines; blank lines and empty cells at the ends of
rows. One reader for dials, guesses, reasons and attendance.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.paperwork.sheet_values import is_missing
from pipeline.paperwork.spreadsheet_text import decoded

Line = tuple[int, list[str]]
"""Line number in the file, and its cells."""

SEPARATORS = ("\t", ";", "|")
"""Each is the separator where most lines have it; then blanks between values; then commas."""
COMMENTS = ("#", "%", "//")
COUNTS = ("#", "%")
"""A cell of this alone names a column."""
HEADER_LINES = 30
"""Looked through for the names of columns."""
LINES_LOOKED_AT = 2000
"""For the separator."""
MOST_LINES = 500_000
MOST_CELLS = 2000
_INVISIBLE = dict.fromkeys((0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF))
_SAID = re.compile(r'"?sep=(.)"?[;,\t]*\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_VALUE = (
    r'(?:""|[+\-\u2212]?[0-9]{1,15}(?:[.,][0-9]{1,15})?|NA|NaN|\.'
    r"|(?:[0-9]{1,4}:){1,2}[0-9]{1,2}(?:[.,][0-9]{1,9})?)"
)
_BY_BLANKS = re.compile(rf"{_VALUE}(?: +{_VALUE})+")
_FORMULA_FAULT = re.compile(r"#[^\W_a-z]+[/0-9A-Z]*[!?]")
"""As ``#DIV/0!``: a cell, and no comment."""
_RULE = re.compile(r"%+")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines of a file that hold cells."""

    rows: list[Line]
    """Without blank lines and comments; each of at least one cell."""
    separator: str
    remark: list[str]
    """Cells of the last comment above the first row: some programs name their columns there."""


def sheet_of(path: Path, names: Sequence[str] = ()) -> Sheet:
    """Cells of every line that is neither blank nor a comment.

    Parameters
    ----------
    names : columns that one of the first lines must name, where they are known

    Raises
    ------
    SessionError
        If the file is no text, or cannot be split into cells.
    """
    lines = list(io.StringIO(decoded(path).translate(_INVISIBLE), newline=""))
    if len(lines) > MOST_LINES:
        raise SessionError(
            f"{path.name} has {len(lines)} lines; allowed: up to {MOST_LINES}, a dial read 60 "
            "times a second for two hours. Keep every second row, or part it into files"
        )
    said, first, remark = _head(lines)
    body = lines[first:]
    separator = said or _separator(body, names)
    rows = _parted(path, [(first + at, line) for at, line in enumerate(body, 1)], separator)
    if rows and all(len(cells) == 1 for _, cells in rows):
        rows = _quoted_as_a_whole(path, rows, names)
    rows = [(n, cells) for n, cells in rows if not _is_comment(cells, separator)]
    wide = next((n for n, cells in rows if len(cells) > MOST_CELLS), None)
    if wide:
        raise SessionError(
            f"{path.name}, line {wide}: over {MOST_CELLS} cells; allowed: one row per line"
        )
    # what follows the comment's own mark
    bare = _comment_text(remark)
    return Sheet(rows, separator, [c.strip(' "') for c in bare.split(separator)] if bare else [])


def has_row_names(header: Sequence[str], rows: Sequence[Line], *, separator: str) -> bool:
    """Whether rows begin with a name that `header` leaves out, as R writes them.

    That is a count of rows; between blanks, where nothing else writes so, any name.
    """
    first = [cells[0] for _, cells in rows]
    counts = any(first == [str(n + at) for at in range(len(first))] for n in (0, 1))
    names = separator == " " and len(set(first)) == len(first)
    return (counts or names) and any(len(cells) > len(header) for _, cells in rows)


def is_ruled(cells: Sequence[str]) -> bool:
    """Whether a row is the line of per-cent signs above CARMA's and DARMA's ratings."""
    return bool(_RULE.fullmatch(cells[0]))


def _head(lines: Sequence[str]) -> tuple[str, int, str]:
    """The separator a first line states, the lines above the rows, and the last comment."""
    said, remark = "", ""
    for at, line in enumerate(lines):
        bare = line.strip(" \t\r\n")
        stated = _SAID.fullmatch(line.strip(" \r\n")) if not said else None
        if stated:
            said = stated[1]
        elif bare and not _is_comment_line(bare):
            return said, at, remark
        else:
            remark = bare or remark
    return said, len(lines), remark


def _is_comment_line(bare: str) -> bool:
    cells = re.split(r"[\t;,|]", bare, maxsplit=1)
    return _is_comment([cells[0].strip().strip('"'), *cells[1:]], ",")


def _is_comment(cells: Sequence[str], separator: str) -> bool:
    """Begins with a comment's mark, and is neither a missing mark, a rule nor a column's name."""
    first = cells[0]
    if not first.startswith(COMMENTS) or is_missing(first) or _FORMULA_FAULT.fullmatch(first):
        return False
    if first != "%" and is_ruled(cells):
        return False
    return first not in COUNTS or len(cells) == 1 or separator == " "


def _comment_text(remark: str) -> str:
    return remark.strip('"').lstrip("#%/").strip()


def _parted(path: Path, numbered: Sequence[tuple[int, str]], separator: str) -> list[Line]:
    """Cells of every line that holds any; a quoted cell may go over several lines."""
    try:
        return list(_read(numbered, separator, strict=True))
    except csv.Error as error:
        fault, n = str(error), numbered[0][0]
    rows: list[Line] = []
    try:
        # a quote inside a cell is text, unless it swallows the lines below
        for n, cells in _read(numbered, separator, strict=False):
            if any("\n" in cell or "\r" in cell for cell in cells):
                break
            rows.append((n, cells))
        else:
            return rows
    except csv.Error as error:
        fault = str(error)
    raise SessionError(
        f"{path.name}, line {n}: cannot be split into cells ({fault}); allowed: quotes in pairs"
    )


def _read(numbered: Sequence[tuple[int, str]], separator: str, *, strict: bool) -> Iterator[Line]:
    reader = csv.reader(
        (line for _, line in numbered), delimiter=separator, strict=strict, skipinitialspace=True
    )
    at = 0
    for row in reader:
        cells = _trimmed(row)
        if cells:
            yield numbered[at][0], cells
        at = reader.line_num


def _trimmed(cells: list[str]) -> list[str]:
    """Without blanks, and without the empty cells a spreadsheet leaves beyond the second."""
    trimmed = [cell.strip() for cell in cells]
    if not any(trimmed):
        return []
    while not trimmed[-1] and len(trimmed) > 2:
        trimmed.pop()
    return trimmed


def _quoted_as_a_whole(path: Path, rows: list[Line], names: Sequence[str]) -> list[Line]:
    """Rows a spreadsheet has put into one quoted cell each, parted again."""
    separator = _separator([cells[0] for _, cells in rows], names)
    return _parted(path, [(n, cells[0]) for n, cells in rows], separator)


def _separator(lines: Sequence[str], names: Sequence[str]) -> str:
    if names:
        return _separator_of_names(lines, names)
    bare = [
        _QUOTED.sub('""', line).strip(" \r\n")
        for line in lines[:LINES_LOOKED_AT]
        if line.strip() and not _is_comment_line(line.strip())
    ]
    for mark in SEPARATORS:
        if sum(mark in line for line in bare) > len(bare) / 2:
            return mark
    # all lines but the one of names, and a few
    by_blanks = sum(_BY_BLANKS.fullmatch(line) is not None for line in bare)
    return " " if by_blanks >= max(1, 0.9 * (len(bare) - 1)) else ","


def _separator_of_names(lines: Sequence[str], names: Sequence[str]) -> str:
    """That which makes one of the first lines name all columns; else the first line's."""
    marks = (*SEPARATORS, ",")
    first = [line for line in lines[:HEADER_LINES] if line.strip()]
    for line in first:
        for mark in marks:
            found = {cell.strip(' "\r\n').lower() for cell in line.split(mark)}
            if found.issuperset(names):
                return mark
    return max(marks, key=first[0].count) if first else ","
