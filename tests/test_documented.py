"""What is written about the code agrees with the code."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT

from flows.dictionary import as_markdown
from pipeline.stages import STAGES
from pipeline.tables import REASONS, TABLES


def test_data_dictionary_is_fresh():
    written = (ROOT / "DATA_DICTIONARY.md").read_text(encoding="utf-8")
    assert written == as_markdown(), "run `make docs`"


def test_every_column_says_what_it_is():
    for table in TABLES.values():
        for column in table.columns:
            where = f"{table.name}.{column.name}"
            assert column.unit, where
            assert column.source, where
            assert column.description.endswith("."), where


def test_a_name_means_one_thing():
    units = {}
    for table in TABLES.values():
        for column in table.columns:
            if column.name == "value":
                continue  # in long tables each row names its own measure
            expected = units.setdefault(column.name, column.unit)
            assert expected == column.unit, f"{table.name}.{column.name}"


UNITS = {"_s": "s", "_hz": "Hz", "_db": "dB", "_deg": "deg", "_px": "px", "_st": "semitone"}


def test_unit_suffixes_tell_the_truth():
    for table in TABLES.values():
        for column in table.columns:
            for suffix, unit in UNITS.items():
                if column.name.endswith(suffix):
                    assert column.unit == unit, f"{table.name}.{column.name}"


def test_reasons_are_a_sorted_closed_list():
    assert list(REASONS) == sorted(set(REASONS))


def test_each_table_has_one_writer_and_is_written_before_it_is_read():
    written = []
    for stage in STAGES:
        assert set(stage.reads) <= set(written), stage.name
        written += stage.writes
    assert sorted(written) == sorted(TABLES)


VERBS = ("run", "nightly", "serve", "demo", "report", "study", "export", "columns")
GROUPS = ("consent", "models", "config")


@pytest.fixture(scope="module")
def helps():
    def text(*words):
        command = [sys.executable, "-m", "flows.cli", *words, "--help"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={"COLUMNS": "80", "PATH": ""}
        )
        return done.stdout

    return {words: text(*words) for words in [(), *((v,) for v in VERBS + GROUPS)]}


def test_every_help_fits_a_screen(helps):
    for words, text in helps.items():
        assert len(text.splitlines()) <= 40, words


def test_readme_shows_every_verb(helps):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for verb in VERBS + GROUPS:
        assert f"thinslice {verb}" in readme or verb == "demo", verb
        assert verb in helps[()]


def with_what_it_imports(module):
    """Files of a stage and of all of the pipeline it is built from, the declarations left out."""
    found, todo = set(), [module]
    while todo:
        place = ROOT / todo.pop().replace(".", "/")
        path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if path in found or not path.is_file():
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline"):
                todo += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(found)


def leaves(section):
    """Settings of a section and of the sections inside it."""
    for name, field in section.model_fields.items():
        inside = getattr(field.annotation, "model_fields", None)
        yield from leaves(field.annotation) if inside else [name]


READ_BEFORE_THE_STAGE = {
    "diarize": {"engine"},  # these choose and make engines
    "landmarks": {"engine"},
    "language": {"lexicon"},  # these files are read with the profile
    "report": {"causes", "clip_height_px"},
}


def test_every_setting_is_read_by_its_stage():
    for stage in STAGES:
        modules = with_what_it_imports(stage.run.__module__)
        text = "".join(path.read_text("utf-8") for path in modules if path.name != "settings.py")
        unread = {name for name in leaves(stage.settings) if f".{name}" not in text}
        assert unread <= READ_BEFORE_THE_STAGE.get(stage.name, set()), stage.name


PATH_NAMED = re.compile(r"\b(?:pipeline|models|flows|bench|tests|configs)/[\w/]+\.(?:py|toml|j2)\b")
MADE_HERE = re.compile(r"^```(?:python|toml) (\S+)$", re.MULTILINE)
"""Files that a page of docs/extending shows how to add."""


def test_every_path_that_is_named_exists():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split():
        if not name.endswith((".md", ".toml", ".py")) or name.startswith("tests/data"):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        for named in set(PATH_NAMED.findall(text)) - set(MADE_HERE.findall(text)):
            assert (ROOT / named).exists(), f"{name} names {named}"


def test_every_declared_read_is_used():
    for stage in STAGES:
        modules = with_what_it_imports(stage.run.__module__)
        text = "".join(path.read_text("utf-8").partition("STAGE = Stage(")[0] for path in modules)
        unused = [name for name in stage.reads if f'"{name}"' not in text]
        assert unused == [], stage.name
