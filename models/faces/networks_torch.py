"""`networks` for batches on a device: detector, mesh, iris, blendshapes.

Each takes images (n, side, side, 3), float32 with grey levels 0..255, and gives tensors in crop
units, 0..1 across each image. No image sees another: a batch gives what its items give alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.errors import EngineInputError
from models.faces.blendshapes import BLENDSHAPES, INPUT_POINTS, blendshape_weights
from models.faces.networks import (
    CONTOUR_POINTS,
    IRIS_POINTS,
    LIDS,
    MESH_POINTS,
    MIRRORED_IRIS,
    NMS_IOU,
    SCORE_CLIP,
    anchor_centres,
    check_detector_side,
)
from models.faces.tflite_torch import TorchNetwork

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class DetectionBatch:
    """The best faces of each image, best first; a score of 0 marks places left empty."""

    scores: Tensor
    """Shape (n, most), 0..1."""
    boxes: Tensor
    """Shape (n, most, 4): centre x, centre y, width, height."""
    points: Tensor
    """Shape (n, most, 6, 2): image-left eye, image-right eye, nose tip, mouth, both ears."""


class TorchFaceDetector:
    """Short range (128 px) or full range (192 px) by input size."""

    def __init__(
        self, weights: Path | bytes, device: torch.device, *, channels_last: bool = True
    ) -> None:
        self._network = TorchNetwork(weights, channels_last=channels_last).to(device)
        self.input_side = self._network.input_shape[0]
        check_detector_side(self.input_side)
        self._anchors = torch.from_numpy(anchor_centres(self.input_side)).to(device)
        self._boxes = _output(self._network, len(self._anchors) * 16)
        self._scores = _output(self._network, len(self._anchors))

    def __call__(self, images: Tensor, *, most: int, min_score: float = 0.5) -> DetectionBatch:
        """The `most` best faces with a score of at least `min_score`."""
        outputs = self._network(images / 127.5 - 1)
        logits = outputs[self._scores].reshape(len(images), -1)
        scores = torch.sigmoid(logits.clamp(-SCORE_CLIP, SCORE_CLIP).double()).float()
        values = outputs[self._boxes].reshape(len(images), -1, 16) / self.input_side
        values = values + _shifts(self._anchors)
        return weighted_nms(scores * (scores >= min_score), values, most=most)


class TorchFaceMesh:
    """468 points at 192 px, or 478 (with both irises) at 256 px."""

    def __init__(
        self, weights: Path | bytes, device: torch.device, *, channels_last: bool = True
    ) -> None:
        self._network = TorchNetwork(weights, channels_last=channels_last).to(device)
        self.input_side = self._network.input_shape[0]
        with_iris = MESH_POINTS + 2 * IRIS_POINTS
        self._points = _output(self._network, 3 * MESH_POINTS, 3 * with_iris)
        self._presence = _output(self._network, 1)
        self.point_count = self._network.output_sizes[self._points] // 3

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Points (n, 468 or 478, 2), and the presence of a face (n,), 0..1."""
        outputs = self._network(images / 255)
        points = outputs[self._points].reshape(len(images), -1, 3)[..., :2] / self.input_side
        return points, torch.sigmoid(outputs[self._presence].reshape(-1))


class TorchIrisNetwork:
    """One iris (centre, image-right, top, image-left, bottom) and the lids round it."""

    def __init__(
        self, weights: Path | bytes, device: torch.device, *, channels_last: bool = True
    ) -> None:
        self._network = TorchNetwork(weights, channels_last=channels_last).to(device)
        self.input_side = self._network.input_shape[0]
        self._points = _output(self._network, 3 * IRIS_POINTS)
        self._contour = _output(self._network, 3 * CONTOUR_POINTS)

    def __call__(self, images: Tensor, *, mirror: bool) -> tuple[Tensor, Tensor]:
        """Iris (n, 5, 2) and lids (n, 14, 2). The network knows image-left eyes: mirror others."""
        outputs = self._network((images.flip(2) if mirror else images) / 255)
        iris, contour = (
            outputs[index].reshape(len(images), -1, 3)[..., :2] / self.input_side
            for index in (self._points, self._contour)
        )
        lids = contour[:, list(LIDS)]
        if not mirror:
            return iris, lids
        return _mirrored(iris)[:, list(MIRRORED_IRIS)], _mirrored(lids)


def _mirrored(points: Tensor) -> Tensor:
    return torch.stack([1 - points[..., 0], points[..., 1]], dim=-1)


class TorchBlendshapes:
    """`blendshapes.BlendshapeNetwork` for batches."""

    def __init__(self, weights: Path | bytes, device: torch.device) -> None:
        self._network = TorchNetwork(blendshape_weights(weights)).to(device)
        _output(self._network, len(BLENDSHAPES))

    def __call__(self, points: Tensor) -> Tensor:
        """Coefficients (n, 52), 0..1, of landmarks (n, 478, 2) in pixels."""
        (coefficients,) = self._network(points[:, list(INPUT_POINTS)].float().contiguous())
        return coefficients


def weighted_nms(scores: Tensor, values: Tensor, *, most: int) -> DetectionBatch:
    """`networks.weighted_nms` for every image at once.

    `scores` (n, anchors), 0 where there is no candidate; `values` (n, anchors, 16).
    """
    candidates = max(int((scores > 0).sum(dim=1).max()), 1) if len(scores) else 1
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    scores, order = scores[:, :candidates], order[:, :candidates]
    values = values.gather(1, order[..., None].expand(-1, -1, values.shape[-1]))
    best, merged = [], []
    for _ in range(most):
        score, place = scores.max(dim=1)
        picked = values.gather(1, place[:, None, None].expand(-1, 1, values.shape[-1]))
        together = _intersection_over_union(picked[..., :4], values[..., :4]) > NMS_IOU
        together.scatter_(1, place[:, None], True)  # a box without area overlaps not even itself
        weights = (scores * together)[..., None]
        total = weights.sum(dim=1)
        merged.append((values * weights).sum(dim=1) / total.clamp(min=1e-12))
        best.append(score)
        scores = scores * ~together
    joined = torch.stack(merged, dim=1)
    points = joined[..., 4:].reshape(len(joined), most, 6, 2)
    return DetectionBatch(torch.stack(best, dim=1), joined[..., :4], points)


def _intersection_over_union(box: Tensor, others: Tensor) -> Tensor:
    """IoU (n, k) of boxes (n, 1, 4) with (n, k, 4), all as centre x, centre y, width, height."""
    low = torch.maximum(box[..., :2] - box[..., 2:] / 2, others[..., :2] - others[..., 2:] / 2)
    high = torch.minimum(box[..., :2] + box[..., 2:] / 2, others[..., :2] + others[..., 2:] / 2)
    shared = (high - low).clamp(min=0).prod(dim=-1)
    union = box[..., 2:].prod(dim=-1) + others[..., 2:].prod(dim=-1) - shared
    return torch.where(union > 0, shared / union.clamp(min=1e-12), 0.0)


def _shifts(anchors: Tensor) -> Tensor:
    """What an anchor (n, 2) adds to its 16 values: its centre to all but width and height."""
    nothing = torch.zeros_like(anchors)
    return torch.cat([anchors, nothing, anchors.repeat(1, 6)], dim=1)


def _output(network: TorchNetwork, *sizes: int) -> int:
    """Place of the first output whose number of values per item is one of `sizes`."""
    for place, size in enumerate(network.output_sizes):
        if size in sizes:
            return place
    message = (
        f"not the expected face network: outputs hold {network.output_sizes} values, none {sizes}"
    )
    raise EngineInputError(message)
