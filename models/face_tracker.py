"""Landmarks of seated people in every frame: detect now and then, follow in between.

The detector looks at the whole frame twice a second, at once when a face is lost, and more often
while somebody is missing or doubtful. In between each person's region is taken from their mesh in
the frame before: one mesh pass a frame. Nothing is smoothed over time: a blink of one frame stays.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from models.base import FaceObservation, Fingerprint, Frame, Image
from models.errors import EngineInputError
from models.face_geometry import (
    LEFT_EYE_CORNERS,
    RIGHT_EYE_CORNERS,
    Floats,
    Region,
    bounding_box,
    crop,
    eye_centre_distance,
    eye_region,
    face_region,
    followed_region,
    letterbox_area,
    letterbox_bilinear,
)
from models.face_networks import MESH_POINTS, FaceDetector, FaceMesh, IrisNetwork
from models.face_prefetch import read_ahead
from models.face_seats import (
    SAME_FACE_WIDTHS,
    FoundFace,
    Onlookers,
    Seat,
    drop_converged,
    in_pixels,
    in_seat_order,
    is_taken,
    nearest_pairs,
    placements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MIN_PRESENCE = 0.5
MIN_PASSES, MAX_PASSES = 2, 4
"""Mesh passes on a face newly found ..."""
SETTLED_DRIFT = 0.005
"""... ending when the region moves by less than this, in region sides."""
CLOCK_SLACK_S = 1e-3
"""Time stamps are rounded by containers: 66 ms counts as 1/15 s."""
CERTAIN_PRESENCE = 0.9
"""A followed face below this is shown to the detector soon: 0.74 is what a profile gets."""
DOUBTFUL_EYE_RATIO = 0.26
"""The same for a mesh whose eyes are this near each other: perhaps turning into profile."""
TRUSTED_SIGHTINGS = 3
MAX_MISSES = 3
"""Detector passes in a row without the face before following it is given up."""
REGION_DRIFT = 0.04
"""A mesh this far (in region sides) from its region's centre is measured again, centred."""
CUT_GREY_LEVELS = 12.0
"""Mean change of a coarse picture, 0..255, that is taken for a scene cut."""
COARSE = (18, 32)
TASK_DETECTOR = "face_detector.tflite"
TASK_MESH = "face_landmarks_detector.tflite"


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """What changes results; goes into the fingerprint."""

    detect_every_s: float = 0.5
    """Seconds of video between detector passes while everybody is followed."""
    search_every_s: float = 1 / 15
    """The same while somebody is missing or doubtful."""
    single_frames: bool = False
    """Every frame by itself, sampled as mediapipe does in IMAGE mode: for comparison with it."""


