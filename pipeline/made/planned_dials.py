"""The demo's two dials: planned lows and highs, slow noise, a planned lag between the raters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

REACTION_S = 2.0
"""How late the client's dial follows a moment (Mariooryad and Busso 2015: 1 to 6 s)."""
CLIENT_MIDDLE, THERAPIST_MIDDLE = 57.0, 54.0
THERAPIST_GAIN = 0.85
RAMP_S = 4.0
MOVE_POINTS = 2.0
"""A rater moves the dial only once it is off by this much, so both courses are held steps."""

WRONG_GUESS = 3
"""Which of the rated stretches the therapist takes for the opposite."""
REASONS = {
    True: ("I could go on talking.", "That was just how I mean it.", "There was time."),
    False: ("The question came too soon.", "It went too fast.", "I had wanted to stay with it."),
}
"""The client's own words, of high and of low stretches."""

Dial = NDArray[np.float64]  # shape (n_seconds,), 0..100; second i covers [i, i + 1) of the session


@dataclass(frozen=True, slots=True)
class RatedStretch:
    """A stretch of the session the client rates far from the middle."""

    start_s: float
    end_s: float
    points: float
    """Difference from the middle, negative for a low."""


@dataclass(frozen=True, slots=True)
class Dials:
    """Both courses in 1 s steps, and what was planned."""

    client: Dial = field(repr=False)
    therapist: Dial = field(repr=False)
    lag_s: int
    """The therapist's dial follows the client's by this much."""
    stretches: tuple[RatedStretch, ...]


def slow_noise(rng: np.random.Generator, n: int, sd: float, scale_s: float) -> Dial:
    """Smoothed white noise of standard deviation `sd` and time scale `scale_s`, cut at 2 SD."""
    smooth = gaussian_filter1d(rng.standard_normal(n + 200), scale_s)[100 : 100 + n]
    white = np.asarray(smooth, dtype=np.float64)
    return np.asarray(np.clip(sd * white / white.std(), -2 * sd, 2 * sd), dtype=np.float64)


def held(wanted: Dial) -> Dial:
    """What a hand does: leave the dial alone until it is off by `MOVE_POINTS`, then correct it."""
    out = np.empty_like(wanted)
    now = wanted[0]
    for i, value in enumerate(wanted):
        if abs(value - now) >= MOVE_POINTS:
            now = value
        out[i] = now
    return np.asarray(np.round(np.clip(out, 0, 100), 1), dtype=np.float64)


def plan_dials(
    rng: np.random.Generator, duration_s: float, stretches: Sequence[RatedStretch]
) -> Dials:
    """Plan both dials of a session with the given rated stretches."""
    n = int(duration_s)
    middle_s = np.arange(n) + 0.5
    course = np.zeros(n)
    for stretch in stretches:
        inside = np.minimum(
            middle_s - REACTION_S - stretch.start_s, stretch.end_s + REACTION_S - middle_s
        )
        course += stretch.points * np.clip(inside / RAMP_S + 0.5, 0, 1)
    felt = course + slow_noise(rng, n, sd=3.0, scale_s=7.0)
    lag_s = int(rng.integers(3, 6))
    late = np.concatenate([np.full(lag_s, felt[0]), felt[: n - lag_s]])
    own = slow_noise(rng, n, sd=1.5, scale_s=9.0)
    return Dials(
        client=held(CLIENT_MIDDLE + felt),
        therapist=held(THERAPIST_MIDDLE + THERAPIST_GAIN * late + own),
        lag_s=lag_s,
        stretches=tuple(stretches),
    )


def carma_text(dial: Dial, media_name: str) -> str:
    """A file in CARMA's layout: nine header rows, then one row a second, stamped at its end."""
    header = [
        "Time of Rating,02-Mar-2026 10:00:00",
        f"Multimedia File,{media_name}",
        "Lower Label,hindering",
        "Upper Label,helpful",
        "Minimum Value,0",
        "Maximum Value,100",
        "Number of Steps,9",
        "Second,Rating",
        "%%%%%%,%%%%%%",
    ]
    rows = [f"{second + 1},{value:.1f}" for second, value in enumerate(dial)]
    return "\n".join(header + rows) + "\n"


def time_rating_text(dial: Dial) -> str:
    """A plain ``time,rating`` file: one row a second, stamped at the second's start."""
    rows = [f"{second:.1f},{value:.1f}" for second, value in enumerate(dial)]
    return "\n".join(["time,rating", *rows]) + "\n"


def guesses_text(stretches: Sequence[RatedStretch]) -> str:
    """The therapist's guess of each rated stretch, all right but one."""
    rows = [
        f"{one.start_s:.1f},{one.end_s:.1f},"
        + ("helpful" if (one.points > 0) == (index != WRONG_GUESS) else "hindering")
        for index, one in enumerate(stretches)
    ]
    return "\n".join(["start,end,guess", *rows]) + "\n"


def reasons_text(stretches: Sequence[RatedStretch]) -> str:
    """Why the client rated each stretch so."""
    rows = []
    for is_high, words in REASONS.items():
        alike = [one for one in stretches if (one.points > 0) == is_high]
        rows += [
            f'{one.start_s:.1f},{one.end_s:.1f},"{said}"'
            for one, said in zip(alike, words, strict=False)
        ]
    return "\n".join(["start,end,reason", *rows]) + "\n"
