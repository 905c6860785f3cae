"""Every figure of a long table is declared: its name ends with its unit and means nothing else."""

from __future__ import annotations

import ast
import re

import pytest
from conftest import ROOT

from pipeline import tables
from pipeline.errors import SchemaError
from pipeline.tables.figures import FIGURE_ENDINGS

LONG = {name: table for name, table in tables.TABLES.items() if table.figures}
COLUMNS = {column.name for table in tables.TABLES.values() for column in table.columns}
FIGURES = [figure for table in LONG.values() for figure in table.figures]
DICTIONARY = (ROOT / "DATA_DICTIONARY.md").read_text(encoding="utf-8")


def row(table: str, name: str) -> dict[str, object]:
    named = {"session_id": "s", LONG[table].key[-1]: name, "value": 1.0, "reason": None}
    return named | ({"quality": "ok"} if table == "quality" else {})


def test_both_long_tables_declare_their_figures() -> None:
    assert set(LONG) == {"session_features", "quality"}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_ends_with_its_unit_and_is_no_column(figure) -> None:
    ending = max((e for e in FIGURE_ENDINGS if figure.name.endswith(e)), key=len)
    assert figure.unit == FIGURE_ENDINGS[ending]
    assert figure.name not in COLUMNS
    assert figure.description.endswith(".")
    assert f"`{figure.name}` | {figure.unit} |" in DICTIONARY


@pytest.mark.parametrize("table", LONG)
def test_what_is_not_declared_cannot_be_written(table: str) -> None:
    with pytest.raises(SchemaError, match=r"client_mood_prop is declared.*figures\.py"):
        LONG[table].build_figures([row(table, "client_mood_prop")])
    good = LONG[table].build_figures([row(table, figure.name) for figure in LONG[table].figures])
    assert good.column("unit").to_pylist() == [figure.unit for figure in LONG[table].figures]
    wrong = good.to_pylist()
    wrong[0]["unit"] = "parsec"
    with pytest.raises(SchemaError, match="parsec"):
        LONG[table].build_rows(wrong)


NAME = re.compile(r"(?:dial|client|therapist|audio|video|sync|wai|silence|turn|floor|word)_\w+")
WRITERS = (
    *("align/session_figures", "align/face_figures", "align/motion", "language/rates"),
    *("stages/ingest", "ingest/heard", "paperwork/forms", "page/cue_check"),
)


@pytest.mark.parametrize("module", WRITERS)
def test_who_writes_or_reads_figures_names_declared_ones(module: str) -> None:
    text = (ROOT / "pipeline" / f"{module}.py").read_text(encoding="utf-8")
    known = {figure.name for figure in FIGURES} | COLUMNS | {"turn_id", "dial_therapist"}
    said = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    named = {word for word in said if isinstance(word, str) and NAME.fullmatch(word)}
    endings = tuple(FIGURE_ENDINGS)
    assert {word for word in named if word.endswith(endings)} <= known