@dataclass(slots=True)
class _Room:
    """State between frames."""

    seats: list[Seat]
    detected_at_s: float | None = None
    coarse: Floats | None = None
    onlookers: Onlookers = field(default_factory=Onlookers)


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
        fingerprint: Fingerprint | None = None,
        settings: TrackerSettings | None = None,
    ) -> None:
        self.settings = settings or TrackerSettings()
        self._detector = FaceDetector(detector)
        self._mesh = FaceMesh(mesh)
        self._iris = None if iris is None else IrisNetwork(iris)
        if self._mesh.point_count == MESH_POINTS and self._iris is None:
            message = "the face mesh gives 468 points without irises: hand in `iris` as well"
            raise EngineInputError(message)
        given = {"detector": detector, "mesh": mesh, "iris": iris}
        self._fingerprint = _with_settings(
            fingerprint or _own_fingerprint({k: v for k, v in given.items() if v is not None}),
            self.settings,
        )

    @classmethod
    def from_task(
        cls,
        path: Path,
        *,
        fingerprint: Fingerprint | None = None,
        settings: TrackerSettings | None = None,
    ) -> EmbeddedFaceTracker:
        """The networks inside a ``face_landmarker.task``: short-range detector, 478-point mesh.

        Raises
        ------
        EngineInputError
            The file is no such bundle.

        """
        try:
            with zipfile.ZipFile(path) as bundle:
                detector, mesh = bundle.read(TASK_DETECTOR), bundle.read(TASK_MESH)
        except (zipfile.BadZipFile, KeyError) as error:
            message = f"{path.name} is no face_landmarker.task: {error}"
            raise EngineInputError(message) from error
        own = _own_fingerprint({"face-landmarker-task": path})
        return cls(detector=detector, mesh=mesh, fingerprint=fingerprint or own, settings=settings)

    @property
    def fingerprint(self) -> Fingerprint:
        """Weights, library version and settings."""
        return self._fingerprint

    def track(self, frames: Iterable[Frame], *, people: int) -> Iterator[FaceObservation]:
        """Yields `people` observations per frame, in frame order, then by person.

        Frames are read in a thread, a few ahead. Rows come at once when everybody has been seen,
        and until then at most `face_seats.SETTLE_S` of video late (seats are numbered left to
        right). Memory does not grow with the length of `frames`.

        Raises
        ------
        EngineInputError
            `people` below 1, or a frame that is no RGB image.

        """
        if people < 1:
            message = f"track was asked for {people} people; allowed: 1 or more"
            raise EngineInputError(message)
        return self._numbered(frames, people)

    def _numbered(self, frames: Iterable[Frame], people: int) -> Iterator[FaceObservation]:
        """Three steps side by side: the caller's reader, the meshes, the irises."""
        with closing(read_ahead(self._meshes(frames, people))) as meshed:
            yield from in_seat_order(
                (float(frame.image.shape[1]), [self._with_irises(frame, seen) for seen in row])
                for frame, row in meshed
            )

    def _meshes(
        self, frames: Iterable[Frame], people: int
    ) -> Iterator[tuple[Frame, list[FaceObservation]]]:
        room = _Room([Seat() for _ in range(people)])
        with closing(read_ahead(frames)) as ahead:
            for frame in ahead:
                _check(frame)
                self._measure(room, frame)
                row = [
                    seat.observation(frame.index, frame.pts_s, person)
                    for person, seat in enumerate(room.seats)
                ]
                yield frame, row

    def _measure(self, room: _Room, frame: Frame) -> None:
        """Brings every seat of `room` up to `frame`."""
        cut = _is_cut(room, frame.image)
        before = [seat.box for seat in room.seats]
        followed = [seat for seat in room.seats if seat.region is not None]
        for seat in room.seats:
            self._follow(seat, frame)
        drop_converged(room.seats, before, frame.pts_s)
        newly_lost = any(seat.region is None for seat in followed)
        if cut or newly_lost or self._detector_due(room, frame.pts_s):
            self._detect(room, frame, cut=cut)

    def _follow(self, seat: Seat, frame: Frame) -> None:
        """One mesh pass where the person was; a second one, centred, if they moved much."""
        region = seat.region
        seat.points, seat.presence = None, None
        if region is None:
            return
        if self.settings.single_frames or not self._mesh_at(seat, frame.image, region):
            seat.lose(frame.pts_s)
            return
        moved = seat.region or region
        if _drift(region, moved) > REGION_DRIFT and not self._mesh_at(seat, frame.image, moved):
            seat.lose(frame.pts_s)

    def _settle(self, seat: Seat, image: Image, region: Region) -> bool:
        """Mesh passes until the region fits: a detector's box is only rough."""
        if self.settings.single_frames:
            return self._mesh_at(seat, image, region)
        for turn in range(MAX_PASSES):
            if not self._mesh_at(seat, image, region):
                return False
            if turn + 1 >= MIN_PASSES and _drift(region, seat.region) < SETTLED_DRIFT:
                break
            region = seat.region or region
        return True

    def _mesh_at(self, seat: Seat, image: Image, region: Region) -> bool:
        """Measures `seat` at `region` and moves its region; False where no face is there."""
        height, width = image.shape[:2]
        seat.points, seat.presence = None, None
        if not (0 <= region.x < width and 0 <= region.y < height):
            return False
        square = crop(image, region, self._mesh.input_side, shrink=not self.settings.single_frames)
        points, seat.presence = self._mesh(square)
        if seat.presence < MIN_PRESENCE:
            return False
        seat.points = region.to_frame(points)
        seat.region = followed_region(seat.points)
        seat.box = bounding_box(seat.points)
        return True

    def _detector_due(self, room: _Room, pts_s: float) -> bool:
        if room.detected_at_s is None or self.settings.single_frames:
            return True
        calm = all(_is_certain(seat) for seat in room.seats)
        wait_s = self.settings.detect_every_s if calm else self.settings.search_every_s
        return abs(pts_s - room.detected_at_s) >= wait_s - CLOCK_SLACK_S

    def _detect(self, room: _Room, frame: Frame, *, cut: bool) -> None:
        """A detector pass over the whole frame: confirms who is followed, finds who is not."""
        fit = letterbox_bilinear if self.settings.single_frames else letterbox_area
        boxed = fit(frame.image, self._detector.input_side)
        found = in_pixels(self._detector(boxed.image), boxed)
        room.detected_at_s = frame.pts_s
        followed = [seat for seat in room.seats if seat.points is not None]
        matched = nearest_pairs(followed, found, SAME_FACE_WIDTHS)
        for seat, face in matched:
            seat.score = face.score
            seat.sightings, seat.misses = seat.sightings + 1, 0
        for seat in followed:
            if not any(seat is one for one, _ in matched):
                seat.sightings, seat.misses = 0, seat.misses + 1
                if cut or seat.misses >= MAX_MISSES:
                    seat.lose(frame.pts_s)
        for seat, face in matched:
            if face.in_profile:
                seat.lose(frame.pts_s)
        taken = [face for _, face in matched if not face.in_profile]
        free = [face for face in found if not any(face is one for one in taken)]
        self._fill(room, free, frame, cut=cut)

    def _fill(self, room: _Room, free: list[FoundFace], frame: Frame, *, cut: bool) -> None:
        """Gives free faces to seats without one: first to who was near, then to new people."""
        lost = [seat for seat in room.seats if seat.points is None]
        for seat in lost:
            seat.in_profile = False
        if not lost:
            room.onlookers.strangers = free
            return
        if cut:
            room.onlookers.strangers = []
        free = room.onlookers.without_strangers(free)
        steady = room.onlookers.steady_profiles([face for face in free if face.in_profile])
        pairs, newcomers = placements(lost, free, steady, pts_s=frame.pts_s, cut=cut)
        for seat, face in pairs:
            self._seat(room, seat, face, frame)
        unknown = [seat for seat in lost if seat.box is None]
        for face in newcomers:
            if unknown and self._seat(room, unknown[0], face, frame):
                unknown.pop(0)

    def _seat(self, room: _Room, seat: Seat, face: FoundFace, frame: Frame) -> bool:
        """Puts `face` into `seat`, if the mesh agrees that it is a face."""
        if face.in_profile:
            seat.in_profile, seat.box, seat.score, seat.presence = True, face.box, face.score, None
            seat.lost_at_s = frame.pts_s
            return True
        region, last_box = face_region(face.centre_box, face.points), seat.box
        others = [one for one in room.seats if one is not seat and one.points is not None]
        if not self._settle(seat, frame.image, region) or is_taken(seat, others):
            seat.region, seat.points, seat.box = None, None, last_box
            return False
        seat.score, seat.sightings, seat.misses = face.score, 1, 0
        return True

    def _with_irises(self, frame: Frame, seen: FaceObservation) -> FaceObservation:
        """Mesh (468, 2) to (478, 2): image-left iris, then image-right iris."""
        mesh = seen.points
        if self._iris is None or mesh is None or len(mesh) != MESH_POINTS:
            return seen
        parts = [mesh]
        for corners, mirror in ((LEFT_EYE_CORNERS, False), (RIGHT_EYE_CORNERS, True)):
            region = eye_region(mesh, corners)
            square = crop(frame.image, region, self._iris.input_side)
            parts.append(region.to_frame(self._iris(square, mirror=mirror)))
        return replace(seen, points=np.concatenate(parts))


