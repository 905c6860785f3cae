"""From the rows of dial files to steps: what was rated when, each time once.

A row's rating holds until the next row. A bin stamped at its end holds back to the bin before. A
row that is not rated ends what held before it. Where the player was moved back, a later pass over
the same media replaces the earlier one (or the reverse, where session.toml says so), so that no
second is counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.dials.direction import Direction
from pipeline.errors import SessionError

Floats = NDArray[np.float64]
Layout = Literal["carma", "carma_table", "darma", "time_rating", "event_log", "intervals"]
Passes = Literal["later", "earlier"]

SAMPLED_SHARE = 0.9
SAMPLED_TOLERANCE = 0.2
HOLE_STEPS, HOLE_MIN_S = 5.0, 5.0
LONGEST_S = 86400.0
SHORTEST_STEP_S = 0.001
MOST_PASSES = 200


@dataclass(frozen=True, slots=True)
class DialCourse:
    """A rating as steps: `value` holds in ``[start_s, end_s)``, sorted and disjoint; shape (n,)."""

    start_s: Floats
    """Seconds of the rating's own clock."""
    end_s: Floats
    value: Floats
    """0 hindering, 50 neutral, 100 helpful; NaN where not rated."""


@dataclass(frozen=True, slots=True)
class DialRows:
    """The rows of one file, in its order."""

    file: str
    layout: Layout
    t_s: Floats
    """Media position, shape (n,)."""
    value: Floats
    """On 0..100, NaN where not rated; shape (n,)."""
    axis: tuple[float, float]
    """The file's own values that mean hindering (0) and helpful (100)."""
    direction: Direction
    bin_ends: bool = False
    """Rows are bins, stamped at their end."""
    wall_clock: bool = False
    rewinds: bool = False
    """The file itself shows where its player was, so going back is no fault."""
    lines: NDArray[np.int64] | None = None
    """Line number of every row, for messages."""


def check_times(rows: DialRows, passes: Passes | None) -> None:
    """Refuse times no rating can have.

    Raises
    ------
    SessionError
        If times go back though nothing says that the player was moved back, or if they cannot be
        seconds of a session.
    """
    t = rows.t_s
    back = np.flatnonzero(np.diff(t) < 0)
    if len(back) and not rows.rewinds and passes is None:
        at = int(back[0])
        raise SessionError(
            f"{rows.file}{_line(rows, at + 1)}: time {t[at + 1]:g} s is before the line above "
            f"({t[at]:g} s); allowed: times that do not go back. If two ratings stand in the file, "
            'give each its own. Only if the rater rewound the film, write passes = "later" in its '
            "[[ratings]]: the later rating of a moment then counts"
        )
    if len(back) > MOST_PASSES:
        raise SessionError(
            f"{rows.file}: its times go back {len(back)} times; allowed: a film moved back up to "
            f"{MOST_PASSES} times. Is this the column of the time?"
        )
    if np.max(np.abs(t)) > LONGEST_S:
        at = int(np.argmax(np.abs(t) > LONGEST_S))
        raise SessionError(
            f"{rows.file}{_line(rows, at)}: time {t[at]:.0f} s is over a day; allowed: seconds of "
            "media position. If these are milliseconds, name the column time_ms; if they count "
            "from 1970, subtract the moment the film started"
        )
    steps = np.diff(t)
    if rows.bin_ends and np.any(steps == 0):
        at = int(np.argmax(steps == 0)) + 1
        raise SessionError(
            f"{rows.file}{_line(rows, at)}: second {t[at]:g} has two rows; allowed: one row per bin"
        )
    steps = steps[steps > 0]
    if len(t) > 1 and not len(steps):
        raise SessionError(
            f"{rows.file}: all {len(t)} rows have the same time, {t[0]:g} s; allowed: one per row"
        )
    if len(t) >= 60 and np.median(steps) < SHORTEST_STEP_S:
        raise SessionError(
            f"{rows.file}: rows are {np.median(steps):.2g} s apart; no dial is read that often. "
            "If these are a spreadsheet's days, format the column as [h]:mm:ss and save again"
        )


