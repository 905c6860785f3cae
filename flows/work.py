"""Run a prepared piece of work to its end: only what is missing starts a worker."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from flows import PREFECT_ENVIRONMENT, disk, supervise
from flows.lock import alone
from flows.prepare import Work, prepare
from flows.progress import Board
from flows.publish import finish
from flows.summary import write_summary
from pipeline.errors import ConfigError
from pipeline.profile import Profile
from pipeline.results.provenance import new_run_id, run_record
from pipeline.results.views import Output, write_record

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
                stay_on_this_machine(out)
                supervise.compute(work, unfinished, board)
        finally:  # whatever ends the night, the morning has its record
            work.unwritten = _written(work)
            if work.unwritten:
                board.line(work.unwritten)
    return work


def stay_on_this_machine(out: Path) -> None:
    """Prefect's own server, on loopback, its database in the output folder. Before its import."""
    os.environ.update(PREFECT_ENVIRONMENT)
    home = (out / "prefect").resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk.unusable(out, error) from error
    os.environ.setdefault("PREFECT_HOME", str(home))
    elsewhere = urlsplit(os.environ.get("PREFECT_API_URL", "")).hostname
    if elsewhere and elsewhere not in LOOPBACK:
        raise ConfigError(
            f"PREFECT_API_URL points to {elsewhere}; session records stay on this machine. "
            "Unset it."
        )


def _written(work: Work) -> str:
    """Write the run's record and summary; returns why that failed, empty if it did not."""
    try:
        write_record(work.output, work.run_id, _record(work))
        write_summary(work)
    except OSError as error:
        why = "the disk of --out is full" if disk.is_full(error) else f"--out: {error.strerror}"
        return f"{why}; the summary could not be written"
    return ""


def _record(work: Work) -> str:
    keys = {
        name: {s: manifest.key for s, manifest in job.done.items() if s not in job.broken}
        for name, job in work.jobs.items()
    }
    return run_record(work.run_id, work.profile, keys)
