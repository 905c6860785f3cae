"""The tracker on a real portrait put at known places, and on real videos with known presence."""

from __future__ import annotations

import itertools
import threading
import time
import zipfile

import numpy as np
import pytest

from models.base import StillFrame
from models.errors import EngineInputError
from models.faces.geometry import eye_centre_distance
from models.faces.prefetch import THREAD_NAME, read_ahead
from models.faces.tracker import EmbeddedFaceTracker
from tests.made.face_scenes import (
    FPS,
    decoded,
    film,
    of_person,
    portrait,
    scene,
    task_bundle,
    tracker,
)

TRANSLATION_TOLERANCE = 0.005
"""Mean error over eye distance of a moved face: the crop's place moves by fractions of a pixel."""
SCALE_TOLERANCE = 0.03
"""The same for a scaled face: resampling changes the pixels as well."""
SWITCH_S = 0.1
LEFT_EYE = (33, 160, 158, 133, 153, 144)
RIGHT_EYE = (263, 387, 385, 362, 380, 373)


def eye_aspect_ratio(points):
    """Mean of both eyes (Soukupova and Cech 2016)."""
    ratios = []
    for outer, up1, up2, inner, down2, down1 in (points[list(e)] for e in (LEFT_EYE, RIGHT_EYE)):
        lids = np.hypot(*(up1 - down1)) + np.hypot(*(up2 - down2))
        ratios.append(lids / (2 * np.hypot(*(outer - inner))))
    return float(np.mean(ratios))


def reading_threads():
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


def error(points, truth):
    """Mean distance over eye distance."""
    return float(np.linalg.norm(points - truth, axis=1).mean()) / eye_centre_distance(truth)


def test_points_move_with_the_face():
    shifts = [(7 * i, 3 * i) for i in range(40)]
    seen = list(
        tracker().track(film([scene((100 + x, 200 + y, 220)) for x, y in shifts]), people=1)
    )
    assert all(one.reason is None and one.points.shape == (478, 2) for one in seen)
    back = np.stack([one.points - shift for one, shift in zip(seen, shifts, strict=True)])
    middle = np.median(back, axis=0)
    assert max(error(points, middle) for points in back) < TRANSLATION_TOLERANCE


@pytest.mark.parametrize("side", [150, 330, 600])
def test_points_scale_with_the_face(side):
    def in_face_units(size):
        *_, last = tracker().track(film([scene((200, 60, size))] * 4), people=1)
        return (last.points - (200, 60)) / size

    assert error(in_face_units(side), in_face_units(220)) < SCALE_TOLERANCE


def test_irises_lie_between_the_corners_in_the_order_of_mediapipe():
    (seen,) = tracker().track(film([scene((500, 250, 300))]), people=1)
    for first, corners in ((468, (33, 133)), (473, (362, 263))):
        centre, right, top, left, bottom = seen.points[first : first + 5]
        low, high = sorted(seen.points[list(corners), 0])
        assert low < left[0] < centre[0] < right[0] < high
        assert top[1] < centre[1] < bottom[1]
    x, y, width, height = seen.box
    assert (seen.points[:468].min(axis=0) >= (x - 0.01, y - 0.01)).all()
    assert (seen.points[:468].max(axis=0) <= (x + width + 0.01, y + height + 0.01)).all()


def test_two_faces_keep_their_seats_when_moved():
    images = [scene((100 + 5 * i, 200, 220), (900 - 5 * i, 150, 260)) for i in range(40)]
    seen = list(tracker().track(film(images), people=2))
    assert [(one.frame_index, one.person) for one in seen] == [
        (i, p) for i in range(40) for p in (0, 1)
    ]
    assert all(one.reason is None for one in seen)
    left = [one.points[:, 0].mean() for one in of_person(seen, 0)]
    right = [one.points[:, 0].mean() for one in of_person(seen, 1)]
    np.testing.assert_allclose(np.diff(left), 5, atol=0.7)
    np.testing.assert_allclose(np.diff(right), -5, atol=0.7)


