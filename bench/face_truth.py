"""Is what we measure of faces true? Blinks, nods, head angles and gaze against a known truth.

    python -m bench.face_truth [part ...] [--engine 468|478|both] [--seconds 30]

Parts: `series` (eye aspect and pitch made as numbers), `labelled` (two real eye-aspect recordings
with labels), `angles`, `gaze`, `events` and `nothing` (a real portrait animated by `made.heads`,
through the real trackers and the real landmarks and face stages).

What is circular: gaze, whose iris moves by the same degrees per eye width that the stage reads;
head angles with the canonical shape, with which the mesh was trained. Absolute angles are not
claimed, only their change. Blinks, nods and the gates are not circular.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.face_series import print_labelled, print_series
from bench.made.filmed_heads import (
    CAMERAS,
    REST_PITCH_DEG,
    Camera,
    filmed,
    make_plan,
    measured,
    plan_filmed,
)
from bench.made.heads import (
    Portrait,
    Pose,
    View,
    canonical_depth_mm,
    ellipsoid_depth_mm,
    look_at,
    read_portrait,
)
from models.base import FaceTracker, Interval
from models.faces.networks import TASK_MESH, task_member
from models.faces.tracker import EmbeddedFaceTracker
from models.weights.catalog import locate
from pipeline.align.client_frames import client_events, client_frames
from pipeline.align.faces import face_cues
from pipeline.settings import AlignSettings
from pipeline.spans import Windows

Floats = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
TASK = ROOT.parent / "shared" / "models" / "face_landmarker.task"

AXES = ("yaw", "pitch", "roll")
SWEEP_DEG = tuple(np.arange(-25.0, 26.0, 5.0).tolist())
SLOPES = (0.8, 1.2)
HOLD_S, SETTLE_S = 0.6, 0.1
STEP_DEG = 8.0
BLINK_F1, NOD_F1 = 0.95, 0.9
BLINK_CUE, NOD_CUE, GAZE_CUE = (
    "client_blink_rate_listening_pm", "client_nod_slow_pm", "client_gaze_path_rate_dps",
)  # fmt: skip
SWEPT_CAMERAS = (
    "25 fps", "eyes 32 px", "eyes 60 px", "eyes 80 px", "noise 8", "blur 1.2 px", "JPEG 40",
    "glasses", "lamp switched", "all bad, 20 fps",
)  # fmt: skip
"""Angles are measured frame by frame: what a camera's rate is does not matter."""
GAZE_CAMERAS = (
    "15 fps", "25 fps", "eyes 60 px", "eyes 80 px", "noise 8", "blur 1.2 px", "JPEG 40",
    "glasses", "lamp switched", "irregular", "all bad, 20 fps",
)  # fmt: skip
STILL_CAMERAS = ("25 fps", "eyes 80 px", "noise 8", "blur 1.2 px", "glasses", "lamp switched")


def sweep(view: View, camera: Camera, engine: FaceTracker, axis: int) -> Floats:
    """Measured angle of one axis at each of `SWEEP_DEG`, the others at rest; NaN where null."""
    turns = np.zeros((len(SWEEP_DEG), 3))
    turns[:, axis] = SWEEP_DEG
    poses = [Pose(yaw, REST_PITCH_DEG + pitch, roll) for yaw, pitch, roll in turns.tolist()]
    film = filmed(view, poses, [i / camera.fps for i in range(len(poses))], camera)
    return column(measured(film, engine, view.size)["face_frames"], f"head_{AXES[axis]}_deg")


def column(frames: pa.Table, name: str) -> Floats:
    """A column's numbers, NaN where null."""
    return np.asarray(frames.column(name).to_numpy(zero_copy_only=False), np.float64)


