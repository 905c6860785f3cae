"""A made cohort: dyads whose congruence and whose one behaviour effect are planted.

Dials are smooth courses that a hand follows in steps of two points, correlated between the two
raters of a dyad by what was drawn for that dyad. Behaviour is made on the seconds of the session in
the ways real features come: a share of the floor that passes from one to the other, numbers that
hold through a turn, turns of a kind that begin now and then, and means of 30 s windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pipeline.dials.congruence import binned, both_rated, congruence
from pipeline.dials.segments import pick_segments
from pipeline.made.planned_dials import held
from pipeline.settings import RatingsSettings, StudySettings
from pipeline.study.behaviour import label_track
from pipeline.study.congruence import SessionPair
from pipeline.timeline import Floats

RHO, TAU = 0.3, 0.15
"""Planted congruence: mean correlation, SD of Fisher's z between dyads."""
EFFECT_SD = 0.5
"""Planted effect: highest minus lowest segments, in SDs of the feature in the session."""
SECONDS = 3000
CLIENT_TURN_S, THERAPIST_TURN_S = 10.0, 6.0
EVENT_EVERY_S = 60.0
WINDOW_S, HOP_S = 30, 5
KINDS = ("share of the floor", "number of a turn", "turns per minute", "window of 30 s")


@dataclass(frozen=True, slots=True)
class MadeDials:
    """Both dials of one session, and the highest and lowest segments picked from them."""

    client: Floats
    therapist: Floats
    segments: Sequence[dict[str, Any]]


def draw_rho(rng: np.random.Generator) -> float:
    """The correlation of one dyad."""
    return math.tanh(rng.normal(math.atanh(RHO), TAU))


def make_dials(rng: np.random.Generator, rho: float, n: int = SECONDS) -> MadeDials:
    """Two dials that correlate by `rho` at every time scale."""
    scale_s = rng.uniform(8, 20)
    noise = gaussian_filter1d(rng.standard_normal((2, n + 400)), scale_s, axis=1)[:, 200:-200]
    one, other = noise / noise.std(axis=1, keepdims=True)
    other = rho * one + math.sqrt(1 - rho**2) * other
    client = held(rng.uniform(50, 65) + rng.uniform(7, 12) * one)
    therapist = held(rng.uniform(48, 60) + rng.uniform(8, 14) * other)
    segments = [
        {"rater": rater, "kind": s.kind, "rank": s.rank, "start_s": float(s.first),
         "end_s": float(s.stop), "mean": s.mean, "depth_madn": s.depth_madn, "label": s.label,
         "low_confidence": False}
        for rater, dial in (("client", client), ("therapist", therapist))
        for s in pick_segments(dial, RatingsSettings())
    ]  # fmt: skip
    return MadeDials(client, therapist, segments)


def session_pair(dyad: str, dials: MadeDials) -> SessionPair:
    """What such a session gives to aim 3, by the product's own arithmetic."""
    found = congruence(dials.client, dials.therapist)
    bins = (binned(dial, 5) for dial in both_rated(dials.client, dials.therapist))
    return SessionPair(
        dyad, found.n_eff, found.r, found.bias, found.tracking, found.is_interpretable, *bins, {}
    )


def floor_shares(rng: np.random.Generator, n: int) -> Floats:
    """1 while the therapist holds the floor, 0 while the client does; shape (n,)."""
    count = 2 + int(4 * n / (CLIENT_TURN_S + THERAPIST_TURN_S))
    lengths = rng.exponential([[CLIENT_TURN_S, THERAPIST_TURN_S]], (count, 2)).ravel()
    ends = np.cumsum(lengths)
    return (np.searchsorted(ends, np.arange(n) + 0.5) % 2).astype(np.float64)


def make_feature(rng: np.random.Generator, kind: str, n: int = SECONDS) -> Floats:
    """One feature without any effect, on seconds; shape (n,), SD about 1 where it has no unit."""
    if kind == "share of the floor":
        return floor_shares(rng, n)
    if kind == "turns per minute":
        return 60.0 * (rng.random(n) < 1 / EVENT_EVERY_S)
    if kind == "window of 30 s":
        turns = _of_turns(rng, n + WINDOW_S)
        sums = np.cumsum(np.nan_to_num(turns))
        windows = (sums[WINDOW_S:] - sums[:-WINDOW_S])[:n]
        return np.repeat(windows[::HOP_S], HOP_S)[:n] / windows.std()
    track = _of_turns(rng, n)
    return np.where(floor_shares(rng, n) > 0, np.nan, track)  # only while that person speaks


def _of_turns(rng: np.random.Generator, n: int) -> Floats:
    """A new number with every turn."""
    ends = np.cumsum(rng.exponential(CLIENT_TURN_S, 2 + int(3 * n / CLIENT_TURN_S)))
    return rng.standard_normal(len(ends))[np.searchsorted(ends, np.arange(n) + 0.5)]


def with_effect(feature: Floats, labels: Floats, size_sd: float = EFFECT_SD) -> Floats:
    """The feature moved up in the highest and down in the lowest segments, `size_sd` apart."""
    return feature + 0.5 * size_sd * np.nanstd(feature) * labels


def make_features(
    rng: np.random.Generator, dials: MadeDials, settings: StudySettings, planted: str | None
) -> Floats:
    """All features of a session, shape (n_features, n_seconds); the first holds the effect.

    The others are of all kinds in turn. Without `planted` none holds an effect.
    """
    n = len(dials.client)
    labels = label_track([s for s in dials.segments if s["rater"] == "client"], n)
    kinds = [KINDS[i % len(KINDS)] for i in range(len(settings.features))]
    tracks = [make_feature(rng, kind, n) for kind in kinds]
    if planted is not None:
        tracks[0] = with_effect(make_feature(rng, planted, n), labels)
    return np.stack(tracks)
