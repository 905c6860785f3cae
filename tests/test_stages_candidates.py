"""Candidate rules on planted cases: edges of thresholds, budgets, ties, missing cues, chance."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline import tables
from pipeline.rules import RULES
from pipeline.rules import cue_windows as gathering
from pipeline.rules.budget import budget, select
from pipeline.rules.cue_windows import CUES, MINIMAL, NODS, CueWindows, usual_values
from pipeline.rules.r4_late_replies import LateRepliesSettings, late, late_reply_runs
from pipeline.rules.r6_several_cues import (
    SeveralCuesSettings,
    families_on,
    several_cues,
    silences_after_questions,
    together,
)
from pipeline.rules.rated_stretches import RatedSegment, rated_segments
from pipeline.rules.replies import Replies, usual_s
from pipeline.rules.rule import Draft, Evidence, hysteresis, scored, tidy
from pipeline.rules.section import CandidatesSettings
from pipeline.rules.talk import spoken_s
from pipeline.spans import runs
from pipeline.stages import candidates
from pipeline.timeline import log_duration, robust_z
from tests.made import report as made

SETTINGS = CandidatesSettings()
R4, R6 = LateRepliesSettings(), SeveralCuesSettings()
CUE_RULES = [rule.id for rule in RULES if not rule.is_rating]
WEIGHTS = {"R4": 0.9, "R6": 1.0}
SIGNS = {cue.column.name: cue.sign or 1 for cue in CUES}
CUED = [cue.column.name for cue in (*CUES, *NODS)]
LATENCY, RATE, PAUSE, GAZE, STARE, BLINK, BLINK_LISTENING, MOTION, NOD, NOD_FAST = CUED
SEEN = (GAZE, STARE, BLINK, BLINK_LISTENING, MOTION, NOD, NOD_FAST)


def flags(text: str) -> list[bool]:
    return [c == "1" for c in text]


def draft(rule: str, start: float, end: float, z: float, quality: str = "ok") -> Draft:
    evidence = Evidence("client_pause_prop", start, 0.5, 0.2, z, "1", quality)
    return scored(Draft(rule, start, end, "client", "t", (evidence,)), WEIGHTS[rule])


# ---- hysteresis, runs, tidying -------------------------------------------------------------


def test_hysteresis_enters_at_and_leaves_under_its_thresholds() -> None:
    z = np.array([1.0, 1.49, 1.5, 1.2, 1.0, 0.99, 1.4, 2.0, np.nan, 1.2])
    assert hysteresis(z, 1.5, 1.0).tolist() == flags("0011100100")


def test_hysteresis_starts_off_and_works_along_the_last_axis() -> None:
    z = np.array([[1.2, 1.2, 1.6, 1.2], [1.5, 0.0, 1.2, 1.2], [np.nan] * 4])
    assert hysteresis(z, 1.5, 1.0).tolist() == [flags("0011"), flags("1000"), flags("0000")]


def test_runs_have_the_least_length() -> None:
    assert runs(np.array(flags("1101110111")), 3) == [(3, 6), (7, 10)]
    assert runs(np.zeros(0, dtype=bool), 3) == []


def test_tidy_merges_at_30_s_drops_under_10_s_cuts_at_180_s() -> None:
    near, far = [(200.0, 240.0), (270.0, 310.0)], [(400.0, 440.0), (470.1, 510.0)]
    assert tidy(near + far, SETTINGS) == [(200.0, 310.0), *far]
    assert tidy([(0.0, 9.9), (50.0, 60.0)], SETTINGS) == [(50.0, 60.0)]
    assert tidy([(0.0, 181.0)], SETTINGS) == [(0.0, 180.0)]


# ---- budget and order ----------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "most"), [(0.2, 3), (0.75, 5), (5 / 6, 5), (1.0, 6), (1.5, 9)])
def test_budget(hours: float, most: int) -> None:
    assert budget(hours * 3600, SETTINGS) == most


def test_score_caps_z_and_halves_degraded_numbers() -> None:
    assert draft("R6", 0, 40, -9.0).score == pytest.approx(4.0)
    assert draft("R4", 0, 40, 2.0, "degraded").score == pytest.approx(0.9)


def test_at_most_two_of_a_rule_and_ties_to_the_earliest() -> None:
    drafts = [draft("R6", start, start + 40, 2.0) for start in (900.0, 300.0, 600.0)]
    assert [(d.start_s, d.rank) for d in select(drafts, 3600, SETTINGS)] == [(300, 1), (600, 2)]


def test_the_second_of_a_rule_counts_less() -> None:
    # the second R6, 3.0 * 0.7 = 2.1, falls behind R4, 2.5 * 0.9 = 2.25
    drafts = [draft("R6", 300, 340, 4.0), draft("R6", 600, 640, 3.0), draft("R4", 900, 940, 2.5)]
    assert [d.start_s for d in select(drafts, 3600, SETTINGS)] == [300, 900, 600]


def test_overlap_of_more_than_30_percent_of_the_shorter_is_refused() -> None:
    drafts = [draft("R6", 300, 400, 4.0), draft("R4", 370, 470, 3.0), draft("R4", 369, 469, 2.0)]
    assert [d.start_s for d in select(drafts, 3600, SETTINGS)] == [300, 370]
    assert len(select([drafts[0], drafts[2]], 3600, SETTINGS)) == 1


def test_the_budget_binds() -> None:
    many = CandidatesSettings(per_rule=9)
    drafts = [draft("R6", 200.0 * i, 200.0 * i + 40, 2.0) for i in range(9)]
    assert len(select(drafts, 600, many)) == 3


# ---- R1, R2 --------------------------------------------------------------------------------


def segment(kind: str, **changes: Any) -> RatedSegment:
    values: dict[str, Any] = {
        "rater": "client", "kind": kind, "rank": 1, "start_s": 30.0, "end_s": 60.0, "mean": 40.0,
        "median": 55.0, "depth_madn": 2.5, "label": "hindering", "low_confidence": False,
    }  # fmt: skip
    return RatedSegment(**(values | changes))


def test_rated_segments_keep_span_rank_and_sign() -> None:
    both = [segment("low", rank=2), segment("high", rater="therapist", label="helpful", mean=80.0)]
    (low,), (high,) = rated_segments(both, "low", "R1"), rated_segments(both, "high", "R2")
    assert (low.rule, high.rule, low.who, high.who) == ("R1", "R2", "client", "therapist")
    assert low.title == "Client's second-lowest-rated stretch (hindering)"
    assert high.title == "Therapist's highest-rated stretch (helpful)"
    assert (low.evidence[0].z, high.evidence[0].z) == (-2.5, 2.5)
    assert (low.score, low.rank, low.span) == (2.5, 2, (30.0, 60.0))
    assert low.evidence[0].feature in tables.WINDOWS.by_name


def test_low_confidence() -> None:
    segments = [segment("low", low_confidence=True), segment("high")]
    doubtful = rated_segments(segments, "low", "R1")
    assert [d.rule for d in doubtful] == ["R1"]
    assert doubtful[0].low_confidence


# ---- R4 ------------------------------------------------------------------------------------


def replies(latency: list[float], z: list[float], step_s: float = 40.0) -> Replies:
    start: Any = 200.0 + step_s * np.arange(len(latency))
    none = np.zeros(len(latency), dtype=bool)
    return Replies(start, np.array(latency), np.array(z), none)


def test_late_needs_all_three_conditions() -> None:
    planted = replies(
        [1.0, 1.0, 1.0, 2.0, 2.0, 1.9, 3.0, np.nan], [0, 0, 0, 1.5, 1.4, 2, np.nan, 2]
    )
    assert usual_s(planted, SETTINGS) == pytest.approx(1.9)
    assert not late(planted, SETTINGS, R4).any()  # 2.0 is only 0.1 s over the median
    usual = replies([1.0] * 9 + [2.0, 2.0, 1.9], [0.0] * 9 + [1.5, 1.4, 2.0])
    assert np.flatnonzero(late(usual, SETTINGS, R4)).tolist() == [9]


def test_usual_leaves_out_what_the_z_leave_out() -> None:
    planted = replies([9.0] * 12 + [0.8] * 9, [0.0] * 21, step_s=40.0)
    early = Replies(planted.start_s - 560, planted.latency_s, planted.z, planted.degraded)
    assert usual_s(early, SETTINGS) == pytest.approx(0.8)
    rng = np.random.default_rng(5)
    value = np.concatenate([np.full(40, 90.0), rng.uniform(5, 30, 61)])
    baseline = np.arange(101) >= 40
    for scale in (value, log_duration(value)):
        z = robust_z(scale, baseline).astype(np.float32)
        usual = usual_values(value, z)
        assert usual == pytest.approx(np.full(101, np.median(value[baseline])), rel=1e-4)
    assert np.isnan(usual_values(value, np.full(101, np.nan))).all()


def test_usual_is_that_of_the_windows_own_state() -> None:
    rng = np.random.default_rng(6)
    speaking = np.arange(200) % 2 == 1
    value = np.where(speaking, 10.0, 2.0) + rng.normal(0, 1, 200)
    z = np.full(200, np.nan)
    for state in (False, True):
        here = speaking == state
        z[here] = robust_z(value[here], np.ones(100, bool))
    usual = usual_values(value, z, speaking.astype(np.float64))
    for state in (False, True):
        here = speaking == state
        assert usual[here] == pytest.approx(np.full(100, np.median(value[here])), rel=1e-3)


def test_three_late_of_five_fire_with_their_evidence() -> None:
    latency, z = [0.8] * 12, [0.0] * 12
    for i in (4, 6, 8):
        latency[i], z[i] = 3.5, 2.5
    (found,) = late_reply_runs(replies(latency, z), SETTINGS, R4)
    assert found.span == pytest.approx((360 - 3.5, 520.0))
    assert [e.t_s for e in found.evidence] == [360.0, 440.0, 520.0]
    assert {e.usual for e in found.evidence} == {0.8}
    assert found.score == pytest.approx(3 * 2.5 * 0.9)


@pytest.mark.parametrize("case", ["two of five", "too far apart", "before 120 s", "z missing"])
def test_late_replies_that_do_not_fire(case: str) -> None:
    latency, z = np.full(12, 0.8), np.zeros(12)
    chosen = [4, 8] if case == "two of five" else [4, 6, 8]
    latency[chosen], z[chosen] = 3.5, 2.5
    if case == "z missing":
        z[:] = np.nan
    planted = replies(list(latency), list(z), step_s=76.0 if case == "too far apart" else 40.0)
    if case == "before 120 s":
        planted = Replies(planted.start_s - 420, planted.latency_s, planted.z, planted.degraded)
    assert late_reply_runs(planted, SETTINGS, R4) == []


# ---- R6 ------------------------------------------------------------------------------------

N = 120


def cue_windows(z: dict[str, dict[int, float]], minimal: dict[int, float], **changes: Any) -> Any:
    start: Any = 5.0 * np.arange(N)
    scores = {name: np.zeros(N) for name in CUED} | {
        NOD: np.full(N, -1.0),
        NOD_FAST: np.full(N, -1.0),
    }
    for name, planted in z.items():
        for at, value in planted.items():
            scores[name][at] = value
    counts = np.zeros(N)
    counts[list(minimal)] = list(minimal.values())
    values = {name: 1.0 + scores[name] for name in CUED} | {MINIMAL.name: counts}
    none = np.zeros(N, dtype=bool)
    degraded = dict.fromkeys((*CUED, MINIMAL.name), none)
    usual = {name: usual_values(values[name], scores[name]) for name in CUED}
    given = {"minimal_reply": none, "usual": usual} | changes
    return CueWindows(start, start + 30, values, scores, degraded, **given)


def steps(first: int, last: int, value: float) -> dict[int, float]:
    return dict.fromkeys(range(first, last + 1), value)


QUESTIONS = np.array([260.0])


def test_three_families_for_three_windows_after_a_question_fire() -> None:
    planted = cue_windows(
        {LATENCY: steps(50, 52, 1.6), PAUSE: steps(50, 52, 3.0), GAZE: steps(50, 52, -2.0)}, {}
    )
    (found,) = several_cues(planted, QUESTIONS, SETTINGS, R6)
    assert found.span == (250.0, 290.0)
    assert found.title == "Several cues changed together — worth a look"
    assert {e.feature: e.z for e in found.evidence} == {LATENCY: 1.6, PAUSE: 3.0, GAZE: -2.0}
    assert {e.usual for e in found.evidence} == {1.0}
    assert found.score == pytest.approx(6.6)


def test_hysteresis_bridges_a_dip_to_1_but_not_below() -> None:
    shared = {LATENCY: steps(50, 52, 2.0), GAZE: steps(50, 52, -2.0)}
    bridged = cue_windows(shared | {PAUSE: {50: 1.5, 51: 1.0, 52: 1.0}}, {})
    broken = cue_windows(shared | {PAUSE: {50: 1.5, 51: 0.99, 52: 1.5}}, {})
    assert len(several_cues(bridged, QUESTIONS, SETTINGS, R6)) == 1
    assert several_cues(broken, QUESTIONS, SETTINGS, R6) == []


@pytest.mark.parametrize(
    ("z", "minimal"),
    [
        ({LATENCY: steps(50, 51, 2), PAUSE: steps(50, 51, 2), GAZE: steps(50, 51, -2)}, {}),
        ({LATENCY: steps(50, 55, 2), PAUSE: steps(50, 55, 2)}, {}),
        ({BLINK: steps(50, 55, 3), GAZE: steps(50, 55, -2)}, {}),
        ({LATENCY: steps(50, 55, 2), BLINK: steps(50, 55, 1.9), GAZE: steps(50, 55, 2)}, {}),
        ({LATENCY: steps(50, 55, np.nan), PAUSE: steps(50, 55, 2), GAZE: steps(50, 55, -2)}, {}),
        ({LATENCY: steps(10, 20, 2), PAUSE: steps(10, 20, 2), GAZE: steps(10, 20, -2)}, {}),
    ],
    ids=["two windows", "two families", "one core family", "wrong sides", "absent", "too early"],
)
def test_conjunctions_that_do_not_fire(z: Any, minimal: dict[int, float]) -> None:
    assert several_cues(cue_windows(z, minimal), np.arange(0.0, 600, 20), SETTINGS, R6) == []


@pytest.mark.parametrize(("question_s", "fires"), [(189.9, 0), (190.0, 1), (279.9, 1), (280.0, 0)])
def test_the_first_cue_lies_within_60_s_after_a_question(question_s: float, fires: int) -> None:
    planted = cue_windows(
        {LATENCY: steps(50, 52, 2), PAUSE: steps(50, 52, 2), GAZE: steps(50, 52, -2)}, {}
    )
    assert len(several_cues(planted, np.array([question_s]), SETTINGS, R6)) == fires
    assert several_cues(planted, np.array([]), SETTINGS, R6) == []


def test_audio_only_needs_late_reply_slow_speech_and_short_replies() -> None:
    unseen = {name: steps(0, N - 1, np.nan) for name in SEEN}
    heard = unseen | {LATENCY: steps(50, 52, 2), RATE: steps(50, 52, -2)}
    assert several_cues(cue_windows(heard, {}), QUESTIONS, SETTINGS, R6) == []
    (found,) = several_cues(cue_windows(heard, steps(50, 52, 2)), QUESTIONS, SETTINGS, R6)
    assert {e.feature for e in found.evidence} == {LATENCY, RATE, MINIMAL.name}


def test_every_family_that_counts_is_in_the_evidence() -> None:
    """Blinking entered at 2 and held at 1.6: it counts, so it is shown."""
    z = {LATENCY: steps(50, 53, 2), GAZE: steps(51, 53, -2), BLINK: {48: 2.0} | steps(49, 53, -1.6)}
    (found,) = several_cues(cue_windows(z, {}), QUESTIONS, SETTINGS, R6)
    assert {e.feature for e in found.evidence} == {LATENCY, GAZE, BLINK}


def test_a_nod_counts_only_with_a_minimal_reply() -> None:
    z = {PAUSE: steps(50, 54, 2), STARE: steps(50, 54, 2), NOD: steps(50, 54, 0.0)}
    starts = np.isin(np.arange(N), range(50, 55))
    assert several_cues(cue_windows(z, {}), QUESTIONS, SETTINGS, R6) == []
    (found,) = several_cues(cue_windows(z, {}, minimal_reply=starts), QUESTIONS, SETTINGS, R6)
    assert found.evidence[-1].feature == NOD


def test_only_long_silences_after_questions_count() -> None:
    usual = np.tile([0.6, 0.8, 1.0, 1.3], 6)
    spans = [(100.0, 106.0), (200.0, 206.0), (300.0, 302.9)]
    found = silences_after_questions(spans, np.array([100.2, 299.9]), usual, SETTINGS, R6)
    assert [s.start_s for s in found] == [100.0]
    assert found[0].usual_s == pytest.approx(0.9, abs=0.03)
    assert silences_after_questions(spans, np.array([100.2]), usual[:19], SETTINGS, R6) == ()


def test_a_long_silence_alone_turns_family_a_on() -> None:
    usual = np.tile([0.6, 0.8, 1.0, 1.3], 6)
    silences = silences_after_questions([(262.0, 270.0)], np.array([262.0]), usual, SETTINGS, R6)
    z = {LATENCY: steps(0, N - 1, np.nan), PAUSE: steps(48, 54, 2), GAZE: steps(48, 54, -2)}
    (found,) = several_cues(cue_windows(z, {}, silences=silences), QUESTIONS, SETTINGS, R6)
    assert "silence_max_s" in {e.feature for e in found.evidence}


def test_face_motion_counts_either_way() -> None:
    for sign in (2.0, -2.0):
        z = {LATENCY: steps(50, 53, 2), GAZE: steps(50, 53, -2), MOTION: steps(50, 53, sign)}
        (found,) = several_cues(cue_windows(z, {}), QUESTIONS, SETTINGS, R6)
        assert {e.feature: e.z for e in found.evidence}[MOTION] == sign


def test_travel_under_its_limit_is_evidence_of_at_most_that() -> None:
    z = {LATENCY: steps(50, 53, 2), PAUSE: steps(50, 53, 2), GAZE: steps(50, 53, -2)}
    at_most = {GAZE: np.isin(np.arange(N), range(50, 54))}
    (found,) = several_cues(cue_windows(z, {}, at_most=at_most), QUESTIONS, SETTINGS, R6)
    assert {e.feature: e.at_most for e in found.evidence} == {
        LATENCY: False, PAUSE: False, GAZE: True,
    }  # fmt: skip
    assert {e.quality for e in found.evidence} == {"ok"}


# ---- chance (oracle 14) --------------------------------------------------------------------


def noise(rng: np.random.Generator, sessions: int, n: int, shared: float) -> dict[str, Any]:
    """Cues without meaning: smooth over a window's 6 hops, correlated towards their marked side."""
    common = rng.standard_normal((sessions, n + 5))
    made = {}
    for name in CUED:
        own = rng.standard_normal((sessions, n + 5))
        mixed = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
        smooth = np.lib.stride_tricks.sliding_window_view(mixed, 6, axis=1).sum(-1) / np.sqrt(6)
        made[name] = SIGNS.get(name, 1) * smooth
    return made


