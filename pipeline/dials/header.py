"""Which column of a plain dial file is what, from the names in its first row.

Where more than one column could be meant the file is refused; session.toml then names it
(``column``), or where rows of several people stand in one file, the one whose rows count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.dials.direction import of_name
from pipeline.dials.names import (
    BEGINS,
    COUNTS,
    ENDS,
    EVENTS,
    LENGTHS,
    PEOPLE,
    POSITIONS,
    RATINGS,
    begins_with,
    names_time,
    unit_s,
)
from pipeline.dials.table import Table
from pipeline.errors import SessionError
from pipeline.paperwork.sheet_lines import Line
from pipeline.paperwork.sheet_values import is_missing

LONGEST_NAME = 40
MOST_LISTED = 12
JSPSYCH = frozenset({"trial_type", "trial_index", "time_elapsed"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of the columns in a row."""

    time: int | None
    rating: int
    event: int | None = None
    position: int | None = None
    """Where the player was, in the media."""
    end: int | None = None
    """Where the rating of a row ends; then `time` is where it begins."""
    time_unit_s: float = 1.0
    position_unit_s: float = 1.0
    rating_name: str = ""


def columns_of(path: Path, table: Table, wanted: str | None) -> Columns:
    """Columns by the names of a table; two columns need none.

    Parameters
    ----------
    wanted : the rating column's name, where session.toml gives one

    Raises
    ------
    SessionError
        If a column cannot be told, naming those there are.
    """
    names = table.names
    if not names:
        if wanted is not None:
            raise SessionError(
                f"{path.name}: column = {wanted!r}, but its first row names no columns; allowed: "
                "a row of names above the ratings, or no `column`"
            )
        return Columns(0, 1)
    known = sum(name != "" for name in names)
    if known < 2:
        raise SessionError(
            f"{path.name}: its first row names {known} column(s); allowed: a time and a rating"
        )
    _refuse_experiment_time(path, names)
    begin, end = _stretch(names)
    if begin is not None:
        taken = {begin, end, *(i for i, name in enumerate(names) if begins_with(name, LENGTHS))}
        rating = _rating(path, names, wanted, taken, sole=True)
        return Columns(
            begin, rating, end=end, time_unit_s=unit_s(names[begin]), rating_name=names[rating]
        )
    position = _only(path, names, "the player's position", _all(names, POSITIONS))
    event = _only(path, names, "the event", _all(names, EVENTS))
    rating = _rating(path, names, wanted, {position, event})
    time = _time(path, names, position, rating)
    return Columns(
        time=time,
        rating=rating,
        event=event,
        position=position,
        time_unit_s=1.0 if time is None else unit_s(names[time]),
        position_unit_s=1.0 if position is None else unit_s(names[position]),
        rating_name=names[rating],
    )


def of_one_person(path: Path, table: Table, wanted: str | None) -> tuple[list[Line], str | None]:
    """Rows of one person where a column says whose each is, and the column still wanted.

    Parameters
    ----------
    wanted : what session.toml names: the rating's column, or one of the people

    Raises
    ------
    SessionError
        If the rows are several people's and session.toml names none of them.
    """
    for at in _all(table.names, PEOPLE):
        people = {cells[at].lower() for _, cells in table.rows if not is_missing(cells[at])}
        if wanted is not None and wanted.lower() in people and wanted.lower() not in table.names:
            rows = [(n, cells) for n, cells in table.rows if cells[at].lower() == wanted.lower()]
            return rows, None
        if len(people) > 1:
            raise SessionError(
                f"{path.name}: its column {_listed(table.names[at : at + 1])} says that its rows "
                f"are of {len(people)} raters or tiers; allowed: those of one. Write it as "
                "`column` to its [[ratings]], or give each a file of its own"
            )
    return table.rows, wanted


def _refuse_experiment_time(path: Path, names: list[str]) -> None:
    if frozenset(names) >= JSPSYCH:
        raise SessionError(
            f"{path.name} is jsPsych's table: its time_elapsed counts milliseconds from the start "
            "of the experiment, and when the film began is not in it; allowed: a column time_ms "
            "with milliseconds of the film, and the rating's name as `column` in its [[ratings]]"
        )


def _stretch(names: list[str]) -> tuple[int | None, int | None]:
    """Columns of begin and end; of several pairs the first whose formats are alike."""
    for begin in _all(names, BEGINS):
        form = names[begin].partition("-")[2]
        for end in _all(names, ENDS):
            if names[end].partition("-")[2] == form:
                return begin, end
    return None, None


def _rating(
    path: Path, names: list[str], wanted: str | None, taken: set[int | None], *, sole: bool = False
) -> int:
    """`sole`: the only column left is the rating, whatever its name."""
    if wanted is not None:
        if wanted.lower() in names:
            return names.index(wanted.lower())
        raise SessionError(f"{path.name}: no column {wanted!r}; allowed: one of {_listed(names)}")
    free = [i for i, name in enumerate(names) if name and i not in taken]
    found = [i for i in free if begins_with(names[i], RATINGS)]
    found = found or [i for i in free if of_name(names[i]) != "unlabelled"]
    others = [i for i in free if not begins_with(names[i], PEOPLE | BEGINS | ENDS)]
    if not found and sole and len(others) == 1:
        return others[0]
    if not found and len(names) == 2:
        return 0 if names_time(names[1]) else 1
    at = _only(path, names, "the rating", found)
    if at is None:
        raise SessionError(
            f"{path.name}: none of its columns ({_listed(names)}) is called rating, value or "
            "dial; name it with `column` in its [[ratings]]"
        )
    return at


def _time(path: Path, names: list[str], position: int | None, rating: int) -> int | None:
    found = [i for i, name in enumerate(names) if i not in {position, rating} and names_time(name)]
    if not found and position is None:
        if len(names) == 2 and not begins_with(names[1 - rating], COUNTS):
            return 1 - rating
        raise SessionError(
            f"{path.name}: none of its columns ({_listed(names)}) is called time, time_ms or "
            "seconds; rename the column that holds the time"
        )
    return _only(path, names, "the time", found)


def _only(path: Path, names: list[str], what: str, found: list[int]) -> int | None:
    if len(found) > 1:
        several = _listed([names[i] for i in found])
        raise SessionError(
            f"{path.name}: {several} could each be {what}; allowed: one such column. Rename the "
            "others, or name the rating with `column` in its [[ratings]]"
        )
    return found[0] if found else None


def _listed(names: Sequence[str]) -> str:
    """Names of columns; what is too long for one is no name, and may be what somebody said."""
    short = [name if len(name) <= LONGEST_NAME else "other text" for name in names if name]
    return ", ".join(short[:MOST_LISTED]) + (", ..." if len(short) > MOST_LISTED else "")


def _all(names: Sequence[str], words: frozenset[str]) -> list[int]:
    return [i for i, name in enumerate(names) if begins_with(name, words)]
