"""Turn-taking from scripted intervals."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.config import load_profile
from pipeline.stage import Inputs
from pipeline.stages import turns

SETTINGS = load_profile().turns


def turns_of(intervals):
    return turns.floor_turns(turns.ipus(intervals, gap_s=SETTINGS.ipu_gap_s), SETTINGS)


def run(intervals, words=()):
    """The stage on intervals (start, end, speaker) and words (start, end, text, speaker)."""
    diarization = [
        dict.fromkeys(tables.DIARIZATION.by_name)
        | {"session_id": "s01", "start_s": a, "end_s": b, "speaker": s, "exclusive": False}
        for a, b, s in intervals
    ]
    spoken = [
        {"session_id": "s01", "word_index": i, "start_s": a, "end_s": b, "text": text,
         "probability": None, "timing": "measured", "speaker": s, "is_overlap": False,
         "stated_role": None, "stated_voice": None, "low_confidence": None}
        for i, (a, b, text, s) in enumerate(words)
    ]  # fmt: skip
    upstream = {
        "diarization": tables.DIARIZATION.build_rows(diarization),
        "words": tables.WORDS.build_rows(spoken),
    }
    return turns.run(Inputs(SimpleNamespace(id="s01"), None, upstream), None, SETTINGS).tables


@pytest.mark.parametrize("gap_s", [-0.4, -0.1, 0.0, 0.05, 0.2, 0.7, 1.5, 5.0])
def test_scripted_gaps_are_floor_transfer_offsets(gap_s):
    second, third = 4.0 + gap_s, 9.0 + 2 * gap_s
    intervals = [(0.0, 4.0, 0), (second, second + 5.0, 1), (third, third + 5.0, 0)]
    rows = run(intervals)["speaker_turns"]
    offsets = rows.column("fto_s").to_pylist()
    assert offsets[0] is None
    assert offsets[1:] == pytest.approx([gap_s, gap_s], abs=0.01)
    overlaps = rows.column("overlap_between_s").to_pylist()
    assert overlaps[1:] == pytest.approx([max(0.0, -gap_s)] * 2, abs=0.01)


def test_silence_under_the_limit_stays_inside_an_ipu():
    units = turns.ipus([(0.0, 1.0, 0), (1.19, 2.0, 0), (2.2, 3.0, 0)], gap_s=0.2)
    assert [(unit.start_s, unit.end_s) for unit in units] == [(0.0, 2.0), (2.2, 3.0)]


def test_a_backchannel_does_not_take_the_floor():
    found = turns_of([(0.0, 5.0, 0), (5.2, 5.6, 1), (5.9, 9.0, 0), (9.5, 12.0, 1)])
    assert [(t.speaker, t.takes_floor, t.is_backchannel) for t in found] == [
        (0, True, False), (1, False, True), (1, True, False),
    ]  # fmt: skip
    assert (found[0].start_s, found[0].end_s) == (0.0, 9.0)


def test_a_late_resumption_makes_it_a_turn():
    found = turns_of([(0.0, 5.0, 0), (5.2, 5.6, 1), (6.7, 9.0, 0)])
    assert [turn.takes_floor for turn in found] == [True, True, True]


def test_an_acknowledgement_before_ones_own_turn_is_part_of_it():
    found = turns_of([(0.0, 5.0, 0), (5.2, 5.6, 1), (5.9, 9.0, 1), (9.2, 12.0, 0)])
    assert [(t.speaker, len(t.ipus)) for t in found] == [(0, 1), (1, 2), (0, 1)]


def test_acknowledgements_in_a_row_are_all_backchannels():
    found = turns_of([(0.0, 5.0, 0), (5.2, 5.6, 1), (5.8, 6.1, 1), (6.5, 9.0, 0)])
    assert [turn.is_backchannel for turn in found] == [False, True, True]


def test_two_pieces_of_a_sentence_are_no_backchannels():
    found = turns_of([(0.0, 5.0, 0), (5.2, 5.7, 1), (6.0, 6.9, 1), (7.2, 9.0, 0)])
    assert [turn.takes_floor for turn in found] == [True, True, True]
    assert len(found[1].ipus) == 2


@pytest.mark.parametrize(
    ("said", "expected"), [("Mm-hmm.", True), ("Oh, I see.", True), ("Stop.", False)]
)
def test_words_decide_where_there_are_any(said, expected):
    words = [(5.2 + 0.1 * i, 5.3 + 0.1 * i, text, 1) for i, text in enumerate(said.split())]
    tables_ = run([(0.0, 5.0, 0), (5.2, 5.6, 1), (5.9, 9.0, 0)], words)
    row = tables_["speaker_turns"].to_pylist()[1]
    assert (row["is_backchannel"], row["takes_floor"]) == (expected, not expected)
    assert row["word_count"] == len(said.split())


def test_words_just_outside_a_turn_still_belong_to_it():
    words = [(4.95, 5.15, "so", 1), (9.0, 9.4, "done", 0), (30.0, 30.2, "lost", 1)]
    rows = run([(0.0, 5.0, 0), (5.2, 8.0, 1), (8.5, 8.9, 0)], words)["speaker_turns"]
    assert rows.column("word_count").to_pylist() == [0, 1, 1]


def test_speech_inside_an_ipu_is_overlap_within():
    rows = run([(0.0, 9.0, 0), (3.0, 5.5, 1), (10.0, 12.0, 1)])["speaker_turns"].to_pylist()
    assert [row["takes_floor"] for row in rows] == [True, False, True]
    assert rows[0]["overlap_within_s"] == pytest.approx(2.5)
    assert (rows[1]["fto_s"], rows[2]["fto_s"]) == (None, pytest.approx(1.0))


def test_only_long_silences_between_speech_are_events():
    rows = run([(5.0, 6.0, 0), (8.9, 9.5, 1), (12.5, 14.0, 1)])["silences"].to_pylist()
    kept = [(r["start_s"], r["end_s"], r["after_speaker"], r["before_speaker"]) for r in rows]
    assert kept == [(9.5, 12.5, 1, 1)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Where would you start?", False),
        ("That was hard.", False),
        ("That was hard", True),
        ("I went there and...", True),
        ("It was, um.", True),
        ("We could stop because.", True),
        ("What is it you mean, um?", False),
        ("", None),
    ],
)
def test_what_was_said_before_a_silence_may_have_stopped_short(said, expected):
    words = [(1.0 + 0.3 * i, 1.2 + 0.3 * i, text, 0) for i, text in enumerate(said.split())]
    words += [(13.0, 13.5, "Good.", 1)]
    rows = run([(1.0, 4.0, 0), (9.0, 14.0, 1)], words)["silences"].to_pylist()
    assert [row["after_incomplete"] for row in rows] == [expected]


@pytest.mark.parametrize(("said", "expected"), [("that was hard", False), ("so i went and", True)])
def test_without_punctuation_only_the_last_words_tell(said, expected):
    words = [(1.0 + 0.3 * i, 1.2 + 0.3 * i, text, 0) for i, text in enumerate(said.split())]
    (row,) = run([(1.0, 4.0, 0), (9.0, 14.0, 1)], words)["silences"].to_pylist()
    assert row["after_incomplete"] is expected
    (row,) = run([(1.0, 4.0, 0), (9.0, 14.0, 1)])["silences"].to_pylist()
    assert row["after_incomplete"] is None


def test_nothing_and_one_voice():
    empty = run([])
    assert empty["speaker_turns"].num_rows == empty["silences"].num_rows == 0
    alone = run([(1.0, 2.0, 0), (3.0, 3.4, 0)])["speaker_turns"].to_pylist()
    assert [(row["ipu_count"], row["fto_s"], row["word_count"]) for row in alone] == [
        (2, None, None)
    ]


# whole 64ths of a second: sums and shifts are then exact
ticks = st.integers(1, 300).map(lambda n: n / 64)


@st.composite
def dialogues(draw):
    intervals = []
    for speaker in (0, 1):
        at = draw(ticks)
        for gap, length in draw(st.lists(st.tuples(ticks, ticks), max_size=8)):
            intervals.append((at + gap, at + gap + length, speaker))
            at += gap + length
    return intervals


@settings(deadline=None)
@given(dialogues())
def test_talk_time_is_conserved_and_the_floor_alternates(intervals):
    units = turns.ipus(intervals, gap_s=SETTINGS.ipu_gap_s)
    found = turns.floor_turns(units, SETTINGS)
    assert sum(turn.phonation_s for turn in found) == sum(unit.duration_s for unit in units)
    assert sorted(id(u) for turn in found for u in turn.ipus) == sorted(id(u) for u in units)
    holders = [turn.speaker for turn in found if turn.takes_floor]
    assert all(a != b for a, b in pairwise(holders))
    assert not any(turn.is_backchannel and turn.takes_floor for turn in found)


@settings(deadline=None)
@given(dialogues(), st.integers(0, 4096).map(lambda n: n / 64))
def test_shifting_time_shifts_turns(intervals, shift):
    moved = turns_of([(a + shift, b + shift, s) for a, b, s in intervals])
    assert [(t.start_s - shift, t.end_s - shift, t.speaker, t.takes_floor) for t in moved] == [
        (t.start_s, t.end_s, t.speaker, t.takes_floor) for t in turns_of(intervals)
    ]


@settings(deadline=None)
@given(dialogues(), st.floats(0.05, 0.95))
def test_cutting_an_interval_in_two_changes_nothing(intervals, share):
    halves = []
    for start, end, speaker in intervals:
        cut = start + share * (end - start)
        halves += [(start, cut, speaker), (cut, end, speaker)]
    assert turns_of(halves) == turns_of(intervals)
