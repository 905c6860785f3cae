"""The client's rows of the face tables as arrays, in time order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.face.blinks import LONG_CLOSURE_S
from pipeline.face.gaze_bins import SHUT_MARGIN_S
from pipeline.face.openings import OPENINGS
from pipeline.spans import Flags, Floats, Whys, as_array, is_inside
from pipeline.tables.arrays import floats

GAP_STEPS = 2.5
"""A frame stands for at most this many usual steps."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The client's frames; all of shape (n,) or (n, columns), NaN where not measured."""

    t_s: Floats
    held_s: Floats
    """Time a frame stands for: to the next one, gaps not counted."""
    reason: Whys
    """Why a frame is not good enough for gaze; None where it is."""
    iod_px: Floats
    gaze: Floats
    """Yaw and pitch, degrees."""
    head: Floats
    """Yaw, pitch and roll, degrees."""
    head_speed_dps: Floats
    head_speed_reason: Whys
    """Why it is not known."""
    lids: Floats
    """Eye aspect ratio, mean of both eyes."""
    openings: Mapping[str, Floats]
    """By name: what `face.openings` gives."""
    valid: Flags
    blinks_sought: Flags
    """Lids measured, at 20 frames a second or more."""
    nods_sought: Flags
    """Head pose measured, at 15 frames a second or more."""

    @property
    def posed(self) -> Flags:
        """Where the head's pose is known."""
        return np.isfinite(self.head[:, 0])


@dataclass(frozen=True, slots=True)
class Events:
    """The client's face events; starts in seconds, sorted."""

    blinks_s: Floats
    nods_slow_s: Floats
    nods_fast_s: Floats
    shut: Floats
    """Every closure, shape (n, 2), disjoint."""
    long_shut: Floats
    """Those of over 1 s."""

    def near_shut(self, t_s: Floats) -> Flags:
        """Which times lie within 0.1 s of shut lids."""
        margins = ((float(a) - SHUT_MARGIN_S, float(b) + SHUT_MARGIN_S) for a, b in self.shut)
        return is_inside(as_array(margins), t_s)


def client_frames(face_frames: pa.Table) -> Frames:
    """The client's rows of `face_frames`."""
    roles = np.array(face_frames.column("role").to_pylist(), dtype=object)
    rows = np.flatnonzero(roles == "client")
    rows = rows[np.argsort(floats(face_frames, "t_s")[rows], kind="stable")]
    own = face_frames.take(pa.array(rows))
    t_s = floats(own, "t_s")
    usual_s = float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0
    held_s = np.minimum(np.append(np.diff(t_s), usual_s)[: len(t_s)], GAP_STEPS * usual_s)
    return Frames(
        t_s,
        held_s,
        np.array(own.column("reason").to_pylist(), dtype=object),
        floats(own, "face_iod_px"),
        np.column_stack([floats(own, f"gaze_{axis}_deg") for axis in ("yaw", "pitch")]),
        np.column_stack([floats(own, f"head_{axis}_deg") for axis in ("yaw", "pitch", "roll")]),
        floats(own, "head_speed_dps"),
        np.array(own.column("head_speed_reason").to_pylist(), dtype=object),
        (floats(own, "eye_aspect_left") + floats(own, "eye_aspect_right")) / 2,
        {name: floats(own, name) for name in OPENINGS},
        _flags(own, "face_valid"),
        _flags(own, "blinks_sought"),
        _flags(own, "nods_sought"),
    )


def client_events(face_events: pa.Table) -> Events:
    """The client's rows of `face_events`, by kind."""
    own = [row for row in face_events.to_pylist() if row["role"] == "client"]
    blinks, slow, fast = (
        np.sort([row["start_s"] for row in own if row["kind"] == kind])
        for kind in ("blink", "nod_slow", "nod_fast")
    )
    shut = [
        (row["start_s"], row["end_s"]) for row in own if row["kind"] in {"blink", "eye_closure"}
    ]
    long_shut = [span for span in shut if span[1] - span[0] > LONG_CLOSURE_S]
    return Events(blinks, slow, fast, as_array(shut), as_array(long_shut))


def _flags(table: pa.Table, column: str) -> Flags:
    return np.asarray(table.column(column).to_numpy(), bool)
