"""The analysis windows against sessions whose every number is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline import tables
from pipeline.settings import AlignSettings
from pipeline.stage import Absence
from pipeline.stages.align import STAGE, run
from tests.made.faces import SPEC, inputs

DURATION_S = 900.0
SEEN = ("gaze", "stare", "head", "blink", "nod", "eye_closure", "face_motion", "mea")
SETTINGS = AlignSettings()


def blank(table: str, **values: Any) -> dict[str, Any]:
    row = dict.fromkeys(tables.TABLES[table].by_name)
    return row | {"session_id": SPEC["id"]} | values


def build(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    return tables.TABLES[table].build_rows([blank(table, **row) for row in rows])


def session(duration_s: float = DURATION_S) -> dict[str, pa.Table]:
    """A session of which nothing is known but its length."""
    given = {name: tables.TABLES[name].empty() for name in STAGE.reads}
    facts = {"dyad_id": "D", "client_id": "C", "therapist_id": "T", "duration_s": duration_s}
    return given | {"sessions": build("sessions", [facts])}


def voices(spans: list[tuple[float, float, int]]) -> dict[str, pa.Table]:
    """Diarization and roles: voice 0 is the therapist, voice 1 the client."""
    rows = [{"start_s": a, "end_s": b, "speaker": who, "exclusive": False} for a, b, who in spans]
    named = [
        {"speaker": who, "role": role, "confidence": 1.0, "method": "channel"}
        for who, role in enumerate(("therapist", "client"))
    ]
    return {"diarization": build("diarization", rows), "roles": build("roles", named)}


def alternating(duration_s: float = DURATION_S) -> dict[str, pa.Table]:
    """Therapist 10 s, client 5 s, again and again."""
    spans = []
    for start in np.arange(0, duration_s, 15.0):
        spans += [(start, start + 10, 0), (start + 10, start + 15, 1)]
    return voices(spans)


def face_frames(t_s: np.ndarray, gaze: np.ndarray, **columns: Any) -> dict[str, pa.Table]:
    """The client's frames: frontal and fully measured unless `columns` say otherwise."""
    n = len(t_s)
    values: dict[str, Any] = dict.fromkeys(tables.FACE_FRAMES.by_name, [0.3] * n)
    values |= {name: [True] * n for name in ("face_present", "face_valid")}
    values |= {name: [True] * n for name in ("blinks_sought", "nods_sought")}
    values |= {"session_id": [SPEC["id"]] * n, "role": ["client"] * n, "media": [0] * n}
    values |= {"frame_index": list(range(n)), "media_pts_s": t_s, "t_s": t_s}
    values |= {"head_speed_reason": [None] * n, "head_speed_dps": np.full(n, 2.0)}
    values |= {"gaze_yaw_deg": gaze[:, 0], "gaze_pitch_deg": gaze[:, 1], "reason": [None] * n}
    return {"face_frames": tables.FACE_FRAMES.build(values | columns)}


def aligned(*parts: dict[str, pa.Table], duration_s: float = DURATION_S, absences=()):
    upstream = session(duration_s)
    for part in parts:
        upstream |= part
    outputs = run(inputs(upstream, absences=absences), None, SETTINGS)
    for name, table in outputs.tables.items():
        tables.TABLES[name].check(table)
    return outputs


def column(outputs, name: str) -> list:
    return outputs.tables["windows"].column(name).to_pylist()


def feature(outputs, name: str) -> dict[str, Any]:
    rows = outputs.tables["session_features"].to_pylist()
    return next(row for row in rows if row["feature"] == name)


def test_an_empty_session_has_windows_that_say_why() -> None:
    absences = (
        Absence("audio", "no_weights", "."), Absence("video", "no_consent", "."),
    )  # fmt: skip
    outputs = aligned(absences=absences)
    assert column(outputs, "start_s")[:3] == [0, 5, 10]
    assert column(outputs, "end_s")[-1] == DURATION_S
    for cue in tables.WINDOW_CUES:
        assert set(column(outputs, cue.name)) == {None}
        seen = any(part in cue.name for part in SEEN)
        expected = "no_consent" if seen else "no_weights"
        assert set(column(outputs, f"{cue.name}_reason")) == {expected}
    assert set(column(outputs, "silence_max_s")) == {None}


