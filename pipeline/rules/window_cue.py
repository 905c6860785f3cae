"""One cue of the analysis windows as arrays, with what is usual of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.rules.cue_windows import TRAVEL, usual_values
from pipeline.rules.rule import Evidence
from pipeline.spans import Flags
from pipeline.tables.arrays import floats, present
from pipeline.tables.schema import Column
from pipeline.timeline import Floats

_LIMIT = "client_gaze_limit_dps"


@dataclass(frozen=True, slots=True)
class WindowCue:
    """One cue in all windows of a session; arrays of shape (n_windows,), NaN where not measured."""

    column: Column
    start_s: Floats
    end_s: Floats
    value: Floats
    z: Floats
    usual: Floats
    degraded: Flags
    at_most: Flags
    """Where the value is a limit that it lies under."""

    def evidence(self, at: int) -> Evidence:
        """The number of one window."""
        return Evidence(
            self.column.name,
            float((self.start_s[at] + self.end_s[at]) / 2),
            float(self.value[at]),
            float(self.usual[at]) if np.isfinite(self.usual[at]) else None,
            float(self.z[at]),
            self.column.unit,
            "degraded" if self.degraded[at] else "ok",
            at_most=bool(self.at_most[at]),
        )


def columns_of(name: str) -> tuple[str, ...]:
    """Columns of `windows` that a cue is read from."""
    own = ("start_s", "end_s", name, f"{name}_z", f"{name}_reason")
    return (*own, _LIMIT) if name == TRAVEL.name else own


def window_cue(windows: pa.Table, name: str) -> WindowCue:
    """The cue of this name in windows in order of time; its z is not one of a window's state."""
    value, z = floats(windows, name), floats(windows, f"{name}_z")
    degraded, usual = present(windows, f"{name}_reason"), usual_values(value, z)
    at_most = np.zeros(len(value), dtype=bool)
    if name == TRAVEL.name:
        at_most = np.isnan(value) & np.isfinite(z)
        value = np.where(at_most, floats(windows, _LIMIT), value)
    return WindowCue(
        tables.WINDOWS.by_name[name],
        floats(windows, "start_s"),
        floats(windows, "end_s"),
        value,
        z,
        usual,
        degraded & ~at_most,
        at_most,
    )
