"""Frames per second of our trackers and of the naive way, side by side, and how far apart they are.

    python -m bench.faces [video] [--height 1080] [--rounds 3] [--frames 200]

The naive way is what a first script does: cv2 reads every frame and mediapipe's own FaceLandmarker
looks at each from scratch. It runs in its child process without network, because the library
reports usage, and gets its frames through a pipe; nothing is subtracted for that. Ours reads with
the pipeline's own reader. All read the same file and take turns; the median of the rounds is
printed: trust the ratio, not the seconds of a busy machine.

Points are compared with mediapipe's on the same decoded frames, as distance over eye distance: once
following from frame to frame, as we work, and once frame by frame, which is what mediapipe does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from models.errors import EngineError
from models.faces.geometry import eye_centre_distance
from models.faces.mediapipe_reference import MediapipeReference
from models.faces.tracker import EmbeddedFaceTracker
from models.options import FaceTrackerOptions
from models.weights.catalog import locate
from pipeline.media.video import read_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.base import Frame

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
TASK = ROOT.parent / "shared" / "models" / "face_landmarker.task"
NAIVE = "naive: mediapipe on each frame"
MAX_FPS = 1000.0
MEAN_BOUND, TAIL_BOUND = 5e-4, 5e-3
"""Of the mean, and of 99.9 % of points, in eye distances."""


def ours(engine: EmbeddedFaceTracker, video: Path, n: int) -> tuple[int, int]:
    rows = [seen.reason is None for seen in engine.track(_frames(video, n), people=1)]
    return len(rows), sum(rows)


def _frames(video: Path, n: int) -> Iterator[Frame]:
    return islice(read_frames(video, max_fps=MAX_FPS), n)


def naive(engine: MediapipeReference, video: Path, n: int) -> tuple[int, int]:
    capture = cv2.VideoCapture(str(video))
    total = found = 0
    while total < n:
        more, image = capture.read()
        if not more:
            break
        total += 1
        rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        found += bool(engine.landmarks(rgb))
    return total, found


def resized(video: Path, height: int, folder: Path, n: int) -> Path:
    """The video's first `n` frames at another height, as VP8 (no patented or GPL encoder)."""
    target = folder / f"{height}.webm"
    with av.open(str(video)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        width = round(stream.width * height / stream.height / 2) * 2
        options = {"cpu-used": "8", "deadline": "realtime"}
        output = sink.add_stream("libvpx", rate=stream.average_rate, options=options)
        output.width, output.height, output.bit_rate = width, height, 3_000_000
        output.pix_fmt = "yuv420p"
        for picture in islice(source.decode(stream), n):
            sink.mux(output.encode(picture.reformat(width=width, height=height)))
        sink.mux(output.encode())
    return target


def embedded() -> EmbeddedFaceTracker:
    return EmbeddedFaceTracker(
        detector=locate("mediapipe-face-detector-full"),
        mesh=locate("mediapipe-face-mesh-468"),
        iris=locate("mediapipe-iris"),
    )


def speed(video: Path, rounds: int, n: int, task: Path) -> None:
    engines = {
        "ours: 468 points + iris": embedded(),
        "ours: 478 points of the .task": EmbeddedFaceTracker.from_task(task),
        "ours: the same, frame by frame": frame_by_frame(task),
    }
    with MediapipeReference(task) as reference:
        ways: dict[str, Callable[[], tuple[int, int]]] = {
            name: lambda engine=engine: ours(engine, video, n) for name, engine in engines.items()
        }
        ways[NAIVE] = lambda: naive(reference, video, n)
        rates: dict[str, list[float]] = {name: [] for name in ways}
        counts = {}
        for turn in range(rounds + 1):
            for name, way in ways.items():
                started = time.perf_counter()
                counts[name] = way()
                if turn:  # the first turn warms up
                    rates[name].append(counts[name][0] / (time.perf_counter() - started))
    base = statistics.median(rates[NAIVE])
    for name, values in rates.items():
        total, found = counts[name]
        rate = statistics.median(values)
        print(f"  {name:32} {rate:7.1f} frames/s  x{rate / base:.2f}  face in {found}/{total}")


def frame_by_frame(task: Path) -> EmbeddedFaceTracker:
    return EmbeddedFaceTracker.from_task(task, options=FaceTrackerOptions(single_frames=True))


def apart(engine: EmbeddedFaceTracker, reference: MediapipeReference, frames: list[Frame]) -> str:
    errors = []
    for frame, seen in zip(frames, engine.track(frames, people=1), strict=True):
        faces = reference.landmarks(frame.image)
        if faces and seen.points is not None:
            distance = np.linalg.norm(seen.points - faces[0], axis=1)
            errors.append(distance / eye_centre_distance(faces[0]))
    values = np.concatenate(errors)
    mean, tail = values.mean(), np.percentile(values, 99.9)
    verdict = "inside" if mean <= MEAN_BOUND and tail <= TAIL_BOUND else "outside"
    return f"mean {mean:.1e}, 99.9 % below {tail:.1e}: {verdict} the parity bound"


def parity(video: Path, n: int, task: Path) -> None:
    frames = list(_frames(video, n))
    with MediapipeReference(task) as reference:
        following = EmbeddedFaceTracker.from_task(task)
        print(f"  following against mediapipe:      {apart(following, reference, frames)}")
        print(
            f"  frame by frame against mediapipe: {apart(frame_by_frame(task), reference, frames)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = DATA / "video" / "WolfgangLanger_Pexels.mp4"
    parser.add_argument("video", type=Path, nargs="?", default=default)
    parser.add_argument("--height", type=int, default=1080, help="second row: at this height")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=200, help="frames of each row")
    parser.add_argument("--parity-frames", type=int, default=60)
    chosen = parser.parse_args()
    task = TASK if TASK.is_file() else locate("face-landmarker-task")
    try:
        with tempfile.TemporaryDirectory() as folder:
            larger = resized(chosen.video, chosen.height, Path(folder), chosen.frames)
            for name, video in (("as it is", chosen.video), (f"{chosen.height} rows", larger)):
                print(f"{chosen.video.name}, {name}:")
                speed(video, chosen.rounds, chosen.frames, task)
                parity(video, chosen.parity_frames, task)
    except EngineError as refusal:
        parser.exit(2, f"{refusal}\n")


if __name__ == "__main__":
    main()
