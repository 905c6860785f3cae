"""The dials among the small inputs beside the project: what each gives, and if it is right."""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from pathlib import Path

import numpy as np

from pipeline.paperwork.session_toml import load_session
from tests.made.dials import rated

ROOT = Path(__file__).resolve().parents[1]
CASES = Path(os.environ.get("THINSLICE_CASES", ROOT.parent / "shared" / "cases"))
Row = tuple[str, str, str, bool]
"""Case, what was found, what is right, and whether that is so."""
POINTS = 0.15
"""A rating typed with one decimal, averaged over a second, may differ from the control by this."""
COARSE = ("d15-nnbsp", "d24-spss-dot")
"""Some of their seconds have one row of the control's two."""
COARSE_POINTS = 5.0
LENGTH_S = 32.0
READ = "read as the control"
TOLD = {
    "d03-nova": ("no time in the file: told", ("without a time", "NOVA")),
    "d07-excel-hour": ("told that the hour is gone", ("mm:ss", "hour is not in the file")),
    "d29-jspsych": ("read, or the real cause", ("milliseconds",)),
    "d29b-jspsych-named": ("told of milliseconds", ("milliseconds", "time_ms")),
    "d31-ms-in-seconds-name": ("told of milliseconds", ("milliseconds", "time_ms")),
}
SPOILS = ("passes =", "scale =")
"""Advice that would spoil these dials."""


def rows(cases: Path = CASES) -> list[Row]:
    """One row per dial case, from the real stage on the case's own session.toml."""
    control, _ = _course(cases / "d00-control")
    return [_row(folder, control) for folder in sorted(cases.glob("d*")) if folder.is_dir()]


def _row(folder: Path, control: np.ndarray) -> Row:
    course, sentence = _course(folder)
    if folder.name in TOLD:
        right, words = TOLD[folder.name]
        is_told = all(word in sentence for word in words)
        ok = not len(course) and is_told and not any(word in sentence for word in SPOILS)
        return folder.name, sentence, right, ok
    if folder.name == "d18-last-hold":
        ok = bool(np.all(course[20:] == 30)) and len(course) == 32 and "until the end" in sentence
        return folder.name, _said(course, sentence), "30 held to 32 s, told", ok
    return folder.name, _said(course, sentence), READ, _alike(folder, course, control)


def _alike(folder: Path, course: np.ndarray, control: np.ndarray) -> bool:
    """Each second as the control's, and at most two not rated."""
    if len(course) != len(control):
        return False
    known = np.isfinite(course)
    near = COARSE_POINTS if folder.name in COARSE else POINTS
    return bool(known.sum() >= 30 and np.all(np.abs(course - control)[known] <= near))


def _said(course: np.ndarray, sentence: str) -> str:
    known = int(np.isfinite(course).sum()) if len(course) else 0
    return f"{known} s rated" + (f"; {sentence}" if sentence else "")


def _course(case: Path) -> tuple[np.ndarray, str]:
    """One value a second, shape (n,), and what is told; without a course where it is left out."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(case, Path(place) / case.name))
        shutil.copy(case.parent / "base32.wav", folder)
        load_session(folder)
        parts = tomllib.loads((folder / "session.toml").read_text(encoding="utf-8"))["ratings"]
        outputs = rated(folder, parts, LENGTH_S)
    quality = outputs.tables["rating_quality"].to_pylist()
    (sentence,) = [row["sentence"] for row in quality if row["rater"] == "client"]
    raw = outputs.tables["ratings"].column("value_raw").to_pylist()
    return np.array(raw, np.float64), sentence
