"""The process that computes: engines, stages and Prefect live here, and nothing of it is watched.

It is given the work as a pickle on standard input and tells what happens over a pipe. It may hang,
grow or die: `flows.supervise` sees to that.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import time
from multiprocessing.connection import Connection

from flows import child, messages
from flows.prepare import Work
from flows.progress import MINIMUM_STEP_S
from models.base import Progress as Report

OWN_SERVER = "own"
"""Of this output folder alone, whose lock says that no other worker is alive."""
DUMP = signal.SIGUSR1
"""Asks for the Python stack of every thread, also of one that hangs in C."""


class Wire:
    """Stands where `flows.progress.Board` does, and hands on what it is told."""

    def __init__(self, connection: Connection, work: Work) -> None:
        self._connection = connection
        self._work = work

    def reporter(self, session: str, stage: str, position: int, count: int) -> Report:
        """A callback for one stage; cheap to call for every frame."""
        media_s = self._work.jobs[session].duration_s
        self.tell(messages.StageStarted(session, stage, position, count, media_s))
        last = 0.0

        def report(step: str, share: float) -> None:
            nonlocal last
            now = time.monotonic()
            if share >= 1 or now - last >= MINIMUM_STEP_S:
                last = now
                self.tell(messages.Progressed(step, share))

        return report

    def stage_done(self, session: str, stage: str, why: str) -> None:
        """A stage is over."""
        self.tell(
            messages.StageEnded(session, stage, why, stage in self._work.jobs[session].computed)
        )

    def session_done(self, session: str) -> None:
        """A session is over, with all that the record and the summary want to know."""
        job = self._work.jobs[session]
        self.tell(
            messages.SessionEnded(session, self._work.outcomes[session], job.done, job.computed)
        )

    def line(self, text: str) -> None:
        """A line that stays."""
        self.tell(messages.Said(text))

    def tell(self, message: messages.Message) -> None:
        """Send one message."""
        self._connection.send(message)


def main() -> None:
    """Entry point; arguments: the pipe, a file for stacks, whose Prefect it is, our parent."""
    child.ends_with_parent()
    pipe, stacks = map(int, sys.argv[1:3])
    server = sys.argv[3]
    faulthandler.enable(stacks)
    faulthandler.register(DUMP, stacks, all_threads=True)
    from flows import left_over, registry  # loads Prefect while its server comes up
    from flows.sessions import process_sessions

    work, sessions = pickle.load(sys.stdin.buffer)  # noqa: S301  our own parent's
    wire = Wire(Connection(pipe, readable=False), work)
    if server == OWN_SERVER:
        try:
            left_over.close_left_over()
        except Exception as error:  # noqa: BLE001  Prefect's own: no reason to go without a night
            print(f"runs of before stay open: {type(error).__name__}", file=sys.stderr)  # noqa: T201
    with registry.registered(work, wire):
        try:
            process_sessions(run=work.run_id, sessions=sessions)
        except Exception as error:  # noqa: BLE001  Prefect's own: the summary says it
            wire.tell(messages.PrefectFailed(type(error).__name__))
    sys.stdout.flush()
    os._exit(0)  # what libraries do at exit may hang, and all is told


if __name__ == "__main__":
    main()
