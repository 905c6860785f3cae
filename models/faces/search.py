"""What the detector looks at in one pass, and which small faces are believed.

The whole frame; enlarged, the surroundings of everybody who is too far away for that; and, while
somebody is missing, now and then tiles. A face in a tile is believed once it was seen in three of
five samples: over minutes of an empty chair single false alarms are certain to come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.faces.finder import distinct, is_far, without_collars
from models.faces.seats import FoundFace, Seat, is_same_face, widths_apart

if TYPE_CHECKING:
    from models.base import Frame
    from models.faces.finder import FaceFinder
    from models.faces.follow import FaceFollower
    from models.faces.geometry import Box

PROOF_SIGHTINGS, PROOF_SAMPLES = 3, 5
PROSPECT_WIDTHS = 1.0
"""From sample to sample a face not yet believed moves at most so far, in face widths."""
MAX_PROSPECTS = 6
REMEMBER_S = 2.0
"""A lost person is looked for, enlarged, where they were, and believed at once, for so long."""
FIRST_WAIT_S, LAST_WAIT_S = 0.2, 2.0
"""Between two looks at all tiles; doubles while somebody stays missing."""
CENSUS_S = 10.0
"""So often tiles are looked at while nobody is missing, to know small strangers (a portrait)."""


@dataclass(slots=True)
class _Prospect:
    """A small face not yet believed."""

    face: FoundFace
    sightings: int = 1
    samples: int = 1


class FaceSearch:
    """Detector passes over one video."""

    def __init__(self, finder: FaceFinder, follower: FaceFollower) -> None:
        self._finder, self._follower = finder, follower
        self._prospects: list[_Prospect] = []
        self._bystanders: list[FoundFace] = []
        self._wait_s = FIRST_WAIT_S
        self._probed_at_s: float | None = None
        self._counted_at_s: float | None = None
        self._did_do = False

    def faces(self, seats: list[Seat], frame: Frame, *, cut: bool) -> list[FoundFace]:
        """Faces that may be given to `seats`: found in this pass, and seen often enough."""
        if cut:
            self._prospects, self._bystanders = [], []
            self._probed_at_s, self._counted_at_s, self._wait_s = None, None, FIRST_WAIT_S
        anywhere = any(seat.area is None for seat in seats)
        found = self._finder.whole(frame) if anywhere else []
        found += self._enlarged(seats, frame)
        missing = [seat for seat in seats if seat.points is None and not _is_known_profile(seat)]
        if not missing:
            self._prospects, self._probed_at_s, self._wait_s = [], None, FIRST_WAIT_S
            self._take_census(seats, frame)
        elif not self._may_do(found, seats, missing) and self._probe_is_due(missing, frame.pts_s):
            found += self._everywhere(frame, found)
        found = distinct(found)
        proven = [face for face in found if face.proven]
        fresh = [face for face in found if not face.proven]
        return without_collars(proven + self._believed(frame, proven, fresh))

    def _enlarged(self, seats: list[Seat], frame: Frame) -> list[FoundFace]:
        """Round everybody far away, and all over the area of everybody missing who has one."""
        found: list[FoundFace] = []
        for seat in seats:
            box, here = seat.expected(frame.pts_s), seat.points is not None
            recent = here or frame.pts_s - seat.lost_at_s < REMEMBER_S
            if box and recent and (seat.area is not None or is_far(box, frame.size)):
                found += self._finder.near(frame, box)
                if seat.in_profile and seat.look is None:
                    found += self._finder.near(frame, _core(box))
            if seat.area is not None and not here:
                inside = self._finder.tiles(frame, seat.area)
                found += [replace(face, proven=not is_far(face.box, frame.size)) for face in inside]
        return found

    def _everywhere(self, frame: Frame, found: list[FoundFace]) -> list[FoundFace]:
        """Faces in all tiles, and within what looks like a profile: perhaps a head's collar."""
        small = self._finder.tiles(frame)
        for face in found:
            if face.in_profile:
                small += self._finder.near(frame, _core(face.box))
        return [replace(face, proven=False) for face in small]

    def _may_do(self, found: list[FoundFace], seats: list[Seat], missing: list[Seat]) -> bool:
        """Whether `found` may fill all seats: believed once, then they would be filled."""
        boxes = [seat.box for seat in seats if seat.points is not None and seat.box is not None]
        free = [
            face
            for face in found
            if not face.in_profile
            and all(widths_apart(face.box, box) > PROSPECT_WIDTHS for box in boxes)
        ]
        self._did_do = len(free) >= len(missing) and not self._did_do
        return self._did_do

    def _probe_is_due(self, missing: list[Seat], pts_s: float) -> bool:
        """Whether all tiles are to be looked at for people who may be anywhere."""
        missing = [seat for seat in missing if seat.area is None]
        if not missing:
            return False
        if self._probed_at_s is None and all(seat.box is not None for seat in missing):
            self._probed_at_s = pts_s  # lost a moment ago: mostly found again without
        if self._probed_at_s is not None and abs(pts_s - self._probed_at_s) < self._wait_s:
            return False
        if self._probed_at_s is not None:
            self._wait_s = min(2 * self._wait_s, LAST_WAIT_S)
        self._probed_at_s = pts_s
        return True

    def _take_census(self, seats: list[Seat], frame: Frame) -> None:
        """Remembers small faces that are nobody's, now and then."""
        if self._counted_at_s is None:
            self._counted_at_s = frame.pts_s
        early = abs(frame.pts_s - self._counted_at_s) < CENSUS_S
        if early or any(seat.area is not None for seat in seats):
            return
        self._counted_at_s = frame.pts_s
        boxes = [seat.box for seat in seats if seat.box is not None]
        self._bystanders = [
            face
            for face in self._finder.tiles(frame)
            if all(widths_apart(face.box, box) > PROSPECT_WIDTHS for box in boxes)
        ]

    def _believed(
        self, frame: Frame, proven: list[FoundFace], fresh: list[FoundFace]
    ) -> list[FoundFace]:
        """Takes one sample of every small face not yet believed; returns those that now are."""
        kept = []
        for prospect in self._prospects:
            if any(is_same_face(prospect.face, face) and not face.in_profile for face in proven):
                continue
            seen = [face for face in fresh if _near(prospect.face, face)]
            fresh = [face for face in fresh if not _near(prospect.face, face)]
            seen = seen or self._finder.near(frame, prospect.face.box)
            self._sample(prospect, frame, seen)
            if prospect.samples - prospect.sightings <= PROOF_SAMPLES - PROOF_SIGHTINGS:
                kept.append(prospect)
        fresh = [face for face in fresh if not any(is_same_face(face, b) for b in self._bystanders)]
        kept += [_Prospect(face) for face in fresh if self._is_frontal_face(frame, face)]
        self._prospects = kept[:MAX_PROSPECTS]
        return [
            replace(prospect.face, proven=True)
            for prospect in kept
            if prospect.sightings >= PROOF_SIGHTINGS
        ]

    def _sample(self, prospect: _Prospect, frame: Frame, seen: list[FoundFace]) -> None:
        same = [face for face in seen if _near(prospect.face, face)]
        prospect.samples += 1
        if same and self._is_frontal_face(frame, same[0]):
            prospect.sightings += 1
            prospect.face = same[0]

    def _is_frontal_face(self, frame: Frame, face: FoundFace) -> bool:
        return not face.in_profile and self._follower.is_face(frame, face)


def _core(box: Box) -> Box:
    """The middle half of `box`: where a small head would be whose collar made it look larger."""
    x, y, width, height = box
    return x + width / 4, y + height / 4, width / 2, height / 2


def _is_known_profile(seat: Seat) -> bool:
    """In profile, and seen frontally before: else it may be a chair that looks like one."""
    return seat.in_profile and seat.look is not None


def _near(one: FoundFace, other: FoundFace) -> bool:
    return widths_apart(one.box, other.box) < PROSPECT_WIDTHS
