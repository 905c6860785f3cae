"""R5: several replies to open questions were brief.

Brief is a reply of a few words, or one that only acknowledges or says to be unsure. Replies to
closed questions never count: they are as often brief in sessions that went well (METHODS: Words).
Replies whose words were not recovered are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline import tables
from pipeline.rules.replies import replying
from pipeline.rules.rule import (
    QUALITY_WEIGHTS,
    Draft,
    Evidence,
    Given,
    Rule,
    Unapplied,
    scored,
    tidy,
)
from pipeline.rules.talk import too_little_talk
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.spans import Flags
from pipeline.tables.arrays import floats, present
from pipeline.timeline import Floats, Span

TITLE = "Replies to open questions were brief"
WEIGHT = 0.9
"""Replies are one kind of evidence: several kinds together count more."""
_WORDS = tables.TURNS.by_name["reply_words"]


class BriefRepliesSettings(Section):
    """Brief replies to open questions."""

    at_most = (("brief_run_count", 1, "brief_run_replies"),)

    brief_run_replies: int = Field(4, ge=2, description="Replies looked at together")
    brief_run_count: int = Field(3, ge=1, description="of which this many are brief")
    brief_run_span_s: float = Field(360.0, gt=0, description="within this span, s")


@dataclass(frozen=True, slots=True)
class OpenReplies:
    """The client's replies to open questions in time order; arrays of shape (n,)."""

    start_s: Floats
    end_s: Floats
    latency_s: Floats
    words: Floats
    brief: Flags
    degraded: Flags


def find(given: Given, shared: SharedSettings, own: BriefRepliesSettings) -> list[Draft]:
    """One draft per run of brief replies."""
    return brief_reply_runs(open_replies(given["turns"]), shared, own)


def unapplied(given: Given, shared: SharedSettings, own: BriefRepliesSettings) -> Unapplied | None:
    """Too little talk, or fewer replies to open questions than are looked at together."""
    if (too_little := too_little_talk(given["turns"], shared)) is not None:
        return too_little
    if len(open_replies(given["turns"]).start_s) >= own.brief_run_replies:
        return None
    return Unapplied("few_samples", "too few replies to open questions")


def open_replies(turns: pa.Table) -> OpenReplies:
    """Replies with known words to questions that are open: rows of `tables.TURNS`."""
    asked = turns.filter(pc.equal(turns.column("question_type"), "open"))
    unsure = set(
        asked.filter(pc.is_valid(asked.column("is_question_reason")))["turn_id"].to_pylist()
    )
    replies = replying(turns)
    replies = replies.filter(
        pc.and_(
            pc.is_in(replies.column("answers_turn_id"), asked.column("turn_id").combine_chunks()),
            pc.is_valid(replies.column("reply_words")),
        )
    )
    flags = [pc.fill_null(replies.column(n), False) for n in ("reply_minimal", "reply_agreeing")]
    return OpenReplies(
        floats(replies, "start_s"),
        floats(replies, "end_s"),
        np.nan_to_num(floats(replies, "response_latency_s")),
        floats(replies, "reply_words"),
        np.asarray(pc.or_(*flags).to_numpy(), dtype=bool),
        present(replies, "words_reason")
        | np.array([i in unsure for i in replies.column("answers_turn_id").to_pylist()], bool),
    )


def brief_reply_runs(
    replies: OpenReplies, shared: SharedSettings, own: BriefRepliesSettings
) -> list[Draft]:
    """One draft per run: any 4 consecutive replies within 360 s of which at least 3 are brief.

    A draft reaches from the end of the question before the first brief reply to the end of the last
    brief one.
    """
    counts = replies.brief & (replies.start_s >= shared.earliest_s)
    qualifying: list[Span] = []
    for first in range(len(replies.start_s) - own.brief_run_replies + 1):
        group = np.arange(first, first + own.brief_run_replies)
        together = replies.start_s[group[-1]] - replies.start_s[group[0]]
        chosen = group[counts[group]]
        if together <= own.brief_run_span_s and chosen.size >= own.brief_run_count:
            began = replies.start_s[chosen[0]] - replies.latency_s[chosen[0]]
            qualifying.append((float(began), float(replies.end_s[chosen[-1]])))
    return [_draft(span, replies, counts, shared) for span in tidy(qualifying, shared)]


def _draft(span: Span, replies: OpenReplies, counts: Flags, shared: SharedSettings) -> Draft:
    usual = float(np.median(replies.words[replies.start_s >= shared.earliest_s]))
    inside = counts & (replies.start_s >= span[0]) & (replies.start_s < span[1])
    evidence = tuple(
        Evidence(
            _WORDS.name,
            float(replies.start_s[i]),
            float(replies.words[i]),
            usual,
            None,
            _WORDS.unit,
            "degraded" if replies.degraded[i] else "ok",
        )
        for i in np.flatnonzero(inside)
    )
    draft = Draft("R5", *span, "client", TITLE, evidence)
    sure = sum(QUALITY_WEIGHTS[item.quality] for item in evidence)
    return scored(draft, WEIGHT, without_z=shared.z_enter * sure)


RULE = Rule(
    id="R5",
    version=1,
    name="brief replies",
    kind="brief replies",
    tone="cues",
    looks_for="At least 3 of 4 replies to open questions brief, within 6 minutes",
    chance=(
        "0.1 in 50 minutes where one reply in eight is brief at random; 0.4 to 0.7 in an hour of "
        "demonstration sessions"
    ),
    needs={
        "turns": (
            "turn_id",
            "role",
            "start_s",
            "end_s",
            "is_question",
            "is_question_reason",
            "question_type",
            "answers_turn_id",
            "response_latency_s",
            "reply_words",
            "reply_minimal",
            "reply_agreeing",
            "words_reason",
        )
    },
    thresholds=BriefRepliesSettings,
    find=find,
    unapplied=unapplied,
    reasons=(
        "the questions came as statements do, and could be answered in a word",
        "personal or cultural style",
        "a topic that had been talked through already",
        "fatigue, or little time left",
        "words that the transcript missed",
    ),
)
