"""A made cohort as a results folder: what `thinslice study` finds after a clinic's nights.

    python -m bench.made.cohort_files OUT [--dyads 18] [--sessions 1] [--seed 0]

Only the tables that the study reads are written, with their declared columns, and beside them a
consent register and an attendance file. Nobody is real.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bench.made.cohort import EFFECT_SD, MadeDials, draw_rho, make_dials
from pipeline import tables
from pipeline.dials.congruence import congruence
from pipeline.dials.figures import count_moves, longest_hold_s
from pipeline.dials.two_raters import shared
from pipeline.profile import Profile
from pipeline.results.provenance import run_record
from pipeline.study.behaviour import label_track
from pipeline.tables.schema import Table

RUN = "20260302T020000-made"
RATERS = ("client", "therapist")
MADE_UP = "the whole session"
REFUSES = "D02"
"""This dyad's client does not agree to `research`, if there are at least three dyads."""
Row = dict[str, Any]


def write_cohort(out: Path, *, dyads: int = 18, sessions: int = 1, seed: int = 0) -> Path:
    """Write OUT/runs, OUT/latest, OUT/consent.toml and OUT/attendance.csv; returns the register."""
    rng = np.random.default_rng(seed)
    (out / "latest").mkdir(parents=True)
    (out / "runs" / RUN).mkdir(parents=True)
    (out / "runs" / RUN / "run.toml").write_text(run_record(RUN, Profile(), {}))
    consent, attendance = [], ["dyad,number,date,status,recorded"]
    for j in range(1, dyads + 1):
        dyad, rho = f"D{j:02d}", draw_rho(rng)
        consent += _consent(dyad, j)
        for number in range(1, sessions + 1):
            _write_session(out, rng, dyad, number, rho)
            day = dt.date(2025, 1, 6) + dt.timedelta(days=13 * j + 7 * number)
            recorded = "yes" if rng.random() < 0.85 else "no"
            attendance.append(f"{dyad},{number},{day},held,{recorded}")
        status = "ended_unplanned" if rng.random() < 0.25 else "ended_planned"
        attendance.append(f"{dyad},,{day + dt.timedelta(days=7)},{status},")
    (out / "attendance.csv").write_text("\n".join(attendance) + "\n")
    (out / "consent.toml").write_text("\n".join(consent) + "\n")
    return out / "consent.toml"


def _consent(dyad: str, j: int) -> list[str]:
    scopes = ["record", "analyse_audio", "dial", "research"]
    given = [s for s in scopes if not (dyad == REFUSES and s == "research")]
    lines = []
    for person, role, listed in (
        (f"C{j:02d}", "client", given),
        (f"T{j:02d}", "therapist", scopes),
    ):
        lines += ["[[consent]]", f'person = "{person}"', f'role = "{role}"', 'sessions = "*"',
                  f"scopes = {listed}".replace("'", '"'), 'decision = "granted"',
                  "date = 2025-01-02", ""]  # fmt: skip
    return lines


def _write_session(out: Path, rng: np.random.Generator, dyad: str, number: int, rho: float) -> None:
    session_id = f"{dyad}-{number:02d}"
    folder = out / "runs" / RUN / f"session={session_id}"
    folder.mkdir()
    dials = make_dials(rng, rho)
    labels = label_track([s for s in dials.segments if s["rater"] == "client"], len(dials.client))
    turns = _turns(rng, labels)
    rows: Mapping[Table, Iterable[Row]] = {
        tables.SESSIONS: [_session(session_id, dyad, number, len(dials.client))],
        tables.RATING_QUALITY: [_quality(rater, getattr(dials, rater)) for rater in RATERS],
        tables.RATING_SEGMENTS: dials.segments,
        tables.CONGRUENCE: [_congruence(dials)],
        tables.GUESSES: _guesses(rng, dials),
        tables.TURNS: turns,
        tables.PROSODY: _prosody(rng, turns),
        tables.SILENCES: _silences(rng, len(labels)),
        tables.WINDOWS: _windows(rng, len(labels)),
        tables.FORMS: _forms(rng, number),
    }
    for table, listed in rows.items():
        empty = _blank(table) | {"session_id": session_id}
        pq.write_table(
            table.build_rows(empty | row for row in listed), folder / f"{table.name}.parquet"
        )
    n = len(labels)
    ratings = tables.RATINGS.build(
        {
            "session_id": [session_id] * 2 * n,
            "rater": [rater for rater in RATERS for _ in range(n)],
            "t_s": np.tile(np.arange(n, dtype=np.float64), 2),
            "value_raw": np.concatenate([dials.client, dials.therapist]),
            "value": np.concatenate([_dropped(dials.client), _dropped(dials.therapist)]),
        }
    )
    pq.write_table(ratings, folder / "ratings.parquet")
    (out / "latest" / f"session={session_id}").symlink_to(Path("..") / "runs" / RUN / folder.name)


def _blank(table: Table) -> Row:
    """A row of nulls; of nothing where a column is never null."""
    nothing = {"string": "", "bool": False}
    return {
        column.name: None if column.nullable else (*column.levels, nothing.get(column.dtype, 0))[0]
        for column in table.columns
    }


