"""Which spellings are one id, which only look like it, and which are another's."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.made.spellings import respelt
from pipeline.paperwork.ids import Likeness, as_seen, likeness, nearest, normal

IDS = ("C07", "W04", "D07-05", "Müller-3", "T02", "Åsa12", "C10")
TEXT = st.text(max_size=12)


@given(st.randoms(use_true_random=False), st.sampled_from(IDS))
@settings(deadline=None)
def test_any_spelling_a_person_would_take_for_the_same_id_is_the_same_id(chance, written):
    other = respelt(chance, written)
    assert likeness(other, written) is Likeness.SAME, ascii(other)


@given(TEXT)
@settings(deadline=None)
def test_the_normal_form_of_a_normal_form_is_itself(text):
    assert normal(normal(text)) == normal(text)
    assert as_seen(as_seen(text)) == as_seen(text)
    assert normal(as_seen(text)) == normal(text)


def test_no_character_has_two_normal_forms():
    every = (chr(i) for i in range(0x110000) if unicodedata.category(chr(i)) != "Cs")
    assert not [hex(ord(c)) for c in every if normal(normal(c)) != normal(c)]


@given(TEXT, TEXT)
@settings(deadline=None)
def test_likeness_is_the_same_both_ways(one, other):
    assert likeness(one, other) is likeness(other, one)


@pytest.mark.parametrize(
    ("written", "meant", "how"),
    [
        ("C7", "C07", "LOOKS"),
        ("W4", "W04", "LOOKS"),
        ("CO7", "C07", "LOOKS"),
        ("C-07", "C07", "LOOKS"),
        ("C_07", "C07", "LOOKS"),
        ("C 07", "C07", "LOOKS"),
        ("\u042107", "C07", "LOOKS"),  # Cyrillic
        ("\u03a402", "T02", "LOOKS"),  # Greek
        ("D7-5", "D07-05", "LOOKS"),
        ("D0705", "D07-05", "LOOKS"),
        ("C\u0660\u0667", "C07", "LOOKS"),  # Arabic-Indic digits
        ("C1l", "C11", "LOOKS"),
        ("Muller-3", "Müller-3", "LOOKS"),
        ("CC07", "C07", "ONE_KEY"),
        ("Müler-3", "Müller-3", "ONE_KEY"),
        ("C08", "C07", "NEIGHBOUR"),
        ("C70", "C07", "NEIGHBOUR"),
        ("KN", "KM", "NEIGHBOUR"),
        ("C29", "C07", "OTHER"),
        ("", "C07", "OTHER"),
    ],
)
def test_what_only_looks_like_an_id(written, meant, how):
    assert likeness(written, meant).name == how


def test_only_the_nearest_are_meant():
    assert nearest("C7", ["C07", "C17", "C27"]) == ["C07"]
    assert nearest("C37", ["C07", "C17", "D99"]) == ["C07", "C17"]
    assert nearest("C37", ["C07"], within=Likeness.LOOKS) == []
