"""Dial files of DARMA: a joystick's two axes, of which one is the dial.

Header rows: time of rating, multimedia file, magnitude, ``Second`` with the names of the X and the
Y axis and of the button, a row of per-cent signs; then one row per bin, stamped at its end. Both
axes go from minus to plus the magnitude. Which of the two was helpful to hindering only the lab
knows, so session.toml states it: ``column = "x"``, ``"y"`` or the axis' own name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.dials.axis import chosen_axis, on_axis
from pipeline.dials.clock import seconds_of
from pipeline.dials.direction import Direction, of_name
from pipeline.dials.names import LONGEST
from pipeline.dials.rows import DialRows
from pipeline.errors import SessionError
from pipeline.paperwork.session import RatingFile
from pipeline.paperwork.sheet_lines import Line, is_ruled
from pipeline.paperwork.sheet_values import number, shown

HEADER_ROWS = 10
"""Looked through for the header; DARMA writes five."""
WIDTHS = (3, 4)
"""Second, X, Y and, unless a spreadsheet took it off, the button."""


def is_darma(lines: list[Line]) -> bool:
    """Whether the file has DARMA's header rows."""
    return any(cells[0].lower() == "magnitude" for _, cells in lines[:HEADER_ROWS])


def read_darma(path: Path, lines: list[Line], told: RatingFile) -> DialRows:
    """Bins of the axis that session.toml names.

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    magnitude = _magnitude(path, lines)
    at = next((i for i, (_, c) in enumerate(lines[:HEADER_ROWS]) if c[0].lower() == "second"), None)
    if at is None:
        raise SessionError(
            f"{path.name}: no 'Second' row with the names of its axes; DARMA writes one"
        )
    names = [*lines[at][1], "", ""][1:3]
    column = _column(path, names, told.column)
    below = [(n, cells) for n, cells in lines[at + 1 :] if not is_ruled(cells)]
    # a spreadsheet takes empty cells off: a bin without a rating is a second and nothing
    rows = [(n, [cells[0], "", ""] if cells[1:] == [""] else cells) for n, cells in below]
    for n, cells in rows:
        if len(cells) not in WIDTHS:
            raise SessionError(
                f"{path.name}, line {n}: {len(cells)} cell(s); allowed: a second, X, Y and the "
                "button; if commas mark decimals, separate cells by semicolons"
            )
    axis = chosen_axis(path, (-magnitude, magnitude), told.scale)
    value = on_axis(path, [(n, cells[1 + column]) for n, cells in rows], axis, stated=True)
    times = [(n, cells[0]) for n, cells in rows]
    t_s, _ = seconds_of(path, times, unit_s=1.0, started_at=told.started_at)
    direction: Direction = "stated" if told.scale else of_name(names[column])
    found = np.array([n for n, _ in rows])
    return DialRows(path.name, "darma", t_s, value, axis, direction, bin_ends=True, lines=found)


def _magnitude(path: Path, lines: list[Line]) -> float:
    n, cells = next(line for line in lines[:HEADER_ROWS] if line[1][0].lower() == "magnitude")
    value = number(cells[1]) if len(cells) > 1 else None
    if value is None or value <= 0:
        raise SessionError(
            f"{path.name}, line {n}: Magnitude is {shown(''.join(cells[1:2]))}; allowed: one "
            "number above 0, the end of both axes"
        )
    return value


def _column(path: Path, names: list[str], wanted: str | None) -> int:
    """0 for the X axis, 1 for Y."""
    known = {"x": 0, "y": 1} | {name.lower(): i for i, name in enumerate(names) if name}
    if wanted is not None and wanted.lower() in known:
        return known[wanted.lower()]
    given = "does not say which" if wanted is None else f"says {wanted!r}"
    x, y = (name[:LONGEST] for name in names)
    raise SessionError(
        f"{path.name} has two axes, X {x!r} and Y {y!r}, and session.toml "
        f'{given} is the dial; allowed: column = "x" or column = "y" in its [[ratings]]'
    )
