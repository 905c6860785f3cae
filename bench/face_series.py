"""Blinks and nods in series of numbers: made ones with a known truth, and two labelled recordings.

The recordings and the workbook of apexes are JeFaPaTo's. Its
authors count 7 per eye in the first recording, because they include partial blinks: dips of an
eighth to a quarter of the opening, which are none by our definition and are shown apart. The second
recording holds six dips, and no seventh at any depth.
"""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.face.blinks import find_closures
from pipeline.face.nods import find_nods
from pipeline.settings import FaceSettings

Floats = NDArray[np.float64]
SETTINGS = FaceSettings()

OPEN, SHUT, LID_NOISE = 0.30, 0.08, 0.004
WIDTHS_S = (0.1, 0.15, 0.2, 0.3, 0.4)
SERIES_FPS = (10, 15, 20, 30)
SINES_HZ, SINES_DEG, NOD_FPS = (0.5, 1.5, 3.0, 5.0), (2.0, 4.0), (15, 20, 25, 30)

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
EYES = {"left": ("EAR2D6_l", "xl/worksheets/sheet1.xml"),
        "right": ("EAR2D6_r", "xl/worksheets/sheet2.xml")}  # fmt: skip
APEX_COLUMN, APEX_ROWS = "B", 10
RECORDINGS = (("blinking_short.csv", 240.0), ("blinking_30FPS.csv", 30.0))
PARTIAL = SETTINGS.model_copy(
    update={"blink_factor": 0.01, "blink_depth_min": 0.12, "blink_min_s": 0.05}
)
"""Dips that are no blinks by our definition: lids that come down an eighth of the way."""


def seen_twice(width_s: float, fps: float) -> float:
    """Chance that a dip of this width at half its depth holds two frames (METHODS: Recording)."""
    return float(np.clip(width_s * fps - 1, 0, 1))


def lid_series(fps: float, width_s: float, middles_s: Floats) -> tuple[Floats, Floats]:
    """Times and eye aspect with raised-cosine dips, `width_s` wide at half their depth."""
    t_s = np.arange(0, middles_s[-1] + 3, 1 / fps)
    lids = OPEN + np.random.default_rng(1).normal(0, LID_NOISE, len(t_s))
    for middle_s in middles_s:
        off = np.clip((t_s - middle_s) / width_s, -1, 1)
        lids -= (OPEN - SHUT) * (1 + np.cos(np.pi * off)) / 2
    return t_s, lids


def recall_of_blinks(fps: float, width_s: float, *, n: int = 200) -> tuple[float, int]:
    """Share of `n` blinks at random phase that are found as blinks, and how many others are."""
    middles_s = 3 + np.cumsum(np.random.default_rng(3).uniform(2.0, 4.5, n))
    t_s, lids = lid_series(fps, width_s, middles_s)
    found = find_closures(t_s, lids, np.ones(len(t_s), bool), SETTINGS)
    at_s = [(c.start_s + c.end_s) / 2 for c in found if c.duration_s <= SETTINGS.blink_max_s]
    hits = matched(at_s, middles_s.tolist(), width_s)
    return hits / n, len(at_s) - hits


def matched(found: Sequence[float], planned: Sequence[float], within: float) -> int:
    """How many planned places have a found one of their own at most `within` away."""
    left, hits = list(found), 0
    for place in planned:
        near = [at for at in left if abs(at - place) <= within]
        if near:
            left.remove(min(near, key=lambda at: abs(at - place)))
            hits += 1
    return hits


def nods_in_sine(fps: float, rate_hz: float, size_deg: float) -> list[str]:
    """``slow`` or ``fast`` for each nod in 20 s of a sine of this size, peak to peak."""
    t_s = np.arange(0, 20, 1 / fps)
    pitch = size_deg / 2 * np.sin(2 * np.pi * rate_hz * t_s)
    found = find_nods(t_s, pitch, np.ones(len(t_s), bool), least_deg=SETTINGS.nod_min_deg)
    return ["fast" if nod.is_fast else "slow" for nod in found]


def print_series() -> None:
    """Oracles 6 and 7."""
    print("blinks found (and others) / chance that two frames see one; width at half depth")
    print(" " * 10 + "".join(f"{f'{fps} fps':>18}" for fps in SERIES_FPS))
    for width_s in WIDTHS_S:
        cells = [(*recall_of_blinks(fps, width_s), seen_twice(width_s, fps)) for fps in SERIES_FPS]
        shown = "".join(f"{f'{recall:.2f} (+{extra}) / {p:.2f}':>18}" for recall, extra, p in cells)
        print(f"  {1000 * width_s:4.0f} ms " + shown)
    print("\nnods in a sine of the pitch; real ones are at least 3 deg and between 1 and 6.5 Hz")
    for size_deg in SINES_DEG:
        for rate_hz in SINES_HZ:
            kinds = {fps: nods_in_sine(fps, rate_hz, size_deg) for fps in NOD_FPS}
            said = "".join(f"{fps:4} fps {' '.join(k) or 'none':6}" for fps, k in kinds.items())
            print(f"  {size_deg:.0f} deg {rate_hz} Hz {said}")


def lid_recording(path: Path, eye: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Eye aspect and its validity, one value per row."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    lids = np.array([float(row[EYES[eye][0]]) for row in rows])
    return lids, np.array([row["EAR2D6_valid"] == "True" for row in rows])


def labelled_apexes(path: Path, eye: str) -> list[int]:
    """Rows of the deepest points listed for one eye in a workbook."""
    with zipfile.ZipFile(path) as book:
        cells = ET.fromstring(book.read(EYES[eye][1])).iter(f"{SHEET}c")
    named = {cell.get("r", ""): cell.findtext(f"{SHEET}v") for cell in cells}
    return [int(value) for at, value in named.items() if value and at.startswith(APEX_COLUMN)]


def apexes(
    lids: Floats, valid: NDArray[np.bool_], fps: float, settings: FaceSettings
) -> list[tuple[int, float]]:
    """Row of the deepest point of each closure found, and its depth as a share of open."""
    found = []
    for closure in find_closures(np.arange(len(lids)) / fps, lids, valid, settings):
        first, last = int(np.ceil(closure.start_s * fps)), int(closure.end_s * fps)
        found.append((first + int(np.argmin(lids[first : last + 1])), closure.depth))
    return found


def print_labelled(folder: Path) -> None:
    """Found against labelled rows of the recordings in `folder`, every one shown."""
    for name, fps in RECORDINGS:
        for eye in EYES:
            lids, valid = lid_recording(folder / name, eye)
            found, dips = (apexes(lids, valid, fps, s) for s in (SETTINGS, PARTIAL))
            print(f"{name}, {eye} eye: {len(found)} blinks; {len(dips)} with partial ones")
            print("  found    " + ", ".join(f"{at} ({depth:.0%})" for at, depth in found))
            print("  partial  " + ", ".join(f"{a} ({d:.0%})" for a, d in dips if d < 0.5) or "none")
            if fps > 100:
                listed = labelled_apexes(folder / "blinking_full_blinking.xlsx", eye)
                labels = [at for at in listed if at < len(lids)]
                rows = [at for at, _ in found]
                hits = matched(rows, labels, APEX_ROWS)
                others = [at for at in rows if not matched([at], labels, APEX_ROWS)]
                print(f"  labelled {labels}: {hits} within {APEX_ROWS} rows, not listed {others}")
