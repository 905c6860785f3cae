"""Rules that all transcript formats share."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.transcripts.captions import by_speaker, spread, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[SPEAKER_00]: Well yes", [("Well yes", "SPEAKER_00")]),
        ("- Therapist: How so?\n- Client: Hm.", [("How so?\n", "Therapist"), ("Hm.", "Client")]),
        ("so\nCLIENT:  no", [("so\n", "before"), ("no", "CLIENT")]),
        ("Look: the client: left", [("Look: the client: left", "before")]),
        ("[laughs] Client is here", [("[laughs] Client is here", "before")]),
        ("Client:", []),
    ],
)
def test_a_line_may_begin_with_its_speaker(text, expected):
    assert by_speaker(text, "before") == expected


def test_signs_are_no_words():
    assert tokens("- Tom & Ann left … yes <3 -- no") == [
        "-Tom&",
        "Ann",
        "left…",
        "yes",
        "<3--",
        "no",
    ]
    assert tokens("… -") == []


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1), st.floats(0, 1e4))
def test_spread_words_fill_their_caption_without_gaps(texts, start_s):
    words = spread([(text, None) for text in texts], start_s, start_s + 7)
    assert [word.text for word in words] == texts
    assert words[0].start_s == start_s
    assert words[-1].end_s == pytest.approx(start_s + 7)
    assert all(a.end_s == b.start_s for a, b in pairwise(words))
    per_letter = [(word.end_s - word.start_s) / len(word.text) for word in words]
    assert per_letter == pytest.approx([per_letter[0]] * len(words), abs=1e-9)
