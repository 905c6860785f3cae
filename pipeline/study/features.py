"""Behaviour on the seconds of a session, for aim 2 of the study: one track per feature.

A track has one value a second, so that its mean over any seconds is the feature over them. What
belongs to a turn holds through the turn; what is counted ("reflections per minute") is 60 in the
second in which such a turn begins and 0 elsewhere; windowed cues hold round their window's middle.
Turns are finer in time than windows of 30 s, which reach out of the segments they stand in, so a
window's cue is used only where nothing finer is stored.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.errors import ConfigError
from pipeline.timeline import Floats

Row = Mapping[str, Any]
PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: where it is stored and how it is put on seconds."""

    label: str
    unit: str
    table: str
    columns: tuple[str, ...]
    """All that is read of the table."""
    track: Callable[[Sequence[Row], int], Floats]
    """Rows with those columns, number of seconds -> shape (n_seconds,), NaN where not measured."""


def check_features(names: Sequence[str]) -> None:
    """Raise `ConfigError` for a name that is no feature, or is named twice."""
    for name in names:
        if name not in FEATURES:
            near = difflib.get_close_matches(name, FEATURES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(FEATURES)}"
            raise ConfigError(f"study.features: {name!r} is no feature; {hint}")
        if list(names).count(name) > 1:
            raise ConfigError(f"study.features: {name!r} stands there twice; name it once")


def columns_read(names: Iterable[str]) -> dict[str, list[str]]:
    """Table -> columns of it that these features need."""
    found: dict[str, dict[str, None]] = {}
    for name in names:
        feature = FEATURES[name]
        found.setdefault(feature.table, {}).update(dict.fromkeys(feature.columns))
    return {table: list(columns) for table, columns in found.items()}


def tracks(names: Sequence[str], given: Mapping[str, pa.Table], n_seconds: int) -> Floats:
    """One row per feature, one column per second of the session.

    Parameters
    ----------
    given
        The tables and columns of `columns_read`.
    """
    rows = {table: columns.to_pylist() for table, columns in given.items()}
    return np.stack([FEATURES[n].track(rows[FEATURES[n].table], n_seconds) for n in names])


def _seconds_of(row: Row, n_seconds: int) -> slice:
    """Whole seconds nearest to a span, at least one."""
    first = max(0, round(row["start_s"]))
    return slice(first, min(n_seconds, max(first + 1, round(row["end_s"]))))


def _of_turn(table: str, role: str, column: str, label: str) -> Feature:
    """A number that belongs to a turn."""
    declared = tables.TABLES[table].by_name[column]

    def track(rows: Sequence[Row], n_seconds: int) -> Floats:
        out = np.full(n_seconds, np.nan)
        for row in rows:
            if row["role"] == role and row[column] is not None:
                out[_seconds_of(row, n_seconds)] = row[column]
        return out

    return Feature(label, declared.unit, table, ("start_s", "end_s", "role", column), track)


def _rate(
    role: str, column: str, label: str, *, counts: Callable[[Any], bool] = bool, worded: bool = True
) -> Feature:
    """How many turns of a kind begin per minute; missing in turns whose wording is not known."""

    def track(rows: Sequence[Row], n_seconds: int) -> Floats:
        own = [row for row in rows if row["role"] == role]
        unknown = [row for row in own if worded and row["is_question"] is None]
        if len(unknown) == len(own):
            return np.full(n_seconds, np.nan)
        out = np.zeros(n_seconds)
        for row in own:
            if counts(row[column]) and round(row["start_s"]) < n_seconds:
                out[_seconds_of(row, n_seconds).start] += PER_MINUTE
        for row in unknown:
            out[_seconds_of(row, n_seconds)] = np.nan
        return out

    read = tuple(dict.fromkeys(("start_s", "end_s", "role", "is_question", column)))
    return Feature(label, "1/min", "turns", read, track)


def _talk_prop(rows: Sequence[Row], n_seconds: int) -> Floats:
    """Therapist's share of who holds the floor: 1, 0, one half where both do, NaN where nobody."""
    holds = {"client": np.zeros(n_seconds), "therapist": np.zeros(n_seconds)}
    for row in rows:
        if row["takes_floor"] and row["role"] in holds:
            holds[row["role"]][_seconds_of(row, n_seconds)] = 1.0
    both = holds["client"] + holds["therapist"]
    return np.divide(holds["therapist"], both, out=np.full(n_seconds, np.nan), where=both > 0)


