"""R3: planted divergences reach the candidates, outside the budget, with side and place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import tables
from pipeline.rules.r3_ratings_apart import DialDivergence, rating_divergences
from pipeline.rules.section import CandidatesSettings
from pipeline.stages import candidates

SETTINGS = CandidatesSettings()


def moment(**changes: Any) -> DialDivergence:
    values: dict[str, Any] = {
        "rank": 1, "start_s": 700.0, "end_s": 780.0, "session_prop": 0.25, "peak_s": 740.0,
        "points": 31.2, "usual": -1.0, "depth_madn": 3.4,
        "dials": {"client": (33.0, 70.0), "therapist": (31.8, 43.5)},
    }  # fmt: skip
    return DialDivergence(**(values | changes))


def test_a_divergence_says_who_was_nearer_to_helpful_than_usual_and_where() -> None:
    above, under = rating_divergences(
        [moment(), moment(rank=2, points=-28.0, session_prop=0.625)], longest_s=180
    )
    title = "The two ratings differ: {} points nearer to helpful, each against their own usual"
    assert above.title == f"{title.format('client 31')} (25 % into the session)"
    assert under.title == f"{title.format('therapist 28')} (62 % into the session)"
    assert (above.rule, above.who, above.span, above.rank) == ("R3", "both", (700.0, 780.0), 1)
    assert (above.evidence[0].z, under.evidence[0].z) == (3.4, -3.4)
    assert above.evidence[0].feature in tables.WINDOWS.by_name
    assert (above.score, above.low_confidence) == (3.4, False)


def test_both_dials_stand_beside_their_divergence() -> None:
    # the client's dial is the higher one, and yet the therapist's is further above its usual
    (draft,) = rating_divergences([moment(points=-25.3)], longest_s=180.0)
    told = [(item.feature, item.value, item.usual, item.z) for item in draft.evidence[1:]]
    assert told == [("dial_client", 33.0, 70.0, None), ("dial_therapist", 31.8, 43.5, None)]


@pytest.mark.parametrize(
    ("peak_s", "span"),
    [(1000.0, (910.0, 1090.0)), (705.0, (700.0, 880.0)), (1290.0, (1120.0, 1300.0))],
)
def test_a_long_divergence_is_cut_around_its_peak(peak_s: float, span: tuple[float, float]) -> None:
    (draft,) = rating_divergences([moment(end_s=1300.0, peak_s=peak_s)], longest_s=180.0)
    assert draft.span == span


def test_without_a_usual_spread_there_is_no_z() -> None:
    (draft,) = rating_divergences([moment(depth_madn=None)], longest_s=180.0)
    assert (draft.evidence[0].z, draft.score) == (None, 0.0)


def test_switched_off() -> None:
    rows = [planted(1)]
    only = CandidatesSettings(rules=["R1", "R2"])
    assert stage_rows(dial_moments=tables.DIAL_MOMENTS.build_rows(rows))
    assert not stage_rows(only, dial_moments=tables.DIAL_MOMENTS.build_rows(rows))


def planted(rank: int) -> dict[str, Any]:
    return {
        "session_id": "s-1", "kind": "divergence", "rank": rank, "start_s": 300.0 * rank,
        "end_s": 300.0 * rank + 40, "session_prop": 0.1 * rank, "peak_s": 300.0 * rank + 9,
        "divergence": 25.0, "usual_divergence": 0.0, "depth_madn": 2.0,
        "dial_client": 70.0, "dial_therapist": 45.0,
    }  # fmt: skip


def stage_rows(settings: CandidatesSettings = SETTINGS, **given: Any) -> list[dict[str, Any]]:
    empty = {name: tables.TABLES[name].empty() for name in candidates.STAGE.reads}
    session = dict.fromkeys(tables.SESSIONS.by_name) | {
        "session_id": "s-1", "dyad_id": "D1", "session_number": 1, "client_id": "C",
        "therapist_id": "T", "capture": "in_room", "duration_s": 3000.0, "made_up": "",
    }  # fmt: skip
    empty["sessions"] = tables.SESSIONS.build_rows([session])
    bare: Any = SimpleNamespace(spec=SimpleNamespace(id="s-1"), tables=empty | given)
    made: Any = candidates.run(bare, None, settings).tables
    tables.CANDIDATES.check(made["candidates"])
    return list(made["candidates"].to_pylist())


def test_divergences_need_no_audio_and_no_budget_and_shared_lows_are_no_candidates() -> None:
    rows = [planted(rank) for rank in (1, 2, 3)]
    low = rows[0] | {"kind": "shared_low", "start_s": 2000.0, "end_s": 2030.0, "rank": 1}
    unknown = ("peak_s", "divergence", "usual_divergence", "depth_madn")
    low |= dict.fromkeys((*unknown, "dial_client", "dial_therapist"))
    found = stage_rows(dial_moments=tables.DIAL_MOMENTS.build_rows([*rows, low]))
    assert [row["candidate_id"] for row in found] == [
        "R3-both-00300", "R3-both-00600", "R3-both-00900",
    ]  # fmt: skip
    assert stage_rows() == []
