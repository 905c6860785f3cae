"""Aim 3 of the study: how closely the two dials of a dyad follow each other, over many dyads.

Sessions give Fisher's z with variance 1 / (n_eff - 3); sessions of one dyad are put together with
those weights, and dyads by random effects (DerSimonian & Laird 1986, Hartung & Knapp 2001). The
dyad is the unit throughout. Truth-and-bias coefficients are averaged over a dyad's sessions and
compared with 0 across dyads: their errors within a session are long-run ones and make poor weights.

Caveat: a correlation of dials is congruence. Whether a therapist could tell what helped is asked by
the guess task alone, and only many sessions of it say anything.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.dials.congruence import correlation_interval
from pipeline.dials.guess_task import blind, blind_together, share_at_least
from pipeline.settings import StudySettings
from pipeline.study.pooling import (
    Interval,
    Pooled,
    mean_interval,
    random_effects,
    repeated_measures_correlation,
    within_units,
)
from pipeline.timeline import Floats

Row = Mapping[str, Any]
Pair = tuple[str, str]
"""A blind label and the client's own."""
N_EFF_LEAST = 3.0
"""Fisher's z has no variance up to here."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class SessionPair:
    """What one session gives to aim 3; numbers of its row of `congruence`, NaN where null."""

    dyad_id: str
    n_eff: float
    r: float
    bias: float
    tracking: float
    is_interpretable: bool
    client: Floats
    """Bins in which both rated, shape (n_bins,)."""
    therapist: Floats
    picked: Mapping[str, tuple[int, int]]
    """high, low -> the client's segments and how many the therapist picked too; else not there."""
    guesses: Sequence[Pair] = ()
    """Blind ones only."""
    split_known: bool = True
    """Whether the therapist knew how many of each there were."""

    @property
    def has_z(self) -> bool:
        """Whether its z has a value and a variance."""
        return self.n_eff > N_EFF_LEAST and abs(self.r) < 1

    @property
    def is_used(self) -> bool:
        """Whether it takes part in the estimate that counts."""
        return self.is_interpretable and self.has_z


def dyad_z(sessions: Sequence[SessionPair]) -> tuple[float, float] | None:
    """Fisher's z of a dyad and its variance; None without a session that has one."""
    known = [session for session in sessions if session.has_z]
    if not known:
        return None
    weights = np.array([session.n_eff - N_EFF_LEAST for session in known])
    z = np.array([math.atanh(session.r) for session in known])
    return float(np.average(z, weights=weights)), 1 / float(weights.sum())


def by_dyad(sessions: Sequence[SessionPair]) -> dict[str, list[SessionPair]]:
    """Dyad -> its sessions, in order of dyads."""
    found: dict[str, list[SessionPair]] = defaultdict(list)
    for session in sessions:
        found[session.dyad_id].append(session)
    return dict(sorted(found.items()))


def pooled_correlation(sessions: Sequence[SessionPair], dyads_min: int) -> Pooled | None:
    """Random-effects mean of z over dyads, on the z scale; None under `dyads_min` dyads."""
    known = [found for own in by_dyad(sessions).values() if (found := dyad_z(own))]
    if len(known) < dyads_min:
        return None
    return random_effects(*zip(*known, strict=True))


def dyad_row(dyad: str, sessions: Sequence[SessionPair]) -> dict[str, Any]:
    """A row of `study.congruence` without its weight: what its sessions say, or nulls."""
    used = [session for session in sessions if session.is_used]
    row = _counts(sessions) | {"dyad_id": dyad, "sessions_used": len(used)}
    found = dyad_z(used)
    if found is None:
        names = (
            "n_eff",
            "r",
            "r_low",
            "r_high",
            "fisher_z",
            "fisher_z_variance",
            "bias",
            "tracking",
        )
        return row | dict.fromkeys(names)
    z, variance = found
    low, high = correlation_interval(math.tanh(z), 1 / variance + N_EFF_LEAST)
    return row | {
        "n_eff": sum(session.n_eff for session in used),
        "r": math.tanh(z),
        "r_low": low,
        "r_high": high,
        "fisher_z": z,
        "fisher_z_variance": variance,
        "bias": float(np.mean([session.bias for session in used])),
        "tracking": float(np.mean([session.tracking for session in used])),
    }


def _counts(sessions: Sequence[SessionPair]) -> dict[str, Any]:
    counted: dict[str, Any] = {"sessions": len(sessions)}
    for kind in ("high", "low"):
        picked = [session.picked[kind] for session in sessions if kind in session.picked]
        counted[f"{kind}_segments"] = sum(segments for segments, _ in picked)
        counted[f"{kind}_shared"] = sum(shared for _, shared in picked)
    guesses = [pair for session in sessions for pair in session.guesses]
    counted["guesses"] = len(guesses)
    return counted | {"guesses_correct": sum(guess == rated for guess, rated in guesses)}


def dyad_rows(sessions: Sequence[SessionPair], settings: StudySettings) -> list[dict[str, Any]]:
    """Rows of `study.congruence`, in order of dyads."""
    rows = [dyad_row(dyad, own) for dyad, own in by_dyad(sessions).items()]
    pooled = pooled_correlation([one for one in sessions if one.is_used], settings.dyads_min)
    weights = iter(() if pooled is None else pooled.weights)
    for row in rows:
        row["weight"] = None if pooled is None or row["fisher_z"] is None else float(next(weights))
    return rows


