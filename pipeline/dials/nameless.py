"""Dial files whose columns have no names: ELAN's export, NOVA's tiers, or a time and a rating.

Two columns without names are a time and a rating, in this order, if they can be. Other programs'
rows are known by their shape, and read only where no number of them is left to guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.paperwork.sheet_lines import Line
from pipeline.paperwork.sheet_values import is_missing, number, position

NAMED = "write a first line that names its columns, e.g. time,rating"


def names_by_shape(path: Path, rows: Sequence[Line]) -> list[str]:
    """Names for the columns of rows that have none; empty for a time and a rating.

    Raises
    ------
    SessionError
        If no column can be the time, or more than two could be meant.
    """
    widths = {len(cells) for _, cells in rows}
    columns = [[cells[i] for _, cells in rows] for i in range(min(widths))]
    if len(widths) == 1 and len(columns) > 3 and position(columns[0][0]) is None:
        elan = _elan(columns)
        if elan:
            return elan
    if max(widths) == 2:
        _refuse_two_columns(path, columns)
    elif len(columns) == 4 and rises(columns[0]) and _is_share(columns[3]):
        raise SessionError(
            f"{path.name}: its rows are a start, an end, a label and a confidence, as NOVA writes "
            f"a discrete tier; allowed: a rating that goes up and down. Export it, and {NAMED}"
        )
    elif len(columns) > 2:
        raise SessionError(
            f"{path.name}, line {rows[0][0]}: {len(rows[0][1])} cells without names; {NAMED}. If "
            "commas mark decimals, separate cells by semicolons"
        )
    return []


def _elan(columns: Sequence[Sequence[str]]) -> list[str]:
    """ELAN's export without names: tier, perhaps a person, begin, end, duration, the annotation."""
    clocks = [i for i, cells in enumerate(columns) if all(position(c) is not None for c in cells)]
    rated = len(columns) - 1
    if len(clocks) < 2 or not any(number(cell) is not None for cell in columns[rated]):
        return []
    names = [""] * len(columns)
    names[0], names[clocks[0]], names[clocks[1]] = "tier", "begin", "end"
    names[rated] = "rating"
    return names


def _refuse_two_columns(path: Path, columns: Sequence[Sequence[str]]) -> None:
    if len(columns) < 2 or rises(columns[0]):
        first = [number(cell) for cell in columns[0]]
        inside = all(value is None or abs(value) <= 1 for value in first)
        if len(columns) < 2 or not inside or len(first) < 10 or not _is_share(columns[1]):
            return
    if _is_share(columns[1]):
        raise SessionError(
            f"{path.name}: its rows are a value and a confidence without a time, as NOVA writes a "
            f"continuous tier (the rate stands in the .annotation beside it); {NAMED}, and the "
            "seconds before each value"
        )
    if rises(columns[1], always=True) and len(columns[1]) > 2:
        raise SessionError(
            f"{path.name}: its second column only rises and its first does not, as if the rating "
            f"stood before the time; {NAMED} in the order they have"
        )


def rises(cells: Sequence[str], *, always: bool = False) -> bool:
    """Whether a column never goes back, nor stands; one of more than numbers is taken to rise."""
    found = [number(cell) for cell in cells if not is_missing(cell)]
    values = [value for value in found if value is not None]
    if len(values) < len(found):
        return True
    return all(a < b if always else a <= b for a, b in pairwise(values))


def _is_share(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers from 0 to 1 only."""
    values = [number(cell) for cell in cells if not is_missing(cell)]
    shares = all(value is not None and 0 <= value <= 1 for value in values)
    return bool(values) and shares
