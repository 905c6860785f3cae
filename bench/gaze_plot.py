"""Gaze, head and lids of one video over time, as a picture, so that signs can be checked by eye.

    python -m bench.gaze_plot FOLDER [video]

Writes ``FOLDER/<video>.gaze.png``: pitch and yaw of gaze and head, lids, and where frames are not
good enough, with the events found. The default video looks down first, then up: gaze pitch must
rise. The table printed is the median of every second.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pyarrow as pa

from models.faces.tracker import EmbeddedFaceTracker
from models.weights.catalog import locate
from pipeline import tables
from pipeline.media.video import read_frames
from pipeline.paperwork.session import SessionSpec
from pipeline.settings import FaceSettings, LandmarksSettings
from pipeline.stage import Inputs
from pipeline.stages import face, landmarks

mpl.use("Agg")
import matplotlib.pyplot as plt  # after the backend is chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.base import Frame

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
VIDEO = DATA / "video" / "WolfgangLanger_Pexels.mp4"
SPEC = {
    "id": "bench",
    "session": {"dyad": "D1", "number": 1, "client": "C1", "therapist": "T1"},
    "media": [{"file": "video", "hears": ["mixed"], "shows": ["client"]}],
}
PANELS = (
    ("pitch, deg (+ = up)", ("gaze_pitch_deg", "head_pitch_deg")),
    ("yaw, deg (+ = image left)", ("gaze_yaw_deg", "head_yaw_deg")),
    ("eye aspect ratio", ("eye_aspect_left", "eye_aspect_right")),
)


class OneVideo:
    """A recording that is one video file whose clock is its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def frames(self, media: int, *, max_fps: float) -> Iterator[Frame]:
        """Every frame."""
        del media
        return read_frames(self.path, max_fps=max_fps)

    def t_of(self, media: int, pts_s: float) -> float:
        """The container's own time."""
        del media
        return pts_s


def measured(video: Path) -> tuple[pa.Table, pa.Table]:
    """`face_frames` and `face_events` of the person in a video, by the stages themselves."""
    recording = OneVideo(video)
    height, width = next(read_frames(video, max_fps=30.0)).size
    row = dict.fromkeys(tables.MEDIA.by_name)
    row |= {"session_id": "bench", "media": 0, "sha256": "", "offset_s": 0.0, "video_codec": "any"}
    media = tables.MEDIA.build_rows([row | {"width_px": width, "height_px": height}])
    engine = EmbeddedFaceTracker(
        detector=locate("mediapipe-face-detector-full"),
        mesh=locate("mediapipe-face-mesh-468"),
        iris=locate("mediapipe-iris"),
    )
    spec = SessionSpec.model_validate(SPEC)
    seen = landmarks.run(Inputs(spec, recording, {"media": media}), engine, LandmarksSettings())
    points = pa.concat_tables(list(seen.tables["landmarks"]))
    given = {"media": media, "landmarks": points}
    found = face.run(Inputs(spec, recording, given), None, FaceSettings()).tables
    return found["face_frames"], found["face_events"]


def draw(frames: pa.Table, events: pa.Table, target: Path) -> None:
    """One panel per pair of columns; events are shaded, unusable frames marked along the foot."""
    t_s = frames.column("t_s").to_numpy()
    figure, axes = plt.subplots(len(PANELS), 1, figsize=(11, 7), sharex=True)
    for axis, (label, names) in zip(axes, PANELS, strict=True):
        for name in names:
            axis.plot(t_s, frames.column(name).to_numpy(), label=name, linewidth=1)
        unusable = ~frames.column("face_valid").to_numpy()
        axis.plot(t_s[unusable], np.full(unusable.sum(), axis.get_ylim()[0]), "k|", markersize=4)
        for event in events.to_pylist():
            axis.axvspan(event["start_s"], event["end_s"], alpha=0.12, color="grey")
        axis.set_ylabel(label)
        axis.legend(loc="upper right", fontsize="small")
    for event in events.to_pylist():
        axes[-1].text(event["start_s"], axes[-1].get_ylim()[0], event["kind"], fontsize="x-small",
                      rotation=90, verticalalignment="bottom")  # fmt: skip
    axes[-1].set_xlabel("session time, s")
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    plt.close(figure)


def table(frames: pa.Table) -> None:
    """Median per second of the first four columns drawn."""
    names = [name for _, pair in PANELS[:2] for name in pair]
    second = np.floor(frames.column("t_s").to_numpy()).astype(int)
    print("second  " + "  ".join(f"{name:>15}" for name in names))
    for at in np.unique(second):
        own = (frames.column(name).to_numpy()[second == at] for name in names)
        medians = [np.median(v[np.isfinite(v)]) if np.isfinite(v).any() else np.nan for v in own]
        print(f"{at:6}  " + "  ".join(f"{value:15.1f}" for value in medians))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the picture goes")
    parser.add_argument("video", type=Path, nargs="?", default=VIDEO)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    frames, events = measured(chosen.video)
    table(frames)
    target = chosen.folder / f"{chosen.video.name}.gaze.png"
    draw(frames, events, target)
    print(f"drawn: {target}")


if __name__ == "__main__":
    main()
