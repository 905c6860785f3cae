"""Laws that turn-taking obeys whatever the intervals are, and the scripted oracles."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_stages_turns import SETTINGS, dialogues, run, ticks, turns_of

GAPS = st.integers(-40, 500).map(lambda n: n / 100)
LENGTHS = st.integers(200, 900).map(lambda n: n / 100)


def offsets(intervals):
    """(speaker, floor transfer offset) of every turn that takes the floor from another."""
    floor = [turn for turn in turns_of(intervals) if turn.takes_floor]
    return [(b.speaker, b.start_s - a.end_s) for a, b in pairwise(floor)]


@settings(deadline=None)
@given(st.lists(st.tuples(GAPS, LENGTHS), min_size=1, max_size=12))
def test_any_scripted_gaps_come_back_within_ten_milliseconds(script):
    intervals, at = [(0.0, 4.0, 0)], 4.0
    for place, (gap, length) in enumerate(script):
        intervals.append((at + gap, at + gap + length, (place + 1) % 2))
        at += gap + length
    found = run(intervals)["speaker_turns"].column("fto_s").to_pylist()
    assert found[0] is None
    assert found[1:] == pytest.approx([gap for gap, _ in script], abs=0.010)


@settings(deadline=None)
@given(st.floats(0.3, 5.0), st.floats(0.1, 1.0))
def test_a_backchannel_anywhere_inside_a_turn_leaves_the_floor(at, length):
    intervals = [(0.0, 7.0, 0), (at, at + length, 1), (8.0, 12.0, 1)]
    rows = run(intervals)["speaker_turns"].to_pylist()
    assert [(r["speaker"], r["takes_floor"]) for r in rows] == [(0, True), (1, False), (1, True)]
    assert (rows[0]["start_s"], rows[0]["end_s"]) == (0.0, 7.0)
    assert rows[2]["fto_s"] == pytest.approx(1.0)
    assert rows[0]["overlap_within_s"] == pytest.approx(length)


@settings(deadline=None)
@given(dialogues())
def test_swapping_the_people_swaps_their_latencies(intervals):
    starts = [start for start, _, _ in intervals]
    assume(len(set(starts)) == len(starts))  # of two who begin together one comes first
    swapped = offsets([(a, b, 1 - speaker) for a, b, speaker in intervals])
    assert [(1 - speaker, offset) for speaker, offset in swapped] == offsets(intervals)


@settings(deadline=None)
@given(dialogues(), st.integers(1, 12).map(lambda n: n / 64))
def test_holes_shorter_than_a_pause_change_nothing(intervals, hole):
    holed = []
    for start, end, speaker in intervals:
        middle = (start + end) / 2
        if end - start > 4 * hole:
            holed += [(start, middle, speaker), (middle + hole, end, speaker)]
        else:
            holed.append((start, end, speaker))
    assert turns_of(holed) == turns_of(intervals)


@settings(deadline=None)
@given(dialogues())
def test_order_and_repetition_of_intervals_do_not_matter(intervals):
    assert turns_of([*reversed(intervals), *intervals]) == turns_of(intervals)


@settings(deadline=None)
@given(dialogues(), ticks)
def test_a_silent_stretch_before_the_talk_only_shifts_it(intervals, wait):
    moved = offsets([(a + wait, b + wait, speaker) for a, b, speaker in intervals])
    assert moved == offsets(intervals)


@settings(deadline=None)
@given(dialogues())
def test_time_between_first_and_last_speech_is_talk_and_silence(intervals):
    """Speech of either voice and the gaps in which nobody speaks fill the session, once each."""
    rows = run(intervals)
    turns = rows["speaker_turns"].to_pylist()
    assume(turns)
    marks = sorted({m for a, b, _ in intervals for m in (a, b)})
    busy = sum(
        high - low
        for low, high in pairwise(marks)
        if any(a <= low and high <= b for a, b, _ in intervals)
    )
    first, last = min(t["start_s"] for t in turns), max(t["end_s"] for t in turns)
    assert busy + sum(silence_lengths(intervals)) == pytest.approx(last - first)
    listed = [row["end_s"] - row["start_s"] for row in rows["silences"].to_pylist()]
    assert listed == [
        pytest.approx(s) for s in silence_lengths(intervals) if s >= SETTINGS.silence_min_s
    ]


def silence_lengths(intervals):
    """Gaps between the merged intervals of both voices, in time order."""
    gaps, until = [], None
    for start, end, _ in sorted(intervals):
        if until is not None and start > until:
            gaps.append(start - until)
        until = end if until is None else max(until, end)
    return gaps
