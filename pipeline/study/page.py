"""The study's page: one offline HTML file, dyads in order of their ids.

It renders the study's tables and computes nothing of its own but places on a scale. Intervals are
drawn as rows of a table, so that they can be read without seeing them and on a narrow screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.page import wording
from pipeline.page.colours import CLIENT, THERAPIST
from pipeline.paperwork.session import RATERS
from pipeline.study.features import label_and_unit
from pipeline.study.methods import Paragraphs, cited, settings_hash
from pipeline.study.pooling import wilson
from pipeline.study.reading import COURSE_BIN_S, StudiedSession
from pipeline.study.study import Study
from pipeline.study.variability import FIGURES, dyad_means
from pipeline.tables import STUDY_VARIABILITY
from pipeline.timeline import Floats

Row = Mapping[str, Any]

CORRELATIONS = ("congruence_r", "congruence_r_all_sessions", "congruence_rmcorr")


@dataclass(frozen=True, slots=True)
class Scale:
    """A horizontal scale; places on it are percentages of its width."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Place of a value; values outside lie on the edge."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def width(self, low: float, high: float) -> float:
        """Width of an interval."""
        return round(self.at(high) - self.at(low), 2)


def page(study: Study, methods: Paragraphs) -> str:
    """The page as HTML."""
    given = {name: table.to_pylist() for name, table in study.tables.items()}
    estimates = {row["measure"]: row for row in given["study_estimates"]}
    effects = {
        rater: [_effect(row) for row in given["study_effects"] if row["rater"] == rater]
        for rater in RATERS
    }
    spreads = _spreads(study.dyads, given["study_variability"])
    return str(
        _template().render(
            study=study,
            estimates=estimates,
            headlines=headlines(study),
            figures=_figures(estimates),
            spreads=spreads,
            spread_scale=_scale_from_zero(v for row in spreads for v in row["values"].values()),
            effects=effects,
            effect_scale=_effect_scale(given["study_effects"]),
            dyads=given["study_congruence"],
            pooled=[estimates[name] for name in CORRELATIONS],
            r_scale=Scale(-1, 1, (-1, -0.5, 0, 0.5, 1)),
            others=[row for row in given["study_estimates"] if _is_other(row)],
            courses=_courses(study),
            periods=given["study_periods"],
            target=study.settings.recorded_target,
            agreed=study.agreed,
            agreed_interval=wilson(*study.agreed),
            forms=_forms(study.dyads, given["study_forms"]),
            methods=methods,
            references=cited(),
            settings_hash=settings_hash(study.settings),
            prompt=wording.PROMPT,
            colours={"client": CLIENT, "therapist": THERAPIST},
        )
    )


def headlines(study: Study) -> list[str]:
    """One sentence per aim."""
    estimates = {row["measure"]: row for row in study.tables["study_estimates"].to_pylist()}
    ratio, r = estimates["dial_sd_ratio"], estimates["congruence_r"]
    lines = []
    if ratio["estimate"] is not None:
        lines.append(
            f"Variability: the client's dial varied {number(ratio['estimate'])} times as much as "
            f"the therapist's{between(ratio)}."
        )
    lines.append(_behaviour_line(study))
    if r["estimate"] is not None:
        lines.append(
            f"Congruence: the dials correlate by {number(r['estimate'])}{between(r)}{_new_dyad(r)}."
        )
    return lines


def _behaviour_line(study: Study) -> str:
    if study.is_descriptive:
        return "Behaviour: not tested with so few dyads; the table shows means."
    found = sum(bool(row["is_found"]) for row in study.tables["study_effects"].to_pylist())
    tests = len(RATERS) * len(study.settings.features)
    return (
        f"Behaviour: {found or 'none'} of {tests} comparisons of highest with lowest segments "
        f"found at a false discovery rate of {study.settings.fdr_q:g}."
    )


def _new_dyad(row: Row) -> str:
    if row["prediction_low"] is None:
        return ""
    low, high = (number(row[f"prediction_{end}"], 2) for end in ("low", "high"))
    return f"; another dyad's true value would lie between {low} and {high}"


def between(row: Row, decimals: int = 2) -> str:
    """`` (95 % interval a to b)``, empty where there is none."""
    if row["low"] is None:
        return ""
    return f" (95 % interval {number(row['low'], decimals)} to {number(row['high'], decimals)})"


