"""Where the table of a dial file begins and ends, and what its columns are called.

Lines above it (a title, what the program was told), labels and units below its names, and text
below or beside it are no rows. A line whose cells are numbers is never passed over: it is a row, or
a fault that is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.dials.clock import is_time
from pipeline.dials.nameless import names_by_shape, rises
from pipeline.dials.names import names_begin, names_time
from pipeline.errors import SessionError
from pipeline.paperwork.sheet_lines import HEADER_LINES, Line, Sheet, has_row_names
from pipeline.paperwork.sheet_values import is_missing, number


@dataclass(frozen=True, slots=True)
class Table:
    """Names and rows; rows may be shorter than the names."""

    names: list[str]
    """In lower case; empty where a column has none, and no name at all where no line names them."""
    rows: list[Line]


def table_of(path: Path, sheet: Sheet) -> Table:
    """The table of a plain file.

    Raises
    ------
    SessionError
        If its rows are longer than its names.
    """
    at, begins = _places(sheet.rows)
    if at is None:
        rows = _without_labels(sheet.rows[begins:], 2)
        names = _remarked(sheet) or names_by_shape(path, rows)
        return Table(
            names, [_fitted(path, line, len(names) or 2, sheet.separator) for line in rows]
        )
    names = [cell.lower() for cell in sheet.rows[at][1]]
    names = ["" if is_missing(name) else name for name in names]
    rows = _without_labels(sheet.rows[begins:], len(names))
    named = has_row_names(names, rows, separator=sheet.separator)
    if named and _has_values_at(rows, len(names), sheet.separator):
        names = ["", *names]
    return Table(names, [_fitted(path, line, len(names), sheet.separator) for line in rows])


def is_value(cell: str) -> bool:
    """Whether a cell holds a number or a time."""
    return number(cell.removesuffix("%")) is not None or is_time(cell)


def _places(rows: Sequence[Line]) -> tuple[int | None, int]:
    """Where the names stand, if anywhere, and where the rows begin.

    The first line that names a time; else the first line of two words above the rows of values.
    """
    above = [cells for _, cells in rows[:HEADER_LINES]]
    first = next((i for i, cells in enumerate(above) if _is_row(cells)), len(above))
    wordy = [i for i, cells in enumerate(above[:first]) if not any(map(is_value, cells))]
    several = [i for i in wordy if sum(not is_missing(cell) for cell in above[i]) > 1]
    timed = [i for i in several if any(_is_time_name(cell) for cell in above[i])]
    if timed or several:
        at = (timed or several)[0]
        return at, at + 1
    if wordy and first == len(above):
        return wordy[0], wordy[0] + 1
    # text alone may stand above rows without names; a number may not
    return None, first if len(wordy) == first else 0


def _is_time_name(cell: str) -> bool:
    return names_time(cell.lower()) or names_begin(cell.lower())


def _is_row(cells: Sequence[str]) -> bool:
    known = [cell for cell in cells if not is_missing(cell)]
    return len(cells) > 1 and bool(known) and all(map(is_value, known))


def _without_labels(rows: Sequence[Line], width: int) -> list[Line]:
    """Rows without lines of text above and below them: labels, units, a remark at the end."""

    def holds(line: Line) -> bool:
        return any(map(is_value, line[1][: width + 1]))

    first = next((i for i, line in enumerate(rows) if holds(line)), None)
    if first is None:
        return list(rows)
    last = next(i for i in range(len(rows) - 1, -1, -1) if holds(rows[i]))
    return list(rows[first : last + 1])


def _remarked(sheet: Sheet) -> list[str]:
    """Names that stand in the comment above the rows, as NumPy's ``savetxt`` writes them."""
    names = [name.lower() for name in sheet.remark]
    fits = bool(sheet.rows) and len(names) == len(sheet.rows[0][1]) > 1
    if not fits or any(is_missing(name) or name[0].isdigit() for name in names):
        return []
    return names if sum(map(names_time, names)) == 1 else []


def _has_values_at(rows: Sequence[Line], at: int, separator: str) -> bool:
    """Whether rows have one column of values more than names, of which the second may be a time.

    And no comma that parts cells is a decimal.
    """
    held = {cells[at] for _, cells in rows if len(cells) > at and is_value(cells[at])}
    if len(held) < 2 or not rises([cells[1] for _, cells in rows if len(cells) > 1]):
        return False
    other = (mark in cell for _, cells in rows for cell in cells[1 : at + 1] for mark in ".,:")
    return separator != "," or any(other)


def _fitted(path: Path, line: Line, width: int, separator: str) -> Line:
    """A row with as many cells as there are names; a note beside the table is left out."""
    n, cells = line
    if len(cells) == width:
        return line
    beside = [cell for cell in cells[width:] if not is_missing(cell)]
    if any(map(is_value, beside)):
        commas = "if commas mark decimals, separate cells by semicolons; "
        raise SessionError(
            f"{path.name}, line {n}: {len(cells)} cells where {width} are allowed; "
            f"{commas if separator == ',' else ''}if a column has no name, give it one"
        )
    if len(cells) < 2:
        raise SessionError(
            f"{path.name}, line {n}: {len(cells)} cell(s); allowed: a time and a rating, separated "
            "by a comma, semicolon or tab"
        )
    return n, cells[:width] + [""] * (width - len(cells))
