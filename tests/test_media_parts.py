"""Recordings in parts: which files go on from which, and where each lies on the clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.films import films
from pipeline.media.parts import claims, place_of
from pipeline.paperwork.session_media import MediaFile, continues

TEXT = st.text("abcxyz_- ()", max_size=6)
NUMBER = st.integers(0, 99_999)


def file(name, hears=("mixed",), shows=(), offset_s=None):
    return MediaFile(file=name, hears=list(hears), shows=list(shows), offset_s=offset_s)


@given(TEXT, TEXT, NUMBER, st.integers(1, 500), st.integers(1, 6))
def test_one_number_that_goes_up_makes_parts(before, after, number, step, digits):
    first, second = (file(f"{before}{n:0{digits}d}{after}.wav") for n in (number, number + step))
    assert continues(first, second)
    assert not continues(second, first)
    assert not continues(first, first)
    assert not continues(first, file(second.file, shows=["client"]))
    assert not continues(first, file(f"q{second.file}"))


@pytest.mark.parametrize("pair", [("a.wav", "b.wav"), ("a1b1.wav", "a2b2.wav"), ("a.wav", "a2.wav"),
                                  ("a1.wav", "a2.mp3"), ("a1.wav", "a01.wav")])  # fmt: skip
def test_what_is_not_plain_makes_no_parts(pair):
    assert not continues(*map(file, pair))


def test_each_part_begins_where_the_one_before_ends():
    media = [file("a1.wav"), file("cam.mp4", shows=["client"]), file("a2.wav"),
             file("a3.wav", offset_s=50.0), file("a4.wav")]  # fmt: skip
    found = [place_of(media, i, {0: 10.0, 2: 20.0, 3: 5.0}.__getitem__) for i in range(5)]
    assert [(one.offset_s, one.source) for one in found] == [
        (0.0, "start"), (0.0, "start"), (10.0, "follows"), (50.0, "given"), (55.0, "follows"),
    ]  # fmt: skip


def test_the_first_counts_and_others_fill_what_it_leaves():
    assert claims([(0.0, 24.0), (24.0, 48.0)], [False, True]) == [[(0.0, 24.0)], [(24.0, 48.0)]]
    assert claims([(0.0, 30.0), (10.0, 50.0)], [False, True]) == [[(0.0, 30.0)], [(30.0, 50.0)]]
    assert claims([(0.0, 30.0), (10.0, 50.0)], [False, False]) == [[(0.0, 30.0)], []]
    assert claims([None, (-5.0, 50.0)], [False, False]) == [[], [(0.0, 50.0)]]
    assert claims([(0.0, 30.0), (0.0, 32.0)], [False, True]) == [[(0.0, 30.0)], []]


def row(media, offset_s, lasts_s=10.0, reason=None):
    return {"media": media, "offset_s": offset_s, "duration_s": lasts_s, "clock_start_s": 0.0,
            "video_start_s": 0.0, "video_reason": reason, "video_codec": "h264"}  # fmt: skip


def test_a_film_is_one_cameras_and_all_its_parts():
    one, two = ([file(f"{i}.mp4", (), shows) for i in range(3)] for shows in (["client"],) * 2)
    assert films(one, [row(0, 0.0), row(1, 10.0), row(2, 19.5)], "client")[0] == [0, 1, 2]
    assert films(two, [row(0, 0.0), row(1, 1.0), row(2, 12.0)], "client")[0] == [0, 2]
    broken = [row(0, 0.0, reason="unreadable_media"), row(1, 0.0), row(2, 10.0)]
    assert films(one, broken, "client") == ([1, 2], "unreadable_media")
    assert films(one, broken, "therapist") == ([], "no_media")
