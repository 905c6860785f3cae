"""Declared tables: what is checked, what survives Parquet."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import SchemaError
from pipeline.tables.schema import Column, Table, cue

PLACE = Column("place", "string", "-", "Where.", "ingest", levels=("here", "there"), nullable=False)
ANGLE = Column("angle_deg", "float32", "deg", "How far.", "face", minimum=-180, maximum=180)
DEMO = Table("demo", "One row per place.", (PLACE, ANGLE), ("place",))


def test_nan_becomes_null():
    table = DEMO.build({"place": ["here", "there"], "angle_deg": [float("nan"), 3.0]})
    assert table.column("angle_deg").to_pylist() == [None, 3.0]


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"place": ["here"]}, "missing columns"),
        ({"place": ["here"], "angle_deg": [1.0], "x": [1]}, "undeclared columns"),
        ({"place": [None], "angle_deg": [1.0]}, "must never be null"),
        ({"place": ["nowhere"], "angle_deg": [1.0]}, "not among"),
        ({"place": ["here"], "angle_deg": [181.0]}, "above 180"),
        ({"place": ["here"], "angle_deg": [-181.0]}, "below -180"),
        ({"place": ["here", "here"], "angle_deg": [1.0, 2.0]}, "not unique"),
        ({"place": ["here"], "angle_deg": ["far"]}, "not float32"),
    ],
)
def test_what_breaks_the_declaration_is_refused(columns, complaint):
    with pytest.raises(SchemaError, match=complaint):
        DEMO.build(columns)


def test_unit_and_source_survive_parquet(tmp_path):
    pq.write_table(DEMO.build({"place": ["here"], "angle_deg": [1.0]}), tmp_path / "demo.parquet")
    schema = pq.read_schema(tmp_path / "demo.parquet")
    assert schema.equals(DEMO.arrow_schema(), check_metadata=True)
    assert schema.field("angle_deg").metadata[b"unit"] == b"deg"


def test_rows_and_columns_build_the_same_table():
    rows = [{"place": "here", "angle_deg": 1.0}, {"place": "there", "angle_deg": None}]
    columns = {"place": ["here", "there"], "angle_deg": [1.0, None]}
    assert DEMO.build_rows(rows).equals(DEMO.build(columns))


def test_a_row_that_lacks_a_column_is_refused():
    with pytest.raises(SchemaError, match="angle_deg"):
        DEMO.build_rows([{"place": "here"}])


def test_a_cue_has_value_z_and_reason():
    assert [c.name for c in cue(ANGLE, ("no_face",))] == [
        "angle_deg",
        "angle_deg_z",
        "angle_deg_reason",
    ]


def test_masked_arrays_and_arrow_arrays_are_taken():
    table = DEMO.build({"place": pa.array(["here"]), "angle_deg": pa.array([None], pa.float64())})
    assert table.column("angle_deg").null_count == 1
