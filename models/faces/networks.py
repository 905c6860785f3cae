"""MediaPipe's face networks behind small callables: detector, mesh, iris.

Each class loads one ``.tflite`` file with LiteRT (XNNPACK, one thread) and maps a square uint8 RGB
image to numbers in *crop units*: 0..1 across the image it was given. Where that image came from and
how to get back to the frame is the business of `geometry`.

Sources: BlazeFace detector (Bazarevsky et al. 2019), face mesh (Kartynnik et al. 2019), iris
(Ablavatski et al. 2020). Outputs are told apart by shape, never by order, because exporters differ.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.errors import EngineInputError

if TYPE_CHECKING:
    from models.base import Image

Floats = NDArray[np.float32]
Weights = Path | bytes
"""A ``.tflite`` file, or its content (a member of a ``.task`` bundle)."""

TASK_DETECTOR = "face_detector.tflite"
TASK_MESH = "face_landmarks_detector.tflite"
TASK_BLENDSHAPES = "face_blendshapes.tflite"
"""Members of a ``face_landmarker.task``: short-range detector, 478-point mesh, blendshapes."""
SCORE_CLIP = 100.0
NMS_IOU = 0.3
ANCHOR_LAYOUT: dict[int, tuple[tuple[int, int], ...]] = {
    128: ((8, 2), (16, 6)),  # short range: 896 anchors
    192: ((4, 1),),  # full range: 2304 anchors
}
"""Detector input side in pixels -> (stride in pixels, anchors per cell), in output order."""
MESH_POINTS = 468
IRIS_POINTS = 5
MIRRORED_IRIS = (0, 3, 2, 1, 4)
"""Order of the five iris points after a mirror: image-right and image-left rim change places."""
CONTOUR_POINTS = 71
"""What the iris network also gives: the eye's outline and the brow."""
LIDS = (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15)
"""Of these the lids without the eye's corners: lower, then upper, both from the outer corner on."""
LEFT_LIDS = (7, 163, 144, 145, 153, 154, 155, 246, 161, 160, 159, 158, 157, 173)
RIGHT_LIDS = (249, 390, 373, 374, 380, 381, 382, 466, 388, 387, 386, 385, 384, 398)
"""The same points in the mesh, image-left and image-right eye."""


@dataclass(frozen=True, slots=True)
class Detections:
    """Faces of one image in crop units, best score first."""

    scores: Floats
    """Shape (n,), 0..1."""
    boxes: Floats
    """Shape (n, 4): centre x, centre y, width, height."""
    points: Floats
    """Shape (n, 6, 2): image-left eye, image-right eye, nose tip, mouth, both ears."""


class _Network:
    """One LiteRT interpreter with one image input."""

    def __init__(self, weights: Weights) -> None:
        source = (
            {"model_content": weights}
            if isinstance(weights, bytes)
            else {"model_path": str(weights)}
        )
        self._interpreter = Interpreter(num_threads=1, **source)
        self._interpreter.allocate_tensors()
        inputs = self._interpreter.get_input_details()
        self.outputs = self._interpreter.get_output_details()
        self.input_side = int(inputs[0]["shape"][1])
        self._input = self._interpreter.tensor(inputs[0]["index"])

    def run(self, image: Image, scale: float, offset: float) -> None:
        """Writes ``image * scale + offset`` into the input tensor and computes."""
        side = self.input_side
        if image.shape != (side, side, 3):
            message = (
                f"face network got an image of shape {image.shape}; allowed: {(side, side, 3)}"
            )
            raise EngineInputError(message)
        tensor = self._input()[0]
        np.multiply(image, np.float32(scale), out=tensor)
        if offset:
            tensor += np.float32(offset)
        del tensor  # LiteRT refuses to compute while a view of its memory is alive
        self._interpreter.invoke()

    def read(self, index: int) -> Floats:
        """A copy of one output tensor."""
        values: Floats = self._interpreter.get_tensor(index)
        return values

    def values_of(self, index: int) -> int:
        """How many values one output tensor holds."""
        return int(self._interpreter.get_tensor(index).size)

    def output_of_size(self, *sizes: int) -> int:
        """Index of the first output whose number of values is one of `sizes`."""
        for output in self.outputs:
            if int(np.prod(output["shape"])) in sizes:
                return int(output["index"])
        found = [output["shape"].tolist() for output in self.outputs]
        message = f"not the expected face network: outputs {found}, none holds {sizes} values"
        raise EngineInputError(message)


def check_detector_side(side: int) -> None:
    """Raise `EngineInputError` where no detector we know of has an input this wide, in pixels."""
    if side not in ANCHOR_LAYOUT:
        message = (
            f"face detector has an input of {side} px; allowed: "
            f"{sorted(ANCHOR_LAYOUT)} (MediaPipe short range and full range)"
        )
        raise EngineInputError(message)


def check_irises(mesh_points: int, iris: object | None) -> None:
    """Raise `EngineInputError` where neither the mesh nor a network beside it gives irises."""
    if mesh_points == MESH_POINTS and iris is None:
        message = "the face mesh gives 468 points without irises: hand in `iris` as well"
        raise EngineInputError(message)


