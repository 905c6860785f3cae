"""The people in a room over one video: follow each, detect now and then, keep them apart."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.errors import EngineInputError
from models.faces.follow import CERTAIN_PRESENCE, is_certain
from models.faces.identity import difference, eye_centres, look_of
from models.faces.search import FaceSearch
from models.faces.seats import (
    SAME_FACE_WIDTHS,
    FoundFace,
    Onlookers,
    Seat,
    drop_converged,
    is_taken,
    nearest_pairs,
    placements,
    widths_apart,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.base import FaceObservation, Frame
    from models.faces.finder import FaceFinder
    from models.faces.follow import FaceFollower
    from models.faces.geometry import Box
    from models.options import FaceTrackerOptions

Shares = tuple[float, float, float, float]
"""Left, top, width, height as shares of the frame."""

CLOCK_SLACK_S = 1e-3
"""Time stamps are rounded by containers: 66 ms counts as 1/15 s."""
MAX_MISSES = 3
"""Detector passes in a row without the face before following it is given up."""
CUT_GREY_LEVELS = 12.0
"""Mean change of a coarse picture, 0..255, that is taken for a scene cut."""
COARSE = (18, 32)
CONTACT_WIDTHS = 1.5
"""Two people this near (in face widths) may be mistaken for each other ..."""
DOUBT_S = 1.0
"""... and for so long after they parted it is checked whether they were."""
MOVED_WIDTHS = 0.5
"""Who moved so far since the detector last saw them is shown to it soon."""
HIDDEN_S = 2.0
"""Somebody lost for less may be behind the other."""
STRAY_WIDTHS = 0.3
"""While two are that near, a place this far from the expected one says nothing of a speed."""
COLLAR_WIDTHS = 1.35
"""The detector's box is 1.1 times as wide as the mesh's; one this much wider holds more."""
LOOK_MARGIN = 0.08
"""Two people were mistaken if their looks fit this much better the other way round."""
STRANGER_MARGIN = 0.1
"""The same for one person and the face they are taken for: one look differs by 0.05 from itself."""
LOOK_RATE = 0.1
"""Share of a new look in the remembered one: light changes over an hour."""


class Room:
    """State between frames, and what one frame does to it."""

    def __init__(
        self,
        follower: FaceFollower,
        finder: FaceFinder,
        regions: tuple[Shares | None, ...],
        options: FaceTrackerOptions,
    ) -> None:
        self.seats = [Seat() for _ in regions]
        self._regions, self._options = regions, options
        self._follower, self._finder = follower, finder
        self._search = FaceSearch(finder, follower)
        self._onlookers = Onlookers()
        self._detected_at_s: float | None = None
        self._coarse: NDArray[np.int16] | None = None
        self._size: tuple[int, int] | None = None
        self._grid = np.empty(0, np.intp), np.empty(0, np.intp)

    def measure(self, frame: Frame) -> list[FaceObservation]:
        """Brings every seat up to `frame`; one observation per seat."""
        self._meet_size(frame)
        cut = self._is_cut(frame)
        followed = [seat for seat in self.seats if seat.region is not None]
        expected = [seat.expected(frame.pts_s) for seat in self.seats]
        for seat in self.seats:
            self._follower.follow(seat, frame)
        self._part(frame, expected)
        newly_lost = any(seat.region is None for seat in followed)
        if cut or newly_lost or self._detector_due(frame.pts_s):
            self._detect(frame, cut=cut)
        return [
            seat.observation(frame.index, frame.pts_s, person)
            for person, seat in enumerate(self.seats)
        ]

    def _meet_size(self, frame: Frame) -> None:
        """On the first frame, and should the size change: checks it and places the regions."""
        if frame.size == self._size:
            return
        check_frame(frame)
        self._size = frame.size
        height, width = frame.size
        self._grid = (
            np.linspace(0, height - 1, COARSE[0]).astype(np.intp),
            np.linspace(0, width - 1, COARSE[1]).astype(np.intp),
        )
        for seat, region in zip(self.seats, self._regions, strict=True):
            if region is not None:
                x, y, across, down = region
                seat.area = (x * width, y * height, across * width, down * height)

    def _is_cut(self, frame: Frame) -> bool:
        """Whether a coarse grey picture changed at once; keeps that picture for the next frame."""
        coarse = frame.brightness(*self._grid).astype(np.int16)
        last, self._coarse = self._coarse, coarse
        return last is not None and float(np.abs(coarse - last).mean()) > CUT_GREY_LEVELS

    def _part(self, frame: Frame, expected: list[Box | None]) -> None:
        """Sees to people near each other, and notes where everybody is."""
        pts_s = frame.pts_s
        near = self._in_contact(pts_s)
        for seat in near:
            seat.doubtful_until_s = pts_s + DOUBT_S

        def unlike(one: Seat, other: Seat) -> tuple[float, float]:
            look = _look(one, frame)
            return difference(one.look, look), difference(other.look, look)

        drop_converged(self.seats, expected, pts_s, unlike)
        for seat, place in zip(self.seats, expected, strict=True):
            if seat.points is None or seat.box is None:
                continue
            astray = place is not None and widths_apart(seat.box, place) > STRAY_WIDTHS
            if not (astray and any(seat is one for one in near)):
                seat.trail.add(pts_s, seat.box)

    def _in_contact(self, pts_s: float) -> list[Seat]:
        """Seats whose person is, or is expected, near another's."""
        there = [
            seat
            for seat in self.seats
            if seat.box and (seat.points is not None or pts_s - seat.lost_at_s < HIDDEN_S)
        ]
        near = []
        for one, other in itertools.combinations(there, 2):
            if one.points is None and other.points is None:
                continue
            a, b = (s.box if s.points is not None else s.expected(pts_s) for s in (one, other))
            if a is not None and b is not None and widths_apart(a, b) < CONTACT_WIDTHS:
                near += [one, other]
        return near

    def _detector_due(self, pts_s: float) -> bool:
        if self._detected_at_s is None or self._options.single_frames:
            return True
        if any(seat.doubtful_until_s >= pts_s + DOUBT_S for seat in self.seats):
            return True
        calm = all(is_certain(seat, pts_s) and not _has_moved(seat) for seat in self.seats)
        wait_s = self._options.detect_every_s if calm else self._options.search_every_s
        return abs(pts_s - self._detected_at_s) >= wait_s - CLOCK_SLACK_S

    def _detect(self, frame: Frame, *, cut: bool) -> None:
        """A detector pass: confirms who is followed, finds who is not."""
        if self._options.single_frames:
            found = self._finder.whole(frame)
        else:
            found = self._search.faces(self.seats, frame, cut=cut)
        self._detected_at_s = frame.pts_s
        followed = [seat for seat in self.seats if seat.points is not None]
        matched = nearest_pairs(followed, found, SAME_FACE_WIDTHS)
        for seat, face in matched:
            seat.score = face.score
            seat.sightings, seat.misses, seat.confirmed = seat.sightings + 1, 0, seat.box
        for seat in followed:
            if not any(seat is one for one, _ in matched):
                seat.sightings, seat.misses = 0, seat.misses + 1
                beside = frame.pts_s >= seat.doubtful_until_s and any(
                    _is_beside(face, seat) for face in found
                )
                if cut or beside or seat.misses >= MAX_MISSES:
                    seat.lose(frame.pts_s)
        turned = [
            (seat, face)
            for seat, face in matched
            if face.in_profile and not _is_only_a_collar(face, seat)
        ]
        for seat, _ in turned:
            seat.lose(frame.pts_s)
        taken = [face for seat, face in matched if not any(face is one for _, one in turned)]
        free = [face for face in found if not any(face is one for one in taken)]
        self._take_back(free, frame)
        self._fill(free, frame, cut=cut)
        self._tell_apart(frame)

    def _take_back(self, free: list[FoundFace], frame: Frame) -> None:
        """Goes back to a person where somebody who walked past took their place in a seat.

        A face that is nobody's must look much more like the person than the followed one does.
        """
        frontal = [face for face in free if not face.in_profile]
        for seat in self.seats if frontal else ():
            if seat.points is None or seat.look is None:
                continue
            now = difference(seat.look, _look(seat, frame))
            unlike = [difference(seat.look, look_of(frame, face.points[:2])) for face in frontal]
            best = int(np.argmin(unlike))
            if unlike[best] < now - STRANGER_MARGIN and seat.admits(frontal[best].box):
                seat.lose(frame.pts_s)
                self._seat(seat, frontal[best], frame)
                free.remove(frontal[best])
                return

    def _fill(self, free: list[FoundFace], frame: Frame, *, cut: bool) -> None:
        """Gives free faces to seats without one: first to who was near, then to new people."""
        lost = [seat for seat in self.seats if seat.points is None]
        for seat in lost:
            seat.in_profile = False
        if not lost:
            self._onlookers.strangers = [
                face for face in free if not any(_is_beside(face, seat) for seat in self.seats)
            ]
            return
        if cut:
            self._onlookers.strangers = []
        free = self._onlookers.without_strangers(free)
        if sum(seat.look is not None for seat in lost) > 1:
            free = [replace(face, look=look_of(frame, face.points[:2])) for face in free]
        steady = self._onlookers.steady_profiles([face for face in free if face.in_profile])
        pairs, newcomers = placements(lost, free, steady, pts_s=frame.pts_s, cut=cut)
        for seat, face in pairs:
            self._seat(seat, face, frame)
        unknown = [seat for seat in lost if seat.box is None]
        for face in newcomers:
            fitting = [seat for seat in unknown if seat.admits(face.box)]
            fitting.sort(key=lambda seat: seat.area is None)  # who may be here only comes first
            if face.in_profile and not self._follower.is_face(frame, face):
                continue  # a chair may look like a profile for hours
            if fitting and self._seat(fitting[0], face, frame):
                unknown = [seat for seat in unknown if seat is not fitting[0]]

    def _seat(self, seat: Seat, face: FoundFace, frame: Frame) -> bool:
        """Puts `face` into `seat`, if the mesh agrees that it is a face."""
        pts_s, last_box, expected = frame.pts_s, seat.box, seat.expected(frame.pts_s)
        if face.in_profile:
            seat.in_profile, seat.box, seat.score, seat.presence = True, face.box, face.score, None
            seat.lost_at_s = pts_s
        else:
            others = [one for one in self.seats if one is not seat and one.points is not None]
            if not self._follower.settle(seat, frame, face) or is_taken(seat, others):
                seat.region, seat.points, seat.box = None, None, last_box
                return False
            seat.score, seat.sightings, seat.misses = face.score, 1, 0
            seat.confirmed = seat.box
        box = seat.box or face.box
        if expected is None or widths_apart(box, expected) > CONTACT_WIDTHS:
            seat.trail.places.clear()  # not a walk that anything could be foretold from
        seat.trail.add(pts_s, box)
        return True

    def _tell_apart(self, frame: Frame) -> None:
        """After two people parted, puts right who was mistaken; else learns what people look like.

        Only a look that fits clearly better decides; where two look alike their movement has.
        """
        pts_s = frame.pts_s
        shown = {id(seat): _look(seat, frame) for seat in self.seats if seat.points is not None}
        parted = [
            index
            for index, seat in enumerate(self.seats)
            if id(seat) in shown and pts_s < seat.doubtful_until_s < pts_s + DOUBT_S
        ]
        for i, j in itertools.combinations(parted, 2):
            one, other = self.seats[i], self.seats[j]
            if one.look is None or other.look is None:
                continue
            a, b = shown[id(one)], shown[id(other)]
            kept = difference(one.look, a) + difference(other.look, b)
            swapped = difference(one.look, b) + difference(other.look, a)
            if abs(kept - swapped) < LOOK_MARGIN:
                continue
            one.doubtful_until_s = other.doubtful_until_s = -math.inf
            if swapped < kept and one.area == other.area:
                one.look, other.look = other.look, one.look
                self.seats[i], self.seats[j] = other, one
        for seat in self.seats:
            if id(seat) in shown and pts_s >= seat.doubtful_until_s:
                now = shown[id(seat)]
                if seat.look is None:
                    seat.look = now
                elif difference(seat.look, now) < STRANGER_MARGIN:  # else perhaps somebody else
                    seat.look += LOOK_RATE * (now - seat.look)


