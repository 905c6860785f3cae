"""Run a prepared piece of work to its end: only what is missing starts Prefect and engines."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from flows import PREFECT_ENVIRONMENT
from flows.lock import alone
from flows.prepare import Outcome, Work, prepare
from flows.progress import Board
from flows.summary import write_summary
from pipeline.errors import ConfigError, ThinsliceError
from pipeline.provenance import new_run_id, run_record
from pipeline.settings import Profile
from pipeline.views import Output, publish, write_record

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def work_through(
    folders: Sequence[Path], *, consent: Path, profile: Profile, out: Path, board: Board
) -> Work:
    """Everything `run` and `nightly` do: prepare, compute what is missing, publish, sum up."""
    now = dt.datetime.now(tz=dt.UTC).astimezone()
    with alone(out):
        output = Output(out)
        with board:
            work = prepare(
                folders,
                consent=consent,
                profile=profile,
                output=output,
                run_id=new_run_id(now),
                day=now.date(),
                progress=board.overall("all sessions"),
            )
        unfinished = work.unfinished()
        try:
            for session in work.jobs:
                if session not in unfinished:
                    finish(work, session, time.perf_counter())
            if unfinished:
                compute(work, unfinished, board)
        finally:  # whatever ends the night, the morning has its record
            write_record(output, work.run_id, _record(work))
            write_summary(work)
    return work


def compute(work: Work, sessions: list[str], board: Board) -> None:
    """Hand the unfinished sessions to the Prefect flow. The only place that imports Prefect."""
    stay_on_this_machine(work.output.root)
    from flows import nightly, registry

    with board, registry.registered(work, board):
        nightly.process_sessions(run=work.run_id, sessions=sessions)


def stay_on_this_machine(out: Path) -> None:
    """Prefect's own server, on loopback, its database in the output folder. Before its import."""
    os.environ.update(PREFECT_ENVIRONMENT)
    home = (out / "prefect").resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(home))
    elsewhere = urlsplit(os.environ.get("PREFECT_API_URL", "")).hostname
    if elsewhere and elsewhere not in LOOPBACK:
        raise ConfigError(
            f"PREFECT_API_URL points to {elsewhere}; session records stay on this machine. "
            "Unset it."
        )


def finish(work: Work, session: str, started: float) -> None:
    """Publish a session whose every stage is done, and note its outcome."""
    job = work.jobs[session]
    try:
        view = publish(work.output, work.run_id, job.spec.id, session, job.done)
    except (OSError, ThinsliceError) as error:
        sentence = f"its results could not be shown: {type(error).__name__}; is the disk full?"
        work.outcomes[session] = Outcome(job.spec.id, "failed", sentence)
        return
    report = view / "report.html"
    work.outcomes[session] = Outcome(
        job.spec.id,
        "done",
        absences=job.absences(),
        stages_run=len(job.computed),
        stages_found=len(job.done) - len(job.computed),
        seconds=time.perf_counter() - started,
        report=work.output.latest(job.spec.id) / "report.html" if report.exists() else None,
    )


def _record(work: Work) -> str:
    keys = {
        name: {stage: manifest.key for stage, manifest in job.done.items()}
        for name, job in work.jobs.items()
    }
    return run_record(work.run_id, work.profile, keys)
