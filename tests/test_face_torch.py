"""The batched face core: geometry against numpy and cv2, tracking against scenes we made."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from models.errors import EngineInputError
from models.faces import geometry as face_geometry
from models.faces.core_torch import TorchFaceCore
from models.faces.geometry import Region, eye_centre_distance
from models.faces.geometry_torch import (
    Regions,
    crop,
    eye_regions,
    face_regions,
    followed_regions,
    letterbox_area,
    letterbox_bilinear,
)
from models.faces.networks import weighted_nms
from models.faces.networks_torch import weighted_nms as weighted_nms_of_batch
from models.faces.sampling import warp_in_steps
from models.faces.tracker import EmbeddedFaceTracker
from models.faces.tracker_torch import TorchFaceTracker
from tests.made.face_scenes import decoded, film, of_person, portrait, scene, task_bundle, weight

SAME_PX = 0.01
"""A last digit in the first mesh pass may round a pixel of the second one's crop differently."""


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tracker():
    return TorchFaceTracker(
        detector=weight("mediapipe-face-detector-full"),
        mesh=weight("mediapipe-face-mesh-468"),
        iris=weight("mediapipe-iris"),
    )


def on_device(*images):
    return torch.from_numpy(np.stack(images))


def regions(*found: Region, frame=0):
    rows = [[r.x, r.y, r.side, r.side, r.angle] for r in found]
    columns = torch.tensor(rows, dtype=torch.float64)
    return Regions(torch.full((len(found),), frame), *columns.T)


def values(region: Regions):
    columns = (region.x, region.y, region.width, region.height, region.angle)
    return torch.stack(columns, dim=1).numpy()


@pytest.mark.parametrize("size", [128, 192])
@pytest.mark.parametrize("shape", [(512, 512), (300, 437), (437, 300), (200, 512)])
def test_letterboxes_are_those_of_one_frame(size, shape):
    whole = data.astronaut()
    frames = [np.ascontiguousarray(whole[: shape[0], : shape[1]]) for _ in range(2)]
    frames[1] = frames[1][::-1].copy()
    pairs = (
        (letterbox_area, face_geometry.letterbox_area),
        (letterbox_bilinear, face_geometry.letterbox_bilinear),
    )
    for batched, single in pairs:
        boxes = batched(on_device(*frames), size)
        for frame, ours in zip(frames, boxes.images.numpy(), strict=True):
            truth = single(frame, size)
            assert np.abs(ours - truth.image).max() <= 8  # places between two steps
            assert np.abs(ours - truth.image).mean() <= 0.1
            np.testing.assert_allclose(boxes.origin, truth.origin)
            np.testing.assert_allclose(boxes.extent, truth.extent)


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.0])
def test_crops_are_those_of_the_classic_warp(angle):
    image = np.ascontiguousarray(data.astronaut())
    inside, outside = Region(220.31, 120.77, 181.937, angle), Region(20.53, 490.29, 330.171, angle)
    ours = crop(on_device(image[::-1], image), regions(inside, outside, frame=1), 96, shrink=False)
    for region, square in zip((inside, outside), ours.numpy(), strict=True):
        np.testing.assert_array_equal(square, warp_in_steps(image, region.matrix(96), 96))


def test_a_large_region_is_averaged_and_a_small_one_beside_it_is_not():
    x, y = np.meshgrid(np.arange(640), np.arange(480))
    ramp = np.round(np.stack([x / 4, y / 4, (x + y) / 8], axis=-1)).astype(np.uint8)
    large, small = Region(320.0, 240.0, 300.0, 0.3), Region(320.0, 240.0, 60.0, 0.3)
    squares = crop(on_device(ramp), regions(large, small), 64).numpy()
    rows, columns = np.mgrid[:64, :64]
    for region, square, shift in ((large, squares[0], 3 / 8), (small, squares[1], 0)):
        places = (np.stack([columns, rows], -1).reshape(-1, 2) + shift) / 64
        at = region.to_frame(places.astype(np.float32))
        want = np.column_stack([at[:, 0] / 4, at[:, 1] / 4, at.sum(axis=1) / 8])
        np.testing.assert_allclose(square.reshape(-1, 3), want, atol=1.0)


