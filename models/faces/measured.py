"""Finder and follower of a `room.Room` for frames whose faces were measured beforehand.

What a batch on the device found is looked up. Where that holds nothing (somebody far away needs an
enlarged look, a followed face was missed by the detector) a single image goes through the same
networks, so that a room is followed by the same rules as in `tracker`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch

from models.faces.finder import FaceFinder
from models.faces.follow import FaceFollower
from models.faces.geometry import Floats, bounding_box, followed_region
from models.faces.networks import Detections
from models.faces.seats import SAME_FACE_WIDTHS, FoundFace, widths_apart

if TYPE_CHECKING:
    from models.base import Frame, Image
    from models.faces.core_torch import TorchFaceCore
    from models.faces.networks import FaceDetector, FaceMesh
    from models.faces.seats import Seat

MOST_FACES = 8
"""Faces found in one enlarged look."""


@dataclass(frozen=True, slots=True)
class MeasuredFace(FoundFace):
    """A detection with its mesh."""

    mesh: Floats | None = field(default=None, repr=False)
    """Shape (478, 2), pixels; None where there is no face, or one in profile."""
    presence: float = 0.0


class MeasuredFinder(FaceFinder):
    """Faces of the whole frame are those in `present`, which its owner fills frame by frame."""

    def __init__(self, core: TorchFaceCore, present: list[MeasuredFace]) -> None:
        super().__init__(cast("FaceDetector", _Detector(core)))
        self._present = present

    def whole(self, frame: Frame) -> list[FoundFace]:  # noqa: ARG002 - it was looked at before
        """Faces of the whole frame, best first."""
        return list(self._present)


class MeasuredFollower(FaceFollower):
    """Takes meshes from `present`, which its owner fills frame by frame, where they are there."""

    def __init__(
        self, core: TorchFaceCore, present: list[MeasuredFace], *, single_passes: bool = False
    ) -> None:
        super().__init__(cast("FaceMesh", _Mesh(core)), single_passes=single_passes)
        self._present = present

    def follow(self, seat: Seat, frame: Frame) -> None:
        """The measured face where the person should be by now; else as any follower does."""
        face = None if seat.region is None else self._nearest(seat, frame.pts_s)
        if face is None:
            super().follow(seat, frame)
        else:
            _take(seat, face)

    def settle(self, seat: Seat, frame: Frame, face: FoundFace) -> bool:
        """Gives the seat what was measured; False where no face is there."""
        if not isinstance(face, MeasuredFace):
            return super().settle(seat, frame, face)
        seat.points, seat.presence = None, face.presence
        if face.mesh is None:
            return False
        _take(seat, face)
        return True

    def _nearest(self, seat: Seat, pts_s: float) -> MeasuredFace | None:
        place, nearest, reach = seat.expected(pts_s), None, SAME_FACE_WIDTHS
        for face in self._present:
            if place is None or face.mesh is None or not seat.admits(face.box):
                continue
            apart = widths_apart(place, bounding_box(face.mesh))
            if apart < reach:
                nearest, reach = face, apart
        return nearest


def _take(seat: Seat, face: MeasuredFace) -> None:
    assert face.mesh is not None
    seat.points, seat.presence = face.mesh, face.presence
    seat.region = followed_region(face.mesh)
    seat.box = bounding_box(face.mesh)


class _Detector:
    """`networks.FaceDetector` on the device."""

    def __init__(self, core: TorchFaceCore) -> None:
        self._core = core
        self.input_side = core.detector.input_side

    def __call__(self, image: Image) -> Detections:
        found = self._core.detector(_on_device(self._core, image), most=MOST_FACES)
        there = found.scores[0] > 0
        parts = (found.scores, found.boxes, found.points)
        scores, boxes, points = (part[0, there].cpu().numpy() for part in parts)
        return Detections(scores, boxes, points)


class _Mesh:
    """`networks.FaceMesh` on the device."""

    def __init__(self, core: TorchFaceCore) -> None:
        self._core = core
        self.input_side, self.point_count = core.mesh.input_side, core.mesh.point_count

    def __call__(self, image: Image) -> tuple[Floats, float]:
        points, presence = self._core.mesh(_on_device(self._core, image))
        return points[0].cpu().numpy(), float(presence)


def _on_device(core: TorchFaceCore, image: Image) -> torch.Tensor:
    return torch.from_numpy(image)[None].to(core.device).float()
