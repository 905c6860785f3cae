"""Logs that say what the player did: pauses cost no media time, what is rewound is rated again.

Two kinds. With a column of the player's position every row says where in the media it belongs. With
a column of events (play, pause, seek, stop, and rating) and a running clock, the position follows
from them. Either way what was played twice keeps one rating, and no pause makes the rating
longer than the media.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SessionError
from pipeline.paperwork.sheet_values import shown

Floats = NDArray[np.float64]
Placed = tuple[Floats, Floats, NDArray[np.int64]]
"""Media positions in s, ratings and line numbers; shape (n,) each."""

PLAY = frozenset({"play", "playing", "resume", "start"})
PAUSE = frozenset({"pause", "paused"})
SEEK = frozenset({"seek", "seeked", "rewind", "forward", "jump"})
STOP = frozenset({"stop", "end", "ended"})
RATING = frozenset({"", "rating", "dial", "move", "value", "change"})
SLIP_S = 2.0
"""A player's own position may differ from the log's arithmetic by this much."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of a log."""

    line: int
    elapsed_s: float
    """Of a clock that goes on while the player is paused."""
    event: str
    rating: float
    """On 0..100; NaN where the row has none."""
    position_s: float | None
    """Where the player says it is; a seek's target."""


@dataclass(frozen=True, slots=True)
class _Player:
    position_s: float
    since_s: float
    plays: bool

    def position_at(self, elapsed_s: float) -> float:
        return self.position_s + (elapsed_s - self.since_s if self.plays else 0.0)


def from_events(path: Path, rows: Sequence[LogRow], *, plays: bool) -> Placed:
    """Ratings at their media positions; a rating of NaN marks where nothing is rated any more.

    Ratings before the player first plays set the dial, and count from there.

    Parameters
    ----------
    plays : the player runs from `elapsed_s` = 0 on, at position 0, without a row that says so

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    player = _Player(0.0, 0.0, plays)
    dial = math.nan
    placed: list[tuple[float, float, int]] = []
    for row in rows:
        here = _here(path, row, player)
        if row.event in RATING:
            dial = row.rating
            player = _Player(here, row.elapsed_s, player.plays)
            seen = player.plays
        elif row.event in PLAY:
            player = _Player(here, row.elapsed_s, plays=True)
            seen = True
        else:
            if player.plays:
                placed.append((player.position_at(row.elapsed_s), math.nan, row.line))
            seen = row.event in SEEK and player.plays
            player = _Player(here, row.elapsed_s, seen)
        if seen:
            placed.append((here, dial, row.line))
    return _arrays(placed)


def from_positions(
    elapsed_s: Floats | None, t_s: Floats, value: Floats, lines: Sequence[int]
) -> Placed:
    """Ratings whose rows carry the player's position; a jump of it ends what held before.

    Parameters
    ----------
    elapsed_s : of a clock that goes on, shape (n,); None where the file has positions only
    t_s : media positions, shape (n,)
    value : on 0..100, shape (n,)
    """
    steps = np.diff(t_s)
    forward = steps[steps > 0]
    usual = float(np.median(forward)) if len(forward) else 1.0
    jumps = steps < 0
    if elapsed_s is not None:
        jumps |= steps > np.diff(elapsed_s) + SLIP_S
    placed: list[tuple[float, float, int]] = []
    for i, line in enumerate(lines):
        placed.append((float(t_s[i]), float(value[i]), line))
        if i < len(jumps) and jumps[i]:
            end_s = float(t_s[i]) + usual
            placed.append(
                (min(end_s, float(t_s[i + 1])) if steps[i] > 0 else end_s, math.nan, line)
            )
    return _arrays(placed)


def known_event(path: Path, line: int, cell: str) -> str:
    """The event in lower case.

    Raises
    ------
    SessionError
        If it is none we know.
    """
    event = cell.lower()
    if event not in PLAY | PAUSE | SEEK | STOP | RATING:
        raise SessionError(
            f"{path.name}, line {line}: event {shown(cell)}; allowed: play, pause, seek, stop, "
            "rating"
        )
    return event


def _here(path: Path, row: LogRow, player: _Player) -> float:
    """Where in the media the row is."""
    reckoned = player.position_at(row.elapsed_s)
    if row.event in SEEK:
        if row.position_s is None:
            raise SessionError(
                f"{path.name}, line {row.line}: a {row.event} without its target; allowed: the "
                "media position it went to, in the column of positions or of ratings"
            )
        return row.position_s
    if row.position_s is None:
        return reckoned
    if player.plays and abs(row.position_s - reckoned) > SLIP_S:
        raise SessionError(
            f"{path.name}, line {row.line}: the player is at {row.position_s:g} s, but by the rows "
            f"above at {reckoned:g} s; a pause or seek is missing. Add it, or leave the event "
            "column out: positions alone are enough"
        )
    return row.position_s


def _arrays(placed: list[tuple[float, float, int]]) -> Placed:
    t_s, value, lines = zip(*placed, strict=True)
    return np.array(t_s, np.float64), np.array(value, np.float64), np.array(lines, np.int64)