@pytest.mark.parametrize(("duration_s", "count"), [(0.0, 0), (12.0, 1), (30.0, 1), (44.9, 3)])
def test_grid_of_short_sessions(duration_s: float, count: int) -> None:
    outputs = aligned(duration_s=duration_s)
    assert outputs.tables["windows"].num_rows == count


def test_talk_is_exact_and_overlap_counts_for_both() -> None:
    outputs = aligned(alternating())
    assert column(outputs, "talk_ratio_therapist") == pytest.approx([2 / 3] * 175, abs=1e-6)
    assert column(outputs, "client_speech_s") == pytest.approx([10.0] * 175)
    both = aligned(voices([(0, 20, 0), (10, 30, 1)]), duration_s=30.0)
    assert column(both, "talk_ratio_therapist") == [0.5]
    assert feature(both, "overlap_s")["value"] == 10.0


def test_five_minutes_around_hold_talk_share_and_changes_of_the_floor() -> None:
    spans = [(t, t + 10.0, 0) for t in np.arange(0, 450, 15.0)]
    spans += [(t + 10.0, t + 15.0, 1) for t in np.arange(0, 450, 15.0)]
    spans += [(t, t + 10.0, 1) for t in np.arange(450, 900, 10.0)]
    rows = [
        {"start_s": a, "end_s": b, "speaker": s, "role": ("therapist", "client")[s]}
        for a, b, s in sorted(spans)
    ]
    outputs = aligned(voices(spans), turns(rows))
    ratio, rate = column(outputs, "talk_ratio_therapist_5min"), column(outputs, "turns_per_min")
    assert ratio[:20] == pytest.approx([2 / 3] * 20, abs=0.02)
    assert ratio[-20:] == [0.0] * 20
    assert rate[30] == pytest.approx(8.0)  # a change every 10 and 5 s
    assert rate[-20:] == [0.0] * 20
    assert set(column(aligned(), "turns_per_min")) == {None}


def test_unknown_roles_take_away_what_needs_them() -> None:
    parts = alternating()
    unknown = [
        {"speaker": who, "role": "unknown", "method": "none", "confidence": 0.5} for who in (0, 1)
    ]
    frames = face_frames(np.arange(0, DURATION_S, 0.04), np.zeros((22500, 2)))
    outputs = aligned(parts, {"roles": build("roles", unknown)}, frames)
    assert set(column(outputs, "client_speech_s")) == {None}
    assert set(column(outputs, "client_gaze_path_rate_dps_reason")) == {"no_role"}
    assert None not in column(outputs, "client_head_speed_dps")
    assert feature(outputs, "therapist_speech_prop")["reason"] == "no_role"


def test_silences_and_events() -> None:
    silences = build("silences", [{"start_s": 28.0, "end_s": 40.0}, {"start_s": 200, "end_s": 204}])
    blinks = [{"kind": "blink", "start_s": t, "end_s": t + 0.2, "role": "client"} for t in (5, 30)]
    given = {"silences": silences, "face_events": build("face_events", blinks)}
    outputs = aligned(alternating(), given)
    longest = column(outputs, "silence_max_s")
    assert longest[:10] == [12.0] * 8 + [0.0] * 2
    kinds = [(row["kind"], row["start_s"]) for row in outputs.tables["events"].to_pylist()]
    assert kinds == [("blink", 5), ("silence", 28), ("blink", 30), ("silence", 200)]
    assert feature(outputs, "silence_longest_s")["value"] == 12.0


def turns(rows: list[dict[str, Any]]) -> dict[str, pa.Table]:
    plain = {"speaker": 1, "role": "client", "is_backchannel": False, "is_question": False}
    plain |= {"takes_floor": True}
    listed = [plain | {"turn_id": i} | row for i, row in enumerate(rows)]
    return {"turns": build("turns", listed)}


