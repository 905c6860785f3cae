"""Motion energy and co-movement against planned truth, beside the usual short script.

    python -m bench.synchrony [--rounds 3] [--pairs 200] [--seconds 20]

Four tables, each ours and the plain way in one run on the same inputs:

1. Two rendered people with planned speeds, encoded with loss, at several frame rates: r of measured
   and planned movement (mean of both). The plain way: cv2 differences of successive frames, pixels
   over 10 grey levels, time = frame / nominal rate.
2. The same film with a lamp switched on and with a shaken camera.
3. Independent pairs in which each person moves in bursts: how often a test at 5 % finds
   co-movement. The plain way: Pearson's r of the two courses, its p from the number of samples.
   And pairs with a known lead: error of the lag.
4. Time: windowed cross-lagged correlation and 500 surrogates against loops over numpy.corrcoef
   (which must agree), and what the motion grid adds to the landmarks stage.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy import stats

from bench.faces import DATA, embedded
from pipeline.media.recording import FolderRecording
from pipeline.movement.energy import energy, masks
from pipeline.movement.grid import STEP_S as GRID_STEP_S
from pipeline.movement.grid import MotionGrid
from pipeline.movement.regions import Region, cells_of
from pipeline.movement.synchrony import above_chance, lag_correlation
from pipeline.paperwork.session import SessionSpec
from pipeline.settings import LandmarksSettings, MovementSettings
from pipeline.stage import Inputs
from pipeline.stages import landmarks
from pipeline.stages.movement import PAIR_EVERY
from tests.made.faces import media_table
from tests.made.motion import (
    bursty,
    changes_of,
    moving,
    pair,
    planned_energy,
    write_room,
)

SETTINGS = MovementSettings()
AREAS = (cells_of(Region(0, 0, 0.5, 1, "side")), cells_of(Region(0.5, 0, 1, 1, "side")))
CLIP_NAME = "WolfgangLanger_Pexels.mp4"
NAIVE_LEVELS = 10
STEP_S = PAIR_EVERY * GRID_STEP_S

Course = np.ndarray[Any, np.dtype[np.float64]]


def ours(path: Path) -> tuple[Course, list[Course]]:
    changes = changes_of(path)
    masked = masks(changes, SETTINGS)
    return changes.t_s, [energy(changes, area, masked, SETTINGS)[0] for area in AREAS]


def naive(path: Path) -> tuple[Course, list[Course]]:
    capture = cv2.VideoCapture(str(path))
    fps = capture.get(cv2.CAP_PROP_FPS)
    shares, before = [], None
    while True:
        more, image = capture.read()
        if not more:
            break
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if before is not None:
            changed = cv2.absdiff(grey, before) > NAIVE_LEVELS
            half = changed.shape[1] // 2
            shares.append((changed[:, :half].mean(), changed[:, half:].mean()))
        before = grey
    t_s = (np.arange(len(shares)) + 0.5) / fps  # no look at the time stamps
    box = np.ones(max(1, round(0.5 * fps)))
    return t_s, [np.convolve(s, box / box.size, "same") for s in np.array(shares).T]


def likeness(found: tuple[Course, list[Course]], courses: list[Course]) -> float:
    """Mean r of measured and planned movement; masked steps are left out."""
    t_s, measured = found
    r = []
    for one, speed in zip(measured, courses, strict=True):
        valid = np.isfinite(one)
        r.append(np.corrcoef(one[valid], planned_energy(speed, t_s[valid]))[0, 1])
    return float(np.mean(r))


def compare(name: str, path: Path, courses: list[Course]) -> None:
    found = likeness(ours(path), courses), likeness(naive(path), courses)
    print(f"  {name:30} {found[0]:7.3f}{found[1]:7.3f}")


def films(folder: Path, lasts_s: float) -> None:
    rng = np.random.default_rng(4)
    courses = [bursty(rng, lasts_s), bursty(rng, lasts_s)]
    uneven = np.cumsum(rng.uniform(1 / 50, 1 / 12, int(50 * lasts_s)))
    rates = {f"{fps} frames/s": np.arange(0, lasts_s, 1 / fps) for fps in (10, 15, 24, 25, 30)}
    rates |= {"variable": uneven[uneven < lasts_s]}
    doubled = np.sort(np.concatenate([rates["15 frames/s"], rates["15 frames/s"] + 1 / 30]))
    print("\nplanned movement recovered, r       ours  plain")
    for name, times_s in rates.items():
        claimed = 25 if name == "variable" else int(name.split()[0])
        path = write_room(folder / "film.mkv", courses, times_s, rate=claimed)
        compare(name, path, courses)
    held = write_room(folder / "held.mkv", courses, doubled, hold=True)
    compare("15, each shown twice", held, courses)
    middle_s = lasts_s / 2

    def lamp(image: Course, t_s: float) -> Course:
        return image * (1.25 if t_s >= middle_s else 1.0)

    def shaken(image: Course, t_s: float) -> Course:
        if not middle_s <= t_s < middle_s + 1:
            return image
        return np.roll(image, (int(3 * np.sin(31 * t_s)), int(4 * np.sin(25 * t_s))), (0, 1))

    for name, touch in {"a lamp": lamp, "a shaken camera": shaken}.items():
        path = write_room(
            folder / "touched.mkv", courses, rates["15 frames/s"], touch=touch, rate=15
        )
        compare(name, path, courses)


def chance(pairs: int) -> None:
    rng = np.random.default_rng(1)
    found, plain = [], []
    for _ in range(pairs):
        a, b = moving(rng, 1200.0), moving(rng, 1200.0)
        result = above_chance(a, b, step_s=STEP_S)
        assert result is not None
        found.append(result.p < 0.05)
        plain.append(stats.pearsonr(a, b).pvalue < 0.05)
    rates = f"ours {np.mean(found):.3f}, plain {np.mean(plain):.3f}"
    print(f"\n{pairs} independent pairs of 20 min, found at 5 %: {rates}")
    print("lead, s   share of shared movement   lag found   error   effect size")
    for lead_s in (1.2, -0.7, 2.5):
        for alike in (1.0, 0.4):
            a, b = pair(3, lead_s, alike=alike)
            lag_s, _ = lag_correlation(a, b, step_s=STEP_S).peak()
            result = above_chance(a, b, step_s=STEP_S)
            assert result is not None
            error = abs(lag_s - lead_s)
            size = result.effect_size
            print(f"  {lead_s:5.1f} {alike:20.1f} {lag_s:18.2f} {error:9.2f} {size:10.1f}")


def in_loops(a: Course, b: Course) -> np.ndarray:
    """Windowed cross-lagged correlation one window and lag at a time."""
    length, most = round(60 / STEP_S), round(5 / STEP_S)
    rows = []
    for start in range(0, len(a) - length + 1, round(30 / STEP_S)):
        row = []
        for lag in range(-most, most + 1):
            x = a[start + max(0, -lag) : start + length - max(0, lag)]
            y = b[start + max(0, lag) : start + length - max(0, -lag)]
            row.append(np.arctanh(np.corrcoef(x, y)[0, 1]))
        rows.append(row)
    return np.array(rows)


def surrogates_in_loops(a: Course, b: Course, count: int) -> list[float]:
    """Mean |z| of wrong pairings, each computed anew."""
    rng = np.random.default_rng(0)
    length, most = round(30 / STEP_S), round(3 / STEP_S)
    segments = len(a) // length
    found = []
    for _ in range(count):
        other = rng.permutation(segments)
        z = []
        for one in range(segments):
            x, y = a[one * length :][:length], b[other[one] * length :][:length]
            for lag in range(-most, most + 1):
                early, late = slice(0, length - abs(lag)), slice(abs(lag), length)
                r = np.corrcoef(*((x[early], y[late]) if lag >= 0 else (x[late], y[early])))[0, 1]
                z.append(abs(np.arctanh(r)))
        found.append(float(np.mean(z)))
    return found


def timed(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, taking turns."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            spent[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in spent.items()}


def arithmetic(rounds: int) -> None:
    a, b = pair(3, 1.2, lasts_s=3000.0)
    gap = np.abs(lag_correlation(a, b, step_s=STEP_S).z - in_loops(a, b)).max()
    loop_surrogates = 5
    spent = timed(
        {
            "ours": lambda: lag_correlation(a, b, step_s=STEP_S),
            "plain": lambda: in_loops(a, b),
            "ours, surrogates": lambda: above_chance(a, b, step_s=STEP_S),
            "plain, surrogates": lambda: surrogates_in_loops(a, b, loop_surrogates),
        },
        rounds,
    )
    ours_ms, plain_ms = 1e3 * spent["ours"], 1e3 * spent["plain"]
    print(
        f"\n50 min: cross-lagged correlation {ours_ms:.0f} ms, in loops {plain_ms:.0f} ms", end=""
    )
    print(f" (x{plain_ms / ours_ms:.0f}); largest difference {gap:.1e}")
    once, loops = spent["ours, surrogates"], 500 * spent["plain, surrogates"] / loop_surrogates
    print(f"        500 surrogates {once:.2f} s, in loops {loops:.0f} s (x{loops / once:.0f})")


def grid_cost(rounds: int) -> None:
    engine = embedded()
    spec = SessionSpec.model_validate(
        {
            "id": "bench",
            "session": {"dyad": "D1", "number": 1, "client": "C1", "therapist": "T1"},
            "media": [{"file": CLIP_NAME, "hears": ["mixed"], "shows": ["client"]}],
        }
    )
    folder = DATA / "video"
    given = Inputs(spec, FolderRecording(folder, spec), {"media": media_table()})

    def stage() -> None:
        landmarks.run(given, engine, LandmarksSettings())

    looks = MotionGrid.look
    spent: dict[str, list[float]] = {"with": [], "without": []}
    processor: dict[str, list[float]] = {"with": [], "without": []}
    for turn in range(rounds + 1):
        for name, kept in spent.items():
            MotionGrid.look = looks if name == "with" else (lambda *_: None)  # type: ignore[method-assign]
            started, used = time.perf_counter(), time.process_time()
            stage()
            if turn:  # the first turn warms up
                kept.append(time.perf_counter() - started)
                processor[name].append(time.process_time() - used)
    MotionGrid.look = looks  # type: ignore[method-assign]
    for what, values in (("time", spent), ("CPU time", processor)):
        more, less = (statistics.median(values[name]) for name in ("with", "without"))
        share = f"{100 * (more / less - 1):+.1f} %"
        print(
            f"landmarks stage, {what}: with the grid {more:.2f} s, without {less:.2f} s ({share})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        films(Path(name), chosen.seconds)
    chance(chosen.pairs)
    arithmetic(chosen.rounds)
    grid_cost(chosen.rounds)


if __name__ == "__main__":
    main()
