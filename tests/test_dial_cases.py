"""Dials of nine programs as people bring them, from the small inputs beside the project."""

from __future__ import annotations

import pytest

from tests.cases_dials import CASES, rows


def test_every_dial_among_the_cases_is_right() -> None:
    if not CASES.is_dir():
        pytest.skip("small inputs absent: set THINSLICE_CASES")
    found = rows()
    assert len(found) >= 20
    assert [row for row in found if not row[-1]] == []
