"""What the face stage costs beside the landmarks it reads, and whether its memory stays flat.

    python -m bench.face_arithmetic [--frames 90000] [--clip-frames 150] [--rounds 3]

An hour of landmarks at 25 frames a second is made (a mean face that turns, blinks and is lost now
and then), written as the store writes it, and read back by the stage in its pieces. In turns with
it the face engine measures landmarks of a real clip, decoding included. Processor time is counted,
of all threads, because it says the same on a busy machine. Named alternative: the same poses one
frame after the other by ``cv2.solvePnP``.

Goal: the stage's own arithmetic costs at most 2 % of the landmarks' time for the same frames.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bench.faces import DATA, embedded
from bench.memory import CLEAR, _resident_mb
from pipeline import tables
from pipeline.face.gaze import LEFT_IRIS, LEFT_LID, RIGHT_IRIS, RIGHT_LID
from pipeline.face.head_pose import MEAN_FACE_MM, POSE_POINTS, camera_matrix
from pipeline.face.pose_fit import fit_poses
from pipeline.media.video import read_frames
from pipeline.paperwork.session import SessionSpec
from pipeline.settings import FaceSettings
from pipeline.stage import Inputs
from pipeline.stages import face

FPS, WIDTH, HEIGHT, POINTS = 25, 1280, 720, 478
CAMERA = camera_matrix(WIDTH, HEIGHT)
PIECE = 1500
GOAL = 0.02
SPEC = SessionSpec.model_validate({
    "id": "bench",
    "session": {"dyad": "D1", "number": 1, "client": "C1", "therapist": "T1"},
    "media": [{"file": "video", "hears": ["mixed"], "shows": ["client"]}],
})  # fmt: skip
Floats = NDArray[np.float64]


class FromFile(Mapping[str, pa.Table]):
    """Upstream tables of the stage: `landmarks` comes piece by piece from its Parquet file."""

    def __init__(self, path: Path) -> None:
        row = dict.fromkeys(tables.MEDIA.by_name)
        row |= {"session_id": "bench", "media": 0, "sha256": "", "offset_s": 0.0}
        media = tables.MEDIA.build_rows([row | {"width_px": WIDTH, "height_px": HEIGHT}])
        self._path, self._tables = path, {"media": media}

    def pieces(self, name: str, rows: int) -> Iterator[pa.RecordBatch]:
        """As `pipeline.results.store.Store.pieces` reads them."""
        assert name == "landmarks"
        with pq.ParquetFile(self._path, pre_buffer=False) as file:
            yield from file.iter_batches(batch_size=rows, use_threads=False)

    def __getitem__(self, name: str) -> pa.Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def base_face() -> Floats:
    """478 points in mm: the mean face where it is defined, an ellipsoid elsewhere."""
    rng = np.random.default_rng(0)
    angles = rng.uniform((-1.2, -1.2), (1.2, 1.2), (POINTS, 2))
    across, along = np.sin(angles).T
    points = np.column_stack([70 * across, 40 + 80 * along, -40 * np.cos(angles).prod(axis=1)])
    half_open = np.array([0.0, 4.0, 0.0])
    points[list(MEAN_FACE_MM)] = list(MEAN_FACE_MM.values())
    for lid, iris in ((LEFT_LID, LEFT_IRIS), (RIGHT_LID, RIGHT_IRIS)):
        p1, p4 = points[lid[0]], points[lid[3]]
        for upper, lower, share in ((1, 5, 0.3), (2, 4, 0.7)):
            middle = p1 + share * (p4 - p1)
            points[lid[upper]], points[lid[lower]] = middle - half_open, middle + half_open
        points[iris] = (p1 + p4) / 2
    return points


def meshes(first: int, n: int) -> Floats:
    """Points in pixels of frames `first` on, shape (n, 478, 2)."""
    t_s = (first + np.arange(n)) / FPS
    rng = np.random.default_rng(first)
    angles = np.column_stack([4 * np.sin(t_s / 5), 14 * np.sin(t_s / 9), 7 * np.sin(t_s / 3)])
    faces = np.tile(base_face(), (n, 1, 1))
    shut = np.where(t_s % 4 < 0.2, 0.15, 1.0)[:, None]
    for lid in (LEFT_LID, RIGHT_LID):
        for upper, lower in ((lid[1], lid[5]), (lid[2], lid[4])):
            faces[:, upper] = faces[:, lower] + shut * (faces[:, upper] - faces[:, lower])
    turned = faces @ np.swapaxes(Rotation.from_euler("ZYX", angles, degrees=True).as_matrix(), 1, 2)
    turned += (30, -20, 900)
    flat = turned[:, :, :2] / turned[:, :, 2:] * CAMERA[0, 0] + CAMERA[:2, 2]
    return np.asarray(flat + rng.normal(0, 0.3, flat.shape))


def made(path: Path, n: int) -> None:
    """Landmarks of `n` frames as a Parquet file; two seconds of every minute show nobody."""
    schema = tables.LANDMARKS.arrow_schema()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first in range(0, n, PIECE):
            count = min(PIECE, n - first)
            index = np.arange(first, first + count)
            lost = index / FPS % 60 >= 58
            points = np.round(meshes(first, count) * 64) / 64
            kept = [None if gone else row for gone, row in zip(lost, points, strict=True)]
            writer.write_table(_piece(index, lost, kept))


def _piece(index: NDArray[Any], lost: NDArray[Any], points: list[Any]) -> pa.Table:
    n = len(index)
    flat = [None if row is None else row.ravel().astype(np.float32) for row in points]
    columns: dict[str, Any] = dict.fromkeys(tables.LANDMARKS.by_name, [None] * n)
    columns |= {"session_id": ["bench"] * n, "media": [0] * n, "frame_index": index.tolist()}
    columns |= {"media_pts_s": index / FPS, "t_s": index / FPS, "role": ["client"] * n}
    columns |= {"presence": np.where(lost, 0.0, 1.0), "points_px": pa.array(flat)}
    columns |= {"reason": ["no_face" if gone else None for gone in lost]}
    return tables.LANDMARKS.build(columns)


def reading(path: Path) -> None:
    """Only the file, without any arithmetic."""
    for batch in FromFile(path).pieces("landmarks", face.PIECE_ROWS):
        batch.column("points_px").flatten().to_numpy()


def stage(path: Path) -> None:
    """The whole stage."""
    found = face.run(Inputs(SPEC, None, FromFile(path)), None, FaceSettings())  # type: ignore[arg-type]
    assert found.tables["face_frames"].num_rows


def solved_one_by_one(points: Floats, model: Floats) -> None:
    """Poses as a plain script finds them."""
    for frame in np.ascontiguousarray(points):
        _, turn, place = cv2.solvePnP(model, frame, CAMERA, None, flags=cv2.SOLVEPNP_SQPNP)
        cv2.solvePnP(model, frame, CAMERA, None, turn, place, True, flags=cv2.SOLVEPNP_ITERATIVE)


def timed(ways: dict[str, tuple[Callable[[], Any], int]], rounds: int) -> dict[str, float]:
    """Median of processor microseconds a frame, all ways in turns; a first turn warms up."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, (way, frames) in ways.items():
            started = time.process_time()
            way()
            if turn:
                taken[name].append((time.process_time() - started) / frames * 1e6)
    return {name: statistics.median(values) for name, values in taken.items()}


