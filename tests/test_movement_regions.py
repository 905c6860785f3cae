"""Whose part of the picture is whose."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.movement.grid import CELLS, GRID
from pipeline.movement.regions import FACES_MIN, Region, areas_of, cells_of, regions_of
from pipeline.paperwork.session_media import MediaFile
from pipeline.settings import MovementSettings

SETTINGS = MovementSettings()


def part(*shows: str, **regions: list[float]) -> MediaFile:
    given = {"file": "room.mp4", "shows": list(shows), "regions": regions}
    return MediaFile.model_validate(given)


def seat(role: str, left: float, top: float = 0.3, count: int = 1000) -> dict:
    box = {"face_left": left, "face_top": top, "face_width": 0.08, "face_height": 0.14}
    return {"role": role, "face_count": count} | box


def cells(region: Region) -> np.ndarray:
    return cells_of(region).reshape(GRID)


def test_session_toml_comes_first() -> None:
    given = part("client", "therapist", client=[0.1, 0.2, 0.3, 0.5])
    region = regions_of(given, [seat("client", 0.7)], SETTINGS)["client"]
    assert region == Region(0.1, 0.2, pytest.approx(0.4), pytest.approx(0.7), "session_toml")


def test_head_and_trunk_round_the_median_face() -> None:
    region = regions_of(part("client"), [seat("client", 0.4)], SETTINGS)["client"]
    assert region is not None
    assert region.origin == "face"
    assert (region.left + region.right) / 2 == pytest.approx(0.44)
    assert region.right - region.left == pytest.approx(3.5 * 0.08)
    assert region.top == pytest.approx(0.3 - 0.5 * 0.14)
    assert region.bottom == pytest.approx(0.44 + 3 * 0.14)


def test_a_region_ends_where_the_picture_ends() -> None:
    region = regions_of(part("client"), [seat("client", 0.9, top=0.7)], SETTINGS)["client"]
    assert region is not None
    assert (region.right, region.bottom) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("shows", "known", "edges"),
    [
        (("client", "therapist"), 0.1, (0.28, 1.0)),
        (("therapist", "client"), 0.7, (0.0, 0.6)),
    ],
)
def test_who_has_no_face_gets_the_side_that_is_left(shows, known, edges) -> None:
    region = regions_of(part(*shows), [seat("client", known)], SETTINGS)["therapist"]
    assert region is not None
    assert (region.left, region.right) == pytest.approx(edges)
    assert (region.top, region.bottom, region.origin) == (0.0, 1.0, "side")


def test_halves_where_nobodys_face_was_found() -> None:
    rare = [seat("client", 0.1, count=FACES_MIN - 1)]
    found = regions_of(part("therapist", "client"), rare, SETTINGS)
    assert found["therapist"] == Region(0.0, 0.0, 0.5, 1.0, "side")
    assert found["client"] == Region(0.5, 0.0, 1.0, 1.0, "side")


def test_one_person_without_a_face_has_no_region() -> None:
    assert regions_of(part("client"), [], SETTINGS) == {"client": None}


def test_cells_by_their_centres() -> None:
    mask = cells(Region(0.25, 0.5, 0.5, 1.0, "side"))
    assert mask.sum() == 9 * 8
    assert mask[9:, 8:16].all()
    assert cells_of(Region(0, 0, 1, 1, "side")).sum() == CELLS


def test_what_falls_to_both_is_nobodys() -> None:
    regions = {
        "client": Region(0.0, 0.0, 0.6, 1.0, "session_toml"),
        "therapist": Region(0.4, 0.0, 1.0, 1.0, "session_toml"),
    }
    areas = areas_of(regions)
    assert not (areas["client"] & areas["therapist"]).any()
    assert areas["client"].sum() == areas["therapist"].sum() == 18 * 13


def test_a_region_that_is_left_too_small_is_none() -> None:
    inside = {
        "client": Region(0.4, 0.4, 0.6, 0.6, "face"),
        "therapist": Region(0.0, 0.0, 1.0, 1.0, "session_toml"),
    }
    assert set(areas_of(inside)) == {"therapist"}
    assert areas_of({"client": None}) == {}
