"""The face stage on projected faces: gates, signs, events, and independence of the pieces."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from made_faces import inputs, landmark_table, media_table, mesh

from pipeline.face import STAGE, run
from pipeline.settings import FaceSettings
from pipeline.tables import FACE_EVENTS, FACE_FRAMES, LANDMARKS

SETTINGS = FaceSettings()
BLINK = (0.2, 0.1, 0.08, 0.1, 0.2)


def outputs(table: pa.Table):
    found = run(inputs({"landmarks": table, "media": media_table()}), None, SETTINGS)
    FACE_FRAMES.check(found.tables["face_frames"])
    FACE_EVENTS.check(found.tables["face_events"])
    return found


def frame(face, **kwargs) -> dict:
    return outputs(landmark_table([0.0], [face], **kwargs)).tables["face_frames"].to_pylist()[0]


def blinking(fps: float, n: int, at: list[int]) -> list[np.ndarray]:
    opening = np.full(n, 0.3)
    for start in at:
        opening[start : start + len(BLINK)] = BLINK
    return [mesh(opening=value, pitch=0) for value in opening]


def test_a_frontal_face_is_fully_measured() -> None:
    row = frame(mesh(yaw=8, pitch=-5, roll=3, opening=0.28, iris=(0.05, 0.02)))
    assert row["face_present"]
    assert row["face_valid"]
    assert row["reason"] is None
    assert row["face_iod_px"] == pytest.approx(80, abs=2)
    found = [row[f"head_{name}_deg"] for name in ("yaw", "pitch", "roll")]
    assert found == pytest.approx([8, -5, 3], abs=0.05)
    assert row["gaze_yaw_deg"] == pytest.approx(8 - 6.3, abs=0.05)
    assert row["gaze_pitch_deg"] == pytest.approx(-5 - 2.52, abs=0.05)
    assert row["eye_aspect_left"] == pytest.approx(0.28, abs=1e-3)
    assert row["eye_aspect_right"] == pytest.approx(0.28, abs=1e-3)


@pytest.mark.parametrize(
    ("face", "reason", "posed"),
    [
        ({"yaw": 40}, "turned_away", True),
        ({"yaw": -35}, "turned_away", True),
        ({"pitch": 30}, "turned_away", True),
        ({"yaw": 65}, "profile_view", False),
        ({"distance_mm": 2300}, "small_face", True),
        ({"distance_mm": 4000}, "small_face", False),
    ],
)
def test_gates(face: dict, reason: str, posed: bool) -> None:
    row = frame(mesh(**face))
    assert row["face_present"]
    assert not row["face_valid"]
    assert row["reason"] == reason
    assert (row["head_yaw_deg"] is not None) is posed
    assert row["gaze_yaw_deg"] is None
    assert row["eye_aspect_left"] is None


@pytest.mark.parametrize(
    ("face", "kwargs", "reason"),
    [
        (None, {}, "no_face"),
        (None, {"reasons": ["profile_view"]}, "profile_view"),
        (mesh(), {"presence": 0.3}, "no_face"),
    ],
)
def test_what_the_engine_could_not_measure(face, kwargs: dict, reason: str) -> None:
    found = outputs(landmark_table([0.0], [face], **kwargs))
    row = found.tables["face_frames"].to_pylist()[0]
    assert not row["face_present"]
    assert row["reason"] == reason
    assert row["head_yaw_deg"] is row["gaze_yaw_deg"] is row["face_iod_px"] is None
    assert [a.reason for a in found.absences] == ["no_face"]


def test_lids_survive_a_wobble_of_pitch_that_gaze_does_not() -> None:
    """A blink at 23 deg of pitch whose shut lids push the estimate beyond the gate of 25."""
    faces = [mesh(pitch=23) for _ in range(90)]
    for i, opening in zip(range(45, 50), BLINK, strict=True):
        faces[i] = mesh(pitch=28, opening=opening)
    found = outputs(landmark_table(np.arange(90) / 30, faces)).tables
    valid = found["face_frames"].column("face_valid").to_pylist()
    assert valid.count(False) == 5
    assert found["face_frames"].column("eye_aspect_left").null_count == 0
    blinks = [e for e in found["face_events"].to_pylist() if e["kind"] == "blink"]
    assert [e["start_s"] for e in blinks] == pytest.approx([45 / 30 - 0.02], abs=0.03)


def test_blinks_are_counted_from_20_fps_on() -> None:
    for fps, expected in ((30, 2), (20, 2), (19, 0)):
        faces = blinking(fps, 20 * fps, [5 * fps, 12 * fps])
        events = outputs(landmark_table(np.arange(20 * fps) / fps, faces)).tables["face_events"]
        assert events.column("kind").to_pylist() == ["blink"] * expected


def test_nods_are_found_in_projected_faces() -> None:
    t_s = np.arange(0, 12, 1 / 25)
    inside = (t_s > 5) & (t_s < 6.5)
    pitch = np.where(inside, 4 * np.sin(2 * np.pi * 2 * (t_s - 5)), 0)
    events = outputs(landmark_table(t_s, [mesh(pitch=p) for p in pitch])).tables["face_events"]
    (nod,) = events.to_pylist()
    assert nod["kind"] == "nod_slow"
    assert nod["size"] == pytest.approx(8, abs=1.5)


def test_how_the_rows_are_chunked_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    faces = [None if i % 17 == 0 else mesh(*rng.uniform(-20, 20, 3)) for i in range(120)]
    table = landmark_table(np.arange(120) / 30, faces)
    pieces = pa.concat_tables([table.slice(i, 7) for i in range(0, 120, 7)])
    whole, cut = outputs(table).tables, outputs(pieces).tables
    assert whole["face_frames"].equals(cut["face_frames"])
    assert whole["face_events"].equals(cut["face_events"])


def test_two_people_keep_their_own_frames() -> None:
    t_s = np.arange(60) / 30
    client = landmark_table(t_s, [mesh(yaw=10)] * 60)
    therapist = landmark_table(t_s, [mesh(yaw=-10)] * 60, role="therapist")
    both = pa.concat_tables([client, therapist]).sort_by([("t_s", "ascending")])
    frames = outputs(both).tables["face_frames"].to_pylist()
    means = {
        role: np.mean([f["head_yaw_deg"] for f in frames if f["role"] == role])
        for role in ("client", "therapist")
    }
    assert means == pytest.approx({"client": 10, "therapist": -10}, abs=0.01)


def test_no_landmarks_no_rows_and_no_second_absence() -> None:
    found = outputs(LANDMARKS.empty())
    assert found.tables["face_frames"].num_rows == found.tables["face_events"].num_rows == 0
    assert found.absences == ()
    assert STAGE.writes == ("face_frames", "face_events")