def test_regions_are_those_of_one_face():
    rng = np.random.default_rng(3)
    box, keys = np.array([200.0, 150.0, 80.0, 79.0], np.float32), rng.normal(150, 9, (6, 2))
    mesh = rng.normal(200, 30, (468, 2)).astype(np.float32)
    keys, frame = keys.astype(np.float32), torch.zeros(1, dtype=torch.int64)
    boxes, points = torch.from_numpy(box[None]), torch.from_numpy(keys[None])
    meshes = torch.from_numpy(mesh[None])
    corners = face_geometry.RIGHT_EYE_CORNERS
    pairs = (
        (face_regions(frame, boxes, points), face_geometry.face_region(box, keys)),
        (followed_regions(frame, meshes), face_geometry.followed_region(mesh)),
        (eye_regions(frame, meshes, corners), face_geometry.eye_region(mesh, corners)),
    )
    for ours, truth in pairs:
        want = [truth.x, truth.y, truth.side, truth.side, truth.angle]
        np.testing.assert_allclose(values(ours)[0], want, rtol=1e-5, atol=1e-4)
        unit = rng.random((1, 9, 2)).astype(np.float32)
        there = ours.to_frame(torch.from_numpy(unit))[0]
        np.testing.assert_allclose(there, truth.to_frame(unit[0]), atol=1e-2)
    apart = face_regions(frame, boxes, points, square=False)
    np.testing.assert_allclose(values(apart)[0, 2:4], [120, 118.5])


def test_suppression_of_a_batch_is_that_of_each_image():
    rng = np.random.default_rng(5)
    boxes = rng.random((6, 40, 16), dtype=np.float32)
    boxes[..., 2:4] = rng.uniform(0.1, 0.4, (6, 40, 2))
    scores = rng.random((6, 40), dtype=np.float32)
    scores[scores < 0.5] = 0
    scores[2] = 0
    ours = weighted_nms_of_batch(torch.from_numpy(scores), torch.from_numpy(boxes), most=4)
    for i in range(6):
        kept = scores[i] > 0
        truth = weighted_nms(scores[i][kept], boxes[i][kept])
        count = min(4, len(truth.scores))
        np.testing.assert_allclose(ours.scores[i, :count], truth.scores[:count])
        np.testing.assert_allclose(ours.boxes[i, :count], truth.boxes[:count], atol=1e-6)
        np.testing.assert_allclose(ours.points[i, :count], truth.points[:count], atol=1e-5)
        assert (ours.scores[i, count:] == 0).all()