def _is_beside(face: FoundFace, seat: Seat) -> bool:
    """Whether a detection is so near a followed person that it is more likely theirs."""
    return seat.box is not None and widths_apart(face.box, seat.box) < CONTACT_WIDTHS


def _is_only_a_collar(face: FoundFace, seat: Seat) -> bool:
    """Whether a profile is far wider than the face that the mesh is certain of."""
    certain = seat.presence is not None and seat.presence >= CERTAIN_PRESENCE
    return certain and seat.box is not None and face.box[2] > COLLAR_WIDTHS * seat.box[2]


def _has_moved(seat: Seat) -> bool:
    """Whether a followed face is elsewhere than where the detector last saw it."""
    if seat.box is None or seat.confirmed is None:
        return False
    return widths_apart(seat.box, seat.confirmed) > MOVED_WIDTHS


def _look(seat: Seat, frame: Frame) -> NDArray[np.float32]:
    assert seat.points is not None
    return look_of(frame, eye_centres(seat.points))


def check_frame(frame: Frame) -> None:
    """Refuses what holds no picture.

    Raises
    ------
    EngineInputError
        The frame is not of shape (height, width, 3), or empty.

    """
    image = frame.image
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        message = (
            f"frame {frame.index} at {frame.pts_s:.3f} s holds {image.dtype} of shape "
            f"{image.shape}; allowed: uint8 RGB of shape (height, width, 3)"
        )
        raise EngineInputError(message)


def check_regions(regions: tuple[Shares | None, ...], people: int) -> None:
    """Refuses regions that are not one per person and inside the frame.

    Raises
    ------
    EngineInputError
        Their number is not `people`, or one is empty or reaches out of the frame.

    """
    if len(regions) != people:
        message = f"track got {len(regions)} regions for {people} people; allowed: one for each"
        raise EngineInputError(message)
    for person, region in enumerate(regions):
        if region is None:
            continue
        left, top, width, height = region
        inside = left >= 0 and top >= 0 and left + width <= 1 + 1e-9 and top + height <= 1 + 1e-9
        if not (inside and width > 0 and height > 0):
            message = (
                f"region of person {person} is {region}; allowed: left, top, width, height as "
                "shares of the frame, inside 0..1 and not empty"
            )
            raise EngineInputError(message)
