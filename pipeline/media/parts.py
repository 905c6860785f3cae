"""Where each file of a session lies on the session clock, also where nobody has said so.

Recorders and cameras cut a long recording into files. Files of one kind (the same `hears`, the same
`shows`) whose names count upwards are read as one recording, each beginning where the one before
ended; what was assumed is said in table `media`. Files of different kinds run at the same time, as
do two microphones. Where several hear both voices at once, the first written in session.toml counts
for as long as it lasts, and one with an offset of its own fills what that leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.base import Seconds
from pipeline.paperwork.session_media import MediaFile, continues
from pipeline.timeline import Span, complement, union

FILLS_S = 5.0  # less of another recording is not worth a change of sound
NOT_BEFORE_S = 0.001


@dataclass(frozen=True, slots=True)
class Place:
    """One file on the session clock."""

    offset_s: Seconds
    source: str
    """``given`` in session.toml, ``follows`` the file before, or ``start``: assumed at 0."""


def place_of(media: Sequence[MediaFile], index: int, length_s: Callable[[int], Seconds]) -> Place:
    """One file's place; `length_s` is asked only of files that it follows."""
    part = media[index]
    if part.offset_s is not None:
        return Place(part.offset_s, "given")
    before = [i for i in range(index) if continues(media[i], part)]
    if not before:
        return Place(0.0, "start")
    last = place_of(media, before[-1], length_s)
    return Place(last.offset_s + length_s(before[-1]), "follows")


def claims(spans: Sequence[Span | None], fills: Sequence[bool]) -> list[list[Span]]:
    """Of each file's time on the clock the stretches in which it is the one that is heard.

    `spans` is None for a file that does not hear; `fills` says which may fill what others leave.
    """
    taken: list[Span] = []
    found: list[list[Span]] = []
    for span, may_fill in zip(spans, fills, strict=True):
        free = [] if span is None else _free(span, taken)
        if span is not None and taken and not (may_fill and _is_worth(free, span)):
            free = []
        taken = union([*taken, *free])
        found.append(free)
    return found


def _free(span: Span, taken: Sequence[Span]) -> list[Span]:
    start, end = max(0.0, span[0]), span[1]
    left = complement(taken, (start, end)) if end > start else []
    whole = end - start
    return [(a, b) for a, b in left if b - a >= min(FILLS_S, whole - NOT_BEFORE_S)]


def _is_worth(free: Sequence[Span], span: Span) -> bool:
    return bool(free) and span[1] > span[0]
