"""Landmarks of seated people on a card: frames are measured in batches, then faces are linked.

Detector and mesh look at every frame by itself (`core_torch`); who is who over time is settled
afterwards by the rules of `room`, as in `tracker`. Frames go to the device as uint8.
"""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.base import Frame
from models.batches import AdaptiveBatch
from models.device import CPU, Device
from models.errors import EngineInputError
from models.faces.core_torch import TorchFaceCore
from models.faces.follow import MIN_PRESENCE
from models.faces.measured import MeasuredFace, MeasuredFinder, MeasuredFollower
from models.faces.networks import (
    MESH_POINTS,
    TASK_DETECTOR,
    TASK_MESH,
    task_member,
)
from models.faces.prefetch import read_ahead
from models.faces.room import Room, Shares, check_frame, check_regions
from models.faces.seats import in_seat_order
from models.options import FaceTrackerOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from models.base import FaceObservation

BATCH_FRAMES = 256
"""Frames measured together at most ..."""
BATCH_BYTES = {"cuda": 256 * 2**20, "cpu": 16 * 2**20}
"""... and what their pixels may take: 41 frames of 1080p, 388 of 640x360."""
SPARE_FACES = 2
"""Faces measured per frame beyond the people looked for: a portrait on the wall may score best."""


class TorchFaceTracker:
    """`models.base.FaceTracker` on a `TorchFaceCore`.

    Parameters are those of `tracker.EmbeddedFaceTracker`, and the device. One instance serves
    one thread at a time; its networks stay loaded.

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
        device: Device = CPU,
        as_mediapipe: bool = False,
    ) -> None:
        self.core = TorchFaceCore(
            detector=detector,
            mesh=mesh,
            iris=iris,
            device=torch.device(str(device)),
            as_mediapipe=as_mediapipe,
        )
        self._device, self._as_mediapipe = device, as_mediapipe
        self._batch = AdaptiveBatch(BATCH_FRAMES, where=str(device))
        self._pinned = torch.empty(0, dtype=torch.uint8)

    @classmethod
    def from_task(
        cls,
        path: Path,
        *,
        device: Device = CPU,
        as_mediapipe: bool = False,
    ) -> TorchFaceTracker:
        """The networks inside a ``face_landmarker.task``: short-range detector, 478-point mesh.

        Raises
        ------
        EngineInputError
            The file is no such bundle.

        """
        return cls(
            detector=task_member(path, TASK_DETECTOR),
            mesh=task_member(path, TASK_MESH),
            device=device,
            as_mediapipe=as_mediapipe,
        )

    def track(
        self,
        frames: Iterable[Frame],
        *,
        people: int,
        regions: Sequence[Shares | None] | None = None,
    ) -> Iterator[FaceObservation]:
        """Yields `people` observations per frame, in frame order, then by person.

        Frames, all of one size, are read in a thread; one batch is measured while the batch before
        is linked. Memory does not grow with the length of `frames`. `regions` are as in
        `tracker`: per person the part of the frame (left, top, width, height as shares) they
        are looked for in, or None.

        Raises
        ------
        EngineInputError
            `people` below 1, regions that do not fit, frames of several sizes or without picture.
        MemoryError
            The device has no room even for one frame.

        """
        if people < 1:
            message = f"track was asked for {people} people; allowed: 1 or more"
            raise EngineInputError(message)
        given = tuple(regions or [None] * people)
        check_regions(given, people)
        return self._linked(frames, given)

    def _linked(
        self, frames: Iterable[Frame], regions: tuple[Shares | None, ...]
    ) -> Iterator[FaceObservation]:
        present: list[MeasuredFace] = []
        room = Room(
            MeasuredFollower(self.core, present, single_passes=self._as_mediapipe),
            MeasuredFinder(self.core, present),
            regions,
            FaceTrackerOptions(single_frames=self._as_mediapipe),
        )
        fixed = [person for person, region in enumerate(regions) if region is not None]

        def rows(
            batches: Iterable[tuple[Frame, list[MeasuredFace]]],
        ) -> Iterator[tuple[float, list[FaceObservation]]]:
            for frame, faces in batches:
                present[:] = faces
                row = [self._with_irises(frame, seen) for seen in room.measure(frame)]
                yield float(frame.size[1]), row

        with closing(read_ahead(self._in_batches(frames, len(regions)))) as batches:
            yield from in_seat_order(rows(batches), fixed=fixed)

    def _with_irises(self, frame: Frame, seen: FaceObservation) -> FaceObservation:
        """Irises of a mesh that was not measured in a batch."""
        if seen.points is None or len(seen.points) != MESH_POINTS:
            return seen
        image = torch.from_numpy(frame.image)[None].to(self.core.device)
        mesh = torch.from_numpy(seen.points)[None].to(self.core.device)
        first = torch.zeros(1, dtype=torch.int64, device=self.core.device)
        points = self.core.with_irises(image, first, mesh)
        return replace(seen, points=points[0].cpu().numpy())

    def _in_batches(
        self, frames: Iterable[Frame], people: int
    ) -> Iterator[tuple[Frame, list[MeasuredFace]]]:
        with closing(read_ahead(frames)) as ahead:
            first = next(ahead, None)
            if first is None:
                return
            size, every = first.size, itertools.chain([first], ahead)
            fitting = BATCH_BYTES[self._device.kind] // max(size[0] * size[1] * 3, 1)
            while block := list(itertools.islice(every, max(1, min(fitting, self._batch.size)))):
                for frame in block:
                    _check(frame, size)
                faces = self._batch.run(lambda part: self._measure(part, people), block)
                yield from zip(block, faces, strict=True)

    def _measure(self, frames: Sequence[Frame], people: int) -> list[list[MeasuredFace]]:
        """Faces of each frame, with their meshes, on the host."""
        batch = self.core(self._uploaded(frames), most=people + SPARE_FACES)
        count = len(batch.frame)
        columns = [batch.frame[:, None], batch.scores[:, None], batch.presence[:, None]]
        columns += [batch.boxes, batch.key_points.reshape(count, 12)]
        table = torch.cat([*columns, batch.points.reshape(count, -1)], dim=1).cpu().numpy()
        found: list[list[MeasuredFace]] = [[] for _ in frames]
        for row in table:
            presence = float(row[2])
            face = MeasuredFace(
                score=float(row[1]),
                centre_box=row[3:7],
                points=row[7:19].reshape(6, 2),
                mesh=row[19:].reshape(-1, 2).copy() if presence >= MIN_PRESENCE else None,
                presence=presence,
            )
            found[int(row[0])].append(face)
        return found

    def _uploaded(self, frames: Sequence[Frame]) -> Tensor:
        """Pixels (n, height, width, 3) on the device, by way of memory it can read directly."""
        shape = (len(frames), *frames[0].size, 3)
        on_card = self._device.kind == "cuda"
        if self._pinned.shape[1:] != shape[1:] or len(self._pinned) < len(frames):
            self._pinned = torch.empty(shape, dtype=torch.uint8, pin_memory=on_card)
        staged = self._pinned[: len(frames)]
        for place, frame in zip(staged.numpy(), frames, strict=True):
            place[:] = frame.image
        # the staging memory is written again only after results of this batch were read
        return staged.to(self.core.device, non_blocking=on_card)


def _check(frame: Frame, size: tuple[int, int]) -> None:
    check_frame(frame)
    if frame.size != size:
        message = (
            f"frame {frame.index} at {frame.pts_s:.3f} s is {frame.size[1]}x{frame.size[0]} and "
            f"the first was {size[1]}x{size[0]}; frames of one video must be of one size"
        )
        raise EngineInputError(message)
