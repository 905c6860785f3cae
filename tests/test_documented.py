"""What is written about the code agrees with the code."""

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from conftest import ROOT

from flows.dictionary import as_markdown
from flows.floors import drawing, houses
from pipeline.settings import AlignSettings
from pipeline.stages import STAGES
from pipeline.tables import REASONS, TABLES, WINDOW_CUES
from pipeline.tables.windows import LONG_S


def test_data_dictionary_is_fresh():
    written = (ROOT / "docs" / "DATA_DICTIONARY.md").read_text(encoding="utf-8")
    assert written == as_markdown(), "run `make docs`"


def test_drawing_of_the_floors_is_fresh():
    written = (ROOT / "docs" / "floors.svg").read_text(encoding="utf-8")
    assert written == drawing(), "run `make docs`"


def test_every_room_is_drawn_with_what_it_is():
    drawn = ET.fromstring(drawing())
    texts = {node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text")}
    rooms = {room for floors in houses().values() for rooms in floors for room in rooms}
    below = {p.stem for p in (ROOT / "pipeline").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert rooms == below - {"__init__", "__pycache__"}
    assert {f"{room}/" for room in rooms if (ROOT / "pipeline" / room).is_dir()} <= texts


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


NAMED_BY_A_CUE = {
    named for cue in WINDOW_CUES for named in (cue.span_s, cue.step_s, cue.least_snr_db) if named
}
"""Settings of `align` that a cue's declaration names."""
READ_ELSEWHERE = {
    "align": NAMED_BY_A_CUE,
    "diarize": {"engine"},  # these choose and make engines
    "landmarks": {"engine"},
    "language": {"lexicon"},  # these files are read with the profile
    "report": {"causes", "clip_height_px"},
}


def test_every_setting_is_read_by_its_stage():
    for stage in STAGES:
        modules = with_what_it_imports(stage.run.__module__)
        text = "".join(path.read_text("utf-8") for path in modules if "settings" not in path.parts)
        unread = {name for name in leaves(stage.settings) if f".{name}" not in text}
        assert unread <= READ_ELSEWHERE.get(stage.name, set()), stage.name


def test_what_a_cue_names_is_a_setting_of_align():
    assert NAMED_BY_A_CUE - {LONG_S} <= set(AlignSettings.model_fields)


PATH_NAMED = re.compile(
    r"\b(?:pipeline|models|flows|bench|tests|configs|docs)/[\w/]+\.(?:py|toml|j2|md|svg)\b"
)
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


def written_files():
    """Text of every tracked module, settings file and document but the log of what was."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.toml", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.split():
        if name not in {"CHANGELOG.md", "tests/test_documented.py"}:
            yield name, (ROOT / name).read_text(encoding="utf-8")


def test_methods_are_named_by_a_heading_they_have():
    methods = (ROOT / "docs" / "METHODS.md").read_text(encoding="utf-8")
    headings = tuple(re.findall(r"^## (.+)$", methods, re.MULTILINE))
    for name, text in written_files():
        for after in re.findall(r"METHODS: ([^`]{0,80})", text):
            assert " ".join(after.split()).startswith(headings), f"{name}: METHODS: {after}"


def test_no_document_is_named_that_a_reader_does_not_have():
    outside = re.compile(
        r"\b(?:SCIENCE|FACES|DESIGN|STYLE|PEERS|PERFORMANCE)\b(?:\.md| [\d(])|\[J\]"
    )
    found = [f"{name}: {m[0]}" for name, text in written_files() for m in outside.finditer(text)]
    assert found == []


def test_decisions_are_dated_and_short():
    text = (ROOT / "DECISIONS.md").read_text(encoding="utf-8").partition("## Looks removable")[0]
    entries = re.findall(r"^- (?:.*\n)(?:  .*\n)*", text, re.MULTILINE)
    assert entries
    assert [e[:60] for e in entries if not re.match(r"- \d{4}-\d\d-\d\d ", e)] == []
    assert [e[:60] for e in entries if e.count("\n") > 6] == []


def test_every_declared_read_is_used():
    for stage in STAGES:
        modules = with_what_it_imports(stage.run.__module__)
        text = "".join(path.read_text("utf-8").partition("STAGE = Stage(")[0] for path in modules)
        unused = [name for name in stage.reads if f'"{name}"' not in text]
        assert unused == [], stage.name
