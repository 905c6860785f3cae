"""Aim 1 of the study: how much each rater's dial varies within a session.

All figures are of the dial as it was turned (`value_raw`), so that a session's mean here is the
mean on its report. A dial takes part if it covers enough of the session; unlike in the other aims
it may be still, because leaving out the still ones would answer the question in advance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.dials.figures import (
    count_excursions,
    dial_figures,
    mean_square_successive_difference,
)
from pipeline.settings import StudySettings
from pipeline.study.pooling import Interval, mean_interval, sign_flip_p
from pipeline.timeline import Floats

Row = Mapping[str, Any]

FIGURES = (
    *("dial_mean", "dial_sd", "dial_iqr", "dial_range", "dial_mssd"),
    *("dial_prop_helpful", "dial_prop_neutral", "dial_prop_hindering", "excursions_per_hour"),
)
"""What is summed up over dyads, in the order of the page."""


def variability(dial: Floats, settings: StudySettings) -> dict[str, float | int | None]:
    """Figures of one dial, shape (n_seconds,), one value a second, NaN where not rated.

    `dial_mssd` is the mean squared difference of successive bins (von Neumann et al. 1941); an
    excursion is a stretch of at least `excursion_s` on one side of the dial's own median and more
    than `excursion_points` away from it.
    """
    known = dial[np.isfinite(dial)]
    if len(known) < 2:
        return dict.fromkeys((*FIGURES, "excursions"))
    figures = dial_figures(dial)
    excursions = count_excursions(dial, settings.excursion_points, settings.excursion_s)
    return {
        **{name: figures[name] for name in FIGURES if name in figures},
        "dial_mssd": mean_square_successive_difference(dial, settings.bin_s),
        "excursions": excursions,
        "excursions_per_hour": 3600 * excursions / len(known),
    }


def log_sd_differences(rows: Sequence[Row]) -> dict[str, float]:
    """Dyad -> mean over its sessions of log SD of the client's dial minus the therapist's.

    Only sessions in which both dials take part and both moved: a still dial has no log.
    """
    spread: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in rows:
        if row["used"] and row["dial_sd"]:
            spread[row["dyad_id"], row["session_id"]][row["rater"]] = math.log(row["dial_sd"])
    by_dyad: dict[str, list[float]] = defaultdict(list)
    for (dyad, _), both in spread.items():
        if len(both) == 2:
            by_dyad[dyad].append(both["client"] - both["therapist"])
    return {dyad: float(np.mean(values)) for dyad, values in sorted(by_dyad.items())}


def sd_ratio(differences: Mapping[str, float], seed: int) -> tuple[Interval, float | None]:
    """SD of the client's dial over the therapist's, as a geometric mean with interval and p.

    The p is of the paired sign-flip test on the log difference; None without dyads.
    """
    values = list(differences.values())
    logs = mean_interval(values)
    limits = (None if v is None else math.exp(v) for v in (logs.estimate, logs.low, logs.high))
    return Interval(*limits), sign_flip_p(values, seed) if values else None


def dyad_means(rows: Sequence[Row], figure: str, rater: str) -> list[float]:
    """One number per dyad, in order of dyads: the mean over its sessions that take part."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["rater"] == rater and row["used"] and row[figure] is not None:
            values[row["dyad_id"]].append(row[figure])
    return [float(np.mean(values[dyad])) for dyad in sorted(values)]
