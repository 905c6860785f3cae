"""Motion energy per window and co-movement per session, as `align` puts them into its tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_stages_align import aligned, alternating, build, column, feature

from tests.made.faces import SPEC

DURATION_S = 900.0
T_S = np.arange(0.05, DURATION_S, 0.1)


def motion(energy: np.ndarray, reason: list[str | None] | None = None, role: str = "client"):
    n = len(energy)
    rows = zip(T_S, energy.tolist(), reason or [None] * n, strict=True)
    return [
        {"t_s": t_s, "role": role, "motion_energy": None if why else value, "reason": why}
        for t_s, value, why in rows
    ]


def regions(therapist: str | None = None, **client: Any) -> dict:
    own = {"role": "client", "motion_valid_prop": 0.98, "origin": "face"} | client
    rows = [own, {"role": "therapist", "reason": therapist}]
    return {"motion_regions": build("motion_regions", rows)}


def test_a_window_holds_the_mean_and_its_z() -> None:
    rng = np.random.default_rng(0)
    energy = rng.gamma(2.0, 0.5, len(T_S))
    energy[(T_S > 600) & (T_S < 630)] += 3.0
    given = {"motion": build("motion", motion(energy))} | regions()
    outputs = aligned(alternating(), given)
    inside = (T_S >= 300) & (T_S < 330)
    assert column(outputs, "client_mea")[60] == pytest.approx(energy[inside].mean(), rel=1e-5)
    assert np.argmax(column(outputs, "client_mea_z")) == 120
    assert column(outputs, "client_mea_z")[120] > 5
    assert set(column(outputs, "client_mea_reason")) == {None}


def test_a_window_masked_for_too_long_is_null_and_says_why() -> None:
    reason = ["light_changed" if 300 <= t_s < 312 else None for t_s in T_S]
    given = {"motion": build("motion", motion(np.ones(len(T_S)), reason))} | regions()
    outputs = aligned(alternating(), given)
    assert column(outputs, "client_mea_reason")[60] == "light_changed"
    assert column(outputs, "client_mea")[60] is None
    assert column(outputs, "client_mea")[63] == pytest.approx(1.0)  # 3 of its 30 s


def test_after_the_video_there_is_nothing() -> None:
    rows = motion(np.ones(len(T_S)))[:4000]  # 400 s
    outputs = aligned(alternating(), {"motion": build("motion", rows)} | regions())
    assert column(outputs, "client_mea_reason")[-1] == "no_media"
    assert column(outputs, "client_mea")[0] == 1.0


@pytest.mark.parametrize(("given", "reason"), [(None, "not_measured"), ("no_media", "no_media")])
def test_the_therapist_is_null_unless_kept(given, reason) -> None:
    own = {"motion": build("motion", motion(np.ones(len(T_S))))}
    outputs = aligned(alternating(), own | regions(therapist=given))
    assert set(column(outputs, "therapist_mea_reason")) == {reason}
    both = motion(np.ones(len(T_S))) + motion(np.full(len(T_S), 2.0), role="therapist")
    kept = aligned(alternating(), {"motion": build("motion", both)} | regions())
    assert set(column(kept, "therapist_mea")) == {2.0}


def test_figures_of_the_session() -> None:
    row = {"wclc_z": 0.2, "surrogate_es": 0.4, "surrogate_p": 0.3, "lag_reason": "at_chance"}
    outputs = aligned(regions(), {"synchrony": build("synchrony", [row])})
    assert feature(outputs, "sync_wclc_z")["value"] == 0.2
    assert feature(outputs, "sync_es_sd")["value"] == 0.4
    assert feature(outputs, "sync_rank_prop")["reason"] is None
    assert feature(outputs, "sync_peak_lag_s")["reason"] == "at_chance"
    assert feature(outputs, "client_motion_valid_prop")["value"] == pytest.approx(0.98)


def test_figures_without_a_pair_or_a_video() -> None:
    outputs = aligned(regions(), {"synchrony": build("synchrony", [{"reason": "low_fps"}])})
    names = ("sync_wclc_z", "sync_es_sd", "sync_rank_prop", "sync_peak_lag_s")
    assert {feature(outputs, name)["reason"] for name in names} == {"low_fps"}
    empty = aligned()
    every = (*names, "client_motion_valid_prop")
    assert {feature(empty, name)["reason"] for name in every} == {"no_media"}
    assert SPEC["id"] == feature(empty, "sync_es_sd")["session_id"]
