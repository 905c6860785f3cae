"""The demo: a made session whose truth is known, processed by the real engines, and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from flows.engines import build_face_tracker, describe_transcriber
from flows.progress import Board
from flows.summary import show
from flows.terminal import hushed
from flows.work import work_through
from models.base import Image, StillFrame
from pipeline.config import load_profile
from pipeline.errors import InputError
from pipeline.made.conversation import make_plan, sample_portrait, write_session
from pipeline.made.planted import Finding, compare
from pipeline.profile import Profile
from pipeline.results.views import Output
from pipeline.stage import Missing
from pipeline.tables import TABLES

_MARGIN = 0.25
"""Of the portrait's size, added round it so that a tight portrait is found too."""


def run_demo(
    *,
    out: Path,
    seed: int,
    face: Path | None,
    minutes: float,
    transcript: bool,
    console: Console,
) -> int:
    """Make the session if it is not there yet, process it, print planted against found.

    Returns
    -------
    0 if the session is done and every planted fact was found within its bar, else 1.
    """
    recordings = out / "recordings"
    portrait = _portrait(face)
    console.print(f"A made session: {minutes:.0f} minutes, seed {seed}. Nobody said any of this.")
    folder = _make(recordings, seed, minutes, portrait, transcript=transcript)
    profile = load_profile()
    work = work_through(
        [folder],
        consent=recordings / "consent.toml",
        profile=profile,
        out=out,
        board=Board(),
    )
    show(work, console)
    console.print(_transcript_line(profile, transcript), highlight=False, markup=False)
    if work.unwritten or any(outcome.state != "done" for outcome in work.outcomes.values()):
        return 1
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    findings = compare(truth, _tables(Output(out).latest(folder.name)))
    _show_findings(findings, console)
    return 0 if all(finding.ok for finding in findings) else 1


def _transcript_line(profile: Profile, imported: bool) -> str:
    """Where the made session's words come from."""
    engine = describe_transcriber(profile)
    if imported:
        return "transcript: imported, as planted (--transcript)"
    if isinstance(engine, Missing):
        return f"transcript: none. {engine.sentence} {engine.remedy}"
    return f"transcript: recognised by {engine.engine}, {engine.precision}"


def _make(
    recordings: Path, seed: int, minutes: float, portrait: Image, *, transcript: bool
) -> Path:
    with Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn()
    ) as bar:
        row = bar.add_task("making voices", total=1.0)
        plan = make_plan(seed, minutes)

        def report(step: str, share: float) -> None:
            bar.update(row, description=f"making the session: {step}", completed=share)

        return write_session(
            plan,
            recordings,
            face=portrait,
            find_points=_find_points,
            transcript=transcript,
            progress=report,
        )


def _portrait(file: Path | None) -> Image:
    if file is None:
        return sample_portrait()
    import cv2

    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"--face {file}: not a picture that can be read; give a JPEG or PNG")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _find_points(image: Image) -> NDArray[np.float32]:
    """Face points of a portrait, found by the same engine that will track it."""
    pad_y, pad_x = (round(_MARGIN * side) for side in image.shape[:2])
    padded = np.pad(image, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), mode="edge")
    with hushed():
        tracker = build_face_tracker(load_profile())
        (found,) = tracker.track([StillFrame(0, 0.0, padded)], people=1)
    if found.points is None:
        raise InputError("no face was found in the portrait; give one that looks into the camera")
    return np.asarray(found.points - [pad_x, pad_y], np.float32)


def _tables(folder: Path) -> dict[str, Any]:
    return {
        name: pq.read_table(folder / f"{name}.parquet")
        for name, table in TABLES.items()
        if not table.private
    }


def _show_findings(findings: list[Finding], console: Console) -> None:
    table = Table(title="planted and found", title_justify="left", box=None, pad_edge=False)
    for heading in ("what", "planted", "found", "bar", ""):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        verdict = "within" if finding.ok else "[bold]OUTSIDE[/bold]"
        table.add_row(finding.name, finding.planted, finding.found, finding.bar, verdict)
    console.print(table)
