"""Mechanics of declared tables: from one declaration to Arrow schema, checks, sidecar and markdown.

No column is named here; `pipeline.tables` declares them. Missing values are null, never NaN.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SchemaError

ARROW_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "points": pa.list_(pa.float32()),
    "counts": pa.list_(pa.uint8()),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column.

    `unit` is never optional: ``"1"`` for shares, counts and ratios, ``"-"`` for labels.
    `source` is a key of `pipeline.tables.sources` or the name of the stage that computes the value.
    """

    name: str
    dtype: str
    unit: str
    description: str
    source: str
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()
    nullable: bool = True
    gate: str = ""
    """When the value is null instead, in words."""
    label: str = ""
    """Short name for plots and the report; the column name where empty."""

    def arrow_field(self) -> pa.Field:
        """The Arrow field with unit, description and source in its metadata."""
        metadata = {"unit": self.unit, "description": self.description, "source": self.source}
        if self.gate:
            metadata["gate"] = self.gate
        if self.levels:
            metadata["levels"] = json.dumps(self.levels)
        return pa.field(self.name, ARROW_TYPES[self.dtype], self.nullable, metadata)


@dataclass(frozen=True, slots=True)
class CueColumn(Column):
    """A cue of the analysis windows: also how a window is compared with this person's others."""

    span_s: float | str = 0.0
    """Measured over this span round the window (seconds, or a setting of `align`); 0: the window."""
    step_s: str = ""
    """Setting of `align` with the step of its baseline, where spans overlap much."""
    by_state: bool = False
    """Compared only with windows of which the client speaks as much: most, or less than half."""
    on_log: bool = False
    """A skewed duration: compared on log(x + 0.25), as reply latencies are among the turns."""
    least_snr_db: str = ""
    """Setting of `align` under whose speech to noise it is degraded; it is the voice's then."""
    of_listening: bool = False
    """Not known without knowing when the client speaks."""
    reasons: tuple[str, ...] = ()
    """Why it may be null or degraded, where it has reasons of its own."""

    def arrow_field(self) -> pa.Field:
        """As a column's; what decides its numbers is in the metadata, and so in the stage's key."""
        plain = Column.arrow_field(self)
        own = {name: str(getattr(self, name)) for name in _COMPARED if getattr(self, name)}
        return plain.with_metadata({**plain.metadata, **own})


_COMPARED = ("span_s", "step_s", "by_state", "on_log", "least_snr_db", "of_listening")


@dataclass(frozen=True, slots=True)
class Figure:
    """What a row of a long table may be of, declared as a column is."""

    name: str
    """Its unit at its end."""
    unit: str
    description: str
    source: str
    median_of: str = ""
    """The window cue whose median over the session it is; empty for others."""