def _silence_prop(rows: Sequence[Row], n_seconds: int) -> Floats:
    """1 in listed silences, 0 elsewhere."""
    out = np.zeros(n_seconds)
    for row in rows:
        out[_seconds_of(row, n_seconds)] = 1.0
    return out


def _windowed(name: str) -> Feature:
    """A cue of the analysis windows."""
    declared = tables.WINDOWS.by_name[name]

    def track(rows: Sequence[Row], n_seconds: int) -> Floats:
        nearest = _nearest_window(rows, n_seconds)
        out = np.full(n_seconds, np.nan)
        values = np.array([row[name] for row in rows], np.float64)  # None becomes NaN
        out[nearest >= 0] = values[nearest[nearest >= 0]]
        return out

    label = declared.label or name.replace("_", " ")
    return Feature(label, declared.unit, "windows", ("start_s", "end_s", name), track)


def _nearest_window(windows: Sequence[Row], n_seconds: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Per second the window whose middle is nearest, -1 where none is within half a step."""
    found = np.full(n_seconds, -1, np.intp)
    if not windows:
        return found
    start, end = (np.array([row[name] for row in windows]) for name in ("start_s", "end_s"))
    middle = (start + end) / 2
    step = float(np.median(np.diff(start))) if len(start) > 1 else float(end[0] - start[0])
    seconds = np.arange(n_seconds) + 0.5
    after = np.clip(np.searchsorted(middle, seconds), 0, len(middle) - 1)
    before = np.maximum(after - 1, 0)
    near = np.where(
        np.abs(middle[before] - seconds) <= np.abs(middle[after] - seconds), before, after
    )
    inside = np.abs(middle[near] - seconds) <= step / 2
    found[inside] = near[inside]
    return found


_FINE: dict[str, Feature] = {
    "therapist_talk_prop": Feature(
        "therapist's share of the floor",
        "1",
        "turns",
        ("start_s", "end_s", "role", "takes_floor"),
        _talk_prop,
    ),
    "silence_prop": Feature(
        "share of time in silences", "1", "silences", ("start_s", "end_s"), _silence_prop
    ),
    "client_reply_latency_s": _of_turn(
        "turns", "client", "response_latency_s", "client's reply latency"
    ),
    **{
        f"{role}_{column}": _of_turn("prosody", role, column, f"{role}'s {words}")
        for role in ("client", "therapist")
        for column, words in (
            ("articulation_rate_sps", "articulation rate"),
            ("pause_prop", "pause share"),
            ("f0_sd_st", "pitch spread"),
            ("intensity_rel_db", "loudness"),
        )
    },
    "therapist_questions_per_min": _rate("therapist", "is_question", "therapist's questions"),
    "therapist_open_questions_per_min": _rate(
        "therapist", "question_type", "therapist's open questions", counts=lambda v: v == "open"
    ),
    "therapist_reflections_per_min": _rate("therapist", "reflection", "therapist's reflections"),
    "therapist_affirmations_per_min": _rate("therapist", "affirmation", "therapist's affirmations"),
    "therapist_directives_per_min": _rate(
        "therapist", "directive_strong", "therapist's directive turns"
    ),
    "therapist_permissions_per_min": _rate(
        "therapist", "permission_phrase", "therapist asks leave"
    ),
    "therapist_generalisings_per_min": _rate(
        "therapist", "generalising", "therapist's generalising turns"
    ),
    "therapist_self_disclosures_per_min": _rate(
        "therapist", "self_disclosure", "therapist speaks of own life"
    ),
    "client_demurs_per_min": _rate(
        "client", "client_demur", "client's turns opening with “yes, but” or the like"
    ),
    "client_minimal_replies_per_min": _rate("client", "reply_minimal", "client's minimal replies"),
    "client_turns_per_min": _rate("client", "takes_floor", "client's turns", worded=False),
    "therapist_turns_per_min": _rate("therapist", "takes_floor", "therapist's turns", worded=False),
}

FEATURES: dict[str, Feature] = _FINE | {
    column.name: _windowed(column.name) for column in tables.WINDOW_CUES if column.name not in _FINE
}
"""All features by name; `study.features` chooses among them."""


def label_and_unit(name: str) -> tuple[str, str]:
    """Words and unit of a feature."""
    return FEATURES[name].label, FEATURES[name].unit
