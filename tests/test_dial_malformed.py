"""Malformed dial files: each is named with what is wrong, and none gives numbers in silence."""

from __future__ import annotations

import tomllib

import pytest

from tests.made.dials import MALFORMED, message

DIALS = tomllib.loads((MALFORMED / "messages.toml").read_text(encoding="utf-8"))["dial"]
ALIKE = 3
"""Pairs with one fault: nothing in the file, no row under the names, ends the other way round."""


@pytest.mark.parametrize("entry", DIALS, ids=lambda entry: f"{entry['file']}: {entry['says']}")
def test_what_is_wrong_is_said(entry) -> None:
    assert message(entry) == entry["says"]


def test_every_file_is_named_with_its_own_fault() -> None:
    files = {entry["file"] for entry in DIALS} | {entry.get("second") for entry in DIALS}
    assert {path.name for path in MALFORMED.glob("*.csv")} == files - {None}
    assert len(DIALS) >= 30
    faults = {entry["says"].replace(entry["file"], "") for entry in DIALS}
    assert len(faults) == len(DIALS) - ALIKE


def test_every_message_says_what_to_do() -> None:
    ways_out = (
        "allowed:",
        "Add",
        "save",
        "export",
        "again",
        "write",
        "needed",
        "if ",
        "check",
        "name it",
        "rename",
    )
    for entry in DIALS:
        assert any(way in entry["says"] for way in ways_out), entry["file"]