def slope_and_order(found_deg: Floats) -> tuple[float, bool]:
    """Slope of measured over planned, and whether each step of 5 deg goes the right way."""
    known = np.isfinite(found_deg)
    if known.sum() < 2:
        return float("nan"), False
    slope = float(np.polyfit(np.array(SWEEP_DEG)[known], found_deg[known], 1)[0])
    return slope, bool((np.diff(found_deg[known]) > 0).all())


def held_looks() -> list[Pose]:
    """Head turned with the eyes along and against it; eyes up and down under a tilted head."""
    sideways = [
        Pose(head, REST_PITCH_DEG, 0.0, eye)
        for head in (-15.0, 0.0, 15.0)
        for eye in (-12.0, -4.0, 4.0, 12.0)
    ]
    upright = [
        Pose(0.0, REST_PITCH_DEG + head, 0.0, eye, pitch)
        for head in (-6.0, 6.0)
        for eye in (-6.0, 6.0)
        for pitch in (-8.0, 0.0, 8.0)
    ]
    poses = sideways + upright
    return [poses[i] for i in np.random.default_rng(2).permutation(len(poses))]


def pairs_in_order(
    view: View, camera: Camera, engine: FaceTracker, poses: Sequence[Pose]
) -> dict[str, tuple[int, int]]:
    """Pairs of held looks planned at least 8 deg apart, and how many come out in that order.

    Sideways, up and down, and of the latter those in which the head stays and the eyes move alone.
    """
    t_s = camera.times(HOLD_S * len(poses))
    held = np.minimum((t_s / HOLD_S).astype(int), len(poses) - 1)
    film = filmed(view, [poses[i] for i in held], t_s.tolist(), camera)
    frames = measured(film, engine, view.size)["face_frames"]
    settled = t_s - held * HOLD_S > SETTLE_S
    head = np.array([pose.pitch_deg for pose in poses])
    planned = {
        "yaw": np.array([pose.yaw_deg + pose.eye_yaw_deg for pose in poses]),
        "pitch": head + np.array([pose.eye_pitch_deg for pose in poses]),
    }
    apart, right = {}, {}
    for axis, truth in planned.items():
        gaze = column(frames, f"gaze_{axis}_deg")
        used = settled & np.isfinite(gaze)
        looks = [gaze[used & (held == i)] for i in range(len(poses))]
        middle = np.array([np.median(look) if look.size else np.nan for look in looks])
        apart[axis] = np.subtract.outer(truth, truth) >= STEP_DEG
        right[axis] = np.subtract.outer(middle, middle) > 0
    apart["eyes alone"] = apart["pitch"] & np.equal.outer(head, head)
    apart["pitch"] &= ~apart["eyes alone"]
    right["eyes alone"] = right["pitch"]
    return {
        axis: (int(some.sum()), int((some & right[axis]).sum())) for axis, some in apart.items()
    }


def hits_of(planned: Sequence[Any], found: Sequence[Interval]) -> int:
    """Planned events with a found one of their own that overlaps them."""
    left, hits = list(found), 0
    for event in planned:
        over = [f for f in left if f.start_s < event.end_s and f.end_s > event.start_s]
        if over:
            left.remove(over[0])
            hits += 1
    return hits


def f1(planned: Sequence[Any], found: Sequence[Interval]) -> float:
    """Harmonic mean of precision and recall; 1 where nothing was planned and nothing found."""
    total = len(planned) + len(found)
    return 2 * hits_of(planned, found) / total if total else 1.0


def events_of(events: pa.Table, *kinds: str) -> list[Interval]:
    """Events of these kinds."""
    rows = events.to_pylist()
    return [Interval(row["start_s"], row["end_s"]) for row in rows if row["kind"] in kinds]


def cue_reasons(found: dict[str, pa.Table], duration_s: float) -> dict[str, str | None]:
    """Why each cue of one window over the whole film is null; None where it is a number."""
    windows = Windows(np.array([0.0]), np.array([duration_s]))
    frames, events = client_frames(found["face_frames"]), client_events(found["face_events"])
    cues = face_cues(frames, events, np.empty((0, 2)), windows, AlignSettings())
    return {name: cue.reason[0] for name, cue in cues.items()}


