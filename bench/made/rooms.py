"""Made 1080p frames of a consulting room with a real face at known places.

The room is drawn (walls, floor, furniture, window, sensor noise); the face is scikit-image's
public-domain portrait (NASA, Eileen Collins), cut out softly with her shoulders. A second person
is the same picture, mirrored and recoloured. Where the eyes are is known to a fraction of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from skimage import data

from models.base import Frame, StillFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from models.base import FaceObservation, Image

WIDTH, HEIGHT = 1920, 1080
FPS = 25.0
LEFT_EYE, RIGHT_EYE = (203.6, 102.5), (246.6, 104.8)
"""Middle of each eye in the portrait, in pixels, image-left first."""
EYE_DISTANCE = float(np.hypot(RIGHT_EYE[0] - LEFT_EYE[0], RIGHT_EYE[1] - LEFT_EYE[1]))
FACE_WIDTHS = 2.4
"""Width of a detector's box over the distance between the eyes."""
EYE_CORNERS = ((33, 133), (362, 263))
"""Corners of each eye in MediaPipe's mesh, image-left eye first."""
HIT_SHARE = 0.25
NOISE_FRAMES = 8
DRAWN_SIDE = 400
"""Rows of the portrait that are drawn: head and shoulders."""


@dataclass(frozen=True, slots=True)
class Pose:
    """One person in one frame."""

    x: float
    """Middle between the eyes, pixels."""
    y: float
    eyes: float
    """Distance between the eyes, pixels."""
    person: int = 0
    """0 as photographed, 1 mirrored and recoloured."""
    in_front: bool = False

    @property
    def eye_centres(self) -> NDArray[np.float64]:
        """Shape (2, 2), image-left eye first."""
        half = np.subtract(RIGHT_EYE, LEFT_EYE) / EYE_DISTANCE * self.eyes / 2
        if self.person == 1:
            half = half * (1, -1)
        middle = np.array([self.x, self.y])
        return np.stack([middle - half, middle + half])


@lru_cache(maxsize=2)
def figure(person: int) -> tuple[Image, NDArray[np.float32]]:
    """The portrait and how much of each pixel is the person, 0..1, shape (rows, columns, 1)."""
    picture = np.asarray(data.astronaut(), np.uint8)[:DRAWN_SIDE]
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(mask, (225, 100), (72, 92), 0, 0, 360, 255, -1)
    body = [(190, 150), (262, 150), (290, 205), (345, 250), (375, 399), (55, 399), (75, 245)]
    cv2.fillPoly(mask, [np.array([*body, (155, 205)], np.int32)], 255)
    alpha = cv2.GaussianBlur(mask, (0, 0), 4).astype(np.float32)[..., None] / 255
    if person == 0:
        return picture, alpha
    darker = np.clip(picture[:, ::-1] * np.array([0.62, 0.66, 0.8]), 0, 255)
    return darker.astype(np.uint8), np.ascontiguousarray(alpha[:, ::-1])


@lru_cache(maxsize=4)
def empty_room(seed: int = 0) -> Image:
    """A wall with texture, a floor, a window, pictures, a sofa, chairs, a lamp and a plant."""
    rng = np.random.default_rng(seed)
    room = np.empty((HEIGHT, WIDTH, 3), np.float32)
    room[:] = rng.uniform(120, 200, 3)
    room[760:] = rng.uniform(60, 130, 3)
    room += _cloud(rng, 9, 10) + _cloud(rng, 120, 6)
    boards = 8 * np.sin(np.arange(WIDTH) / 17.0)[None, :, None]
    room[760:] += boards
    picture = np.clip(room, 0, 255).astype(np.uint8)
    for _ in range(14):
        _furniture(picture, rng)
    cv2.rectangle(picture, (80, 90), (360, 470), (235, 240, 245), -1)
    cv2.rectangle(picture, (80, 90), (360, 470), (90, 70, 50), 9)
    cv2.line(picture, (220, 90), (220, 470), (90, 70, 50), 7)
    cv2.circle(picture, (1730, 250), 90, (250, 235, 190), -1)
    cv2.line(picture, (1730, 340), (1730, 800), (60, 55, 50), 10)
    for _ in range(60):
        centre = tuple(int(v) for v in rng.normal((1500, 640), (60, 90)))
        axes = (int(rng.integers(8, 18)), int(rng.integers(25, 50)))
        green = tuple(int(v) for v in rng.uniform((20, 70, 20), (70, 150, 60)))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, green, -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2), np.uint8)


