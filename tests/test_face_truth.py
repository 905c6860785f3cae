"""A real portrait, turned in three dimensions, through the real tracker and the real stages.

`bench.face_truth` prints the whole matrix; this is a small part of it. Angles are circular as far
as the made head's shape is like the fitted one (declared); blinks, nods and gates are not.
"""

from __future__ import annotations

import numpy as np
import pytest
from conftest import needs_embedded_weights
from scipy.spatial.transform import Rotation

from bench.face_truth import (
    AXES,
    BLINK_CUE,
    GAZE_CUE,
    NOD_CUE,
    SLOPES,
    column,
    cue_reasons,
    events_of,
    f1,
    pairs_in_order,
    slope_and_order,
    sweep,
)
from bench.made.eyes import turned
from bench.made.filmed_heads import Camera, Film, lid_at, make_plan, measured, plan_filmed
from bench.made.heads import (
    COARSE,
    EYE_DISTANCE_PX,
    EYES_AT,
    NECK_MM,
    Pose,
    draw,
    ellipsoid_depth_mm,
    look_at,
    read_portrait,
    surface_seen,
)
from models.base import Interval, StillFrame
from models.faces.networks import TASK_MESH, task_member
from models.faces.tracker import EmbeddedFaceTracker
from tests.made.face_scenes import task_bundle, tracker, weight

pytestmark = needs_embedded_weights
SECONDS = 8.0
RAISED = -0.8
"""A lid far above where it rests."""


@pytest.fixture(scope="module")
def engine():
    return tracker()


@pytest.fixture(scope="module")
def portrait(engine):
    return read_portrait(engine)


@pytest.fixture(scope="module")
def depth_mm():
    return ellipsoid_depth_mm()


def test_each_pixel_shows_the_surface_point_that_lies_there(portrait, depth_mm) -> None:
    """The drawn point, turned and projected by hand, comes back to the pixel that shows it."""
    view = look_at(portrait, depth_mm, eyes_px=44)
    pose = Pose(yaw_deg=18, pitch_deg=-7, roll_deg=5)
    x, y = (part[::8, ::8].astype(float) for part in surface_seen(view, pose))
    depth = depth_mm[y.astype(int), x.astype(int)]
    scale = 44 / EYE_DISTANCE_PX
    z = view.distance_mm - depth
    point = np.stack([
        ((x - EYES_AT[0]) * scale + view.at[0] - 320) * z / view.focal_px,
        ((y - EYES_AT[1]) * scale + view.at[1] - 180) * z / view.focal_px,
        z,
    ], axis=-1)  # fmt: skip
    neck = np.array([0, (view.at[1] - 180) * view.distance_mm / view.focal_px, view.distance_mm])
    turn = Rotation.from_euler("ZYX", [5, 18, 7], degrees=True)
    neck += NECK_MM
    turned = turn.apply((point - neck).reshape(-1, 3)).reshape(point.shape) + neck
    shown = turned[..., :2] / turned[..., 2:] * view.focal_px + (320, 180)
    rows, columns = np.indices(x.shape) * 8 * COARSE
    middle = (COARSE - 1) / 2
    planned = np.stack([columns + view.patch[0] + middle, rows + view.patch[1] + middle], axis=-1)
    apart = np.hypot(*np.moveaxis(shown - planned, -1, 0))
    assert np.median(apart) < 0.15
    assert np.percentile(apart, 90) < 1.0


def test_lids_are_shut_for_three_frames_at_25_fps() -> None:
    for blink in make_plan(1, 60.0).blinks:
        frames = np.arange(blink.start_s - 0.1, blink.end_s + 0.1, 0.04)
        shut = [lid_at(at + phase, blink) for phase in (0, 0.013, 0.027) for at in frames]
        assert sum(lid == 1 for lid in shut) >= 3 * 3


@pytest.mark.parametrize("axis", [0, 1, 2], ids=AXES)
def test_head_angles_follow_the_planned_turn(portrait, depth_mm, engine, axis: int) -> None:
    view = look_at(portrait, depth_mm, eyes_px=44)
    slope, in_order = slope_and_order(sweep(view, Camera("", noise=4), engine, axis))
    assert SLOPES[0] <= slope <= SLOPES[1]
    assert in_order


def test_gaze_comes_out_in_the_planned_order(portrait, depth_mm, engine) -> None:
    """Sideways head and eyes together and against each other; up and down they go together."""
    view = look_at(portrait, depth_mm, eyes_px=48)
    poses = [Pose(head, 10, 0, eye) for head in (-12, 12) for eye in (-12, 0, 12)]
    poses += [Pose(0, 10 + head, 0, 0, eye) for head, eye in ((-6, -8), (0, 0), (6, 8))]
    pairs = pairs_in_order(view, Camera("", fps=15), engine, poses)
    for axis in ("yaw", "pitch"):
        n, right = pairs[axis]
        assert right == n > 0


