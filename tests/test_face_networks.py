"""Networks and geometry: closed forms where there are any, else the real portrait."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from models.errors import EngineInputError
from models.faces.geometry import (
    LEFT_EYE_CORNERS,
    RIGHT_EYE_CORNERS,
    Region,
    crop,
    eye_region,
    face_region,
    followed_region,
    letterbox_area,
    letterbox_bilinear,
)
from models.faces.networks import (
    LEFT_LIDS,
    RIGHT_LIDS,
    FaceDetector,
    FaceMesh,
    IrisNetwork,
    anchor_centres,
    intersection_over_union,
    weighted_nms,
)
from models.faces.seats import in_pixels
from tests.made.face_scenes import portrait, scene, weight


def test_anchors_lie_at_cell_centres_in_output_order():
    short, full = anchor_centres(128), anchor_centres(192)
    assert short.shape == (896, 2)
    assert full.shape == (2304, 2)
    np.testing.assert_allclose(
        short[[0, 1, 2, 512, 518]] * 128, [[4, 4], [4, 4], [12, 4], [8, 8], [24, 8]]
    )
    np.testing.assert_allclose(full[[0, 1, 48]] * 192, [[2, 2], [6, 2], [2, 6]])


def test_iou_of_two_squares_that_share_half_is_a_third():
    box = np.array([0.5, 0.5, 0.2, 0.2], np.float32)
    others = np.array(
        [[0.6, 0.5, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2], [0.9, 0.9, 0.1, 0.1]], np.float32
    )
    np.testing.assert_allclose(intersection_over_union(box, others), [1 / 3, 1, 0], atol=1e-6)


def test_nms_blends_by_score_and_keeps_strangers_apart():
    values = np.zeros((3, 16), np.float32)
    values[:, :4] = [[0.50, 0.5, 0.2, 0.2], [0.52, 0.5, 0.2, 0.2], [0.9, 0.9, 0.1, 0.1]]
    found = weighted_nms(np.array([0.6, 0.9, 0.7], np.float32), values)
    np.testing.assert_allclose(found.scores, [0.9, 0.7])
    np.testing.assert_allclose(found.boxes[0, 0], (0.6 * 0.50 + 0.9 * 0.52) / 1.5, rtol=1e-6)
    np.testing.assert_allclose(found.boxes[1], values[2, :4])


def test_nms_of_nothing_is_nothing():
    found = weighted_nms(np.empty(0, np.float32), np.empty((0, 16), np.float32))
    assert found.boxes.shape == (0, 4)
    assert found.points.shape == (0, 6, 2)


def test_region_maps_its_corners_and_turns_clockwise():
    region = Region(100.0, 50.0, 40.0, math.pi / 2)
    corners = np.array([[0.5, 0.5], [0, 0], [1, 0]], np.float32)
    np.testing.assert_allclose(
        region.to_frame(corners), [[100, 50], [120, 30], [120, 70]], atol=1e-4
    )


@pytest.mark.parametrize("shrink", [False, True])
def test_crop_of_a_ramp_is_the_ramp_at_the_mapped_places(shrink):
    x, y = np.meshgrid(np.arange(640), np.arange(480))
    ramp = np.stack([x / 4, y / 4, (x + y) / 8], axis=-1)
    region = Region(320.0, 240.0, 300.0, 0.3)
    size = 64
    got = crop(np.round(ramp).astype(np.uint8), region, size, shrink=shrink).astype(float)
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    places = region.to_frame(
        (np.stack([columns, rows], -1).reshape(-1, 2) / size).astype(np.float32)
    )
    want = np.column_stack([places[:, 0] / 4, places[:, 1] / 4, places.sum(axis=1) / 8])
    np.testing.assert_allclose(got.reshape(-1, 3), want, atol=1.5)


def test_crop_replicates_the_border():
    image = np.full((50, 50, 3), 200, np.uint8)
    assert (crop(image, Region(0.0, 0.0, 40.0, 0.0), 32) == 200).all()


@pytest.mark.parametrize("fit", [letterbox_area, letterbox_bilinear])
@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (333, 500), (3, 700), (1, 1)])
def test_letterbox_knows_the_way_back(fit, shape):
    height, width = shape
    boxed = fit(np.full((height, width, 3), 255, np.uint8), 192)
    assert boxed.image.shape == (192, 192, 3)
    rows, columns = np.nonzero(boxed.image[:, :, 0] > 127)
    extent = np.array(boxed.extent) / 192
    low = np.array([columns.min(), rows.min()]) * extent + boxed.origin
    high = np.array([columns.max() + 1, rows.max() + 1]) * extent + boxed.origin
    slack = 1.5 * extent + 0.5  # within a pixel of the network's input, half of one of the frame
    assert (np.abs(low) <= slack).all()
    assert (np.abs(high - [width, height]) <= slack).all()


@pytest.mark.parametrize("name", ["full", "short"])
def test_detector_finds_the_portrait_where_it_was_put(name):
    detector = FaceDetector(weight(f"mediapipe-face-detector-{name}"))
    boxed = letterbox_area(scene((500, 250, 300), width=900, height=700), detector.input_side)
    (face,) = in_pixels(detector(boxed.image), boxed)
    whole = portrait(300)
    alone = letterbox_area(
        cv2.copyMakeBorder(whole, 200, 200, 300, 300, cv2.BORDER_CONSTANT, value=(90, 90, 90)),
        detector.input_side,
    )
    (reference,) = in_pixels(detector(alone.image), alone)
    shift = face.centre_box[:2] - reference.centre_box[:2]
    np.testing.assert_allclose(shift, [200, 50], atol=0.08 * face.centre_box[2])
    assert not face.in_profile


def test_mesh_and_iris_see_the_portrait():
    detector = FaceDetector(weight("mediapipe-face-detector-full"))
    mesh, iris = FaceMesh(weight("mediapipe-face-mesh-468")), IrisNetwork(weight("mediapipe-iris"))
    image = scene((500, 250, 300))
    boxed = letterbox_area(image, detector.input_side)
    (face,) = in_pixels(detector(boxed.image), boxed)
    region = face_region(face.centre_box, face.points)
    points, presence = mesh(crop(image, region, mesh.input_side))
    assert presence > 0.99
    points = region.to_frame(points)
    assert followed_region(points).side == pytest.approx(region.side, rel=0.15)
    for corners, mirror in ((LEFT_EYE_CORNERS, False), (RIGHT_EYE_CORNERS, True)):
        eye = eye_region(points, corners)
        ring, lids = (
            eye.to_frame(part) for part in iris(crop(image, eye, iris.input_side), mirror=mirror)
        )
        centre, right, top, left, bottom = ring
        assert left[0] < centre[0] < right[0]
        assert top[1] < centre[1] < bottom[1]
        between = sorted(points[list(corners), 0])
        assert between[0] < centre[0] < between[1]
        indices = LEFT_LIDS if not mirror else RIGHT_LIDS
        assert np.abs(lids - points[list(indices)]).max() < 0.1 * eye.side
        assert lids[:7, 1].mean() > centre[1] > lids[7:, 1].mean()


def test_a_blank_crop_holds_no_face():
    mesh = FaceMesh(weight("mediapipe-face-mesh-468"))
    _, presence = mesh(np.zeros((192, 192, 3), np.uint8))
    assert presence < 0.5


def test_wrong_files_and_wrong_images_are_refused():
    mesh = weight("mediapipe-face-mesh-468")
    with pytest.raises(EngineInputError, match="none holds"):
        FaceDetector(mesh)
    with pytest.raises(EngineInputError, match="none holds"):
        FaceMesh(weight("mediapipe-iris"))
    with pytest.raises(EngineInputError, match=r"\(10, 10, 3\)"):
        FaceMesh(mesh)(np.zeros((10, 10, 3), np.uint8))
