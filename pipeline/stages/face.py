"""Head, gaze, lids, openings and events from the landmarks, and how far to trust each frame.

Pure arithmetic on `landmarks`, read piece by piece, so a changed gate never looks at the video
again. A frame that fails a gate keeps its row and says why: `no_face`, `profile_view` (nose too far
to the side for any pose), `small_face` (eyes too near each other in pixels) or `turned_away` (pose
fine, but too far round or too far up or down for gaze).

Axes and signs, for every column and event (drawn in `face/axes.svg`). Left and right are the
picture's, as the camera sees it. Angles: yaw + = nose or gaze to the left, pitch + = up, roll + =
the right eye lower. Place of the head, in mm from the camera: x + = to the right, y + = down, z + =
away; a pinhole camera whose focal length is the frame's long side, and a mean face for the scale.

Caveat: lids are also measured where only the momentary pitch is off, because shut lids disturb the
mesh and with it the pitch; what counts for them is the pitch of the second around. Millimetres are
those of the mean face before that camera: good for changes, not for a tape measure. METHODS: Face
and gaze; recipes and their measured errors: `pose_fit`, `head_pose`, `gaze`, `blinks`, `nods`,
`looking`, `face.openings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import SchemaError
from pipeline.face.events import Person, face_events
from pipeline.face.gaze import (
    LEFT_CORNERS,
    LEFT_IRIS,
    LEFT_LID,
    LEFT_UPPER,
    RIGHT_CORNERS,
    RIGHT_IRIS,
    RIGHT_LID,
    RIGHT_UPPER,
    eye_aspect_ratio,
    eye_distance_px,
    gaze_angles,
    offset_in_eye,
)
from pipeline.face.head_motion import head_speed, turn_angles
from pipeline.face.head_pose import MEAN_FACE_MM, POSE_POINTS, camera_matrix
from pipeline.face.openings import OPENING_POINTS, OPENINGS, openings
from pipeline.face.outlines import cue_check, thinned
from pipeline.face.pose_fit import fit_poses
from pipeline.face.stretches import RATE_TOLERANCE, local_rate_hz, running_median
from pipeline.settings import FaceSettings
from pipeline.spans import Flags, Floats
from pipeline.stage import Absence, Inputs, Outputs, Stage
from pipeline.tables import CUE_CHECK, FACE_EVENTS, FACE_FRAMES, LANDMARKS

VERSION = 3
"""Raise when the numbers can change."""

PIECE_ROWS = 2000
MESH_POINTS = 478
STEADY_PITCH_S = 1.0

Measured = dict[str, Floats]
"""By name, one row per row of `landmarks`, NaN where not measured; shapes as in `_SHAPES`."""
_SHAPES: dict[str, tuple[int, ...]] = {
    "iod": (),
    "head": (3,),
    "place": (3,),
    "iris": (2,),
    "lid_upper": (),
    "lid_left": (),
    "lid_right": (),
    "openings": (len(OPENINGS),),
}
_MODEL_MM = np.array([MEAN_FACE_MM[index] for index in POSE_POINTS], np.float64)


def run(inputs: Inputs, engine: None, settings: FaceSettings) -> Outputs:
    """Frames, events and a few outlines; an absence of ``video`` if no face was measured."""
    del engine
    measured, scalars, outlines = _read(inputs, settings)
    if not scalars.num_rows:
        return Outputs(
            {table.name: table.empty() for table in (FACE_FRAMES, FACE_EVENTS, CUE_CHECK)}
        )
    frames, events = _derive(inputs.spec.id, scalars, measured, settings)
    absences: tuple[Absence, ...] = ()
    if not np.isfinite(measured["iod"]).any():
        sentence = "No face was found in the video that shows the client."
        absences = (Absence("video", "no_face", sentence),)
    found = {"face_frames": frames, "face_events": events}
    found["cue_check"] = cue_check(frames, outlines, settings)
    return Outputs(found, absences=absences)


def _read(
    inputs: Inputs, settings: FaceSettings
) -> tuple[Measured, pa.Table, list[pa.RecordBatch]]:
    """What is measured of every row, the rows without their points, and a few outlines."""
    cameras = _cameras(inputs.tables["media"])
    pieces, outlines = [], []
    rows = [LANDMARKS.arrow_schema().empty_table().drop_columns(["points_px"])]
    for batch in inputs.pieces("landmarks", PIECE_ROWS):
        pieces.append(_measure(batch, cameras, settings))
        outlines.append(thinned(batch))
        rows.append(pa.Table.from_batches([batch.drop_columns(["points_px"])]))
    measured = {
        name: np.concatenate([np.empty((0, *shape)), *(piece[name] for piece in pieces)])
        for name, shape in _SHAPES.items()
    }
    return measured, pa.concat_tables(rows), outlines


def _cameras(media: pa.Table) -> dict[int, Floats]:
    return {
        row["media"]: camera_matrix(row["width_px"], row["height_px"])
        for row in media.to_pylist()
        if row["width_px"] and row["height_px"]
    }


def _measure(
    batch: pa.RecordBatch, cameras: Mapping[int, Floats], settings: FaceSettings
) -> Measured:
    """What is arithmetic on one frame alone; NaN where no face was measured."""
    known = _present(batch, settings)
    mesh = _mesh(batch)
    rows = np.flatnonzero(known[np.asarray(batch.column("points_px").is_valid())])
    media = batch.column("media").to_numpy()[known]
    left, right = _points(mesh, rows, LEFT_CORNERS), _points(mesh, rows, RIGHT_CORNERS)
    irises = _points(mesh, rows, (LEFT_IRIS, RIGHT_IRIS))
    values = {name: np.full((len(rows), *shape), np.nan) for name, shape in _SHAPES.items()}
    values |= {
        "iod": eye_distance_px(left, right),
        "iris": (offset_in_eye(irises[:, 0], left) + offset_in_eye(irises[:, 1], right)) / 2,
        "lid_upper": (
            _upper_lid(mesh, rows, LEFT_UPPER, left) + _upper_lid(mesh, rows, RIGHT_UPPER, right)
        )
        / 2,
        "lid_left": eye_aspect_ratio(_points(mesh, rows, LEFT_LID)),
        "lid_right": eye_aspect_ratio(_points(mesh, rows, RIGHT_LID)),
    }
    for index in np.unique(media):
        here, camera = np.flatnonzero(media == index), cameras[int(index)]
        poses = fit_poses(_points(mesh, rows[here], POSE_POINTS), _MODEL_MM, camera)
        drawn = _points(mesh, rows[here], OPENING_POINTS)
        values["head"][here] = turn_angles(poses.turn)
        values["place"][here] = poses.place
        values["openings"][here] = openings(drawn, poses, camera)
    return {name: _spread(values[name], known, shape) for name, shape in _SHAPES.items()}


def _present(batch: pa.RecordBatch, settings: FaceSettings) -> Flags:
    presence = _floats(batch.column("presence"))
    return np.asarray(
        np.asarray(batch.column("points_px").is_valid())
        & np.asarray(batch.column("reason").is_null())
        & ~(presence < settings.presence_min)
    )


def _mesh(batch: pa.RecordBatch) -> NDArray[np.float32]:
    """Points of the rows that have some, shape (n_measured, 478, 2)."""
    points = batch.column("points_px")
    sizes = np.unique(points.value_lengths().drop_null().to_numpy(zero_copy_only=False))
    if set(sizes.tolist()) - {2 * MESH_POINTS}:
        raise SchemaError(
            f"landmarks.points_px holds rows of {sizes.tolist()} values; "
            f"{2 * MESH_POINTS} are needed: mesh and irises"
        )
    # flattening leaves out the rows without points
    flat = np.asarray(points.flatten().to_numpy(zero_copy_only=False), np.float32)
    return flat.reshape(-1, MESH_POINTS, 2)


def _points(mesh: NDArray[np.float32], rows: NDArray[np.intp], indices: Sequence[int]) -> Floats:
    """Some points of some rows, shape (n_rows, n_indices, 2); the mesh itself is never copied."""
    return mesh[rows[:, None], np.array(indices)].astype(np.float64)


def _upper_lid(
    mesh: NDArray[np.float32], rows: NDArray[np.intp], lid: Sequence[int], corners: Floats
) -> Floats:
    """Middle of an upper lid, across its eye, in eye widths; shape (n_rows,)."""
    return offset_in_eye(_points(mesh, rows, lid).mean(axis=1), corners)[:, 1]


def _spread(values: Floats, known: Flags, shape: tuple[int, ...]) -> Floats:
    whole = np.full((len(known), *shape), np.nan)
    whole[known] = values
    return whole


def _derive(
    session_id: str, landmarks: pa.Table, measured: Measured, settings: FaceSettings
) -> tuple[pa.Table, pa.Table]:
    """Gates need neighbouring frames, and events whole stretches: once per person, all frames."""
    t_s = landmarks.column("t_s").to_numpy()
    roles = np.array(landmarks.column("role").to_pylist())
    reason = _reasons(np.array(landmarks.column("reason").to_pylist(), object), measured, settings)
    columns = _frames(session_id, landmarks, measured, reason, settings)
    flags = {name: np.zeros(len(t_s), bool) for name in _FLAGS}
    speed = np.full(len(t_s), np.nan)
    events: list[dict[str, Any]] = []
    for role in np.unique(roles):
        rows = np.flatnonzero(roles == role)
        own = {name: values[rows] for name, values in measured.items()}
        found = _sought(t_s[rows], own, reason[rows], settings)
        for name in _FLAGS:
            flags[name][rows] = found[name]
        person = _person(t_s[rows], own, reason[rows], found, settings)
        speed[rows] = head_speed(person.t_s, person.head, found["speed_sought"])
        who = {"session_id": session_id, "role": str(role)}
        if np.isfinite(own["iod"]).any():
            events += [{**who, **asdict(event)} for event in face_events(person, settings)]
    events.sort(key=lambda event: (event["start_s"], event["kind"]))
    columns |= _of_neighbours(columns, measured, flags, speed)
    return FACE_FRAMES.build(columns), FACE_EVENTS.build_rows(events)


_FLAGS = ("lids_usable", "blinks_sought", "nods_sought", "speed_sought")


def _sought(
    t_s: Floats, measured: Measured, reason: NDArray[Any], settings: FaceSettings
) -> dict[str, Flags]:
    """Which frames are good enough, and near enough to their neighbours, for what."""
    rate_hz = local_rate_hz(t_s) / RATE_TOLERANCE
    posed = _posed(measured, settings)
    lids = _lids_usable(t_s, measured, settings) | _none(reason)
    return {
        "lids_usable": lids,
        "blinks_sought": lids & (rate_hz >= settings.blink_min_fps),
        "nods_sought": posed & (rate_hz >= settings.nod_min_fps),
        "speed_sought": posed & (rate_hz >= settings.head_min_fps),
    }


def _person(
    t_s: Floats,
    measured: Measured,
    reason: NDArray[Any],
    sought: Mapping[str, Flags],
    settings: FaceSettings,
) -> Person:
    head = np.where(_posed(measured, settings)[:, None], measured["head"], np.nan)
    return Person(
        t_s=t_s,
        lids=(measured["lid_left"] + measured["lid_right"]) / 2,
        head=head,
        gaze=_gaze(measured, settings),
        valid=_none(reason),
        blinks_sought=sought["blinks_sought"],
        nods_sought=sought["nods_sought"],
        absent=np.asarray(reason == "no_face", bool),
    )


def _posed(measured: Measured, settings: FaceSettings) -> Flags:
    """Where the head's pose can be trusted."""
    facing = np.abs(measured["head"][:, 0]) <= settings.yaw_pose_max_deg
    return np.asarray(facing & (measured["iod"] >= settings.iod_pose_px))