class FaceDetector:
    """Face boxes with six points each; short range (128 px) or full range (192 px) by input size.

    Raises
    ------
    EngineInputError
        The file is no face detector of either kind.

    """

    def __init__(self, weights: Weights) -> None:
        self._network = _Network(weights)
        self.input_side = self._network.input_side
        check_detector_side(self.input_side)
        self._anchors = anchor_centres(self.input_side)
        self._boxes = self._network.output_of_size(len(self._anchors) * 16)
        self._scores = self._network.output_of_size(len(self._anchors))

    def __call__(self, image: Image, *, min_score: float = 0.5) -> Detections:
        """Faces with a score of at least `min_score` in `image`, (input_side, input_side, 3)."""
        self._network.run(image, 1 / 127.5, -1.0)
        scores = sigmoid(self._network.read(self._scores).ravel())
        kept = np.flatnonzero(scores >= min_score)
        values = self._network.read(self._boxes).reshape(-1, 16)[kept] / np.float32(self.input_side)
        values[:, :2] += self._anchors[kept]
        values[:, 4:] += np.tile(self._anchors[kept], 6)
        return weighted_nms(scores[kept], values)


class FaceMesh:
    """Face landmarks: 468 points at 192 px, or 478 (with both irises) at 256 px."""

    def __init__(self, weights: Weights) -> None:
        self._network = _Network(weights)
        self.input_side = self._network.input_side
        with_iris = MESH_POINTS + 2 * IRIS_POINTS
        self._points = self._network.output_of_size(3 * MESH_POINTS, 3 * with_iris)
        self._presence = self._network.output_of_size(1)
        self.point_count = self._network.values_of(self._points) // 3

    def __call__(self, image: Image) -> tuple[Floats, float]:
        """Points (468 or 478, 2) in crop units, and the presence of a face, 0..1."""
        self._network.run(image, 1 / 255.0, 0.0)
        points = self._network.read(self._points).reshape(-1, 3)[:, :2] / np.float32(
            self.input_side
        )
        return points, float(sigmoid(self._network.read(self._presence).ravel())[0])


class IrisNetwork:
    """One iris (centre, image-right, top, image-left, bottom) and the lids round it.

    The lids are why they are asked for: the 468-point mesh hardly closes its own.
    """

    def __init__(self, weights: Weights) -> None:
        self._network = _Network(weights)
        self.input_side = self._network.input_side
        self._points = self._network.output_of_size(3 * IRIS_POINTS)
        self._contour = self._network.output_of_size(3 * CONTOUR_POINTS)

    def __call__(self, image: Image, *, mirror: bool) -> tuple[Floats, Floats]:
        """Iris (5, 2) and lids (14, 2), as `LIDS`, in crop units.

        The network knows image-left eyes: mirror the other.
        """
        self._network.run(image[:, ::-1] if mirror else image, 1 / 255.0, 0.0)
        iris, lids = self._read(self._points), self._read(self._contour)[list(LIDS)]
        if mirror:
            iris[:, 0], lids[:, 0] = 1 - iris[:, 0], 1 - lids[:, 0]
            iris = iris[list(MIRRORED_IRIS)]
        return iris, lids

    def _read(self, output: int) -> Floats:
        points = self._network.read(output).reshape(-1, 3)[:, :2]
        return np.asarray(points / np.float32(self.input_side))


def task_member(task: Path, name: str) -> bytes:
    """Content of one network in a ``face_landmarker.task``.

    Raises
    ------
    EngineInputError
        The file is no such bundle.

    """
    try:
        with zipfile.ZipFile(task) as bundle:
            return bundle.read(name)
    except (zipfile.BadZipFile, KeyError) as error:
        message = f"{task.name} is no face_landmarker.task: {error}"
        raise EngineInputError(message) from error


def sigmoid(logits: Floats) -> Floats:
    """Probability of each logit, which is clipped to +-100 first as MediaPipe does."""
    clipped = np.clip(logits, -SCORE_CLIP, SCORE_CLIP).astype(np.float64)
    probability: Floats = (1 / (1 + np.exp(-clipped))).astype(np.float32)
    return probability


def anchor_centres(input_side: int) -> Floats:
    """Anchor centres (n, 2) in crop units: cell + 0.5, row by row, layer by layer."""
    layers = []
    for stride, per_cell in ANCHOR_LAYOUT[input_side]:
        cells = input_side // stride
        centre = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(centre, centre, indexing="ij")
        layers.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(layers)


def weighted_nms(scores: Floats, values: Floats) -> Detections:
    """Merges boxes that overlap the best one by IoU > 0.3 into their score-weighted mean.

    `scores` (n,) and `values` (n, 16): centre, size, six points. The best score stays. Blending
    jitters less from frame to frame than plain suppression (BlazeFace, Bazarevsky et al. 2019).
    """
    order = np.argsort(-scores, kind="stable")
    scores, values = scores[order], values[order]
    best, merged = [], []
    while len(scores):
        overlap = intersection_over_union(values[0, :4], values[:, :4])
        together = overlap > NMS_IOU
        together[0] = True  # a box without area overlaps not even itself
        weights = scores[together]
        best.append(scores[0])
        merged.append((values[together] * weights[:, None]).sum(axis=0) / weights.sum())
        scores, values = scores[~together], values[~together]
    stacked = np.asarray(merged, dtype=np.float32).reshape(-1, 16)
    return Detections(
        scores=np.asarray(best, dtype=np.float32),
        boxes=stacked[:, :4],
        points=stacked[:, 4:].reshape(-1, 6, 2),
    )


def intersection_over_union(box: Floats, others: Floats) -> Floats:
    """IoU (n,) of `box` (4,) with `others` (n, 4), all as centre x, centre y, width, height."""
    low = np.maximum(box[:2] - box[2:] / 2, others[:, :2] - others[:, 2:] / 2)
    high = np.minimum(box[:2] + box[2:] / 2, others[:, :2] + others[:, 2:] / 2)
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(box[2:]) + np.prod(others[:, 2:], axis=1) - shared
    ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio
