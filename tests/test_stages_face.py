"""The face stage on projected faces: gates, signs, events, and independence of the pieces."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from models.base import FaceObservation, StillFrame
from pipeline.face.gaze import LID_AHEAD
from pipeline.settings import AlignSettings, FaceSettings, LandmarksSettings
from pipeline.stages import align, face, landmarks
from pipeline.stages.face import STAGE, run
from pipeline.tables import FACE_EVENTS, FACE_FRAMES, LANDMARKS, SESSIONS, TABLES
from tests.made.faces import SPEC, inputs, landmark_table, media_table, mesh

SETTINGS = FaceSettings()
BLINK = (0.2, 0.1, 0.08, 0.1, 0.2)


def outputs(table: pa.Table):
    found = run(inputs({"landmarks": table, "media": media_table()}), None, SETTINGS)
    FACE_FRAMES.check(found.tables["face_frames"])
    FACE_EVENTS.check(found.tables["face_events"])
    return found


def events(table: pa.Table, *kinds: str) -> list[dict]:
    rows = outputs(table).tables["face_events"].to_pylist()
    return [row for row in rows if row["kind"] in kinds or not kinds]


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
    lid = 0.5 * (-0.28 / 2 - LID_AHEAD)
    assert row["gaze_pitch_deg"] == pytest.approx(-5 - 126 * (1.5 * 0.02 + lid), abs=0.05)
    assert row["eye_aspect_left"] == pytest.approx(0.28, abs=1e-3)
    assert row["eye_aspect_right"] == pytest.approx(0.28, abs=1e-3)


@pytest.mark.parametrize(
    ("face", "reason", "posed"),
    [
        ({"yaw": 40}, "turned_away", True),
        ({"yaw": -35}, "turned_away", True),
        ({"pitch": 30}, "turned_away", True),
        ({"yaw": 65}, "profile_view", False),
        ({"yaw": 75, "distance_mm": 1500}, "profile_view", False),
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
        kinds = [
            event["kind"] for event in events(landmark_table(np.arange(20 * fps) / fps, faces))
        ]
        assert kinds.count("blink") == expected


def test_nods_are_found_in_projected_faces() -> None:
    t_s = np.arange(0, 12, 1 / 25)
    inside = (t_s > 5) & (t_s < 6.5)
    pitch = np.where(inside, 4 * np.sin(2 * np.pi * 2 * (t_s - 5)), 0)
    (nod,) = events(landmark_table(t_s, [mesh(pitch=p) for p in pitch]), "nod_slow")
    assert nod["size"] == pytest.approx(8, abs=1.5)


def test_how_the_rows_are_chunked_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    faces = [None if i % 17 == 0 else mesh(*rng.uniform(-20, 20, 3)) for i in range(120)]
    table = landmark_table(np.arange(120) / 30, faces)
    pieces = pa.concat_tables([table.slice(i, 7) for i in range(0, 120, 7)])
    whole, cut = outputs(table).tables, outputs(pieces).tables
    assert whole["face_frames"].equals(cut["face_frames"])
    assert whole["face_events"].equals(cut["face_events"])


def test_place_and_speed_of_a_head_that_walks_off() -> None:
    """At 100 mm/s away from the camera, turning 10 deg/s: `mesh` puts the face at (30, -20, z)."""
    t_s = np.arange(50) / 25
    faces = [mesh(yaw=10 * t - 10, distance_mm=1000 + 100 * t) for t in t_s]
    rows = outputs(landmark_table(t_s, faces)).tables["face_frames"].to_pylist()
    place = np.array([[row[f"head_{axis}_mm"] for axis in "xyz"] for row in rows])
    assert place[:, :2] == pytest.approx(np.tile([30, -20], (50, 1)), abs=0.05)
    assert place[:, 2] == pytest.approx(1000 + 100 * t_s, abs=0.5)
    assert [row["head_speed_dps"] for row in rows] == pytest.approx([10] * 50, abs=0.1)


def test_every_missing_speed_says_why() -> None:
    for fps, reason in ((25, None), (9, "low_fps")):
        faces = [mesh(yaw=yaw) for yaw in [0] * 20 + [70] * 5 + [0] * 20] + [None] * 5
        rows = outputs(landmark_table(np.arange(50) / fps, faces)).tables["face_frames"].to_pylist()
        reasons = [row["head_speed_reason"] for row in rows]
        expected = [reason] * 20 + ["profile_view"] * 5 + [reason] * 20 + ["no_face"] * 5
        assert reasons == expected
        assert [row["head_speed_dps"] is None for row in rows] == [r is not None for r in expected]


def test_what_is_null_in_a_row_has_a_reason_there() -> None:
    rng = np.random.default_rng(1)
    turns = np.cumsum(rng.normal(0, 4, (300, 2)), axis=0)
    faces = [None if i % 31 == 0 else mesh(*turns[i]) for i in range(300)]
    rows = outputs(landmark_table(np.arange(300) / 25, faces)).tables["face_frames"].to_pylist()
    per_frame = set(FACE_FRAMES.by_name) - {"reason", "head_speed_dps", "head_speed_reason"}
    holes = [row for row in rows if any(row[name] is None for name in per_frame)]
    assert holes
    assert all(row["reason"] is not None for row in holes)
    assert {row["head_speed_dps"] is None for row in rows if not row["head_speed_reason"]} == {
        False
    }


def test_the_figure_and_the_module_state_the_same_signs() -> None:
    figure = ET.parse(Path(face.__file__).parents[1] / "face" / "axes.svg").getroot()
    drawn = " ".join("".join(figure.itertext()).lower().split())
    stated = " ".join(face.__doc__.lower().split())
    for sign in ("yaw + = nose or gaze to the left", "pitch + = up", "the right eye lower"):
        assert sign in stated
        assert sign.replace("+ =", "+ is") in drawn
    for sign in ("x + to the right", "y + down", "z + away"):
        assert sign in drawn
        assert sign.replace("+ ", "+ = ") in stated


# ---- a face that is lost for 10 s -----------------------------------------------------------

LOSS_S = (60, 70)


def blinking_until_lost(duration_s: int, every_s: int, *, loses_face: bool) -> pa.Table:
    """20 frames a second; a blink at every multiple of `every_s`, unless nobody is there."""
    course = np.full(20 * duration_s, 0.3)
    for at_s in range(every_s, duration_s - 1, every_s):
        course[20 * at_s : 20 * at_s + len(BLINK)] = BLINK
    made = {opening: mesh(opening=opening) for opening in {0.3, *BLINK}}
    faces = [made[opening] for opening in course]
    if loses_face:
        first, stop = (20 * edge for edge in LOSS_S)
        faces[first:stop] = [None] * (stop - first)
    return landmark_table(np.arange(len(faces)) / 20, faces)


def test_a_lost_face_shifts_no_later_event() -> None:
    """OpenWillis drops such frames, then takes row numbers for time: later blinks come early."""
    found = {
        loses: [round(event["start_s"], 3) for event in events(table, "blink")]
        for loses in (False, True)
        for table in [blinking_until_lost(120, 10, loses_face=loses)]
    }
    first, stop = LOSS_S
    assert [round(start) for start in found[False]] == list(range(10, 120, 10))
    assert found[True] == [at for at in found[False] if not first - 0.1 <= at < stop]
    (gone,) = events(blinking_until_lost(120, 10, loses_face=True), "out_of_frame")
    assert (gone["start_s"], gone["end_s"]) == pytest.approx(LOSS_S)


def test_a_lost_face_does_not_lower_the_blink_rate() -> None:
    """OpenWillis divides by all frames; here only time in which a blink could be seen counts."""
    rates = {
        loses: client_figure(blinking_until_lost(200, 4, loses_face=loses), "client_blinks_pm")
        for loses in (False, True)
    }
    assert rates[False] == pytest.approx(15, rel=0.05)
    assert rates[True] == pytest.approx(rates[False], rel=0.02)


def client_figure(landmarks: pa.Table, measure: str) -> float:
    """One figure of the whole session, from landmarks through `face` and `align`."""
    duration_s = landmarks.column("t_s").to_pylist()[-1]
    session = dict.fromkeys(SESSIONS.by_name) | {"session_id": SPEC["id"], "duration_s": duration_s}
    session |= {"dyad_id": "D1", "client_id": "C1", "therapist_id": "T1"}
    upstream = {name: TABLES[name].empty() for name in align.STAGE.reads}
    upstream |= {"sessions": SESSIONS.build_rows([session])} | outputs(landmarks).tables
    rows = align.run(inputs(upstream), None, AlignSettings()).tables["session_features"].to_pylist()
    (value,) = [row["value"] for row in rows if row["feature"] == measure]
    return value


# ---- two people -----------------------------------------------------------------------------


def two_shot(client: list, therapist: list, **seen_of_therapist) -> pa.Table:
    t_s = np.arange(len(client)) / 25
    tables = [
        landmark_table(t_s, client),
        landmark_table(t_s, therapist, role="therapist", **seen_of_therapist),
    ]
    return pa.concat_tables(tables).sort_by([("t_s", "ascending")])


def test_two_people_keep_their_own_frames() -> None:
    both = two_shot([mesh(yaw=10)] * 60, [mesh(yaw=-10)] * 60)
    frames = outputs(both).tables["face_frames"].to_pylist()
    for role, yaw in (("client", 10), ("therapist", -10)):
        own = [row["head_yaw_deg"] for row in frames if row["role"] == role]
        assert own == pytest.approx([yaw] * 60, abs=0.01)


@pytest.mark.parametrize("mesh_of_profile", [True, False], ids=["meshed", "told by the engine"])
def test_a_person_in_profile_is_profile_view_throughout(mesh_of_profile: bool) -> None:
    """psifx stored the lost gaze of such a person as (0, 0): straight into the camera."""
    rng = np.random.default_rng(3)
    client = [mesh(yaw=-8) + rng.normal((-200, 0), 0.3, (478, 2)) for _ in range(250)]
    side = [mesh(yaw=yaw) + np.array([300, 0]) for yaw in rng.uniform(66, 85, 250)]
    told = {} if mesh_of_profile else {"reasons": ["profile_view"] * 250}
    found = outputs(two_shot(client, side if mesh_of_profile else [None] * 250, **told)).tables
    rows = found["face_frames"].to_pylist()
    seen = {role: [row for row in rows if row["role"] == role] for role in ("client", "therapist")}
    assert {row["reason"] for row in seen["therapist"]} == {"profile_view"}
    measures = ("gaze_yaw_deg", "gaze_pitch_deg", "head_yaw_deg", "head_x_mm", "mouth_opening")
    assert {row[name] for row in seen["therapist"] for name in measures} == {None}
    assert {row["face_valid"] for row in seen["client"]} == {True}
    assert max(row["head_x_mm"] for row in seen["client"]) < -50
    assert {event["role"] for event in found["face_events"].to_pylist()} <= {"client"}


class TwoFaces:
    """A recording of 40 frames, and an engine that sees a person on either side of each."""

    def frames(self, media: int, *, max_fps: float):
        return (StillFrame(i, i / 25, np.zeros((2, 2, 3), np.uint8)) for i in range(40))

    def t_of(self, media: int, pts_s: float) -> float:
        return pts_s

    def track(self, frames, *, people: int, regions=None):
        for frame in frames:
            for person, shift in enumerate((-200, 200)[:people]):
                points = (mesh() + np.array([shift, 0])).astype(np.float32)
                yield FaceObservation(
                    frame.index, frame.pts_s, person, None, 0.9, 0.9, None, points
                )


@pytest.mark.parametrize(("people", "roles"), [(1, {"client"}), (2, {"client", "therapist"})])
def test_the_therapists_face_is_measured_only_when_the_profile_says_so(people, roles) -> None:
    both, media = TwoFaces(), media_table()
    spec = SPEC | {"media": [SPEC["media"][0] | {"shows": ["therapist", "client"]}]}
    settings = LandmarksSettings() if people == 1 else LandmarksSettings(people=2)
    seen = landmarks.run(inputs({"media": media}, both, spec), both, settings)
    points = pa.concat_tables(list(seen.tables["landmarks"]))
    frames = outputs(points).tables["face_frames"]
    assert set(frames.column("role").to_pylist()) == roles
    client = frames.filter(pc.equal(frames.column("role"), "client"))
    assert min(client.column("head_x_mm").to_pylist()) > 50


def test_the_switch_says_why_it_is_off() -> None:
    switch = LandmarksSettings.model_fields["people"]
    assert switch.default == 1
    assert "therapist" in switch.description
    assert "legal ground" in switch.description


def test_no_landmarks_no_rows_and_no_second_absence() -> None:
    found = outputs(LANDMARKS.empty())
    assert found.tables["face_frames"].num_rows == found.tables["face_events"].num_rows == 0
    assert found.absences == ()
    assert STAGE.writes == ("face_frames", "face_events", "cue_check")
