"""Small faces in a made 1080p room: how many are found, who is swapped, what is invented, how fast.

    python -m bench.far_faces [--seconds 4] [--rooms 2]

The face is scikit-image's portrait at 24 to 64 px between the eyes, one and two people who sit and
sway at 25 fps. Recall counts frames after the first 2 s in which both measured eyes lie within a
quarter of an eye distance of where they were drawn. In a crossing two people walk past each other;
a swapped row is one that holds the other's face. Drawing is not part of the times.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.faces import embedded
from bench.made.rooms import FACE_WIDTHS, FPS, Pose, crossing, film, is_on, seated
from models.errors import EngineError
from pipeline.media.video import read_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from models.base import FaceObservation, Frame
    from models.faces.tracker import EmbeddedFaceTracker

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
START_S = 2.0
EYES = (24, 32, 48, 64)
APART_WIDTHS = 0.3
"""Nearer than this two faces are in one place and nobody can be swapped."""


class Stopwatch:
    """Hands frames on and leaves out of its time what the drawing took."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = frames
        self.drawing_s = 0.0
        self.count = 0

    def __iter__(self) -> Iterator[Frame]:
        began = time.thread_time()
        for frame in self._frames:
            self.drawing_s += time.thread_time() - began
            self.count += 1
            yield frame
            began = time.thread_time()


def tracked(
    engine: EmbeddedFaceTracker, frames: Iterable[Frame], people: int
) -> tuple[list[FaceObservation], float]:
    """Rows, and milliseconds of processor time per frame."""
    watch, began = Stopwatch(frames), time.process_time()
    rows = list(engine.track(watch, people=people))
    spent = time.process_time() - began - watch.drawing_s
    return rows, 1e3 * spent / max(1, watch.count)


def recall(engine: EmbeddedFaceTracker, eyes: float, people: int, room: int, n: int) -> list[float]:
    """Share of frames in which a person was found, worst person, and milliseconds per frame."""
    places = [Pose(420 + 50 * room, 440, eyes), Pose(1380 - 70 * room, 410, eyes, person=1)]
    script = seated(places[:people], n, seed=room)
    rows, ms = tracked(engine, film(script, seed=room), people)
    hits = np.array([is_on(row, script[row.frame_index]) for row in rows]).reshape(-1, people)
    return [float(hits[int(START_S * FPS) :].mean(axis=0).min()), ms]


def swaps(engine: EmbeddedFaceTracker, eyes: float, front: int) -> tuple[int, int]:
    """Rows that hold the other person's face, of how many measured."""
    script = crossing(eyes=eyes, speed=eyes / 2, front=front)
    rows, _ = tracked(engine, film(script), 2)
    wrong = measured = 0
    for row in rows:
        poses = script[row.frame_index]
        if row.box is None or abs(poses[0].x - poses[1].x) < APART_WIDTHS * FACE_WIDTHS * eyes:
            continue
        middle = row.box[0] + row.box[2] / 2
        nearest = int(np.argmin([abs(pose.x - middle) for pose in poses]))
        measured, wrong = measured + 1, wrong + (nearest != row.person)
    return wrong, measured


def invented(engine: EmbeddedFaceTracker, frames: Iterable[Frame]) -> str:
    rows, ms = tracked(engine, frames, 2)
    alarms = sum(row.reason != "no_face" for row in rows)
    return f"{alarms} of {len(rows)} rows   {ms:5.1f} ms/frame (two people searched for)"


def report(seconds: float, rooms: int) -> None:
    engine, n = embedded(), int(seconds * FPS)
    print("eyes px  people  recall after 2 s   processor ms/frame")
    for eyes in EYES:
        for people in (1, 2):
            values = np.array([recall(engine, eyes, people, room, n) for room in range(rooms)])
            worst, ms = values[:, 0].min(), float(np.median(values[:, 1]))
            print(f"{eyes:7}  {people:6}  {worst:16.3f}   {ms:8.1f}", flush=True)
    for eyes in EYES:
        counts = [swaps(engine, eyes, front) for front in (0, 1)]
        wrong, measured = (sum(values) for values in zip(*counts, strict=True))
        print(f"crossing at {eyes} px: {wrong} swapped of {measured} measured rows", flush=True)
    for room in range(rooms):
        print(f"empty room {room}: {invented(engine, film([[]] * n, seed=room))}", flush=True)
    video = DATA / "video" / "no_face.mp4"
    if video.is_file():
        print(f"{video.name}: {invented(engine, read_frames(video, max_fps=30.0))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each scene")
    parser.add_argument("--rooms", type=int, default=2)
    chosen = parser.parse_args()
    try:
        report(chosen.seconds, chosen.rooms)
    except EngineError as refusal:
        parser.exit(2, f"{refusal}\n")


if __name__ == "__main__":
    main()
