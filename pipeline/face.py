"""Head pose, gaze, lids, blinks and nods from the landmarks, and how far to trust each frame.

Pure arithmetic on `landmarks`, read piece by piece, so a changed gate never looks at the video
again. A frame that fails a gate keeps its row and says why: `no_face`, `profile_view` (nose too far
to the side for any pose), `small_face` (eyes too near each other in pixels) or `turned_away` (pose
fine, but too far round or too far up or down for gaze).

Caveat: lids are also measured where only the momentary pitch is off, because shut lids disturb the
mesh and with it the pitch; what counts for them is the pitch of the second around. Definitions and
limits: SCIENCE 2.4; recipes and their measured errors: `head_pose`, `gaze`, `blinks`, `nods`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.blinks import find_closures
from pipeline.errors import SchemaError
from pipeline.gaze import (
    LEFT_CORNERS,
    LEFT_IRIS,
    LEFT_LID,
    RIGHT_CORNERS,
    RIGHT_IRIS,
    RIGHT_LID,
    eye_aspect_ratio,
    eye_distance_px,
    gaze_angles,
    iris_offset,
)
from pipeline.head_pose import POSE_POINTS, camera_matrix, head_angles
from pipeline.nods import find_nods
from pipeline.settings import FaceSettings
from pipeline.stage import Absence, Inputs, Outputs, Stage
from pipeline.stretches import Flags, Floats, local_rate_hz, running_median
from pipeline.tables import FACE_EVENTS, FACE_FRAMES

VERSION = 1
"""Raise when the numbers can change."""

PIECE_ROWS = 2000
MESH_POINTS = 478
STEADY_PITCH_S = 1.0
RATE_TOLERANCE = 0.99
"""A camera set to 20 Hz gives 19.98: a gate means the nominal rate."""

Measured = dict[str, Floats]
"""Per row: iod (n,), head (n, 3), left and right offset (n, 2), left and right lid (n,)."""
_SHAPES = {"iod": (), "head": (3,), "left": (2,), "right": (2,), "lid_left": (), "lid_right": ()}


def run(inputs: Inputs, engine: None, settings: FaceSettings) -> Outputs:
    """`face_frames` and `face_events`; an absence of modality ``video`` if no face was measured."""
    del engine
    cameras = _cameras(inputs.tables["media"])
    pieces, rows = [], []
    for batch in inputs.pieces("landmarks", PIECE_ROWS):
        pieces.append(_measure(batch, cameras, settings))
        rows.append(batch.drop_columns(["points_px"]))
    if not any(batch.num_rows for batch in rows):
        empty = {"face_frames": FACE_FRAMES.empty(), "face_events": FACE_EVENTS.empty()}
        return Outputs(empty)
    measured = {name: np.concatenate([piece[name] for piece in pieces]) for name in _SHAPES}
    scalars = pa.Table.from_batches(rows)
    frames, events = _derive(inputs.spec.id, scalars, measured, settings)
    absences: tuple[Absence, ...] = ()
    if not np.isfinite(measured["iod"]).any():
        sentence = "No face was found in the video that shows the client."
        absences = (Absence("video", "no_face", sentence),)
    return Outputs({"face_frames": frames, "face_events": events}, absences=absences)


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
    mesh = _mesh(batch)[known[np.asarray(batch.column("points_px").is_valid())]]
    media = batch.column("media").to_numpy()[known]
    left, right = mesh[:, LEFT_CORNERS], mesh[:, RIGHT_CORNERS]
    iod = eye_distance_px(left, right)
    head = np.full((len(mesh), 3), np.nan)
    for index in np.unique(media):
        rows = (media == index) & (iod >= settings.iod_pose_px)
        head[rows] = head_angles(mesh[rows][:, POSE_POINTS], cameras[int(index)])
    values = {
        "iod": iod,
        "head": head,
        "left": iris_offset(mesh[:, LEFT_IRIS], left),
        "right": iris_offset(mesh[:, RIGHT_IRIS], right),
        "lid_left": eye_aspect_ratio(mesh[:, LEFT_LID]),
        "lid_right": eye_aspect_ratio(mesh[:, RIGHT_LID]),
    }
    return {name: _spread(values[name], known, shape) for name, shape in _SHAPES.items()}


def _present(batch: pa.RecordBatch, settings: FaceSettings) -> Flags:
    presence = _floats(batch.column("presence"))
    return np.asarray(
        np.asarray(batch.column("points_px").is_valid())
        & np.asarray(batch.column("reason").is_null())
        & ~(presence < settings.presence_min)
    )


def _mesh(batch: pa.RecordBatch) -> Floats:
    """Points of the rows that have some, shape (n_measured, 478, 2)."""
    points = batch.column("points_px").drop_null()
    sizes = np.unique(points.value_lengths().to_numpy(zero_copy_only=False))
    if set(sizes.tolist()) - {2 * MESH_POINTS}:
        raise SchemaError(
            f"landmarks.points_px holds rows of {sizes.tolist()} values; "
            f"{2 * MESH_POINTS} are needed: mesh and irises"
        )
    flat = points.flatten().to_numpy(zero_copy_only=False)
    return flat.astype(np.float64).reshape(-1, MESH_POINTS, 2)


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
    engine_reason = np.array(landmarks.column("reason").to_pylist(), dtype=object)
    lids_ok, blinks_sought, nods_sought = (np.zeros(len(t_s), bool) for _ in range(3))
    events: list[dict[str, Any]] = []
    for role in np.unique(roles):
        rows = np.flatnonzero(roles == role)
        own = {name: values[rows] for name, values in measured.items()}
        rate_hz = local_rate_hz(t_s[rows])
        lids_ok[rows] = _lids_usable(t_s[rows], own, settings)
        blinks_sought[rows] = lids_ok[rows] & (rate_hz >= RATE_TOLERANCE * settings.blink_min_fps)
        nods_sought[rows] = (np.abs(own["head"][:, 0]) <= settings.yaw_pose_max_deg) & (
            rate_hz >= RATE_TOLERANCE * settings.nod_min_fps
        )
        who = {"session_id": session_id, "role": str(role)}
        found = _events(t_s[rows], own, blinks_sought[rows], nods_sought[rows], settings)
        events += [{**who, **event} for event in found]
    reason = _reasons(engine_reason, measured, settings)
    frames = _frames(session_id, landmarks, measured, reason, lids_ok, settings)
    frames |= {"blinks_sought": blinks_sought, "nods_sought": nods_sought}
    events.sort(key=lambda event: (event["start_s"], event["kind"]))
    return FACE_FRAMES.build(frames), FACE_EVENTS.build_rows(events)


def _reasons(
    engine_reason: NDArray[Any], measured: Measured, settings: FaceSettings
) -> NDArray[Any]:
    """Why a frame is not good enough for gaze; None where it is. Shape (n,)."""
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
    told = engine_reason != None  # noqa: E711  # element by element
    reason[told] = engine_reason[told]
    return reason


def _lids_usable(t_s: Floats, measured: Measured, settings: FaceSettings) -> Flags:
    yaw, pitch = measured["head"][:, 0], measured["head"][:, 1]
    posed = np.isfinite(pitch) & (np.abs(yaw) <= settings.yaw_pose_max_deg)
    if not posed.any():
        return posed
    steady = running_median(t_s, pitch, posed, STEADY_PITCH_S)
    return np.asarray(
        posed
        & (measured["iod"] >= settings.iod_gaze_px)
        & (np.abs(yaw) <= settings.yaw_gaze_max_deg)
        & (np.abs(steady) <= settings.pitch_gaze_max_deg)
    )


def _events(
    t_s: Floats,
    measured: Measured,
    blinks_sought: Flags,
    nods_sought: Flags,
    settings: FaceSettings,
) -> list[dict[str, Any]]:
    lids = (measured["lid_left"] + measured["lid_right"]) / 2
    closures: list[dict[str, Any]] = [
        {
            "kind": "blink" if closure.duration_s <= settings.blink_max_s else "eye_closure",
            "start_s": closure.start_s,
            "end_s": closure.end_s,
            "size": closure.depth,
        }
        for closure in find_closures(t_s, lids, blinks_sought, settings)
    ]
    pitch = measured["head"][:, 1]
    return closures + [
        {
            "kind": "nod_fast" if nod.is_fast else "nod_slow",
            "start_s": nod.start_s,
            "end_s": nod.end_s,
            "size": nod.size_deg,
        }
        for nod in find_nods(t_s, pitch, nods_sought, least_deg=settings.nod_min_deg)
    ]


def _frames(
    session_id: str,
    landmarks: pa.Table,
    measured: Measured,
    reason: NDArray[Any],
    lids_ok: Flags,
    settings: FaceSettings,
) -> dict[str, Any]:
    """Columns of `FACE_FRAMES` that are known frame by frame."""
    head, valid = measured["head"], np.array([value is None for value in reason])
    posed = np.abs(head[:, 0]) <= settings.yaw_pose_max_deg
    gaze = gaze_angles(head, measured["left"], measured["right"], settings.gaze_deg_per_eye_width)
    copied = ("media", "frame_index", "media_pts_s", "t_s", "role")
    columns: dict[str, Any] = {name: landmarks.column(name) for name in copied}
    columns |= {
        "session_id": [session_id] * len(valid),
        "face_present": np.isfinite(measured["iod"]),
        "face_valid": valid,
        "face_iod_px": measured["iod"],
        "head_yaw_deg": np.where(posed, head[:, 0], np.nan),
        "head_pitch_deg": np.where(posed, head[:, 1], np.nan),
        "head_roll_deg": np.where(posed, head[:, 2], np.nan),
        "gaze_yaw_deg": np.where(valid, gaze[:, 0], np.nan),
        "gaze_pitch_deg": np.where(valid, gaze[:, 1], np.nan),
        "eye_aspect_left": np.where(lids_ok, measured["lid_left"], np.nan),
        "eye_aspect_right": np.where(lids_ok, measured["lid_right"], np.nan),
        "reason": pa.array(list(reason), pa.string()),
    }
    return columns


def _floats(values: pa.Array) -> Floats:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


STAGE = Stage(
    name="face",
    version=VERSION,
    run=run,
    settings=FaceSettings,
    reads=("landmarks", "media"),
    writes=("face_frames", "face_events"),
    scope="analyse_video",
    modality="video",
)
