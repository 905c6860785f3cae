"""What is said, per window: questions, replies to them, directive phrases.

Amounts of a turn (words, phrases) are spread evenly over it; a rate is a quotient of their sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.align.speech import Speech, first_reason, five_minutes
from pipeline.language.rates import RATE_MIN_WORDS
from pipeline.spans import (
    Floats,
    WindowCue,
    Windows,
    amount_inside,
    divided,
    missing_everywhere,
    rows_inside,
)

LAST_REPLIES = 3


def questions(turns: Sequence[dict[str, Any]], windows: Windows) -> Floats:
    """Therapist questions that end in each window; NaN without a transcript."""
    if not has_transcript(turns):
        return np.full(len(windows), np.nan)
    asked = [t for t in turns if t["role"] == "therapist" and t["is_question"]]
    ends = np.sort(np.array([t["question_end_s"] for t in asked], np.float64))
    first, stop = rows_inside(ends, windows)
    return (stop - first).astype(np.float64)


def has_transcript(turns: Sequence[dict[str, Any]]) -> bool:
    """Whether the words of any turn are known."""
    return any(turn["is_question"] is not None for turn in turns)


def minimal_replies(turns: Sequence[dict[str, Any]], windows: Windows) -> Floats:
    """Of the last 3 replies to open questions begun before a window's end, how many were minimal.

    A reply that is an acknowledgement as a whole counts as well, whatever its length.
    """
    kinds = {turn["turn_id"]: turn["question_type"] for turn in turns}
    replies = sorted(
        (turn["start_s"], bool(turn["reply_minimal"] or turn["reply_agreeing"]))
        for turn in turns
        if kinds.get(turn["answers_turn_id"]) == "open" and turn["reply_minimal"] is not None
    )
    begun = np.searchsorted([start for start, _ in replies], windows.end_s)
    sums = np.concatenate([[0], np.cumsum([minimal for _, minimal in replies])])
    counts = sums[begun] - sums[np.maximum(begun - LAST_REPLIES, 0)]
    return np.where(begun >= LAST_REPLIES, counts, np.nan)


def reply_latency(
    turns: Sequence[dict[str, Any]], speech: Speech, windows: Windows, no_words: str
) -> WindowCue:
    """Longest latency among the replies that start in each window, and that reply's own z.

    Replies are few and one stands in up to six windows, so their z is taken from the turns: windows
    would count it six times. `no_words` is the reason where nothing was transcribed.
    """
    z = np.full(len(windows), np.nan)
    if speech.role_reason is not None:
        return replace(missing_everywhere(windows, speech.role_reason), z=z)
    if not has_transcript(turns):
        return replace(missing_everywhere(windows, no_words), z=z)
    cue = replace(missing_everywhere(windows, "no_question"), z=z)
    for turn in turns:
        latency = turn["response_latency_s"]
        if latency is None:
            continue
        here = (turn["start_s"] >= windows.start_s) & (turn["start_s"] < windows.end_s)
        longest = here & ~(cue.value >= latency)
        cue.value[longest] = latency
        cue.reason[longest] = turn["response_latency_reason"]
        z[longest] = np.nan if turn["response_latency_z"] is None else turn["response_latency_z"]
    return cue


def directive_rate(
    turns: Sequence[dict[str, Any]], speech: Speech, windows: Windows, no_words: str
) -> WindowCue:
    """Therapist's directive phrases per 1,000 of the therapist's words in the 5 minutes around.

    Under 100 words a phrase more or less would be all there is to see (METHODS: Words): as a rate
    over minutes it tells sessions apart, turn by turn it is wrong more often than right.
    """
    if speech.role_reason is not None:
        return missing_everywhere(windows, speech.role_reason)
    own = [t for t in turns if t["role"] == "therapist" and t["directive_strong"] is not None]
    if not own:
        return missing_everywhere(windows, "no_speech" if has_transcript(turns) else no_words)
    spans = np.array([(turn["start_s"], turn["end_s"]) for turn in own], np.float64)
    phrases, words = (
        amount_inside(spans, np.array([turn[name] for turn in own]), five_minutes(windows))
        for name in ("directive_strong", "word_count")
    )
    few = words < RATE_MIN_WORDS
    rate = np.where(few, np.nan, 1000.0 * divided(phrases, words))
    return WindowCue(rate, first_reason(len(windows), (few, "too_short")))
