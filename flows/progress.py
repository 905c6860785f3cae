"""Progress on the terminal: one line per session, which stage, how far. On standard error."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from models.base import Progress as Report

MINIMUM_STEP_S = 0.2
"""Progress is told no more often."""


class Audience(Protocol):
    """Who is told how the work goes: a terminal, or the process that keeps it."""

    def reporter(self, session: str, stage: str, position: int, count: int) -> Report:
        """A callback for one try of a stage; cheap to call for every frame."""
        ...

    def stage_done(self, session: str, stage: str, why: str) -> None:
        """A stage is over."""
        ...

    def session_done(self, session: str) -> None:
        """A session is over."""
        ...

    def line(self, text: str) -> None:
        """A line that stays."""
        ...


class Board:
    """Progress bars of one run; plain lines where standard error is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.fields[session]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %  {task.description}"),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._rows: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def reporter(self, session: str, stage: str, position: int, count: int) -> Report:
        """A callback for one stage; cheap to call for every frame."""
        row = self._row(session)
        last = 0.0

        def report(step: str, share: float) -> None:
            nonlocal last
            now = time.monotonic()
            if share < 1 and now - last < MINIMUM_STEP_S:
                return
            last = now
            done = 100 * (position + min(max(share, 0.0), 1.0)) / count
            self._bars.update(
                row, completed=done, description=f"{stage}: {step}" if step else stage
            )

        report("", 0.0)
        return report

    def overall(self, label: str) -> Report:
        """A callback for something that is about all sessions."""
        row = self._row(label)

        def report(step: str, share: float) -> None:
            self._bars.update(row, completed=100 * share, description=step)

        return report

    def line(self, text: str) -> None:
        """A line that stays: a stage's end where there are no bars, a problem anywhere."""
        self.console.print(text, highlight=False, markup=False)

    def stage_done(self, session: str, stage: str, why: str) -> None:
        """Note a finished stage; on a terminal the bars say it already."""
        if not self.console.is_terminal:
            self.line(f"{session}  {stage}: {why or 'found'}")

    def session_done(self, session: str) -> None:
        """Nothing to add: the summary tells outcomes."""

    def _row(self, session: str) -> TaskID:
        if session not in self._rows:
            self._rows[session] = self._bars.add_task("", total=100, session=session)
        return self._rows[session]
