"""Work in memory, found by id: Prefect records ids, never paths, settings or people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flows.prepare import Work
from flows.progress import Audience

_WORK: dict[str, tuple[Work, Audience]] = {}


@contextmanager
def registered(work: Work, board: Audience) -> Iterator[None]:
    """Make a run's work findable by its id while it lasts."""
    _WORK[work.run_id] = (work, board)
    try:
        yield
    finally:
        del _WORK[work.run_id]


def work_of(run: str) -> Work:
    """The work of a run."""
    return _WORK[run][0]


def board_of(run: str) -> Audience:
    """Where a run shows its progress."""
    return _WORK[run][1]