def test_a_frame_gives_the_same_alone_and_in_a_batch(tracker):
    images = [scene((200, 200, 250), (800, 300, 300)), scene(), scene((500, 100, 400))]
    together = tracker.core(on_device(*images), most=4)
    assert together.frame.tolist() == [0, 0, 2]
    for index, image in enumerate(images):
        alone = tracker.core(on_device(image), most=4)
        mine = together.frame == index
        torch.testing.assert_close(together.presence[mine], alone.presence, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(together.points[mine], alone.points, rtol=0, atol=SAME_PX)


def test_landmarks_lie_where_the_tracker_for_a_cpu_puts_them(tracker):
    frames = film([scene((300 + 4 * i, 200, 250)) for i in range(3)])
    ours = list(tracker.track(frames, people=1))
    reference = EmbeddedFaceTracker(
        detector=weight("mediapipe-face-detector-full"),
        mesh=weight("mediapipe-face-mesh-468"),
        iris=weight("mediapipe-iris"),
    )
    for mine, theirs in zip(ours, reference.track(frames, people=1), strict=True):
        assert (mine.frame_index, mine.person, mine.reason) == (theirs.frame_index, 0, None)
        assert mine.points.shape == (478, 2)
        off = np.linalg.norm(mine.points - theirs.points, axis=1).mean()
        assert off <= 0.02 * eye_centre_distance(theirs.points)


def test_two_people_are_numbered_left_to_right_and_keep_their_number(tracker):
    places = [(820 - 40 * i, 240 + 40 * i) for i in range(8)]
    images = [scene((a, 40, 300), (b, 400, 300)) for a, b in places]
    images[3:5] = [scene((a, 40, 300)) for a, _ in places[3:5]]
    rows = list(tracker.track(film(images), people=2))
    assert [(r.frame_index, r.person) for r in rows] == list(itertools.product(range(8), (0, 1)))
    for person, side in ((0, 1), (1, 0)):
        seen = of_person(rows, person)
        for row, place in zip(seen, places, strict=True):
            if person == 0 and row.frame_index in (3, 4):
                assert (row.reason, row.points) == ("no_face", None)
                continue
            middle = row.box[0] + row.box[2] / 2
            assert abs(middle - (place[side] + 150)) < 40, row.frame_index


def test_a_turned_frame_keeps_its_points_on_the_face(tracker):
    upright = scene((500, 250, 300))
    turn = cv2.getRotationMatrix2D((650, 400), 25, 1)
    turned = np.asarray(cv2.warpAffine(upright, turn, (1280, 720)), np.uint8)
    straight, tilted = tracker.track(film([upright, turned]), people=1)
    want = straight.points @ turn[:, :2].T + turn[:, 2]
    off = np.linalg.norm(tilted.points - want, axis=1).mean()
    assert off <= 0.06 * eye_centre_distance(straight.points)
    eyes = tilted.points[263] - tilted.points[33]
    assert math.degrees(math.atan2(eyes[1], eyes[0])) == pytest.approx(-25, abs=6)


def test_no_face_in_a_video_without_faces(tracker, shared_data):
    frames = itertools.islice(decoded(shared_data / "video" / "no_face.mp4"), 0, None, 12)
    rows = list(tracker.track(frames, people=1))
    assert len(rows) == 8
    assert {row.reason for row in rows} == {"no_face"}


def test_the_bundle_runs_as_well():
    (row,) = TorchFaceTracker.from_task(task_bundle()).track(film([portrait(440)]), people=1)
    assert row.reason is None
    assert row.points.shape == (478, 2)


def test_out_of_memory_changes_no_result(tracker, monkeypatch):
    frames = film([scene((300 + 20 * i, 200, 250)) for i in range(5)])
    truth = list(tracker.track(frames, people=1))
    whole, tried = TorchFaceCore.__call__, []

    def small(core, batch, *, most):
        tried.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(core, batch, most=most)

    monkeypatch.setattr(TorchFaceCore, "__call__", small)
    again = list(tracker.track(frames, people=1))
    assert tried == [5, 2, 2, 1]
    for one, other in zip(truth, again, strict=True):
        np.testing.assert_allclose(one.points, other.points, rtol=0, atol=SAME_PX)


def test_wrong_requests_are_refused(tracker, tmp_path):
    with pytest.raises(EngineInputError, match="0 people; allowed: 1 or more"):
        tracker.track([], people=0)
    mixed = film([scene(), scene(width=640, height=360)])
    with pytest.raises(EngineInputError, match="640x360 and the first was 1280x720"):
        list(tracker.track(mixed, people=1))
    assert list(tracker.track([], people=1)) == []
    bad = tmp_path / "bad.task"
    bad.write_bytes(b"no bundle")
    with pytest.raises(EngineInputError, match=r"bad\.task is no face_landmarker\.task"):
        TorchFaceTracker.from_task(bad)
    with pytest.raises(EngineInputError, match="hand in `iris`"):
        TorchFaceTracker(
            detector=weight("mediapipe-face-detector-full"), mesh=weight("mediapipe-face-mesh-468")
        )


def test_somebody_far_away_is_found_by_an_enlarged_look(tracker):
    images = [scene((600 + i, 300, 130)) for i in range(9)]
    seen = list(tracker.track(film(images, fps=5), people=1))
    found = [row for row in seen if row.pts_s >= 1.5]
    assert {row.reason for row in found} == {None}
    for row in found:
        assert row.points.shape == (478, 2)
        assert abs(row.box[0] + row.box[2] / 2 - (665 + row.frame_index)) < 15


def test_two_people_who_cross_are_not_swapped(tracker):
    turned, there = portrait(300)[:, ::-1] // 2, portrait(300)
    images = []
    for i in range(16):
        image = np.full((720, 1280, 3), 90, np.uint8)
        for person, left in ((turned, 900 - 54 * i), (there, 80 + 54 * i)):
            image[200:500, left : left + 300] = person
        images.append(image)
    rows = list(tracker.track(film(images, fps=8), people=2))
    for person, start, step in ((0, 80, 54), (1, 900, -54)):
        for row in of_person(rows, person)[:4] + of_person(rows, person)[-4:]:
            assert row.reason is None, (person, row.frame_index)
            middle = row.box[0] + row.box[2] / 2
            assert abs(middle - (start + 150 + step * row.frame_index)) < 50