def number(value: float | None, decimals: int = 2) -> str:
    """Fixed decimals with a true minus; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def counted(count: int, what: str) -> str:
    """``1 dyad``, ``2 dyads``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def small_p(value: float | None) -> str:
    """``.034``, ``< .001``; a dash where there is none."""
    if value is None:
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def amount(value: float | None, unit: str) -> str:
    """A number in its unit, as fine as it bears: shares in per cent."""
    if value is None:
        return "–"
    if unit == "1":
        return f"{number(100 * value, 0)} %"
    words = {"1/min": "per min", "1/h": "per h", "points^2": "points²", "syllable/s": "syll/s",
             "semitone": "semitones", "deg/s": "°/s"}  # fmt: skip
    decimals = 1 if abs(value) >= 10 else 2
    return f"{number(value, decimals)} {words.get(unit, unit)}"


def _change(value: float | None, unit: str) -> str:
    """A difference in a feature's unit."""
    if unit == "1" and value is not None:
        return f"{number(100 * value, 0)} percentage points"
    return amount(value, unit)


def _figure(value: float | None, unit: str) -> str:
    """A figure of aim 1; points stand in its row's name."""
    return number(value, 1) if unit.startswith("points") else amount(value, unit)


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "counted": counted,
        "small_p": small_p,
        "amount": amount,
        "change": _change,
        "figure": _figure,
    }
    return environment.get_template("study.html.j2")


def _effect(row: Row) -> dict[str, Any]:
    return dict(row) | {"label": label_and_unit(row["feature"])[0]}


def _effect_scale(rows: Sequence[Row]) -> Scale:
    ends = [abs(row[name]) for row in rows for name in ("delta_sd", "delta_sd_low", "delta_sd_high")
            if row[name] is not None]  # fmt: skip
    reach = 1.0 if max(ends, default=0.0) <= 1 else 2.0
    return Scale(-reach, reach, (-reach, -reach / 2, 0, reach / 2, reach))


def _scale_from_zero(values: Iterable[float | None]) -> Scale:
    top = max((v for v in values if v is not None), default=1.0)
    high = max(10.0, 10 * math.ceil(top / 10))
    return Scale(0, high, (0, high / 2, high))


def _figures(estimates: Mapping[str, Row]) -> list[dict[str, Any]]:
    """The figures of aim 1, both raters beside each other."""
    return [
        {
            "label": STUDY_VARIABILITY.by_name[figure].label,
            "unit": STUDY_VARIABILITY.by_name[figure].unit,
            **{rater: estimates[f"{rater}_{figure}"] for rater in RATERS},
        }
        for figure in FIGURES
    ]


def _spreads(dyads: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """SD of either dial by dyad, mean of its sessions."""
    found = []
    for dyad in dyads:
        own = [row for row in rows if row["dyad_id"] == dyad]
        means = {rater: dyad_means(own, "dial_sd", rater) for rater in RATERS}
        values = {rater: mean[0] if mean else None for rater, mean in means.items()}
        found.append({"dyad": dyad, "values": values})
    return found


def _is_other(row: Row) -> bool:
    return row["aim"] == 3 and row["measure"] not in CORRELATIONS


def _courses(study: Study) -> list[dict[str, Any]]:
    """Both dials of every session, by dyad, as SVG paths on 100 x 100."""
    found: list[dict[str, Any]] = [{"dyad": dyad, "sessions": []} for dyad in study.dyads]
    by_dyad = {entry["dyad"]: entry["sessions"] for entry in found}
    for session in study.sessions:
        by_dyad[session.facts.dyad_id].append(_course(session))
    return found


def _course(session: StudiedSession) -> dict[str, Any]:
    n = max((len(course) for course in session.courses.values()), default=0)
    pair = session.pair
    known = pair.is_used
    return {
        "number": session.facts.session_number,
        "minutes": round(n * COURSE_BIN_S / 60),
        "paths": {rater: path(course, n) for rater, course in session.courses.items()},
        "r": pair.r if known else None,
        "missing": [rater for rater in RATERS if rater not in session.courses],
    }


def path(course: Floats, n: int) -> str:
    """SVG path of a dial, broken where it was not rated; x 0 to 100 over `n` bins, y 100 to 0."""
    pieces, pen = [], "M"
    for i, value in enumerate(course):
        if not np.isfinite(value):
            pen = "M"
            continue
        pieces.append(f"{pen}{100 * (i + 0.5) / n:.1f} {100 - value:.1f}")
        pen = "L"
    return "".join(pieces)


def _forms(dyads: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One course per dyad, form and person; a dyad without any is listed as such."""
    found: list[dict[str, Any]] = []
    for dyad in dyads:
        mine = [row for row in rows if row["dyad_id"] == dyad]
        kinds = dict.fromkeys((row["instrument"], row["by"]) for row in mine)
        if not kinds:
            found.append({"dyad": dyad, "name": "", "totals": []})
        for instrument, by in kinds:
            totals = [row for row in mine if (row["instrument"], row["by"]) == (instrument, by)]
            found.append({"dyad": dyad, "name": f"{instrument}, {by}", "totals": totals})
    return found
