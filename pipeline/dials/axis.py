"""Ratings on any axis, put linearly on 0 hindering to 100 helpful."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SessionError
from pipeline.paperwork.sheet_values import doubtful_mark, is_missing, numbers, shown

Floats = NDArray[np.float64]
Axis = tuple[float, float]
"""The values that mean hindering and helpful; the first is the larger one on a turned dial."""
RatingCell = tuple[int, str]
"""Line number in the file, and the cell."""

PLAIN_AXIS: Axis = (0.0, 100.0)
NARROW = 10.0
"""A file that states no axis and stays below this on 0..100 was most likely rated on another."""
ROUNDING = 1e-6


def chosen_axis(path: Path, written: Axis, scale: Sequence[float] | None) -> Axis:
    """The axis a file states, turned round where session.toml's `scale` says so.

    Raises
    ------
    SessionError
        If the file's axis is empty, or not the one of `scale`.
    """
    low, high = written
    if not low < high:
        raise SessionError(
            f"{path.name}: its axis goes from {low:g} to {high:g}; allowed: a maximum above the "
            "minimum"
        )
    if scale is None:
        return written
    if sorted(scale) != [low, high]:
        raise SessionError(
            f"{path.name}: its header has the axis {low:g} to {high:g}, session.toml has scale = "
            f"{list(scale)}; allowed: the same two values, in either order, or no scale"
        )
    return scale[0], scale[1]


def on_axis(path: Path, cells: Sequence[RatingCell], axis: Axis, *, stated: bool) -> Floats:
    """All ratings on 0..100, NaN where not rated; shape (n,).

    Parameters
    ----------
    axis : the file's own values that mean hindering and helpful
    stated : whether the file or session.toml states the axis; otherwise it is taken to be 0..100,
        and ratings that all lie at one end of it are refused

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    if not cells:
        raise no_ratings(path)
    raw = _ratings(path, cells, axis)
    if np.isnan(raw).all():
        raise SessionError(
            f"{path.name} has {len(raw)} rows but no rating in any; rate again or leave it out"
        )
    least, most = float(np.nanmin(raw)), float(np.nanmax(raw))
    if not stated and most <= NARROW:
        raise SessionError(
            f"{path.name}: all ratings lie between {least:g} and {most:g}, on an axis of 0 to 100 "
            "never above its lowest tenth; if the dial had another axis, write its ends, hindering "
            "first, e.g. scale = [1, 9], in its [[ratings]]; if not, scale = [0, 100]"
        )
    low, high = axis
    return np.clip((raw - low) / (high - low) * 100.0, 0.0, 100.0)


def no_ratings(path: Path) -> SessionError:
    """The complaint about a file with a header only."""
    return SessionError(
        f"{path.name} has a header but no ratings; rate again or leave it out of session.toml"
    )


def _ratings(path: Path, cells: Sequence[RatingCell], axis: Axis) -> Floats:
    """The file's own values, NaN where not rated."""
    cells, unit = _without_percents(path, cells, axis)
    refuse_doubtful_marks(path, cells)
    found = numbers([cell for _, cell in cells])
    raw = unit * np.array([math.nan if value is None else value for value in found])
    slack = ROUNDING * abs(axis[1] - axis[0])
    beyond = (raw < min(axis) - slack) | (raw > max(axis) + slack)
    for at in np.flatnonzero(beyond | np.isnan(raw)).tolist():
        n, cell = cells[at]
        if beyond[at] or not is_missing(cell):
            raise SessionError(
                f"{path.name}, line {n}: rating {shown(cell)}; allowed: a number from {axis[0]:g} "
                f"hindering to {axis[1]:g} helpful, or empty where not rated"
            )
    return raw


def _without_percents(
    path: Path, cells: Sequence[RatingCell], axis: Axis
) -> tuple[Sequence[RatingCell], float]:
    """Ratings without their per-cent signs, and what one point of them is on the file's axis."""
    signed = [cell.endswith("%") for _, cell in cells]
    if not any(signed):
        return cells, 1.0
    plain = next(
        (n for (n, cell), sign in zip(cells, signed, strict=True) if not sign | is_missing(cell)), 0
    )
    unit = {(0.0, 100.0): 1.0, (0.0, 1.0): 0.01}.get((min(axis), max(axis)))
    if plain or unit is None:
        at = signed.index(True)
        why = f"line {plain} has none" if plain else f"the axis is {axis[0]:g} to {axis[1]:g}"
        raise SessionError(
            f"{path.name}, line {cells[at][0]}: rating {shown(cells[at][1])} has a per-cent sign, "
            f"and {why}; allowed: the sign on every rating of a dial of 0 to 100, or on none"
        )
    return [(n, cell.removesuffix("%")) for n, cell in cells], unit


def refuse_doubtful_marks(path: Path, cells: Sequence[RatingCell]) -> None:
    """Refuse a column in which ``1.000`` may be one or a thousand.

    Raises
    ------
    SessionError
        Naming the line.
    """
    at = doubtful_mark([cell for _, cell in cells])
    if at is not None:
        n, cell = cells[at]
        raise SessionError(
            f"{path.name}, line {n}: {shown(cell)} may be a decimal or a thousand, and no other "
            "cell of its column tells which; allowed: numbers without marks between thousands"
        )