def asked(start_s: float, turn_id: int, latency_s: float, *, minimal=False, agreeing=False, **own):
    """A question of 2 s and its reply."""
    question = {
        "start_s": start_s, "end_s": start_s + 2, "speaker": 0, "role": "therapist",
        "is_question": True, "question_type": "open", "turn_id": turn_id,
        "question_end_s": start_s + 2,
    }  # fmt: skip
    at = start_s + 2 + latency_s
    reply = {
        "start_s": at, "end_s": at + 4, "answers_turn_id": turn_id, "turn_id": turn_id + 1,
        "response_latency_s": latency_s, "reply_minimal": minimal, "reply_agreeing": agreeing,
    }  # fmt: skip
    return [question, reply | own]


def test_replies_are_placed_by_their_start() -> None:
    rows = asked(40, 0, 1.0) + asked(50, 2, 3.0, minimal=True) + asked(60, 4, 0.5, agreeing=True)
    outputs = aligned(alternating(), turns(rows))
    latency, start_s = column(outputs, "client_response_latency_s"), column(outputs, "start_s")
    assert latency[start_s.index(15)] == 1.0
    assert latency[start_s.index(30)] == 3.0
    assert latency[start_s.index(60)] == 0.5
    assert latency[start_s.index(65)] is None
    assert column(outputs, "client_response_latency_s_reason")[start_s.index(65)] == "no_question"
    assert column(outputs, "question_count")[start_s.index(30)] == 2
    minimal = column(outputs, "client_replies_minimal")
    assert minimal[start_s.index(30)] is None
    assert minimal[start_s.index(35)] == 2


def test_a_window_shows_the_z_of_the_reply_it_shows() -> None:
    """Windows of one reply do not count it six times; what degrades the turn degrades them."""
    rows = asked(200, 0, 1.0, response_latency_z=0.5)
    rows += asked(215, 2, 3.0, response_latency_z=2.5, response_latency_reason="remote_delay")
    rows += asked(400, 4, 0.6, response_latency_reason="few_samples")
    outputs = aligned(alternating(), turns(rows))
    start_s, z = column(outputs, "start_s"), column(outputs, "client_response_latency_s_z")
    reason = column(outputs, "client_response_latency_s_reason")
    shown = {t: (z[start_s.index(t)], reason[start_s.index(t)]) for t in (175, 200, 380, 300)}
    assert shown == {
        175: (0.5, None),
        200: (2.5, "remote_delay"),
        380: (None, "few_samples"),
        300: (None, "no_question"),
    }


def test_blink_baselines_are_spans_every_half_minute_after_the_first_two_minutes() -> None:
    """The rate spans 180 s: windows that start before 195 s have seen the time left out."""
    t_s = np.arange(0, DURATION_S, 0.04)
    rng = np.random.default_rng(6)
    at = np.sort(np.concatenate([rng.uniform(0, 120, 200), rng.uniform(120, DURATION_S, 160)]))
    rows = [{"kind": "blink", "start_s": t, "end_s": t + 0.1, "role": "client"} for t in at]
    outputs = aligned(
        alternating(),
        face_frames(t_s, np.zeros((len(t_s), 2))),
        {"face_events": build("face_events", rows)},
    )
    name, start_s = "client_blink_rate_listening_pm", np.array(column(outputs, "start_s"))
    rate, z = (np.array(column(outputs, f"{name}{end}"), float) for end in ("", "_z"))
    usual = rate[(start_s >= 195) & (start_s <= 795) & (start_s % 30 == 0)]
    assert len(usual) == 20
    scale = 1.4826 * np.median(np.abs(usual - np.median(usual)))
    assert z == pytest.approx((rate - np.median(usual)) / scale, rel=1e-3, abs=1e-3)


