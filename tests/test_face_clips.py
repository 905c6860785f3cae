"""From pixels to face features on real clips and on a rendered head: presence, times, signs."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pyarrow as pa
import pytest

from models.base import StillFrame
from pipeline.made.conversation import sample_portrait
from pipeline.made.movements import Motion
from pipeline.made.portrait import HEIGHT, WIDTH, build_rig, render_frame
from pipeline.media.video import read_frames
from pipeline.settings import FaceSettings, LandmarksSettings
from pipeline.stages import face, landmarks
from tests.made.face_scenes import decoded, tracker
from tests.made.faces import inputs, media_table

SWITCH_S = 0.1


class Reel:
    """A recording that is one stretch of frames, on its own clock."""

    def __init__(self, frames) -> None:
        self.kept = frames

    def frames(self, media: int, *, max_fps: float):
        return iter(self.kept)

    def t_of(self, media: int, pts_s: float) -> float:
        return pts_s


def measured(frames) -> tuple[list[dict], list[dict]]:
    """Rows of `face_frames` and `faces.events`, through both stages."""
    height, width = frames[0].size
    media = media_table(width_px=width, height_px=height, video_frames=len(frames))
    given = inputs({"media": media}, Reel(frames))
    seen = landmarks.run(given, tracker(), LandmarksSettings(max_fps=1000.0))
    points = pa.concat_tables(list(seen.tables["landmarks"]))
    found = face.run(inputs({"media": media, "landmarks": points}), None, FaceSettings()).tables
    return found["face_frames"].to_pylist(), found["face_events"].to_pylist()


# ---- a face in one part of a clip -----------------------------------------------------------


def cuts_s(frames) -> list[float]:
    """Times at which the picture becomes another: jumps of the grey histogram, of 2 at most."""
    shares = []
    for frame in frames:
        grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
        shares.append(np.bincount(grey.ravel() // 4, minlength=64) / grey.size)
    jumps = np.abs(np.diff(shares, axis=0)).sum(axis=1)
    assert jumps.max() > 1
    return [frames[i + 1].pts_s for i in np.flatnonzero(jumps > jumps.max() / 2)]


@pytest.fixture(scope="module")
def half_empty(shared_data):
    """Per clip: its frames, `face_frames`, `faces.events`."""
    clips = {}
    for name in ("face_noface.mov", "noface_face.mov"):
        frames = list(decoded(shared_data / "video" / name))
        clips[name] = (frames, *measured(frames))
    return clips


@pytest.mark.parametrize("name", ["face_noface.mov", "noface_face.mov"])
def test_presence_switches_at_the_scene_cuts_and_nowhere_else(half_empty, name: str) -> None:
    frames, rows, _ = half_empty[name]
    present = np.array([row["face_present"] for row in rows])
    times = np.array([row["t_s"] for row in rows])
    switches = times[np.flatnonzero(np.diff(present)) + 1]
    cuts = cuts_s(frames)
    assert len(switches)
    assert all(min(abs(at - cut) for cut in cuts) <= SWITCH_S for at in switches)
    assert all(min(abs(at - cut) for at in switches) <= SWITCH_S for cut in cuts)


@pytest.mark.parametrize("name", ["face_noface.mov", "noface_face.mov"])
def test_the_part_without_a_face_holds_no_event_but_the_absence(half_empty, name: str) -> None:
    _, rows, events = half_empty[name]
    missing = [row["t_s"] for row in rows if not row["face_present"]]
    others = [event for event in events if event["kind"] != "out_of_frame"]
    assert others
    for event in others:
        assert not any(event["start_s"] <= at < event["end_s"] for at in missing), event
    (gone,) = [event for event in events if event["kind"] == "out_of_frame"]
    assert sum(gone["start_s"] <= at < gone["end_s"] for at in missing) >= 0.98 * len(missing)


def test_a_part_without_a_face_shifts_nothing_after_it(half_empty) -> None:
    """Both clips hold the same scene, once at the start and once after 3.9 s of nobody."""
    begins, blinks = [], []
    for _, rows, events in half_empty.values():
        begins.append(next(row["t_s"] for row in rows if row["face_present"]))
        blinks.append([event["start_s"] for event in events if event["kind"] == "blink"])
    assert begins[1] - begins[0] > 3
    assert len(blinks[0]) == len(blinks[1]) > 0
    moved = np.subtract(blinks[1], blinks[0])
    assert moved == pytest.approx(begins[1] - begins[0], abs=0.02)


# ---- eyes down, then up ---------------------------------------------------------------------


def test_eyes_that_look_down_and_then_up_raise_gaze_pitch(shared_data) -> None:
    """Cast down from 1 s to 5 s, up from 6.5 s; the head itself moves a third of that."""
    clip = shared_data / "video" / "WolfgangLanger_Pexels.mp4"
    rows, _ = measured(list(islice(read_frames(clip, max_fps=12.0), 105)))
    pitch = {
        name: [
            np.median([row[name] for row in rows if first <= row["t_s"] < last])
            for first, last in ((1.0, 5.0), (6.5, 8.5))
        ]
        for name in ("gaze_pitch_deg", "head_pitch_deg")
    }
    down, up = pitch["gaze_pitch_deg"]
    assert down < 0 < up
    assert up - down > 15
    head_down, head_up = pitch["head_pitch_deg"]
    assert 0 < head_up - head_down < (up - down) / 2


# ---- signs, on a rendered head --------------------------------------------------------------

STEPS = {
    "yaw_deg": 10.0,
    "pitch_deg": 6.0,
    "roll_deg": 12.0,
    "eye_yaw_deg": 9.0,
    "eye_pitch_deg": 9.0,
}


@pytest.fixture(scope="module")
def turned():
    """Per planned movement, what is measured of it less what is measured at rest."""
    portrait = sample_portrait()
    (seen,) = tracker().track([StillFrame(0, 0.0, portrait)], people=1)
    rig = build_rig(portrait, seen.points)
    still = dict.fromkeys((*STEPS, "lid", "jaw"), np.zeros(2 * len(STEPS) + 1, np.float32))
    courses = {name: values.copy() for name, values in still.items()}
    for i, (name, step) in enumerate(STEPS.items()):
        courses[name][2 * i + 1 : 2 * i + 3] = step, -step
    motion = Motion(**courses, blinks=(), head_turns=(), nods=(), fixed_gaze=())
    images = [
        cv2.cvtColor(render_frame(rig, motion, i), cv2.COLOR_YUV2RGB_I420)
        for i in range(2 * len(STEPS) + 1)
    ]
    assert images[0].shape == (HEIGHT, WIDTH, 3)
    rows, _ = measured([StillFrame(i, i / 25, image) for i, image in enumerate(images)])
    mirrored, _ = measured(
        [
            StillFrame(i, i / 25, np.ascontiguousarray(image[:, ::-1]))
            for i, image in enumerate(images)
        ]
    )
    return rows, mirrored


@pytest.mark.parametrize("planned", list(STEPS))
def test_signs_follow_the_planned_movement(turned, planned: str) -> None:
    rows, _ = turned
    at = 2 * list(STEPS).index(planned) + 1
    column = planned.replace("eye_", "gaze_") if planned.startswith("eye_") else f"head_{planned}"
    there, back = (rows[at + k][column] - rows[0][column] for k in (0, 1))
    # the 468-point mesh follows eyes up and down by a fifth of their way
    least = 1.0 if planned == "eye_pitch_deg" else 3.0
    assert there > least, (planned, there)
    assert back < -least, (planned, back)


def test_a_mirrored_picture_mirrors_left_and_right_and_nothing_else(turned) -> None:
    rows, mirrored = turned
    signs = {"head_yaw_deg": -1, "head_roll_deg": -1, "gaze_yaw_deg": -1, "head_x_mm": -1}
    signs |= {"head_pitch_deg": 1, "gaze_pitch_deg": 1, "head_y_mm": 1, "head_z_mm": 1}
    for name, sign in signs.items():
        one = np.array([row[name] for row in rows])
        other = np.array([row[name] for row in mirrored])
        limit = 20.0 if name.endswith("_mm") else 4.0
        assert np.abs(one - sign * other).mean() < limit, name
        assert np.corrcoef(one, sign * other)[0, 1] > 0.5 or np.ptp(one) < 2, name
    left = np.array([row["brow_opening_left"] for row in rows])
    assert left == pytest.approx([row["brow_opening_right"] for row in mirrored], abs=0.05)