def test_who_is_lost_comes_back_to_their_own_seat():
    both, right = scene((150, 200, 220), (800, 200, 220)), scene((800, 200, 220))
    images = [both] * 5 + [right] * 10 + [scene()] * 5 + [right] * 5 + [both] * 10
    seen = list(tracker().track(film(images), people=2))
    measured = [[one.reason is None for one in of_person(seen, person)] for person in (0, 1)]
    assert measured[0][:5] == [True] * 5
    assert not any(measured[0][5:25])
    assert all(measured[0][28:])
    assert measured[1][:15] == [True] * 15
    assert not any(measured[1][15:20])
    assert all(measured[1][23:])


def test_seats_count_from_the_left_even_if_the_right_one_is_seen_first():
    images = [scene((450, 200, 220))] * 10 + [scene((100, 200, 220), (450, 200, 220))] * 10
    seen = list(tracker().track(film(images), people=2))
    assert {one.reason for one in of_person(seen, 1)} == {None}
    assert of_person(seen, 0)[0].reason == "no_face"
    assert of_person(seen, 0)[-1].points[:, 0].mean() < of_person(seen, 1)[-1].points[:, 0].mean()


def test_an_extra_face_is_not_taken_for_the_person_who_left():
    images = [scene((150, 100, 330), (900, 50, 150))] * 20 + [scene((900, 50, 150))] * 20
    seen = list(tracker().track(film(images), people=1))
    assert all(one.reason is None for one in seen[:20])
    assert all(one.reason == "no_face" for one in seen[20:])


def test_a_face_elsewhere_after_a_jump_is_found_at_once():
    images = [scene((100, 200, 220))] * 10 + [scene((900, 200, 220))] * 10
    seen = list(tracker().track(film(images), people=1))
    assert all(one.reason is None for one in seen)
    assert seen[10].points[:, 0].mean() > 900


@pytest.mark.parametrize("shape", [(720, 1280), (1, 1), (5, 400), (2, 2), (64, 64)])
def test_frames_without_a_face_give_rows_without_a_measurement(shape):
    images = [np.full((*shape, 3), level, np.uint8) for level in (0, 128, 255)]
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    seen = list(tracker().track(film([*images, noise]), people=2))
    assert [(one.reason, one.points, one.box) for one in seen] == [("no_face", None, None)] * 8


def test_no_frames_give_no_rows():
    assert list(tracker().track(iter(()), people=2)) == []


