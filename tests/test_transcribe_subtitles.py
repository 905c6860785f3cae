"""WebVTT and SubRip: what programs and people write, and what an odd caption costs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.transcribe.captions import words_of
from pipeline.transcribe.subtitles import parse


def cue(text, timing="00:10.000 --> 00:14.000"):
    return parse(f"WEBVTT\n\n{timing}\n{text}\n").cues[0]


def texts(one):
    return [word.text for word in words_of(one)]


def test_words_without_times_share_their_caption_by_characters():
    words = words_of(cue("a bbb cccc"))
    assert [(w.start_s, w.end_s) for w in words] == [(10.0, 10.5), (10.5, 12.0), (12.0, 14.0)]
    assert not any(w.is_measured for w in words)


def test_times_inside_a_caption_are_kept():
    words = words_of(cue("One <00:11.500>two <00:00:12.300><c>three four</c>"))
    assert [w.text for w in words] == ["One", "two", "three", "four"]
    assert [w.start_s for w in words[:3]] == [10.0, 11.5, 12.3]
    assert [w.end_s for w in words[:2]] == [11.5, 12.3]
    assert words[3].end_s == 14.0
    assert [w.is_measured for w in words] == [True, True, True, False]


def test_several_voices_in_one_caption():
    words = words_of(cue("<v therapist>How so?</v> <v.loud C07>Well, <i>it</i> is."))
    assert [w.voice for w in words] == ["therapist"] * 2 + ["C07"] * 3
    assert [w.text for w in words] == ["How", "so?", "Well,", "it", "is."]


@pytest.mark.parametrize("text", ["<v Mira Kessler How so", "so\n<v.loud Mira How\n<i>no</i>"])
def test_a_name_whose_tag_is_never_closed_is_no_word(text):
    assert "Mira" not in " ".join(texts(cue(text)))


def test_what_is_not_a_caption_is_skipped():
    text = (
        "WEBVTT - made by hand\r\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\r\n\r\n"
        "NOTE\r\nfor us only\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\nREGION\r\nid:a\r\n\r\n"
        "NOTES-7\r\n01:02:03.500 --> 01:02:04.500 align:start position:0%\r\nHi\r\n\r\n"
        "NOTE a remark\r\n\r\n00:00.000 --> 00:01.000\r\n\r\n"
    )
    first, second = parse(text).cues
    assert (first.start_s, first.end_s, texts(first)) == (3723.5, 3724.5, ["Hi"])
    assert texts(second) == []


def test_only_an_empty_line_ends_a_webvtt_caption():
    (only,) = parse("WEBVTT\n\n00:01.000 --> 00:02.000\n \nwell\n \nyes\n").cues
    assert texts(only) == ["well", "yes"]


def test_what_editors_and_recognisers_write_as_subrip():
    text = (
        "1\r\n00:00:01,500 --> 00:00:03,500\r\n<i>Well</i> yes\r\n\r\n"
        "2\r\n01:02:03.5 --> 01:02:04,250 X1:40 X2:600 Y1:1 Y2:9\r\n{\\an8}Hm\r\n\r\n"
        "3\r\n0:05 --> 00:06,0\r\n42\r\n"
    )
    first, second, third = parse(text).cues
    assert (first.start_s, first.end_s, texts(first)) == (1.5, 3.5, ["Well", "yes"])
    assert (second.start_s, second.end_s, texts(second)) == (3723.5, 3724.25, ["Hm"])
    assert (third.start_s, third.end_s, texts(third)) == (5.0, 6.0, ["42"])


def test_numbers_are_words_where_they_are_said():
    with_numbers = "1\n00:01,0 --> 00:02,0\nin\n1998\n2\n00:02,0 --> 00:03,0\nyes\n"
    without = "00:01,0 --> 00:02,0\nin\n1998\n00:02,0 --> 00:03,0\nyes\n"
    for text in (with_numbers, without):
        assert [texts(one) for one in parse(text).cues] == [["in", "1998"], ["yes"]]


@pytest.mark.parametrize("timing", [
    "00:00:02.000 --> 00:00:02.000", "00:00:03.000 --> 00:00:02.000", "00:00:61.0 --> 00:01:02.0",
    f"{'9' * 900}:00:01.000 --> 00:00:02.000", "9999:00:00.000 --> 9999:00:01.000",
    "00:x --> 00:02",
])  # fmt: skip
@pytest.mark.parametrize("head", ["", "WEBVTT\n\n"])
def test_an_odd_caption_costs_that_caption(timing, head):
    good = "00:00:01.000 --> 00:00:02.000\nyes\n\n"
    found = parse(f"{head}1\n{good}2\n{timing}\nsecret\n\n3\n{good}")
    assert [texts(one) for one in found.cues] == [["yes"], ["yes"]]
    assert len(found.faults) == 1
    assert "secret" not in found.faults[0]


@given(st.text(alphabet="<>/v c.[](){}*:♪->\n\r&;#x0123456789,aÄ\u200b\ud800 ", max_size=300),
       st.sampled_from(["", "WEBVTT\n\n", "1\n"]))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_counted(said, head):
    found = parse(f"{head}00:00:01.000 --> 00:00:02.000\n{said}\n\n00:03.0 --> 00:04.0\nyes\n")
    assert found.cues
    for one in found.cues:
        for word in words_of(one):
            word.text.encode()
