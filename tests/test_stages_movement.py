"""The movement stage: who is measured, what is kept, and when co-movement is null and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline import tables
from pipeline.movement.grid import STEP_S
from pipeline.settings import MovementSettings
from pipeline.stage import Outputs
from pipeline.stages import movement
from tests.made.faces import SPEC, inputs
from tests.made.motion import bursty, grid_of, planned_energy

LASTS_S = 400.0
LEFT, RIGHT = (2, 14), (18, 30)
"""Columns of the grid in which the two move."""


def share(rng_seed: int, lead_s: float = 0.0, lasts_s: float = LASTS_S) -> np.ndarray:
    rng = np.random.default_rng(rng_seed)
    speed = bursty(rng, lasts_s + 20)
    t_s = np.arange(6, 6 + lasts_s, STEP_S) + lead_s
    return 0.01 * planned_energy(speed, t_s) + rng.uniform(0, 0.01, len(t_s))


def seats(*roles: str, found: int = 1000):
    """The client's face at the left, the therapist's not found unless `found`."""
    rows = [
        {
            "session_id": SPEC["id"], "media": 0, "role": role, "face_left": 0.2 + 0.5 * index,
            "face_top": 0.3, "face_width": 0.08, "face_height": 0.14, "face_count": found,
        }
        for index, role in enumerate(roles)
    ]  # fmt: skip
    return tables.SEATS.build_rows(rows)


def run(grid, *roles: str, found: int = 1000, **settings: Any) -> Outputs:
    part = {"file": "room.mp4", "hears": ["mixed"], "shows": list(roles)}
    given = inputs(
        {"motion_grid": grid, "seats": seats(*roles, found=found)}, spec=SPEC | {"media": [part]}
    )
    outputs = movement.run(given, None, MovementSettings(**settings))
    for name, table in outputs.tables.items():
        tables.TABLES[name].check(table)
    return outputs


def pair(outputs: Outputs) -> dict[str, Any]:
    (row,) = outputs.tables["synchrony"].to_pylist()
    return row


def region(outputs: Outputs, role: str) -> dict[str, Any]:
    rows = outputs.tables["motion_regions"].to_pylist()
    return next(row for row in rows if row["role"] == role)


@pytest.fixture(scope="module")
def together():
    """The therapist follows the client by 1.2 s."""
    return grid_of({LEFT: share(1), RIGHT: share(1, lead_s=-1.2)})


@pytest.fixture(scope="module")
def apart():
    return grid_of({LEFT: share(1), RIGHT: share(2)})


BOTH = ("client", "therapist")


def test_a_planted_lead_of_the_client(together) -> None:
    row = pair(run(together, *BOTH))
    assert row["peak_lag_s"] == pytest.approx(1.2, abs=0.1)
    assert row["surrogate_p"] == pytest.approx(1 / 501)
    assert row["surrogate_es"] > 5
    assert (row["surrogate_count"], row["segment_count"]) == (500, 13)
    assert row["reason"] is None
    swapped = pair(run(together, "therapist", "client"))
    assert swapped["peak_lag_s"] == pytest.approx(-1.2, abs=0.1)


def test_what_is_at_chance_has_no_lag(apart) -> None:
    row = pair(run(apart, *BOTH))
    assert row["surrogate_p"] > 0.05
    assert row["wclc_z"] > 0
    assert (row["peak_lag_s"], row["lag_reason"]) == (None, "at_chance")


def test_the_clients_course_is_kept_in_its_own_sds(together) -> None:
    table = run(together, *BOTH).tables["motion"]
    energy = np.array(table.column("motion_energy").to_pylist())
    assert set(table.column("role").to_pylist()) == {"client"}
    assert table.column("t_s").to_pylist()[:2] == pytest.approx([0.05, 0.15])
    assert len(energy) == LASTS_S / STEP_S
    assert energy.std() == pytest.approx(1.0, abs=1e-3)
    assert np.corrcoef(energy, share(1))[0, 1] > 0.9


@pytest.mark.parametrize(
    ("switch", "kept", "paired", "reason"),
    [
        ("off", {"client"}, False, "not_measured"),
        ("session", {"client"}, True, None),
        ("windows", {"client", "therapist"}, True, None),
    ],
)
def test_the_therapists_movement_goes_as_far_as_the_profile_says(
    together, switch, kept, paired, reason
) -> None:
    outputs = run(together, *BOTH, therapist=switch)
    assert set(outputs.tables["motion"].column("role").to_pylist()) == kept
    assert (pair(outputs)["surrogate_es"] is not None) is paired
    assert region(outputs, "therapist")["reason"] == reason
    assert (region(outputs, "therapist")["region_left"] is None) is (switch == "off")


def test_who_is_not_shown_is_not_measured(together) -> None:
    outputs = run(together, "client", therapist="windows")
    assert set(outputs.tables["motion"].column("role").to_pylist()) == {"client"}
    assert region(outputs, "therapist")["reason"] == "no_media"
    assert pair(outputs)["reason"] == "no_media"


def test_regions_follow_faces_or_halves(together) -> None:
    by_face = region(run(together, *BOTH), "client")
    assert by_face["origin"] == "face"
    assert by_face["region_left"] == pytest.approx(0.24 - 0.14, abs=1e-6)
    halves = run(together, *BOTH, found=0)
    assert [region(halves, role)["origin"] for role in BOTH] == ["side", "side"]
    assert region(halves, "client")["region_right"] == 0.5
    alone = run(together, "client", found=0)
    assert region(alone, "client")["reason"] == "no_face"
    assert alone.tables["motion"].num_rows == 0


def test_changes_of_light_are_null_with_their_reason() -> None:
    lamps = range(100, 4000, 400)
    grid = grid_of({LEFT: share(1), RIGHT: share(2)}, lamp_at=lamps)
    outputs = run(grid, *BOTH)
    rows = outputs.tables["motion"].to_pylist()
    lit = [row for row in rows if row["reason"] == "light_changed"]
    assert len(lit) == 9 * len(lamps)
    assert all((row["motion_energy"] is None) == (row["reason"] is not None) for row in rows)
    assert pair(outputs)["reason"] is None
    assert pair(outputs)["surrogate_p"] > 0.05


def test_under_nine_tenths_valid_there_is_no_pair() -> None:
    grid = grid_of({LEFT: share(1), RIGHT: share(1)}, lamp_at=range(0, 4000, 80))
    row = pair(run(grid, *BOTH))
    assert row["reason"] == "light_changed"
    assert {row[name] for name in ("wclc_z", "surrogate_es", "peak_lag_s")} == {None}


def test_five_minutes_are_the_least() -> None:
    grid = grid_of({LEFT: share(1, lasts_s=200), RIGHT: share(1, lasts_s=200)})
    row = pair(run(grid, *BOTH))
    assert row["reason"] == row["lag_reason"] == "too_short"
    assert row["surrogate_es"] is None
    assert row["wclc_z"] > 0


def test_without_video_everything_is_empty() -> None:
    outputs = movement.run(
        inputs({"motion_grid": tables.MOTION_GRID.empty(), "seats": tables.SEATS.empty()}),
        None,
        MovementSettings(),
    )
    assert {table.num_rows for table in outputs.tables.values()} == {0}
    assert outputs.absences == ()
    assert set(outputs.tables) == set(movement.STAGE.writes)


def test_another_region_never_decodes_the_video_again() -> None:
    assert movement.STAGE.scope == "analyse_video"
    assert movement.STAGE.engine is None
    assert set(movement.STAGE.reads) == {"motion_grid", "seats"}
