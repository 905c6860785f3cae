"""The agreement stage: what it writes, when it does not compare, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bench.congruence import wandering_dial
from pipeline import tables
from pipeline.dials.congruence import congruence
from pipeline.settings import AgreementSettings, RatingsSettings
from pipeline.stage import Outputs
from pipeline.stages.agreement import STAGE, run
from pipeline.stages.ratings import STAGE as RATINGS
from pipeline.stages.ratings import run as rate
from pipeline.timeline import Floats
from tests.made.faces import SPEC, inputs

SETTINGS = AgreementSettings()


class Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, file: str) -> Path:
        return self.folder / file


def dials(seed: int = 1) -> dict[str, Floats]:
    """Client and therapist with a planted divergence at a quarter and a shared low at the end."""
    rng = np.random.default_rng(seed)
    client = wandering_dial(rng, 20.0, 4.0)
    therapist = 0.7 * client + 0.3 * wandering_dial(rng, 20.0, 4.0)
    client[720:780], therapist[720:780] = 90.0, 40.0
    client[2900:2950], therapist[2905:2955] = 4.0, 8.0
    return {"client": np.round(client, 1), "therapist": np.round(therapist, 1)}


def rated(folder: Path, courses: dict[str, Floats], **sections: Any) -> tuple[Any, dict[str, Any]]:
    """What the ratings stage makes of these dials, and the session's description."""
    row = dict.fromkeys(tables.SESSIONS.by_name)
    row |= {"session_id": SPEC["id"], "dyad_id": "D1", "client_id": "C1", "therapist_id": "T1"}
    given = {name: tables.TABLES[name].empty() for name in (*RATINGS.reads, *STAGE.reads)}
    given["sessions"] = tables.SESSIONS.build_rows([row | {"duration_s": 3000.0}])
    for rater, course in courses.items():
        rows = "".join(f"{i},{v}\n" for i, v in enumerate(course))
        (folder / f"{rater}.csv").write_text("time,rating\n" + rows)
    named = [{"file": f"{rater}.csv", "rater": rater} for rater in courses]
    spec = SPEC | {"ratings": named} | sections
    made = rate(inputs(given, Folder(folder), spec), None, RatingsSettings())
    return given | dict(made.tables), spec


def agreed(folder: Path, given: dict[str, pa.Table], spec: dict[str, Any]) -> Outputs:
    outputs = run(inputs(given, Folder(folder), spec), None, SETTINGS)
    for name, table in outputs.tables.items():
        assert isinstance(table, pa.Table)
        tables.TABLES[name].check(table)
    return outputs


def rows(outputs: Outputs, name: str) -> list[dict[str, Any]]:
    table = outputs.tables[name]
    assert isinstance(table, pa.Table)
    return table.to_pylist()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("session")
    return folder, *rated(folder, dials())


def test_the_row_is_the_comparison_of_the_lagged_dials(both: Any) -> None:
    (row,) = rows(agreed(*both), "congruence")
    values = {
        rater: np.array([r["value"] for r in both[1]["ratings"].to_pylist() if r["rater"] == rater],
                        dtype=np.float64)
        for rater in ("client", "therapist")
    }  # fmt: skip
    expected = congruence(values["client"], values["therapist"])
    assert row["r"] == pytest.approx(expected.r)
    assert row["r_p_shift"] == expected.r_p_shift
    assert (row["is_interpretable"], row["reason"]) == (True, None)
    counts = [value for name, value in row.items() if name.endswith("_bins") and name != "n_bins"]
    assert (len(counts), sum(counts)) == (9, row["n_bins"])


def test_planted_moments_are_placed_in_the_session(both: Any) -> None:
    outputs = agreed(*both)
    first, *_ = (m for m in rows(outputs, "dial_moments") if m["kind"] == "divergence")
    assert first["divergence"] > 35
    assert first["session_prop"] == pytest.approx(0.25, abs=0.01)
    level = {r["rater"]: r["dial_median"] for r in both[1]["rating_quality"].to_pylist()}
    own = [first[f"dial_{rater}"] - level[rater] for rater in ("client", "therapist")]
    assert own[0] - own[1] == pytest.approx(first["divergence"], abs=1e-6)
    *_, low = (m for m in rows(outputs, "dial_moments") if m["kind"] == "shared_low")
    assert (low["dial_client"], low["dial_therapist"]) == (None, None)
    assert low["session_prop"] == pytest.approx(0.975, abs=0.01)
    (row,) = rows(outputs, "congruence")
    assert (row["low_overlap_count"] == low["rank"], row["shared_low"]) == (True, True)