def _gaze(measured: Measured, settings: FaceSettings) -> Floats:
    gains = (1.0, settings.gaze_iris_gain, settings.gaze_lid_gain)
    along, across, of_lid = (settings.gaze_deg_per_eye_width * gain for gain in gains)
    angles_per_width = along, across, of_lid
    return gaze_angles(measured["head"], measured["iris"], measured["lid_upper"], angles_per_width)


def _none(reason: NDArray[Any]) -> Flags:
    return np.array([value is None for value in reason], bool)


def _reasons(
    engine_reason: NDArray[Any], measured: Measured, settings: FaceSettings
) -> NDArray[Any]:
    """Why a frame is not good enough for gaze; None where it is. Shape (n,).

    Eyes seen from the side are near each other in the picture: that is no small face.
    """
    iod, yaw, pitch = measured["iod"], measured["head"][:, 0], measured["head"][:, 1]
    turned = (np.abs(yaw) > settings.yaw_gaze_max_deg) | (
        np.abs(pitch) > settings.pitch_gaze_max_deg
    )
    reason = np.full(len(iod), None, dtype=object)
    reason[turned] = "turned_away"
    reason[np.isnan(yaw)] = "not_measured"
    reason[iod < settings.iod_gaze_px] = "small_face"
    reason[np.abs(yaw) > settings.yaw_pose_max_deg] = "profile_view"
    reason[np.isnan(iod)] = "no_face"
    told = ~_none(engine_reason)
    reason[told] = engine_reason[told]
    return reason


