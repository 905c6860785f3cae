"""Who sits where: gives detected faces to seats, follows them, and numbers seats left to right.

No network is run here; `tracker` measures and asks this module which face is whose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from models.base import FaceObservation
from models.faces.geometry import Box, Floats, Letterbox, Region, box_centre
from models.faces.identity import Trail, difference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from models.faces.networks import Detections

PROFILE_EYE_RATIO = 0.20
"""Eye distance over box width below which a detected face is in profile (0.01-0.11 there, 0.31 and
more at yaw 45)."""
SAME_FACE_WIDTHS = 0.5
"""A detection this near (in face widths) to a followed face is that face."""
CONVERGED_WIDTHS = 0.3
"""Two followed faces this near are one face, followed twice."""
REACH_WIDTHS = 3.0
"""A lost person is first looked for this near (in face widths) to where they were last seen,"""
LIKE_SIZE = 2.0
"""with a face at most this many times larger or smaller."""
TURN_S = 1.0
"""A face that was there this long ago may be found again in profile at first sight."""
PROFILE_SIGHTINGS = 5
"""A seat nobody was seen in takes a face in profile only after so many sightings in a row."""
FAR_WIDTHS = 5.0
"""Distances beyond this, in face widths, count as this: they say nothing about who it is."""
LOOK_WEIGHT = 20.0
"""Face widths that a look as different as 1.0 counts for: one person differs from themselves by
0.05, from another by 0.2 and more."""
SETTLE_S = 10.0
"""Longest wait, in seconds of video, for every seat to be filled before seats are numbered ..."""
SETTLE_ROWS = 600
"""... and in frames, because memory stays flat even where time stamps stand still."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """One detection in pixels of the frame."""

    score: float
    centre_box: Floats
    """Shape (4,): centre x, centre y, width, height."""
    points: Floats
    """Shape (6, 2)."""
    proven: bool = True
    """False for one that was found in a tile and has to be seen again before it counts."""
    look: Floats | None = None
    """What it looks like (`identity.look_of`), where that was asked for."""

    @property
    def box(self) -> Box:
        """Top left, width, height."""
        x, y, width, height = (float(value) for value in self.centre_box)
        return x - width / 2, y - height / 2, width, height

    @property
    def in_profile(self) -> bool:
        """Whether the eyes are too near each other for a mesh to be trusted."""
        distance = math.hypot(*(float(value) for value in self.points[1] - self.points[0]))
        return distance < PROFILE_EYE_RATIO * float(self.centre_box[2])


@dataclass(slots=True)
class Seat:
    """What is known of one person; `points` and `presence` are of the present frame."""

    region: Region | None = None
    """Where the mesh looks next; None while the person is not followed."""
    box: Box | None = None
    """Last known place; None until first seen."""
    score: float | None = None
    presence: float | None = None
    points: Floats | None = None
    in_profile: bool = False
    sightings: int = 0
    """Detector passes in a row that confirmed the followed face."""
    misses: int = 0
    """Detector passes in a row that did not."""
    lost_at_s: float = 0.0
    confirmed: Box | None = None
    """Where the detector last saw the followed face."""
    area: Box | None = None
    """The only part of the frame this person is looked for in, pixels; None: anywhere."""
    trail: Trail = field(default_factory=Trail)
    look: Floats | None = None
    """What this person looks like, while nobody was near enough to be mistaken for them."""
    doubtful_until_s: float = -math.inf
    """Somebody came so near that the two may have been mistaken for each other: until when that
    is looked into."""

    def admits(self, box: Box) -> bool:
        """Whether the middle of `box` is where this person may be."""
        if self.area is None:
            return True
        x, y = box_centre(box)
        left, top, width, height = self.area
        return left <= x <= left + width and top <= y <= top + height

    def expected(self, pts_s: float) -> Box | None:
        """Where the person would be by now if they went on as before; None if never seen."""
        return None if self.box is None else self.trail.expected(self.box, pts_s)

    def lose(self, pts_s: float) -> None:
        """Stops following; the last place and score stay."""
        self.region, self.points = None, None
        self.sightings, self.misses = 0, 0
        self.lost_at_s = pts_s

    def observation(self, frame_index: int, pts_s: float, person: int) -> FaceObservation:
        """The contract's row for the present frame."""
        reason = "profile_view" if self.in_profile else "no_face"
        measured = self.points is not None
        return FaceObservation(
            frame_index=frame_index,
            pts_s=pts_s,
            person=person,
            reason=None if measured else reason,
            detector_score=self.score,
            presence=self.presence,
            box=self.box if measured or self.in_profile else None,
            points=self.points,
        )


