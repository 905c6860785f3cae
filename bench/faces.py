"""Frames per second of our tracker and of the naive way, side by side.

    python -m bench.faces [video] [--height 720] [--rounds 3]

The naive way is what a first script does: cv2 reads every frame and mediapipe's own FaceLandmarker
looks at each from scratch (in its child process without network). Both read the same file, take
turns, and the median of the rounds is printed: trust the ratio, not the seconds of a busy machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from models.base import Frame, StillFrame
from models.catalog import locate
from models.errors import EngineError
from models.face_tracker import EmbeddedFaceTracker
from models.mediapipe_reference import MediapipeReference

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
TASK = ROOT.parent / "shared" / "models" / "face_landmarker.task"


def frames(video: Path) -> Iterator[Frame]:
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for index, picture in enumerate(container.decode(stream)):
            image = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
            yield StillFrame(index, picture.time, image)


def ours(engine: EmbeddedFaceTracker, video: Path) -> tuple[int, int]:
    rows = [seen.reason is None for seen in engine.track(frames(video), people=1)]
    return len(rows), sum(rows)


def naive(engine: MediapipeReference, video: Path) -> tuple[int, int]:
    capture = cv2.VideoCapture(str(video))
    total = found = 0
    while True:
        more, image = capture.read()
        if not more:
            return total, found
        total += 1
        rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        found += bool(engine.landmarks(rgb))


def resized(video: Path, height: int, folder: Path) -> Path:
    """The video at another height, as VP8 (no patented or GPL encoder is called)."""
    target = folder / f"{height}.webm"
    with av.open(str(video)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        width = round(stream.width * height / stream.height / 2) * 2
        options = {"cpu-used": "8", "deadline": "realtime"}
        output = sink.add_stream("libvpx", rate=stream.average_rate, options=options)
        output.width, output.height, output.bit_rate = width, height, 3_000_000
        output.pix_fmt = "yuv420p"
        for picture in source.decode(stream):
            sink.mux(output.encode(picture.reformat(width=width, height=height)))
        sink.mux(output.encode())
    return target


def embedded() -> EmbeddedFaceTracker:
    return EmbeddedFaceTracker(
        detector=locate("mediapipe-face-detector-full"),
        mesh=locate("mediapipe-face-mesh-468"),
        iris=locate("mediapipe-iris"),
    )


def report(video: Path, rounds: int) -> None:
    task = TASK if TASK.is_file() else locate("face-landmarker-task")
    core, bundle = embedded(), EmbeddedFaceTracker.from_task(task)
    with MediapipeReference(task) as reference:
        ways = {
            "ours, 468 points + iris": lambda: ours(core, video),
            "ours, 478 points of the .task": lambda: ours(bundle, video),
            "naive, mediapipe on each frame": lambda: naive(reference, video),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        counts = {}
        for _ in range(rounds):
            for name, way in ways.items():
                started = time.perf_counter()
                counts[name] = way()
                rates[name].append(counts[name][0] / (time.perf_counter() - started))
    base = statistics.median(rates["naive, mediapipe on each frame"])
    for name, values in rates.items():
        total, found = counts[name]
        rate = statistics.median(values)
        print(f"{name:32} {rate:7.1f} frames/s  x{rate / base:.2f}  face in {found}/{total}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = DATA / "video" / "WolfgangLanger_Pexels.mp4"
    parser.add_argument("video", type=Path, nargs="?", default=default)
    parser.add_argument("--height", type=int, help="resize to this height first")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            video = chosen.video
            if chosen.height:
                video = resized(video, chosen.height, Path(folder))
            report(video, chosen.rounds)
    except EngineError as refusal:
        parser.exit(2, f"{refusal}\n")


if __name__ == "__main__":
    main()
