"""What is seen per window, on frames whose every number is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.align.client_frames import Events, Frames
from pipeline.align.faces import (
    bridged_speech,
    face_cues,
    face_quality,
    gaze_floor_dps,
    measurable,
)
from pipeline.align.lids import closed_under, spans_round
from pipeline.face.openings import MOUTH_OPENINGS, OPENINGS
from pipeline.settings import AlignSettings
from pipeline.spans import WindowCue, Windows, as_array
from pipeline.timeline import windows

SETTINGS = AlignSettings()
DURATION_S = 900.0
SILENT = np.zeros((0, 2))
GAZE_CUES = TRAVEL, STARE, MODAL, SPREAD = (
    "client_gaze_path_rate_dps", "client_stare_run_s", "client_gaze_modal_prop",
    "client_gaze_dispersion_deg",
)  # fmt: skip
BLINK_CUES = SPEAKING, LISTENING = (
    "client_blink_rate_speaking_pm", "client_blink_rate_listening_pm",
)  # fmt: skip
OF_LISTENING = (*GAZE_CUES, *BLINK_CUES, "client_face_motion_sd")
FACE_CUES = (
    *OF_LISTENING, "client_head_speed_dps", "client_eye_closure_p80_prop", "client_nod_slow_pm",
    "client_nod_fast_pm",
)  # fmt: skip
MOTION = "client_face_motion_sd"
P80 = "client_eye_closure_p80_prop"


def grid(duration_s: float = DURATION_S) -> Windows:
    spans = np.array(windows(duration_s, 30.0, 5.0))
    return Windows(spans[:, 0], spans[:, 1])


def frames(fps: float = 25.0, duration_s: float = DURATION_S, **changes: Any) -> Frames:
    """A frontal face, fully measured, unless `changes` say otherwise."""
    t_s = np.arange(0, duration_s, 1 / fps)
    n = len(t_s)
    plain: dict[str, Any] = {
        "t_s": t_s,
        "held_s": np.full(n, 1 / fps),
        "reason": np.full(n, None, dtype=object),
        "iod_px": np.full(n, 60.0),
        "gaze": np.zeros((n, 2)),
        "head": np.zeros((n, 3)),
        "head_speed_dps": np.full(n, 3.0 if fps >= 10 else np.nan),
        "head_speed_reason": np.full(n, None if fps >= 10 else "low_fps", dtype=object),
        "lids": np.full(n, 0.3),
        "openings": {name: np.zeros(n) for name in OPENINGS},
        "valid": np.ones(n, bool),
        "blinks_sought": np.full(n, fps >= 20),
        "nods_sought": np.full(n, fps >= 15),
    }
    return Frames(**(plain | changes))


def events(blinks=(), slow=(), fast=(), shut=(), long_shut=()) -> Events:
    """Blinks of 0.2 s and further closures."""
    blinks = np.array(sorted(blinks), float)
    spans = [(t, t + 0.2) for t in blinks] + list(shut) + list(long_shut)
    return Events(
        blinks, np.array(slow, float), np.array(fast, float), as_array(spans), as_array(long_shut)
    )


def cues(seen: Frames, happened: Events | None = None, speaking=SILENT, duration_s=DURATION_S):
    return face_cues(seen, happened or events(), speaking, grid(duration_s), SETTINGS)


def alternating(duration_s: float = DURATION_S) -> np.ndarray:
    """The client speaks the last 5 of every 15 s."""
    starts = np.arange(10, duration_s, 15.0)
    return np.column_stack([starts, np.minimum(starts + 5, duration_s)])


# ---- gates: below them null with the reason, never a number ----------------------------------


@pytest.mark.parametrize(
    ("fps", "measured"),
    [
        (25, FACE_CUES),
        (20, FACE_CUES),
        (17, [c for c in FACE_CUES if c not in BLINK_CUES]),
        (15, [c for c in FACE_CUES if c not in BLINK_CUES]),
        (14, ["client_head_speed_dps", MOTION]),
        (10, ["client_head_speed_dps", MOTION]),
        (8, []),
    ],
)
def test_frame_rate_gates(fps: float, measured: list[str]) -> None:
    rng = np.random.default_rng(1)
    n = len(np.arange(0, DURATION_S, 1 / fps))
    gaze = rng.uniform(-12, 12, (n // int(fps) + 1, 2)).repeat(int(fps), axis=0)[:n]
    moving = {name: rng.normal(0, 1, n) for name in OPENINGS}
    found = cues(frames(fps, gaze=gaze, openings=moving), speaking=alternating())
    for name in FACE_CUES:
        assert set(found[name].reason) == ({None} if name in measured else {"low_fps"}), name
        assert np.isfinite(found[name].value).all() == (name in measured), name


@pytest.mark.parametrize("reason", ["small_face", "turned_away", "profile_view", "no_face"])
def test_windows_of_which_over_30_percent_is_unusable_say_why(reason: str) -> None:
    t_s = frames().t_s
    bad = (t_s >= 300) & (t_s < 600)
    lost = np.where(bad, np.nan, 0.3)
    seen = frames(
        valid=~bad, blinks_sought=~bad, nods_sought=~bad, lids=lost,
        head=np.column_stack([lost] * 3), head_speed_dps=lost,
        head_speed_reason=np.where(bad, reason, None), reason=np.where(bad, reason, None),
        gaze=np.column_stack([lost, lost]), openings=dict.fromkeys(OPENINGS, lost),
    )  # fmt: skip
    found, start_s = cues(seen, speaking=alternating()), grid().start_s
    for name in FACE_CUES:
        inside = found[name].reason[start_s == 400].tolist()
        assert inside == [reason], name
        assert np.isnan(found[name].value[start_s == 400]).all(), name
    # 25 % of the window at 278 s lies in the bad part, 50 % of that at 285 s
    nods = found["client_nod_slow_pm"]
    assert nods.reason[start_s == 275].tolist() == [None]
    assert nods.reason[start_s == 285].tolist() == [reason]


def test_unknown_speech_takes_away_what_needs_it() -> None:
    found = cues(frames(), speaking="no_role")
    for name in FACE_CUES:
        needs = name in OF_LISTENING
        assert set(found[name].reason) == ({"no_role"} if needs else {None}), name


def test_a_window_without_listening_has_no_gaze() -> None:
    found = cues(frames(), speaking=np.array([[0.0, DURATION_S]]))
    for name in GAZE_CUES:
        assert set(found[name].reason) == {"few_samples"}
    assert set(found[LISTENING].reason) == {"few_samples"}
    assert set(found[SPEAKING].reason) == {None}


# ---- gaze --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [15, 25, 30])
def test_gaze_travel_does_not_depend_on_the_frame_rate(fps: int) -> None:
    """Every 2.5 s a jump of 10 deg: 12 of them in every window, over 149 steps of 0.2 s."""
    t_s = frames(fps).t_s
    gaze = np.column_stack([np.where((t_s + 1.25) % 5 < 2.5, 0.0, 10.0), np.zeros(len(t_s))])
    found = cues(frames(fps, gaze=gaze))
    assert found[TRAVEL].value == pytest.approx(np.full(175, 120 / 29.8), abs=1e-3)
    assert found[STARE].value == pytest.approx(np.full(175, 2.5), abs=0.31)


def test_only_listening_counts_and_blinks_are_left_out() -> None:
    seen, speaking = frames(), alternating()
    rng = np.random.default_rng(2)
    gaze = np.where((seen.t_s % 15 >= 10)[:, None], rng.normal(0, 20, (len(seen.t_s), 2)), 0.0)
    starts = np.arange(3, DURATION_S, 15.0)
    for start in starts:
        gaze[(seen.t_s >= start) & (seen.t_s < start + 0.2)] = 30.0
    found = cues(frames(gaze=gaze), events(starts), speaking)
    assert np.nanmax(found[TRAVEL].value) < 0.1
    assert found[STARE].value == pytest.approx(np.full(175, 10.0), abs=0.45)
    assert set(cues(frames(), events(starts), speaking)[SPREAD].value) == {0.0}


def test_travel_under_twice_the_noise_is_null_and_keeps_its_limit() -> None:
    """Noise of SD 0.5 deg in still minutes, looks of 8 deg every 2 s in the others."""
    rng = np.random.default_rng(3)
    t_s = frames(30).t_s
    still = (t_s // 60) % 3 == 0
    looks = np.where(still, 0.0, 8.0 * ((t_s // 2) % 2))
    gaze = np.column_stack([looks, np.zeros(len(t_s))]) + rng.normal(0, 0.5, (len(t_s), 2))
    seen = frames(30, gaze=gaze)
    floor = gaze_floor_dps(seen, events(), SETTINGS)
    assert floor == pytest.approx(4.5 * 0.5, rel=0.1)  # 4 to 6 times the SD
    travel, start_s = cues(seen)[TRAVEL], grid().start_s
    inside = start_s % 180 <= 30
    assert set(travel.reason[inside]) == {"below_noise"}
    assert np.isnan(travel.value[inside]).all()
    assert travel.at_most[inside] == pytest.approx(2 * floor)
    assert set(travel.reason[start_s % 180 == 90]) == {None}
    assert np.isnan(travel.at_most[start_s % 180 == 90]).all()


def test_without_a_floor_nothing_is_under_it() -> None:
    cue = WindowCue(np.array([0.0, 1.0]), np.array([None, None], dtype=object))
    assert set(measurable(cue, float("nan")).reason) == {None}
    assert measurable(cue, 0.5).reason.tolist() == ["below_noise", None]


def test_speech_bridges_short_pauses() -> None:
    speech = np.array([[0.0, 2.0], [2.9, 4.0], [5.1, 6.0]])
    assert bridged_speech(speech, SETTINGS).tolist() == [[0.0, 4.0], [5.1, 6.0]]
    assert bridged_speech(SILENT, SETTINGS).shape == (0, 2)


# ---- lids --------------------------------------------------------------------------------------


def test_blinks_are_counted_apart_by_state() -> None:
    """24 a minute while speaking (5 of 15 s), 12 while listening; 30 s cast down are no time."""
    blinks = [t + s for t in np.arange(0, DURATION_S, 15.0) for s in (1.0, 6.0, 11.0, 13.5)]
    found = cues(frames(), events(blinks), alternating())
    middle = len(grid()) // 2
    assert found[SPEAKING].value[middle] == pytest.approx(24.0, abs=0.1)
    assert found[LISTENING].value[middle] == pytest.approx(12.0, abs=0.1)
    kept = [t for t in blinks if not 400 <= t < 430]
    cast_down = cues(frames(), events(kept, long_shut=[(400.0, 430.0)]), alternating())
    assert cast_down[LISTENING].value[middle] == pytest.approx(12.0, abs=0.7)
    assert cast_down[SPEAKING].value[middle] == pytest.approx(24.0, abs=0.7)


def test_ten_lost_seconds_do_not_lower_the_blink_rate() -> None:
    t_s = frames().t_s
    lost = (t_s >= 450) & (t_s < 460)
    lids = np.where(lost, np.nan, 0.3)
    seen = frames(
        blinks_sought=~lost, valid=~lost, lids=lids, reason=np.where(lost, "no_face", None)
    )
    blinks = [t for t in np.arange(0.5, DURATION_S, 3.0) if not 450 <= t < 460]
    rate = cues(seen, events(blinks))[LISTENING].value
    assert rate == pytest.approx(np.full(175, 20.0), abs=0.8)


def test_spans_of_the_first_and_last_windows_are_whole() -> None:
    blinks = np.arange(0.5, DURATION_S, 3.0)
    rate = cues(frames(), events(blinks))[LISTENING].value
    assert rate == pytest.approx(np.full(175, 20.0), abs=0.35)
    spans = spans_round(grid(), 180.0)
    assert (spans.start_s[0], spans.end_s[-1]) == (0.0, DURATION_S)
    short = spans_round(grid(60.0), 180.0)
    assert set(short.start_s) == {0.0}


def test_a_state_needs_a_quarter_of_the_span() -> None:
    short = cues(frames(), events(), np.array([[400.0, 444.0]]))
    assert set(short[SPEAKING].reason) == {"few_samples"}
    assert set(short[LISTENING].reason) == {None}
    enough = cues(frames(), events(), np.array([[400.0, 446.0]]))[SPEAKING]
    assert enough.reason[grid().start_s == 400].tolist() == [None]


@pytest.mark.parametrize(("shut_level", "expected"), [(0.08, 0.2), (0.12, 0.2), (0.16, 0.0)])
def test_eye_closure_is_the_share_of_time_with_lids_80_percent_down(
    shut_level: float, expected: float
) -> None:
    """Fully shut reads 0.08, open 0.30: 80 % down is 0.124. Twelve of every sixty seconds."""
    t_s = frames().t_s
    lids = np.where(t_s % 60 < 12, shut_level, 0.3)
    lids[t_s % 30 < 0.5] = 0.08
    found = cues(frames(lids=lids))[P80]
    whole = found.value[(grid().start_s >= 30) & (grid().start_s <= 800)]
    blinks = 1 / 60 if expected == 0 else 0.5 / 60
    assert whole == pytest.approx(np.full(len(whole), expected + blinks), abs=0.01)
    assert closed_under(lids) == pytest.approx(0.124)


def test_lids_that_never_close_are_not_closed_by_noise() -> None:
    lids = np.random.default_rng(5).normal(0.3, 0.008, len(frames().t_s))
    assert np.nanmax(cues(frames(lids=lids))[P80].value) < 0.01


# ---- nods, face, quality ----------------------------------------------------------------------


def test_nods_are_rates_of_each_band_over_the_time_they_were_sought() -> None:
    t_s = frames().t_s
    seen = frames(nods_sought=(t_s % 10) < 8)
    slow = np.arange(2.0, DURATION_S, 10.0)
    fast = [t + s for t in np.arange(0.0, DURATION_S, 10.0) for s in (1.0, 6.0)]
    found = cues(seen, events(slow=slow, fast=sorted(fast)))
    assert found["client_nod_slow_pm"].value == pytest.approx(np.full(175, 7.5), abs=0.1)
    assert found["client_nod_fast_pm"].value == pytest.approx(np.full(175, 15.0), abs=0.1)


@pytest.mark.parametrize("fps", [12, 25])
def test_face_motion_is_in_units_of_the_session(fps: int) -> None:
    """Sines of 1 s and amplitude 1 for ten minutes, 3 for five: the quotient is 3."""
    t_s = frames(fps).t_s
    level = np.where(t_s < 600, 1.0, 3.0)
    wave = level * np.sin(2 * np.pi * t_s / 4)
    found = cues(frames(fps, openings=dict.fromkeys(OPENINGS, wave)))[MOTION].value
    start_s = grid().start_s
    calm, lively = found[start_s == 300][0], found[start_s == 800][0]
    assert lively / calm == pytest.approx(3.0, rel=0.02)
    assert calm == pytest.approx(1 / np.sqrt((2 * 1 + 9) / 3), rel=0.03)


def test_the_mouth_is_left_out_while_the_client_speaks() -> None:
    rng = np.random.default_rng(7)
    seen, speaking = frames(), alternating()
    talk = seen.t_s % 15 >= 10
    quiet = rng.normal(0, 1, len(talk))
    loud = np.where(talk, 50.0 * rng.normal(0, 1, len(talk)), quiet)
    plain = dict.fromkeys(OPENINGS, quiet)
    spoken = plain | dict.fromkeys(MOUTH_OPENINGS, loud)
    one, other = (
        cues(frames(openings=o), speaking=speaking)[MOTION].value for o in (plain, spoken)
    )
    assert one == pytest.approx(other)


def test_face_quality_is_said_per_window() -> None:
    t_s = frames().t_s
    far = t_s >= 450
    seen = frames(
        valid=~far, iod_px=np.where(far, 28.0, 61.0), reason=np.where(far, "small_face", None)
    )
    found, start_s = face_quality(seen, grid(), "no_media"), grid().start_s
    assert found["client_face_valid_prop"][[0, -1]].tolist() == [1.0, 0.0]
    assert found["client_face_valid_prop"][start_s == 435][0] == pytest.approx(0.5)
    assert found["client_face_iod_px"][[0, -1]].tolist() == [61.0, 28.0]
    assert found["client_face_reason"][[0, -1]].tolist() == [None, "small_face"]
    assert found["client_video_hz"] == pytest.approx(np.full(175, 25.0))