@dataclass(frozen=True, slots=True)
class Table:
    """One declared table: its columns, its key, and what a row is."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    version: int = 1
    private: bool = False
    """True: stays in the store and is not shown under `OUT/runs`."""
    figures: tuple[Figure, ...] = ()
    """Of a long table: what a row may be of. The last column of the key names it."""
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
        if len(self.by_name) != len(self.columns):
            raise SchemaError(f"table {self.name} declares a column twice")

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema; table name and version stand in its metadata."""
        metadata = {"thinslice.table": self.name, "thinslice.version": str(self.version)}
        return pa.schema([column.arrow_field() for column in self.columns], metadata)

    def empty(self) -> pa.Table:
        """No rows."""
        return self.arrow_schema().empty_table()

    def build(self, columns: Mapping[str, Any]) -> pa.Table:
        """Checked Arrow table from one sequence (list, array or Arrow array) per column.

        NaN becomes null. Raises `SchemaError` naming table, column, value and what is allowed.
        """
        missing = [name for name in self.by_name if name not in columns]
        undeclared = [name for name in columns if name not in self.by_name]
        if missing or undeclared:
            raise SchemaError(
                f"table {self.name}: missing columns {missing}, undeclared columns {undeclared}"
            )
        arrays = [_array(self, column, columns[column.name]) for column in self.columns]
        table = pa.Table.from_arrays(arrays, schema=self.arrow_schema())
        self.check(table)
        return table

    def build_rows(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """As `build`, from one mapping per row; every row names every column."""
        listed = list(rows)
        if not listed:
            return self.empty()
        undeclared = sorted({name for row in listed for name in row} - set(self.by_name))
        if undeclared:
            raise SchemaError(f"table {self.name}: undeclared columns {undeclared}")
        try:
            return self.build({name: [row[name] for row in listed] for name in self.by_name})
        except KeyError as error:
            raise SchemaError(f"table {self.name}: a row lacks column {error}") from error

    def build_figures(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """As `build_rows`, of a long table: unit and, unless given, description are as declared.

        Raises `SchemaError` for a figure that is not declared.
        """
        declared = {figure.name: figure for figure in self.figures}
        listed = []
        for row in rows:
            figure = declared.get(row[self.key[-1]])
            if figure is None:
                raise SchemaError(_undeclared(self, {row[self.key[-1]]}))
            listed.append({"description": figure.description} | dict(row) | {"unit": figure.unit})
        return self.build_rows(listed)

    def check(self, table: pa.Table) -> None:
        """Nulls, ranges, levels, figures and the key. Raises `SchemaError`."""
        for column in self.columns:
            _check_column(self, column, table.column(column.name))
        if self.figures:
            _check_figures(self, table)
        if self.key and table.num_rows:
            counted = table.group_by(list(self.key)).aggregate([([], "count_all")])
            if counted.num_rows != table.num_rows:
                raise SchemaError(f"table {self.name}: key {self.key} is not unique")

    def sidecar(self) -> dict[str, Any]:
        """Column dictionary in BIDS words, written beside every Parquet file."""
        described: dict[str, Any] = {"TableDescription": self.description, "Version": self.version}
        for column in self.columns:
            entry: dict[str, Any] = {
                "Description": column.description,
                "Units": column.unit,
                "Source": column.source,
            }
            if column.levels:
                entry["Levels"] = list(column.levels)
            if column.gate:
                entry["Gate"] = column.gate
            described[column.name] = entry
        if self.figures:
            described[self.key[-1]]["Levels"] = {
                figure.name: f"{figure.description} [{figure.unit}]" for figure in self.figures
            }
        return described

    def markdown(self) -> str:
        """The table's section of docs/DATA_DICTIONARY.md."""
        lines = [
            f"## {self.name}",
            "",
            f"{self.description} Version {self.version}.",
            "",
            "| column | type | unit | description | null when | source |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| `{c.name}` | {c.dtype} | {c.unit} | {_cell(c)} | {c.gate or '-'} | {c.source} |"
            for c in self.columns
        ]
        if self.figures:
            lines += ["", f"| {self.key[-1]} | unit | description | source |", "|---|---|---|---|"]
            lines += [
                f"| `{one.name}` | {one.unit} | {_escaped(one.description)} | {one.source} |"
                for one in self.figures
            ]
        return "\n".join(lines) + "\n"


def cue(column: Column, reasons: Sequence[str]) -> tuple[Column, Column, Column]:
    """The three columns of a cue: its value, its robust z and the reason where it is null."""
    z = Column(
        f"{column.name}_z",
        "float32",
        "z",
        f"Robust z of {column.name} against this person's own session (median, 1.4826 MAD).",
        "iglewicz1993",
        gate="fewer than 20 baseline samples, or no spread",
        label=f"{column.label or column.name} (z)",
    )
    reason = Column(
        f"{column.name}_reason",
        "string",
        "-",
        f"Why {column.name} is null or degraded.",
        column.source,
        levels=tuple(reasons),
    )
    return column, z, reason


def median_figure(column: Column, description: str) -> Figure:
    """The figure that is the median of a window cue: ``_median`` stands before its unit."""
    stem, _, unit = column.name.rpartition("_")
    name = f"{stem}_median_{unit}"
    return Figure(name, column.unit, description, column.source, median_of=column.name)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _cell(column: Column) -> str:
    text = _escaped(column.description)
    if column.levels:
        text += " One of: " + ", ".join(f"`{level}`" for level in column.levels) + "."
    return text


def _array(table: Table, column: Column, values: Any) -> pa.Array:
    kind = ARROW_TYPES[column.dtype]
    try:
        if isinstance(values, (pa.Array, pa.ChunkedArray)):
            array = values.cast(kind)
        else:
            array = pa.array(_nan_to_none(values, kind), kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        raise SchemaError(f"{table.name}.{column.name} is not {column.dtype}: {error}") from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _nan_to_none(values: Any, kind: pa.DataType) -> Any:
    if not pa.types.is_floating(kind):
        return values
    if isinstance(values, np.ndarray):
        return pa.array(values, kind, mask=~np.isfinite(values.astype(np.float64)))
    return [None if v is None or not np.isfinite(v) else v for v in values]


def _check_figures(table: Table, given: pa.Table) -> None:
    units = {figure.name: figure.unit for figure in table.figures}
    names = given.column(table.key[-1]).to_pylist()
    unknown = set(names) - set(units)
    if unknown:
        raise SchemaError(_undeclared(table, unknown))
    for name, unit in zip(names, given.column("unit").to_pylist(), strict=True):
        if unit != units[name]:
            raise SchemaError(f"table {table.name}: {name} in {unit!r}; declared: {units[name]!r}")


def _undeclared(table: Table, names: Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return (
        f"table {table.name}: no {table.key[-1]} {listed} is declared; "
        "declare it with its unit in pipeline/tables/figures.py"
    )


def _check_column(table: Table, column: Column, values: pa.ChunkedArray) -> None:
    where = f"{table.name}.{column.name}"
    if not column.nullable and values.null_count:
        raise SchemaError(f"{where} holds {values.null_count} nulls; it must never be null")
    if values.null_count == len(values):
        return
    if column.levels:
        unknown = set(pc.unique(values).to_pylist()) - set(column.levels) - {None}
        if unknown:
            raise SchemaError(f"{where}: {sorted(unknown)} not among {list(column.levels)}")
    if column.minimum is None and column.maximum is None:
        return
    low, high = (pc.min_max(values)[end].as_py() for end in ("min", "max"))
    if column.minimum is not None and low < column.minimum:
        raise SchemaError(f"{where}: {low} {column.unit} is below {column.minimum}")
    if column.maximum is not None and high > column.maximum:
        raise SchemaError(f"{where}: {high} {column.unit} is above {column.maximum}")
