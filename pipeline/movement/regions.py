"""Which part of the picture is whose: regions of interest, in shares of the picture.

In order: what `session.toml` says (`regions`); head and trunk round the median face box; with two
people shown, the side of the picture that the other's region leaves. A cell that falls to both is
nobody's, so that no movement counts twice.

Head and trunk of a seated person follow from body proportions (Drillis & Contini 1966): a face is
about a tenth of the stature high, shoulders with arms 0.26 of it wide and seldom still, the trunk
0.29 of it long.

Caveat: the median is one place for the whole session. Who changes seats needs two recordings, or
`regions` that hold both seats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.movement.grid import CELLS, GRID
from pipeline.paperwork.session_media import MediaFile, Role
from pipeline.settings import MovementSettings

FACES_MIN = 50
"""A face found in fewer frames says nothing about a seat."""
CELLS_MIN = 9
"""A smaller region is too coarse a sample of a person."""

Flags = NDArray[np.bool_]  # shape (CELLS,)


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle, edges in shares of the picture (0..1)."""

    left: float
    top: float
    right: float
    bottom: float
    origin: str
    """session_toml | face | side"""


def regions_of(
    part: MediaFile, seats: Sequence[Mapping[str, Any]], settings: MovementSettings
) -> dict[Role, Region | None]:
    """The region of everyone shown; None where nothing says where they are.

    Parameters
    ----------
    part : the media file, whose `shows` runs from left to right
    seats : rows of the table `seats`
    """
    faces = {row["role"]: row for row in seats if row["face_count"] >= FACES_MIN}
    known = {role: _known(part, faces.get(role), role, settings) for role in part.shows}
    return {role: known[role] or _side(part.shows, role, known) for role in part.shows}


def cells_of(region: Region) -> Flags:
    """Cells whose centre lies in the region."""
    rows = (np.arange(GRID[0]) + 0.5) / GRID[0]
    columns = (np.arange(GRID[1]) + 0.5) / GRID[1]
    tall = (rows >= region.top) & (rows < region.bottom)
    wide = (columns >= region.left) & (columns < region.right)
    return np.asarray((tall[:, None] & wide).ravel())


def areas_of(regions: Mapping[Role, Region | None]) -> dict[Role, Flags]:
    """Cells of each known region that are nobody else's; without those that are left too small."""
    cells = {role: cells_of(region) for role, region in regions.items() if region is not None}
    claims = np.sum(list(cells.values()), axis=0) if cells else np.zeros(CELLS)
    own = {role: mask & (claims == 1) for role, mask in cells.items()}
    return {role: mask for role, mask in own.items() if mask.sum() >= CELLS_MIN}


def _known(
    part: MediaFile, face: Mapping[str, Any] | None, role: Role, settings: MovementSettings
) -> Region | None:
    if role in part.regions:
        left, top, width, height = part.regions[role]
        return Region(left, top, left + width, top + height, "session_toml")
    return None if face is None else _head_and_trunk(face, settings)


def _head_and_trunk(face: Mapping[str, Any], settings: MovementSettings) -> Region:
    width, height = face["face_width"], face["face_height"]
    middle = face["face_left"] + width / 2
    reach = settings.trunk_faces_wide / 2 * width
    top = face["face_top"] - settings.head_faces_above * height
    bottom = face["face_top"] + height * (1 + settings.trunk_faces_below)
    return Region(
        max(0.0, middle - reach), max(0.0, top),
        min(1.0, middle + reach), min(1.0, bottom), "face",
    )  # fmt: skip


def _side(shows: Sequence[Role], role: Role, known: Mapping[Role, Region | None]) -> Region | None:
    """What the other's region leaves on this person's side; half of the picture if none does."""
    if len(shows) < 2:
        return None
    is_left = role == shows[0]
    other = known[shows[1] if is_left else shows[0]]
    edge = 0.5 if other is None else other.left if is_left else other.right
    left, right = (0.0, edge) if is_left else (edge, 1.0)
    return Region(left, 0.0, right, 1.0, "side")
