"""The analysis windows against sessions whose every number is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made_faces import SPEC, inputs

from pipeline import tables
from pipeline.align import STAGE, run
from pipeline.settings import AlignSettings
from pipeline.stage import Absence

DURATION_S = 900.0
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
        seen = any(part in cue.name for part in ("gaze", "stare", "head", "blink", "nod"))
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
    assert feature(outputs, "talk_ratio_therapist")["reason"] == "no_role"


def test_silences_and_events() -> None:
    silences = build("silences", [{"start_s": 28.0, "end_s": 40.0}, {"start_s": 200, "end_s": 204}])
    blinks = [{"kind": "blink", "start_s": t, "end_s": t + 0.2, "role": "client"} for t in (5, 30)]
    given = {"silences": silences, "face_events": build("face_events", blinks)}
    outputs = aligned(alternating(), given)
    longest = column(outputs, "silence_max_s")
    assert longest[:10] == [12.0] * 8 + [0.0] * 2
    kinds = [(row["kind"], row["start_s"]) for row in outputs.tables["events"].to_pylist()]
    assert kinds == [("blink", 5), ("silence", 28), ("blink", 30), ("silence", 200)]
    assert feature(outputs, "silence_max_s")["value"] == 12.0


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


def test_blinks_of_the_first_two_minutes_are_in_no_baseline() -> None:
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
    rate = np.array(column(outputs, "client_blink_rate_pm"), float)
    z = np.array(column(outputs, "client_blink_rate_pm_z"), float)
    usual = rate[np.array(column(outputs, "start_s")) >= 195]
    scale = 1.4826 * np.median(np.abs(usual - np.median(usual)))
    assert z == pytest.approx((rate - np.median(usual)) / scale, rel=1e-3, abs=1e-3)


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
    assert feature(outputs, "turns_per_min")["value"] == pytest.approx(1 / 1.5)
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
    assert column(outputs, "client_f0_sd_st") == pytest.approx([2.0] * 175)
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
        feature_name = name.replace("_sps", "_median_sps")
        assert feature(outputs, feature_name)["value"] == pytest.approx(value, abs=1e-5)
    assert feature(outputs, "client_f0_median_hz")["value"] == 100.0
    assert feature(outputs, "therapist_f0_median_hz")["value"] == 200.0
    lacking = feature(aligned(voices(spans), turns(rows)), "client_f0_median_hz")
    assert (lacking["value"], lacking["reason"]) == (None, "no_speech")


def test_pitch_spread_pools_within_and_between_slices() -> None:
    """Two levels an octave apart, half the time each: sqrt(2^2 + 6^2) semitones."""
    long = slices(20, 5.0, [100.0, 200.0])
    pooled = np.array(column(aligned(alternating(), long), "client_f0_sd_st"), float)
    third = np.sqrt(4 + 144 * 2 / 9)
    assert pooled[::2] == pytest.approx(np.full(88, third), abs=0.01)
    assert pooled[1::2] == pytest.approx(np.full(87, np.sqrt(40)), abs=0.01)


def mixture(rng: np.random.Generator, n_s: int, fps: int, share: float, mode: np.ndarray):
    """Gaze that rests on `mode` for `share` of the seconds and 25 deg away for the rest."""
    on = rng.random(n_s) < share
    angle = rng.uniform(0, 2 * np.pi, n_s)
    away = 25 * np.column_stack([np.cos(angle), np.sin(angle)])
    spots = mode + np.where(on[:, None], 0, away)
    return np.repeat(spots, fps, axis=0) + rng.normal(0, 0.5, (n_s * fps, 2)), on.mean()


def test_commonest_direction_follows_a_moved_seat() -> None:
    rng = np.random.default_rng(8)
    first, on_first = mixture(rng, 600, 25, 0.7, np.array([4.0, -3.0]))
    second, on_second = mixture(rng, 600, 25, 0.6, np.array([-15.0, 6.0]))
    t_s = np.arange(30000) / 25
    frames = face_frames(t_s, np.concatenate([first, second]))
    outputs = aligned(voices([(0, 1200, 0)]), frames, duration_s=1200.0)
    share = np.array(column(outputs, "client_gaze_modal_prop"), float)
    centre = np.array(column(outputs, "start_s")) + 15
    assert share[centre < 585].mean() == pytest.approx(on_first, abs=0.03)
    assert share[centre > 615].mean() == pytest.approx(on_second, abs=0.03)


@pytest.mark.parametrize("fps", [15, 25, 30])
def test_gaze_travel_does_not_depend_on_the_frame_rate(fps: int) -> None:
    """Every 2.5 s a jump of 10 deg: 12 of them in every window, over 149 steps of 0.2 s."""
    t_s = np.arange(0, DURATION_S, 1 / fps)
    gaze = np.column_stack([np.where((t_s + 1.25) % 5 < 2.5, 0.0, 10.0), np.zeros(len(t_s))])
    outputs = aligned(voices([(0, DURATION_S, 0)]), face_frames(t_s, gaze))
    travel = np.array(column(outputs, "client_gaze_path_rate_dps"), float)
    assert travel == pytest.approx(np.full(175, 120 / 29.8), abs=1e-3)
    assert column(outputs, "client_stare_run_s") == pytest.approx([2.5] * 175, abs=0.31)


def test_only_listening_counts_and_blinks_are_left_out() -> None:
    t_s = np.arange(0, DURATION_S, 0.04)
    speaking = (t_s % 15) >= 10
    rng = np.random.default_rng(2)
    gaze = np.where(speaking[:, None], rng.normal(0, 20, (len(t_s), 2)), 0.0)
    starts = np.arange(3, DURATION_S, 15.0)
    for start in starts:
        gaze[(t_s >= start) & (t_s < start + 0.2)] = 30.0
    rows = [{"kind": "blink", "start_s": s, "end_s": s + 0.2, "role": "client"} for s in starts]
    events = {"face_events": build("face_events", rows)}
    outputs = aligned(alternating(), face_frames(t_s, gaze), events)
    assert np.nanmax(np.array(column(outputs, "client_gaze_path_rate_dps"), float)) < 0.1
    assert column(outputs, "client_stare_run_s") == pytest.approx([10.0] * 175, abs=0.45)
    still = aligned(alternating(), face_frames(t_s, np.zeros((len(t_s), 2))), events)
    assert set(column(still, "client_gaze_dispersion_deg")) == {0.0}


def test_a_bad_half_of_the_frames_takes_the_window_with_their_reason() -> None:
    t_s = np.arange(0, DURATION_S, 0.04)
    bad = (t_s >= 300) & (t_s < 600)
    invalid = [bool(x) for x in ~bad]
    lost = np.where(bad, np.nan, 0.3)
    frames = face_frames(
        t_s,
        np.column_stack([lost, lost]),
        face_valid=invalid,
        nods_sought=invalid,
        blinks_sought=invalid,
        eye_aspect_left=lost,
        head_yaw_deg=lost,
        reason=["small_face" if x else None for x in bad],
    )
    outputs = aligned(voices([(0, DURATION_S, 0)]), frames)
    start_s = column(outputs, "start_s")
    inside, outside = start_s.index(400), start_s.index(100)
    for name in ("client_gaze_path_rate_dps", "client_blink_rate_pm", "client_nod_rate_pm"):
        assert column(outputs, name)[inside] is None
        assert column(outputs, f"{name}_reason")[inside] == "small_face"
        assert column(outputs, name)[outside] is not None
    assert column(outputs, "client_face_valid_prop")[inside] == 0
    assert column(outputs, "client_face_valid_prop")[start_s.index(285)] == pytest.approx(0.5)


def test_slow_cameras_are_low_fps() -> None:
    t_s = np.arange(0, DURATION_S, 0.1)
    n = len(t_s)
    frames = face_frames(t_s, np.zeros((n, 2)), blinks_sought=[False] * n, nods_sought=[False] * n)
    outputs = aligned(voices([(0, DURATION_S, 0)]), frames)
    for name in ("client_gaze_path_rate_dps", "client_blink_rate_pm", "client_nod_rate_pm"):
        assert set(column(outputs, f"{name}_reason")) == {"low_fps"}
    assert None not in column(outputs, "client_head_speed_dps")


def test_rates_are_over_the_time_in_which_events_could_be_seen() -> None:
    """12 blinks and 6 nods a minute while seen; 20 % of the frames unseen, and a long closure."""
    t_s = np.arange(0, DURATION_S, 0.04)
    seen = [bool(x) for x in (t_s % 10) < 8]
    frames = face_frames(t_s, np.zeros((len(t_s), 2)), blinks_sought=seen, nods_sought=seen)
    at = [t for t in np.arange(0.5, DURATION_S, 5.0) if t % 10 < 8]
    rows = [{"kind": "blink", "start_s": t, "end_s": t + 0.2, "role": "client"} for t in at]
    rows += [
        {"kind": "nod_slow", "start_s": t, "end_s": t + 1, "role": "client"}
        for t in np.arange(2.0, DURATION_S, 10.0)
    ]
    outputs = aligned(alternating(), frames, {"face_events": build("face_events", rows)})
    middle = len(column(outputs, "start_s")) // 2
    assert column(outputs, "client_blink_rate_pm")[middle] == pytest.approx(15.0, abs=0.2)
    assert column(outputs, "client_nod_rate_pm")[middle] == pytest.approx(7.5, abs=0.1)
    assert feature(outputs, "client_blink_rate_pm")["value"] == pytest.approx(15.0, abs=0.1)
    rows.append({"kind": "eye_closure", "start_s": 401, "end_s": 431, "role": "client"})
    closed = aligned(alternating(), frames, {"face_events": build("face_events", rows)})
    assert column(closed, "client_blink_rate_pm")[middle] == pytest.approx(18.0, abs=0.2)


def test_head_speed_of_a_steady_turn() -> None:
    t_s = np.arange(0, DURATION_S, 0.04)
    yaw = 20 * (2 * np.abs((t_s / 20) % 1 - 0.5) - 0.5)
    frames = face_frames(t_s, np.zeros((len(t_s), 2)), head_yaw_deg=yaw)
    assert column(aligned(frames), "client_head_speed_dps") == pytest.approx([2.0] * 175, abs=0.01)


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


def test_noise_floor_is_that_of_planted_noise() -> None:
    """Medians of 6 frames of noise SD 0.5 deg: 4.5 times the SD, in deg/s."""
    rng = np.random.default_rng(9)
    t_s = np.arange(0, 600, 1 / 30)
    noise = rng.normal(0, 0.5, (len(t_s), 2))
    outputs = aligned(voices([(0, 600, 0)]), face_frames(t_s, noise), duration_s=600.0)
    floor = feature(outputs, "client_gaze_floor_dps")["value"]
    measured = feature(outputs, "client_gaze_path_rate_dps")["value"]
    assert floor == pytest.approx(4.5 * 0.5, rel=0.1)
    assert measured == pytest.approx(floor, rel=0.1)
