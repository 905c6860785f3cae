"""Face landmarks of the client in every video frame: the engine's own output, nothing derived.

This is the costly stage, so it is kept apart from the arithmetic on it (`face`): a changed gaze or
blink threshold never looks at the video again. A frame in which nobody was measured is a row with
a reason, never a missing row. Only the client's rows are kept unless `landmarks.people` says
otherwise. Where `session.toml` gives a person's region they are looked for in it only. Points are
rounded to 1/64 px, below what the networks resolve (Kartynnik et al. 2019).

While the frames pass, two small things are noted, so that the video is decoded once: how much each
part of the picture changes (`movement.grid`), and where each person's face usually is (`seats`).
Both are places and amounts of movement, of whoever is shown; neither holds a feature of a face.

The rows pass through anonymous temporary files, compressed: memory stays flat, and a recording that
breaks off halfway leaves nothing behind.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa

from models.base import FaceObservation, FaceTracker, Frame
from pipeline.errors import MediaError
from pipeline.media.films import films
from pipeline.media.spool import Spool
from pipeline.movement.grid import GridStep, MotionGrid, counts_column
from pipeline.paperwork.session_media import MediaFile, Role
from pipeline.settings import LandmarksSettings
from pipeline.stage import Inputs, Missing, Outputs, Stage
from pipeline.tables import LANDMARKS, MOTION_GRID, REASON_WORDS, SEATS
from pipeline.timeline import Seconds

VERSION = 5
"""Raise when the numbers can change."""

PIECE_ROWS = 1500
"""Rows handed on together: a minute of video, 6 MB."""
STEPS_PER_PX = 64.0

Pieces = Iterator[pa.Table]
WRITES = {table.name: table for table in (LANDMARKS, MOTION_GRID, SEATS)}


def run(inputs: Inputs, engine: FaceTracker | Missing, settings: LandmarksSettings) -> Outputs:
    """Landmarks of the people asked for and the motion grid, as streams; seats as a table.

    An absence of modality ``video`` is given where no readable file shows the client, the engine
    is missing, or the video breaks off (``unreadable_media``; nothing of it is kept then). Of a
    session whose files show nobody `ingest` has said that there is no video.
    """
    if not any(part.shows for part in inputs.spec.media):
        return Outputs(_empty())
    wanted: tuple[Role, ...] = ("client",) if settings.people == 1 else ("client", "therapist")
    rows = inputs.tables["media"].to_pylist()
    parts, reason = films(inputs.spec.media, rows, wanted[0])
    if not parts:
        return _absent(_no_video(reason))
    if isinstance(engine, Missing):
        return _absent(engine)
    try:
        return Outputs(_watched(inputs, engine, parts, wanted, settings))
    except MediaError as error:
        sentence = f"The video of media {', '.join(map(str, parts))} cannot be used: {error}"
        return _absent(Missing("unreadable_media", sentence))


def _absent(why: Missing) -> Outputs:
    return Outputs(_empty(), absences=(why.absence("video"),))


def _empty() -> dict[str, pa.Table | Pieces]:
    return {name: table.empty() for name, table in WRITES.items()}


def _no_video(reason: str) -> Missing:
    if reason == "no_media":
        remedy = "If one does, name the client in its `shows` under [[media]] in session.toml."
        return Missing(reason, "No video shows the client.", remedy)
    why = REASON_WORDS[reason]
    return Missing(reason, f"The video that shows the client cannot be used: {why}.")


def _watched(
    inputs: Inputs,
    engine: FaceTracker,
    parts: Sequence[int],
    wanted: Sequence[Role],
    settings: LandmarksSettings,
) -> dict[str, pa.Table | Pieces]:
    """Computes everything now and keeps it on disk, to be handed on piece by piece later."""
    faces: dict[Role, array[float]] = {r: array("f") for r in inputs.spec.media[parts[0]].shows}
    with ExitStack() as on_failure:
        landmarks, motion = Spool(LANDMARKS.arrow_schema()), Spool(MOTION_GRID.arrow_schema())
        on_failure.callback(landmarks.close)
        on_failure.callback(motion.close)
        latest_s = [-np.inf]
        for media in parts:
            grid = MotionGrid()
            frames = _later(inputs, media, settings, latest_s)
            for piece in _pieces(inputs, engine, media, wanted, frames, grid, faces):
                landmarks.add(piece)
                motion.add(_grid_table(inputs, media, grid.take()))
            motion.add(_grid_table(inputs, media, grid.take()))
        seats = _seats(inputs, parts[0], faces)
        on_failure.pop_all()
    return {"landmarks": landmarks.pieces(), "motion_grid": motion.pieces(), "seats": seats}


def _pieces(
    inputs: Inputs,
    engine: FaceTracker,
    media: int,
    wanted: Sequence[Role],
    frames: Iterator[Frame],
    grid: MotionGrid,
    faces: dict[Role, array[float]],
) -> Pieces:
    """The engine's rows, `PIECE_ROWS` at a time, last piece shorter; notes movement and faces."""
    shows = inputs.spec.media[media].shows
    regions = _regions(inputs.spec.media[media])
    seen = _with_motion(_with_progress(frames, inputs, media), grid)
    rows: list[FaceObservation] = []
    for observation in engine.track(seen, people=len(shows), regions=regions):
        if observation.box is not None:
            height, width = grid.size or (1, 1)
            left, top, wide, high = observation.box
            share = (left / width, top / height, wide / width, high / height)
            faces[shows[observation.person]].extend(share)
        if shows[observation.person] not in wanted:
            continue
        rows.append(observation)
        if len(rows) == PIECE_ROWS:
            yield _table(inputs, media, shows, rows)
            rows = []
    if rows:
        yield _table(inputs, media, shows, rows)