def correlation_estimates(
    sessions: Sequence[SessionPair], settings: StudySettings
) -> list[dict[str, Any]]:
    """Rows of `study_estimates`: the pooled correlation, with every session too, and rmcorr."""
    usable = [session for session in sessions if session.is_used]
    method = "random effects of Fisher's z (DerSimonian-Laird, Hartung-Knapp)"
    rows = [
        _pooled_row(
            "congruence_r", usable, settings, method,
            "Correlation of the two dials, over dyads; sessions that can be interpreted.",
        ),
        _pooled_row(
            "congruence_r_all_sessions", sessions, settings, method,
            "The same with the sessions of under 30 effective bins too: sensitivity.",
        ),
    ]  # fmt: skip
    return [*rows, _rmcorr_row(usable, settings)]


def _pooled_row(
    measure: str,
    sessions: Sequence[SessionPair],
    settings: StudySettings,
    method: str,
    description: str,
) -> dict[str, Any]:
    dyads = [z for own in by_dyad(sessions).values() if (z := dyad_z(own))]
    row = estimate_row(measure, 3, "1", len(dyads), method, description)
    pooled = pooled_correlation(sessions, settings.dyads_min)
    if pooled is None:
        mean = float(np.mean([z for z, _ in dyads])) if dyads else None
        return row | {
            "estimate": None if mean is None else math.tanh(mean),
            "method": "mean of Fisher's z, descriptive",
        }
    return row | {
        "estimate": math.tanh(pooled.estimate),
        "low": math.tanh(pooled.low),
        "high": math.tanh(pooled.high),
        "p": pooled.p,
        "tau": pooled.tau,
        "prediction_low": math.tanh(pooled.prediction_low),
        "prediction_high": math.tanh(pooled.prediction_high),
    }


def _rmcorr_row(sessions: Sequence[SessionPair], settings: StudySettings) -> dict[str, Any]:
    """Every session keeps its own level: two sessions of a dyad are two units here."""
    dyads = by_dyad(sessions)
    row = estimate_row(
        "congruence_rmcorr", 3, "1", len(dyads),
        "repeated-measures correlation of bins, degrees of freedom from effective bins",
        "One common correlation within sessions, no variation between dyads: sensitivity.",
    )  # fmt: skip
    pairs = [(session.client, session.therapist) for session in sessions]
    sums = within_units(pairs, sum(session.n_eff for session in sessions))
    found, p = repeated_measures_correlation(sums)
    if len(dyads) < settings.dyads_min:
        return row | {"estimate": found.estimate}
    return row | {"estimate": found.estimate, "low": found.low, "high": found.high, "p": p}


def other_estimates(
    rows: Sequence[Row], sessions: Sequence[SessionPair], settings: StudySettings
) -> list[dict[str, Any]]:
    """Rows of `study_estimates`: bias, tracking, shared segments and guesses.

    Parameters
    ----------
    rows : of `study.congruence`
    """
    return [
        _mean_row("bias", "points", [row["bias"] for row in rows], settings,
                  "Therapist minus client at the client's mean (b0)."),
        _mean_row("tracking", "1", [row["tracking"] for row in rows], settings,
                  "Points the therapist's dial moves per point of the client's (b1)."),
        *(
            _mean_row(
                f"{kind}_shared_prop", "1",
                [row[f"{kind}_shared"] / row[f"{kind}_segments"] if row[f"{kind}_segments"]
                 else None for row in rows],
                settings, f"Share of the client's {kind}est segments that the therapist has too.",
            )
            for kind in ("high", "low")
        ),
        _guess_row(sessions, settings),
    ]  # fmt: skip


def _mean_row(
    measure: str,
    unit: str,
    values: Sequence[float | None],
    settings: StudySettings,
    description: str,
) -> dict[str, Any]:
    """A mean over dyads with its t interval, if there are enough."""
    known = [value for value in values if value is not None]
    found = mean_interval(known)
    if len(known) < settings.dyads_min:
        found = Interval(found.estimate, None, None)
    row = estimate_row(measure, 3, unit, len(known), "mean over dyads, t interval", description)
    return row | {"estimate": found.estimate, "low": found.low, "high": found.high}


def _guess_row(sessions: Sequence[SessionPair], settings: StudySettings) -> dict[str, Any]:
    """Labels right in all guess tasks, against what blind guessing gives them together."""
    tasks = [session for session in sessions if session.guesses]
    pairs = [pair for session in tasks for pair in session.guesses]
    dyads = len({session.dyad_id for session in tasks})
    correct = sum(guess == rated for guess, rated in pairs)
    null = blind_together(blind(s.guesses, split_known=s.split_known) for s in tasks)
    tested = dyads >= settings.dyads_min
    fewest = next((k for k in sorted(null) if share_at_least(k, null) < ALPHA), None)
    needed = f"; p < .05 needs {fewest}" if tested and fewest is not None else ""
    row = estimate_row(
        "guesses_correct", 3, "labels", dyads,
        f"exact null of blind guessing, one-sided, of {len(pairs)} labels{needed}",
        "Segments of the client that the therapist labelled as the client's dial has them.",
    )  # fmt: skip
    row["estimate"] = float(correct) if tasks else None
    return row | {"p": share_at_least(correct, null) if tested else None}


def estimate_row(
    measure: str, aim: int, unit: str, n_dyads: int, method: str, description: str
) -> dict[str, Any]:
    """A row of `study_estimates` whose numbers are still to come."""
    numbers = ("estimate", "low", "high", "p", "tau", "prediction_low", "prediction_high")
    return {
        "measure": measure,
        "aim": aim,
        "estimate_unit": unit,
        "n_dyads": n_dyads,
        "method": method,
        "description": description,
        **dict.fromkeys(numbers),
    }