def test_one_dial_is_not_compared(tmp_path: Path) -> None:
    given, spec = rated(tmp_path, {"client": dials()["client"]})
    (row,) = rows(agreed(tmp_path, given, spec), "congruence")
    assert (row["r"], row["reason"], row["is_interpretable"]) == (None, "no_dial", False)


def test_a_doubtful_dial_is_not_compared(tmp_path: Path) -> None:
    courses = dials() | {"therapist": np.repeat([50.0, 50.5], 1500)}
    outputs = agreed(tmp_path, *rated(tmp_path, courses))
    assert rows(outputs, "congruence")[0]["reason"] == "dial_unsure"
    assert rows(outputs, "dial_moments") == []


def test_less_than_15_minutes_are_not_compared(both: Any) -> None:
    folder, given, spec = both
    ratings = [
        row | {"value": row["value"] if row["t_s"] < 890 else None}
        for row in given["ratings"].to_pylist()
    ]
    short = given | {"ratings": tables.RATINGS.build_rows(ratings)}
    assert rows(agreed(folder, short, spec), "congruence")[0]["reason"] == "too_short"


# ---- guesses and reasons -------------------------------------------------------------------


def guessed(both: Any, text: str, **more: Any) -> Outputs:
    folder, given, spec = both
    (folder / "guesses.csv").write_text(text)
    section = {"file": "guesses.csv", "blinded": True, **more}
    return agreed(folder, given, spec | {"guesses": section})


def labels(both: Any, wrong: int) -> str:
    """A file that labels all of the client's stretches, the first `wrong` of each kind wrongly."""
    lines = ["start,end,guess"]
    for s in both[1]["rating_segments"].to_pylist():
        if s["rater"] == "client":
            helpful = (s["kind"] == "high") != (s["rank"] <= wrong)
            lines.append(f"{s['start_s']},{s['end_s']},{'helpful' if helpful else 'hindering'}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("wrong", "more", "correct", "p", "reason"),
    [
        (0, {}, 6, 0.05, None),
        (1, {}, 4, 0.5, None),
        (1, {"split_known": False}, 4, 0.34375, None),
        (1, {"blinded": False}, 4, None, "not_blinded"),
    ],
)
def test_guesses_are_held_against_the_clients_stretches(
    both: Any, wrong: int, more: dict[str, Any], correct: int, p: float | None, reason: str | None
) -> None:
    outputs = guessed(both, labels(both, wrong), **more)
    (row,) = rows(outputs, "congruence")
    assert (row["guess_count"], row["guess_correct"], row["guess_reason"]) == (6, correct, reason)
    assert row["guess_p"] == (None if p is None else pytest.approx(p))
    assert sum(guess["is_correct"] for guess in rows(outputs, "guesses")) == correct


def test_a_guess_about_nothing_picked_counts_for_nothing(both: Any) -> None:
    outputs = guessed(both, "start,end,guess\n0,5,helpful\n")
    assert [guess["rated"] for guess in rows(outputs, "guesses")] == [None]
    assert rows(outputs, "congruence")[0]["guess_reason"] == "few_samples"


def test_unreadable_guesses_leave_the_rest(both: Any) -> None:
    outputs = guessed(both, "start,end,guess\n0,5,maybe so\n")
    (absence,) = outputs.absences
    assert (absence.modality, absence.reason) == ("guesses", "unreadable_media")
    assert "guesses.csv, line 2" in absence.sentence
    (row,) = rows(outputs, "congruence")
    assert row["guess_reason"] == "unreadable_media"
    assert row["r"] is not None


def test_reasons_find_their_stretch(both: Any) -> None:
    folder, given, spec = both
    segments = given["rating_segments"].to_pylist()
    low = next(s for s in segments if (s["rater"], s["kind"], s["rank"]) == ("client", "low", 1))
    text = f"start,end,reason\n{low['start_s'] - 20},{low['end_s']},It jarred\n"
    (folder / "why.csv").write_text(text)
    sections = {"reasons": [{"file": "why.csv", "rater": "client"}]}
    (reason,) = rows(agreed(folder, given, spec | sections), "rating_reasons")
    assert (reason["kind"], reason["rank"], reason["text"]) == ("low", 1, "It jarred")
