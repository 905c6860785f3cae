"""Whether a rater's planted lag is found: `python -m bench.dial_lag [--sessions 100]`.

Made sessions in which a dial moves after a share of the changes of turn, with jitter and moves of
its own (`tests/made/dials.followed`), and sessions in which it does not follow. Prints how often a
lag is told, how often the planted one lies in the interval, bias and spread of the estimate, and
the interval's width. Beside it the lag of highest correlation with a train of turn changes, which
tells a lag in every session, also where there is none.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from pipeline.dials.lag import estimate_lag
from tests.made.dials import followed

SCENES: dict[str, dict[str, Any]] = {
    "50 min, 35 % of turns": {},
    "20 min": {"minutes": 20},
    "20 % of turns": {"share": 0.2},
    "more moves of its own": {"share": 0.3, "own_per_minute": 3},
    "jitter 1.2 s": {"jitter_s": 1.2},
    "turns of 5 s": {"turn_s": 5.0},
    "turns of 15 s": {"turn_s": 15.0},
    "does not follow": {"share": 0.0, "own_per_minute": 5},
    "does not follow, 5 s turns": {"share": 0.0, "own_per_minute": 3, "turn_s": 5.0},
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    sessions = parser.parse_args().sessions
    columns = ("scene", "told", "inside", "bias s", "SD s", "width s", "naive off by > 1 s")
    print(("{:28}" + "{:>10}" * 5 + "{:>20}").format(*columns))
    for scene, keys in SCENES.items():
        print(_line(scene, sessions, keys), flush=True)


def _line(scene: str, sessions: int, keys: dict[str, Any]) -> str:
    rng = np.random.default_rng(20)
    planted = rng.uniform(0.3, 5.7, sessions)
    off, width, inside, naive = [], [], [], []
    for lag in planted:
        turns, course = followed(rng, lag, **keys)
        naive.append(abs(_naive_s(course, turns) - lag) > 1)
        told = estimate_lag(course, turns)
        if told.estimate_s is None or told.low_s is None or told.high_s is None:
            continue
        off.append(told.estimate_s - lag)
        width.append(told.high_s - told.low_s)
        inside.append(told.low_s <= lag <= told.high_s)
    found = f"{scene:28}{len(off) / sessions:>10.2f}"
    if not keys.get("share", 1.0) or not off:
        return found + f"{'-':>10}" * 4 + f"{'(tells one anyway)':>20}"
    return found + (
        f"{np.mean(inside):>10.2f}{np.mean(off):>10.2f}{np.std(off):>10.2f}{np.median(width):>10.2f}"
        f"{np.mean(naive):>20.2f}"
    )


def _naive_s(course: np.ndarray, turns: np.ndarray) -> float:
    """Whole-second lag of highest correlation between changes of turn and the dial's own moves."""
    moves = np.abs(np.diff(course, prepend=course[0]))
    hits = np.bincount(turns.astype(int), minlength=len(course))[: len(course)]
    return float(max(range(7), key=lambda k: np.corrcoef(hits[: len(hits) - k], moves[k:])[0, 1]))


if __name__ == "__main__":
    main()
