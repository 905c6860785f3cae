"""Landmarks and blendshapes of our face cores against mediapipe's, and the torch core's speed.

    python -m bench.face_core [--device auto] [--every 1] [--rounds 3] [--time-cpu]

Parity: every frame of the shared clip, and scikit-image's astronaut, against mediapipe's own
FaceLandmarker in IMAGE mode (a child process without network), on the networks of one
face_landmarker.task. Errors are in distances between the eyes' centres.

Speed: frames with two faces, already in the device's memory, through the whole core (detector,
suppression, crops, mesh), in turns with one process of mediapipe; medians. It needs a card; with
`--time-cpu` a processor is timed as well, which serves no goal. The goals on an H200: 6,000 frames
a second from device memory, and 30 times one process of mediapipe.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
import torch
from skimage import data

from models.base import FaceObservation, Frame, Image, StillFrame
from models.batches import is_out_of_memory
from models.device import Device, resolve
from models.errors import DeviceUnavailableError, EngineError
from models.faces.blendshapes import BlendshapeNetwork
from models.faces.core_torch import TorchFaceCore
from models.faces.geometry import eye_centre_distance
from models.faces.mediapipe_reference import MediapipeReference, ReferenceFace
from models.faces.networks import TASK_DETECTOR, TASK_MESH, task_member
from models.faces.networks_torch import TorchBlendshapes
from models.faces.tracker import EmbeddedFaceTracker
from models.faces.tracker_torch import TorchFaceTracker
from models.options import FaceTrackerOptions
from models.weights.catalog import locate

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
TASK = ROOT.parent / "shared" / "models" / "face_landmarker.task"
CLIP = DATA / "video" / "WolfgangLanger_Pexels.mp4"
SIZES = {"640x360": (360, 640), "1920x1080": (1080, 1920)}
BATCHES = {"cuda": (16, 64, 128, 256), "cpu": (1, 8)}
REPEATS = {"cuda": 10, "cpu": 1}
MOST_FACES = 2
GOAL_FPS, GOAL_RATIO = 6_000, 30

Rows = list[FaceObservation]


def clip_and_portrait(every: int) -> list[list[Frame]]:
    """Frames by size: the clip's, where it is at hand, and the astronaut."""
    found: list[list[Frame]] = [[StillFrame(0, 0.0, np.ascontiguousarray(data.astronaut()))]]
    if CLIP.is_file():
        with av.open(str(CLIP)) as container:
            pictures = itertools.islice(container.decode(video=0), 0, None, every)
            clip: list[Frame] = [
                StillFrame(i, float(p.time or 0), np.asarray(p.to_ndarray(format="rgb24")))
                for i, p in enumerate(pictures)
            ]
        found.insert(0, clip)
    return found


def parity(device: Device, every: int, task: Path) -> None:
    films = clip_and_portrait(every)
    alone = FaceTrackerOptions(single_frames=True)
    litert = EmbeddedFaceTracker.from_task(task, options=alone)
    batched = TorchFaceTracker.from_task(task, device=device, as_mediapipe=True)
    blendshapes, on_device = BlendshapeNetwork(task), TorchBlendshapes(task, batched.core.device)

    def many(points: np.ndarray) -> np.ndarray:
        return on_device(torch.from_numpy(points).to(batched.core.device)).cpu().numpy()

    ours = {
        "LiteRT": ([list(litert.track(film, people=1)) for film in films], blendshapes),
        f"torch, {device}": ([list(batched.track(film, people=1)) for film in films], many),
    }
    try:
        with MediapipeReference(task, blendshapes=True) as reference:
            truth = [[reference.faces(frame.image) for frame in film] for film in films]
        print("against mediapipe, IMAGE mode")
    except EngineError as refusal:
        print(f"no comparison with mediapipe: {refusal}\nagainst our LiteRT core instead")
        rows = [row for film in ours.pop("LiteRT")[0] for row in film]
        truth = [[_as_reference(row, blendshapes) for row in rows]]
    print(
        f"{'core':16} {'faces':>6} {'mean':>9} {'99.9 %':>9} {'worst face':>11} {'blendshape':>11}"
    )
    for name, (found, coefficients) in ours.items():
        print(f"{name:16} {_errors(found, truth, coefficients)}")


def _as_reference(row: FaceObservation, network: BlendshapeNetwork) -> tuple[ReferenceFace, ...]:
    return () if row.points is None else (ReferenceFace(row.points, network(row.points)),)


def _errors(
    found: list[Rows],
    truth: list[list[tuple[ReferenceFace, ...]]],
    coefficients: Callable[[np.ndarray], np.ndarray],
) -> str:
    """Of points: mean and 99.9 %; of a face's mean and of a blendshape: the worst."""
    pairs, one_sided = [], 0
    for row, faces in zip(itertools.chain(*found), itertools.chain(*truth), strict=True):
        if row.points is not None and faces:
            pairs.append((row.points, faces[0]))
        else:
            one_sided += bool(faces) + (row.points is not None)
    points = np.stack([mine for mine, _ in pairs])
    scale = [eye_centre_distance(face.points) for _, face in pairs]
    off = np.linalg.norm(points - np.stack([face.points for _, face in pairs]), axis=2)
    off /= np.array(scale)[:, None]
    apart = np.abs(coefficients(points) - np.stack([face.blendshapes for _, face in pairs])).max()
    numbers = f"{off.mean():9.1e} {np.quantile(off, 0.999):9.1e} {off.mean(axis=1).max():11.1e}"
    alone = f"  {one_sided} found by one side only" if one_sided else ""
    return f"{len(pairs):6} {numbers} {apart:11.4f}{alone}"


