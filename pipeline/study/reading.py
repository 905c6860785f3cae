"""What the study reads of one session: a few columns of its newest tables, nothing kept but sums.

Sessions are read one after the other. What stays of each is its figures, its bins of both dials and
a coarse course of them for the page, so that hundreds of sessions fit in memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.dials.congruence import binned, both_rated
from pipeline.errors import InputError, StoreError
from pipeline.paperwork.session import RATERS
from pipeline.settings import StudySettings
from pipeline.study.behaviour import session_rows
from pipeline.study.congruence import SessionPair
from pipeline.study.features import columns_read, tracks
from pipeline.study.variability import variability
from pipeline.timeline import Floats

Row = Mapping[str, Any]
COURSE_BIN_S = 30
"""Of the dials drawn on the page."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Which session it is, and whose."""

    folder: Path
    session_id: str
    dyad_id: str
    session_number: int | None
    client_id: str
    therapist_id: str
    date: str | None
    made_up: str

    @property
    def ids(self) -> dict[str, Any]:
        """What every row of a session begins with."""
        return {"dyad_id": self.dyad_id, "session_id": self.session_id}


@dataclass(frozen=True, slots=True)
class StudiedSession:
    """All that one session gives to the study."""

    facts: Facts
    variability: Sequence[Row]
    """Rows of `study_variability`, one per rater with a dial."""
    behaviours: Sequence[Row]
    """Rows of `study_behaviours`."""
    pair: SessionPair
    pair_reason: str | None
    """Why its dials are not compared, or cannot be interpreted."""
    unsure_raters: Sequence[str]
    """Raters whose dial failed its quality gate."""
    lags_s: Sequence[float]
    """Reaction lags that were taken off its dials."""
    courses: Mapping[str, Floats]
    """Rater -> means of 30 s of the dial, lag taken off, NaN where not rated."""
    forms: Sequence[Row]


def read_facts(folder: Path) -> Facts:
    """Who and which, from table `sessions`; the only thing read before consent is asked."""
    names = ["session_id", "dyad_id", "session_number", "client_id", "therapist_id", "date"]
    rows = read_columns(folder, "sessions", [*names, "made_up"]).to_pylist()
    if not rows:
        raise InputError(
            f"{folder.name}: its table `sessions` is empty, so nobody knows whose it is; "
            "run the session again"
        )
    return Facts(
        folder, **{name: rows[0][name] for name in names}, made_up=rows[0]["made_up"] or ""
    )


def read_session(facts: Facts, settings: StudySettings) -> StudiedSession:
    """Read one session and reduce it to what the study needs."""
    folder = facts.folder
    quality = {row["rater"]: row for row in _rows(folder, "rating_quality",
               ["rater", "quality", "lag_s", "coverage"])}  # fmt: skip
    dials = _dials(read_columns(folder, "ratings", ["rater", "t_s", "value_raw", "value"]))
    segments = _rows(folder, "rating_segments",
                     ["rater", "kind", "start_s", "end_s", "low_confidence"])  # fmt: skip
    n_seconds = max((len(raw) for raw, _ in dials.values()), default=0)
    pair, reason = _pair(facts, dials, segments, settings)
    rated = {rater: value for rater, (_, value) in dials.items()}
    lags = {row["lag_s"] for row in quality.values() if row["lag_s"] is not None}
    return StudiedSession(
        facts=facts,
        variability=[
            _variability_row(facts, rater, raw, quality.get(rater), settings)
            for rater, (raw, _) in dials.items()
        ],
        behaviours=_behaviours(facts, segments, n_seconds, settings) if n_seconds else [],
        pair=pair,
        pair_reason=reason,
        unsure_raters=[r for r in dials if quality.get(r, {}).get("quality") != "ok"],
        lags_s=sorted(lags),
        courses={rater: binned(value, COURSE_BIN_S) for rater, value in rated.items()},
        forms=_rows(folder, "forms", ["instrument", "by", "total", "max"]),
    )


