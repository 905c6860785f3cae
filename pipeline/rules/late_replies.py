"""R4: several replies to therapist questions came later than this client's usual.

Latency says little about any single cause: it varies with the question, the dyad and the day
(Cohen 2024; Soma 2023 on silences). Replies are single events: thresholds have no hysteresis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.rules.rule import Draft, Evidence, scored, tidy
from pipeline.settings import CandidatesSettings
from pipeline.spans import Flags
from pipeline.tables.arrays import floats, present
from pipeline.timeline import Floats, Span, overlap_s

TITLE = "Replies came later than usual"
_LATENCY = tables.TURNS.by_name["response_latency_s"]


@dataclass(frozen=True, slots=True)
class Replies:
    """The client's replies to therapist questions in time order; shape (n,), NaN = not measured."""

    start_s: Floats
    latency_s: Floats
    z: Floats
    degraded: Flags


def replies_of(turns: pa.Table) -> Replies:
    """As arrays, the turns in which the client replies: rows of `tables.TURNS`."""
    return Replies(
        floats(turns, "start_s"),
        floats(turns, "response_latency_s"),
        floats(turns, "response_latency_z"),
        present(turns, "response_latency_reason"),
    )


def usual_s(replies: Replies, settings: CandidatesSettings) -> float:
    """Median latency of the replies their z is computed against, s; NaN without any."""
    counted = np.isfinite(replies.latency_s) & (replies.start_s >= settings.earliest_s)
    return float(np.median(replies.latency_s[counted])) if counted.any() else float("nan")


def late(replies: Replies, settings: CandidatesSettings) -> Flags:
    """Which replies count as late: by robust z, by seconds, and by seconds over the median."""
    return np.asarray(
        (replies.z >= settings.z_enter)
        & (replies.latency_s >= settings.slow_latency_s)
        & (replies.latency_s - usual_s(replies, settings) >= settings.slow_over_median_s)
        & (replies.start_s >= settings.earliest_s)
    )


def late_reply_runs(replies: Replies, settings: CandidatesSettings) -> list[Draft]:
    """One draft per run: any 5 consecutive replies within 300 s of which at least 3 are late.

    A draft reaches from the end of the question before the first late reply to the start of the
    last late one.
    """
    is_late = late(replies, settings)
    qualifying: list[Span] = []
    for first in range(len(replies.start_s) - settings.slow_run_replies + 1):
        group = np.arange(first, first + settings.slow_run_replies)
        together = replies.start_s[group[-1]] - replies.start_s[group[0]]
        chosen = group[is_late[group]]
        if together <= settings.slow_run_span_s and chosen.size >= settings.slow_run_count:
            began = replies.start_s[chosen[0]] - replies.latency_s[chosen[0]]
            qualifying.append((float(began), float(replies.start_s[chosen[-1]])))
    usual = usual_s(replies, settings)
    return [_draft(span, replies, is_late, usual) for span in tidy(qualifying, settings)]


def _draft(span: Span, replies: Replies, is_late: Flags, usual: float) -> Draft:
    inside = [
        int(i)
        for i in np.flatnonzero(is_late)
        if overlap_s((replies.start_s[i] - replies.latency_s[i], replies.start_s[i]), span) > 0
    ]
    evidence = tuple(
        Evidence(
            _LATENCY.name,
            float(replies.start_s[i]),
            float(replies.latency_s[i]),
            usual,
            float(replies.z[i]),
            _LATENCY.unit,
            "degraded" if replies.degraded[i] else "ok",
        )
        for i in inside
    )
    return scored(Draft("R4", *span, "client", TITLE, evidence))
