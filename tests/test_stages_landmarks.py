"""The landmarks stage with a made recording and a made engine: which rows, which absences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from models.base import FaceObservation, Frame, StillFrame
from pipeline.errors import MediaError
from pipeline.movement.grid import counts_of
from pipeline.settings import LandmarksSettings
from pipeline.stage import Missing
from pipeline.stages.landmarks import PIECE_ROWS, STAGE, run
from pipeline.tables import LANDMARKS, MOTION_GRID
from tests.made.faces import SPEC, inputs, media_table

SETTINGS = LandmarksSettings()
IMAGE = np.zeros((2, 2, 3), np.uint8)


class Tape:
    """A recording of `n` frames at 25 Hz whose clock starts 1.5 s into the container."""

    def __init__(self, n: int, breaks_at: int | None = None) -> None:
        self.n, self.breaks_at, self.asked = n, breaks_at, []

    def frames(self, media: int, *, max_fps: float) -> Iterator[Frame]:
        self.asked.append((media, max_fps))
        for i in range(self.n):
            if i == self.breaks_at:
                raise MediaError("room.mp4 ends at 0.40 s; its container says 4.00 s")
            yield StillFrame(i, 1.5 + i / 25, IMAGE)

    def t_of(self, media: int, pts_s: float) -> float:
        return pts_s - 1.5


class Seats:
    """An engine that sees a face in every frame but the third."""

    def track(self, frames, *, people: int, regions=None) -> Iterator[FaceObservation]:
        self.people, self.regions = people, regions
        for frame in frames:
            for person in range(people):
                points = np.full((478, 2), 100.0 * person + 1 / 3, np.float32)
                lost = frame.index == 2
                yield FaceObservation(
                    frame.index, frame.pts_s, person, "no_face" if lost else None,
                    None if lost else 0.9, None if lost else 0.8,
                    None if lost else (1.0, 2.0, 3.0, 4.0), None if lost else points,
                )  # fmt: skip


def two_shot(*roles: str) -> dict:
    return SPEC | {"media": [{"file": "room.mp4", "hears": ["mixed"], "shows": list(roles)}]}


def rows(tape: Tape, spec: dict = SPEC, settings=SETTINGS, engine=None):
    given = inputs({"media": media_table()}, tape, spec)
    pieces = list(run(given, engine or Seats(), settings).tables["landmarks"])
    for piece in pieces:
        assert piece.schema.equals(LANDMARKS.arrow_schema())
    return [row for piece in pieces for row in piece.to_pylist()]


def test_every_frame_is_a_row_on_the_session_clock() -> None:
    found = rows(Tape(5))
    assert [row["frame_index"] for row in found] == [0, 1, 2, 3, 4]
    assert [row["t_s"] for row in found] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert [row["media_pts_s"] for row in found] == pytest.approx([1.5, 1.54, 1.58, 1.62, 1.66])
    assert [row["reason"] for row in found] == [None, None, "no_face", None, None]
    assert [row["points_px"] is None for row in found] == [False, False, True, False, False]


def test_points_are_rounded_to_64ths_of_a_pixel() -> None:
    points = np.array(rows(Tape(1))[0]["points_px"])
    assert points.shape == (956,)
    assert np.array_equal(points * 64, np.round(points * 64))
    assert np.abs(points - 1 / 3).max() <= 1 / 128


def test_only_the_client_of_a_two_shot_is_kept() -> None:
    engine = Seats()
    found = rows(Tape(3), two_shot("therapist", "client"), engine=engine)
    assert engine.people == 2
    assert {row["role"] for row in found} == {"client"}
    assert found[0]["points_px"][0] == pytest.approx(100.33, abs=0.01)


def test_regions_reach_the_engine_in_the_order_of_the_seats() -> None:
    engine = Seats()
    spec = two_shot("therapist", "client")
    spec["media"][0]["regions"] = {"client": [0.5, 0.25, 0.5, 0.5]}
    rows(Tape(1), spec, engine=engine)
    assert engine.regions == [None, (0.5, 0.25, 0.5, 0.5)]
    rows(Tape(1), two_shot("therapist", "client"), engine=engine)
    assert engine.regions is None


def test_both_people_where_the_profile_asks_for_them() -> None:
    found = rows(Tape(3), two_shot("therapist", "client"), LandmarksSettings(people=2))
    assert [row["role"] for row in found] == ["therapist", "client"] * 3


def test_long_videos_come_in_pieces() -> None:
    given = inputs({"media": media_table()}, Tape(2 * PIECE_ROWS + 1))
    pieces = run(given, Seats(), SETTINGS).tables["landmarks"]
    assert [piece.num_rows for piece in pieces] == [PIECE_ROWS, PIECE_ROWS, 1]


class Film(Tape):
    """A tape on which a bright square moves 4 px a frame."""

    def frames(self, media: int, *, max_fps: float) -> Iterator[Frame]:
        for i in range(self.n):
            image = np.full((90, 160, 3), 40, np.uint8)
            image[30:60, 4 * i % 120 : 4 * i % 120 + 30] = 220
            yield StillFrame(i, 1.5 + i / 25, image)


class Parts(Film):
    """A film whose second file begins 1.8 s after the first."""

    def t_of(self, media: int, pts_s: float) -> float:
        return pts_s - 1.5 + 1.8 * media


def test_movement_is_noted_while_the_frames_pass() -> None:
    given = inputs({"media": media_table()}, Film(2 * PIECE_ROWS + 10), two_shot("client"))
    found = run(given, Seats(), SETTINGS).tables
    pieces = list(found["motion_grid"])
    assert all(piece.schema.equals(MOTION_GRID.arrow_schema()) for piece in pieces)
    rows = pa.concat_tables(pieces)
    MOTION_GRID.check(rows)
    t_s = rows.column("t_s").to_numpy()
    assert t_s == pytest.approx(0.05 + 0.1 * np.arange(len(t_s)))
    assert len(t_s) == 10 * (2 * PIECE_ROWS + 9) // 25
    assert max(piece.num_rows for piece in pieces) <= 10 * PIECE_ROWS // 25 + 1
    counts = counts_of(rows.column("changed_px").combine_chunks())
    assert counts.sum(axis=(1, 2)).min() > 0


def test_where_each_person_sits_is_noted_as_shares_of_the_picture() -> None:
    given = inputs({"media": media_table()}, Film(5), two_shot("therapist", "client"))
    rows = run(given, Seats(), SETTINGS).tables["seats"].to_pylist()
    assert [row["role"] for row in rows] == ["therapist", "client"]
    for row in rows:
        places = [row[f"face_{name}"] for name in ("left", "top", "width", "height")]
        assert places == pytest.approx([1 / 160, 2 / 90, 3 / 160, 4 / 90])
        assert row["face_count"] == 4


def test_a_film_in_parts_is_followed_through_all_of_them() -> None:
    files = [f"GX0{i}0042.mp4" for i in (1, 2)]
    media = [{"file": one, "hears": ["mixed"], "shows": ["client"]} for one in files]
    clock = {"clock_start_s": 1.5, "video_start_s": 1.5, "duration_s": 2.0}
    tables = [media_table(media=i, offset_s=1.8 * i, **clock) for i in range(2)]
    given = inputs({"media": pa.concat_tables(tables)}, Parts(50), SPEC | {"media": media})
    found = run(given, Seats(), SETTINGS).tables
    landmarks = pa.concat_tables(found["landmarks"])
    assert landmarks.column("media").to_pylist() == [0] * 50 + [1] * 45  # 0.2 s were seen before
    assert (np.diff(landmarks.column("t_s").to_numpy()) > 0).all()
    motion = pa.concat_tables(found["motion_grid"]).column("media").to_pylist()
    assert set(motion) == {0, 1}
    (seat,) = found["seats"].to_pylist()
    assert (seat["media"], seat["face_count"]) == (0, 49 + 45)


def absence(outputs):
    (only,) = outputs.absences
    assert {table.num_rows for table in outputs.tables.values()} == {0}
    assert set(outputs.tables) == set(STAGE.writes)
    assert only.modality == "video"
    return only.reason


def test_a_video_that_breaks_off_leaves_nothing() -> None:
    outputs = run(inputs({"media": media_table()}, Tape(100, breaks_at=10)), Seats(), SETTINGS)
    assert absence(outputs) == "unreadable_media"
    assert "0.40 s" in outputs.absences[0].sentence


@pytest.mark.parametrize(
    ("roles", "changes", "reason"),
    [
        (("therapist",), {}, "no_media"),
        (("client",), {"video_reason": "unreadable_media"}, "unreadable_media"),
        (("client",), {"video_codec": None}, "no_media"),
    ],
)
def test_without_a_usable_video_of_the_client(roles, changes, reason) -> None:
    tape = Tape(5)
    given = inputs({"media": media_table(**changes)}, tape, two_shot(*roles))
    assert absence(run(given, Seats(), SETTINGS)) == reason
    assert tape.asked == []


def test_that_a_session_has_no_video_is_said_once_by_ingest() -> None:
    tape = Tape(5)
    outputs = run(inputs({"media": media_table()}, tape, two_shot()), Seats(), SETTINGS)
    assert outputs.absences == ()
    assert outputs.tables["landmarks"].num_rows == 0
    assert tape.asked == []


def test_without_weights_nothing_is_decoded() -> None:
    tape = Tape(5)
    missing = Missing("no_weights", "Run `thinslice models fetch`.")
    outputs = run(inputs({"media": media_table()}, tape), missing, SETTINGS)
    assert absence(outputs) == "no_weights"
    assert tape.asked == []


def test_progress_ends_at_one() -> None:
    shares: list[float] = []
    given = inputs({"media": media_table(video_frames=7)}, Tape(7))
    object.__setattr__(given, "progress", lambda _step, share: shares.append(share))
    run(given, Seats(), SETTINGS)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_therapists_face_is_off_by_default() -> None:
    assert STAGE.settings().people == 1
    assert STAGE.scope == "analyse_video"
