"""Questionnaire totals of a dyad as a course over its sessions, with what is missing said aloud.

Scores only. A change is against the first total of the same form, person and length; where a
reliable change is published (ORS: 5 points, Miller et al. 2003) it is marked. Marks and changes
are shown beside the total and decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.paperwork.forms import is_below_mark, reliable_change

Row = Mapping[str, Any]
Course = Sequence[tuple[Row, Sequence[Row]]]
"""Sessions of one dyad in order: `dyad_id`, `session_id` and `session_number`; rows of `forms`."""


def form_rows(course: Course) -> list[dict[str, Any]]:
    """Rows of `study.forms` of one dyad.

    A form that somebody filled in for any session of the dyad is expected of that person for all
    of them; a dyad without any form has no row, and the page says so.
    """
    kinds = sorted({(form["instrument"], form["by"]) for _, forms in course for form in forms})
    rows = []
    for instrument, by in kinds:
        first: dict[float, float] = {}
        for ids, forms in course:
            given = [f for f in forms if (f["instrument"], f["by"]) == (instrument, by)]
            row = {**ids, "instrument": instrument, "by": by}
            rows.append(row | _total(given[0] if given else None, first))
    return rows


def _total(form: Row | None, first: dict[float, float]) -> dict[str, Any]:
    """One total against the first of its length, which is noted in `first`."""
    names = ("total", "max", "change", "reliable_change", "is_below_mark")
    if form is None:
        return dict.fromkeys(names) | {"reason": "no_form"}
    instrument, total, maximum = form["instrument"], form["total"], form["max"]
    change, marked = None, None
    if maximum in first:
        change = total - first[maximum]
        marked = reliable_change(first[maximum], total, instrument=instrument, maximum=maximum)
    first.setdefault(maximum, total)
    below = is_below_mark(instrument, total, maximum)
    return dict(zip(names, (total, maximum, change, marked, below), strict=True)) | {"reason": None}
