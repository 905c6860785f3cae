"""Motion energy against planned courses: closed forms, and two people in real encoded videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.movement.energy import (
    Changes,
    at_rest,
    commonest,
    energy,
    least_class,
    masks,
    read_changes,
    smoothed,
    still_cells,
    widened,
)
from pipeline.movement.grid import CELLS, LEVELS, STEP_S
from pipeline.movement.regions import Region, cells_of
from pipeline.settings import MovementSettings
from tests.made.motion import (
    bursty,
    changes_of,
    planned_energy,
    write_room,
)

SETTINGS = MovementSettings()
LASTS_S = 16.0
AREAS = (cells_of(Region(0, 0, 0.5, 1, "side")), cells_of(Region(0.5, 0, 1, 1, "side")))
RNG = np.random.default_rng(4)
COURSES = (bursty(RNG, LASTS_S), bursty(RNG, LASTS_S))


def uneven() -> np.ndarray:
    times_s = np.cumsum(np.random.default_rng(2).uniform(1 / 50, 1 / 12, 600))
    return times_s[times_s < LASTS_S]


RATES = {
    "10 fps": np.arange(0, LASTS_S, 1 / 10),
    "25 fps": np.arange(0, LASTS_S, 1 / 25),
    "30 fps": np.arange(0, LASTS_S, 1 / 30),
    "variable": uneven(),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, Changes]:
    """The same two people at several frame rates."""
    folder = tmp_path_factory.mktemp("films")
    return {
        name: changes_of(write_room(folder / f"{i}.mkv", COURSES, times_s))
        for i, (name, times_s) in enumerate(RATES.items())
    }


def courses(changes: Changes) -> list[np.ndarray]:
    masked = masks(changes, SETTINGS)
    return [energy(changes, area, masked, SETTINGS)[0] for area in AREAS]


def likeness(changes: Changes, person: int) -> float:
    """r of measured and planned movement over the steps that are not masked."""
    found = courses(changes)[person]
    planned = planned_energy(COURSES[person], changes.t_s)
    valid = np.isfinite(found)
    return float(np.corrcoef(found[valid], planned[valid])[0, 1])


# ---- real encoded videos -------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
def test_the_planned_course_comes_back_at_every_rate(films, rate: str) -> None:
    assert [reason for reason in masks(films[rate], SETTINGS) if reason] == []
    assert min(likeness(films[rate], person) for person in (0, 1)) > 0.93


@pytest.mark.parametrize("rate", RATES)
def test_the_frame_rate_does_not_change_the_course(films, rate: str) -> None:
    usual = films["25 fps"]
    for one, other in zip(courses(films[rate]), courses(usual), strict=True):
        there = np.interp(usual.t_s, films[rate].t_s, one)
        assert np.corrcoef(there, other)[0, 1] > 0.95
        assert np.abs(there - other).mean() < 0.15


def test_who_moves_in_one_half_does_not_move_the_other(films) -> None:
    one, other = courses(films["25 fps"])
    alone = (planned_energy(COURSES[0], films["25 fps"].t_s) > 5) & (
        planned_energy(COURSES[1], films["25 fps"].t_s) == 0
    )
    assert alone.sum() >= 5
    assert other[alone].mean() < 0.1 * one[alone].mean()


def filmed(tmp_path: Path, touch) -> Changes:
    times_s = np.arange(0, LASTS_S, 1 / 15)
    return changes_of(write_room(tmp_path / "film.mkv", COURSES, times_s, touch=touch))


def when(changes: Changes, reason: str) -> tuple[float, float]:
    """From when to when a reason holds."""
    at = changes.t_s[masks(changes, SETTINGS) == reason]
    return float(at.min()), float(at.max())


def test_a_lamp_is_masked_and_nothing_else(tmp_path) -> None:
    changes = filmed(tmp_path, lambda image, t_s: image * (1.25 if t_s >= 8 else 1.0))
    first, last = when(changes, "light_changed")
    assert 7.2 < first < 7.9
    assert 8.1 < last < 8.8
    assert set(masks(changes, SETTINGS)) == {None, "light_changed"}
    assert min(likeness(changes, person) for person in (0, 1)) > 0.93


def test_a_shaken_camera_is_masked(tmp_path) -> None:
    def shaken(image: np.ndarray, t_s: float) -> np.ndarray:
        if not 8 <= t_s < 9:
            return image
        return np.roll(image, (int(3 * np.sin(31 * t_s)), int(4 * np.sin(25 * t_s))), (0, 1))

    changes = filmed(tmp_path, shaken)
    first, last = when(changes, "picture_changed")
    assert first < 8.1
    assert last > 8.9
    assert last - first < 2.2
    assert min(likeness(changes, person) for person in (0, 1)) > 0.93


# ---- closed forms --------------------------------------------------------------------------


def made(counts: np.ndarray, **columns: np.ndarray) -> Changes:
    """Changes with given counts; nothing else happens unless `columns` say so."""
    n = len(counts)
    usual = {"change": np.zeros(n), "change_abs": np.full(n, 1.0), "shift": np.zeros(n)}
    whole = usual | columns
    return Changes(
        np.arange(n) * STEP_S, columns.get("measured", np.ones(n, bool)),
        whole["change"], whole["change_abs"], whole["shift"],
        counts.astype(np.uint8), still_cells(counts), 8,
    )  # fmt: skip


def test_energy_is_the_share_of_changed_pixels_in_its_own_sds() -> None:
    counts = np.zeros((200, CELLS))
    counts[50:100, AREAS[0]] = 32
    plain = MovementSettings(smooth_s=STEP_S)
    changes = made(counts)
    course, reason = energy(changes, AREAS[0], np.full(200, None, object), plain)
    assert reason is None
    assert course.std() == pytest.approx(1.0)
    assert course[:50].max() == 0.0
    assert course[75] == pytest.approx(0.5 / np.std([0.5] * 50 + [0.0] * 150))


def test_what_changes_everywhere_is_taken_off() -> None:
    rng = np.random.default_rng(0)
    counts = np.zeros((300, CELLS))
    counts[:, AREAS[0]] += rng.integers(0, 30, 300)[:, None]
    clean = energy(made(counts), AREAS[0], np.full(300, None, object), SETTINGS)[0]
    counts[::10] += 6  # a key frame: the same everywhere
    disturbed = energy(made(counts), AREAS[0], np.full(300, None, object), SETTINGS)[0]
    assert np.array_equal(clean, disturbed)


def test_nothing_that_moves_and_nothing_above_noise_say_so() -> None:
    still = made(np.zeros((50, CELLS)))
    none = np.full(50, None, object)
    assert energy(still, AREAS[0], none, SETTINGS)[1] == "few_samples"
    drowned = Changes(*(getattr(still, name) for name in Changes.__slots__[:-1]), None)
    course, reason = energy(drowned, AREAS[0], none, SETTINGS)
    assert reason == "low_snr"
    assert np.isnan(course).all()


def test_each_mask_has_its_reason() -> None:
    counts = np.zeros((100, CELLS))
    counts[[20, 40]] = 60
    change, change_abs, shift = np.zeros(100), np.full(100, 1.0), np.zeros(100)
    change_abs[[20, 40]], change[20] = 12.0, 12.0
    shift[60] = 0.9
    change_abs[70:80], change_abs[82:91] = 0.0, 0.0
    measured = np.ones(100, bool)
    measured[95] = False
    given = {"change": change, "change_abs": change_abs, "shift": shift, "measured": measured}
    reason = masks(made(counts, **given), SETTINGS)
    expected = np.full(100, None, object)
    expected[16:25] = "light_changed"  # 0.4 s on either side
    expected[36:45] = expected[56:65] = "picture_changed"
    expected[70:80] = "picture_frozen"  # one second; the nine steps from 82 on are less
    expected[95] = "low_fps"
    assert reason.tolist() == expected.tolist()


def test_smoothing_over_any_number_of_steps() -> None:
    spike = np.zeros(9)
    spike[4] = 1.0
    valid = np.ones(9, bool)
    assert smoothed(spike, valid, 2.5)[2:7] == pytest.approx([0, 0.3, 0.4, 0.3, 0])
    assert np.array_equal(smoothed(spike, valid, 1.0), spike)
    assert smoothed(np.ones(9), valid, 2.5) == pytest.approx(np.ones(9))
    valid[5] = False
    around = smoothed(np.arange(9.0), valid, 2.5)
    assert np.isnan(around[5])
    assert around[4] == pytest.approx((0.75 * 3 + 4) / 1.75)


def test_noise_is_p99_of_the_picture_at_rest_and_movement_lies_above_it() -> None:
    rng = np.random.default_rng(3)
    for sigma in (1.0, 2.0, 3.0):
        change = np.abs(np.round(rng.normal(0, sigma * np.sqrt(2), (CELLS, 6400))))
        shares = np.array([(change >= level).mean(axis=1) for level in LEVELS]).T
        p99 = 2.576 * sigma * np.sqrt(2)
        at = next(i for i, level in enumerate(LEVELS) if level - 0.5 > p99)  # whole levels
        assert least_class(shares) == at + 2
    assert least_class(np.zeros((CELLS, len(LEVELS)))) == 2
    assert least_class(np.ones((CELLS, len(LEVELS)))) is None


def test_rest_is_the_stillest_quarter_of_new_pictures() -> None:
    changed, size = np.arange(100), np.ones(100)
    assert np.flatnonzero(at_rest(changed, size)).tolist() == list(range(25))
    size[:20] = 0.0  # repeated pictures
    assert np.flatnonzero(at_rest(changed, size)).tolist() == list(range(20, 40))
    assert not at_rest(changed, np.zeros(100)).any()


def test_still_are_the_quieter_half() -> None:
    counts = np.zeros((10, CELLS), np.uint8)
    counts[:, ::2] = 5
    assert np.flatnonzero(still_cells(counts)).tolist() == list(range(1, CELLS, 2))


def test_small_things() -> None:
    assert read_changes(lambda: iter(())) is None
    assert widened(np.eye(1, 7, 3)[0] > 0, 2).tolist() == [False] + [True] * 5 + [False]
    assert commonest(["low_fps", None, "light_changed", "low_fps"]) == "low_fps"
    assert commonest([None]) == "low_coverage"
