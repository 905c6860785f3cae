"""The picker: running mean, growth, gaps, ties and labels; and what it commutes with."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pipeline.dials.segments import MADN, pick_segments
from pipeline.settings import RatingsSettings
from tests.made.dials import rated

SETTINGS = RatingsSettings()
ONE = RatingsSettings(segments_per_kind=1)


def test_segments_grow_within_five_points_and_stop_at_two_minutes() -> None:
    course = np.full(900, 50.0)
    course[200:250] = 80.0
    course[500:700] = 20.0
    high, low = pick_segments(course, ONE)
    assert (high.first, high.stop, high.mean, high.label) == (200, 250, 80.0, "helpful")
    assert (low.first, low.stop, low.mean, low.label) == (500, 620, 20.0, "hindering")


def test_growth_takes_exactly_five_points_and_the_nearer_side_first() -> None:
    course = np.full(900, 50.0)
    course[300:330] = 90.0
    course[290:300], course[330:340] = 85.0, 84.9
    (high,) = [s for s in pick_segments(course, ONE) if s.kind == "high"]
    assert (high.first, high.stop) == (290, 330)


def test_a_low_must_lie_half_a_madn_under_the_median() -> None:
    course = np.tile([40.0, 50.0, 60.0], 300)
    course[600:632] = 50 + 0.5 * MADN * 10
    course[300:332] = 50 - 0.5 * MADN * 10
    assert {s.kind for s in pick_segments(course, ONE)} == {"high"}
    course[300:332] -= 0.01
    assert {s.kind for s in pick_segments(course, ONE)} == {"high", "low"}


@pytest.mark.parametrize(
    ("value", "label"),
    [(55.0, "most helpful"), (55.01, "helpful"), (45.0, "least helpful"), (44.99, "hindering")],
)
def test_labels_change_at_45_and_55(value: float, label: str) -> None:
    course = np.full(900, 50.0)
    course[300:360] = value
    assert label in {s.label for s in pick_segments(course, ONE)}


def test_ties_go_to_the_earliest_wherever_they_lie() -> None:
    """Equal means of unequal binary fractions: only exact sums find them equal."""
    rng = np.random.default_rng(8)
    stretch = np.round(70 + rng.normal(0, 1, 60), 1)
    course = np.concatenate(
        [np.round(50 + rng.normal(0, 0.4, 137), 1), *[stretch, np.full(97, 50.1)] * 3]
    )
    highs = [s for s in pick_segments(course, SETTINGS) if s.kind == "high"]
    assert [s.first - highs[0].first for s in highs] == [0, 157, 314]
    assert highs[0].first < 137 + 60


@pytest.mark.parametrize("level", [50.0, 13.3, float(np.float32(13.3)), 0.1, 34.9])
def test_a_flat_dial_has_no_low_and_its_highs_come_in_order(level) -> None:
    segments = pick_segments(np.full(600, level), SETTINGS)
    assert [(s.kind, s.first) for s in segments] == [("high", 0), ("high", 135), ("high", 270)]


@given(st.lists(st.integers(0, 100), min_size=2, max_size=40), st.integers(0, 99))
def test_segments_never_overlap_and_are_the_same_each_time(levels, missing) -> None:
    course = np.repeat(np.array(levels, np.float64), 25)
    course[len(course) * missing // 100 :][:30] = np.nan
    segments = pick_segments(course, SETTINGS)
    assert segments == pick_segments(course.copy(), SETTINGS)
    spans = sorted((s.first, s.stop) for s in segments)
    assert all(b[0] - a[1] >= 15 for a, b in pairwise(spans))
    assert all(30 <= stop - first <= 120 for first, stop in spans)
    assert all(np.isfinite(course[first:stop]).all() for first, stop in spans)


HEADERS = {
    "plain": "time,rating\n",
    "carma": "Multimedia File,a\nMinimum Value,0\nMaximum Value,100\nSecond,Rating\n%%%,%%%\n",
}
levels = st.lists(st.integers(0, 1000).map(lambda tenths: tenths / 10), min_size=3, max_size=12)
waits = st.lists(st.integers(1, 400).map(lambda tenths: tenths / 10), min_size=3, max_size=12)


def rows_of(layout: str, values: list[float], steps: list[float]) -> list[str]:
    """Rows of a file: bins of a second, or changes at irregular times."""
    if layout == "carma":
        seconds = np.repeat(values, 23)
        return [f"{i + 1},{value}\n" for i, value in enumerate(seconds)]
    times = np.cumsum(np.resize(steps, len(values) * 3)).round(1)
    return [f"{t},{v}\n" for t, v in zip(times, np.resize(values, len(times)), strict=True)]


def results(folder, parts, duration_s: float, lag_s: float, later_s: int = 0):
    """Ratings and segments as plain rows, moved back by `later_s`."""
    outputs = rated(folder, parts, duration_s, settings=RatingsSettings(lag_s=lag_s))
    ratings = outputs.tables["ratings"].to_pylist()[later_s:]
    segments = outputs.tables["rating_segments"].to_pylist()
    moved = [
        s | {"start_s": s["start_s"] - later_s, "end_s": s["end_s"] - later_s} for s in segments
    ]
    return [(r["value_raw"], r["value"]) for r in ratings], moved


@effort(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(HEADERS)),
    levels,
    waits,
    st.integers(0, 60).map(lambda x: x / 10),
    st.data(),
)
def test_a_rating_in_two_files_is_the_rating_in_one(
    tmp_path_factory, layout, values, steps, lag_s, data
) -> None:
    folder, rows = tmp_path_factory.mktemp("split"), rows_of(layout, values, steps)
    at = data.draw(st.integers(1, len(rows) - 1))
    for name, part in (("whole", rows), ("one", rows[:at]), ("two", rows[at:])):
        (folder / f"{name}.csv").write_text(HEADERS[layout] + "".join(part))
    keys = {"rater": "client", "scale": [0.0, 100.0]}
    whole = results(folder, [keys | {"file": "whole.csv"}], 600.0, lag_s)
    parts = [keys | {"file": "two.csv"}, keys | {"file": "one.csv"}]
    assert results(folder, parts, 600.0, lag_s) == whole


@effort(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(HEADERS)), levels, waits, st.integers(0, 60).map(lambda x: x / 10),
    st.integers(0, 300),
)  # fmt: skip
def test_a_later_start_moves_everything_by_as_much(
    tmp_path_factory, layout, values, steps, lag_s, later_s
) -> None:
    folder = tmp_path_factory.mktemp("shift")
    (folder / "d.csv").write_text(HEADERS[layout] + "".join(rows_of(layout, values, steps)))
    keys = {"rater": "client", "scale": [0.0, 100.0], "file": "d.csv"}
    film_s = 1500.0  # holds every row: how far beyond its end rows may lie goes by its length
    ratings, segments = results(folder, [keys], film_s, lag_s)
    moved, also = results(
        folder, [keys | {"offset_s": float(later_s)}], film_s + later_s, lag_s, later_s
    )
    assert np.array(moved, float) == pytest.approx(np.array(ratings, float), abs=1e-4, nan_ok=True)
    assert [(s["kind"], s["rank"], s["start_s"], s["end_s"]) for s in also] == [
        (s["kind"], s["rank"], s["start_s"], s["end_s"]) for s in segments
    ]
