"""Packs of speech: nothing lost, nothing twice, cut at the pauses a person would choose."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import SAMPLE_RATE_HZ, Interval
from models.speech.packs import SHORTEST_S, SILENCE_S, halves, pack, quietest_moment

EPS = 1e-6


def middle(earliest_s, latest_s):
    return (earliest_s + latest_s) / 2


def packed(*spans, **options):
    found = pack([Interval(*span) for span in spans], quietest=middle, **options)
    return [(one.start_s, one.end_s) for one in found]


@st.composite
def speech(draw):
    at, spans = 0.0, []
    for gap, length in draw(
        st.lists(st.tuples(st.floats(0.01, 8), st.floats(0.05, 70)), max_size=40)
    ):
        spans.append(Interval(at + gap, at + gap + length))
        at = spans[-1].end_s
    return spans


@given(speech())
def test_all_speech_is_in_packs_that_fit_and_do_not_overlap(spans):
    packs = pack(spans, quietest=middle)
    assert all(0 < one.end_s - one.start_s <= 30 + EPS for one in packs)
    assert all(a.end_s <= b.start_s + EPS for a, b in pairwise(packs))
    for span in spans:
        inside = sum(
            max(0.0, min(one.end_s, span.end_s) - max(one.start_s, span.start_s)) for one in packs
        )
        assert inside == pytest.approx(span.end_s - span.start_s, abs=EPS)


@given(speech())
def test_speech_that_fits_is_never_cut_and_silence_never_decoded(spans):
    packs = pack(spans, quietest=middle)
    edges = [edge for one in packs for edge in (one.start_s, one.end_s)]
    for span in spans:
        if span.end_s - span.start_s <= 30:
            assert not any(span.start_s + EPS < edge < span.end_s - EPS for edge in edges)
    for before, after in pairwise(spans):
        if after.start_s - before.end_s >= SILENCE_S:
            middle_s = middle(before.end_s, after.start_s)
            assert not any(one.start_s <= middle_s < one.end_s for one in packs)


@given(speech())
def test_packs_are_not_scattered(spans):
    """Two neighbours without silence between them do not both fit into half a pack."""
    packs = pack(spans, quietest=middle, margin_s=0.0)
    for a, b in pairwise(packs):
        if b.start_s - a.end_s < SILENCE_S:
            assert b.end_s - a.start_s > 30 * 2 / 3 - EPS


def test_the_longest_pause_near_the_end_of_what_fits_is_cut():
    spans = [(0, 5), (6.9, 21), (21.4, 25), (25.9, 29), (29.2, 31)]
    assert packed(*spans, margin_s=0.0) == [(0, 25), (25.9, 31)]


def test_what_fits_whole_stays_whole():
    assert packed((1, 5), (6.9, 21), (21.4, 30.9), margin_s=0.0) == [(1, 30.9)]


def test_a_silence_ends_a_pack_and_margins_stay_out_of_the_neighbour():
    assert packed((0.1, 2), (5, 6)) == [(0.0, 2.4), (4.6, 6.4)]
    first, second = packed((0.5, 29.5), (29.6, 40))
    assert first == pytest.approx((0.1, 29.55))
    assert second == pytest.approx((29.55, 40.4))


def test_speech_without_pause_is_cut_where_it_is_quiet():
    audio = np.random.default_rng(0).standard_normal(50 * SAMPLE_RATE_HZ).astype(np.float32)
    quiet_s = 24.3
    audio[int((quiet_s - 0.03) * SAMPLE_RATE_HZ) : int((quiet_s + 0.03) * SAMPLE_RATE_HZ)] *= 0.01
    packs = pack([Interval(0.0, 50.0)], quietest=quietest_moment(audio), margin_s=0.0)
    assert [one.end_s for one in packs] == pytest.approx([quiet_s, 50.0], abs=0.03)


@given(speech())
def test_halves_hold_the_speech_of_their_pack_and_do_not_leave_it(spans):
    for one in pack(spans, quietest=middle):
        parts = halves(one, spans, quietest=middle)
        assert all(one.start_s <= part.start_s < part.end_s <= one.end_s for part in parts)
        if one.end_s - one.start_s < SHORTEST_S:
            assert not parts
            continue
        longest_s = (one.end_s - one.start_s) / 2
        assert all(part.end_s - part.start_s <= longest_s + EPS for part in parts)
        for span in spans:
            spoken_s, kept_s = (
                sum(
                    max(0.0, min(some.end_s, span.end_s) - max(some.start_s, span.start_s))
                    for some in within
                )
                for within in ([one], parts)
            )
            assert kept_s == pytest.approx(spoken_s, abs=EPS)


def test_no_speech_no_packs():
    assert packed() == []
