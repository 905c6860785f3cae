"""Endings and recordings per period, from attendance.csv: of the clinic as a whole.

Drop-out is the share of endings that were unplanned (about one in five over many studies: Swift &
Greenberg 2012). Periods are compared with the period before by the interval of their difference.
There is no table by person, on purpose.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.paperwork.consent import Register
from pipeline.study.attendance import Appointment
from pipeline.study.pooling import Interval, newcombe_difference, wilson

MONTHS = {"quarter": 3, "half_year": 6, "year": 12}


def period_of(day: dt.date, period: str) -> str:
    """``2026``, ``2026-H1`` or ``2026-Q3``, sortable."""
    part = (day.month - 1) // MONTHS[period] + 1
    return {
        "year": f"{day.year}",
        "half_year": f"{day.year}-H{part}",
        "quarter": f"{day.year}-Q{part}",
    }[period]


def period_rows(appointments: Sequence[Appointment], period: str) -> list[dict[str, Any]]:
    """Rows of `study_periods`, in time order; periods without an appointment have no row."""
    by_period: dict[str, list[Appointment]] = {}
    for one in sorted(appointments, key=lambda one: one.date):
        by_period.setdefault(period_of(one.date, period), []).append(one)
    rows: list[dict[str, Any]] = []
    for name, listed in by_period.items():
        rows.append(_period_row(name, listed, rows[-1] if rows else None))
    return rows


def _period_row(
    name: str, listed: Sequence[Appointment], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    endings = [one for one in listed if one.is_ending]
    unplanned = sum(one.status == "ended_unplanned" for one in endings)
    held = [one for one in listed if one.status == "held"]
    recorded = sum(bool(one.recorded) for one in held)
    dropout, recordings = wilson(unplanned, len(endings)), wilson(recorded, len(held))
    change = Interval(None, None, None)
    if before is not None:
        change = newcombe_difference(
            (unplanned, len(endings)), (before["unplanned"], before["endings"])
        )
    return {
        "period": name,
        "endings": len(endings),
        "unplanned": unplanned,
        "dropout_prop": dropout.estimate,
        "dropout_low": dropout.low,
        "dropout_high": dropout.high,
        "dropout_difference": change.estimate,
        "difference_low": change.low,
        "difference_high": change.high,
        "held": len(held),
        "recorded": recorded,
        "recorded_prop": recordings.estimate,
        "recorded_low": recordings.low,
        "recorded_high": recordings.high,
    }


def agreed_to_recording(register: Register, day: dt.date) -> tuple[int, int]:
    """Clients whose standing or newest word on `record` is yes, and clients asked at all.

    A client counts as asked who has any record of the scope; sessions of their own count too.
    """
    asked: dict[str, list[str]] = {}
    for record in register.records:
        if record.role == "client" and "record" in record.scopes:
            named = ["*"] if record.sessions == "*" else record.sessions
            asked.setdefault(record.person, []).extend(named)
    agreed = sum(
        any(
            register.refusal(person, "client", session, "record", day) is None
            for session in sessions
        )
        for person, sessions in asked.items()
    )
    return agreed, len(asked)
