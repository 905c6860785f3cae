"""The made session: what it promises to hold is really in the plan, the samples and the pixels."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pytest

from pipeline.made import conversation as simulate
from pipeline.made.media import write_media
from pipeline.made.movements import FPS, Motion, plan_motion
from pipeline.made.planned_dials import plan_dials
from pipeline.made.portrait import DEG_PER_EYE_WIDTH, LEFT_EYE, RIGHT_EYE, build_rig, render_frame
from pipeline.made.spoken_lines import RATE_HZ, audible_span
from pipeline.paperwork.session_toml import load_session
from pipeline.timeline import log_duration, robust_z

SEEDS = range(1, 6)
SKIN, SCLERA, IRIS = 200, 240, 20
COURSES = ("yaw_deg", "pitch_deg", "roll_deg", "eye_yaw_deg", "eye_pitch_deg", "lid", "jaw")


@pytest.fixture(scope="module")
def plans():
    pytest.importorskip("espeakng_loader", reason="the demo's synthesiser is not installed")
    return {seed: simulate.make_plan(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def short_plan():
    pytest.importorskip("espeakng_loader", reason="the demo's synthesiser is not installed")
    return simulate.make_plan(3, minutes=2)


@pytest.mark.parametrize("seed", SEEDS)
def test_enough_question_reply_pairs(plans, seed):
    late = [reply for _, reply in plans[seed].replies() if reply.start_s >= 120]
    assert len(late) >= 25
    starts = [u.start_s for u in plans[seed].utterances]
    ends = [u.end_s for u in plans[seed].utterances]
    assert np.all(np.diff(starts) > 0)
    assert ends[-1] < plans[seed].duration_s == 1200


def test_gaps_heard_are_the_gaps_planned(short_plan):
    audio = simulate.render_audio(short_plan)
    pairs = list(zip(short_plan.utterances, short_plan.utterances[1:], strict=False))
    errors = []
    for before, after in pairs:
        middle_s = (before.end_s + after.start_s) / 2
        first = audio[round(before.start_s * RATE_HZ) : round(middle_s * RATE_HZ)]
        second = audio[round(middle_s * RATE_HZ) : round(after.end_s * RATE_HZ)]
        end_s = before.start_s + audible_span(first, RATE_HZ)[1]
        start_s = middle_s + audible_span(second, RATE_HZ)[0]
        errors.append(start_s - end_s - after.planned_gap_s)
    assert len(errors) >= 10
    assert np.max(np.abs(errors)) < 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_slow_replies_are_a_run_by_the_published_rule(plans, seed):
    replies = [reply for _, reply in plans[seed].replies()]
    latency = np.array([reply.planned_gap_s for reply in replies])
    usual = np.array([reply.start_s >= 120 for reply in replies])
    z = robust_z(log_duration(latency), usual)
    slow = (z >= 1.5) & (latency >= 2.0) & (latency >= np.median(latency) + 1.0)
    inside = np.array([reply.block == "slow_replies" for reply in replies])
    assert inside.sum() == 5
    assert slow[inside].sum() >= 3
    span = plans[seed].stretch("slow_replies")
    assert span.end_s - span.start_s <= 300
    fives = [slow[i : i + 5].sum() for i in range(len(slow) - 4)]
    apart = [not inside[i : i + 5].any() for i in range(len(slow) - 4)]
    assert max(count for count, out in zip(fives, apart, strict=True) if out) < 3


@pytest.mark.parametrize("seed", SEEDS)
def test_several_cues_change_together(plans, seed):
    plan = plans[seed]
    span = plan.stretch("several_cues")
    assert span.end_s - span.start_s >= 60
    assert span.start_s - plan.stretch("slow_replies").end_s >= 120
    assert any(f.start_s <= span.start_s and span.end_s <= f.end_s for f in plan.motion.fixed_gaze)
    pairs = [(ask, reply) for ask, reply in plan.replies() if reply.block == "several_cues"]
    brief = [len(reply.text.split()) <= 3 for ask, reply in pairs if ask.question == "open"]
    assert sum(brief) == 2
    assert sum(reply.planned_gap_s >= 3 for _, reply in pairs) == 2
    long = [u for u in plan.utterances if u.role == "client" and len(u.text.split()) > 3]
    usual = [words_per_s(u) for u in long if u.block == "usual"]
    slowed = [words_per_s(u) for u in long if u.block == "several_cues"]
    assert max(slowed) < 0.6 * np.median(usual)


def words_per_s(utterance):
    return len(utterance.text.split()) / (utterance.end_s - utterance.start_s)


def test_words_lie_in_order_inside_their_turn(short_plan):
    for u in short_plan.utterances:
        times = np.array([(w.start_s, w.end_s) for w in u.words])
        assert " ".join(" ".join(w.text for w in u.words).split()) == u.text
        assert times[0, 0] >= u.start_s - 1e-3
        assert times[-1, 1] <= u.end_s + 1e-3
        assert np.all(np.diff(times[:, 0]) >= 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_blinks_shut_the_lids_for_three_frames(seed):
    motion = quiet_motion(seed)
    assert 14 <= len(motion.blinks) / 10 <= 20
    for blink in motion.blinks:
        frames = motion.lid[round(blink.start_s * FPS) : round(blink.end_s * FPS)]
        assert (frames == 1).sum() >= 3
        assert 0.08 <= (frames >= 0.5).sum() / FPS <= 0.5
    assert (np.diff((motion.lid == 1).astype(int)) == 1).sum() == len(motion.blinks)


def quiet_motion(seed):
    fixed = [simulate.Interval(200.0, 245.0)]
    return plan_motion(
        np.random.default_rng(seed), 600.0, speaking=[], listening=fixed, fixed=fixed
    )


def test_fixed_gaze_stands_still_and_the_rest_does_not():
    motion = quiet_motion(1)
    gaze = np.stack([motion.yaw_deg + motion.eye_yaw_deg, motion.pitch_deg + motion.eye_pitch_deg])
    travel = np.hypot(*np.diff(gaze)) * FPS
    still = slice(201 * FPS, 244 * FPS)
    assert travel[still].max() < 0.01
    halves = np.delete(travel, np.r_[199 * FPS : 246 * FPS])
    per_30_s = halves[: len(halves) // 750 * 750].reshape(-1, 750).mean(axis=1)
    assert per_30_s.min() > 4


@pytest.mark.parametrize("seed", SEEDS)
def test_dials_pass_the_gates_and_keep_their_lag(seed):
    rated = simulate.rated_stretches(1200.0)
    dials = plan_dials(np.random.default_rng(seed), 1200.0, rated)
    for dial in (dials.client, dials.therapist):
        moves = np.abs(np.diff(dial)) >= 2
        assert moves.sum() >= 10
        assert dial.std() >= 3
        assert np.diff(np.flatnonzero(moves)).max() < 600
        assert 0 <= dial.min() <= dial.max() <= 100
    r = [
        np.corrcoef(dials.client[20:-20], dials.therapist[20 + lag : lag - 20])[0, 1]
        for lag in range(-10, 11)
    ]
    assert abs(int(np.argmax(r)) - 10 - dials.lag_s) <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_lows_are_the_lowest_half_minutes(seed):
    rated = simulate.rated_stretches(1200.0)
    client = plan_dials(np.random.default_rng(seed), 1200.0, rated).client
    mean = np.convolve(client, np.ones(30) / 30, mode="valid")
    centre_s = np.arange(len(mean)) + 15
    inside = [(centre_s >= s.start_s) & (centre_s < s.end_s + 5) for s in rated if s.points < 0]
    deepest = [mean[where].min() for where in inside]
    near = [(centre_s > s.start_s - 20) & (centre_s < s.end_s + 25) for s in rated if s.points < 0]
    assert max(deepest) < mean[~np.any(near, axis=0)].min() - 5


def test_same_seed_same_samples(short_plan):
    again = simulate.make_plan(3, minutes=2)
    assert again.truth() == short_plan.truth()
    assert simulate.render_audio(again).tobytes() == simulate.render_audio(short_plan).tobytes()
    assert simulate.make_plan(4, minutes=2).truth() != short_plan.truth()


def test_a_session_shorter_than_two_minutes_is_refused():
    with pytest.raises(ValueError, match="at least 2 min"):
        simulate.make_plan(1, minutes=1.5)


def test_audio_only_session_folder(short_plan, tmp_path):
    folder = simulate.write_session(short_plan, tmp_path)
    assert json.loads((folder / "truth.json").read_text()) == short_plan.truth()
    spec = load_session(folder)
    assert spec.media[0].shows == []
    assert spec.transcript is None
    assert not (folder / "transcript.vtt").exists()
    assert "synthetic" in spec.session.made_up
    carma = (folder / "dial_client.csv").read_text().splitlines()
    assert len(carma) == 9 + 120
    assert carma[9].startswith("1,")
    with av.open(str(folder / "room.m4a")) as container:
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert len(samples) / RATE_HZ == pytest.approx(120, abs=0.05)
    first = short_plan.utterances[0]
    assert audible_span(samples[: round(first.end_s * RATE_HZ)], RATE_HZ, -20)[0] == pytest.approx(
        first.start_s, abs=0.05
    )
    before = (folder / "room.m4a").stat().st_mtime_ns
    assert simulate.write_session(short_plan, tmp_path) == folder
    with_words = simulate.write_session(short_plan, tmp_path, transcript=True)
    assert with_words != folder
    assert load_session(with_words).transcript.file == "transcript.vtt"
    assert (folder / "room.m4a").stat().st_mtime_ns == before


def drawn_face():
    """A plain face whose eyes are dark discs in light rectangles, and its 478 points."""
    image = np.full((400, 400, 3), SKIN, np.uint8)
    points = np.full((478, 2), 200.0, np.float32)
    for (upper, lower, iris), left in ((RIGHT_EYE, 130), (LEFT_EYE, 222)):
        x = np.linspace(left, left + 48, 9)
        bow = 12 * (1 - ((x - left - 24) / 24) ** 2)
        points[list(upper)] = np.stack([x, 150 - bow], axis=1)
        points[list(lower)] = np.stack([x, 150 + bow], axis=1)
        rows, columns = np.mgrid[:400, :400]
        shape = np.interp(columns, x, bow, left=-1, right=-1)
        image[np.abs(rows - 150) < shape] = SCLERA
        image[(np.abs(rows - 150) < shape) & (np.abs(columns - left - 24) <= 5)] = IRIS
        points[list(iris)] = (left + 24, 150)
    points[[13, 14, 152]] = ((200, 250), (200, 254), (200, 300))
    return image, points


def pose(**values):
    """A motion of one frame."""
    courses = {name: np.array([values.get(name, 0.0)], np.float32) for name in COURSES}
    return Motion(**courses, blinks=(), head_turns=(), nods=(), fixed_gaze=())


def dark_pixels(**values):
    """Rows and columns of the iris pixels of both eyes on the canvas."""
    picture = render_frame(build_rig(*drawn_face()), pose(**values), 0)
    return np.nonzero(picture[150:350] < 90)


def test_lids_shut_fully():
    assert len(dark_pixels()[0]) > 200
    assert 0 < len(dark_pixels(lid=0.5)[0]) < 0.8 * len(dark_pixels()[0])
    assert len(dark_pixels(lid=1.0)[0]) == 0


@pytest.mark.parametrize(("name", "axis"), [("eye_yaw_deg", 1), ("yaw_deg", 1), ("pitch_deg", 0)])
def test_positive_angles_go_left_and_up(name, axis):
    rest = np.mean(dark_pixels()[axis])
    moved = np.mean(dark_pixels(**{name: 8.0})[axis])
    back = np.mean(dark_pixels(**{name: -8.0})[axis])
    assert moved < rest - 1 < rest + 1 < back
    if name == "eye_yaw_deg":
        width_px = 48 * 92 / 92
        assert rest - moved == pytest.approx(8 * width_px / DEG_PER_EYE_WIDTH, abs=0.6)


def test_video_has_25_frames_a_second(tmp_path):
    image, points = drawn_face()
    n = 60
    motion = replace(quiet_motion(1), **{k: getattr(quiet_motion(1), k)[:n] for k in COURSES})
    path = tmp_path / "room.mp4"
    silence = np.zeros(n * RATE_HZ // FPS, np.float32)
    write_media(path, silence, motion, face=image, find_points=lambda _: points)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        pts_s = [float(frame.pts * frame.time_base) for frame in frames]
    assert np.allclose(pts_s, np.arange(n) / FPS, atol=1e-6)
    assert (frames[0].width, frames[0].height) == (1280, 720)
    with pytest.raises(ValueError, match="find_points"):
        write_media(path, silence, motion, face=image)


def test_a_small_portrait_is_refused():
    image, points = drawn_face()
    with pytest.raises(ValueError, match="at least 30 px"):
        build_rig(image, points * 0.2)
