"""The motion grid against pictures whose every change is planned, at any frame rate."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import StillFrame
from pipeline.movement.grid import (
    CELL_PIXELS,
    CELLS,
    LEVELS,
    STEP_S,
    MotionGrid,
    changes_between,
    counts_column,
    counts_of,
)
from pipeline.tables import MOTION_GRID

SAMPLE = (144, 256)


def seen(pictures) -> list:
    """Steps of (time, grey picture) pairs."""
    grid = MotionGrid()
    for index, (pts_s, grey) in enumerate(pictures):
        image = np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)
        grid.look(StillFrame(index, float(pts_s), image))
    return grid.take()


def sliding(times_s) -> list:
    """A bright bar that moves at 30 px/s over a picture as large as the sample."""
    found = []
    for t_s in times_s:
        grey = np.full(SAMPLE, 50)
        left = int(30 * t_s + 1e-6)
        grey[:, left : left + 20] = 200
        found.append((t_s, grey))
    return found


def test_pixels_are_counted_by_cell_and_size_of_change() -> None:
    change = np.zeros(SAMPLE, np.uint8)
    change[:8, :8] = 3  # cell 0: less than any class
    change[:8, 8:16] = 4  # cell 1: all 64 in the first class
    change[8:16, 0:4] = 12  # cell 32: half of it in the class from 12 on
    change[-1, -1] = 255  # last cell, last class
    before = np.full(SAMPLE, 100, np.uint8)
    before[-1, -1] = 0
    found, mean, mean_abs = changes_between(before, before + change)
    counts = found.reshape(CELLS, len(LEVELS))
    assert counts[0].sum() == 0
    assert counts[1].tolist() == [CELL_PIXELS] + [0] * 9
    assert counts[32, LEVELS.index(12)] == 32
    assert counts[-1, -1] == 1
    assert counts.sum() == 64 + 32 + 1
    assert (mean, mean_abs) == pytest.approx((change.mean(), change.mean()))


@pytest.mark.parametrize("fps", [20, 30, 50, 60])
def test_numbers_do_not_depend_on_the_frame_rate(fps: int) -> None:
    steps = seen(sliding(np.arange(0, 4, 1 / fps)))
    usual = seen(sliding(np.arange(0, 4, 1 / 10)))
    n = min(len(steps), len(usual))
    assert n >= 38
    for step, other in zip(steps[:n], usual[:n], strict=True):
        assert step.pts_s == pytest.approx(other.pts_s)
        assert np.array_equal(step.counts, other.counts)


def test_each_step_spans_a_tenth_of_a_second() -> None:
    steps = seen(sliding(np.arange(1.5, 3.51, 1 / 30)))
    assert [step.pts_s for step in steps[:20]] == pytest.approx(1.55 + STEP_S * np.arange(20))
    # the bar travels 3 px in each: as many columns at its front and at its back
    assert {int(step.counts.sum()) for step in steps} == {2 * 3 * SAMPLE[0]}


@pytest.mark.parametrize("fps", [24, 25, 29.97])
def test_rates_that_do_not_fit_a_tenth_of_a_second_agree_on_average(fps: float) -> None:
    steps = seen(sliding(np.arange(0, 4, 1 / fps)))
    assert len(steps) >= 38
    mean = sum(int(step.counts.sum()) for step in steps) / len(steps)
    assert mean == pytest.approx(2 * 3 * SAMPLE[0], rel=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_repeated_dropped_and_uneven_frames_change_next_to_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    even = np.arange(0, 6, 1 / 25)
    dropped = np.delete(even, rng.choice(np.arange(1, 149), 40, replace=False))
    uneven = np.cumsum(rng.uniform(1 / 50, 1 / 15, 180))
    repeated = [(t_s + 0.02, grey) for t_s, grey in sliding(even)] + sliding(even)
    repeated.sort(key=lambda one: one[0])
    expected = sum(int(step.counts.sum()) for step in seen(sliding(even))[:50])
    for pictures in (sliding(dropped), sliding(uneven), repeated):
        steps = seen(pictures)[:50]
        total = sum(int(step.counts.sum()) for step in steps)
        assert total / len(steps) == pytest.approx(expected / 50, rel=0.03)


def test_nothing_is_known_of_a_gap_and_all_of_what_follows() -> None:
    times_s = np.arange(0, 6, 1 / 30)
    kept = times_s[(times_s < 2.01) | (times_s >= 3.49)]
    whole = {round(step.pts_s, 2): step.counts for step in seen(sliding(times_s))}
    steps = seen(sliding(kept))
    found = [round(step.pts_s, 2) for step in steps]
    assert found == [t for t in whole if t < 2.0 or t > 3.5]
    assert all(np.array_equal(step.counts, whole[round(step.pts_s, 2)]) for step in steps)


def test_a_gap_of_hours_costs_nothing() -> None:
    later = [(t_s + 36_000.0, grey) for t_s, grey in sliding(np.arange(0, 1, 0.1))]
    steps = seen(sliding(np.arange(0, 1, 0.1)) + later)
    assert 16 <= len(steps) <= 18
    assert [step.pts_s for step in steps[:3]] == pytest.approx([0.05, 0.15, 0.25])
    assert steps[-1].pts_s == pytest.approx(36_000.85, abs=0.11)


def test_a_time_stamp_that_does_not_rise_is_passed_over() -> None:
    pictures = sliding(np.arange(0, 2, 0.1))
    disturbed = [*pictures[:7], pictures[2], *pictures[7:]]
    assert [s.counts.tolist() for s in seen(disturbed)] == [
        s.counts.tolist() for s in seen(pictures)
    ]


def test_a_smaller_picture_from_before_is_passed_over_too() -> None:
    pictures = sliding(np.arange(0, 2, 0.04))
    stray = (0.02, np.zeros((72, 128)))
    steps = seen([*pictures[:30], stray, *pictures[30:]])
    assert [step.pts_s for step in steps] == [step.pts_s for step in seen(pictures)]


def test_pictures_of_different_size_are_never_compared() -> None:
    small = sliding(np.arange(0, 1.01, 0.05))
    large = [(t_s + 1.05, np.repeat(np.repeat(g, 2, 0), 2, 1)) for t_s, g in small]
    steps = seen(small + large)
    assert max(int(step.counts.sum()) for step in steps) == 2 * 3 * SAMPLE[0]
    assert 17 <= len(steps) <= 19


def test_the_camera_is_looked_at_every_second_step() -> None:
    shifts = [step.shift_explained for step in seen(sliding(np.arange(0, 2, 1 / 30)))]
    assert [shift is None for shift in shifts[:6]] == [True, False] * 3
    assert {shift for shift in shifts if shift is not None} > {1.0}


def test_brightness_and_sameness() -> None:
    greys = [(0.0, 100), (0.1, 110), (0.2, 110), (0.3, 100), (0.35, 100)]
    steps = seen([(t_s, np.full(SAMPLE, grey)) for t_s, grey in greys])
    assert [step.mean_change for step in steps] == pytest.approx([10, 0, -10])
    assert [step.mean_absolute_change for step in steps] == pytest.approx([10, 0, 10])


def test_counts_survive_the_table() -> None:
    steps = seen(sliding(np.arange(0, 1.5, 0.1)))
    column = counts_column(steps)
    assert np.array_equal(
        counts_of(column), np.array([s.counts for s in steps]).reshape(-1, CELLS, 10)
    )
    assert np.array_equal(counts_of(column.slice(3, 2))[0].ravel(), steps[3].counts)
    assert len(counts_column([])) == 0


def test_the_dictionary_lists_the_classes() -> None:
    text = MOTION_GRID.by_name["changed_px"].description
    assert ", ".join(map(str, LEVELS)) in text
    assert MOTION_GRID.private
