"""What was done, in words: the study's methods text, with what was left out and why.

It states what the tables say was done (lag, bins, shifts), not what today's profile would do: the
sessions may have been processed under another one, or under several.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline import __version__
from pipeline.page import wording
from pipeline.paperwork.forms import MARKS, RELIABLE_CHANGES
from pipeline.results.provenance import library_versions
from pipeline.settings import StudySettings
from pipeline.settings.section import Section
from pipeline.study.features import FEATURES
from pipeline.study.study import Study
from pipeline.tables import STUDY_TABLES
from pipeline.tables.sources import Source, references

METHOD_SOURCES = ("bakdash2017", "hartung2001", "mariooryad2015", "swift2016")
"""Cited by the text rather than by a column."""
Paragraphs = list[tuple[str, str]]
"""Heading and text."""


def settings_hash(settings: Section) -> str:
    """Twelve digits that change whenever a setting of the study does."""
    text = json.dumps(settings.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def cited() -> list[Source]:
    """References of the text and of the study's columns."""
    columns = (column.source for table in STUDY_TABLES.values() for column in table.columns)
    return references([*METHOD_SOURCES, *columns])


def methods(study: Study, profiles: Sequence[Mapping[str, Any] | None]) -> Paragraphs:
    """The methods text.

    Parameters
    ----------
    profiles
        Per session the resolved profile of the run that made its tables; None where the run's
        record does not say.
    """
    return [
        ("Data", _data(study)),
        ("Dials", _dials(study, profiles)),
        ("Aim 1, variability", _aim_1(study.settings)),
        ("Aim 2, behaviour", _aim_2(study.settings, profiles)),
        ("Aim 3, congruence", _aim_3(study.settings, profiles)),
        ("Attendance and forms", _attendance(study)),
        ("What took no part", _excluded(study)),
        ("How it was computed", _computed(study.settings)),
    ]


def as_text(paragraphs: Paragraphs) -> str:
    """`methods.txt`."""
    blocks = [f"{heading}\n{text}" for heading, text in paragraphs]
    listed = "\n".join(f"- {source.text} {source.link}".rstrip() for source in cited())
    return "\n\n".join([*blocks, f"References\n{listed}", wording.PROMPT]) + "\n"


_PART_WORDS = {"all": "All aims", "aim_1": "Aim 1", "aim_2": "Aim 2", "aim_3": "Aim 3"}


def exclusion_lines(study: Study) -> list[str]:
    """Every exclusion with its count, in words."""
    return [
        f"{_PART_WORDS[row['part']]}: {_plural(row['count'], row['what'])} ({row['why']})"
        for row in study.tables["study_exclusions"].to_pylist()
    ]


def _excluded(study: Study) -> str:
    lines = exclusion_lines(study)
    return ". ".join(lines) + "." if lines else "Nothing was left out."


def _data(study: Study) -> str:
    settings, dyads = study.settings, len(study.dyads)
    per_dyad = Counter(session.facts.dyad_id for session in study.sessions)
    most = max(per_dyad.values(), default=0)
    several = (
        f"a dyad has up to {most} sessions, averaged within it"
        if most > 1
        else "each has one session"
    )
    made_up = sum(bool(session.facts.made_up) for session in study.sessions)
    text = (
        f"{_plural(len(study.sessions), 'session')} of {_plural(dyads, 'dyad')}: the newest tables "
        "of each for which client and therapist both agree to `research` today. The dyad is the "
        f"unit of every test and interval: {several}. Dyads stand in the order of their ids."
    )
    if study.is_descriptive:
        text += f" Under {settings.dyads_min} dyads nothing is tested and nothing pooled."
    if made_up:
        text += f" Made up, not real: {_plural(made_up, 'session')}."
    return text


def _dials(study: Study, profiles: Sequence[Mapping[str, Any] | None]) -> str:
    lags = Counter(lag for session in study.sessions for lag in session.lags_s)
    dropped = _processed(profiles, "ratings", "drop_first_s", "s")
    return (
        "Client and therapist rated the whole session on a dial (0 hindering, 50 neutral, 100 "
        "helpful), averaged to one value a second. Ratings were moved earlier for reaction time "
        f"by {_counted(lags, 's', 'session')}, fixed in advance and never fitted to the other "
        f"rater, and the first {dropped} were dropped."
    )


def _aim_1(settings: StudySettings) -> str:
    return (
        "Of the dial as turned: mean, standard deviation, interquartile range, range, mean squared "
        f"successive difference of bins of {settings.bin_s:g} s, shares helpful (above 55), "
        "neutral and hindering (below 45), and excursions: more than "
        f"{settings.excursion_points:g} points from the dial's own median for at least "
        f"{settings.excursion_s:g} s. A dial takes part if it covers at least "
        f"{100 * settings.coverage_min:g} % of its session; a still one does too. Client and "
        "therapist are compared by a sign-flip test of the difference in log SD. Intervals are t "
        "intervals over dyads."
    )


