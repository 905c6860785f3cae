"""The ratings stage: seconds, lag, quality gates, segments, and one broken file of two."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_faces import SPEC, inputs

from pipeline import tables
from pipeline.dial_files import DialCourse
from pipeline.rating_segments import pick_segments
from pipeline.ratings import STAGE, count_moves, longest_hold_s, on_seconds, run
from pipeline.settings import RatingsSettings

SETTINGS = RatingsSettings()


class Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, file: str) -> Path:
        return self.folder / file


def session(folder: Path, duration_s: float, *, media=None, **dials):
    """Outputs for a session whose raters' files hold the given courses or texts."""
    row = dict.fromkeys(tables.SESSIONS.by_name)
    row |= {"session_id": SPEC["id"], "dyad_id": "D1", "client_id": "C1", "therapist_id": "T1"}
    sessions = tables.SESSIONS.build_rows([row | {"duration_s": duration_s}])
    named = []
    for rater, course in dials.items():
        text = course
        if not isinstance(course, str):
            text = "time,rating\n" + "".join(f"{i},{v}\n" for i, v in enumerate(course))
        (folder / f"{rater}.csv").write_text(text)
        named.append({"file": f"{rater}.csv", "rater": rater})
    given = {"sessions": sessions, "media": tables.MEDIA.empty() if media is None else media}
    outputs = run(inputs(given, Folder(folder), SPEC | {"ratings": named}), None, SETTINGS)
    for name, table in outputs.tables.items():
        tables.TABLES[name].check(table)
    return outputs


def rows(outputs, name: str, rater: str) -> list[dict]:
    return [row for row in outputs.tables[name].to_pylist() if row["rater"] == rater]


def wandering(mean: float, seed: int, n: int = 3000) -> np.ndarray:
    """A dial in steps of 0.01 points whose mean is exact to 0.005."""
    rng = np.random.default_rng(seed)
    knots = np.arange(0, n + 60, 60)
    slow = np.interp(np.arange(n), knots, rng.normal(0, 12, len(knots)))
    course = np.round(np.clip(mean + slow - slow.mean(), 0, 100), 2)
    return np.round(course + (mean - course.mean()), 2)


def test_published_means_come_out_again(tmp_path: Path) -> None:
    """Client 52.20 and therapist 53.07 over a 50-minute session."""
    both = session(tmp_path, 3000.0, client=wandering(52.20, 1), therapist=wandering(53.07, 2))
    for rater, mean in (("client", 52.20), ("therapist", 53.07)):
        (quality,) = rows(both, "rating_quality", rater)
        assert quality["dial_mean"] == pytest.approx(mean, abs=0.01)
        assert quality["quality"] == "ok"
        assert quality["sentence"] == ""
        segments = sorted(rows(both, "rating_segments", rater), key=lambda s: s["start_s"])
        assert [s["kind"] for s in segments].count("high") == 3
        assert [s["kind"] for s in segments].count("low") == 3
        gaps = [b["start_s"] - a["end_s"] for a, b in pairwise(segments)]
        assert min(gaps) >= SETTINGS.segment_gap_s
        assert not any(s["low_confidence"] for s in segments)


def test_a_dial_is_timed_by_a_player_that_starts_before_the_sound(tmp_path: Path) -> None:
    """The picture begins 5 s before the first sound: the step at player second 300 is t = 295."""
    row = dict.fromkeys(tables.MEDIA.by_name)
    row |= {"session_id": SPEC["id"], "media": 0, "sha256": "-", "offset_s": 0.0}
    row |= {"audio_start_s": 5.0, "video_start_s": 0.0, "clock_start_s": 5.0}
    course = np.where(np.arange(600) < 300, 40.0, 60.0)
    outputs = session(tmp_path, 590.0, media=tables.MEDIA.build_rows([row]), client=course)
    raw = {row["t_s"]: row["value_raw"] for row in rows(outputs, "ratings", "client")}
    assert (raw[294.0], raw[295.0]) == (40.0, 60.0)


def test_the_lag_is_taken_off_and_the_start_dropped(tmp_path: Path) -> None:
    course = np.full(600, 50.0)
    course[300:] = 80.0
    found = rows(session(tmp_path, 600.0, client=course), "ratings", "client")
    assert [r["t_s"] for r in found] == list(range(600))
    assert [r["value_raw"] for r in found] == course.tolist()
    value = [r["value"] for r in found]
    assert value[:10] == [None] * 10
    assert value[10:298] == [50.0] * 288
    assert value[298:598] == [80.0] * 300
    assert value[598:] == [None, None]


