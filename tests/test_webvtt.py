"""WebVTT: times, voices and the errors a person can act on."""

from __future__ import annotations

import pytest

from pipeline.errors import SessionError
from pipeline.transcripts.webvtt import parse


def cue(text, timing="00:10.000 --> 00:14.000"):
    return parse(f"WEBVTT\n\n{timing}\n{text}\n")[0]


def test_words_without_times_share_their_caption_by_characters():
    words = cue("a bbb cccc").words
    assert [(w.start_s, w.end_s) for w in words] == [(10.0, 10.5), (10.5, 12.0), (12.0, 14.0)]
    assert not any(w.is_measured for w in words)


def test_times_inside_a_caption_are_kept():
    words = cue("One <00:11.500>two <00:00:12.300><c>three four</c>").words
    assert [w.text for w in words] == ["One", "two", "three", "four"]
    assert [w.start_s for w in words[:3]] == [10.0, 11.5, 12.3]
    assert [w.end_s for w in words[:2]] == [11.5, 12.3]
    assert words[3].end_s == 14.0
    assert [w.is_measured for w in words] == [True, True, True, False]


def test_several_voices_in_one_caption():
    words = cue("<v therapist>How so?</v> <v.loud C07>Well, <i>it</i> is.").words
    assert [w.voice for w in words] == ["therapist"] * 2 + ["C07"] * 3
    assert [w.text for w in words] == ["How", "so?", "Well,", "it", "is."]


def test_entities_signs_and_line_breaks():
    words = cue("- Tom &amp; Ann&nbsp;left …\nyes &lt;3 -- no").words
    assert [w.text for w in words] == ["-Tom&", "Ann", "left…", "yes", "<3--", "no"]


def test_what_is_not_a_caption_is_skipped():
    text = (
        "\ufeffWEBVTT - made by hand\r\nKind: captions\r\n\r\nNOTE\r\nfor us only\r\n\r\n"
        "STYLE\r\n::cue { color: red }\r\n\r\nREGION\r\nid:a\r\n\r\n"
        "7\r\n01:02:03.500 --> 01:02:04.500 align:start position:0%\r\nHi\r\n\r\n"
        "00:00.000 --> 00:01.000\r\n\r\n"
    )
    first, second = parse(text)
    assert (first.start_s, first.end_s, first.words[0].text) == (3723.5, 3724.5, "Hi")
    assert second.words == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n", 1),
        ("WEBVTT\n00:01.000 --> 00:02.000\nHi\n", 2),
        ("WEBVTT\n\n00:01.000 -> 00:02.000\nsecret\n", 3),
        ("WEBVTT\n\nid\n00:01,000 --> 00:02,000\nsecret\n", 4),
        ("WEBVTT\n\n00:03.000 --> 00:02.000\nsecret\n", 3),
        ("WEBVTT\n\n00:01.000 --> 00:61.000\nsecret\n", 3),
        ("WEBVTT\n\n00:01.000 --> 00:05.000\nso\nmy <00:09.000>secret\n", 5),
        ("WEBVTT\n\n00:01.000 --> 00:05.000\n<00:03.000>a <00:02.000>secret\n", 4),
        ("WEBVTT\n\n00:01.000 --> 00:05.000\n<00:3>secret\n", 4),
        ("WEBVTT\n\n00:01.000 --> 00:05.000\nsecret < unclosed\n", 4),
        ("WEBVTT\n\n00:01.000 --> 00:05.000\n<speaker one>secret\n", 4),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nsecret\n00:02.000 --> 00:03.000\nmore\n", 3),
    ],
)  # fmt: skip
def test_a_broken_line_is_named_and_never_quoted(text, line):
    with pytest.raises(SessionError, match=rf"talk\.vtt, line {line}: ") as error:
        parse(text, file="talk.vtt")
    assert "secret" not in str(error.value)
