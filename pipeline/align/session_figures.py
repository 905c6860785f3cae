"""Figures of a whole session, each as `tables.figures` declares it; a null one has its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from pipeline.align.face_figures import Seen, face_figures
from pipeline.align.speech import Speech
from pipeline.align.words import has_transcript
from pipeline.language.rates import language_figures
from pipeline.spans import Floats, WindowCue, intersection
from pipeline.tables.figures import SESSION_FIGURES

Figure = dict[str, Any]
"""A row of `session_features`: name, value and, where that is null, the reason."""

MIN_REPLIES = 5
"""Fewer replies have no median worth stating."""
_OF_DIAL = (("mean", "points"), ("median", "points"), ("sd", "points"), ("mssd", "points2"))
"""Statistic of `rating_quality` and how the unit is written in a figure's name."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the session's sound gave."""

    turns: Sequence[dict[str, Any]]
    speech: Speech
    silences: Sequence[dict[str, Any]]
    slices: Sequence[dict[str, Any]]
    """rows of `prosody_slices`"""
    no_words: str
    """Reason where nothing was transcribed."""
    no_voice: str | None = None
    """Reason where pitch, loudness and pace were not measured at all."""


def session_figures(
    heard: Heard, seen: Seen, cues: Mapping[str, WindowCue], dials: Sequence[dict[str, Any]]
) -> list[Figure]:
    """All figures, in the order in which a reader wants them."""
    medians = [_median(one.name, cues[one.median_of]) for one in SESSION_FIGURES if one.median_of]
    return [
        *_of_speech(heard),
        *_of_turns(heard),
        *_of_words(heard),
        *_of_voices(heard),
        *medians,
        *(_figure(*named) for named in face_figures(seen)),
        *_of_dials(dials),
    ]


def _figure(name: str, value: float | None, reason: str | None) -> Figure:
    known = value is not None and bool(np.isfinite(value))
    return {
        "feature": name,
        "value": value if known else None,
        "reason": None if known else reason or "not_measured",
    }


def _length_s(spans: Floats) -> float:
    return float(np.sum(spans[:, 1] - spans[:, 0]))


def _of_speech(heard: Heard) -> Iterator[Figure]:
    speech, why = heard.speech, heard.speech.role_reason
    client, therapist = (
        (_length_s(spans) if why is None else None) for spans in (speech.client, speech.therapist)
    )
    ratio = None
    if client is not None and therapist is not None and client + therapist > 0:
        ratio = therapist / (client + therapist)
    both = intersection(speech.client, speech.therapist)
    yield _figure("therapist_speech_prop", ratio, why or "no_speech")
    yield _figure("client_speech_total_s", client, why)
    yield _figure("therapist_speech_total_s", therapist, why)
    yield _figure("overlap_s", _length_s(both) if why is None else None, why)
    spoken = len(speech.anyone) > 0
    longest = max((row["end_s"] - row["start_s"] for row in heard.silences), default=0.0)
    count = float(len(heard.silences))
    none = why or "no_speech"
    yield _figure("silence_count", count if spoken else None, none)
    yield _figure("silence_longest_s", longest if spoken else None, none)


def _of_turns(heard: Heard) -> Iterator[Figure]:
    floor = [turn for turn in heard.turns if turn["takes_floor"]]
    why = heard.speech.role_reason or "no_speech"
    count = float(len(floor)) if floor else None
    yield _figure("turn_count", count, why)
    minutes = (floor[-1]["end_s"] - floor[0]["start_s"]) / 60 if floor else 0.0
    changes = sum(a["speaker"] != b["speaker"] for a, b in pairwise(floor))
    rate = changes / minutes if minutes > 0 else None
    yield _figure("floor_changes_pm", rate, why)
    known = heard.speech.role_reason is None
    hold = longest_hold_s(floor, "therapist") if known else None
    yield _figure("therapist_hold_max_s", hold, why)


def longest_hold_s(floor: Sequence[dict[str, Any]], role: str) -> float | None:
    """Longest stretch from a role's first to last successive floor turn; None without any."""
    holds = []
    for held_by, turns in groupby(floor, key=lambda turn: turn["role"]):
        listed = list(turns)
        if held_by == role:
            holds.append(max(turn["end_s"] for turn in listed) - listed[0]["start_s"])
    return max(holds, default=None)


