"""Planted versus found: tables made from the truth pass, tables that differ do not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipeline.made.planted import compare

SAID = ["So", "what", "happened", "next", "after", "that", "day", "at", "the", "old", "river"]
TRUTH = {
    "utterances": [
        {
            "role": "therapist",
            "start_s": 100.0 * i,
            "end_s": 100.0 * i + 0.5 * len(SAID),
            "question": "open",
            "words": [
                {"text": text, "start_s": 100.0 * i + 0.5 * k, "end_s": 100.0 * i + 0.5 * k + 0.5}
                for k, text in enumerate(SAID)
            ],
        }
        for i in range(20)
    ],
    "replies": [{"start_s": 130.0 + 20 * i, "latency_s": 0.8} for i in range(30)],
    "blinks": [{"start_s": 3.0 * i, "end_s": 3.0 * i + 0.3} for i in range(40)],
    "pauses": [{"role": "client", "start_s": 50.0 * i, "end_s": 50.0 * i + 0.9} for i in (1, 2, 3)],
    "fixed_gaze": [{"start_s": 200.0, "end_s": 245.0}],
    "dial_lag_s": 4,
    "dial_lows": [{"start_s": 300.0, "end_s": 340.0}, {"start_s": 500.0, "end_s": 540.0}],
    "guesses": {"planted": 6, "right": 5},
    "stretches": [
        {"rule": "R4", "start_s": 360.0, "end_s": 430.0},
        {"rule": "R6", "start_s": 800.0, "end_s": 880.0},
    ],
}


def tables(
    late_s=0.05, blinks=41, gaze_at_s=205.0, lag_s=4, low_at_s=510.0, stray=2, pause_s=0.88,
    right=5, source="recognised", left_out=1, unasked=1, words_late_s=0.05, first_late_s=0.0,
):  # fmt: skip
    dial = 50 + 20 * np.sin(np.arange(900) / 37) + 5 * np.sin(np.arange(900) / 5.3)
    rated = {"client": dial, "therapist": np.roll(dial, lag_s)}
    found = [("R4", 362.0), ("R6", 805.0), *[("R6", 10.0)] * stray]
    return {
        "turns": table(
            [
                {"role": "client", "start_s": r["start_s"] + late_s,
                 "response_latency_s": 0.8 + late_s, "is_question": False, "question_end_s": None}
                for r in TRUTH["replies"]
            ]
            + [
                {"role": "therapist", "start_s": u["start_s"], "response_latency_s": None,
                 "is_question": i >= unasked, "question_end_s": u["end_s"] + 0.3}
                for i, u in enumerate(TRUTH["utterances"])
            ]
        ),
        "transcription": table([{"source": source}]),
        "words": table(heard(left_out, words_late_s, first_late_s)),
        "congruence": table([{"guess_count": 6, "guess_correct": right}]),
        "roles": table([{"speaker": 1, "role": "client"}]),
        "diarization": table(
            {"speaker": 1, "exclusive": False, "start_s": a, "end_s": b}
            for a, b in stretches_with(pause_s)
        ),
        "events": table({"kind": "blink", "start_s": float(i)} for i in range(blinks)),
        "windows": table([
            {"start_s": gaze_at_s, "end_s": gaze_at_s + 30, "client_gaze_path_rate_dps_z": -2.0}
        ]),
        "ratings": table(
            {"rater": rater, "t_s": float(second), "value": value}
            for rater, course in rated.items()
            for second, value in enumerate(course.tolist())
        ),
        "rating_segments": table(
            {"rater": "client", "kind": "low", "rank": i + 1, "start_s": at, "end_s": at + 30}
            for i, at in enumerate((310.0, low_at_s))
        ),
        "candidates": table(
            {"rule": rule, "start_s": at, "end_s": at + 40} for rule, at in found
        ),
    }  # fmt: skip


def heard(left_out, late_s, first_late_s):
    """The planted words as a recogniser might write them: some left out of each turn, all late."""
    return [
        {"text": w["text"].lower(), "start_s": w["start_s"] + late_s + (k == 0) * first_late_s}
        for u in TRUTH["utterances"]
        for k, w in enumerate(u["words"][: len(SAID) - left_out])
    ]


def stretches_with(pause_s):
    """A voice from 40 to 160 s, silent for so long from 50, 100 and 150 s on."""
    starts = [40.0, *(50.0 * i + pause_s for i in (1, 2, 3))]
    return zip(starts, [50.0, 100.0, 150.0, 160.0], strict=True)


def table(rows):
    return pa.Table.from_pylist(list(rows))


def test_tables_that_match_the_truth_pass():
    findings = compare(TRUTH, tables())
    assert len(findings) == 14
    assert [f.name for f in findings if not f.ok] == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("reply latency", {"late_s": 0.2}),
        ("blinks", {"blinks": 45}),
        ("stretches of fixed gaze", {"gaze_at_s": 250.0}),
        ("lag of the therapist's dial", {"lag_s": 6}),
        ("dial lows", {"low_at_s": 600.0}),
        ("other R4 and R6 candidates", {"stray": 3}),
        ("pauses inside turns", {"pause_s": 0.8}),
        ("therapist's guesses", {"right": 4}),
        ("words", {"left_out": 2}),
        ("questions", {"unasked": 2}),
        ("start of a word", {"words_late_s": 0.12}),
        ("start of a word after a pause", {"first_late_s": 0.11}),
    ],
)
def test_a_difference_is_named(name, change):
    findings = compare(TRUTH, tables(**change))
    assert [f.name for f in findings if not f.ok] == [name]


def test_words_that_were_handed_in_are_not_judged():
    findings = compare(TRUTH, tables(source="import", left_out=5, unasked=9))
    assert len(findings) == 10
    assert [f.name for f in findings if not f.ok] == []


def test_a_missing_run_is_named():
    only_r4 = {**tables(), "candidates": table([{"rule": "R4", "start_s": 362.0, "end_s": 400.0}])}
    assert [f.name for f in compare(TRUTH, only_r4) if not f.ok] == ["R6 stretch"]


def test_absent_tables_are_not_judged():
    assert {f.ok for f in compare(TRUTH, {})} == {None}