def null_counts(shared: float, *, seen: bool = True) -> tuple[float, float]:
    """Mean number of R6 moments per 50-minute session of noise, before and within the budget."""
    rng = np.random.default_rng(14)
    sessions, n = 60, 595
    start: Any = 5.0 * np.arange(n)
    z = noise(rng, sessions, n, shared)
    for name in () if seen else SEEN:
        z[name][:] = np.nan
    # replies to open questions every 90 s, 12.5 % of them of at most 3 words (METHODS: Words)
    short = (rng.random((sessions, 36)) < 0.125).astype(float)
    last3 = np.lib.stride_tricks.sliding_window_view(short, 3, axis=1).sum(-1)
    minimal = last3[:, np.minimum(n // 18, (start // 90).astype(int))]
    none = np.zeros(n, dtype=bool)
    found = []
    for s in range(sessions):
        values = {name: z[name][s] for name in CUED} | {MINIMAL.name: minimal[s]}
        scores = {name: z[name][s] for name in CUED}
        degraded = dict.fromkeys(values, none)
        planted = CueWindows(start, start + 30, values, scores, degraded, rng.random(n) < 0.2)
        found.append(several_cues(planted, np.arange(20.0, 3000, 40), SETTINGS, R6))
    kept = [len(select(drafts, 3000, SETTINGS)) for drafts in found]
    return float(np.mean([len(drafts) for drafts in found])), float(np.mean(kept))


@pytest.mark.parametrize(
    ("shared", "seen", "most"), [(0.0, True, 2.0), (0.0, False, 0.5), (0.3, False, 0.5)]
)
def test_sessions_of_noise_give_at_most_two_moments(shared: float, seen: bool, most: float) -> None:
    before, within = null_counts(shared, seen=seen)
    assert within <= before <= most


def test_cues_that_vary_together_by_chance_cost_more() -> None:
    """What the report says of R6: 3 by chance when all cues share r = .3, at most 2 shown."""
    before, within = null_counts(0.3, seen=True)
    assert 2.5 < before < 3.5
    assert within < 2.0


def test_families_are_computed_for_many_sessions_at_once() -> None:
    z = noise(np.random.default_rng(0), 3, 50, 0.0)
    none = np.zeros((3, 50), dtype=bool)
    mask = together(families_on(z, np.full((3, 50), 3.0), ~none, none, SETTINGS), R6)
    for s in range(3):
        one = {name: z[name][s] for name in CUED}
        on = families_on(one, np.full(50, 3.0), ~none[s], none[s], SETTINGS)
        assert np.array_equal(mask[s], together(on, R6))
    assert mask.any()


def test_late_replies_of_noise_are_rare() -> None:
    rng = np.random.default_rng(4)
    counts = []
    for _ in range(60):
        latency = np.exp(rng.normal(np.log(1.2), 0.6, 70))
        z = robust_z(log_duration(latency), np.ones(70, dtype=bool))
        none = np.zeros(70, dtype=bool)
        start: Any = 130 + 41.0 * np.arange(70)
        made = Replies(start, latency, z, none)
        counts.append(len(late_reply_runs(made, SETTINGS, R4)))
    assert 0.05 < np.mean(counts) < 0.4  # the report says 0.2 per 50 minutes


# ---- the stage -----------------------------------------------------------------------------


def stage_tables(**given: Any) -> Any:
    return candidates.run(inputs(**given), None, SETTINGS).tables


def inputs(**given: Any) -> Any:
    empty = {name: tables.TABLES[name].empty() for name in candidates.STAGE.reads}
    session = {
        "session_id": "s-1", "dyad_id": "D1", "session_number": 1, "client_id": "C", "date": None,
        "therapist_id": "T", "capture": "in_room", "duration_s": 3000.0, "made_up": "",
    }  # fmt: skip
    empty["sessions"] = tables.SESSIONS.build_rows([session])
    return SimpleNamespace(spec=SimpleNamespace(id="s-1"), tables=empty | given)


def turn(i: int, role: str, start: float, end: float, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(tables.TURNS.by_name)
    row |= {"session_id": "s-1", "turn_id": i, "role": role, "start_s": start, "end_s": end}
    row |= {"speaker": int(role == "client"), "is_backchannel": False, "takes_floor": True}
    return row | changes


def asked_and_answered(pairs: int, late_at: set[int], step_s: float = 40.0) -> list[dict[str, Any]]:
    rows = []
    for i in range(pairs):
        asked, wait = 10 + step_s * i, 3.5 if i in late_at else 0.8
        question = {"is_question": True, "question_end_s": asked + 5}
        rows.append(turn(2 * i, "therapist", asked, asked + 5, **question))
        reply = {
            "answers_turn_id": 2 * i, "response_latency_s": wait,
            "response_latency_z": 3.0 if i in late_at else 0.0, "reply_minimal": False,
        }  # fmt: skip
        rows.append(turn(2 * i + 1, "client", asked + 5 + wait, asked + 30, **reply))
    return rows


def not_applied(**given: Any) -> dict[str, str | None]:
    rows = stage_tables(**given)["rules"].to_pylist()
    assert [row["rule"] for row in rows] == [rule.id for rule in RULES]
    return {row["rule"]: row["reason"] for row in rows if not row["is_applied"]}


def test_rules_say_why_they_were_not_applied() -> None:
    asked = asked_and_answered(40, set())
    mute = [row | {"is_question": None} for row in asked]
    unknown = [row | {"role": "unknown"} for row in asked]
    fresh = [row | {"response_latency_z": None} for row in asked]
    dials = {"R1": "no_dial", "R2": "no_dial", "R3": "no_dial"}
    unseen = {"R7": "not_measured", "R9": "no_transcript"}
    lost = dict.fromkeys(("R6", "R8"), "not_measured")
    for turns, because in (
        ([], dict.fromkeys(CUE_RULES, "no_speech")),
        (asked[:20], dict.fromkeys(CUE_RULES, "too_short")),
        (unknown, dict.fromkeys(CUE_RULES, "no_role")),
        (mute, dict.fromkeys(("R4", "R5", "R6"), "no_transcript") | unseen),
        ([row for row in asked if row["role"] == "client"], dict.fromkeys(CUE_RULES, "no_role")),
        (fresh, dict.fromkeys(("R4", "R5"), "few_samples") | lost | unseen),
    ):
        found = not_applied(turns=tables.TURNS.build_rows(turns))
        assert found == dials | because


def test_a_rule_that_finds_nothing_was_applied() -> None:
    everything = made.inputs().tables
    given = {name: everything[name] for name in candidates.STAGE.reads}
    assert not_applied(**given) == {}
    unseen = [row | {f"{name}_z": None for name in SEEN} for row in given["windows"].to_pylist()]
    assert not_applied(**given | {"windows": tables.WINDOWS.build_rows(unseen)}) == {}
    unread = [row | {"client_replies_minimal": None} for row in unseen]
    lost = not_applied(**given | {"windows": tables.WINDOWS.build_rows(unread)})
    assert lost == {"R6": "not_measured"}


def test_nothing_upstream_gives_nothing() -> None:
    made = stage_tables()
    assert made["candidates"].num_rows == made["evidence"].num_rows == 0


def test_windows_under_the_noise_bring_their_limit_and_none_without_nods_counts() -> None:
    n = 40
    columns: dict[str, Any] = {name: [None] * n for name in tables.WINDOWS.by_name}
    columns |= {"session_id": ["s-1"] * n, "start_s": 5.0 * np.arange(n)}
    columns |= {"end_s": 5.0 * np.arange(n) + 30, "client_gaze_limit_dps": [2.6] * n}
    under = np.arange(n) < 10
    columns["client_gaze_path_rate_dps"] = np.where(under, np.nan, 8.0)
    columns["client_gaze_path_rate_dps_z"] = np.where(under, -2.5, 0.0)
    columns["client_gaze_path_rate_dps_reason"] = ["below_noise" if u else None for u in under]
    columns["client_nod_slow_pm"] = np.where(under, 0.0, 6.0)
    columns["client_nod_slow_pm_z"] = np.zeros(n)
    windows = gathering.cue_windows(
        tables.WINDOWS.build(columns), tables.TURNS.empty(), (), SETTINGS
    )
    assert windows.values[GAZE] == pytest.approx(np.where(under, 2.6, 8.0))
    assert windows.at_most[GAZE].tolist() == under.tolist()
    assert not windows.degraded[GAZE].any()
    assert np.isnan(windows.z[NOD]).tolist() == under.tolist()


def test_planted_late_replies_reach_the_tables() -> None:
    turns = tables.TURNS.build_rows(asked_and_answered(40, {10, 12, 13}))
    made = stage_tables(turns=turns)
    (row,) = made["candidates"].to_pylist()
    assert (row["rule"], row["candidate_id"], row["who"]) == ("R4", "R4-client-00415", "client")
    assert made["evidence"].column("feature").to_pylist() == ["response_latency_s"] * 3
    assert made["evidence"].column("unit").to_pylist() == ["s"] * 3


def test_short_recordings_keep_only_what_raters_said() -> None:
    turns = tables.TURNS.build_rows(asked_and_answered(14, {8, 9, 10}))
    segments = tables.RATING_SEGMENTS.build_rows([
        {"session_id": "s-1", "rater": rater, "kind": "low", "rank": 1, "start_s": 30.0, "label":
         "least helpful", "end_s": 60.0, "mean": 47.0, "depth_madn": 1.0, "low_confidence": False}
        for rater in ("client", "therapist")
    ])  # fmt: skip
    made = stage_tables(turns=turns, rating_segments=segments)["candidates"].to_pylist()
    assert [(row["rule"], row["who"]) for row in made] == [("R1", "client"), ("R1", "therapist")]
    assert spoken_s(turns) < SETTINGS.minimum_audio_s


def test_same_input_same_tables() -> None:
    turns = tables.TURNS.build_rows(asked_and_answered(40, {10, 12, 13}))
    one, two = (stage_tables(turns=turns) for _ in range(2))
    assert one["candidates"].equals(two["candidates"])
    assert one["evidence"].equals(two["evidence"])
