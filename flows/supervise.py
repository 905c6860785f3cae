"""The night's work happens in a process of its own, and is watched from here.

A loop in C keeps the interpreter to itself and hears no signal, a library can crash, memory can run
out: only another process can end such a stage and tell of it. So a worker loads engines and
computes, while this process keeps terminal, time and memory. A stage over its time is a fault of
that stage at once; one in which the worker died, or held too much memory, is tried once more. The
next worker goes on where the last one stopped, because finished stages are found in the store.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from flows import NIGHT_VARIABLE, child
from flows.faults import WHERE, broke_off, keep_trace
from flows.limits import held_memory, memory_limit, stage_limit_s
from flows.messages import (
    Message,
    PrefectFailed,
    Progressed,
    Said,
    SessionEnded,
    StageEnded,
    StageStarted,
)
from flows.prepare import Outcome, Work
from flows.progress import Board
from flows.server import prefect_server
from flows.worker import DUMP, OWN_SERVER
from models.base import Progress as Report
from pipeline.errors import ThinsliceError
from pipeline.stages import STAGES

WORKER = ("-m", "flows.worker")
LOG = "work.log"
POLL_S = 0.25
DUMP_S = 0.5
"""Time a worker that is to be ended has to write down where it is."""
CLOSING_S = 30.0
"""A worker that has said its last word is gone by then."""
IDLE_S = 1200.0
"""Between stages nothing takes long: loading Prefect, publishing."""
TRIES = 2
"""Of a stage in which the worker dies."""
STOPPED = "stopped before it was done; the same command goes on from there"
GIB = 2**30


@dataclass(slots=True)
class _Now:
    """The stage at work."""

    session: str
    stage: str
    limit_s: float
    deadline: float
    report: Report


@dataclass(frozen=True, slots=True)
class _End:
    """How a worker ended before its work did."""

    now: _Now | None
    why: str
    is_final: bool
    """Another try would end alike."""
    stacks: str


def compute(work: Work, sessions: Sequence[str], board: Board) -> None:
    """Every one of these sessions has its outcome afterwards, whatever happens."""
    home = work.output.root / "prefect"
    (home / LOG).unlink(missing_ok=True)
    why = "the worker process ended without a word; see prefect/work.log"
    try:
        with board, child.stoppable(), _api(work) as (api, wait):
            why = _shifts(work, sessions, board, api, wait) or why
    except child.Stopped:
        why = STOPPED
    except ThinsliceError as error:  # Prefect's server
        why = str(error)
    for session in sessions:
        if session not in work.outcomes:
            job = work.jobs[session]
            job.store.drop_unfinished(session)
            work.outcomes[session] = Outcome(job.spec.id, "failed", why)


@contextmanager
def _api(work: Work) -> Iterator[tuple[str, Any]]:
    """Address of the Prefect server, and what waits for it: a scheduled night has one already."""
    given = os.environ.get("PREFECT_API_URL")
    if given:
        yield given, lambda: None
        return
    with prefect_server(work.output.root / "prefect", schedules=False) as server:
        yield server.api, server.wait


DATABASE_VARIABLES = (
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_API_DATABASE_CONNECTION_URL",
)


def _whose_server(work: Work) -> str:
    """Whether nobody but this output folder uses Prefect's server and what it remembers."""
    is_own = NIGHT_VARIABLE in os.environ or "PREFECT_API_URL" not in os.environ
    home = Path(os.environ.get("PREFECT_HOME", "")).resolve()
    keeps_here = home == (work.output.root / "prefect").resolve()
    elsewhere = any(name in os.environ for name in DATABASE_VARIABLES)
    return OWN_SERVER if is_own and keeps_here and not elsewhere else "given"


def _shifts(work: Work, sessions: Sequence[str], board: Board, api: str, wait: Any) -> str:
    """One worker after another until every session has its outcome; else returns why not."""
    deaths: Counter[tuple[str, str]] = Counter()
    while left := [name for name in sessions if name not in work.outcomes]:
        end = _shift(work, left, board, api, wait)
        if end is None:
            return ""
        place = (end.now.session, end.now.stage) if end.now else ("", str(len(left)))
        deaths[place] += 1
        for session in left:
            work.jobs[session].store.drop_unfinished(session)
        if not end.is_final and deaths[place] < TRIES:
            continue
        if end.now is None:
            return f"{end.why}; see prefect/{LOG}"
        _note(work, end.now, end)
    return ""


def _note(work: Work, now: _Now, end: _End) -> None:
    """The next worker takes this stage for broken."""
    (stage,) = (one for one in STAGES if one.name == now.stage)
    remedy = f"{stage.name} was ended: {end.why}; {WHERE}"
    work.broken[now.session, now.stage] = broke_off(stage, remedy)
    keep_trace(work.output.store, now.session, now.stage, f"{remedy}\n\n{end.stacks}")


