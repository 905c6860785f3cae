"""The study of many dyads: three aims, attendance and forms, from what single sessions gave.

Aim 1: how much each rater's dial varies. Aim 2: what happens in the highest against the lowest
segments. Aim 3: how closely the two dials of a dyad follow each other. The dyad is the unit
throughout, dyads stand in order of their ids and nobody is ranked. Under `study.dyads_min` dyads
everything is descriptive: no test and no pooled interval (METHODS: The study).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline import tables
from pipeline.paperwork.session import RATERS
from pipeline.settings import StudySettings
from pipeline.study.attendance import Appointment
from pipeline.study.attendance_rates import period_rows
from pipeline.study.behaviour import effects
from pipeline.study.congruence import (
    correlation_estimates,
    dyad_rows,
    estimate_row,
    other_estimates,
)
from pipeline.study.forms import form_rows
from pipeline.study.pooling import Interval, mean_interval
from pipeline.study.reading import StudiedSession
from pipeline.study.variability import FIGURES, dyad_means, log_sd_differences, sd_ratio

Row = Mapping[str, Any]

NO_RESEARCH = "not everyone agreed to `research`"
COPY = "a copy: it holds a recording of another session"


@dataclass(frozen=True, slots=True)
class Study:
    """Everything the study found; its tables by name, as `tables.STUDY_TABLES` declares them."""

    tables: Mapping[str, pa.Table]
    sessions: Sequence[StudiedSession]
    """In order of dyad and number."""
    agreed: tuple[int, int]
    """Clients who agreed to be recorded, and clients asked."""
    has_attendance: bool
    settings: StudySettings

    @property
    def dyads(self) -> list[str]:
        """Ids, in order."""
        return sorted({session.facts.dyad_id for session in self.sessions})

    @property
    def is_descriptive(self) -> bool:
        """Too few dyads for any test."""
        return len(self.dyads) < self.settings.dyads_min


def study(
    sessions: Iterable[StudiedSession],
    *,
    refused: tuple[int, int],
    copies: int = 0,
    agreed: tuple[int, int],
    appointments: Sequence[Appointment] | None,
    settings: StudySettings,
) -> Study:
    """Put sessions together.

    Parameters
    ----------
    refused
        Dyads left out whole, and sessions left out, for want of consent to `research`.
    copies
        Sessions left out because another holds the same recording.
    agreed
        Clients who agreed to be recorded, and clients asked.
    appointments
        Rows of attendance.csv; None without such a file.
    """
    listed = sorted(sessions, key=_in_order)
    variability = [row for session in listed for row in session.variability]
    behaviours = [row for session in listed for row in session.behaviours]
    pairs = [session.pair for session in listed]
    congruence = dyad_rows(pairs, settings)
    found: dict[str, list[dict[str, Any]]] = {
        "study_variability": [dict(row) for row in variability],
        "study_behaviours": [dict(row) for row in behaviours],
        "study_effects": effects(behaviours, settings),
        "study_congruence": congruence,
        "study_estimates": [
            *variability_estimates(variability, settings),
            *correlation_estimates(pairs, settings),
            *other_estimates(congruence, pairs, settings),
        ],
        "study_forms": _forms(listed),
        "study_periods": period_rows(appointments or (), settings.period),
        "study_exclusions": exclusions(listed, refused, copies, settings),
    }
    built = {name: tables.STUDY_TABLES[name].build_rows(rows) for name, rows in found.items()}
    return Study(built, listed, agreed, appointments is not None, settings)


def variability_estimates(rows: Sequence[Row], settings: StudySettings) -> list[dict[str, Any]]:
    """Rows of `study_estimates` of aim 1: the ratio of SDs, then each figure of each rater."""
    differences = log_sd_differences(rows)
    ratio, p = sd_ratio(differences, settings.seed)
    tested = len(differences) >= settings.dyads_min
    row = estimate_row(
        "dial_sd_ratio", 1, "1", len(differences),
        "geometric mean over dyads, t interval of the log; paired sign-flip test on log SD",
        "SD of the client's dial over the SD of the therapist's in the same session.",
    )  # fmt: skip
    row["estimate"] = ratio.estimate
    found = [row | ({"low": ratio.low, "high": ratio.high, "p": p} if tested else {})]
    for figure in FIGURES:
        column = tables.STUDY_VARIABILITY.by_name[figure]
        for rater in RATERS:
            values = dyad_means(rows, figure, rater)
            mean = mean_interval(values)
            if len(values) < settings.dyads_min:
                mean = Interval(mean.estimate, None, None)
            row = estimate_row(
                f"{rater}_{figure}", 1, column.unit, len(values), "mean over dyads, t interval",
                f"{rater.capitalize()}'s dial: {column.label}.",
            )  # fmt: skip
            found.append(row | {"estimate": mean.estimate, "low": mean.low, "high": mean.high})
    return found


def exclusions(
    sessions: Sequence[StudiedSession],
    refused: tuple[int, int],
    copies: int,
    settings: StudySettings,
) -> list[dict[str, Any]]:
    """Rows of `study_exclusions`: what took no part and why, as counts."""
    counted: Counter[tuple[str, str, str]] = Counter()
    counted["all", "dyad", NO_RESEARCH] += refused[0]
    counted["all", "session", NO_RESEARCH] += refused[1]
    counted["all", "session", COPY] += copies
    for session in sessions:
        rated = [row["rater"] for row in session.variability]
        counted["all", "dial", "no rating"] += len(RATERS) - len(rated)
        under = f"covers under {100 * settings.coverage_min:g} % of its session"
        counted["aim_1", "dial", under] += sum(not row["used"] for row in session.variability)
        still = [row for row in session.variability if row["used"] and not row["dial_sd"]]
        counted["aim_1", "dial", "never moved: no log SD"] += len(still)
        counted["aim_2", "dial", "failed its quality gate"] += len(session.unsure_raters)
        for row in session.behaviours:
            out = row["delta_sd"] is None and row["rater"] in rated
            if out and row["rater"] not in session.unsure_raters:
                counted["aim_2", "measurement", _in_words(row["reason"])] += 1
        if not session.pair.is_used:
            counted[
                "aim_3", "session", _PAIR_WORDS.get(session.pair_reason or "", "no number")
            ] += 1
    return [
        {"part": part, "what": what, "why": why, "count": count}
        for (part, what, why), count in sorted(
            counted.items(), key=lambda item: (item[0][0] != "all", item[0])
        )
        if count
    ]


_PAIR_WORDS = {
    "no_dial": "a dial is missing",
    "dial_unsure": "a dial failed its quality gate, or never moves",
    "too_short": "too little time in which both rated",
    "few_samples": "under 30 effective bins: not interpretable",
}
_MEASUREMENT_WORDS = {
    "no_dial": "the rater has no highest or no lowest segment",
    "few_samples": "too little of the feature measured there, or it does not vary",
    "not_measured": "the feature was not measured in the session",
}


def _in_words(reason: str | None) -> str:
    return _MEASUREMENT_WORDS.get(reason or "", (reason or "not known").replace("_", " "))


def _forms(sessions: Sequence[StudiedSession]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for dyad in sorted({session.facts.dyad_id for session in sessions}):
        own = [session for session in sessions if session.facts.dyad_id == dyad]
        rows += form_rows(
            [
                (one.facts.ids | {"session_number": one.facts.session_number}, one.forms)
                for one in own
            ]
        )
    return rows


def _in_order(session: StudiedSession) -> tuple[str, float, str]:
    number = session.facts.session_number
    return (
        session.facts.dyad_id,
        float("inf") if number is None else number,
        session.facts.session_id,
    )
