"""Made sessions of 50 minutes at table level, as upstream stages would hand them to the rules.

In a null session nothing hangs together: replies are brief, late, or after a directive at the rates
found in demonstration counselling (METHODS: Words), cues are noise that is smooth over a window's
six hops, the dial wanders. A planted session has one stretch of one rule besides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.signal import lfilter

from pipeline import tables
from pipeline.align.words import minimal_replies
from pipeline.rules.cue_windows import CUES, NODS
from pipeline.spans import Windows
from pipeline.timeline import Floats, Span, log_duration, overlap_s, robust_z, windows

DURATION_S = 3000.0
SESSION = "m-1"
HOP_S, WINDOW_S, EARLIEST_S = 5.0, 30.0, 120.0
WORDS_PER_S = 3.0
ASKS, ASKS_OPENLY = 0.6, 0.6
BRIEF = {"open": 0.125, "closed": 0.276, None: 0.15, "directive": 0.248}
"""Share of brief replies by what came before."""
DIRECTIVES_PER_WORD, PERMISSIONS_PER_WORD = 0.0028, 0.0008
"""Between the two groups of sessions in which they were counted."""
DIAL_SD, DIAL_TAU_S = 12.0, 40.0
SLOWED = ("client_articulation_rate_sps", "client_f0_sd_st")
CUED = (*dict.fromkeys([cue.column.name for cue in (*CUES, *NODS)] + [*SLOWED]),)
SIGNS = {cue.column.name: cue.sign or 1 for cue in CUES} | {"client_f0_sd_st": -1}
USUAL = {"client_pause_prop": 0.2, "client_articulation_rate_sps": 4.6, "client_f0_sd_st": 2.5}
GAZE = "client_gaze_path_rate_dps"


@dataclass(slots=True)
class Exchange:
    """A turn of the therapist and the client's next."""

    words: int
    asks: str | None
    latency_s: float
    reply_words: int
    pause_s: float
    directives: int = 0
    permits: bool = False
    demurs: bool = False
    incomplete: bool = False
    topic_z: float = 0.0
    at_s: float = 0.0
    """When it begins; set once all lengths are known."""

    @property
    def asked_s(self) -> Span:
        """The therapist's turn."""
        return self.at_s, self.at_s + self.words / WORDS_PER_S

    @property
    def reply_s(self) -> Span:
        """The client's turn."""
        start = self.asked_s[1] + self.latency_s
        return start, start + max(0.4, self.reply_words / WORDS_PER_S)


@dataclass(slots=True)
class Plan:
    """One session before it becomes tables."""

    exchanges: list[Exchange]
    shared: float
    """Share of their variance that all cues have in common, towards the side that counts."""
    shifts: list[tuple[str, Span, float]] = field(default_factory=list)
    """Cue, when, and by how many standard deviations it is moved to the side that counts."""
    falls: list[tuple[float, float]] = field(default_factory=list)
    """When the client's dial has fallen and by how many points, for two minutes."""

    def place(self) -> None:
        """Set when each exchange begins."""
        at = 2.0
        for exchange in self.exchanges:
            exchange.at_s = at
            at = exchange.reply_s[1] + exchange.pause_s

    def near(self, t_s: float) -> int:
        """Index of the exchange that begins nearest to a time."""
        return int(np.argmin([abs(one.at_s - t_s) for one in self.exchanges]))


def null_plan(rng: np.random.Generator, shared: float = 0.0) -> Plan:
    """A session with nothing planted."""
    plan = Plan([_exchange(rng) for _ in range(160)], shared)
    plan.place()
    plan.exchanges = [one for one in plan.exchanges if one.reply_s[1] < DURATION_S - 5]
    return plan


