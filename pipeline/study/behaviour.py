"""Aim 2 of the study: what happens in a rater's highest segments, against the lowest.

Within a session the difference is a mean over the seconds of the three highest segments minus one
over those of the three lowest. Its chance distribution is that of the same labels moved round the
session: the course of behaviour and the lengths of the segments stay as they are, only their match
goes (Theiler et al. 1992 on surrogates; METHODS: The study). Across dyads the sign of each
difference could as well be the other one. Tests are of differences in SDs of the feature in that
session, so that no dyad speaks louder because its numbers are larger.

Caveat: the same act is helpful or hindering by its timing and fit (Swift, Tompkins & Parkin 2017).
A difference maps no act to good or bad.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.paperwork.session import RATERS
from pipeline.settings import StudySettings
from pipeline.study.features import label_and_unit
from pipeline.study.pooling import Interval, benjamini_hochberg, mean_interval, sign_flip_p
from pipeline.timeline import Floats, Seconds

Row = Mapping[str, Any]

_TIE = 1e-9
_FLAT = 1e-9


def label_track(segments: Sequence[Row], n_seconds: int) -> Floats:
    """1 in highest segments, -1 in lowest, 0 elsewhere; shape (n_seconds,)."""
    track = np.zeros(n_seconds)
    for segment in segments:
        seconds = slice(max(0, round(segment["start_s"])), round(segment["end_s"]))
        track[seconds] = 1.0 if segment["kind"] == "high" else -1.0
    return track


def shifted_differences(features: Floats, labels: Floats, least_s: Seconds) -> Floats:
    """Mean in highs minus mean in lows with the labels moved on by 0, 1, ... seconds, circularly.

    Parameters
    ----------
    features : shape (n_features, n_seconds), NaN where not measured
    labels : shape (n_seconds,), as `label_track` gives
    least_s
        A difference is NaN with fewer measured seconds than this in either kind.

    Returns
    -------
    Shape (n_features, n_seconds); column k: labels moved on by k seconds.
    """
    n = features.shape[1]
    known = np.isfinite(features)
    filled = np.where(known, features, 0.0)
    centre = filled.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    spectra = [
        np.fft.rfft(np.where(known, filled - centre, 0.0)),
        np.fft.rfft(known.astype(np.float64)),
    ]
    means = []
    for sign in (1.0, -1.0):
        chosen = np.conj(np.fft.rfft((labels == sign).astype(np.float64)))
        total, count = (np.fft.irfft(spectrum * chosen, n) for spectrum in spectra)
        count = np.round(count)
        enough = count >= max(least_s, 1)
        means.append(np.divide(total, count, out=np.full(total.shape, np.nan), where=enough))
    return np.asarray(means[0] - means[1])


def session_rows(
    ids: Row,
    names: Sequence[str],
    features: Floats,
    segments: Sequence[Row],
    settings: StudySettings,
) -> list[dict[str, Any]]:
    """Rows of `study_behaviours` of one session, by rater and feature.

    Parameters
    ----------
    ids
        `dyad_id` and `session_id`.
    features : shape (len(names), n_seconds)
    segments
        Rows of `rating_segments`; those of low confidence take no part.
    """
    rows = []
    for rater in RATERS:
        own = [s for s in segments if s["rater"] == rater and not s["low_confidence"]]
        labels = label_track(own, features.shape[1])
        both = bool((labels > 0).any() and (labels < 0).any())
        shifted = shifted_differences(features, labels, settings.feature_min_s) if both else None
        for i, name in enumerate(names):
            found = _difference(
                features[i], labels, None if shifted is None else shifted[i], settings
            )
            row = {**ids, "rater": rater, "feature": name, "feature_unit": label_and_unit(name)[1]}
            rows.append(row | found)
    return rows


def _difference(
    feature: Floats, labels: Floats, shifted: Floats | None, settings: StudySettings
) -> dict[str, Any]:
    known = np.isfinite(feature)
    row: dict[str, Any] = dict.fromkeys(("delta", "delta_sd", "p_shift", "reason"))
    row["high_s"], row["low_s"] = (float(np.sum(known & (labels == sign))) for sign in (1, -1))
    if shifted is None:
        return row | {"reason": "no_dial"}
    if not known.any():
        return row | {"reason": "not_measured"}
    if not math.isfinite(shifted[0]):
        return row | {"reason": "few_samples"}
    row["delta"] = float(shifted[0])
    spread = float(feature[known].std())
    if spread > _FLAT:
        row["delta_sd"] = row["delta"] / spread
    else:
        row["reason"] = "few_samples"
    row["p_shift"] = shift_p(shifted, settings.shortest_shift_s)
    return row


def shift_p(shifted: Floats, shortest_s: Seconds) -> float | None:
    """Share of shifts by at least `shortest_s` whose size reaches the unshifted one's.

    None where fewer than 19 shifts are left: they could not give p = .05.
    """
    n = len(shifted)
    steps = np.arange(n)
    null = shifted[(np.minimum(steps, n - steps) >= shortest_s) & np.isfinite(shifted)]
    if len(null) < 19:
        return None
    return float((1 + np.sum(np.abs(null) >= abs(shifted[0]) - _TIE)) / (1 + len(null)))


def dyad_differences(rows: Sequence[Row], column: str) -> dict[tuple[str, str], dict[str, float]]:
    """(rater, feature) -> dyad -> mean of a column over the dyad's sessions."""
    listed: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["delta_sd"] is not None:
            listed[row["rater"], row["feature"]][row["dyad_id"]].append(row[column])
    return {
        key: {dyad: float(np.mean(values)) for dyad, values in sorted(dyads.items())}
        for key, dyads in listed.items()
    }


def effects(rows: Sequence[Row], settings: StudySettings) -> list[dict[str, Any]]:
    """Rows of `study_effects`: each feature across dyads, one family of tests per rater.

    Under `dyads_min` dyads a feature has its mean only: no interval, no test.
    """
    deltas, in_sds = (dyad_differences(rows, column) for column in ("delta", "delta_sd"))
    found = []
    for rater in RATERS:
        family = [
            _effect(
                rater, name, deltas.get((rater, name), {}), in_sds.get((rater, name), {}), settings
            )
            for name in settings.features
        ]
        adjusted = benjamini_hochberg([row["p"] for row in family])
        for row, q in zip(family, adjusted, strict=True):
            row |= {"q": q, "is_found": None if q is None else q <= settings.fdr_q}
        found += family
    return found


def _effect(
    rater: str,
    name: str,
    delta: Mapping[str, float],
    in_sds: Mapping[str, float],
    settings: StudySettings,
) -> dict[str, Any]:
    enough = len(in_sds) >= settings.dyads_min
    raw, scaled = (mean_interval(list(values.values())) for values in (delta, in_sds))
    if not enough:
        raw, scaled = Interval(raw.estimate, None, None), Interval(scaled.estimate, None, None)
    return {
        "rater": rater,
        "feature": name,
        "feature_unit": label_and_unit(name)[1],
        "n_dyads": len(in_sds),
        "delta": raw.estimate,
        "delta_low": raw.low,
        "delta_high": raw.high,
        "delta_sd": scaled.estimate,
        "delta_sd_low": scaled.low,
        "delta_sd_high": scaled.high,
        "p": sign_flip_p(list(in_sds.values()), settings.seed) if enough else None,
    }