@dataclass(slots=True)
class Onlookers:
    """Faces that are nobody's: kept so that they are not taken for somebody who is lost."""

    profiles: list[tuple[FoundFace, int]] = field(default_factory=list)
    """Faces in profile without a seat, with how often in a row each was seen."""
    strangers: list[FoundFace] = field(default_factory=list)
    """Faces seen while every seat was filled, such as a portrait on the wall."""

    def steady_profiles(self, found: list[FoundFace]) -> list[FoundFace]:
        """Counts `found`, forgets the rest, and returns those seen often enough."""
        self.profiles = [(face, 1 + self._count(face)) for face in found]
        return [face for face, count in self.profiles if count >= PROFILE_SIGHTINGS]

    def _count(self, face: FoundFace) -> int:
        same = [n for old, n in self.profiles if is_same_face(old, face)]
        return max(same, default=0)

    def without_strangers(self, found: list[FoundFace]) -> list[FoundFace]:
        """`found` without those where a stranger was."""
        return [
            face for face in found if not any(is_same_face(old, face) for old in self.strangers)
        ]


def is_same_face(one: FoundFace, other: FoundFace) -> bool:
    """Whether two detections lie where one face would, and are of like size."""
    return widths_apart(one.box, other.box) < SAME_FACE_WIDTHS and _alike(one.box, other.box)


def in_pixels(detections: Detections, letterbox: Letterbox) -> list[FoundFace]:
    """Detections of a letterboxed frame in pixels of the frame, best first."""
    origin = np.array(letterbox.origin, np.float32)
    extent = np.array(letterbox.extent, np.float32)
    return [
        FoundFace(
            score=float(score),
            centre_box=np.concatenate([box[:2] * extent + origin, box[2:] * extent]),
            points=points * extent + origin,
        )
        for score, box, points in zip(
            detections.scores, detections.boxes, detections.points, strict=True
        )
    ]


def widths_apart(one: Box, other: Box) -> float:
    """Distance between two boxes' centres over the wider one's width."""
    (x0, y0), (x1, y1) = box_centre(one), box_centre(other)
    return math.hypot(x1 - x0, y1 - y0) / max(one[2], other[2], 1.0)


def nearest_pairs(
    seats: list[Seat], found: list[FoundFace], reach: float, pts_s: float | None = None
) -> list[tuple[Seat, FoundFace]]:
    """Pairs seats with faces, best pair first, each once, at most `reach` face widths apart.

    Near is good, as wide as before, and looking alike where looks are known. With `pts_s`, who was
    moving is expected further on by then.
    Within a finite reach a face must also be of like size: a person does not shrink to a half.
    """
    candidates = []
    for i, seat in enumerate(seats):
        place = seat.box if pts_s is None else seat.expected(pts_s)
        for j, face in enumerate(found):
            if place is None or not seat.admits(face.box):
                continue
            apart = widths_apart(place, face.box)
            if math.isinf(reach) or (apart <= reach and _alike(place, face.box)):
                unlike = LOOK_WEIGHT * difference(seat.look, face.look)
                unlike += abs(math.log(max(face.box[2], 1.0) / max(place[2], 1.0)))
                candidates.append((min(apart, FAR_WIDTHS) + unlike, apart, i, j))
    free_seats, free_faces = set(range(len(seats))), set(range(len(found)))
    pairs = []
    for *_, i, j in sorted(candidates):
        if i in free_seats and j in free_faces:
            pairs.append((seats[i], found[j]))
            free_seats.remove(i)
            free_faces.remove(j)
    return pairs


def _alike(one: Box, other: Box) -> bool:
    return max(one[2], other[2]) <= LIKE_SIZE * min(one[2], other[2])


def placements(
    lost: list[Seat], free: list[FoundFace], steady: list[FoundFace], *, pts_s: float, cut: bool
) -> tuple[list[tuple[Seat, FoundFace]], list[FoundFace]]:
    """Which free face goes to which lost seat, and which faces are left for seats never filled.

    Whoever was there a moment ago takes the nearest face, even in profile; a seat empty for longer,
    or before a scene cut, takes one in profile only if it is in `steady` (seen several times in a
    row). If none is near, a frontal face anywhere will do. Faces left over are widest first.
    """
    known = [seat for seat in lost if seat.box is not None]
    recent = [seat for seat in known if not cut and pts_s - seat.lost_at_s < TURN_S]
    pairs = nearest_pairs(recent, free, REACH_WIDTHS, pts_s)
    frontal = [face for face in free if not face.in_profile]
    known, offered = _left(pairs, known, [*frontal, *steady])
    pairs += nearest_pairs(known, offered, REACH_WIDTHS, pts_s)
    known, offered = _left(pairs, known, offered)
    frontal = [face for face in offered if not face.in_profile]
    pairs += nearest_pairs(known, frontal, math.inf, pts_s)
    _, offered = _left(pairs, known, offered)
    return pairs, sorted(offered, key=lambda face: (face.in_profile, -float(face.centre_box[2])))