def _check(frame: Frame) -> None:
    image = frame.image
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        message = (
            f"frame {frame.index} at {frame.pts_s:.3f} s holds {image.dtype} of shape "
            f"{image.shape}; allowed: uint8 RGB of shape (height, width, 3)"
        )
        raise EngineInputError(message)


def _is_cut(room: _Room, image: Image) -> bool:
    """Whether a coarse grey picture changed at once; keeps that picture for the next frame."""
    rows = np.linspace(0, image.shape[0] - 1, COARSE[0]).astype(int)
    columns = np.linspace(0, image.shape[1] - 1, COARSE[1]).astype(int)
    coarse = image[rows[:, None], columns].mean(axis=2, dtype=np.float32)
    last, room.coarse = room.coarse, coarse
    return last is not None and float(np.abs(coarse - last).mean()) > CUT_GREY_LEVELS


def _is_certain(seat: Seat) -> bool:
    """Whether the detector may wait: followed, confirmed before, and not turning away."""
    if seat.points is None or seat.presence is None or seat.box is None:
        return False
    eyes = eye_centre_distance(seat.points) / max(seat.box[2], 1.0)
    return (
        seat.presence >= CERTAIN_PRESENCE
        and seat.sightings >= TRUSTED_SIGHTINGS
        and eyes >= DOUBTFUL_EYE_RATIO
    )


def _drift(used: Region, wanted: Region | None) -> float:
    """How far the region that fits is from the one that was used, in sides of the latter."""
    if wanted is None:
        return 0.0
    shift = math.hypot(wanted.x - used.x, wanted.y - used.y) / used.side
    return max(shift, abs(wanted.side / used.side - 1))


def _with_settings(fingerprint: Fingerprint, settings: TrackerSettings) -> Fingerprint:
    """The fingerprint with every setting that is not the default in its mode."""
    default = asdict(TrackerSettings())
    changed = [f"{k}={v}" for k, v in asdict(settings).items() if v != default[k]]
    return replace(fingerprint, mode=" ".join(filter(None, [fingerprint.mode, *changed])))


def _own_fingerprint(weights: dict[str, Path | bytes]) -> Fingerprint:
    """Hashes of the files themselves, for callers without a catalog."""
    contents = {
        name: source if isinstance(source, bytes) else source.read_bytes()
        for name, source in weights.items()
    }
    return Fingerprint(
        engine="mediapipe-embedded",
        version=f"ai-edge-litert {version('ai-edge-litert')}",
        weights=tuple((k, hashlib.sha256(v).hexdigest()) for k, v in contents.items()),
    )