def peak_mb(path: Path) -> float:
    """What the stage adds to the process at most, MB."""
    CLEAR.write_text("5")
    before = _resident_mb("VmRSS")
    stage(path)
    return _resident_mb("VmHWM") - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=90_000)
    parser.add_argument("--clip-frames", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    clip, engine = DATA / "video" / "WolfgangLanger_Pexels.mp4", embedded()
    model = np.array([MEAN_FACE_MM[index] for index in POSE_POINTS], np.float64)
    points = meshes(0, 2000)[:, POSE_POINTS]
    with tempfile.TemporaryDirectory() as folder:
        whole, part = Path(folder) / "whole.parquet", Path(folder) / "part.parquet"
        made(whole, chosen.frames)
        made(part, chosen.frames // 3)

        def engine_alone() -> None:
            frames = islice(read_frames(clip, max_fps=1000.0), chosen.clip_frames)
            assert sum(1 for _ in engine.track(frames, people=1)) == chosen.clip_frames

        ways: dict[str, tuple[Callable[[], Any], int]] = {
            "landmarks, 468 points + iris": (engine_alone, chosen.clip_frames),
            "face stage, file reading included": (lambda: stage(whole), chosen.frames),
            "of which reading the file": (lambda: reading(whole), chosen.frames),
            "of which poses": (lambda: fit_poses(points, model, CAMERA), len(points)),
            "poses by cv2.solvePnP, one by one": (
                lambda: solved_one_by_one(points, model), len(points)),
        }  # fmt: skip
        added = {path.stem: peak_mb(path) for path in (part, part, whole)}
        micro = timed(ways, chosen.rounds)
    base = micro["landmarks, 468 points + iris"]
    for name, value in micro.items():
        print(f"{name:36} {value:8.1f} us a frame  {value / base:7.2%}")
    own = micro["face stage, file reading included"] - micro["of which reading the file"]
    verdict = "met" if own / base <= GOAL else "missed"
    print(f"{'own arithmetic':36} {own:8.1f} us a frame  {own / base:7.2%}  goal 2 %: {verdict}")
    mb = f"{added['part']:.0f} MB for a third of the frames, {added['whole']:.0f} MB for all"
    print(f"memory added: {mb}")


if __name__ == "__main__":
    main()
