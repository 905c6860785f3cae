"""Forms: published marks, the alliance difference, what is missing, what cannot be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipeline import tables
from pipeline.page.forms import form_lines, imported_flags
from pipeline.paperwork.forms import (
    alliance_difference,
    form_fault,
    form_figures,
    form_row,
    is_below_mark,
    missing_forms,
    reliable_change,
)
from pipeline.paperwork.session import Form


def form(instrument: str, total: float, maximum: float, by: str = "client", **more: Any) -> Any:
    given = {"instrument": instrument, "by": by, "total": total, "max": maximum, **more}
    return form_row("D07-05", Form.model_validate(given).model_dump())


SEED = (
    form("SRS", 32.5, 40.0),
    form("WAI-SR", 47.0, 60.0, goal=15.0, task=16.0, bond=16.0),
    form("WAI-SR", 40.0, 60.0, by="therapist"),
)
"""The seed's fifth session."""


def test_the_made_session_of_oracle_10() -> None:
    srs, client, therapist = tables.FORMS.build_rows(SEED).to_pylist()
    assert (srs["is_below_mark"], srs["mark"]) == (True, 36.0)
    assert (client["is_below_mark"], therapist["mark"]) == (None, None)
    assert alliance_difference(SEED) == (7.0, None)
    assert [figure["value"] for figure in form_figures(SEED)] == [7.0]
    assert missing_forms(SEED) == ["ORS"]


@pytest.mark.parametrize(
    ("instrument", "total", "maximum", "below"),
    [("SRS", 35.9, 40, True), ("SRS", 36.0, 40, False), ("ORS", 24.9, 40, True),
     ("ORS", 25.0, 40, False), ("SRS", 8.0, 10, None), ("WAI-SR", 12.0, 60, None)],
)  # fmt: skip
def test_marks_hold_for_the_published_length_only(
    instrument: str, total: float, maximum: float, below: bool | None
) -> None:
    assert is_below_mark(instrument, total, maximum) is below


@pytest.mark.parametrize(
    ("first", "last", "change"),
    [(20.0, 25.0, "higher"), (20.0, 24.9, "within error"), (25.0, 20.0, "lower")],
)
def test_reliable_change_of_the_ors(first: float, last: float, change: str) -> None:
    assert reliable_change(first, last) == change
    assert reliable_change(first, last, instrument="SRS") is None
    assert reliable_change(first, last, maximum=10.0) is None


def test_totals_of_different_length_are_not_subtracted() -> None:
    short = form("WAI-SR", 40.0, 50.0, by="therapist")
    assert alliance_difference((SEED[1], short)) == (None, "not_measured")
    assert alliance_difference(SEED[:2]) == (None, "no_form")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (("SRS", 41.0, 40.0, []), "total = 41 is above max = 40"),
        (("ORS", 20.0, 40.0, [5.0]), "ORS has no subscales"),
        (("WAI-SR", 47.0, 60.0, [15.0, 16.0, 15.0]), r"goal \+ task \+ bond = 46"),
        (("WAI-SR", 47.0, 60.0, [15.0, 16.0, 16.0]), "^$"),
        (("WAI-SR", 3.9, 5.0, [3.8, 4.0, 4.0]), "^$"),
        (("WAI-SR", 47.0, 60.0, [15.0]), "^$"),
    ],
)
def test_what_cannot_be(given: tuple[str, float, float, list[float]], fault: str) -> None:
    assert re.search(fault, form_fault(*given))


def test_the_strip_says_what_is_there_and_what_is_missing() -> None:
    lines = {line.name: line for line in form_lines(SEED)}
    assert lines["SRS, client"].value == "32.5 of 40"
    assert "under 36" in lines["SRS, client"].note
    assert lines["WAI-SR, client"].note == "goal 15, task 16, bond 16"
    assert lines["WAI-SR, client minus therapist"].value == "+7"
    assert lines["ORS"].value == "MISSING"
    assert [line.value for line in form_lines([])] == ["MISSING"]


def test_flags_are_quoted_with_the_form_they_came_with() -> None:
    flagged = form("ORS", 14.0, 40.0, flag="High risk: call before the session")
    assert [(f.form, f.text) for f in imported_flags([*SEED, flagged])] == [
        ("ORS, client", "High risk: call before the session")
    ]
