"""Which column of a plain dial file is what, from the names in its first row.

Names are matched by their words, so ``time_ms``, ``Time (ms)`` and ``time [ms]`` are one. Where
more than one column could be meant the file is refused; session.toml then names it (``column``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.dials.cells import is_unrated, number
from pipeline.dials.clock import is_time
from pipeline.dials.direction import of_name
from pipeline.errors import SessionError

TIMES = frozenset(
    {"time", "timestamp", "t", "second", "seconds", "sec", "s", "onset", "elapsed", "clock"}
)
POSITIONS = frozenset({"position", "pos", "media", "video", "film", "player", "playhead"})
COUNTS = frozenset({"frame", "frames", "sample", "samples", "index", "row", "n", "bin", "id"})
"""Names of columns that count rows: seconds only by an unknown rate."""
EVENTS = frozenset({"event", "action"})
RATINGS = frozenset({"rating", "ratings", "value", "dial", "score", "slider"})
UNITS_S = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
}
LONGEST_NAME = 40
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of the columns in a row."""

    width: int
    time: int | None
    rating: int
    event: int | None = None
    position: int | None = None
    """Where the player was, in the media."""
    time_unit_s: float = 1.0
    position_unit_s: float = 1.0
    rating_name: str = ""
    headed: bool = False
    """Whether the first row names them."""


def columns_of(path: Path, first: Sequence[str], wanted: str | None) -> Columns:
    """Columns by the first row of a file; two columns need no names.

    Parameters
    ----------
    wanted : the rating column's name, where session.toml gives one

    Raises
    ------
    SessionError
        If a column cannot be told, naming those there are.
    """
    if any(number(cell) is not None or is_time(cell) for cell in first):
        if wanted is not None:
            raise SessionError(
                f"{path.name}: column = {wanted!r}, but its first row names no columns; allowed: "
                "a row of names above the ratings, or no `column`"
            )
        return Columns(2, 0, 1)
    names = [cell.lower() for cell in first]
    if len(names) < 2 or is_unrated(names[0]):
        raise SessionError(
            f"{path.name}: its first row names {len(names)} column(s); allowed: a time and a rating"
        )
    position = _only(
        path, names, "the player's position", [i for i, n in enumerate(names) if _in(n, POSITIONS)]
    )
    event = _only(path, names, "the event", [i for i, n in enumerate(names) if _in(n, EVENTS)])
    rating = _rating(path, names, wanted, {position, event})
    time = _time(path, names, position, rating)
    return Columns(
        width=len(names),
        time=time,
        rating=rating,
        event=event,
        position=position,
        time_unit_s=1.0 if time is None else _unit_s(names[time]),
        position_unit_s=1.0 if position is None else _unit_s(names[position]),
        rating_name=names[rating],
        headed=True,
    )


def _rating(path: Path, names: list[str], wanted: str | None, taken: set[int | None]) -> int:
    if wanted is not None:
        if wanted.lower() in names:
            return names.index(wanted.lower())
        raise SessionError(f"{path.name}: no column {wanted!r}; allowed: one of {_listed(names)}")
    free = [i for i in range(len(names)) if i not in taken]
    found = [i for i in free if _in(names[i], RATINGS)]
    found = found or [i for i in free if of_name(names[i]) != "unlabelled"]
    if not found and len(names) == 2:
        return 0 if _is_time(names[1]) else 1
    at = _only(path, names, "the rating", found)
    if at is None:
        raise SessionError(
            f"{path.name}: none of its columns ({_listed(names)}) is called rating, value or "
            "dial; name it with `column` in its [[ratings]]"
        )
    return at


def _time(path: Path, names: list[str], position: int | None, rating: int) -> int | None:
    found = [i for i, name in enumerate(names) if i not in {position, rating} and _is_time(name)]
    if not found and position is None:
        if len(names) == 2 and not _in(names[1 - rating], COUNTS):
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
    short = (name if len(name) <= LONGEST_NAME else "other text" for name in names)
    return ", ".join(short)


def _in(name: str, words: frozenset[str]) -> bool:
    """Whether the first word of a name is one of `words`."""
    found = _WORD.findall(name)
    return bool(found) and found[0] in words


def _is_time(name: str) -> bool:
    found = _WORD.findall(name)
    return bool(found) and (found[0] in TIMES or found[0] in UNITS_S)


def _unit_s(name: str) -> float:
    return next((UNITS_S[word] for word in _WORD.findall(name) if word in UNITS_S), 1.0)
