"""`attendance.csv`: what became of every appointment, entered by people.

One row per appointment, in a file beside the recordings:

    dyad,number,date,status,recorded
    D07,5,2026-03-02,held,yes
    D07,6,2026-03-09,no_show,
    D07,,2026-03-16,ended_unplanned,

`status` is held, cancelled, no_show, ended_planned or ended_unplanned; `recorded` is yes or no for
a held session. An ending has a row of its own, dated by the day it became known. Whether an ending
was planned is a person's judgement; nothing here is inferred from a recording.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pipeline.errors import InputError, SessionError
from pipeline.paperwork.csv_rows import Row, read_rows
from pipeline.paperwork.papers import paper
from pipeline.paperwork.sheet_values import shown

Status = Literal["held", "cancelled", "no_show", "ended_planned", "ended_unplanned"]
STATUSES: tuple[Status, ...] = get_args(Status)
COLUMNS = ("dyad", "number", "date", "status", "recorded")
_YES_OR_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Appointment:
    """One row."""

    dyad: str
    number: int | None
    """Which session of the dyad; None for an ending without one."""
    date: dt.date
    status: Status
    recorded: bool | None
    """None unless held."""

    @property
    def is_ending(self) -> bool:
        """Whether the work ended here, planned or not."""
        return self.status.startswith("ended")


@paper(SessionError)
def read_attendance(path: Path) -> tuple[Appointment, ...]:
    """Read and check the whole file; rows come back in its order.

    Raises
    ------
    InputError
        Naming file, line, value and what is allowed.
    """
    if not path.is_file():
        raise InputError(f"no file {path}; write one with the columns {','.join(COLUMNS)}")
    listed: dict[tuple[object, ...], Appointment] = {}
    for row in read_rows(path, COLUMNS):
        found = _appointment(row)
        key = (found.dyad, None if found.is_ending else (found.number, found.date))
        if key in listed:
            what = "a second ending" if found.is_ending else f"session {found.number} twice a day"
            raise SessionError(f"{row.where}: {what} of {found.dyad}; keep one row")
        listed[key] = found
    return tuple(listed.values())


def _appointment(row: Row) -> Appointment:
    if not row.cells["dyad"]:
        raise SessionError(f"{row.where}: no dyad; give the pair's pseudonym")
    status = row.cells["status"].lower().replace("-", "_").replace(" ", "_")
    if status not in STATUSES:
        given = shown(row.cells["status"])
        raise SessionError(f"{row.where}: status {given}; allowed: {', '.join(STATUSES)}")
    return Appointment(
        dyad=row.cells["dyad"],
        number=_number(row, optional=status.startswith("ended")),
        date=_date(row),
        status=status,
        recorded=_recorded(row, held=status == "held"),
    )


def _number(row: Row, *, optional: bool) -> int | None:
    text = row.cells["number"]
    if not text and optional:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) >= 1):
        raise SessionError(f"{row.where}: number {shown(text)}; allowed: 1, 2, 3, ... of this dyad")
    return int(text)


def _date(row: Row) -> dt.date:
    text = row.cells["date"]
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise SessionError(f"{row.where}: date {shown(text)}; allowed: as in 2026-03-02") from error


def _recorded(row: Row, *, held: bool) -> bool | None:
    text = row.cells["recorded"].lower()
    given = shown(text)
    if held and text not in _YES_OR_NO:
        raise SessionError(f"{row.where}: recorded {given} of a held session; allowed: yes, no")
    if not held and _YES_OR_NO.get(text, bool(text)):
        raise SessionError(f"{row.where}: recorded {given}, but it was not held; leave it empty")
    return _YES_OR_NO[text] if held else None
