"""Features on seconds, against tracks worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import ConfigError
from pipeline.settings import StudySettings
from pipeline.study.features import (
    FEATURES,
    check_features,
    columns_read,
    label_and_unit,
    tracks,
)

NAN = np.nan


def table(name, rows):
    columns = columns_read([name])[FEATURES[name].table]
    return pa.Table.from_pylist([{c: row.get(c) for c in columns} for row in rows] or [])


def track(name, rows, n_seconds):
    return tracks([name], {FEATURES[name].table: table(name, rows)}, n_seconds)[0]


def turn(start_s, end_s, role, **more):
    return {"start_s": start_s, "end_s": end_s, "role": role, "takes_floor": True,
            "is_question": False} | more  # fmt: skip


def test_the_floor_passes_from_one_to_the_other():
    rows = [turn(0, 2, "client"), turn(2, 4, "therapist"), turn(3, 5, "client")]
    np.testing.assert_array_equal(track("therapist_talk_prop", rows, 6), [0, 0, 1, 0.5, 0, NAN])


def test_a_mean_over_seconds_of_a_rate_is_the_rate():
    rows = [turn(10 * i, 10 * i + 5, "therapist", reflection=i % 2 == 0) for i in range(12)]
    found = track("therapist_reflections_per_min", rows, 120)
    assert found.mean() == pytest.approx(3.0)
    assert found[20] == 60
    assert found[21] == found[10] == 0


def test_two_turns_of_a_kind_in_one_second_both_count():
    rows = [turn(1.0, 1.4, "client", client_demur=True), turn(1.4, 3, "client", client_demur=True)]
    assert track("client_demurs_per_min", rows, 4)[1] == 120


def test_turns_without_known_words_are_missing_not_zero():
    rows = [turn(0, 2, "therapist", reflection=True),
            turn(3, 5, "therapist", is_question=None)]  # fmt: skip
    found = track("therapist_reflections_per_min", rows, 6)
    np.testing.assert_array_equal(found, [60, 0, 0, NAN, NAN, 0])
    assert np.isnan(track("therapist_reflections_per_min", rows[1:], 6)).all()
    assert track("therapist_turns_per_min", rows[1:], 6)[3] == 60


def test_open_questions_are_not_closed_ones():
    rows = [turn(0, 1, "therapist", is_question=True, question_type="open"),
            turn(2, 3, "therapist", is_question=True, question_type="closed")]  # fmt: skip
    assert track("therapist_open_questions_per_min", rows, 4).sum() == 60


def test_a_number_holds_through_its_turn():
    rows = [{"start_s": 1.0, "end_s": 3.0, "role": "client", "articulation_rate_sps": 4.5},
            {"start_s": 3.0, "end_s": 4.0, "role": "client", "articulation_rate_sps": None},
            {"start_s": 4.0, "end_s": 5.0, "role": "therapist", "articulation_rate_sps": 6.0},
    ]  # fmt: skip
    np.testing.assert_array_equal(
        track("client_articulation_rate_sps", rows, 5), [NAN, 4.5, 4.5, NAN, NAN]
    )


def test_a_window_holds_round_its_middle():
    rows = [{"start_s": float(s), "end_s": float(s + 30), "client_gaze_path_rate_dps": value}
            for s, value in ((0, 1.0), (5, 2.0), (10, None))]  # fmt: skip
    found = track("client_gaze_path_rate_dps", rows, 40)
    assert np.isnan(found[:12]).all()
    assert set(found[13:17]) == {1.0}
    assert set(found[18:22]) == {2.0}
    assert np.isnan(found[23:]).all()


def test_silences_are_ones():
    rows = [{"start_s": 2.0, "end_s": 5.2}]
    np.testing.assert_array_equal(track("silence_prop", rows, 7), [0, 0, 1, 1, 1, 0, 0])


def test_the_frozen_list_has_fifteen_known_features_with_words_and_units():
    names = StudySettings().features
    check_features(names)
    assert len(names) == 15
    assert all(all(label_and_unit(name)) for name in FEATURES)


def test_unknown_and_repeated_features_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'silence_prop'"):
        check_features(["silence_prob"])
    with pytest.raises(ConfigError, match="twice"):
        check_features(["silence_prop", "silence_prop"])