def test_fast_samples_become_one_second_means_and_steps_are_held() -> None:
    thirty_hz = np.arange(0, 10, 1 / 30)
    course = DialCourse(thirty_hz, thirty_hz + 1 / 30, thirty_hz * 10)
    seconds = on_seconds(course, 10.0)
    assert seconds == pytest.approx(np.arange(10) * 10 + 29 / 6, abs=1e-6)
    steps = DialCourse(np.array([0, 2.25]), np.array([2.25, 5.0]), np.array([20.0, 60.0]))
    assert on_seconds(steps, 6.0)[:5] == pytest.approx([20, 20, 50, 60, 60])
    assert np.isnan(on_seconds(steps, 6.0)[5])


def test_one_broken_file_costs_one_dial(tmp_path: Path) -> None:
    both = session(tmp_path, 600.0, client="time,rating\n0,abc\n", therapist=wandering(50, 3, 600))
    (absence,) = both.absences
    assert (absence.modality, absence.reason) == ("dial_client", "unreadable_media")
    assert "client.csv, line 2" in absence.sentence
    assert rows(both, "rating_quality", "client")[0]["quality"] == "absent"
    assert not rows(both, "ratings", "client")
    assert len(rows(both, "ratings", "therapist")) == 600


def test_no_dials_and_dials_of_another_time(tmp_path: Path) -> None:
    none = session(tmp_path, 600.0)
    assert [(a.modality, a.reason) for a in none.absences] == [
        ("dial_client", "no_dial"), ("dial_therapist", "no_dial"),
    ]  # fmt: skip
    late = session(tmp_path, 600.0, client="time,rating\n36000,50\n36001,50\n")
    assert late.absences[0].reason == "unreadable_media"
    assert "offset_s" in late.absences[0].sentence


def test_without_consent_it_is_both_dials_that_are_absent() -> None:
    assert (STAGE.scope, STAGE.modality) == ("dial", "dials")


@pytest.mark.parametrize(
    ("course", "words"),
    [
        (wandering(50, 4, 900)[:700], "covers 78% of the session"),
        (np.full(900, 50.0), "moved 0 times"),
        (50 + (np.arange(900) % 20 > 9) * 2.0, "varied by 1.0 points"),
        (np.concatenate([wandering(50, 5, 280), np.full(620, 50.0)]), "left alone for 62"),
    ],
)
def test_a_dial_that_cannot_be_trusted_says_why(tmp_path: Path, course, words: str) -> None:
    outputs = session(tmp_path, 900.0, client=course)
    (quality,) = rows(outputs, "rating_quality", "client")
    assert quality["quality"] == "degraded"
    assert words in quality["sentence"]
    assert all(s["low_confidence"] for s in rows(outputs, "rating_segments", "client"))


def test_segments_grow_within_five_points_and_stop_at_two_minutes() -> None:
    course = np.full(900, 50.0)
    course[200:250] = 80.0
    course[500:700] = 20.0
    high, low = pick_segments(course, RatingsSettings(segments_per_kind=1))
    assert (high.first, high.stop, high.mean, high.label) == (200, 250, 80.0, "helpful")
    assert (low.first, low.stop, low.mean, low.label) == (500, 620, 20.0, "hindering")


def test_labels_keep_to_the_middle_where_ratings_do() -> None:
    rng = np.random.default_rng(6)
    course = 50 + rng.normal(0, 1, 900)
    course[100:160], course[400:460] = 53.0, 47.0
    labels = {s.label for s in pick_segments(course, SETTINGS)}
    assert labels == {"most helpful", "least helpful"}


def test_a_flat_dial_has_no_low_and_ties_go_to_the_earliest() -> None:
    segments = pick_segments(np.full(600, 50.0), SETTINGS)
    assert {s.kind for s in segments} == {"high"}
    assert segments[0].first == 0


@given(st.lists(st.integers(0, 100), min_size=2, max_size=40), st.integers(0, 99))
def test_segments_never_overlap_and_are_the_same_each_time(levels, missing) -> None:
    course = np.repeat(np.array(levels, np.float64), 25)
    course[len(course) * missing // 100 :][:30] = np.nan
    segments = pick_segments(course, SETTINGS)
    assert segments == pick_segments(course.copy(), SETTINGS)
    spans = sorted((s.first, s.stop) for s in segments)
    assert all(b[0] - a[1] >= 15 for a, b in pairwise(spans))
    assert all(30 <= stop - first <= 120 for first, stop in spans)


def test_moves_and_holds() -> None:
    ramp = np.arange(0, 20, 0.5)
    assert count_moves(ramp) == 9
    assert count_moves(np.array([50, 51.9, 50, 48.1])) == 0
    nan = np.nan
    assert longest_hold_s(np.array([1.0, 1, 1, 5, 5, nan, 5, 5, 5, 5.2])) == 4