def gate(camera: Camera, least_px: float, least_fps: float) -> str | None:
    """The reason that has to stand where a camera is too far or too slow."""
    if camera.eyes_px < least_px:
        return "small_face"
    return "low_fps" if camera.fps < least_fps else None


# what is printed


def engines(chosen: str) -> dict[str, EmbeddedFaceTracker]:
    """The embedded engine (468), and that of the bundle (478) where the bundle is here."""
    detector = locate("mediapipe-face-detector-full")
    both = {
        "468": EmbeddedFaceTracker(
            detector=detector,
            mesh=locate("mediapipe-face-mesh-468"),
            iris=locate("mediapipe-iris"),
        )
    }
    if TASK.is_file():
        both["478"] = EmbeddedFaceTracker(detector=detector, mesh=task_member(TASK, TASK_MESH))
    return both if chosen == "both" else {chosen: both[chosen]}


def shapes(portrait: Portrait) -> dict[str, NDArray[np.float32]]:
    """Shapes of head by name, the best known one first."""
    own = {"ellipsoid": ellipsoid_depth_mm()}
    if TASK.is_file():
        return {"canonical": canonical_depth_mm(portrait, TASK)} | own
    return own


def print_angles(portrait: Portrait, trackers: dict[str, EmbeddedFaceTracker]) -> None:
    """Slope of measured over planned head angle within 25 deg; `*` where a bar is missed."""
    print(
        f"head angles: slope (bar {SLOPES[0]} to {SLOPES[1]}), ! where a step of 5 deg goes wrong"
    )
    for shape, depth in shapes(portrait).items():
        for camera in CAMERAS:
            if camera.name not in SWEPT_CAMERAS:
                continue
            view = look_at(portrait, depth, eyes_px=camera.eyes_px, glasses=camera.glasses)
            for name, engine in trackers.items():
                cells = []
                for axis, label in enumerate(AXES):
                    slope, ordered = slope_and_order(sweep(view, camera, engine, axis))
                    inside = SLOPES[0] <= slope <= SLOPES[1]
                    mark = ("" if inside else "*") + ("" if ordered else "!")
                    cells.append(f"{label} {slope:.2f}{mark:2}")
                print(f"  {shape:10} {camera.name:17} {name}  {'  '.join(cells)}", flush=True)


def print_gaze(portrait: Portrait, trackers: dict[str, EmbeddedFaceTracker]) -> None:
    """Pairs of looks at least 8 deg apart that are measured in the planned order; * not all."""
    print(f"gaze: pairs of looks planned at least {STEP_DEG:.0f} deg apart that come out in order;")
    print("sideways; up and down with the head; up and down by the eyes alone")
    depth = next(iter(shapes(portrait).values()))
    for camera in CAMERAS:
        if camera.name not in GAZE_CAMERAS:
            continue
        nearer = replace(camera, eyes_px=max(camera.eyes_px, 48))
        view = look_at(portrait, depth, eyes_px=nearer.eyes_px, glasses=camera.glasses)
        for name, engine in trackers.items():
            pairs = pairs_in_order(view, nearer, engine, held_looks())
            said = "  ".join(
                f"{axis} {right}/{n}{'' if right == n else '*'}"
                for axis, (n, right) in pairs.items()
            )
            print(f"  {camera.name:17} {name}  {said}", flush=True)