def test_results_repeat_and_do_not_depend_on_how_frames_arrive():
    frames = film([scene((100 + 9 * i, 200, 220)) for i in range(20)])
    engine = tracker()
    runs = [
        [one.points for one in engine.track(source, people=1)]
        for source in (frames, iter(frames), (frame for frame in frames))
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(np.stack(run), np.stack(runs[0]))


@pytest.mark.parametrize("points", [468, 478])
def test_a_real_blink_is_as_deep_as_on_single_frames(shared_data, points):
    """Around 12 s the person blinks: one frame shut, the one before and two after open."""
    frames = decoded(shared_data / "video" / "WolfgangLanger_Pexels.mp4")
    frames = [frame for frame in frames if 265 <= frame.index < 300]

    def series(*, alone):
        engine = tracker() if points == 468 else EmbeddedFaceTracker.from_task(task_bundle())
        pieces = [[frame] for frame in frames] if alone else [frames]
        seen = [one for piece in pieces for one in engine.track(piece, people=1)]
        return np.array([eye_aspect_ratio(one.points) for one in seen])

    followed, single = series(alone=False), series(alone=True)
    depth = 1 - followed / np.median(followed)
    shut = int(np.argmax(depth))
    assert frames[shut].index == 288
    assert depth[shut] > (0.25 if points == 468 else 0.7)
    assert depth[shut] > 0.9 * (1 - single / np.median(single))[shut]
    assert max(depth[shut - 1], depth[shut + 3]) < 0.5 * depth[shut]


@pytest.mark.parametrize(
    ("name", "face_first"), [("face_noface.mov", True), ("noface_face.mov", False)]
)
def test_presence_switches_at_the_cut(shared_data, name, face_first):
    frames = list(decoded(shared_data / "video" / name))
    change = [
        np.abs(b.image[::8, ::8].astype(int) - a.image[::8, ::8]).mean()
        for a, b in itertools.pairwise(frames)
    ]
    cut_s = frames[1 + int(np.argmax(change[:-1]))].pts_s
    seen = list(tracker().track(frames, people=1))
    for one in seen[:-1]:  # the last frame is black
        if abs(one.pts_s - cut_s) > SWITCH_S:
            assert (one.reason is None) == ((one.pts_s < cut_s) == face_first), one.pts_s


def test_every_face_is_found_and_none_is_invented(shared_data):
    engine = tracker()
    face = list(
        engine.track(decoded(shared_data / "video" / "WolfgangLanger_Pexels.mp4"), people=1)
    )
    assert len(face) == 472
    assert np.mean([one.reason is None for one in face]) >= 0.98
    none = list(engine.track(decoded(shared_data / "video" / "no_face.mp4"), people=1))
    assert [one.reason for one in none] == ["no_face"] * len(none)


def test_a_dropped_generator_ends_its_threads_and_closes_the_reader():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield StillFrame(0, 0.0, np.zeros((90, 160, 3), np.uint8))
        finally:
            closed.set()

    before = len(reading_threads())
    rows = tracker().track(endless(), people=1)
    next(rows)
    assert len(reading_threads()) > before
    rows.close()
    assert len(reading_threads()) == before
    assert closed.is_set()


def test_reading_ahead_is_bounded_and_keeps_order():
    taken = []

    def source():
        for number in range(100):
            taken.append(number)
            yield number

    ahead = read_ahead(source(), depth=3)
    assert [next(ahead) for _ in range(2)] == [0, 1]
    time.sleep(0.05)
    assert len(taken) <= 2 + 3 + 1
    assert list(ahead) == list(range(2, 100))


def test_what_the_reader_raises_is_raised_after_the_frames_before_it():
    def broken():
        yield from film([scene((500, 250, 300))] * 2)
        message = "damaged packet"
        raise OSError(message)

    rows = tracker().track(broken(), people=1)
    assert [next(rows).frame_index for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="damaged packet"):
        next(rows)
    assert reading_threads() == []


def test_what_is_no_rgb_frame_is_refused_with_its_place():
    grey = StillFrame(3, 0.12, np.zeros((90, 160), np.uint8))
    with pytest.raises(EngineInputError, match=r"frame 3 at 0.120 s .*\(90, 160\)"):
        list(tracker().track([grey], people=1))
    with pytest.raises(EngineInputError, match="0 people"):
        tracker().track([], people=0)


def test_the_task_bundle_gives_478_points_without_an_iris_network(tmp_path):
    engine = EmbeddedFaceTracker.from_task(task_bundle())
    (seen,) = engine.track(film([portrait(440)]), people=1)
    assert seen.points.shape == (478, 2)
    wrong = tmp_path / "wrong.task"
    with zipfile.ZipFile(wrong, "w") as bundle:
        bundle.writestr("something.tflite", b"")
    with pytest.raises(EngineInputError, match=r"wrong\.task is no face_landmarker\.task"):
        EmbeddedFaceTracker.from_task(wrong)


def test_one_face_fills_one_seat_only():
    images = [scene((400 + 6 * i, 200, 220)) for i in range(20)]
    seen = list(tracker().track(film(images), people=2))
    assert sorted(one.reason is None for one in seen) == [False] * 20 + [True] * 20
    assert len({one.person for one in seen if one.reason is None}) == 1
    assert {one.points.dtype for one in seen if one.reason is None} == {np.dtype(np.float32)}


def test_a_seat_too_long_empty_does_not_hold_rows_back():
    blank = StillFrame(0, 0.0, np.zeros((36, 64, 3), np.uint8))
    frames = (StillFrame(i, i / FPS, blank.image) for i in range(10_000))
    rows = tracker().track(frames, people=2)
    first = next(rows)
    assert first.frame_index == 0
    rows.close()