def _of_voices(heard: Heard) -> Iterator[Figure]:
    none = heard.no_voice or "no_speech"
    for role in ("client", "therapist"):
        own = [row for row in heard.slices if row["role"] == role]
        known = [row for row in own if row["f0_median_hz"] is not None]
        f0_hz = np.array([row["f0_median_hz"] for row in known])
        voiced_s = np.array([row["voiced_prop"] * row["phonation_s"] for row in known])
        unknown = [row["reason"] for row in own if row["f0_median_hz"] is None]
        commonest = max(sorted(set(unknown)), key=unknown.count, default=none)
        yield _figure(
            f"{role}_f0_median_hz",
            weighted_median(f0_hz, voiced_s),
            heard.speech.role_reason or commonest,
        )


def weighted_median(values: Floats, weights: Floats) -> float | None:
    """Least value with half of the weight at or under it; None without any weight."""
    if not weights.sum() > 0:
        return None
    return float(np.quantile(values, 0.5, weights=weights, method="inverted_cdf"))


def _of_words(heard: Heard) -> Iterator[Figure]:
    turns, known = heard.turns, has_transcript(heard.turns)
    asked = [turn for turn in turns if turn["role"] == "therapist" and turn["is_question"]]
    replies = [turn for turn in turns if turn["response_latency_s"] is not None]
    known_by_words = _few_words(turns) if known else heard.no_words
    why = heard.speech.role_reason or known_by_words
    yield _worded(turns, None if known else heard.no_words)
    opened = {turn["turn_id"] for turn in asked if turn["question_type"] == "open"}
    to_open = [
        t for t in turns if t["answers_turn_id"] in opened and t["reply_minimal"] is not None
    ]
    minimal = [bool(turn["reply_minimal"] or turn["reply_agreeing"]) for turn in to_open]
    counts = {
        "therapist_question_count": len(asked),
        "therapist_open_question_count": len(opened),
        "client_reply_count": len(replies),
    }
    for name, count in counts.items():
        yield _figure(name, float(count) if why is None else None, why)
    enough = len(replies) >= MIN_REPLIES
    latencies = [turn["response_latency_s"] for turn in replies]
    latency = float(np.median(latencies)) if enough and why is None else None
    yield _figure("client_response_latency_median_s", latency, why or "few_samples")
    share = float(np.mean(minimal)) if len(minimal) >= MIN_REPLIES and why is None else None
    yield _figure("client_replies_minimal_prop", share, why or "few_samples")
    for named in language_figures(turns, why, heard.speech.role_reason):
        yield _figure(*named)


def _few_words(turns: Sequence[dict[str, Any]]) -> str | None:
    """Why nothing is counted where most of what was said has no words: see `language`."""
    reasons = {turn["words_reason"] for turn in turns if turn["word_count"]}
    return "low_coverage" if reasons == {"low_coverage"} else None


def _worded(turns: Sequence[dict[str, Any]], why: str | None) -> Figure:
    known = [t for t in turns if t["phonation_s"] and t["word_count"] is not None and why is None]
    spoken_s = sum(turn["phonation_s"] for turn in known)
    rate = sum(turn["word_count"] for turn in known) / spoken_s if spoken_s else None
    return _figure("word_rate_session_wps", rate, why or "no_speech")


def _median(name: str, cue: WindowCue) -> Figure:
    compared = cue.compared[np.isfinite(cue.compared)]
    under = len(compared) - int(np.isfinite(cue.value).sum())
    reasons = [reason for reason in cue.reason if reason is not None]
    commonest = max(sorted(set(reasons)), key=reasons.count, default="too_short")
    # the median of values of which half are only known to be small is not known either
    value = float(np.median(compared)) if 2 * under < len(compared) else None
    return _figure(name, value, commonest)


def _of_dials(dials: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    for row in dials:
        rater = row["rater"]
        reason = "no_dial" if row["quality"] == "absent" else None
        for what, unit in _OF_DIAL:
            yield _figure(f"dial_{rater}_{what}_{unit}", row[f"dial_{what}"], reason)
