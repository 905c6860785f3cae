"""Whether the camera moved: the whole picture shifted, against people who move in front of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.movement.camera_shift import SIZE, coarse, shift_explained
from pipeline.settings import MovementSettings


def furniture(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    room = np.full((144, 256), 150, np.float32)
    for _ in range(30):
        x, y = rng.integers(0, 230), rng.integers(0, 120)
        room[y : y + rng.integers(6, 24), x : x + rng.integers(6, 30)] = rng.integers(60, 220)
    return room


def with_person(room: np.ndarray, x: float, tone: float = 40.0) -> np.ndarray:
    image = room.copy()
    image[40:, round(x) : round(x) + 50] = tone
    return image


def shifted(image: np.ndarray, right: float, down: float) -> np.ndarray:
    matrix = np.array([[1, 0, right], [0, 1, down]], float)
    return cv2.warpAffine(image, matrix, (256, 144), borderMode=cv2.BORDER_REPLICATE)


def explained(before: np.ndarray, now: np.ndarray, noise: float = 1.5) -> float:
    rng = np.random.default_rng(1)
    pictures = (
        np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)
        for image in (before, now)
    )
    small = [coarse(picture) for picture in pictures]
    return shift_explained(small[0], small[1])


@pytest.mark.parametrize("move", [(2, 0), (0, 2), (-3, 1), (8, -5), (25, 10)])
def test_a_moved_camera_explains_most_of_the_change(move: tuple[float, float]) -> None:
    room = with_person(furniture(), 60)
    assert explained(room, shifted(room, *move)) > MovementSettings().shift_min


@pytest.mark.parametrize("step", [1, 3, 8, 20])
def test_a_person_in_front_of_furniture_does_not(step: int) -> None:
    room = furniture()
    assert explained(with_person(room, 60), with_person(room, 60 + step)) < 0.35


def test_two_people_who_move_apart_do_not_even_before_a_blank_wall() -> None:
    wall = np.full((144, 256), 150, np.float32)
    before, now = (with_person(with_person(wall, 40 - d), 160 + 2 * d, 220.0) for d in (0, 4))
    assert explained(before, now) < MovementSettings().shift_min


def test_blank_pictures_do_not_move() -> None:
    black, white = (np.full((144, 256), grey, np.float32) for grey in (0, 255))
    assert explained(black, white, noise=0.0) == 0.0
    assert explained(white, white, noise=0.0) == 0.0


def test_noise_and_light_do_not() -> None:
    room = furniture()
    assert explained(room, room, noise=5.0) == 0.0
    assert explained(room, room * 1.2) < 0.3


def test_pictures_are_left_as_they_were() -> None:
    before, now = coarse(furniture().astype(np.uint8)), coarse(furniture(2).astype(np.uint8))
    copies = before.copy(), now.copy()
    shift_explained(before, now)
    assert before.shape == SIZE
    assert np.array_equal(before, copies[0])
    assert np.array_equal(now, copies[1])
