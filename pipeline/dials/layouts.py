"""Dial ratings as files have them, in any layout labs use, on one axis and the media's clock.

CARMA (Girard 2014) in both its layouts, DARMA, plain ``time,rating``, and logs of a rating page
with the player's pauses and rewinds. What cannot be read is a `SessionError` that names file, line,
value, what is allowed and what to do; nothing is guessed that would change a number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.dials.carma import is_carma, is_carma_table, read_carma, read_carma_table
from pipeline.dials.darma import is_darma, read_darma
from pipeline.dials.plain import read_plain
from pipeline.dials.rows import (
    DialCourse,
    DialRows,
    check_times,
    joined,
    stands_at_the_end,
    steps_of,
)
from pipeline.errors import SessionError
from pipeline.paperwork.papers import paper
from pipeline.paperwork.session import RatingFile
from pipeline.paperwork.sheet_lines import sheet_of

__all__ = ["DialCourse", "Rating", "read_rating", "read_rows"]


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's whole rating, and what its files say of it."""

    course: DialCourse
    rows: DialRows
    """Of all parts, one after the other."""
    parts: int
    passes: int
    """1, and one more for each time the film was moved back."""
    stands: bool
    """The last rating stood until the film ended, wherever that is; the course does not say so."""


def read_rating(folder: Callable[[str], Path], parts: Sequence[RatingFile]) -> Rating:
    """The rating of one rater, from one file or from parts that follow each other.

    Parameters
    ----------
    folder : where a file that session.toml names lies
    parts : at least one, all of the same rater

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    rows = [read_rows(folder(part.file), part) for part in parts]
    moved = [
        replace(one, t_s=one.t_s + part.offset_s) for one, part in zip(rows, parts, strict=True)
    ]
    whole = joined(moved) if len(moved) > 1 else moved[0]
    course, passes = steps_of(whole, next((p.passes for p in parts if p.passes), "later"))
    return Rating(course, whole, len(parts), passes, stands_at_the_end(whole))


@paper(SessionError)
def read_rows(path: Path, told: RatingFile) -> DialRows:
    """The rows of one file, whatever its layout.

    Parameters
    ----------
    told : what session.toml says of it; its `offset_s` is not added here

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    rows = _any_layout(path, told)
    check_times(rows, told.passes)
    return rows


def _any_layout(path: Path, told: RatingFile) -> DialRows:
    sheet = sheet_of(path)
    lines = sheet.rows
    if not lines:
        raise SessionError(
            f"{path.name} is empty; allowed: CARMA's or DARMA's layout, or time,rating rows"
        )
    if is_carma_table(lines):
        return read_carma_table(path, lines, told)
    if is_darma(lines):
        return read_darma(path, lines, told)
    if is_carma(lines):
        return read_carma(path, lines, told)
    return read_plain(path, sheet, told)