def _cloud(rng: np.random.Generator, rows: int, strength: float) -> NDArray[np.float32]:
    coarse = rng.normal(0, strength, (rows, rows * 16 // 9, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def _furniture(picture: Image, rng: np.random.Generator) -> None:
    """A box or cushion with a lighter top and a pattern."""
    x, y = int(rng.integers(0, WIDTH - 300)), int(rng.integers(420, HEIGHT - 120))
    w, h = int(rng.integers(80, 420)), int(rng.integers(60, 320))
    shade = rng.uniform(30, 200, 3)
    dark, light = (tuple(float(v) for v in shade * k) for k in (0.7, 1.15))
    cv2.rectangle(picture, (x, y), (x + w, y + h), dark, -1)
    cv2.ellipse(picture, (x + w // 2, y), (w // 2, 18), 0, 0, 360, light, -1)
    for k in range(0, w, 24):
        cv2.line(picture, (x + k, y), (x + k, y + h), light, 2)


@lru_cache(maxsize=1)
def _noise() -> list[NDArray[np.int16]]:
    rng = np.random.default_rng(1)
    return [rng.normal(0, 3, (HEIGHT, WIDTH, 3)).astype(np.int16) for _ in range(NOISE_FRAMES)]


def draw(room: Image, poses: Iterable[Pose], number: int = 0) -> Image:
    """The room with people in it and the sensor noise of frame `number`."""
    image = room.copy()
    for pose in sorted(poses, key=lambda pose: pose.in_front):
        _paste(image, pose)
    return np.asarray(cv2.add(image, _noise()[number % NOISE_FRAMES], dtype=cv2.CV_8U), np.uint8)


def _paste(image: Image, pose: Pose) -> None:
    picture, alpha = figure(pose.person)
    scale = pose.eyes / EYE_DISTANCE
    anchor = (np.add(LEFT_EYE, RIGHT_EYE)) / 2
    if pose.person == 1:
        anchor[0] = picture.shape[1] - 1 - anchor[0]
    left, top = np.floor((pose.x, pose.y) - anchor * scale).astype(int)
    size = (int(picture.shape[1] * scale) + 2, int(picture.shape[0] * scale) + 2)
    shift = (pose.x, pose.y) - anchor * scale - (left, top)
    affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.45 / scale) if scale < 1 else picture
    person = cv2.warpAffine(smooth, affine, size, flags=cv2.INTER_LINEAR)
    share = cv2.warpAffine(alpha, affine, size, flags=cv2.INTER_LINEAR)[..., None]
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(WIDTH, left + size[0]), min(HEIGHT, top + size[1])
    if x1 <= x0 or y1 <= y0:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    under = image[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = share[part] * person[part] + (1 - share[part]) * under


def film(script: Iterable[list[Pose]], *, seed: int = 0, fps: float = FPS) -> Iterator[Frame]:
    """One frame per entry of `script`, at a constant rate, drawn as it is asked for."""
    room = empty_room(seed)
    for number, poses in enumerate(script):
        yield StillFrame(number, number / fps, draw(room, poses, number))


def seated(places: Iterable[Pose], n: int, *, seed: int = 0) -> list[list[Pose]]:
    """People who sit and sway: `n` frames round `places`, a twentieth of a face to each side."""
    rng = np.random.default_rng(seed)
    script: list[list[Pose]] = [[] for _ in range(n)]
    for place in places:
        phase = rng.uniform(0, 6, 2)
        reach = 0.05 * FACE_WIDTHS * place.eyes
        for i, poses in enumerate(script):
            x = place.x + reach * np.sin(i / 9 + phase[0])
            y = place.y + reach * np.sin(i / 13 + phase[1])
            poses.append(Pose(float(x), float(y), place.eyes, place.person))
    return script


def crossing(*, eyes: float, speed: float, front: int, pause: int = 12) -> list[list[Pose]]:
    """Person 0 walks from left to right and 1 from right to left, `front` nearer to the camera.

    `speed` in pixels per frame; both wait `pause` frames before and after. Each frame's list holds
    person 0 first, whoever is in front.
    """
    way = 20 * eyes
    steps = max(1, round(2 * way / speed))
    shares = [0.0] * pause + [(i + 1) / steps for i in range(steps)] + [1.0] * pause
    script = []
    for i, share in enumerate(shares):
        one = Pose(WIDTH / 2 - way + 2 * way * share, 430 + 3 * np.sin(i / 5), eyes, 0, front == 0)
        two = Pose(WIDTH / 2 + way - 2 * way * share, 430 + 3 * np.cos(i / 6), eyes, 1, front == 1)
        script.append([one, two])
    return script


def is_on(seen: FaceObservation, poses: list[Pose]) -> bool:
    """Whether both measured eyes lie within a quarter of an eye distance of the person's own."""
    if seen.points is None or seen.person >= len(poses):
        return False
    measured = np.stack([seen.points[list(pair)].mean(axis=0) for pair in EYE_CORNERS])
    pose = poses[seen.person]
    off = np.hypot(*(measured - pose.eye_centres).T)
    return bool((off < HIT_SHARE * pose.eyes).all())
