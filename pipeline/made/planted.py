"""Planted versus found: what the pipeline made of the demo session, whose truth is known.

`compare` reads a session's final tables and the ``truth.json`` that `made.conversation` wrote
beside its media. It never looks at a setting: a changed threshold shows up as a changed finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.made import recognised

LATENCY_BAR_S = 0.1
BLINK_BAR = 0.10
LOW_GAZE_Z = -1.5
PAUSE_BAR_S = 0.05
SHORTEST_PAUSE_S = 0.2
LAG_BAR_S = 1.0
LAGS_S = range(-10, 11)
MATCH_S = 1.0
"""A turn is a planted reply if it starts at most this far from it."""
RULES = ("R4", "R6")
STRAY_BAR = 2
"""Highest number of R4 and R6 candidates outside planted stretches, over five seeds together."""

Row = dict[str, Any]
Tables = Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the demo's closing table."""

    name: str
    planted: str
    found: str
    bar: str
    ok: bool | None
    """None where there was nothing to judge: the table or its values are missing."""


def compare(truth: Mapping[str, Any], tables: Tables) -> list[Finding]:
    """Judge every planted cue against the tables of the finished session.

    Parameters
    ----------
    truth : as `made.conversation.Plan.truth` gives it.
    tables : the session's final tables by name; those that are absent give findings with
        ``ok = None``.
    """
    findings = [
        reply_latency(truth, tables),
        blinks(truth, tables),
        fixed_gaze(truth, tables),
        dial_lag(truth, tables),
        dial_lows(truth, tables),
        guesses(truth, tables),
    ]
    if truth["pauses"]:
        findings.insert(1, pauses(truth, tables))
    findings += words(truth, tables)
    findings += [run_found(stretch, tables) for stretch in truth["stretches"]]
    return [*findings, stray_candidates(truth, tables)]


def rows_of(tables: Tables, name: str, **equal: Any) -> list[Row] | None:
    """Rows of a table whose columns equal the given values; None without the table."""
    if name not in tables:
        return None
    rows: list[Row] = tables[name].to_pylist()
    return [row for row in rows if all(row[key] == value for key, value in equal.items())]


def missing(name: str, planted: str, bar: str) -> Finding:
    """A finding about which nothing can be said."""
    return Finding(name, planted, "not measured", bar, None)


def length_s(stretch: Mapping[str, Any]) -> float:
    """Seconds from its start to its end."""
    return float(stretch["end_s"] - stretch["start_s"])