def test_what_the_client_does_is_compared_with_the_same_state() -> None:
    """Twice as fast a head while speaking: in half-minutes of each, nothing is unusual."""
    spans = [(t, t + 60.0, 1) for t in np.arange(60, DURATION_S, 120.0)]
    t_s = np.arange(0, DURATION_S, 0.04)
    rng = np.random.default_rng(3)
    speed = np.where((t_s // 60) % 2 == 1, 8.0, 4.0) * rng.lognormal(0, 0.2, len(t_s))
    frames = face_frames(t_s, np.zeros((len(t_s), 2)), head_speed_dps=speed)
    outputs = aligned(voices(spans), frames)
    start_s = np.array(column(outputs, "start_s"))
    z = np.array(column(outputs, "client_head_speed_dps_z"), float)
    whole = (start_s % 60 <= 30) & (start_s >= 120)
    assert np.nanmax(np.abs(z[whole])) < 4
    unknown = aligned({"face_frames": frames["face_frames"]}, absences=(
        Absence("audio", "no_weights", "."),))  # fmt: skip
    assert set(column(unknown, "client_head_speed_dps_reason")) == {"no_baseline"}
    assert None not in column(unknown, "client_head_speed_dps")


def test_gaze_under_the_noise_is_null_and_its_z_is_that_of_the_limit() -> None:
    """Looks of 8 deg every 2 s but for one still minute, with noise of SD 0.4 deg."""
    rng = np.random.default_rng(4)
    t_s = np.arange(0, DURATION_S, 1 / 30)
    looks = np.where(
        (t_s >= 400) & (t_s < 460), 0.0, rng.uniform(6, 10, 450)[(t_s // 2).astype(int)]
    )
    gaze = np.column_stack([looks * ((t_s // 2) % 2), looks * 0]) + rng.normal(
        0, 0.4, (len(t_s), 2)
    )
    outputs = aligned(voices([(0, DURATION_S, 0)]), face_frames(t_s, gaze))
    name, inside = "client_gaze_path_rate_dps", column(outputs, "start_s").index(415)
    limit = column(outputs, "client_gaze_limit_dps")[inside]
    assert limit == pytest.approx(2 * feature(outputs, "client_gaze_floor_dps")["value"])
    assert column(outputs, name)[inside] is None
    assert column(outputs, f"{name}_reason")[inside] == "below_noise"
    value, z = (np.array(column(outputs, f"{name}{end}"), float) for end in ("", "_z"))
    compared = np.where(np.isnan(value), limit, value)[24:]
    scale = 1.4826 * np.median(np.abs(compared - np.median(compared)))
    assert z[inside] == pytest.approx((limit - np.median(compared)) / scale, rel=1e-3)
    assert z[inside] < -1.5


def test_what_does_not_take_the_floor_is_no_floor_turn() -> None:
    therapist = {"speaker": 0, "role": "therapist"}
    rows = [
        {"start_s": 0, "end_s": 30, **therapist},
        {"start_s": 10, "end_s": 12, "takes_floor": False},
        {"start_s": 31, "end_s": 60, **therapist},
        {"start_s": 61, "end_s": 90},
    ]
    outputs = aligned(alternating(), turns(rows))
    assert feature(outputs, "turn_count")["value"] == 3
    assert feature(outputs, "floor_changes_pm")["value"] == pytest.approx(1 / 1.5)
    assert feature(outputs, "therapist_hold_max_s")["value"] == 60


def test_a_question_counts_where_it_ends_not_where_its_turn_ends() -> None:
    question = {"start_s": 200, "end_s": 260, "speaker": 0, "role": "therapist"}
    question |= {"is_question": True, "question_type": "open", "question_end_s": 210.0}
    outputs = aligned(alternating(), turns([question]))
    counted, start_s = column(outputs, "question_count"), column(outputs, "start_s")
    assert (counted[start_s.index(195)], counted[start_s.index(240)]) == (1, 0)


def test_a_noisy_recording_says_so_in_every_window() -> None:
    given = slices(20, 5.0, [100.0])["prosody_slices"].to_pylist()
    none = dict.fromkeys(("syllables", "f0_median_hz", "f0_sd_st", "voiced_prop"))
    drowned = build("prosody_slices", [row | none | {"reason": "low_snr"} for row in given])
    outputs = aligned(alternating(), {"prosody_slices": drowned})
    for name in ("client_articulation_rate_sps", "client_f0_sd_st"):
        assert set(column(outputs, f"{name}_reason")) == {"low_snr"}


def test_pauses_inside_turns_only() -> None:
    """Each client turn of 10 s holds one pause of 2 s; gaps under 0.2 s are none."""
    spans, rows = [], []
    for i, start in enumerate(np.arange(0, DURATION_S, 15.0)):
        spans += [(start, start + 4, 1), (start + 4.1, start + 6, 1), (start + 8, start + 10, 1)]
        spans += [(start + 10, start + 15, 0)]
        rows.append({"start_s": start, "end_s": start + 10, "turn_id": i})
    outputs = aligned(voices(spans), turns(rows))
    assert column(outputs, "client_pause_prop") == pytest.approx([0.2] * 175, abs=1e-6)


def slices(
    syllables: int, phonation_s: float, f0_hz: list[float], role: str = "client"
) -> dict[str, pa.Table]:
    rows = [
        {
            "start_s": 10.0 * i, "end_s": 10.0 * i + 10, "role": role, "syllables": syllables,
            "phonation_s": phonation_s, "f0_median_hz": f0_hz[i % len(f0_hz)], "f0_sd_st": 2.0,
            "voiced_prop": 0.5,
        }
        for i in range(90)
    ]  # fmt: skip
    return {"prosody_slices": build("prosody_slices", rows)}


def test_rates_are_pooled_over_slices_that_are_too_short_alone() -> None:
    outputs = aligned(alternating(), slices(6, 1.5, [100.0]))
    assert column(outputs, "client_articulation_rate_sps") == pytest.approx([4.0] * 175)
    assert set(column(outputs, "client_articulation_rate_sps_reason")) == {"no_baseline"}
    few = aligned(alternating(), slices(2, 2.0, [100.0]))
    assert set(column(few, "client_articulation_rate_sps_reason")) == {"few_syllables"}


def test_both_people_are_measured() -> None:
    """Each client turn of 10 s holds one pause of 2 s, each therapist turn of 5 s none."""
    spans, rows = [], []
    for start in np.arange(0, DURATION_S, 15.0):
        spans += [(start, start + 4, 1), (start + 6, start + 10, 1), (start + 10, start + 15, 0)]
        rows.append({"start_s": start, "end_s": start + 10})
        rows.append({"start_s": start + 10, "end_s": start + 15, "speaker": 0, "role": "therapist"})
    heard = [
        slices(20, 5.0, [100.0])["prosody_slices"],
        slices(30, 5.0, [200.0, 200.0, 210.0], "therapist")["prosody_slices"],
    ]
    given = {"prosody_slices": pa.concat_tables(heard)}
    outputs = aligned(voices(spans), turns(rows), given)
    expected = {
        "client_articulation_rate_sps": 4.0, "client_speech_rate_sps": 3.2,
        "client_pause_prop": 0.2,
        "therapist_articulation_rate_sps": 6.0, "therapist_speech_rate_sps": 6.0,
        "therapist_pause_prop": 0.0,
    }  # fmt: skip
    for name, value in expected.items():
        assert column(outputs, name) == pytest.approx([value] * 175, abs=1e-5), name
        stem, _, unit = name.rpartition("_")
        assert feature(outputs, f"{stem}_median_{unit}")["value"] == pytest.approx(value, abs=1e-5)
    assert feature(outputs, "client_f0_median_hz")["value"] == 100.0
    assert feature(outputs, "therapist_f0_median_hz")["value"] == 200.0
    lacking = feature(aligned(voices(spans), turns(rows)), "client_f0_median_hz")
    assert (lacking["value"], lacking["reason"]) == (None, "no_speech")


def test_dials_are_means_and_divergence_is_off_the_own_medians() -> None:
    rows = [
        {"rater": rater, "t_s": float(t), "value_raw": 50.0, "value": base + (t >= 450) * step}
        for rater, base, step in (("client", 60.0, 20.0), ("therapist", 40.0, 0.0))
        for t in range(30, 900)
    ]
    outputs = aligned({"ratings": build("ratings", rows)})
    client = column(outputs, "dial_client")
    start_s = column(outputs, "start_s")
    assert client[start_s.index(10)] is None
    assert client[start_s.index(15)] == 60
    assert client[start_s.index(435)] == 70
    assert client[start_s.index(500)] == 80
    assert column(outputs, "dial_divergence")[start_s.index(100)] == pytest.approx(60 - 80)


def test_features_name_their_unit_and_explain_themselves() -> None:
    rows = aligned(alternating()).tables["session_features"].to_pylist()
    assert len({row["feature"] for row in rows}) == len(rows)
    for row in rows:
        assert row["description"].endswith(".")
        assert (row["value"] is None) == (row["reason"] is not None)