def _dropped(dial: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(np.arange(len(dial)) < 10, np.nan, dial)


def _session(session_id: str, dyad: str, number: int, seconds: int) -> Row:
    day = dt.date(2025, 1, 6) + dt.timedelta(days=7 * number)
    return {"session_id": session_id, "dyad_id": dyad, "session_number": number,
            "client_id": f"C{dyad[1:]}", "therapist_id": f"T{dyad[1:]}", "date": day.isoformat(),
            "capture": "in_room", "duration_s": float(seconds), "made_up": MADE_UP}  # fmt: skip


def _quality(rater: str, dial: np.ndarray[Any, Any]) -> Row:
    return {"rater": rater, "quality": "ok", "sentence": "", "lag_s": 2.0, "coverage": 1.0,
            "moves": count_moves(dial), "longest_hold_s": longest_hold_s(dial),
            "dial_mean": dial.mean(), "dial_median": float(np.median(dial)),
            "dial_sd": dial.std(ddof=1)}  # fmt: skip


def _congruence(dials: MadeDials) -> Row:
    found = congruence(_dropped(dials.client), _dropped(dials.therapist))
    names = set(tables.CONGRUENCE.by_name)
    row = {name: value for name, value in asdict(found).items() if name in names}
    for kind in ("high", "low"):
        picks = [[(s["start_s"], s["end_s"]) for s in dials.segments
                  if (s["rater"], s["kind"]) == (rater, kind)] for rater in RATERS]  # fmt: skip
        row[f"{kind}_overlap_count"] = len(shared(*picks, least=0.3))
    return row | {"guess_p": 0.5, "guess_split_known": True}


def _guesses(rng: np.random.Generator, dials: MadeDials) -> list[Row]:
    """Six labels, three of either; a little better than blind."""
    own = [s for s in dials.segments if s["rater"] == "client"]
    rated = ["helpful" if s["kind"] == "high" else "hindering" for s in own]
    swap = int(rng.choice([0, 1, 1, 2]))  # pairs labelled the wrong way round
    guess = list(rated)
    for i in range(swap):
        for kind in ("helpful", "hindering"):
            at = [k for k, label in enumerate(rated) if label == kind]
            if i < len(at):
                guess[at[i]] = "hindering" if kind == "helpful" else "helpful"
    return [{"start_s": s["start_s"], "end_s": s["end_s"], "guess": g, "rated": r,
             "is_correct": g == r} for s, g, r in zip(own, guess, rated, strict=True)]  # fmt: skip


def _turns(rng: np.random.Generator, labels: np.ndarray[Any, Any]) -> list[Row]:
    """Turns that alternate; the client's are longer in the highest segments."""
    rows: list[Row] = []
    t = 0.0
    while t < len(labels) - 1:
        role = RATERS[len(rows) % 2]
        longer = 1 + EFFECT_SD * labels[int(t)] * (1 if role == "client" else -1)
        end = min(
            t + max(1.0, rng.exponential(10 if role == "client" else 6) * longer), len(labels)
        )
        told = role == "therapist"
        rows.append(
            {"turn_id": len(rows), "start_s": t, "end_s": float(end), "speaker": len(rows) % 2,
             "role": role, "is_backchannel": False, "takes_floor": True,
             "is_question": bool(told and rng.random() < 0.4),
             "question_type": None, "directive_strong": int(told and rng.random() < 0.08),
             "reflection": bool(told and rng.random() < 0.3),
             "affirmation": bool(told and rng.random() < 0.1),
             "client_demur": bool(not told and rng.random() < 0.1),
             "response_latency_s": None if told else float(rng.gamma(2, 0.5))}
        )  # fmt: skip
        if rows[-1]["is_question"]:
            rows[-1]["question_type"] = "open" if rng.random() < 0.5 else "closed"
        t = float(end)
    return rows


def _prosody(rng: np.random.Generator, turns: list[Row]) -> list[Row]:
    return [
        {**{name: turn[name] for name in ("turn_id", "start_s", "end_s", "role")},
         "articulation_rate_sps": float(rng.normal(5, 0.6)),
         "pause_prop": float(rng.beta(2, 8)), "f0_sd_st": float(rng.gamma(4, 0.6))}
        for turn in turns
    ]  # fmt: skip


def _silences(rng: np.random.Generator, n: int) -> list[Row]:
    starts = np.sort(rng.uniform(0, n - 20, 17))
    return [{"start_s": float(s), "end_s": float(s + 3 + rng.exponential(2))} for s in starts]


def _windows(rng: np.random.Generator, n: int) -> list[Row]:
    starts = np.arange(0, n - 29, 5)
    gaze = np.convolve(rng.gamma(4, 2, len(starts) + 5), np.ones(6) / 6, "valid")
    return [
        {"start_s": float(s), "end_s": float(s + 30), "client_gaze_path_rate_dps": float(g),
         "client_nod_fast_pm": float(rng.poisson(2) * 2)}
        for s, g in zip(starts, gaze, strict=True)
    ]  # fmt: skip


def _forms(rng: np.random.Generator, number: int) -> list[Row]:
    if number % 7 == 3:
        return []
    ors = float(np.clip(np.round(rng.normal(18 + number, 3), 1), 0, 40))
    srs = float(np.clip(np.round(rng.normal(36, 2.5), 1), 0, 40))
    return [{"instrument": "ORS", "by": "client", "total": ors, "max": 40.0},
            {"instrument": "SRS", "by": "client", "total": srs, "max": 40.0}]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--dyads", type=int, default=18)
    parser.add_argument("--sessions", type=int, default=1, help="of each dyad")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    register = write_cohort(given.out, dyads=given.dyads, sessions=given.sessions, seed=given.seed)
    print(f"thinslice study {given.out} --consent {register}")


if __name__ == "__main__":
    main()