def joined(parts: Sequence[DialRows]) -> DialRows:
    """The files of one rater as one.

    Raises
    ------
    SessionError
        If they overlap in time, or do not have the same layout and axis.
    """
    parts = sorted(parts, key=lambda part: float(part.t_s[0]))
    first = parts[0]
    for one, other in pairwise(parts):
        if (one.layout, one.axis) != (other.layout, other.axis):
            raise SessionError(
                f"{one.file} ({one.layout}, axis {one.axis[0]:g} to {one.axis[1]:g}) and "
                f"{other.file} ({other.layout}, {other.axis[0]:g} to {other.axis[1]:g}) are given "
                "as parts of one rating; allowed: one layout and one axis"
            )
        if other.t_s[0] < one.t_s.max():
            raise SessionError(
                f"{one.file} ends at {one.t_s.max():g} s and {other.file} begins at "
                f"{other.t_s[0]:g} s, so one rater rated the same moments in both; allowed: parts "
                "that follow each other. Keep one, or mend `offset_s`"
            )
    worst: Direction = first.direction
    if any(part.direction == "reversed" for part in parts):
        worst = "reversed"
    return DialRows(
        file=" and ".join(part.file for part in parts),
        layout=first.layout,
        t_s=np.concatenate([part.t_s for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        axis=first.axis,
        direction=worst,
        bin_ends=first.bin_ends,
        wall_clock=any(part.wall_clock for part in parts),
        rewinds=any(part.rewinds for part in parts),
    )


def stands_at_the_end(rows: DialRows) -> bool:
    """Whether the last rating stood until the film ended: in a log of changes that did not end it.

    A dial that was read again and again, and then no more, was not left standing.
    """
    if rows.bin_ends or rows.layout == "intervals" or _is_sampled(rows):
        return False
    steps = np.diff(rows.t_s)
    rests = steps > max(HOLE_STEPS * _usual_step(rows.t_s), HOLE_MIN_S)
    repeats = np.diff(rows.value) == 0
    is_log = not repeats.any() or bool(rests.any())
    is_last = rows.t_s[-1] >= rows.t_s.max()
    return bool(is_log and is_last and np.isfinite(rows.value[-1]))


def steps_of(rows: DialRows, passes: Passes = "later") -> tuple[DialCourse, int]:
    """Steps of the rows, and how many passes over the media they are made of.

    Parameters
    ----------
    passes : which rating of a moment counts where the film was rewound
    """
    if rows.layout == "time_rating":
        rows = replace(rows, t_s=_spread(rows.t_s))
    bounds = [0, *(np.flatnonzero(np.diff(rows.t_s) < 0) + 1), len(rows.t_s)]
    usual = _usual_step(rows.t_s)
    courses = [_held(rows, slice(int(a), int(b)), usual) for a, b in pairwise(bounds)]
    if len(courses) == 1:
        return courses[0], 1
    return _overlaid(courses if passes == "later" else courses[::-1]), len(courses)


def _line(rows: DialRows, at: int) -> str:
    return "" if rows.lines is None else f", line {rows.lines[at]}"


def _usual_step(t_s: Floats) -> float:
    steps = np.diff(t_s)
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 1.0


def _spread(t_s: Floats) -> Floats:
    """Rows a clock stamps to the whole second, evenly inside that second.

    A dial read ten times a second would otherwise be known by every tenth reading.
    """
    if not len(t_s) or np.any(t_s % 1):
        return t_s
    whole, at, count = np.unique(t_s, return_inverse=True, return_counts=True)
    if np.any(np.diff(t_s) < 0) or np.median(count) < 2 or len(whole) < 2:
        return t_s
    rank = np.arange(len(t_s)) - np.searchsorted(t_s, t_s)
    return t_s + rank / count[at]


def _held(rows: DialRows, part: slice, usual: float) -> DialCourse:
    """Steps of one pass."""
    t, value = rows.t_s[part], rows.value[part]
    if rows.bin_ends:
        starts = np.concatenate([[t[0] - usual], t[:-1]])
        # a bin is no longer than usual: before a hole nothing was rated
        starts = np.where(t - starts > 1.5 * usual, t - usual, starts)
        return DialCourse(starts, t, value)
    ends = np.append(t[1:], t[-1] + max(usual, 1.0))
    if _is_sampled(rows):
        longest = max(HOLE_STEPS * usual, HOLE_MIN_S)
        ends = np.where(ends - t > longest, t + usual, ends)
    return DialCourse(t, ends, value)


def _is_sampled(rows: DialRows) -> bool:
    """Whether the dial was read at even steps, so that a hole is no hold.

    A log of changes has even steps too while a hand moves, but never the same rating twice.
    """
    steps = np.diff(rows.t_s)
    steps = steps[steps > 0]
    if rows.layout in ("event_log", "intervals") or len(steps) < 10:
        return False
    usual = float(np.median(steps))
    even = float(np.mean(np.abs(steps - usual) <= SAMPLED_TOLERANCE * usual))
    repeats = bool(np.any(np.diff(rows.value) == 0))
    return even >= SAMPLED_SHARE and (usual >= 0.5 or repeats)


def _overlaid(courses: Sequence[DialCourse]) -> DialCourse:
    """Each later course of the sequence over the ones before, where it is rated."""
    edges = np.unique(np.concatenate([np.concatenate([c.start_s, c.end_s]) for c in courses]))
    middle = (edges[:-1] + edges[1:]) / 2
    value = np.full(len(middle), np.nan)
    for course in courses:
        length = course.end_s > course.start_s
        starts, ends, rated = course.start_s[length], course.end_s[length], course.value[length]
        if not len(starts):
            continue
        # the part of the film this pass is about
        here = slice(*np.searchsorted(middle, [starts[0], ends[-1]]).tolist())
        at = np.maximum(np.searchsorted(starts, middle[here], side="right") - 1, 0)
        inside = (middle[here] < ends[at]) & np.isfinite(rated[at])
        value[here] = np.where(inside, rated[at], value[here])
    return DialCourse(edges[:-1], edges[1:], value)
