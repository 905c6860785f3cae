"""Small faces in a made room: found, believed only when seen often, kept apart, kept in regions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.made.rooms import FACE_WIDTHS, FPS, WIDTH, Pose, crossing, film, is_on, seated
from models.errors import EngineInputError
from models.faces.finder import tile_spans
from models.faces.geometry import box_centre
from models.faces.identity import Trail, difference, look_of
from models.faces.seats import in_seat_order
from tests.made.face_scenes import film as still_film
from tests.made.face_scenes import scene, tracker

SLOW_FPS = 10.0
"""Fewer frames to draw; the benchmark has 25."""
START = int(2 * SLOW_FPS)
"""Frames after which faces have to be found."""
LEFT, RIGHT = Pose(420, 440, 24), Pose(1380, 410, 24, person=1)
HALVES = [(0.0, 0.1, 0.5, 0.8), (0.5, 0.1, 0.5, 0.8)]


def hits(script, *, people, regions=None, fps=FPS):
    """Whether each person was measured where they are, shape (frames, people)."""
    rows = tracker().track(film(script, fps=fps), people=people, regions=regions)
    return np.array([is_on(row, script[row.frame_index]) for row in rows]).reshape(-1, people)


def with_eyes(pose, eyes):
    return Pose(pose.x, pose.y, eyes, pose.person)


@pytest.mark.parametrize(("eyes", "recall"), [(24, 0.90), (32, 0.95), (48, 0.95), (64, 0.95)])
def test_two_far_faces_are_found(eyes, recall):
    places = [with_eyes(LEFT, eyes), with_eyes(RIGHT, eyes)]
    two = hits(seated(places, START + 10), people=2, fps=SLOW_FPS)
    assert (two[START:].mean(axis=0) >= recall).all()


def test_one_far_face_is_found():
    one = hits(seated([RIGHT], START + 10), people=1, fps=SLOW_FPS)
    assert one[START:].mean() >= 0.90


def test_an_empty_room_holds_nobody():
    for regions in (None, HALVES):
        rows = list(tracker().track(film([[]] * 25), people=2, regions=regions))
        assert {row.reason for row in rows} == {"no_face"}


def test_a_face_in_a_tile_counts_once_it_was_seen_three_times():
    still = hits(seated([LEFT], 10), people=1)[:, 0]
    assert not still[:4].any()
    assert still[6:].all()
    flash = [[LEFT]] * 3 + [[]] * 15
    rows = list(tracker().track(film(flash), people=1))
    assert {row.reason for row in rows} == {"no_face"}


@pytest.mark.parametrize("front", [0, 1])
def test_two_people_who_walk_past_each_other_are_not_swapped(front):
    script = crossing(eyes=32, speed=16, front=front)
    rows = list(tracker().track(film(script), people=2))
    owners = [(row.person, is_of(row, script[row.frame_index])) for row in rows]
    assert all(owner in (None, person) for person, owner in owners)
    measured = np.array([row.points is not None for row in rows]).reshape(-1, 2)[8:]
    assert (measured.mean(axis=0) > 0.9).all()


def is_of(row, poses):
    """Whose face was measured; None for none, and where they are in one place."""
    apart = abs(poses[0].x - poses[1].x) / (FACE_WIDTHS * poses[0].eyes)
    if row.points is None or apart < 0.3:
        return None
    x, _ = box_centre(row.box)
    return int(np.argmin([abs(pose.x - x) for pose in poses]))


def test_people_who_come_back_in_another_order_are_known_by_their_looks():
    """Both walk out to the left; who was on the right comes back first, and sits on the left."""
    first = [[Pose(500, 430, 64, 0), Pose(900, 430, 64, 1)]] * 10
    back = [[Pose(560, 430, 64, 1)]] * 12
    script = [*first, *[[]] * 8, *back]
    rows = list(tracker().track(film(script), people=2))
    last = rows[-2:]
    assert [row.reason for row in last] == ["no_face", None]


def test_a_passer_by_in_front_does_not_keep_a_persons_place():
    sits = Pose(960, 430, 48)
    passes = [[sits, Pose(600 + 30 * i, 430, 48, 1, in_front=True)] for i in range(32)]
    rows = list(tracker().track(film([[sits]] * 12 + passes), people=1))
    assert all(row.reason is None for row in rows[6:14])
    assert abs(box_centre(rows[-1].box)[0] - 960) < 20


def test_who_walks_out_and_back_keeps_their_number():
    out = [Pose(1380 + 50 * i, 410, 48, 1) for i in range(11)]
    left = with_eyes(LEFT, 48)
    script = [[left, out[0]]] * 8 + [[left, pose] for pose in out] + [[left]] * 12
    script += [[left, pose] for pose in out[::-1]] + [[left, out[0]]] * 8
    rows = list(tracker().track(film(script), people=2))
    assert all(row.reason is None for row in rows[0::2][6:])
    assert all(row.reason == "no_face" for row in rows[1::2][20:30])
    assert [row.reason for row in rows[-2:]] == [None, None]
    assert abs(box_centre(rows[-1].box)[0] - 1380) < 10


def test_a_region_is_where_a_person_is_looked_for_and_nowhere_else():
    places = [LEFT, RIGHT]
    both = hits(seated(places, 12), people=2, regions=HALVES)
    assert both[6:].all()
    right = list(tracker().track(film([[RIGHT]] * 12), people=1, regions=[HALVES[0]]))
    assert {row.reason for row in right} == {"no_face"}


def test_who_leaves_their_region_is_not_followed():
    script = [scene((200 + 12 * i, 200, 220)) for i in range(40)]
    rows = list(tracker().track(still_film(script), people=1, regions=[(0.0, 0.0, 0.4, 1.0)]))
    inside = [box_centre(row.box)[0] < 0.4 * 1280 for row in rows if row.box]
    assert all(inside)
    assert rows[0].reason is None
    assert rows[-1].reason == "no_face"


def test_a_region_fixes_the_number_even_against_left_to_right():
    script = [scene((150, 200, 220), (800, 200, 220))] * 3
    swapped = [HALVES[1], None]
    rows = list(tracker().track(still_film(script), people=2, regions=swapped))
    assert all(row.box[0] > 640 for row in rows[0::2])
    assert all(row.box[0] < 640 for row in rows[1::2])


@pytest.mark.parametrize(
    ("regions", "complaint"),
    [
        ([None], "1 regions for 2 people"),
        ([None, (0.5, 0.0, 0.6, 1.0)], "person 1"),
        ([(0.0, 0.0, 0.0, 1.0), None], "person 0"),
    ],
)
def test_regions_that_cannot_be_are_refused(regions, complaint):
    with pytest.raises(EngineInputError, match=complaint):
        tracker().track([], people=2, regions=regions)


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (360, 640), (64, 64), (1, 1)])
def test_tiles_cover_the_frame_and_overlap_by_a_quarter(size):
    spans = tile_spans(size)
    covered = np.zeros(size, bool)
    for span in spans:
        covered[span.top : span.bottom, span.left : span.right] = True
    assert covered.all()
    columns = sorted({(span.left, span.right) for span in spans})
    for (_, right), (left, end) in itertools.pairwise(columns):
        assert right - left >= 0.24 * (end - left)


def test_a_look_tells_two_people_apart_at_any_size_and_in_dimmer_light():
    looks = {
        (person, eyes): look_of(frame, pose.eye_centres.astype(np.float32))
        for person in (0, 1)
        for eyes in (24, 64)
        for pose in [Pose(600, 430, eyes, person)]
        for frame in film([[pose]])
    }
    for person in (0, 1):
        same = difference(looks[person, 24], looks[person, 64])
        other = difference(looks[person, 24], looks[1 - person, 64])
        assert other > 2 * same
    assert difference(None, looks[0, 24]) == 0.0


def test_a_walk_goes_on_for_a_second():
    trail = Trail()
    for i in range(6):
        trail.add(i / 25, (10.0 + 4 * i, 50.0, 20.0, 20.0))
    assert trail.velocity == pytest.approx((100.0, 0.0))
    assert trail.expected((0.0, 0.0, 20.0, 20.0), 0.3)[:2] == pytest.approx((40.0, 50.0))
    assert trail.moved(60.0) == pytest.approx((100.0, 0.0))


def test_people_without_a_region_take_the_numbers_left_over():
    script = [scene((150, 200, 220), (800, 200, 220))]
    (left, right) = tracker().track(still_film(script), people=2)
    rows = [(float(WIDTH), [left, right])] * 2
    assert [seen.person for seen in in_seat_order(rows, fixed=[0])] == [0, 1, 0, 1]
