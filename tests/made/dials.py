"""Dial files on disk, and what the ratings stage makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.settings import RatingsSettings
from pipeline.stage import Outputs
from pipeline.stages.ratings import run
from tests.made.faces import SPEC, inputs

MALFORMED = Path(__file__).parents[1] / "data" / "dials" / "malformed"
SESSION_S = 600.0


class Folder:
    """A session's folder, as the stage sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, file: str) -> Path:
        return self.folder / file


def rated(
    folder: Path,
    parts: Sequence[Mapping[str, Any]],
    duration_s: float = SESSION_S,
    *,
    media: pa.Table | None = None,
    turns: pa.Table | None = None,
    settings: RatingsSettings | None = None,
    reasons: str = "",
) -> Outputs:
    """Outputs of the stage for a session whose [[ratings]] are `parts`, every table checked."""
    row = dict.fromkeys(tables.SESSIONS.by_name)
    row |= {"session_id": SPEC["id"], "dyad_id": "D1", "client_id": "C1", "therapist_id": "T1"}
    given = {
        "sessions": tables.SESSIONS.build_rows([row | {"duration_s": duration_s}]),
        "media": tables.MEDIA.empty() if media is None else media,
        "turns": tables.TURNS.empty() if turns is None else turns,
    }
    spec: dict[str, Any] = SPEC | {"ratings": [dict(part) for part in parts]}
    if reasons:
        spec |= {"reasons": [{"file": reasons, "rater": "client"}]}
    outputs = run(inputs(given, Folder(folder), spec), None, settings or RatingsSettings())
    for name, table in outputs.tables.items():
        tables.TABLES[name].check(table)
    return outputs


def message(entry: Mapping[str, Any]) -> str:
    """What the stage says of one entry of ``messages.toml``."""
    keys = {name: value for name, value in entry.items() if name not in {"says", "second"}}
    parts = [{"rater": "client", **keys}]
    if "second" in entry:
        parts.append({"rater": "client", "file": entry["second"]})
    (quality,) = [
        row
        for row in rated(MALFORMED, parts).tables["rating_quality"].to_pylist()
        if row["rater"] == "client"
    ]
    return quality["sentence"]


def followed(
    rng: np.random.Generator,
    lag_s: float,
    *,
    share: float = 0.35,
    minutes: int = 50,
    turn_s: float = 8.0,
    jitter_s: float = 0.6,
    own_per_minute: float = 1.5,
) -> tuple[np.ndarray, np.ndarray]:
    """Changes of turn in s, and a dial, one value a second, that moves `lag_s` after some of them.

    The middle of a one-second turn of the hand lies at the lag, give or take `jitter_s`; further
    moves have nothing to do with the talk. With `share` 0 all moves are such.
    """
    end_s = 60.0 * minutes
    turns = np.cumsum(rng.gamma(1.5, turn_s / 1.5, int(1.5 * end_s / turn_s)))
    turns = turns[turns < end_s - 10]
    after = turns[rng.random(len(turns)) < share]
    own = rng.uniform(0, end_s, rng.poisson(own_per_minute * minutes))
    moves = np.sort(np.concatenate([after + lag_s + rng.normal(0, jitter_s, len(after)), own]))
    fine_s = (np.arange(int(end_s * 10)) + 0.5) / 10
    course = np.full(len(fine_s), 50.0)
    level = 50.0
    for at in moves:
        to = float(np.clip(50 + 0.6 * (level - 50) + rng.normal(0, 8), 0, 100))
        course += (to - level) * np.clip(fine_s - at + 0.5, 0, 1)
        level = to
    return turns, np.round(np.clip(course.reshape(-1, 10).mean(axis=1), 0, 100), 1)


def turn_table(changes_s: np.ndarray) -> pa.Table:
    """Turns of two voices, one after the other, that change at the given times."""
    rows = []
    edges = [0.0, *changes_s.tolist(), float(changes_s[-1]) + 5]
    for i, (start, end) in enumerate(pairwise(edges)):
        row: dict[str, Any] = dict.fromkeys(tables.TURNS.by_name)
        row |= {"session_id": SPEC["id"], "turn_id": i, "start_s": start, "end_s": end}
        row |= {"speaker": i % 2, "role": ("therapist", "client")[i % 2]}
        rows.append(row | {"is_backchannel": False, "takes_floor": True})
    return tables.TURNS.build_rows(rows)
