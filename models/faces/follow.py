"""The mesh, and the region it moves along with: one face from frame to frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.faces.geometry import (
    Region,
    bounding_box,
    crop_frame,
    eye_centre_distance,
    face_region,
    followed_region,
)

if TYPE_CHECKING:
    from models.base import Frame
    from models.faces.networks import FaceMesh
    from models.faces.seats import FoundFace, Seat

MIN_PRESENCE = 0.5
MIN_PASSES, MAX_PASSES = 2, 4
"""Mesh passes on a face newly found ..."""
SETTLED_DRIFT = 0.005
"""... ending when the region moves by less than this, in region sides."""
REGION_DRIFT = 0.04
"""A mesh this far (in region sides) from its region's centre is measured again, centred."""
WALK_SHIFT = 0.1
"""Who moves so far (in region sides) from frame to frame is looked for where they should be."""
WALK_DRIFT = 0.15
"""A mesh further than this from where they should be: perhaps they did not walk on."""
CERTAIN_PRESENCE = 0.9
"""A followed face below this is shown to the detector soon: 0.74 is what a profile gets."""
DOUBTFUL_EYE_RATIO = 0.26
"""The same for a mesh whose eyes are this near each other: perhaps turning into profile."""
TRUSTED_SIGHTINGS = 3


class FaceFollower:
    """Mesh passes on seats. With `single_passes` each frame gets one pass, sampled as mediapipe
    does it: for comparison only.
    """

    def __init__(self, mesh: FaceMesh, *, single_passes: bool = False) -> None:
        self._mesh = mesh
        self._single_passes = single_passes

    def follow(self, seat: Seat, frame: Frame) -> None:
        """One mesh pass where the person should be; a second one, centred, if they moved much."""
        region = seat.region
        seat.points, seat.presence = None, None
        if region is None:
            return
        used = None if self._single_passes else self._measure(seat, frame, region)
        if used is None or not self._centred(seat, frame, used):
            seat.lose(frame.pts_s)

    def _centred(self, seat: Seat, frame: Frame, used: Region) -> bool:
        """Measures again where the mesh lies far from `used`'s centre; False if they are gone."""
        moved = seat.region or used
        if _drift(used, moved) > REGION_DRIFT and not self._mesh_at(seat, frame, moved):
            return False
        return seat.box is None or seat.admits(seat.box)

    def _measure(self, seat: Seat, frame: Frame, region: Region) -> Region | None:
        """Measures where the person should be by now, else where they were; returns the region."""
        ahead = _moved_on(region, seat, frame.pts_s)
        found = self._mesh_at(seat, frame, ahead)
        if ahead is region:
            return region if found else None
        presence = seat.presence if found else None
        if (presence or 0.0) >= CERTAIN_PRESENCE and _drift(ahead, seat.region) < WALK_DRIFT:
            return ahead
        kept = seat.points, seat.region, seat.box
        if self._mesh_at(seat, frame, region) and (seat.presence or 0.0) > (presence or 0.0):
            return region  # they stopped or turned
        if presence is None:
            return None
        seat.presence, (seat.points, seat.region, seat.box) = presence, kept
        return ahead

    def settle(self, seat: Seat, frame: Frame, face: FoundFace) -> bool:
        """Mesh passes until the region fits (a detector's box is rough); False if no face is there.

        The seat's points, presence, region and box are then those of the face.
        """
        region = face_region(face.centre_box, face.points)
        if self._single_passes:
            return self._mesh_at(seat, frame, region)
        for turn in range(MAX_PASSES):
            if not self._mesh_at(seat, frame, region):
                return False
            if turn + 1 >= MIN_PASSES and _drift(region, seat.region) < SETTLED_DRIFT:
                break
            region = seat.region or region
        return True

    def is_face(self, frame: Frame, face: FoundFace) -> bool:
        """Whether one mesh pass agrees with the detector."""
        region = face_region(face.centre_box, face.points)
        _, presence = self._mesh(crop_frame(frame, region, self._mesh.input_side))
        return presence >= MIN_PRESENCE

    def _mesh_at(self, seat: Seat, frame: Frame, region: Region) -> bool:
        """Measures `seat` at `region` and moves its region; False where no face is there."""
        height, width = frame.size
        seat.points, seat.presence = None, None
        if not (0 <= region.x < width and 0 <= region.y < height):
            return False
        square = crop_frame(frame, region, self._mesh.input_side, shrink=not self._single_passes)
        points, seat.presence = self._mesh(square)
        if seat.presence < MIN_PRESENCE:
            return False
        seat.points = region.to_frame(points)
        seat.region = followed_region(seat.points)
        seat.box = bounding_box(seat.points)
        return True


def is_certain(seat: Seat, pts_s: float) -> bool:
    """Whether the detector may wait: followed, confirmed before, and not turning away."""
    if seat.points is None or seat.presence is None or seat.box is None:
        return False
    eyes = eye_centre_distance(seat.points) / max(seat.box[2], 1.0)
    return (
        seat.presence >= CERTAIN_PRESENCE
        and seat.sightings >= TRUSTED_SIGHTINGS
        and eyes >= DOUBTFUL_EYE_RATIO
        and pts_s >= seat.doubtful_until_s
    )


def _moved_on(region: Region, seat: Seat, pts_s: float) -> Region:
    """`region` where a quickly moving person should be by now; unchanged for all others."""
    x, y = seat.trail.moved(pts_s)
    if math.hypot(x, y) <= WALK_SHIFT * region.side:
        return region
    return Region(region.x + x, region.y + y, region.side, region.angle)


def _drift(used: Region, wanted: Region | None) -> float:
    """How far the region that fits is from the one that was used, in sides of the latter."""
    if wanted is None:
        return 0.0
    shift = math.hypot(wanted.x - used.x, wanted.y - used.y) / used.side
    return max(shift, abs(wanted.side / used.side - 1))