def _left(
    pairs: list[tuple[Seat, FoundFace]], seats: list[Seat], faces: list[FoundFace]
) -> tuple[list[Seat], list[FoundFace]]:
    """Seats and faces that are in none of `pairs`."""
    return (
        [seat for seat in seats if not any(seat is one for one, _ in pairs)],
        [face for face in faces if not any(face is one for _, one in pairs)],
    )


def drop_converged(
    seats: list[Seat],
    before: Sequence[Box | None],
    pts_s: float,
    unlike: Callable[[Seat, Seat], tuple[float, float]] | None = None,
) -> None:
    """Where two seats came to follow one face, the one that it fits less is lost.

    `before` holds where each seat's person was, or should be by now, and becomes its last known
    place again. `unlike` may say how little the face they share looks like each of the two.
    """
    for i, one in enumerate(seats):
        for j in range(i + 1, len(seats)):
            other = seats[j]
            if one.points is None or other.points is None or one.box is None or other.box is None:
                continue
            if widths_apart(one.box, other.box) >= CONVERGED_WIDTHS:
                continue
            looks = unlike(one, other) if unlike else (0.0, 0.0)
            misfits = [
                _moved(seat, before[k]) + LOOK_WEIGHT * look
                for seat, k, look in ((one, i, looks[0]), (other, j, looks[1]))
            ]
            loser = i if misfits[0] > misfits[1] else j
            seats[loser].lose(pts_s)
            seats[loser].box = before[loser] or seats[loser].box


def _moved(seat: Seat, before: Box | None) -> float:
    return math.inf if seat.box is None or before is None else widths_apart(seat.box, before)


def is_taken(seat: Seat, others: list[Seat]) -> bool:
    """Whether one of `others` follows the very face that `seat` was just given."""
    return seat.box is not None and any(
        other.box is not None and widths_apart(seat.box, other.box) < CONVERGED_WIDTHS
        for other in others
    )


def in_seat_order(
    rows: Iterable[tuple[float, list[FaceObservation]]],
    *,
    settle_s: float = SETTLE_S,
    fixed: Collection[int] = (),
) -> Iterator[FaceObservation]:
    """Numbers people left to right by where they are when all have been seen, and keeps that.

    `rows` holds per frame its width in pixels and its observations, numbered in any order that
    stays the same. People in `fixed` keep their number. Rows wait (they are small) until everyone
    else was seen, or `settle_s` of video; then who was not seen gets a seat that is left.
    """
    waiting: list[list[FaceObservation]] = []
    places: dict[int, float] = {}
    order: list[int] | None = None
    width = 1.0
    for width, row in rows:
        waiting.append(row)
        if order is None:
            places |= {seen.person: box_centre(seen.box)[0] for seen in row if seen.box}
            waited_s = abs(row[0].pts_s - waiting[0][0].pts_s)
            settled = len(row) == 1 or len(places.keys() | set(fixed)) == len(row)
            if not settled and waited_s < settle_s and len(waiting) < SETTLE_ROWS:
                continue
            order = seat_order(places, len(row), width, fixed)
        for held in waiting:
            yield from _renumbered(held, order)
        waiting.clear()
    for held in waiting:
        yield from _renumbered(held, seat_order(places, len(held), width, fixed))


def seat_order(
    places: dict[int, float], people: int, width: float, fixed: Collection[int] = ()
) -> list[int]:
    """Seat of each person from their x in pixels; the unseen take the seats left over.

    Seen people keep their order from left to right; with seats to spare each takes the free one
    that fits best if the seats shared the frame's width evenly. People in `fixed` keep theirs.
    """
    seats = [seat for seat in range(people) if seat not in fixed]
    seen = sorted(places.keys() - set(fixed), key=lambda person: places[person])
    order = [person if person in fixed else -1 for person in range(people)]
    lowest = 0
    for rank, person in enumerate(seen):
        highest = len(seats) - (len(seen) - rank)
        fitting = int(places[person] / max(width, 1.0) * len(seats))
        place = min(max(fitting, lowest), highest)
        order[person] = seats[place]
        lowest = place + 1
    free = iter(seat for seat in seats if seat not in order)
    return [seat if seat >= 0 else next(free) for seat in order]


def _renumbered(row: list[FaceObservation], order: list[int]) -> list[FaceObservation]:
    if order == sorted(order):
        return row
    moved = [replace(seen, person=order[seen.person]) for seen in row]
    return sorted(moved, key=lambda seen: seen.person)
