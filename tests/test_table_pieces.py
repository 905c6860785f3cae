"""A stored table read piece by piece is the same table; only what is declared is read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import StoreError
from pipeline.results.execute import TablesOnDemand
from pipeline.results.store import Store
from pipeline.stage import Outputs
from tests.made.faces import landmark_table, mesh

ROWS = 700


@pytest.fixture
def stored(tmp_path):
    """A job of which landmarks are in the store, and the table itself."""
    faces = [None if i % 7 == 0 else mesh(yaw=i / 100) for i in range(ROWS)]
    table = landmark_table((np.arange(ROWS) / 25).tolist(), faces)
    store = Store(tmp_path)
    pieces = (table.slice(start, 300) for start in range(0, ROWS, 300))
    manifest = store.write("s-1", "landmarks", "a" * 64, Outputs({"landmarks": pieces}), {})
    return SimpleNamespace(session="s-1", store=store, done={"landmarks": manifest}), table


def test_pieces_end_to_end_are_the_table(stored):
    job, table = stored
    tables = TablesOnDemand(job, ("landmarks",))
    pieces = list(tables.pieces("landmarks", 200))
    assert max(piece.num_rows for piece in pieces) <= 200
    joined = pa.Table.from_batches(pieces)
    assert joined.to_pylist() == table.to_pylist()
    assert joined.to_pylist() == tables["landmarks"].to_pylist()


def test_only_declared_tables_are_read(stored):
    with pytest.raises(KeyError, match="declared reads"):
        TablesOnDemand(stored[0], ("media",)).pieces("landmarks", 10)


def test_a_damaged_table_is_named(stored):
    job, _ = stored
    path = next(job.store.root.rglob("landmarks.parquet"))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(StoreError, match="s-1: landmarks/landmarks cannot be read"):
        list(TablesOnDemand(job, ("landmarks",)).pieces("landmarks", 10))