def _lids_usable(t_s: Floats, measured: Measured, settings: FaceSettings) -> Flags:
    yaw, pitch = measured["head"][:, 0], measured["head"][:, 1]
    posed = _posed(measured, settings)
    if not posed.any():
        return posed
    steady = running_median(t_s, pitch, posed, STEADY_PITCH_S)
    return np.asarray(
        posed
        & (measured["iod"] >= settings.iod_gaze_px)
        & (np.abs(yaw) <= settings.yaw_gaze_max_deg)
        & (np.abs(steady) <= settings.pitch_gaze_max_deg)
    )


def _frames(
    session_id: str,
    landmarks: pa.Table,
    measured: Measured,
    reason: NDArray[Any],
    settings: FaceSettings,
) -> dict[str, Any]:
    """Columns of `FACE_FRAMES` that are known frame by frame."""
    valid = _none(reason)
    posed = _posed(measured, settings)
    copied = ("media", "frame_index", "media_pts_s", "t_s", "role")
    columns: dict[str, Any] = {name: landmarks.column(name) for name in copied}
    columns |= {
        "session_id": pa.array([session_id] * len(valid)),
        "face_present": np.isfinite(measured["iod"]),
        "face_valid": valid,
        "face_iod_px": measured["iod"],
        "reason": pa.array(reason, pa.string()),
    }
    for names, values, where in (
        (("head_yaw_deg", "head_pitch_deg", "head_roll_deg"), measured["head"], posed),
        (("head_x_mm", "head_y_mm", "head_z_mm"), measured["place"], posed),
        (("gaze_yaw_deg", "gaze_pitch_deg"), _gaze(measured, settings), valid),
        (OPENINGS, measured["openings"], valid),
    ):
        kept = np.where(where[:, None], values, np.nan)
        columns |= {name: kept[:, i] for i, name in enumerate(names)}
    return columns


