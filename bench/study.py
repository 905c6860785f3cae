"""The study of many dyads on made cohorts: is the truth in the interval, is the effect found?

    python -m bench.study [--runs 1000] [--dyads 18] [--seed 0]

Each run makes 18 dyads of one 50-minute session and gives them to the product's own arithmetic,
from the seconds of the dials on: congruence, segments, differences, pooling, tests. Planted are a
mean correlation of 0.3 (SD of z between dyads 0.15) and an effect of 0.5 SD of the feature within
the session, in one of 15 features. FDP: share of what was found that is false, mean over runs.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass

import numpy as np

from bench.made.cohort import KINDS, RHO, draw_rho, make_dials, make_features, session_pair
from pipeline.settings import StudySettings
from pipeline.study.behaviour import effects, session_rows
from pipeline.study.congruence import pooled_correlation

SETTINGS = StudySettings()


@dataclass(frozen=True, slots=True)
class Run:
    """One made study."""

    covers: bool
    """The 95 % interval of the pooled correlation holds the planted one."""
    estimate: float
    tau: float
    planted_found: bool
    false_found: int
    """Of the features without an effect."""


def one_run(seed: int, dyads: int, planted: str) -> Run:
    """Make a cohort and study it."""
    rng = np.random.default_rng(seed)
    pairs, rows = [], []
    for j in range(dyads):
        dyad = f"D{j:02d}"
        dials = make_dials(rng, draw_rho(rng))
        pairs.append(session_pair(dyad, dials))
        features = make_features(rng, dials, SETTINGS, planted)
        ids = {"dyad_id": dyad, "session_id": f"{dyad}-1"}
        own = [segment for segment in dials.segments if segment["rater"] == "client"]
        rows += session_rows(ids, SETTINGS.features, features, own, SETTINGS)
    pooled = pooled_correlation([pair for pair in pairs if pair.is_used], SETTINGS.dyads_min)
    assert pooled is not None
    found = [row["is_found"] for row in effects(rows, SETTINGS) if row["rater"] == "client"]
    covers = pooled.low <= math.atanh(RHO) <= pooled.high
    return Run(covers, math.tanh(pooled.estimate), pooled.tau, bool(found[0]), sum(found[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000, help="made studies of the first kind")
    parser.add_argument("--others", type=int, default=200, help="and of each other kind")
    parser.add_argument("--dyads", type=int, default=18)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"{'effect planted in':<20}{'runs':>6}{'covers .3':>11}{'mean r':>8}{'tau':>7}"
          f"{'found':>8}{'null found':>12}{'FDP':>7}{'s':>7}")  # fmt: skip
    for kind in KINDS:
        count = given.runs if kind == KINDS[0] else given.others
        started = time.perf_counter()
        runs = [one_run(given.seed + i, given.dyads, kind) for i in range(count)]
        _show(kind, runs, time.perf_counter() - started)


def _show(kind: str, runs: list[Run], seconds: float) -> None:
    nulls = len(SETTINGS.features) - 1
    false = np.array([run.false_found for run in runs])
    all_found = false + np.array([run.planted_found for run in runs])
    print(
        f"{kind:<20}{len(runs):>6}{np.mean([run.covers for run in runs]):>11.3f}"
        f"{np.mean([run.estimate for run in runs]):>8.3f}{np.mean([run.tau for run in runs]):>7.3f}"
        f"{np.mean([run.planted_found for run in runs]):>8.3f}{np.mean(false) / nulls:>12.4f}"
        f"{np.mean(false / np.maximum(all_found, 1)):>7.3f}{seconds:>7.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