def _shift(work: Work, left: Sequence[str], board: Board, api: str, wait: Any) -> _End | None:
    """One worker's life; None where it did all it was given."""
    hearing, telling = Pipe(duplex=False)
    with tempfile.TemporaryFile() as stacks, hearing:
        with telling:
            worker = child.start(
                [*WORKER, str(telling.fileno()), str(stacks.fileno()), _whose_server(work)],
                work.output.root / "prefect" / LOG,
                environment={"PREFECT_API_URL": api},
                pass_fds=(telling.fileno(), stacks.fileno()),
            )
        try:
            wait()
            _hand_over(worker, work, left)
            end = _watch(worker, hearing, stacks, work, board)
        finally:
            child.end(worker)
    return end


def _hand_over(worker: subprocess.Popen[bytes], work: Work, left: Sequence[str]) -> None:
    assert worker.stdin
    with suppress(BrokenPipeError):  # it died at once: `_watch` sees it
        worker.stdin.write(pickle.dumps((dataclasses.replace(work, plans={}), list(left))))
        worker.stdin.close()


def _watch(
    worker: subprocess.Popen[bytes],
    hearing: Connection,
    stacks: IO[bytes],
    work: Work,
    board: Board,
) -> _End | None:
    """Hear what the worker tells until it ends, or a limit is passed."""
    now: _Now | None = None
    most, heard_at = memory_limit(work.profile.execution), time.monotonic()
    while True:
        try:
            message = hearing.recv() if hearing.poll(POLL_S) else None
        except (EOFError, OSError):  # it is gone, perhaps in the middle of a word
            break
        if message is not None:
            now, heard_at = _heard(message, now, work, board), time.monotonic()
        late, grown = _late(now, heard_at), _grown(held_memory(worker.pid), most)
        if late or grown:
            worker.send_signal(DUMP)
            time.sleep(DUMP_S)
            # the memory may be what earlier sessions left behind: a fresh worker tells
            return _End(now, late or grown, is_final=bool(late and now), stacks=_read(stacks))
    why = _death(worker)
    return _End(now, why, is_final=False, stacks=_read(stacks)) if why else None


def _death(worker: subprocess.Popen[bytes]) -> str:
    """How a worker ended that says no more; empty if it was done."""
    try:
        code = worker.wait(CLOSING_S)
    except subprocess.TimeoutExpired:
        return "its process broke off and did not end"
    name = f"exit code {code}" if code > 0 else signal.Signals(-code).name if code else ""
    return f"its process died ({name})" if name else ""


def _late(now: _Now | None, heard_at: float) -> str:
    """Whether the stage took too long, or nothing is at work, in words; empty if not."""
    if now is None:
        idle = time.monotonic() - heard_at > IDLE_S
        return f"nothing happened for {IDLE_S:.0f} s between two stages" if idle else ""
    if time.monotonic() < now.deadline:
        return ""
    return (
        f"it took longer than {now.limit_s:.0f} s; raise execution.limit_factor or "
        "execution.limit_floor_s if this machine is only slow"
    )


def _grown(held: int, most: float) -> str:
    """Whether the worker holds too much memory, in words; empty if not."""
    if held <= most:
        return ""
    return f"it held {held / GIB:.1f} GiB of memory, execution.memory allows {most / GIB:.1f} GiB"


def _heard(message: Message, now: _Now | None, work: Work, board: Board) -> _Now | None:
    """Show one message and keep what it says; returns the stage then at work."""
    match message:
        case StageStarted(session, stage, position, count, media_s):
            limit_s = stage_limit_s(media_s, work.profile.execution)
            report = board.reporter(session, stage, position, count)
            work.started.setdefault(session, time.monotonic())
            return _Now(session, stage, limit_s, time.monotonic() + limit_s, report)
        case Progressed(step, share) if now:
            now.report(step, share)
            return now
        case StageEnded(session, stage, why, is_computed):
            board.stage_done(session, stage, why)
            if is_computed:
                work.jobs[session].computed.add(stage)
        case SessionEnded(session, outcome, done, computed):
            outcome.seconds = time.monotonic() - work.started.get(session, time.monotonic())
            work.outcomes[session] = outcome
            work.jobs[session].done, work.jobs[session].computed = done, computed
        case PrefectFailed(kind):
            raise ThinsliceError(f"Prefect stopped with {kind}; run the same command again")
        case Said(text):
            board.line(text)
            return now
    return None


def _read(stacks: IO[bytes]) -> str:
    stacks.seek(0)
    return stacks.read().decode(errors="replace")