def _exchange(rng: np.random.Generator) -> Exchange:
    words = int(np.clip(rng.lognormal(np.log(18), 0.95), 2, 400))
    asks = None if rng.random() > ASKS else ("open" if rng.random() < ASKS_OPENLY else "closed")
    directives = int(rng.poisson(DIRECTIVES_PER_WORD * words))
    is_brief = rng.random() < BRIEF["directive" if directives else asks]
    silent = rng.random(2) < 0.08
    return Exchange(
        words,
        asks,
        float(rng.lognormal(np.log(1.2), 0.6) if asks or not silent[0] else 3 + rng.exponential(2)),
        int(rng.integers(1, 4)) if is_brief else int(rng.lognormal(np.log(40), 0.8)) + 4,
        float(3 + rng.exponential(2) if silent[1] else rng.lognormal(np.log(0.7), 0.5)),
        directives=directives,
        permits=bool(rng.random() < PERMISSIONS_PER_WORD * words),
        demurs=bool(rng.random() < 0.08),
        incomplete=bool(rng.random() < 0.08),
        topic_z=float(rng.standard_normal()),
    )


# ---- as tables -----------------------------------------------------------------------------


def as_tables(plan: Plan, rng: np.random.Generator) -> dict[str, pa.Table]:
    """What the rules read of a session, by table."""
    turns = _turns(plan)
    given = {
        "sessions": _session(),
        "turns": tables.TURNS.build_rows(turns),
        "silences": _silences(plan),
        "roles": tables.ROLE_ASSIGNMENT.build_rows(
            {"session_id": SESSION, "speaker": voice, "role": role, "confidence": 1.0,
             "method": "session_toml"} for voice, role in enumerate(("therapist", "client"))),
        "windows": _windows(plan, turns, rng),
    }  # fmt: skip
    return given | _dial(plan, rng)


def _session() -> pa.Table:
    row = dict.fromkeys(tables.SESSIONS.by_name) | {"session_id": SESSION, "dyad_id": "M"}
    row |= {"session_number": 1, "client_id": "C", "therapist_id": "T", "capture": "in_room"}
    return tables.SESSIONS.build_rows([row | {"duration_s": DURATION_S, "made_up": "all of it"}])


def _turns(plan: Plan) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(plan.exchanges):
        rows += [_asked(2 * number, one), _replied(2 * number + 1, one)]
    replies = [row for row in rows if row["answers_turn_id"] is not None]
    latencies = np.array([row["response_latency_s"] for row in replies])
    begun = np.array([row["start_s"] >= EARLIEST_S for row in replies])
    for row, z in zip(replies, robust_z(log_duration(latencies), begun), strict=True):
        row["response_latency_z"] = float(z)
    return rows


def _turn(turn_id: int, speaker: int, span: Span, words: int) -> dict[str, Any]:
    return dict.fromkeys(tables.TURNS.by_name) | {
        "session_id": SESSION, "turn_id": turn_id, "speaker": speaker, "word_count": words,
        "role": ("therapist", "client")[speaker], "start_s": span[0], "end_s": span[1],
        "phonation_s": 0.85 * (span[1] - span[0]), "is_backchannel": False, "takes_floor": True,
        "directive_strong": 0, "permission_phrase": False, "is_question": False,
    }  # fmt: skip


def _asked(turn_id: int, one: Exchange) -> dict[str, Any]:
    return _turn(turn_id, 0, one.asked_s, one.words) | {
        "is_question": one.asks is not None, "question_type": one.asks,
        "question_end_s": one.asked_s[1] if one.asks else None,
        "therapist_hold_s": one.asked_s[1] - one.asked_s[0],
        "directive_strong": one.directives, "permission_phrase": one.permits,
        "topic_cohesion_z": one.topic_z if one.words >= 8 else None,
    }  # fmt: skip


def _replied(turn_id: int, one: Exchange) -> dict[str, Any]:
    row = _turn(turn_id, 1, one.reply_s, one.reply_words)
    row["client_demur"] = one.demurs if one.directives else None
    if one.asks is None:
        return row
    return row | {
        "answers_turn_id": turn_id - 1, "response_latency_s": one.latency_s,
        "reply_words": one.reply_words, "reply_minimal": one.reply_words <= 3,
        "reply_agreeing": False,
    }  # fmt: skip


