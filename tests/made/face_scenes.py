"""Scenes with a known truth for the face tests: a real portrait put where a test wants it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest
from skimage import data

from models.base import Frame, StillFrame
from models.errors import WeightMissingError
from models.faces.tracker import EmbeddedFaceTracker
from models.options import FaceTrackerOptions
from models.weights.catalog import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.base import FaceObservation, Image

ROOT = Path(__file__).resolve().parents[2]
FPS = 25.0
PORTRAIT_SIDE = 220


def weight(name: str) -> Path:
    """A weight from the catalog; skips with the catalog's own sentence where it is absent."""
    try:
        return locate(name)
    except WeightMissingError as missing:
        pytest.skip(str(missing))


def task_bundle() -> Path:
    """MediaPipe's face_landmarker.task: from the catalog, else beside the project; or skips."""
    beside = ROOT.parent / "shared" / "models" / "face_landmarker.task"
    return beside if beside.is_file() else weight("face-landmarker-task")


def tracker(options: FaceTrackerOptions | None = None) -> EmbeddedFaceTracker:
    """The default engine: full-range detector, 468-point mesh, iris."""
    return EmbeddedFaceTracker(
        detector=weight("mediapipe-face-detector-full"),
        mesh=weight("mediapipe-face-mesh-468"),
        iris=weight("mediapipe-iris"),
        options=options,
    )


def portrait(side: int = PORTRAIT_SIDE) -> Image:
    """Head of scikit-image's astronaut as a square of `side` pixels."""
    head = np.ascontiguousarray(data.astronaut()[0:220, 110:330])
    how = cv2.INTER_AREA if side < len(head) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(head, (side, side), interpolation=how), np.uint8)


def scene(*places: tuple[int, int, int], width: int = 1280, height: int = 720) -> Image:
    """A grey frame with a portrait at each (x, y, side), wholly inside the frame."""
    image = np.full((height, width, 3), 90, np.uint8)
    for x, y, side in places:
        image[y : y + side, x : x + side] = portrait(side)
    return image


def film(images: list[Image], *, fps: float = FPS) -> list[Frame]:
    """Frames at a constant rate."""
    return [StillFrame(index, index / fps, image) for index, image in enumerate(images)]


def decoded(path: Path) -> Iterator[Frame]:
    """Frames of a video with the container's own time stamps."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for index, picture in enumerate(container.decode(stream)):
            assert picture.pts is not None
            assert picture.time_base is not None
            image = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
            yield StillFrame(index, float(picture.pts * picture.time_base), image)


def of_person(observations: list[FaceObservation], person: int) -> list[FaceObservation]:
    """One person's rows."""
    return [seen for seen in observations if seen.person == person]
