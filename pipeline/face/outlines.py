"""A few faces of a session as outlines, so that a person can check what the numbers rest on.

Of the mesh only the lines a cartoonist would draw are kept: face, brows, lids, irises, nose, lips;
eight even times, whether or not the face was good enough then. Never a picture.

Caveat: an outline is still of somebody's face. The table stays in the store and goes when the
session is withdrawn; only the supervisor's page draws it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.settings import FaceSettings
from pipeline.tables import CUE_CHECK

OUTLINES: dict[str, tuple[int, ...]] = {
    "face": (
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
        *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
    ),
    "brow_left": (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    "brow_right": (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    "eye_left": (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    "eye_right": (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
    "iris_left": (468, 469, 470, 471, 472),
    "iris_right": (473, 474, 475, 476, 477),
    "nose": (168, 6, 197, 195, 5, 4, 1),
    "nostrils": (98, 97, 2, 326, 327),
    "lips_outer": (
        *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
        *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    ),
    "lips_inner": (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13),
}
"""Mesh indices of each line, in drawing order; left and right are the picture's."""
OUTLINE_POINTS = tuple(index for line in OUTLINES.values() for index in line)
MOMENTS = 8
THIN_S = 1.0
MESH_POINTS = 478


def thinned(batch: pa.RecordBatch) -> pa.RecordBatch:
    """One row of the client's `landmarks` a second, of the points only those that are drawn."""
    client = np.flatnonzero(pc.equal(batch.column("role"), "client").to_numpy(False))
    seconds = np.floor(batch.column("t_s").to_numpy()[client] / THIN_S)
    _, first = np.unique(seconds, return_index=True)
    kept = batch.take(pa.array(client[first]))
    points = kept.column("points_px")
    drawn = [
        None if mesh is None else np.reshape(mesh, (MESH_POINTS, 2))[list(OUTLINE_POINTS)].ravel()
        for mesh in points.to_pylist()
    ]
    return pa.RecordBatch.from_arrays(
        [kept.column("t_s"), pa.array(drawn, points.type)], ["t_s", "points_px"]
    )


def cue_check(
    frames: pa.Table, outlines: Sequence[pa.RecordBatch], settings: FaceSettings
) -> pa.Table:
    """Rows of `CUE_CHECK`: eight even times from the first to the last frame.

    Parameters
    ----------
    frames : the session's `face_frames`
    outlines : what `thinned` kept of every piece of `landmarks`, in order of time
    settings : whose gates are written beside what they decide
    """
    kept = pa.Table.from_batches(outlines) if outlines else None
    if kept is None or not kept.num_rows:
        return CUE_CHECK.empty()
    t_s = kept.column("t_s").to_numpy()
    wanted = t_s[0] + (np.arange(MOMENTS) + 0.5) / MOMENTS * (t_s[-1] - t_s[0])
    rows = np.unique([int(np.argmin(np.abs(t_s - at))) for at in wanted])
    chosen = kept.take(pa.array(rows))
    own = frames.filter(pc.equal(frames.column("role"), "client"))
    seen = own.take(pc.index_in(chosen.column("t_s"), own.column("t_s")))
    gates = {
        "gate_iod_px": settings.iod_gaze_px,
        "gate_nod_hz": settings.nod_min_fps,
        "gate_blink_hz": settings.blink_min_fps,
    }
    copied = [name for name in CUE_CHECK.by_name if name in seen.column_names]
    columns = {name: seen.column(name) for name in copied}
    columns |= {name: np.full(len(rows), gate) for name, gate in gates.items()}
    return CUE_CHECK.build(columns | {"points_px": chosen.column("points_px")})