def _silences(plan: Plan) -> pa.Table:
    found = []
    for one in plan.exchanges:
        for voice, start, length in (
            (0, one.asked_s[1], one.latency_s),
            (1, one.reply_s[1], one.pause_s),
        ):
            if length >= 3.0:
                found.append({
                    "session_id": SESSION, "start_s": start, "end_s": start + length,
                    "after_speaker": voice, "before_speaker": 1 - voice,
                    "after_incomplete": one.incomplete,
                })  # fmt: skip
    return tables.SILENCES.build_rows(found)


def _windows(plan: Plan, turns: list[dict[str, Any]], rng: np.random.Generator) -> pa.Table:
    grid = np.array(windows(DURATION_S, WINDOW_S, HOP_S))
    start, end = grid[:, 0], grid[:, 1]
    n = len(start)
    columns: dict[str, Any] = {name: [None] * n for name in tables.WINDOWS.by_name}
    columns |= {"session_id": [SESSION] * n, "start_s": start, "end_s": end}
    columns["client_speaking"] = np.ones(n, bool)
    brief = minimal_replies(turns, Windows(start, end))
    columns["client_replies_minimal"] = [None if np.isnan(one) else int(one) for one in brief]
    common = _hops(n, rng)
    for name in CUED[1:]:
        mixed = np.sqrt(plan.shared) * common + np.sqrt(1 - plan.shared) * _hops(n, rng)
        for shifted, span, size in plan.shifts:
            if shifted == name:
                mixed += size / np.sqrt(6) * _share_of_hops(n, span)
        marked = SIGNS.get(name, 1) * np.lib.stride_tricks.sliding_window_view(mixed, 6).sum(-1)
        marked /= np.sqrt(6)
        columns[name] = USUAL.get(name, 20.0) * np.clip(1 + 0.15 * marked, 0, None)
        columns[f"{name}_z"] = robust_z(marked, start >= EARLIEST_S)
    for row in turns:
        if row["response_latency_s"] is not None:
            _longest(columns, row, (start <= row["start_s"]) & (row["start_s"] < end))
    return tables.WINDOWS.build(columns)


def _hops(n: int, rng: np.random.Generator) -> Floats:
    return rng.standard_normal(n + 5)


def _share_of_hops(n: int, span: Span) -> Floats:
    hops = [(HOP_S * i, HOP_S * (i + 1)) for i in range(n + 5)]
    return np.array([overlap_s(hop, span) / HOP_S for hop in hops])


def _longest(columns: dict[str, Any], row: dict[str, Any], here: Any) -> None:
    name = CUED[0]
    for at in np.flatnonzero(here):
        if columns[name][at] is None or columns[name][at] < row["response_latency_s"]:
            columns[name][at] = row["response_latency_s"]
            columns[f"{name}_z"][at] = row["response_latency_z"]


def _dial(plan: Plan, rng: np.random.Generator) -> dict[str, pa.Table]:
    keeps = np.exp(-1 / DIAL_TAU_S)
    seconds = np.arange(int(DURATION_S))
    noise = rng.standard_normal(len(seconds) + 400) * np.sqrt(1 - keeps**2)
    course = DIAL_SD * lfilter([1.0], [1.0, -keeps], noise)[400:]
    for at_s, points in plan.falls:
        course[(seconds >= at_s) & (seconds < at_s + 120)] -= points
    value = np.clip(55 + course, 0, 100)
    same = {"session_id": [SESSION] * len(seconds), "rater": ["client"] * len(seconds)}
    quality = dict.fromkeys(tables.RATING_QUALITY.by_name) | {
        "session_id": SESSION, "rater": "client", "quality": "ok", "sentence": "",
        "dial_median": float(np.median(value)),
    }  # fmt: skip
    return {
        "ratings": tables.RATINGS.build(
            same | {"t_s": seconds.astype(float), "value_raw": value, "value": value}
        ),
        "rating_quality": tables.RATING_QUALITY.build_rows([quality]),
    }
