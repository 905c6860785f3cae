"""How often independent dials look congruent, by each test, and how often intervals miss.

    python -m bench.congruence [--runs 300]

Both dials are Ornstein-Uhlenbeck courses of 3,000 s with a time constant of 10-80 s, left alone for
0-15 s at a time as hands do. Nothing connects them, so a test at 5 % should be wrong in 5 of 100
sessions. The naive tests take every second, or every bin of 5 s, for independent. Two more blocks:
whether a copy that is 3 s late is found, and how many divergences (R3) unrelated dials give.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict

import numpy as np
from scipy.signal import lfilter

from pipeline.dials.congruence import binned, congruence
from pipeline.dials.truth_and_bias import truth_and_bias
from pipeline.dials.two_raters import divergence, divergences
from pipeline.settings import AgreementSettings
from pipeline.timeline import Floats

SECONDS = 3000
TESTS = ("naive 1 s", "naive 5 s", "effective N", "circular shift", "peak, shift", "b1 interval")
MIDDLE, SPREAD = 55.0, 12.0
SETTINGS = AgreementSettings()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=300, help="sessions per row")
    runs = parser.parse_args().runs
    rng = np.random.default_rng(9)
    print(f"Share of {runs} sessions of independent dials called congruent at .05\n")
    print(f"{'tau, hold':<16}" + "".join(f"{name:>16}" for name in TESTS) + f"{'N_eff':>8}")
    total = np.zeros(len(TESTS) + 1)
    rows = [(tau_s, hold_s) for tau_s in (10.0, 20.0, 40.0, 80.0) for hold_s in (0.0, 15.0)]
    for tau_s, hold_s in rows:
        rates = false_positives(rng, runs, tau_s, hold_s)
        total += rates
        print(_line(f"{tau_s:.0f} s, {hold_s:.0f} s", rates))
    print(_line("all", total / len(rows)))
    print(f"\nA copy 3 s late: {late_copies(rng, runs // 3)}")
    print("\nIntervals of b0 and b1 that miss the truth (b1 = 0.5)")
    for tau_s in (20.0, 40.0, 80.0):
        b0, b1 = misses(rng, runs, tau_s)
        print(f"{f'tau {tau_s:.0f} s':<16}{b0:>16.3f}{b1:>16.3f}")
    print(f"\nDivergences (R3) in 50 min of dials with SD 12, {chance_load(rng, runs)}")


def wandering_dial(rng: np.random.Generator, tau_s: float, hold_s: float) -> Floats:
    """An Ornstein-Uhlenbeck dial, one value a second, held for `hold_s` on average."""
    keeps = math.exp(-1 / tau_s)
    noise = rng.standard_normal(SECONDS + 800) * math.sqrt(1 - keeps**2)
    course = np.asarray(lfilter([1.0], [1.0, -keeps], noise), dtype=np.float64)[800:]
    moved = rng.random(SECONDS) < (1 / hold_s if hold_s > 1 else 1.0)
    moved[0] = True
    at = np.maximum.accumulate(np.where(moved, np.arange(SECONDS), 0))
    return np.clip(MIDDLE + SPREAD * course[at], 0, 100)


def false_positives(rng: np.random.Generator, runs: int, tau_s: float, hold_s: float) -> Floats:
    """Rate of each of `TESTS`, then the median effective number; shape (7,)."""
    wrong = np.zeros((runs, len(TESTS) + 1))
    for run in range(runs):
        client, therapist = (wandering_dial(rng, tau_s, hold_s) for _ in range(2))
        found = congruence(client, therapist)
        by_second = abs(np.arctanh(np.corrcoef(client, therapist)[0, 1]))
        wrong[run] = (
            by_second * math.sqrt(SECONDS - 3) > 1.96,
            abs(np.arctanh(found.r)) * math.sqrt(found.n_bins - 3) > 1.96,
            not found.r_low <= 0 <= found.r_high,
            found.r_p_shift < 0.05,
            found.peak_p_shift < 0.05,
            not found.tracking_low <= 0 <= found.tracking_high,
            found.n_eff,
        )
    return np.append(wrong[:, :-1].mean(axis=0), np.median(wrong[:, -1]))


def late_copies(rng: np.random.Generator, runs: int) -> str:
    """What a copy that is 3 s late gives, worst of all runs."""
    found = []
    for _ in range(runs):
        dial = wandering_dial(rng, 40.0, 4.0)
        found.append(asdict(congruence(dial[3:], dial[:-3])))
    lags = sorted({one["peak_lag_s"] for one in found})
    least = min(one["peak_r"] for one in found)
    most = max(one["peak_p_shift"] for one in found)
    return f"lag {lags}, r there at least {least:.3f}, p at most {most:.4f}"


def misses(rng: np.random.Generator, runs: int, tau_s: float) -> Floats:
    """Share of 95 % intervals of b0 and of b1 that miss the truth; shape (2,)."""
    wrong = np.zeros(2)
    for _ in range(runs):
        truth = binned(wandering_dial(rng, tau_s, 0.0), 5)
        error = binned(wandering_dial(rng, tau_s, 0.0), 5) - MIDDLE
        line = truth_and_bias(truth, truth.mean() + 1.0 + 0.5 * (truth - truth.mean()) + error)
        wrong += (not line.b0_low <= 1.0 <= line.b0_high, not line.b1_low <= 0.5 <= line.b1_high)
    return wrong / runs


def chance_load(rng: np.random.Generator, runs: int) -> str:
    """Mean number of divergences of two dials (SD 12) that correlate by so much, before the cut."""
    said = []
    for r in (0.0, 0.5, 0.8):
        counts = [_divergences(rng, r) for _ in range(runs)]
        shown = np.minimum(counts, SETTINGS.divergences_max).mean()
        said.append(f"r = {r:.1f}: {np.mean(counts):.1f} ({shown:.1f} shown)")
    return ", ".join(said)


def _divergences(rng: np.random.Generator, r: float) -> int:
    tau_s = rng.uniform(10, 80)
    client, own = (wandering_dial(rng, tau_s, 8.0) - MIDDLE for _ in range(2))
    therapist = r * client + math.sqrt(1 - r**2) * own
    apart = divergences(
        divergence(client, therapist, window_s=SETTINGS.divergence_window_s),
        least_points=SETTINGS.divergence_points,
        least_madn=SETTINGS.divergence_madn,
        least_s=SETTINGS.divergence_min_s,
        bridge_s=SETTINGS.divergence_bridge_s,
        most=99,
    )
    return len(apart)


def _line(name: str, rates: Floats) -> str:
    return f"{name:<16}" + "".join(f"{rate:>16.3f}" for rate in rates[:-1]) + f"{rates[-1]:>8.0f}"


if __name__ == "__main__":
    main()
