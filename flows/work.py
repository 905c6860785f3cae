"""Run a prepared piece of work to its end: only what is missing starts Prefect and engines."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.prepare import Outcome, Work, prepare
from flows.progress import Board
from flows.summary import write_summary
from pipeline.config import Profile
from pipeline.errors import InputError
from pipeline.provenance import new_run_id, run_record
from pipeline.views import Output, publish, write_record


def work_through(
    folders: Sequence[Path], *, consent: Path, profile: Profile, out: Path, board: Board
) -> Work:
    """Everything `run` and `nightly` do: prepare, compute what is missing, publish, sum up."""
    now = dt.datetime.now(tz=dt.UTC).astimezone()
    with _alone(out):
        output = Output(out)
        work = prepare(
            folders,
            consent=consent,
            profile=profile,
            output=output,
            run_id=new_run_id(now),
            day=now.date(),
        )
        unfinished = work.unfinished()
        for session in work.jobs:
            if session not in unfinished:
                finish(work, session, time.perf_counter())
        if unfinished:
            compute(work, unfinished, board)
        write_record(output, work.run_id, _record(work))
        write_summary(work)
    return work


def compute(work: Work, sessions: list[str], board: Board) -> None:
    """Hand the unfinished sessions to the Prefect flow. The only place that imports Prefect."""
    # one database per output folder, so that nothing of it outlives the folder
    os.environ.setdefault("PREFECT_HOME", str((work.output.root / "prefect").resolve()))
    from flows import nightly, registry

    with board, registry.registered(work, board):
        nightly.process_sessions(run=work.run_id, sessions=sessions)


def finish(work: Work, session: str, started: float) -> None:
    """Publish a session whose every stage is done, and note its outcome."""
    job = work.jobs[session]
    found = sum(1 for step in work.plans[session] if step.manifest)
    view = publish(work.output, work.run_id, job.spec.id, session, job.done)
    report = view / "report.html"
    work.outcomes[session] = Outcome(
        job.spec.id,
        "done",
        absences=job.absences(),
        stages_run=len(job.done) - found,
        stages_found=found,
        seconds=time.perf_counter() - started,
        report=work.output.latest(job.spec.id) / "report.html" if report.exists() else None,
    )


def _record(work: Work) -> str:
    keys = {
        name: {stage: manifest.key for stage, manifest in job.done.items()}
        for name, job in work.jobs.items()
    }
    return run_record(work.run_id, work.profile, keys)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One run at a time per output folder; the lock goes with the process, however it ends."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another run is writing to {out}; wait for it or choose --out"
            ) from error
        yield