@pytest.mark.parametrize("mesh", ["468", "478"])
def test_eyes_alone_move_the_gaze_up_and_down(portrait, depth_mm, engine, mesh: str) -> None:
    if mesh == "478":
        engine = EmbeddedFaceTracker(
            detector=weight("mediapipe-face-detector-full"),
            mesh=task_member(task_bundle(), TASK_MESH),
        )
    view = look_at(portrait, depth_mm, eyes_px=48)
    poses = [Pose(0, 10, 0, 0, eye) for eye in (0, 8, -8)]
    n, right = pairs_in_order(view, Camera("", fps=15, noise=4), engine, poses)["eyes alone"]
    assert right == n == 3


def test_an_iris_is_drawn_where_it_turns_to(portrait) -> None:
    """The middle of the dark disc under a lid held up: sideways and up by the planned degrees."""
    for ball in portrait.eyes:
        looks = ((0, 6), (4, 10))
        at = [_dark_middle(turned(portrait.canvas, ball, RAISED, *look), ball) for look in looks]
        planned = np.array([-4, -4]) * ball.rig.px_per_deg
        assert at[1] - at[0] == pytest.approx(planned, abs=0.3)


def _dark_middle(patch, ball) -> np.ndarray:
    rig = ball.rig
    open_ = (rig.rows > rig.upper + RAISED * (rig.lower - rig.upper) + 5) & (rig.rows < rig.lower)
    dark = np.where(open_, np.clip(110.0 - patch.mean(axis=2), 0, None), 0)
    return np.array([np.average(axis, weights=dark) for axis in (rig.columns, rig.rows)])


@pytest.fixture(scope="module")
def film(portrait, depth_mm):
    """Blinks, nods, looks and talk at unequal frame times; 25 a second in the mean."""
    view = look_at(portrait, depth_mm, eyes_px=44)
    plan = make_plan(3, SECONDS)
    camera = Camera("", irregular=True, noise=4, lamp=True)
    return plan, list(plan_filmed(view, plan, camera).frames(0, max_fps=30))


def test_blinks_and_nods_are_found(film, engine) -> None:
    plan, frames = film
    events = measured(Film(lambda: iter(frames)), engine, (640, 360))["face_events"]
    assert f1(plan.blinks, events_of(events, "blink")) == 1
    assert f1(plan.nods, events_of(events, "nod_slow", "nod_fast")) == 1
    assert len(plan.blinks) >= 3


def test_a_slow_camera_gives_nothing_and_says_why(film, engine) -> None:
    _, frames = film
    found = measured(Film(lambda: iter(frames[::2])), engine, (640, 360))
    assert events_of(found["face_events"], "blink", "nod_slow", "nod_fast", "stare") == []
    reasons = cue_reasons(found, SECONDS)
    assert {reasons[cue] for cue in (BLINK_CUE, NOD_CUE, GAZE_CUE)} == {"low_fps"}


def test_a_small_face_gives_nothing_and_says_why(portrait, depth_mm, engine) -> None:
    view = look_at(portrait, depth_mm, eyes_px=22)
    found = measured(plan_filmed(view, make_plan(3, 1.0), Camera("")), engine, view.size)
    frames = found["face_frames"]
    assert set(frames.column("reason").to_pylist()) == {"small_face"}
    for name in ("head_yaw_deg", "gaze_yaw_deg", "eye_aspect_left"):
        assert np.isnan(column(frames, name)).all()
    reasons = cue_reasons(found, 1.0)
    assert {reasons[cue] for cue in (BLINK_CUE, NOD_CUE, GAZE_CUE)} == {"small_face"}


@pytest.mark.parametrize("points", [468, 478])
def test_blinks_behind_glasses(portrait, depth_mm, engine, points: int) -> None:
    """With both meshes: the smaller one takes its lids from the iris network."""
    if points == 478:
        mesh = task_member(task_bundle(), TASK_MESH)
        engine = EmbeddedFaceTracker(detector=weight("mediapipe-face-detector-full"), mesh=mesh)
    view = look_at(portrait, depth_mm, eyes_px=48, glasses=True)
    plan = make_plan(5, 4.0)
    found = measured(plan_filmed(view, plan, Camera("", fps=20)), engine, view.size)
    assert f1(plan.blinks, events_of(found["face_events"], "blink")) == 1


def test_scores() -> None:
    planned = [Interval(1, 2), Interval(3, 4)]
    assert f1(planned, [Interval(1.5, 1.6), Interval(3.9, 5)]) == 1
    assert f1(planned, [Interval(1.1, 1.2), Interval(1.3, 1.4)]) == 0.5
    assert f1([], []) == 1


def test_nothing_in_the_picture_is_nothing_measured(portrait, depth_mm, engine) -> None:
    view = look_at(portrait, depth_mm, eyes_px=44)
    blank = np.full_like(draw(view, Pose()), 90)
    frames = [StillFrame(i, i / 25, blank) for i in range(30)]
    found = measured(Film(lambda: iter(frames)), engine, view.size)
    reasons = cue_reasons(found, 1.0)
    assert {reasons[cue] for cue in (BLINK_CUE, NOD_CUE, GAZE_CUE)} == {"no_face"}