def _later(
    inputs: Inputs, media: int, settings: LandmarksSettings, latest_s: list[Seconds]
) -> Iterator[Frame]:
    """Frames of one part that come after those of the part before; notes the latest in place."""
    since_s = latest_s[0]
    for frame in inputs.recording.frames(media, max_fps=settings.max_fps):
        t_s = inputs.recording.t_of(media, frame.pts_s)
        if t_s > since_s:
            latest_s[0] = max(latest_s[0], t_s)
            yield frame


def _regions(part: MediaFile) -> list[tuple[float, float, float, float] | None] | None:
    """Per person, left to right, where `session.toml` says they sit; None where it says nothing."""
    if not part.regions:
        return None
    places: list[tuple[float, float, float, float] | None] = []
    for role in part.shows:
        region = part.regions.get(role)
        places.append(None if region is None else (region[0], region[1], region[2], region[3]))
    return places


def _with_progress(frames: Iterator[Frame], inputs: Inputs, media: int) -> Iterator[Frame]:
    counts = {row["media"]: row["video_frames"] for row in inputs.tables["media"].to_pylist()}
    total = counts[media] or 0
    for frame in frames:
        yield frame
        if total:
            inputs.progress("landmarks", min(1.0, (frame.index + 1) / total))


def _with_motion(frames: Iterator[Frame], grid: MotionGrid) -> Iterator[Frame]:
    for frame in frames:
        grid.look(frame)
        yield frame


def _grid_table(inputs: Inputs, media: int, steps: Sequence[GridStep]) -> pa.Table:
    return MOTION_GRID.build(
        {
            "session_id": [inputs.spec.id] * len(steps),
            "media": [media] * len(steps),
            "t_s": [inputs.recording.t_of(media, step.pts_s) for step in steps],
            "changed_px": counts_column(steps),
            "brightness_change": [step.mean_change for step in steps],
            "brightness_change_abs": [step.mean_absolute_change for step in steps],
            "shift_prop": [step.shift_explained for step in steps],
        }
    )


def _seats(inputs: Inputs, media: int, faces: dict[Role, array[float]]) -> pa.Table:
    """The median face box of each person shown, in shares of the picture, over all parts."""
    rows = []
    for role, boxes in faces.items():
        seen = np.frombuffer(boxes, np.float32).reshape(-1, 4)
        usual = np.median(seen, axis=0).tolist() if len(seen) else [None] * 4
        places = zip(("left", "top", "width", "height"), usual, strict=True)
        rows.append(
            {"session_id": inputs.spec.id, "media": media, "role": role, "face_count": len(seen)}
            | {f"face_{name}": value for name, value in places}
        )
    return SEATS.build_rows(rows)


def _table(
    inputs: Inputs, media: int, shows: Sequence[Role], rows: Sequence[FaceObservation]
) -> pa.Table:
    boxes = [row.box or (None, None, None, None) for row in rows]
    times = [inputs.recording.t_of(media, row.pts_s) for row in rows]
    columns: dict[str, Any] = {
        "session_id": [inputs.spec.id] * len(rows),
        "media": [media] * len(rows),
        "frame_index": [row.frame_index for row in rows],
        "media_pts_s": [row.pts_s for row in rows],
        "t_s": times,
        "role": [shows[row.person] for row in rows],
        "detector_score": [row.detector_score for row in rows],
        "presence": [row.presence for row in rows],
        "box_x_px": [box[0] for box in boxes],
        "box_y_px": [box[1] for box in boxes],
        "box_width_px": [box[2] for box in boxes],
        "box_height_px": [box[3] for box in boxes],
        "points_px": _points([row.points for row in rows]),
        "reason": [row.reason for row in rows],
    }
    return LANDMARKS.build(columns)


def _points(meshes: Sequence[np.ndarray[Any, Any] | None]) -> pa.Array:
    """One list of x0, y0, x1, y1, ... per row; null where nothing was measured."""
    sizes = [0 if mesh is None else mesh.size for mesh in meshes]
    measured = [np.asarray(mesh, np.float32).ravel() for mesh in meshes if mesh is not None]
    flat = np.concatenate(measured) if measured else np.empty(0, np.float32)
    rounded = np.round(flat * STEPS_PER_PX) / STEPS_PER_PX
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    missing = pa.array([mesh is None for mesh in meshes], pa.bool_())
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(rounded, pa.float32()), mask=missing
    )


STAGE = Stage(
    name="landmarks",
    version=VERSION,
    run=run,
    settings=LandmarksSettings,
    reads=("media",),
    writes=tuple(WRITES),
    sources=("session", "media"),
    engine="face_tracker",
    scope="analyse_video",
    modality="video",
    without="Nothing was read from the video",
    uses_gpu=True,
)