def overlap_s(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """Common length of two stretches, 0 where they are apart."""
    return max(0.0, min(a["end_s"], b["end_s"]) - max(a["start_s"], b["start_s"]))


def reply_latency(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """Median error of the reply latencies; a planted reply without a measured one counts as inf."""
    name, bar = "reply latency", f"median error <= {LATENCY_BAR_S} s"
    planted = truth["replies"]
    label = f"{len(planted)} replies"
    turns = rows_of(tables, "turns", role="client")
    if not turns or not planted:
        return missing(name, label, bar)
    measured = [turn for turn in turns if turn["response_latency_s"] is not None]
    errors = np.array([latency_error(reply, measured) for reply in planted])
    median = float(np.median(errors))
    matched = int(np.isfinite(errors).sum())
    return Finding(name, label, f"{matched} found, median error {median:.3f} s", bar,
                   median <= LATENCY_BAR_S)  # fmt: skip


def latency_error(reply: Mapping[str, Any], turns: Sequence[Row]) -> float:
    """Error in seconds of the turn that starts nearest to a planted reply; inf if none is near."""
    near = [turn for turn in turns if abs(turn["start_s"] - reply["start_s"]) <= MATCH_S]
    if not near:
        return float("inf")
    turn = min(near, key=lambda turn: abs(turn["start_s"] - reply["start_s"]))
    return float(abs(turn["response_latency_s"] - reply["latency_s"]))


def pauses(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """Pauses inside a turn: found where the same voice is silent for most of one."""
    name, bar = "pauses inside turns", f"all found, median error <= {PAUSE_BAR_S} s"
    planted = truth["pauses"]
    heard, roles = rows_of(tables, "diarization", exclusive=False), rows_of(tables, "roles")
    if not heard or not roles:
        return missing(name, str(len(planted)), bar)
    silent = {row["role"]: _between(heard, row["speaker"]) for row in roles}
    errors = [
        abs(length_s(found) - length_s(pause))
        for pause in planted
        for found in silent.get(pause["role"], [])
        if overlap_s(found, pause) > length_s(pause) / 2
    ]
    median = float(np.median(errors)) if errors else float("inf")
    ok = len(errors) == len(planted) and median <= PAUSE_BAR_S
    said = f"{len(errors)} found, median error {median:.3f} s"
    return Finding(name, str(len(planted)), said, bar, ok)


def _between(heard: Sequence[Row], speaker: int) -> list[Row]:
    """Where a voice is silent between two of its stretches."""
    own = sorted((r["start_s"], r["end_s"]) for r in heard if r["speaker"] == speaker)
    return [{"start_s": a[1], "end_s": b[0]} for a, b in pairwise(own)]


def words(truth: Mapping[str, Any], tables: Tables) -> list[Finding]:
    """Words, their times and the questions; none where the transcript was handed in."""
    planted = [word for utterance in truth["utterances"] for word in utterance["words"]]
    told = rows_of(tables, "transcription") or []
    if not planted or any(row["source"] == "import" for row in told):
        return []
    found, turns = rows_of(tables, "words"), rows_of(tables, "turns", role="therapist")
    names = ("words", "questions", "start of a word", "start of a word after a pause")
    if not found or turns is None:
        return [missing(name, str(len(planted)), "recognised") for name in names]
    lineup = recognised.line_up([w["text"] for w in planted], [w["text"] for w in found])
    asked = [u for u in truth["utterances"] if u["question"]]
    hits = recognised.questions_found(asked, turns)
    onsets = recognised.time_errors_s(lineup, planted, found)
    after = recognised.after_pause_errors_s(lineup, planted, found, SHORTEST_PAUSE_S)
    rate, least = lineup.error_rate, recognised.QUESTIONS_BAR * len(asked)
    return [
        Finding(names[0], str(lineup.planted), f"word error rate {rate:.1%}",
                f"<= {recognised.WER_BAR:.0%}", rate <= recognised.WER_BAR),
        Finding(names[1], str(len(asked)), str(hits), f">= {least:.0f}", hits >= least),
        _word_times(names[2], onsets, recognised.WORD_TIME_BAR_S),
        _word_times(names[3], after, recognised.AFTER_PAUSE_BAR_S),
    ]  # fmt: skip


def _word_times(name: str, errors: Sequence[float], bar_s: float) -> Finding:
    bar = f"median error <= {bar_s} s"
    if not errors:
        return missing(name, "0", bar)
    median = float(np.median(errors))
    said = f"{len(errors)} compared, median error {median:.3f} s"
    return Finding(name, "", said, bar, median <= bar_s)


def blinks(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """Number of blinks."""
    name, bar = "blinks", f"within {BLINK_BAR:.0%}"
    planted = len(truth["blinks"])
    events = rows_of(tables, "events", kind="blink")
    if not events:
        return missing(name, str(planted), bar)
    close = abs(len(events) - planted) <= BLINK_BAR * planted
    return Finding(name, str(planted), str(len(events)), bar, close)


def fixed_gaze(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """Planted stretches of fixed gaze in which some window's centre has low gaze travel."""
    name, bar = "stretches of fixed gaze", f"each with gaze travel z <= {LOW_GAZE_Z}"
    planted = truth["fixed_gaze"]
    column = "client_gaze_path_rate_dps_z"
    windows = rows_of(tables, "windows")
    measured = [window for window in windows or [] if window.get(column) is not None]
    if not measured or not planted:
        return missing(name, str(len(planted)), bar)
    low_at = [
        (window["start_s"] + window["end_s"]) / 2
        for window in measured
        if window[column] <= LOW_GAZE_Z
    ]
    found = sum(any(span["start_s"] <= at < span["end_s"] for at in low_at) for span in planted)
    return Finding(name, str(len(planted)), str(found), bar, found == len(planted))


def dial_lag(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """The shift at which the therapist's dial follows the client's most closely."""
    name, bar = "lag of the therapist's dial", f"within {LAG_BAR_S:.0f} s"
    planted = truth["dial_lag_s"]
    courses = [rating_course(tables, rater) for rater in ("client", "therapist")]
    client, therapist = courses
    if client is None or therapist is None:
        return missing(name, f"{planted} s", bar)
    lag_s = max(LAGS_S, key=lambda lag: lagged_r(client, therapist, lag))
    return Finding(name, f"{planted} s", f"{lag_s} s", bar, abs(lag_s - planted) <= LAG_BAR_S)


def rating_course(tables: Tables, rater: str) -> dict[int, float] | None:
    """Rating by whole second; None where this rater has no rating."""
    rows = rows_of(tables, "ratings", rater=rater)
    values = {int(row["t_s"]): row["value"] for row in rows or [] if row["value"] is not None}
    return values or None


def lagged_r(client: Mapping[int, float], therapist: Mapping[int, float], lag_s: int) -> float:
    """Pearson's r of the client's dial with the therapist's `lag_s` later."""
    common = [second for second in client if second + lag_s in therapist]
    pairs = np.array([(client[second], therapist[second + lag_s]) for second in common])
    return float(np.corrcoef(pairs.T)[0, 1])


def dial_lows(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """Whether the client's k lowest-rated segments are the k planted lows."""
    planted = truth["dial_lows"]
    k = len(planted)
    name, bar = "dial lows", f"ranks 1 to {k} of the client's lowest segments"
    segments = rows_of(tables, "rating_segments", rater="client", kind="low")
    if not segments or not planted:
        return missing(name, str(k), bar)
    lowest = [segment for segment in segments if segment["rank"] <= k]
    hit = sum(any(overlap_s(segment, low) > 0 for segment in lowest) for low in planted)
    right = hit == k and all(any(overlap_s(s, low) > 0 for low in planted) for s in lowest)
    return Finding(name, str(k), f"{hit} among the {len(lowest)} lowest", bar, right)


def guesses(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """The therapist's guesses of the client's ratings, and how many of them are right."""
    name, bar = "therapist's guesses", "the same"
    planted = truth["guesses"]
    label = f"{planted['right']} of {planted['planted']} right"
    found = rows_of(tables, "congruence")
    if not found or found[0]["guess_count"] is None:
        return missing(name, label, bar)
    row = found[0]
    said = f"{row['guess_correct']} of {row['guess_count']} right"
    return Finding(name, label, said, bar, said == label)


def run_found(stretch: Mapping[str, Any], tables: Tables) -> Finding:
    """Whether a planted run is overlapped by a candidate of its own rule."""
    rule = stretch["rule"]
    name, bar = f"{rule} stretch", f"overlapped by an {rule} candidate"
    planted = f"{stretch['start_s']:.0f} to {stretch['end_s']:.0f} s"
    candidates = rows_of(tables, "candidates", rule=rule)
    if candidates is None:
        return missing(name, planted, bar)
    hits = [c for c in candidates if overlap_s(c, stretch) > 0]
    found = ", ".join(f"{c['start_s']:.0f} to {c['end_s']:.0f} s" for c in hits) or "nothing"
    return Finding(name, planted, found, bar, bool(hits))


def stray_candidates(truth: Mapping[str, Any], tables: Tables) -> Finding:
    """R4 and R6 candidates that touch no planted run."""
    name, bar = "other R4 and R6 candidates", f"at most {STRAY_BAR} over five seeds"
    candidates = rows_of(tables, "candidates")
    if candidates is None:
        return missing(name, "0", bar)
    stray = [
        c
        for c in candidates
        if c["rule"] in RULES and not any(overlap_s(c, s) > 0 for s in truth["stretches"])
    ]
    return Finding(name, "0", str(len(stray)), bar, len(stray) <= STRAY_BAR)