def _aim_2(settings: StudySettings, profiles: Sequence[Mapping[str, Any] | None]) -> str:
    named = "; ".join(FEATURES[name].label for name in settings.features)
    picked = _processed(profiles, "ratings", "segments_per_kind", "")
    mean = _processed(profiles, "ratings", "segment_s", "s")
    return (
        f"{len(settings.features)} features, fixed in the profile (settings "
        f"{settings_hash(settings)}): {named}. Each is compared between a rater's up to {picked} "
        f"highest and {picked} lowest segments (running mean of {mean}, non-overlapping), with at "
        f"least {settings.feature_min_s:g} s of it measured in both. Within a session the "
        "difference is set against all circular shifts of the labels by at least "
        f"{settings.shortest_shift_s:g} s. Over dyads, differences in SDs of the feature in the "
        "session are tested by sign flips, two-sided; the Benjamini-Hochberg procedure holds the "
        f"false discovery rate at {settings.fdr_q:g} over the features of each rater. A difference "
        "says what went together with a rating, not what caused it; the same act can be rated "
        "either way."
    )


def _aim_3(settings: StudySettings, profiles: Sequence[Mapping[str, Any] | None]) -> str:
    bins = _processed(profiles, "agreement", "bin_s", "s")
    shifts = _processed(profiles, "agreement", "shortest_shift_s", "s")
    reach = _processed(profiles, "agreement", "max_lag_s", "s")
    least = _processed(profiles, "agreement", "minimum_s", "s")
    return (
        f"Pearson's correlation of the two dials in bins of {bins}, if both pass their quality "
        f"gates and share at least {least}. A session's own p is the share of circular shifts of "
        f"at least {shifts} that do as well; its best lag was sought within {reach} and is not "
        "used here. Fisher's z has variance 1 / (n - 3) with the effective number of bins (Pyper "
        "and Peterman 1998); sessions of under 30 effective bins are not interpretable and count "
        "in the sensitivity analysis only. Sessions of a dyad are joined by those weights, dyads "
        "by random effects (DerSimonian and Laird 1986) with the interval of Hartung and Knapp "
        "(2001); tau is the SD of z between dyads and the prediction interval has k - 2 degrees of "
        "freedom. Sensitivity: repeated-measures correlation (Bakdash and Marusich 2017) of bins "
        f"of {settings.bin_s:g} s, its degrees of freedom from effective bins. Bias (b0) and "
        "tracking (b1) after West and Kenny (2011) are means over dyads. Blind guesses are "
        "compared with their exact null over all tasks together. Congruence is not accuracy, and "
        "neither is a measure of a person."
    )


def _attendance(study: Study) -> str:
    marks = ", ".join(f"{name} under {mark:g}" for name, mark in MARKS.items())
    changes = ", ".join(f"{name} {points:g} points" for name, points in RELIABLE_CHANGES.items())
    text = (
        "Forms are totals as entered, a change is against the first of the same length; published "
        f"marks ({marks}) and reliable changes ({changes}) are shown as information."
    )
    if study.has_attendance:
        text += (
            " Drop-out is the share of endings that were unplanned, recording the share of held "
            "sessions that were recorded, each with Wilson's interval; a period is compared with "
            "the one before by Newcombe's (1998) interval of the difference. These are counts of "
            "the whole attendance.csv, whoever agreed to `research`, and name nobody."
        )
    return text


def _computed(settings: StudySettings) -> str:
    versions = library_versions()
    used = ", ".join(f"{name} {versions[name]}" for name in ("numpy", "scipy", "pyarrow"))
    return (
        f"thinslice {__version__}, {used}; settings of the study {settings_hash(settings)}. Sign "
        "flips are exact up to 20 dyads, above that 99,999 are drawn with seed "
        f"{settings.seed}. The same tables and settings give the same numbers."
    )


def _processed(
    profiles: Sequence[Mapping[str, Any] | None], section: str, key: str, unit: str
) -> str:
    """A setting as the sessions were processed with; each value with its count if several."""
    values = Counter((profile or {}).get(section, {}).get(key) for profile in profiles)
    return _counted(values, unit, "session")


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _counted(values: Counter[Any], unit: str, what: str) -> str:
    def words(value: Any) -> str:
        if value is None:
            return "a length that was not recorded" if unit else "a number that was not recorded"
        return f"{value:g} {unit}".rstrip()

    if not values:
        return words(None)
    if len(values) == 1:
        return words(next(iter(values)))
    listed = sorted(values.items(), key=lambda item: (item[0] is None, item[0] or 0))
    return " and ".join(f"{words(value)} (in {_plural(count, what)})" for value, count in listed)