def read_columns(folder: Path, table: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of one table of a session's folder.

    Raises
    ------
    InputError
        The table or a column is not there: an earlier version made it.
    StoreError
        The file cannot be read.
    """
    path = folder / f"{table}.parquet"
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            there = set(file.schema_arrow.names)
            missing = [name for name in columns if name not in there]
            if not missing:
                return file.read(columns=list(columns), use_threads=False)
    except FileNotFoundError:
        missing = ["the whole table"]
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{folder.name}: {table}.parquet cannot be read: {error}") from error
    raise InputError(
        f"{folder.name}: table {table} lacks {', '.join(missing)}; an earlier version made it: "
        "run the session again"
    )


def _rows(folder: Path, table: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    return read_columns(folder, table, columns).to_pylist()


def _dials(ratings: pa.Table) -> dict[str, tuple[Floats, Floats]]:
    """Rater -> dial as turned and with the lag taken off, one value a second; only if rated."""
    whose = ratings.column("rater").to_numpy()
    t_s, raw, value = (
        ratings.column(name).to_numpy().astype(np.float64) for name in ("t_s", "value_raw", "value")
    )
    found: dict[str, tuple[Floats, Floats]] = {}
    for rater in RATERS:
        rows = np.flatnonzero(whose == rater)
        rows = rows[np.argsort(t_s[rows], kind="stable")]
        if np.isfinite(raw[rows]).any():
            found[rater] = raw[rows], value[rows]
    return found


def _variability_row(
    facts: Facts, rater: str, raw: Floats, quality: Row | None, settings: StudySettings
) -> dict[str, Any]:
    coverage = None if quality is None else quality["coverage"]
    return {
        **facts.ids,
        "session_number": facts.session_number,
        "rater": rater,
        "used": coverage is not None and coverage >= settings.coverage_min,
        "coverage": coverage,
        **variability(raw, settings),
    }


def _behaviours(
    facts: Facts, segments: Sequence[Row], n_seconds: int, settings: StudySettings
) -> list[dict[str, Any]]:
    names = settings.features
    given = {
        table: read_columns(facts.folder, table, columns)
        for table, columns in columns_read(names).items()
    }
    return session_rows(facts.ids, names, tracks(names, given, n_seconds), segments, settings)


_CONGRUENCE = (
    *("n_eff", "r", "bias", "tracking", "is_interpretable", "reason"),
    *("high_overlap_count", "low_overlap_count", "guess_p", "guess_split_known"),
)


def _pair(
    facts: Facts,
    dials: Mapping[str, tuple[Floats, Floats]],
    segments: Sequence[Row],
    settings: StudySettings,
) -> tuple[SessionPair, str | None]:
    """The session's part in aim 3, from its row of `congruence`, and why it has no numbers."""
    row = _rows(facts.folder, "congruence", _CONGRUENCE)[:1]
    found: Row = row[0] if row else dict.fromkeys(_CONGRUENCE) | {"reason": "no_dial"}
    client = therapist = np.empty(0)
    if found["n_eff"] is not None:
        n = max(len(value) for _, value in dials.values())
        both = (np.pad(dials[rater][1], (0, n - len(dials[rater][1])), constant_values=np.nan)
                for rater in RATERS)  # fmt: skip
        width = settings.bin_s
        client, therapist = (binned(dial, width) for dial in both_rated(*both))
        known = np.isfinite(client) & np.isfinite(therapist)
        client, therapist = client[known], therapist[known]
    numbers = {name: _number(found[name]) for name in ("n_eff", "r", "bias", "tracking")}
    guesses = _rows(facts.folder, "guesses", ["guess", "rated"])
    blinded = found["guess_p"] is not None
    pair = SessionPair(
        facts.dyad_id,
        **numbers,
        is_interpretable=bool(found["is_interpretable"]),
        client=client,
        therapist=therapist,
        picked=_picked(found, segments),
        guesses=[(g["guess"], g["rated"]) for g in guesses if blinded and g["rated"] is not None],
        split_known=bool(found["guess_split_known"]),
    )
    return pair, found["reason"]


def _picked(row: Row, segments: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Where both raters have segments of a kind: the client's, and how many are shared."""
    found = {}
    for kind in ("high", "low"):
        raters = [s["rater"] for s in segments if s["kind"] == kind]
        shared = row[f"{kind}_overlap_count"]
        if shared is not None and set(raters) == set(RATERS):
            found[kind] = raters.count("client"), shared
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else value
