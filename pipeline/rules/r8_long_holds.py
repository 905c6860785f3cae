"""R8: a long turn of the therapist, after which at least two things about the client changed.

A long turn alone is nothing to look at: explaining and planning take long. What may change: the
client's next reply to a question comes late, or is of a few words; the gaze travels less over the
last half minute of the turn; the client's dial falls from before the turn to a minute after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import Field

from pipeline import tables
from pipeline.rules.client_dial import NEEDS, ClientDial, client_dial
from pipeline.rules.cue_windows import TRAVEL
from pipeline.rules.replies import replies_of, replying, usual_s
from pipeline.rules.rule import QUALITY_WEIGHTS, Draft, Evidence, Given, Rule, Unapplied, scored
from pipeline.rules.talk import too_little_speech
from pipeline.rules.window_cue import WindowCue, columns_of, window_cue
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.tables.arrays import present

TITLE = "A long turn of the therapist, then several changes — worth a look"
NEAREST_S = 5.0
"""A window that ends this far from the turn's end stands for its last half minute [ours]."""

Row = dict[str, Any]


class LongHoldsSettings(Section):
    """Long turns of the therapist."""

    hold_s: float = Field(60.0, gt=0, description="A turn of the therapist is long from, s")
    hold_words: int = Field(150, ge=1, description="or from this many words")
    changes_min: int = Field(2, ge=1, le=4, description="Changes that must follow")
    reply_s: float = Field(60.0, gt=0, description="The next reply starts within, s")
    dial_points: float = Field(10.0, gt=0, description="A fall of the client's dial counts from")
    dial_s: float = Field(60.0, gt=0, description="read this long after the turn, s")


@dataclass(frozen=True, slots=True)
class Around:
    """What is looked at around the long turns of one session."""

    replies: Sequence[Row]
    """The client's replies to questions in order of time."""
    usual_s: float
    """Median reply latency."""
    gaze: WindowCue
    dial: ClientDial


def find(given: Given, shared: SharedSettings, own: LongHoldsSettings) -> list[Draft]:
    """One draft per long turn after which enough changed."""
    replies = replying(given["turns"])
    around = Around(
        replies.to_pylist(),
        usual_s(replies_of(replies), shared),
        window_cue(given["windows"].sort_by("start_s"), TRAVEL.name),
        client_dial(given),
    )
    return [
        _draft(hold, changes, shared)
        for hold in given["turns"].sort_by("start_s").to_pylist()
        if _is_long(hold, own) and hold["start_s"] >= shared.earliest_s
        if len(changes := _changes(hold, around, shared, own)) >= own.changes_min
    ]


def unapplied(given: Given, shared: SharedSettings, own: LongHoldsSettings) -> Unapplied | None:
    """Too little was heard, or too few of the four changes can be seen in this session."""
    turns, windows = given["turns"], given["windows"]
    if (too_little := too_little_speech(turns, shared)) is not None:
        return too_little
    seen = (
        present(turns, "response_latency_z").any(),
        present(turns, "reply_minimal").any(),
        present(windows, f"{TRAVEL.name}_z").any(),
        np.isfinite(client_dial(given).value).any(),
    )
    if sum(map(bool, seen)) >= own.changes_min:
        return None
    return Unapplied("not_measured", "too little was measured that could change")


def _is_long(turn: Row, own: LongHoldsSettings) -> bool:
    if turn["therapist_hold_s"] is None:
        return False
    return turn["therapist_hold_s"] >= own.hold_s or (turn["word_count"] or 0) >= own.hold_words


def _changes(
    hold: Row, around: Around, shared: SharedSettings, own: LongHoldsSettings
) -> list[tuple[Evidence, ...]]:
    """What changed, each with its numbers: a fall of the dial has two."""
    reached = hold["end_s"], hold["end_s"] + own.reply_s
    near = [one for one in around.replies if reached[0] <= one["start_s"] <= reached[1]]
    found = _of_reply(near[0], around.usual_s, shared) if near else []
    return [*found, *_of_gaze(hold, around.gaze, shared), *_of_dial(hold, around.dial, own)]


def _of_reply(reply: Row, usual: float, shared: SharedSettings) -> list[tuple[Evidence, ...]]:
    found: list[tuple[Evidence, ...]] = []
    z = reply["response_latency_z"]
    if z is not None and z >= shared.z_enter:
        quality = "degraded" if reply["response_latency_reason"] else "ok"
        late = _number(reply, "response_latency_s", quality)
        found.append((replace(late, usual=usual, z=z),))
    if reply["reply_minimal"]:
        quality = "degraded" if reply["words_reason"] else "ok"
        found.append((_number(reply, "reply_words", quality),))
    return found


def _of_gaze(hold: Row, gaze: WindowCue, shared: SharedSettings) -> list[tuple[Evidence, ...]]:
    if not len(gaze.end_s):
        return []
    at = int(np.argmin(np.abs(gaze.end_s - hold["end_s"])))
    is_near = abs(gaze.end_s[at] - hold["end_s"]) <= NEAREST_S
    return [(gaze.evidence(at),)] if is_near and gaze.z[at] <= -shared.z_enter else []


def _of_dial(hold: Row, dial: ClientDial, own: LongHoldsSettings) -> list[tuple[Evidence, ...]]:
    before, after = hold["start_s"], hold["end_s"] + own.dial_s
    if dial.level(before) - dial.level(after) >= own.dial_points:
        return [(dial.evidence(before), dial.evidence(after))]
    return []


def _number(turn: Row, name: str, quality: str = "ok") -> Evidence:
    column = tables.TURNS.by_name[name]
    return Evidence(name, turn["start_s"], float(turn[name]), None, None, column.unit, quality)


def _draft(hold: Row, changes: list[tuple[Evidence, ...]], shared: SharedSettings) -> Draft:
    """From the turn's start to its last change; a longer moment loses its beginning."""
    evidence = [item for change in changes for item in change]
    end = max(hold["end_s"] + NEAREST_S, *(item.t_s for item in evidence if item.t_s is not None))
    start = max(hold["start_s"], end - shared.longest_s)
    present_only = (c[0] for c in changes if c[0].z is None)
    without_z = shared.z_enter * sum(QUALITY_WEIGHTS[item.quality] for item in present_only)
    long = _number(hold, "therapist_hold_s")
    draft = Draft("R8", start, end, "both", TITLE, (long, *evidence))
    return scored(draft, without_z=without_z)


RULE = Rule(
    id="R8",
    version=1,
    name="long turns with changes after",
    kind="long turn",
    tone="cues",
    looks_for=(
        "A turn of the therapist of 60 s or 150 words, then two of: a late reply, a brief reply, "
        "less gaze travel, a lower dial"
    ),
    chance="0.1 in 50 minutes with one or two long turns and a dial that wanders",
    needs=NEEDS
    | {
        "windows": columns_of(TRAVEL.name),
        "turns": (
            "role",
            "start_s",
            "end_s",
            "word_count",
            "therapist_hold_s",
            "answers_turn_id",
            "response_latency_s",
            "response_latency_z",
            "response_latency_reason",
            "reply_words",
            "reply_minimal",
            "words_reason",
        ),
    },
    thresholds=LongHoldsSettings,
    find=find,
    unapplied=unapplied,
    reasons=(
        "explaining an exercise, or planning for a hard week",
        "an interpreter was speaking",
        "much to think about at once",
        "listening closely, or looking at notes",
    ),
)
