"""The client's replies to therapist questions as arrays, and what is usual of their latency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.settings import SharedSettings
from pipeline.spans import Flags
from pipeline.tables.arrays import floats, present
from pipeline.timeline import Floats


@dataclass(frozen=True, slots=True)
class Replies:
    """The client's replies to therapist questions in time order; shape (n,), NaN = not measured."""

    start_s: Floats
    latency_s: Floats
    z: Floats
    degraded: Flags


def replying(turns: pa.Table) -> pa.Table:
    """The turns in which the client answers a question, in time order."""
    return turns.filter(
        pc.and_(
            pc.equal(turns.column("role"), "client"), pc.is_valid(turns.column("answers_turn_id"))
        )
    ).sort_by("start_s")


def replies_of(turns: pa.Table) -> Replies:
    """As arrays, the turns in which the client replies: rows of `tables.TURNS`."""
    return Replies(
        floats(turns, "start_s"),
        floats(turns, "response_latency_s"),
        floats(turns, "response_latency_z"),
        present(turns, "response_latency_reason"),
    )


def usual_s(replies: Replies, settings: SharedSettings) -> float:
    """Median latency of the replies their z is computed against, s; NaN without any."""
    counted = np.isfinite(replies.latency_s) & (replies.start_s >= settings.earliest_s)
    return float(np.median(replies.latency_s[counted])) if counted.any() else float("nan")
