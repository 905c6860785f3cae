"""How far the client's dial falls after something, from second to second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rules.rated_stretches import DIALS
from pipeline.rules.rule import Evidence, Given
from pipeline.tables.arrays import floats
from pipeline.timeline import Floats, Seconds

LEVEL_S = 10.0
"""A level is the mean of the seconds before it: a hand that passes through is none [ours]."""
NEEDS = {
    "ratings": ("rater", "t_s", "value"),
    "rating_quality": ("rater", "dial_median", "quality"),
}
_COLUMN = DIALS["client"]


@dataclass(frozen=True, slots=True)
class ClientDial:
    """The client's dial in order of time; shape (n,), NaN where not rated."""

    t_s: Floats
    value: Floats
    median: float | None
    quality: str

    def level(self, at_s: Seconds) -> float:
        """Mean of the 10 s before; NaN where less than half of them were rated."""
        first, stop = np.searchsorted(self.t_s, (at_s - LEVEL_S, at_s))
        rated = self.value[first:stop]
        rated = rated[np.isfinite(rated)]
        return float(rated.mean()) if rated.size >= LEVEL_S / 2 else float("nan")

    def lowest_s(self, start_s: Seconds, end_s: Seconds) -> Seconds:
        """When the level is lowest, by the second; the start where nothing was rated."""
        times = np.append(np.arange(start_s, end_s), end_s)
        levels = np.array([self.level(at) for at in times])
        return float(times[np.nanargmin(levels)]) if np.isfinite(levels).any() else start_s

    def evidence(self, at_s: Seconds) -> Evidence:
        """The level at a time."""
        value = self.level(at_s)
        return Evidence(_COLUMN.name, at_s, value, self.median, None, _COLUMN.unit, self.quality)


def client_dial(given: Given) -> ClientDial:
    """The dial as rated, the lag taken off; empty where it cannot be read."""
    rated, known = (_of_client(given[name]) for name in NEEDS)
    states = known.column("quality").to_pylist()
    if not states or states[0] == "absent":
        return ClientDial(np.empty(0), np.empty(0), None, "absent")
    rated = rated.sort_by("t_s")
    (median,) = known.column("dial_median").to_pylist()
    return ClientDial(floats(rated, "t_s"), floats(rated, "value"), median, states[0])


def _of_client(table: pa.Table) -> pa.Table:
    return table.filter(pc.equal(table.column("rater"), "client"))
