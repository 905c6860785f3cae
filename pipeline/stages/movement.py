"""Motion energy of each person's region, and how far the two move together.

Pure arithmetic on `motion_grid` and `seats`: another region, threshold or window never looks at the
video again. Of the therapist only how much their part of the picture moves is computed, never a
feature of the face, and by default it is used for the session's co-movement alone and kept nowhere
(`movement.therapist`). Both need a video whose `shows` names the therapist, and with it their
consent.

METHODS: Movement and co-movement. Definitions and limits: `movement.energy`, `movement.regions`
and `movement.synchrony`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.movement import synchrony
from pipeline.movement.energy import Changes, Floats, Whys, commonest, energy, masks, read_changes
from pipeline.movement.grid import STEP_S
from pipeline.movement.regions import Region, areas_of, regions_of
from pipeline.paperwork.session_media import Role
from pipeline.settings import MovementSettings
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.tables import MOTION, MOTION_REGIONS, SYNCHRONY

VERSION = 1
"""Raise when the numbers can change."""

PIECE_ROWS = 600
"""Rows of the grid read together: a minute."""
ROLES: tuple[Role, ...] = ("client", "therapist")
PAIR_EVERY = 2
"""Of the steps, for co-movement: after half a second of smoothing the others say nothing new."""
P_CHANCE = 0.05
"""From here on co-movement is at chance, and a lag of it would be a lag of nothing."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """How one person's region moved."""

    role: Role
    region: Region | None
    course: Floats
    """Motion energy in SDs, shape (n,); NaN where masked."""
    reason: str | None
    """Why there is no course at all."""

    @property
    def valid_share(self) -> float:
        return float(np.isfinite(self.course).mean())


def run(inputs: Inputs, engine: None, settings: MovementSettings) -> Outputs:
    """`motion`, `motion_regions` and `synchrony`; all empty where no video was read."""
    del engine
    changes = read_changes(lambda: _batches(inputs))
    if changes is None:
        tables = (MOTION, MOTION_REGIONS, SYNCHRONY)
        return Outputs({table.name: table.empty() for table in tables})
    masked = masks(changes, settings)
    moved = _moved(inputs, changes, masked, settings)
    kept = ROLES if settings.therapist == "windows" else ROLES[:1]
    rows = [_region_row(inputs.spec.id, changes, one) for one in moved.values()]
    figures = _synchrony(moved, masked, settings)
    return Outputs(
        {
            "motion": _motion(inputs.spec.id, changes, masked, [moved[role] for role in kept]),
            "motion_regions": MOTION_REGIONS.build_rows(rows),
            "synchrony": SYNCHRONY.build_rows([{"session_id": inputs.spec.id} | figures]),
        }
    )


def _batches(inputs: Inputs) -> Iterator[pa.RecordBatch]:
    return inputs.pieces("motion_grid", PIECE_ROWS)


def _moved(
    inputs: Inputs, changes: Changes, masked: Whys, settings: MovementSettings
) -> dict[Role, _Moved]:
    """The course of both, or why it is not there."""
    seats = inputs.tables["seats"].to_pylist()
    part = inputs.spec.media[seats[0]["media"]]
    regions = regions_of(part, seats, settings)
    areas = areas_of(regions)
    nothing = np.full(len(changes.t_s), np.nan)
    found = {}
    for role in ROLES:
        region, course, reason = regions.get(role), nothing, None
        if role not in part.shows:
            reason = "no_media"
        elif role == "therapist" and settings.therapist == "off":
            region, reason = None, "not_measured"
        elif region is None:
            reason = "no_face"
        elif role not in areas:
            reason = "overlap"
        else:
            course, reason = energy(changes, areas[role], masked, settings)
        found[role] = _Moved(role, region, course, reason)
    return found


def _motion(session_id: str, changes: Changes, masked: Whys, moved: list[_Moved]) -> pa.Table:
    """One row per person and step, also where nothing was measured."""
    there = [one for one in moved if one.reason is None]
    n = len(changes.t_s)
    columns: dict[str, Any] = {
        "session_id": [session_id] * (n * len(there)),
        "t_s": np.tile(changes.t_s, len(there)),
        "role": [one.role for one in there for _ in range(n)],
        "motion_energy": np.concatenate([one.course for one in there] or [np.empty(0)]),
        "reason": list(masked) * len(there),
    }
    return MOTION.build(columns)


def _region_row(session_id: str, changes: Changes, one: _Moved) -> dict[str, Any]:
    region = one.region
    edges = ("left", "top", "right", "bottom")
    return {
        "session_id": session_id,
        "role": one.role,
        **{f"region_{edge}": getattr(region, edge, None) for edge in edges},
        "origin": region.origin if region else None,
        "change_min": changes.level,
        "motion_valid_prop": None if one.reason else one.valid_share,
        "reason": one.reason,
    }


def _synchrony(
    moved: Mapping[Role, _Moved], masked: Whys, settings: MovementSettings
) -> dict[str, Any]:
    """The row of `synchrony`: null with a reason where the gate is not met."""
    client, therapist = (moved[role] for role in ROLES)
    figures: dict[str, Any] = dict.fromkeys(SYNCHRONY.by_name)
    del figures["session_id"]
    reason = client.reason or therapist.reason
    if reason is None and min(client.valid_share, therapist.valid_share) < settings.valid_min:
        reason = commonest(masked)
    if reason is not None:
        return figures | {"reason": reason}
    return figures | _together(client.course, therapist.course, settings)


def _together(
    client: NDArray[np.float64], therapist: NDArray[np.float64], settings: MovementSettings
) -> dict[str, Any]:
    step_s = PAIR_EVERY * STEP_S
    client, therapist = client[::PAIR_EVERY], therapist[::PAIR_EVERY]
    lagged = synchrony.lag_correlation(
        client,
        therapist,
        step_s=step_s,
        window_s=settings.correlation_window_s,
        hop_s=settings.correlation_hop_s,
        lag_max_s=settings.correlation_lag_s,
        valid_min=settings.valid_min,
    )
    chance = synchrony.above_chance(
        client,
        therapist,
        step_s=step_s,
        segment_s=settings.segment_s,
        lag_max_s=settings.segment_lag_s,
        surrogates=settings.surrogates,
        valid_min=settings.valid_min,
    )
    found = {"window_count": len(lagged.z), "wclc_z": lagged.mean_abs_z}
    if chance is None:
        return found | {"reason": "too_short", "lag_reason": "too_short"}
    found |= {
        "segment_count": chance.segments,
        "surrogate_z": chance.mean_abs_z,
        "surrogate_chance_z": chance.chance_mean,
        "surrogate_chance_sd": chance.chance_sd,
        "surrogate_es": chance.effect_size,
        "surrogate_p": chance.p,
        "surrogate_count": settings.surrogates,
    }
    if chance.p >= P_CHANCE:
        return found | {"lag_reason": "at_chance"}
    lag_s, z = lagged.peak()
    return found | {"peak_lag_s": lag_s, "peak_z": z}


STAGE = Stage(
    name="movement",
    version=VERSION,
    run=run,
    settings=MovementSettings,
    reads=("motion_grid", "seats"),
    writes=("motion", "motion_regions", "synchrony"),
    sources=("media",),
    scope="analyse_video",
    modality="video",
    without="No body movement",
)
