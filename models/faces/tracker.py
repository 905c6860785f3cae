"""Landmarks of seated people in every frame: detect now and then, follow in between.

The detector looks at the whole frame twice a second, at once when a face is lost, and more often
while somebody is missing or doubtful. In between each person's region is taken from their mesh in
the frame before: one mesh pass a frame. Nothing is smoothed over time: a blink of one frame stays.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.base import FaceObservation, Frame
from models.errors import EngineInputError
from models.faces.finder import FaceFinder
from models.faces.follow import FaceFollower
from models.faces.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, crop_frame, eye_region
from models.faces.networks import (
    LEFT_LIDS,
    MESH_POINTS,
    RIGHT_LIDS,
    TASK_DETECTOR,
    TASK_MESH,
    FaceDetector,
    FaceMesh,
    IrisNetwork,
    check_irises,
    task_member,
)
from models.faces.prefetch import read_ahead
from models.faces.room import Room, Shares, check_regions
from models.faces.seats import in_seat_order
from models.options import FaceTrackerOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


class EmbeddedFaceTracker:
    """`models.base.FaceTracker` on MediaPipe's networks, run by LiteRT.

    `detector` is the full-range or the short-range file; `mesh` gives 468 points and then needs
    `iris`, or gives 478 itself. One instance serves one thread at a time.

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
        options: FaceTrackerOptions | None = None,
    ) -> None:
        self.options = options or FaceTrackerOptions()
        self._detector = FaceDetector(detector)
        self._mesh = FaceMesh(mesh)
        self._iris = None if iris is None else IrisNetwork(iris)
        check_irises(self._mesh.point_count, self._iris)

    @classmethod
    def from_task(
        cls,
        path: Path,
        *,
        options: FaceTrackerOptions | None = None,
    ) -> EmbeddedFaceTracker:
        """The networks inside a ``face_landmarker.task``: short-range detector, 478-point mesh.

        Raises
        ------
        EngineInputError
            The file is no such bundle.

        """
        return cls(
            detector=task_member(path, TASK_DETECTOR),
            mesh=task_member(path, TASK_MESH),
            options=options,
        )

    def track(
        self,
        frames: Iterable[Frame],
        *,
        people: int,
        regions: Sequence[Shares | None] | None = None,
    ) -> Iterator[FaceObservation]:
        """Yields `people` observations per frame, in frame order, then by person.

        Frames are read in a thread, a few ahead. Rows come at once when everybody has been seen,
        and until then at most `seats.SETTLE_S` of video late (seats are numbered left to
        right; who has a region keeps the number it was given with). Memory does not grow with the
        length of `frames`.

        Parameters
        ----------
        frames
            In the order of their time stamps, all of one size.
        people
            How many are looked for.
        regions
            Per person the part of the frame they are looked for in: left, top, width, height as
            shares of the frame, or None for anywhere.

        Raises
        ------
        EngineInputError
            `people` below 1, regions that do not fit, or a frame that is no RGB image.

        """
        if people < 1:
            message = f"track was asked for {people} people; allowed: 1 or more"
            raise EngineInputError(message)
        given = tuple(regions or [None] * people)
        check_regions(given, people)
        return self._numbered(frames, given)

    def _numbered(
        self, frames: Iterable[Frame], regions: tuple[Shares | None, ...]
    ) -> Iterator[FaceObservation]:
        """Three steps side by side: the caller's reader, the meshes, the irises."""
        fixed = [person for person, region in enumerate(regions) if region is not None]
        with closing(read_ahead(self._meshes(frames, regions))) as meshed:
            yield from in_seat_order(
                (
                    (float(frame.size[1]), [self._with_irises(frame, seen) for seen in row])
                    for frame, row in meshed
                ),
                fixed=fixed,
            )

    def _meshes(
        self, frames: Iterable[Frame], regions: tuple[Shares | None, ...]
    ) -> Iterator[tuple[Frame, list[FaceObservation]]]:
        follower = FaceFollower(self._mesh, single_passes=self.options.single_frames)
        finder = FaceFinder(self._detector, as_mediapipe=self.options.single_frames)
        room = Room(follower, finder, regions, self.options)
        with closing(read_ahead(frames)) as ahead:
            for frame in ahead:
                yield frame, room.measure(frame)

    def _with_irises(self, frame: Frame, seen: FaceObservation) -> FaceObservation:
        """Mesh (468, 2) to (478, 2): with finer lids, image-left iris, then image-right iris."""
        if self._iris is None or seen.points is None or len(seen.points) != MESH_POINTS:
            return seen
        mesh = seen.points.copy()
        irises = []
        for corners, lids, mirror in (
            (LEFT_EYE_CORNERS, LEFT_LIDS, False),
            (RIGHT_EYE_CORNERS, RIGHT_LIDS, True),
        ):
            region = eye_region(mesh, corners)
            square = crop_frame(frame, region, self._iris.input_side)
            iris, found = self._iris(square, mirror=mirror)
            mesh[list(lids)] = region.to_frame(found)
            irises.append(region.to_frame(iris))
        return replace(seen, points=np.concatenate([mesh, *irises]))
