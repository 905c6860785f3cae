"""Columns of a table as numpy arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.spans import Flags, Floats
from pipeline.timeline import Seconds


def floats(table: pa.Table, column: str) -> Floats:
    """Column as float64, null as NaN; shape (n_rows,)."""
    values = table.column(column).cast(pa.float64())
    return np.asarray(values.to_numpy(), dtype=np.float64)


def present(table: pa.Table, column: str) -> Flags:
    """Where the column is not null; shape (n_rows,)."""
    return np.asarray(pc.is_valid(table.column(column)).to_numpy(), dtype=bool)


def length_s(sessions: pa.Table) -> Seconds:
    """Length of the session, of which ingest writes one row before any other stage runs."""
    (length,) = sessions.column("duration_s").to_pylist()
    return float(length)
