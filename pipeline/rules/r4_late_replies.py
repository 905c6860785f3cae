"""R4: several replies to therapist questions came later than this client's usual.

Latency says little about any single cause: it varies with the question, the dyad and the day
(Cohen 2024; Soma 2023 on silences). Replies are single events: thresholds have no hysteresis.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pipeline import tables
from pipeline.rules.replies import Replies, replies_of, replying, usual_s
from pipeline.rules.rule import Draft, Evidence, Given, Rule, Unapplied, scored, tidy
from pipeline.rules.talk import too_little_talk
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.spans import Flags
from pipeline.timeline import Span, overlap_s

TITLE = "Replies came later than usual"
WEIGHT = 0.9
"""Replies are one kind of evidence: several kinds together count more."""
_LATENCY = tables.TURNS.by_name["response_latency_s"]


class LateRepliesSettings(Section):
    """Late replies to questions."""

    at_most = (("slow_run_count", 1, "slow_run_replies"),)

    slow_run_replies: int = Field(5, ge=2, description="Replies looked at together")
    slow_run_count: int = Field(3, ge=1, description="of which this many are slow")
    slow_run_span_s: float = Field(300.0, gt=0, description="within this span, s")
    slow_latency_s: float = Field(2.0, gt=0, description="Least latency of a slow reply, s")
    slow_over_median_s: float = Field(1.0, ge=0, description="and this above the median, s")


def find(given: Given, shared: SharedSettings, own: LateRepliesSettings) -> list[Draft]:
    """One draft per run of late replies."""
    return late_reply_runs(replies_of(replying(given["turns"])), shared, own)


def unapplied(given: Given, shared: SharedSettings, own: LateRepliesSettings) -> Unapplied | None:
    """Too little talk, or too few replies to tell what is usual."""
    del own
    turns = given["turns"]
    if (too_little := too_little_talk(turns, shared)) is not None:
        return too_little
    if len(turns.column("response_latency_z").drop_null()):
        return None
    return Unapplied("few_samples", "too few replies to tell what is usual")


def late(replies: Replies, shared: SharedSettings, own: LateRepliesSettings) -> Flags:
    """Which replies count as late: by robust z, by seconds, and by seconds over the median."""
    return np.asarray(
        (replies.z >= shared.z_enter)
        & (replies.latency_s >= own.slow_latency_s)
        & (replies.latency_s - usual_s(replies, shared) >= own.slow_over_median_s)
        & (replies.start_s >= shared.earliest_s)
    )


def late_reply_runs(
    replies: Replies, shared: SharedSettings, own: LateRepliesSettings
) -> list[Draft]:
    """One draft per run: any 5 consecutive replies within 300 s of which at least 3 are late.

    A draft reaches from the end of the question before the first late reply to the start of the
    last late one.
    """
    is_late = late(replies, shared, own)
    qualifying: list[Span] = []
    for first in range(len(replies.start_s) - own.slow_run_replies + 1):
        group = np.arange(first, first + own.slow_run_replies)
        together = replies.start_s[group[-1]] - replies.start_s[group[0]]
        chosen = group[is_late[group]]
        if together <= own.slow_run_span_s and chosen.size >= own.slow_run_count:
            began = replies.start_s[chosen[0]] - replies.latency_s[chosen[0]]
            qualifying.append((float(began), float(replies.start_s[chosen[-1]])))
    usual = usual_s(replies, shared)
    return [_draft(span, replies, is_late, usual) for span in tidy(qualifying, shared)]


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
    return scored(Draft("R4", *span, "client", TITLE, evidence), WEIGHT)


RULE = Rule(
    id="R4",
    version=1,
    name="late replies",
    kind="late replies",
    tone="cues",
    looks_for="At least 3 of 5 replies to questions late",
    chance="0.2 in 50 minutes of noise",
    needs={
        "turns": (
            "role",
            "start_s",
            "end_s",
            "is_question",
            "answers_turn_id",
            "response_latency_s",
            "response_latency_z",
            "response_latency_reason",
        )
    },
    thresholds=LateRepliesSettings,
    find=find,
    unapplied=unapplied,
    reasons=(
        "the questions needed more thought than earlier ones",
        "the client was looking for words, or was speaking in a second language",
        "fatigue, low mood or medication",
        "hearing, or noise in the room",
    ),
    reasons_remote=("delay on the line",),
)
