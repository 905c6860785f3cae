"""Blendshapes: 52 coefficients of facial movement, 0..1, from 478 landmarks alone.

They need no pixels, so they can be had later from landmarks that were kept. The network, its 146
input points and the names are those of MediaPipe's face_landmarker bundle (Apache-2.0; names after
Apple's ARKit). ``Left`` and ``Right`` are the person's own.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.errors import EngineInputError
from models.faces.networks import TASK_BLENDSHAPES, task_member

Floats = NDArray[np.float32]

LANDMARKS = 478

BLENDSHAPES: tuple[str, ...] = tuple(
    """
    _neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff
    cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight
    eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight
    eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight
    mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight mouthFunnel
    mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker
    mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft
    mouthSmileRight mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight
    noseSneerLeft noseSneerRight
    """.split()  # noqa: SIM905 - a line each would hide the rest
)
"""In the network's order; the first is a baseline without meaning of its own."""

INPUT_POINTS: tuple[int, ...] = tuple(
    int(index)
    for index in """
    0 1 4 5 6 7 8 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84 87
    88 91 93 95 103 105 107 109 127 132 133 136 144 145 146 148 149 150 152 153 154 155 157 158 159
    160 161 162 163 168 172 173 176 178 181 185 191 195 197 234 246 249 251 263 267 269 270 276 282
    283 284 285 288 291 293 295 296 297 300 308 310 311 312 314 317 318 321 323 324 332 334 336 338
    356 361 362 365 373 374 375 377 378 379 380 381 382 384 385 386 387 388 389 390 397 398 400 402
    405 409 415 454 466 468 469 470 471 472 473 474 475 476 477
    """.split()  # noqa: SIM905
)
"""Landmarks that the network reads, in its order."""


class BlendshapeNetwork:
    """`weights` is a ``face_landmarker.task``, or the network itself, as a file or its content.

    Raises
    ------
    EngineInputError
        This is neither.

    """

    def __init__(self, weights: Path | bytes) -> None:
        content = blendshape_weights(weights)
        try:
            self._interpreter = Interpreter(model_content=content, num_threads=1)
        except ValueError as error:
            message = f"not the blendshape network: {len(content)} bytes, {error}"
            raise EngineInputError(message) from error
        self._interpreter.allocate_tensors()
        put = self._interpreter.get_input_details()[0]
        got = self._interpreter.get_output_details()[0]
        wanted = ([1, len(INPUT_POINTS), 2], [len(BLENDSHAPES)])
        shapes = put["shape"].tolist(), got["shape"].tolist()
        if shapes != wanted:
            message = (
                f"not the blendshape network: input {shapes[0]}, output {shapes[1]}; allowed: "
                f"{wanted[0]} and {wanted[1]}"
            )
            raise EngineInputError(message)
        self._input, self._output = int(put["index"]), int(got["index"])

    def __call__(self, points: Floats) -> Floats:
        """Coefficients (..., 52) of landmarks (..., 478, 2) in pixels; nan where a point is nan.

        Pixels, not shares of the frame: the network was taught faces of true proportions. Where a
        face is, how large and in which frame, makes no difference.
        """
        read = blendshape_input(points)
        found = np.full((len(read), len(BLENDSHAPES)), np.nan, np.float32)
        for i in np.flatnonzero(np.isfinite(read).all(axis=(1, 2))):
            self._interpreter.set_tensor(self._input, read[i : i + 1])
            self._interpreter.invoke()
            found[i] = self._interpreter.get_tensor(self._output)
        return found.reshape(*points.shape[:-2], len(BLENDSHAPES))


def blendshape_weights(weights: Path | bytes) -> bytes:
    """The blendshape network's file content, taken out of a ``.task`` bundle if it is one."""
    if isinstance(weights, bytes):
        return weights
    is_bundle = zipfile.is_zipfile(weights)
    return task_member(weights, TASK_BLENDSHAPES) if is_bundle else weights.read_bytes()


def blendshape_input(points: Floats) -> Floats:
    """The points that the network reads, (n, 146, 2), of landmarks (..., 478, 2)."""
    if points.ndim < 2 or points.shape[-2:] != (LANDMARKS, 2):
        message = f"landmarks of shape {points.shape}; allowed: (..., {LANDMARKS}, 2)"
        raise EngineInputError(message)
    chosen = points[..., list(INPUT_POINTS), :].reshape(-1, len(INPUT_POINTS), 2)
    return np.ascontiguousarray(chosen, np.float32)