def _of_neighbours(
    columns: Mapping[str, Any], measured: Measured, flags: Mapping[str, Flags], speed: Floats
) -> dict[str, Any]:
    """Columns of `FACE_FRAMES` that the frames around a frame have a say in."""
    posed, known = np.isfinite(columns["head_yaw_deg"]), np.isfinite(speed)
    lids = flags["lids_usable"]
    why = np.full(len(speed), None, dtype=object)
    why[~known] = np.where(flags["speed_sought"], "few_samples", "low_fps")[~known]
    why[~posed] = np.array(columns["reason"].to_pylist(), object)[~posed]
    return {
        "head_speed_dps": speed,
        "head_speed_reason": pa.array(why, pa.string()),
        "eye_aspect_left": np.where(lids, measured["lid_left"], np.nan),
        "eye_aspect_right": np.where(lids, measured["lid_right"], np.nan),
        "blinks_sought": flags["blinks_sought"],
        "nods_sought": flags["nods_sought"],
    }


def _floats(values: pa.Array) -> Floats:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


STAGE = Stage(
    name="face",
    version=VERSION,
    run=run,
    settings=FaceSettings,
    reads=("landmarks", "media"),
    writes=("face_frames", "face_events", "cue_check"),
    scope="analyse_video",
    modality="video",
    without="No gaze, blinks, nods or face movement",
)
