"""SubRip: times, voices and the errors a person can act on."""

from __future__ import annotations

import pytest

from pipeline.errors import SessionError
from pipeline.transcripts.subrip import parse


def test_what_editors_and_recognisers_write():
    text = (
        "\ufeff1\r\n00:00:01,500 --> 00:00:03,500\r\n<i>Well</i> yes\r\n\r\n"
        "2\r\n01:02:03.5 --> 01:02:04,250 X1:40 X2:600 Y1:1 Y2:9\r\n{\\an8}[SPEAKER_01]: Hm\r\n"
        "\r\n00:00:05,000 --> 00:00:06,000\r\n42\r\n"
    )
    first, second, third = parse(text)
    assert (first.start_s, first.end_s) == (1.5, 3.5)
    assert [(w.text, w.start_s, w.voice) for w in first.words] == [
        ("Well", 1.5, None),
        ("yes", 1.5 + 2 * 4 / 7, None),
    ]
    assert (second.start_s, second.end_s) == (3723.5, 3724.25)
    assert [(w.text, w.voice) for w in second.words] == [("Hm", "SPEAKER_01")]
    assert [w.text for w in third.words] == ["42"]
    assert not any(w.is_measured for one in (first, second, third) for w in one.words)


def test_two_voices_and_an_empty_line_in_one_caption():
    (only,) = parse(
        "1\n00:00:01,000 --> 00:00:03,000\n- Therapist: How so?\n\n- Client: Hm, 3 < 4\n"
    )
    assert [(w.text, w.voice) for w in only.words] == [
        *(("How", "Therapist"), ("so?", "Therapist")),
        *(("Hm,", "Client"), ("3<", "Client"), ("4", "Client")),
    ]


def test_an_empty_file_has_no_captions():
    assert parse(" \n\n") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("secret\n", 1),
        ("WEBVTT\n\n1\n00:00:01,000 --> 00:00:02,000\nsecret\n", 1),
        ("1\n00:01,000 --> 00:02,000\nsecret\n", 2),
        ("1\n00:00:01,000 --> 00:00:02\nsecret\n", 2),
        ("1\n00:00:01,000 --> 00:00:61,000\nsecret\n", 2),
        ("1\n00:00:02,000 --> 00:00:02,000\nsecret\n", 2),
        ("1\n00:00:01,000 --> 00:00:02,000\nyes\n\n2\nsecret --> more\nno\n", 6),
    ],
)
def test_a_broken_line_is_named_and_never_quoted(text, line):
    with pytest.raises(SessionError, match=rf"talk\.srt, line {line}: ") as error:
        parse(text, file="talk.srt")
    assert "secret" not in str(error.value)