def print_events(
    portrait: Portrait, trackers: dict[str, EmbeddedFaceTracker], seconds: float
) -> None:
    """Blinks and nods found among those planned, and the reason where a gate is shut."""
    print(f"events: found/planned (F1; bars {BLINK_F1} and {NOD_F1}), or why null; * outside")
    depth = next(iter(shapes(portrait).values()))
    plan = make_plan(1, seconds)
    for camera in CAMERAS:
        view = look_at(portrait, depth, eyes_px=camera.eyes_px, glasses=camera.glasses)
        film = plan_filmed(view, plan, camera)
        for name, engine in trackers.items():
            found = measured(film, engine, view.size)
            why = cue_reasons(found, seconds)
            blinks = events_of(found["face_events"], "blink")
            nods = events_of(found["face_events"], "nod_slow", "nod_fast")
            cells = [
                _cell(gate(camera, 40, 20), why[BLINK_CUE], plan.blinks, blinks, BLINK_F1),
                _cell(gate(camera, 25, 15), why[NOD_CUE], plan.nods, nods, NOD_F1),
            ]
            shut = gate(camera, 40, 15)
            right = shut is None or why[GAZE_CUE] == shut
            cells.append(f"gaze {why[GAZE_CUE] or 'measured'}{'' if right else '*'}")
            print(f"  {camera.name:17} {name}  " + "".join(f"{c:24}" for c in cells), flush=True)


def _cell(
    shut: str | None,
    why: str | None,
    planned: Sequence[Any],
    found: Sequence[Interval],
    bar: float,
) -> str:
    kind = "nods" if bar == NOD_F1 else "blinks"
    if shut:
        return f"{kind} {why}{'' if why == shut and not found else '*'}"
    value = f1(planned, found)
    hits = hits_of(planned, found)
    extra = f"+{len(found) - hits}" if len(found) > hits else ""
    return f"{kind} {hits}{extra}/{len(planned)} ({value:.2f}){'' if value >= bar else '*'}"


def print_nothing(
    portrait: Portrait, trackers: dict[str, EmbeddedFaceTracker], seconds: float
) -> None:
    """Events found where somebody speaks and looks about, but neither blinks nor nods."""
    print(f"events in {seconds:.0f} s of speaking without a blink or a nod")
    depth = next(iter(shapes(portrait).values()))
    whole = (Interval(0.0, seconds),)
    plan = replace(make_plan(1, seconds), blinks=(), nods=(), speaking=whole)
    for camera in CAMERAS:
        if camera.name not in STILL_CAMERAS:
            continue
        view = look_at(portrait, depth, eyes_px=camera.eyes_px, glasses=camera.glasses)
        film = plan_filmed(view, plan, camera)
        for name, engine in trackers.items():
            kinds = [
                row["kind"] for row in measured(film, engine, view.size)["face_events"].to_pylist()
            ]
            counts = "  ".join(
                f"{kind} {kinds.count(kind)}"
                for kind in ("blink", "nod_slow", "nod_fast", "head_shake")
            )
            print(f"  {camera.name:17} {name}  {counts}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("series", "labelled", "angles", "gaze", "events", "nothing")
    parser.add_argument("parts", nargs="*", help=f"default: all of {', '.join(parts)}")
    parser.add_argument("--engine", choices=("468", "478", "both"), default="both")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each film of events")
    chosen = parser.parse_args()
    wanted = chosen.parts or list(parts)
    if set(wanted) - set(parts):
        parser.error(f"no part {', '.join(set(wanted) - set(parts))}; there are {', '.join(parts)}")
    if "series" in wanted:
        print_series()
    if "labelled" in wanted and (DATA / "blink").is_dir():
        print_labelled(DATA / "blink")
    if not set(wanted) - {"series", "labelled"}:
        return
    trackers = engines(chosen.engine)
    portrait = read_portrait(trackers.get("468") or next(iter(trackers.values())))
    if "angles" in wanted:
        print_angles(portrait, trackers)
    if "gaze" in wanted:
        print_gaze(portrait, trackers)
    if "events" in wanted:
        print_events(portrait, trackers, chosen.seconds)
    if "nothing" in wanted:
        print_nothing(portrait, trackers, chosen.seconds)


if __name__ == "__main__":
    main()
