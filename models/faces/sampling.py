"""OpenCV's classic bilinear warp, in whole numbers: how mediapipe 1.2.2 cuts its crops.

Places are rounded to 1/32 pixel and weights sum to 1024. OpenCV 5 warps in floating point instead,
which moves grey levels by one or two; the mesh turns that into 1e-4 of the eye distance and more,
so that a comparison with mediapipe to the last digits needs the old way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.base import Image

BITS = 5
STEPS = 1 << BITS
"""Steps per pixel (INTER_TAB_SIZE of OpenCV)."""


def warp_in_steps(
    image: Image, matrix: NDArray[np.float64], size: int, *, border: int = cv2.BORDER_REPLICATE
) -> Image:
    """The square (size, size, 3) whose pixel (x, y) lies at ``matrix @ (x, y, 1)`` in `image`.

    `matrix` is (2, 3); `border` is one of OpenCV's.
    """
    pixel = np.arange(size)
    column, row = matrix[:, 0, None] * pixel * STEPS, matrix[:, 1, None] * pixel * STEPS
    exact = row[:, :, None] + (column + matrix[:, 2, None] * STEPS)[:, None, :]
    x, y = np.rint(exact).astype(np.int32)
    whole = np.stack([x >> BITS, y >> BITS], axis=-1).astype(np.int16)
    part = ((y & (STEPS - 1)) * STEPS + (x & (STEPS - 1))).astype(np.uint16)
    warped = cv2.remap(image, whole, part, cv2.INTER_LINEAR, borderMode=border)
    return warped.astype(np.uint8, copy=False)