def two_faces(size: tuple[int, int], index: int) -> Image:
    """A grey frame with two heads that move from frame to frame."""
    height, width = size
    head = data.astronaut()[0:220, 110:330]
    times = max(1, round(height / 360))
    head = np.repeat(np.repeat(head, times, axis=0), times, axis=1)
    image = np.full((height, width, 3), 90, np.uint8)
    for column in (width // 4, 3 * width // 4):
        left = column - head.shape[1] // 2 + index % 16
        top = (height - head.shape[0]) // 2 + index % 8
        image[top : top + head.shape[0], left : left + head.shape[1]] = head
    return image


def speed(device: Device, rounds: int, task: Path) -> None:
    place = torch.device(str(device))
    with ExitStack() as opened:
        reference = None
        try:
            reference = opened.enter_context(MediapipeReference(task, people=MOST_FACES))
        except (DeviceUnavailableError, ImportError) as refusal:
            print(f"mediapipe is not timed: {refusal}")
        for as_mediapipe in (True, False):
            cores = _cores(task, place, as_mediapipe=as_mediapipe)
            how = "one mesh pass, as mediapipe" if as_mediapipe else "area shrink, two mesh passes"
            for name, size in SIZES.items():
                print(f"\n{name}, two faces a frame, {how}")
                _race(cores, place, size, rounds, reference)


def _cores(task: Path, place: torch.device, *, as_mediapipe: bool) -> dict[str, TorchFaceCore]:
    """By memory layout inside the networks."""
    detector, mesh = task_member(task, TASK_DETECTOR), task_member(task, TASK_MESH)
    return {
        name: TorchFaceCore(
            detector=detector,
            mesh=mesh,
            device=place,
            as_mediapipe=as_mediapipe,
            channels_last=channels_last,
        )
        for name, channels_last in (("channels last", True), ("channels first", False))
    }


def _race(
    cores: dict[str, TorchFaceCore],
    place: torch.device,
    size: tuple[int, int],
    rounds: int,
    reference: MediapipeReference | None,
) -> None:
    images = [two_faces(size, index) for index in range(16)]
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        if reference is not None:
            rate = _of_mediapipe(reference, images)
            rates.setdefault("mediapipe, one process", []).append(rate)
        for batch, layout in itertools.product(BATCHES[place.type], cores):
            frames = torch.from_numpy(np.stack(images)).to(place)
            frames = frames.repeat(-(-batch // len(images)), 1, 1, 1)[:batch].contiguous()
            name = f"torch, {layout}, batch {batch}"
            try:
                rates.setdefault(name, []).append(_of_core(cores[layout], frames))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                print(f"{name}: no room")
    base = statistics.median(rates.get("mediapipe, one process", [np.nan]))
    for name, values in rates.items():
        if values:
            rate = statistics.median(values)
            print(f"{name:32} {rate:9.1f} frames/s  x{rate / base:.1f}")


def _of_core(core: TorchFaceCore, frames: torch.Tensor) -> float:
    """Frames a second from device memory, after one pass to warm up."""
    found = core(frames, most=MOST_FACES)
    expected = MOST_FACES * len(frames)
    if int((found.presence >= 0.5).sum()) != expected:
        message = f"{len(found.presence)} faces measured where there are {expected}"
        raise EngineError(message)
    repeats = REPEATS[frames.device.type]
    _wait(frames.device)
    started = time.perf_counter()
    for _ in range(repeats):
        core(frames, most=MOST_FACES)
    _wait(frames.device)
    return repeats * len(frames) / (time.perf_counter() - started)


def _wait(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize(place)


def _of_mediapipe(reference: MediapipeReference, images: list[Image]) -> float:
    started = time.perf_counter()
    for image in images:
        if len(reference.landmarks(image)) != MOST_FACES:
            message = "mediapipe did not find both faces"
            raise EngineError(message)
    return len(images) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--every", type=int, default=1, help="parity on every n-th frame")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--time-cpu", action="store_true", help="time a processor as well")
    chosen = parser.parse_args()
    torch.set_num_threads(1)  # on a processor both sides get one
    try:
        device = resolve(chosen.device)
        task = TASK if TASK.is_file() else locate("face-landmarker-task")
        parity(device, chosen.every, task)
        if device.kind == "cuda" or chosen.time_cpu:
            print(f"\ngoals on an H200: {GOAL_FPS} frames/s, x{GOAL_RATIO} (one mesh pass)")
            speed(device, chosen.rounds, task)
        else:
            print("\nno card here: the torch core's speed is not measured")
    except EngineError as refusal:
        parser.exit(2, f"{refusal}\n")


if __name__ == "__main__":
    main()
