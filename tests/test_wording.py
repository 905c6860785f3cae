"""The wording contract over every string a person can read."""

from __future__ import annotations

import ast
import importlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from pipeline import tables
from pipeline.config import load_profile
from pipeline.page.wording import PROMPT, scan, scan_html
from pipeline.paperwork import consent
from pipeline.profile import Profile
from pipeline.rules import BY_ID
from pipeline.settings import ReportSettings
from pipeline.stage import Missing
from pipeline.stages.report import run
from tests.made import report as made

CODE = sorted(
    path
    for package in ("pipeline", "flows")
    for path in (ROOT / package).rglob("*.py")
    if path.name != "wording.py"  # the contract itself names what it forbids
)


def words(found: list[Any]) -> list[str]:
    return [f"{violation.word}: {violation.context}" for violation in found]


# ---- the scanner ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "signs of dissociation", "Dissociating", "a diagnosis of", "this disorder", "symptoms",
        "traumatised", "depressed", "anxious", "a resistant client", "deceptive", "bored",
        "sad voice", "Angry", "little eye contact", "eye-contact", "good rapport",
        "score of therapist", "80 % probability of", "client_fear_z",
    ],
)  # fmt: skip
def test_forbidden_words_are_found(text: str) -> None:
    assert scan(text)


@pytest.mark.parametrize(
    "text",
    [
        PROMPT, "This is not a diagnosis.", "low mood", "the compressed file", "a saddle",
        "therapist talk share", "not a probability", "Probability as the recogniser gives it",
        "the client resisted", "compliance", "gaze moved less than usual", "",
    ],
)  # fmt: skip
def test_plain_words_pass(text: str) -> None:
    assert scan(text) == []


def test_ids_obey_a_stricter_list() -> None:
    for name in ("reply_compliant", "client_disengaged", "resistance_z", "complianceRate"):
        assert scan(name, ids=True), name
    assert scan("client_response_latency_s", ids=True) == []


def test_quotations_scripts_and_styles_are_exempt_but_attributes_are_not() -> None:
    assert scan_html('<p>ok <q class="quote">I am depressed</q></p>') == []
    assert scan_html('<p class="said quote x">I am sad</p>') == []
    assert scan_html("<style>.sad{}</style><script>sad()</script><p>ok</p>") == []
    assert len(scan_html('<p id="sad">sad</p><b class="quotes">angry</b>')) == 3
    assert scan_html('<svg aria-label="an anxious face"></svg>')


# ---- what people read ----------------------------------------------------------------------


def test_every_rendered_report() -> None:
    settings = load_profile().report
    missing = Missing("no_media", "The recording is no longer there.")
    for page in (
        run(made.inputs(), made.Cutter(), settings),
        run(made.bare_inputs(), missing, settings),
    ):
        text = page.files["report.html"].decode()
        assert words(scan_html(text)) == []
        assert PROMPT in text


def test_quoted_speech_does_not_count_against_the_report() -> None:
    said = made.words(made.turn_rows()).to_pylist()
    sad = tables.WORDS.build_rows(row | {"text": "depressed"} for row in said)
    text = (
        run(made.inputs(words=sad), made.Cutter(), ReportSettings()).files["report.html"].decode()
    )
    assert "depressed" in text
    assert words(scan_html(text)) == []


def test_every_declared_table_and_column() -> None:
    for table in tables.TABLES.values():
        for column in table.columns:
            names = " ".join((table.name, column.name, *column.levels))
            assert words(scan(names, ids=True)) == []
            texts = (column.description, column.label, column.gate, column.unit, table.description)
            assert words(scan(" | ".join(texts))) == []
    assert words(scan(" ".join(tables.REASONS), ids=True)) == []


def test_every_reason_has_words_of_its_own() -> None:
    told = tables.LATENCY_REASON_WORDS
    assert {*tables.REASONS, *tables.LATENCY_REASONS} == set(told)
    assert len(set(told.values())) == len(told)
    assert not [text for text in told.values() if "_" in text or text != text.strip(" .")]
    assert words(scan(" | ".join(told.values()))) == []


@pytest.mark.parametrize("scope", consent.SCOPES)
@pytest.mark.parametrize("state", ["no record", "declined", "withdrawn", "expired", "not begun"])
def test_a_refusal_is_a_sentence_without_codes(scope: consent.Scope, state: str) -> None:
    told = consent.Refusal("C07", "client", scope, state).in_words()
    assert words(scan(told)) == []
    assert told.endswith(".")
    assert "_" not in told
    assert "C07" not in told


def test_every_setting() -> None:
    schema = Profile.model_json_schema()
    for name in _keys(schema):
        assert words(scan(name, ids=True)) == []
    assert words(scan(json.dumps(schema))) == []


def test_every_profile_and_list_in_configs() -> None:
    for path in sorted((ROOT / "configs").glob("*.toml")):
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        for name in _keys(settings):
            assert words(scan(name, ids=True)) == [], path.name
        # A lexicon holds what people say, to be matched: its phrases are quotations.
        if not path.name.startswith("lexicon"):
            assert words(scan(path.read_text(encoding="utf-8"))) == [], path.name


@pytest.mark.parametrize("path", CODE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_string_in_the_code(path: Path) -> None:
    for line, text in _strings(ast.parse(path.read_text(encoding="utf-8"))):
        assert words(scan(text)) == [], f"{path.name}:{line}"


@pytest.mark.parametrize("path", CODE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_name_in_the_code(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    names = {node.name for node in ast.walk(tree) if isinstance(node, named)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert words(scan(" ".join(sorted(names)), ids=True)) == []


@pytest.mark.parametrize(
    "name", ["README.md", "docs/DATA_DICTIONARY.md", "docs/GLOSSARY.md", "docs/METHODS.md"]
)
def test_pages_beside_the_code(name: str) -> None:
    if not (ROOT / name).exists():
        pytest.skip(f"{name} is not written yet")
    assert words(scan((ROOT / name).read_text(encoding="utf-8"))) == []


def test_command_line_help() -> None:
    try:
        cli = importlib.import_module("flows.cli")
        main = importlib.import_module("typer.main")
    except ImportError as error:
        pytest.skip(f"the command line cannot be imported: {error}")
    command = main.get_command(cli.app)
    for text in _help(command):
        assert words(scan(text)) == []


def test_the_causes_list_is_read_with_the_default_profile() -> None:
    if not (ROOT / "configs" / "default.toml").exists():
        pytest.skip("configs/default.toml is not written yet")
    listed = load_profile().report.innocent_causes
    known = {*BY_ID, *tables.WINDOWS.by_name, *tables.TURNS.by_name}
    assert {name.removesuffix("_remote") for name in listed} <= known
    assert not any("line" in cause for name, own in listed.items() for cause in own
                   if not name.endswith("_remote"))  # fmt: skip
    assert set(BY_ID) <= set(listed)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _help(command: Any) -> Iterator[str]:
    yield command.help or ""
    for parameter in command.params:
        yield f"{parameter.name} {getattr(parameter, 'help', '') or ''}"
    for inner in getattr(command, "commands", {}).values():
        yield from _help(inner)
