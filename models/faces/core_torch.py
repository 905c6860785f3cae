"""Faces of many frames at once on a device: detector, regions, mesh, irises.

Every frame stands for itself, so that frames can be worked on together and no result depends on
how they were batched. Meant for a card; on a CPU LiteRT is faster and this serves comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.faces.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS
from models.faces.geometry_torch import (
    crop,
    eye_regions,
    face_regions,
    followed_regions,
    letterbox_area,
    letterbox_bilinear,
)
from models.faces.networks import IRIS_POINTS, LEFT_LIDS, MESH_POINTS, RIGHT_LIDS, check_irises
from models.faces.networks_torch import TorchFaceDetector, TorchFaceMesh, TorchIrisNetwork
from models.faces.seats import PROFILE_EYE_RATIO


@dataclass(frozen=True, slots=True)
class FaceBatch:
    """n faces of a batch of frames, by frame, then best first. On the device; pixels."""

    frame: Tensor
    """Shape (n,), int64: which frame of the batch."""
    scores: Tensor
    """Shape (n,), the detector's."""
    boxes: Tensor
    """Shape (n, 4): centre x, centre y, width, height."""
    key_points: Tensor
    """Shape (n, 6, 2), the detector's."""
    presence: Tensor
    """Shape (n,), 0..1; 0 for a face in profile, which gets no mesh."""
    points: Tensor
    """Shape (n, 478, 2), to be used where `presence` is high enough."""


class TorchFaceCore:
    """From frames on the device to faces on the device.

    `as_mediapipe` samples as mediapipe does in IMAGE mode and runs the mesh once, for comparison
    with it; otherwise the frame is shrunk by area averaging and the mesh runs a second time on the
    region that the first pass found. `channels_last` is the memory layout inside the networks.

    Raises
    ------
    EngineInputError
        A file is not the network it is handed in as.

    """

    def __init__(
        self,
        *,
        detector: Path | bytes,
        mesh: Path | bytes,
        iris: Path | bytes | None = None,
        device: torch.device,
        as_mediapipe: bool = False,
        channels_last: bool = True,
    ) -> None:
        self.device = device
        self._as_mediapipe = as_mediapipe
        layout = {"channels_last": channels_last}
        self.detector = TorchFaceDetector(detector, device, **layout)
        self.mesh = TorchFaceMesh(mesh, device, **layout)
        self._iris = None if iris is None else TorchIrisNetwork(iris, device, **layout)
        check_irises(self.mesh.point_count, self._iris)

    @torch.inference_mode()
    def __call__(self, frames: Tensor, *, most: int) -> FaceBatch:
        """At most `most` faces of each frame; `frames` is (n, height, width, 3), uint8 RGB."""
        fit = letterbox_bilinear if self._as_mediapipe else letterbox_area
        boxed = fit(frames, self.detector.input_side)
        found = self.detector(boxed.images, most=most)
        frame, place = torch.nonzero(found.scores > 0, as_tuple=True)
        boxes, key_points = found.boxes[frame, place].double(), found.points[frame, place].double()
        boxes[:, :2] = boxes[:, :2] * boxed.extent + boxed.origin
        boxes[:, 2:] *= boxed.extent
        key_points = key_points * boxed.extent + boxed.origin
        eyes = (key_points[:, 1] - key_points[:, 0]).norm(dim=1)
        frontal = torch.nonzero(eyes >= PROFILE_EYE_RATIO * boxes[:, 2]).ravel()
        presence = torch.zeros(len(frame), device=self.device)
        points = torch.zeros((len(frame), self._point_count, 2), device=self.device)
        if len(frontal):
            measured = self._measured(frames, frame[frontal], boxes[frontal], key_points[frontal])
            points[frontal], presence[frontal] = measured
        scores = found.scores[frame, place]
        return FaceBatch(frame, scores, boxes.float(), key_points.float(), presence, points)

    @property
    def _point_count(self) -> int:
        return self.mesh.point_count if self._iris is None else MESH_POINTS + 2 * IRIS_POINTS

    def _measured(
        self, frames: Tensor, frame: Tensor, boxes: Tensor, key_points: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Landmarks (n, 478, 2) in pixels and presence (n,) of detected faces."""
        regions = face_regions(frame, boxes, key_points, square=not self._as_mediapipe)
        presence = torch.ones(len(frame), device=self.device)
        for _ in range(1 if self._as_mediapipe else 2):
            height, width = frames.shape[1:3]
            inside = (regions.x >= 0) & (regions.x < width)
            inside &= (regions.y >= 0) & (regions.y < height)
            images = crop(frames, regions, self.mesh.input_side, shrink=not self._as_mediapipe)
            points, now = self.mesh(images)
            presence = torch.minimum(presence, now * inside)
            points = regions.to_frame(points)
            regions = followed_regions(frame, points)
        return self.with_irises(frames, frame, points).float(), presence

    @torch.inference_mode()
    def with_irises(self, frames: Tensor, frame: Tensor, points: Tensor) -> Tensor:
        """Meshes (n, 468, 2) in pixels to (n, 478, 2): finer lids, image-left and -right iris.

        `frame` (n,) says which of `frames` each is of. Meshes that hold irises come back unchanged.
        """
        if self._iris is None or points.shape[1] != MESH_POINTS:
            return points
        mesh, irises = points.clone(), []
        for corners, lids, mirror in (
            (LEFT_EYE_CORNERS, LEFT_LIDS, False),
            (RIGHT_EYE_CORNERS, RIGHT_LIDS, True),
        ):
            eyes = eye_regions(frame, points, corners)
            squares = crop(frames, eyes, self._iris.input_side)
            iris, found = self._iris(squares, mirror=mirror)
            mesh[:, list(lids)] = eyes.to_frame(found).to(points.dtype)
            irises.append(eyes.to_frame(iris).to(points.dtype))
        return torch.cat([mesh, *irises], dim=1)
