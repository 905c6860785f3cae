"""The page's strip of questionnaire totals: what is there, what is missing, imported flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.page.text import quantity
from pipeline.paperwork.forms import SUBSCALES, alliance_difference, missing_forms

MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class FormLine:
    """One entry of the strip."""

    name: str
    value: str
    note: str = ""
    is_below_mark: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether the form is not there."""
        return self.value == MISSING


@dataclass(frozen=True, slots=True)
class Flag:
    """What a form's own software flagged; quoted, never computed here."""

    form: str
    text: str


_MARK_WORDS = {
    "ORS": "under {mark}, its published cut-off; a number to talk over, no finding",
    "SRS": "under {mark}, the published mark for talking it over with the client",
}


def form_lines(forms: Sequence[Mapping[str, Any]]) -> list[FormLine]:
    """Every total, the alliance difference, then every form that is missing.

    Parameters
    ----------
    forms : rows of table `forms` of one session
    """
    lines = [_total(row) for row in forms]
    difference, _ = alliance_difference(forms)
    if difference is not None:
        sign = "+" if difference > 0 else ""
        lines.append(
            FormLine("WAI-SR, client minus therapist", f"{sign}{quantity('', difference, '')}")
        )
    lost = missing_forms(forms)
    if not forms:
        note = "A recording is best looked at beside the client's own outcome and session ratings."
        return [FormLine("Outcome forms", MISSING, note)]
    return lines + [FormLine(name, MISSING) for name in lost]


def imported_flags(forms: Sequence[Mapping[str, Any]]) -> list[Flag]:
    """The flags that came with the forms."""
    return [Flag(_name(row), row["flag"]) for row in forms if row["flag"]]


def _total(row: Mapping[str, Any]) -> FormLine:
    notes = [f"{part} {quantity('', row[part], '')}" for part in SUBSCALES if row[part] is not None]
    if row["is_below_mark"]:
        mark = quantity("", row["mark"], "")
        notes.append(_MARK_WORDS[row["instrument"]].format(mark=mark))
    value = f"{quantity('', row['total'], '')} of {quantity('', row['max'], '')}"
    return FormLine(_name(row), value, ", ".join(notes), bool(row["is_below_mark"]))


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['instrument']}, {row['by']}" if row["by"] else row["instrument"]
