"""Questionnaire totals as information: published marks, the two sides' difference, what is missing.

Scores only, as the clinic entered them; no item text is kept here. ORS and SRS go to 40, the WAI-SR
of twelve items of 1 to 5 goes to 60; therapists' forms can be of another length, so the highest
possible total is stored with each, and only totals of the same length are compared.

Marks (ORS 25 and a change of 5, Miller et al. 2003; SRS 36, Duncan et al. 2003) are their authors',
for those forms to 40 points. They are shown beside the total and decide nothing. The WAI-SR has no
published mark. Caveat: a change can pass 5 points and have nothing to do with the sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MARKS = {"ORS": 25.0, "SRS": 36.0}
"""Published marks; a total under one is worth talking over with the client."""
RELIABLE_CHANGES = {"ORS": 5.0}
"""A difference of at least this between two sessions is larger than the form's own error."""
MARKED_MAX = 40.0
"""The highest total of the forms that the marks were published for."""
EXPECTED = ("ORS", "SRS", "WAI-SR")
SUBSCALES = ("goal", "task", "bond")
ROUNDING = 0.11
"""Three subscales rounded to a decimal each."""


def mark_of(instrument: str, maximum: float) -> float | None:
    """Published mark of a form of this length; None where there is none."""
    return MARKS.get(instrument) if maximum == MARKED_MAX else None


def is_below_mark(instrument: str, total: float, maximum: float) -> bool | None:
    """Whether a total lies under the form's published mark; None where it has none."""
    mark = mark_of(instrument, maximum)
    return None if mark is None else total < mark


def reliable_change(
    first: float, last: float, *, instrument: str = "ORS", maximum: float = MARKED_MAX
) -> str | None:
    """How one total lies to an earlier one: ``higher``, ``lower`` or ``within error``.

    None where no reliable change is published for a form of this name and length.
    """
    least = RELIABLE_CHANGES.get(instrument) if maximum == MARKED_MAX else None
    if least is None:
        return None
    if abs(last - first) < least:
        return "within error"
    return "higher" if last > first else "lower"


def alliance_difference(forms: Sequence[Mapping[str, Any]]) -> tuple[float | None, str | None]:
    """WAI-SR total of the client minus the therapist's, or None with the reason.

    Parameters
    ----------
    forms : rows of table `forms` of one session
    """
    given = {row["by"]: row for row in forms if row["instrument"] == "WAI-SR"}
    if set(given) != {"client", "therapist"}:
        return None, "no_form"
    client, therapist = given["client"], given["therapist"]
    if client["max"] != therapist["max"]:
        return None, "not_measured"
    return client["total"] - therapist["total"], None


def missing_forms(forms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Instruments that nobody filled in for this session."""
    given = {row["instrument"] for row in forms}
    return [name for name in EXPECTED if name not in given]


def form_figures(forms: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of `session_features` (without the session) that compare the session's forms."""
    value, reason = alliance_difference(forms)
    yield {"feature": "wai_difference_points", "value": value, "reason": reason}


def form_row(session_id: str, form: Mapping[str, Any]) -> dict[str, Any]:
    """A row of table `forms`."""
    instrument, total, maximum = form["instrument"], form["total"], form["max"]
    return {
        "session_id": session_id,
        **form,
        "mark": mark_of(instrument, maximum),
        "is_below_mark": is_below_mark(instrument, total, maximum),
    }


def form_fault(instrument: str, total: float, maximum: float, parts: Sequence[float]) -> str:
    """What cannot be true of a form, in words; empty if nothing.

    Parameters
    ----------
    parts : the subscales given, in the order of `SUBSCALES`
    """
    if total > maximum:
        return f"total = {total:g} is above max = {maximum:g}; give the form's highest total as max"
    if parts and instrument != "WAI-SR":
        return f"{instrument} has no subscales; goal, task and bond belong to the WAI-SR"
    if len(parts) == len(SUBSCALES):
        summed = sum(parts)
        if min(abs(summed - total), abs(summed / len(parts) - total)) > ROUNDING:
            return (
                f"goal + task + bond = {summed:g}, but total = {total:g}; allowed: their sum, or "
                "their mean where all are means"
            )
    return ""
