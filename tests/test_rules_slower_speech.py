"""R7 on planted windows: both cues, for how much speech, with hysteresis of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline import tables
from pipeline.rules.r7_slower_speech import RATE, RULE, SPREAD, SlowerSpeechSettings, find
from pipeline.rules.section import CandidatesSettings

N = 120
SPOKEN = (300.0, 450.0)


def found(rate: dict[int, float], spread: dict[int, float], speech_s: float = 100.0) -> Any:
    columns: dict[str, Any] = {name: [None] * N for name in tables.WINDOWS.by_name}
    start: Any = 5.0 * np.arange(N)
    columns |= {"session_id": ["s-1"] * N, "start_s": start, "end_s": start + 30}
    for name, planted in ((RATE, rate), (SPREAD, spread)):
        z = np.resize([-0.1, 0.1], N)
        z[list(planted)] = list(planted.values())
        columns |= {name: np.abs(4.0 + 0.4 * z), f"{name}_z": z}
    turn = dict.fromkeys(tables.TURNS.by_name) | {
        "session_id": "s-1", "turn_id": 0, "speaker": 1, "role": "client", "start_s": SPOKEN[0],
        "end_s": SPOKEN[1], "phonation_s": speech_s, "is_backchannel": False, "takes_floor": True,
    }  # fmt: skip
    given = {
        "windows": tables.WINDOWS.build(columns),
        "turns": tables.TURNS.build_rows([turn]),
    }
    return find(RULE.given(given), CandidatesSettings(), SlowerSpeechSettings())


def steps(value: float, first: int = 60, last: int = 84) -> dict[int, float]:
    return dict.fromkeys(range(first, last + 1), value)


def test_both_cues_over_a_minute_of_speech_fire_with_their_numbers() -> None:
    (draft,) = found(steps(-1.5), steps(-1.0))
    assert draft.span == (300.0, 450.0)
    assert [(item.feature, item.z) for item in draft.evidence] == [(RATE, -1.5), (SPREAD, -1.0)]
    assert [item.usual for item in draft.evidence] == pytest.approx([4.0, 4.0], abs=0.05)
    assert draft.score == pytest.approx(0.4 * 2.5)


@pytest.mark.parametrize(
    ("rate", "spread", "speech_s"),
    [
        (steps(-1.4), steps(-1.0), 100.0),
        (steps(-1.5), steps(-0.9), 100.0),
        (steps(1.5), steps(-1.0), 100.0),
        (steps(np.nan), steps(-2.0), 100.0),
        (steps(-1.5), steps(-1.0), 59.0),
        (steps(-2.0, 60, 66), steps(-2.0, 60, 66), 100.0),
        (steps(-1.5, 0, 20), steps(-1.0, 0, 20), 100.0),
    ],
    ids=["pace", "pitch", "faster", "not measured", "little speech", "too short", "too early"],
)
def test_what_does_not_fire(rate: Any, spread: Any, speech_s: float) -> None:
    assert found(rate, spread, speech_s) == []


def test_each_cue_holds_until_half_a_z_nearer_to_usual() -> None:
    held = steps(-1.0) | {60: -1.5}, steps(-0.5) | {60: -1.0}
    lost = steps(-0.99) | {60: -1.5}, steps(-0.5) | {60: -1.0}
    assert len(found(*held)) == 1
    assert found(*lost) == []
