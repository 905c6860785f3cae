"""One session as a Prefect flow: its stages in order, each a task that is tried again on a fault.

Tasks take and return ids only. What went wrong is kept in memory for the summary; Prefect's own
states name the stage and the kind of error, never a file, a person or a word that was said.
"""

from __future__ import annotations

import time
import traceback
from contextlib import AbstractContextManager, nullcontext, suppress

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.tasks import Task

from flows import disk
from flows.engines import build, describe, on_gpu
from flows.prepare import Outcome
from flows.registry import board_of, work_of
from flows.work import finish
from pipeline.errors import InputError
from pipeline.execute import Job, run_stage
from pipeline.stage import Stage
from pipeline.stages import STAGES
from pipeline.store import write_atomically


class StageFailedError(Exception):
    """Names stage and kind of error only, because Prefect stores it."""

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(f"{stage}: {type(cause).__name__}")
        self.final = isinstance(cause, InputError)
        """Trying again cannot help: the input is at fault."""


def worth_retrying(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """Prefect's retry condition: not when a person's file is at fault."""
    error = state.result(raise_on_failure=False)
    return not (isinstance(error, StageFailedError) and error.final)


@task(cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=worth_retrying)
def run_one_stage(run: str, session: str, stage: str) -> str:
    """Compute or find one stage; returns its key."""
    work, board = work_of(run), board_of(run)
    job = work.jobs[session]
    position = [declared.name for declared in STAGES].index(stage)
    progress = board.reporter(session, stage, position, len(STAGES))
    try:
        with _gpu_slot(job, STAGES[position]):
            step = run_stage(
                job, STAGES[position], describe=describe, build=build, progress=progress
            )
    except Exception as error:  # noqa: BLE001  whatever it is, the rest of the night goes on
        work.outcomes[session] = Outcome(job.spec.id, "failed", _sentence(stage, error))
        _keep_trace(job, stage)
        raise StageFailedError(stage, error) from None
    work.outcomes.pop(session, None)
    progress("", 1.0)
    board.stage_done(session, stage, step.why)
    assert step.key
    return step.key


@flow(name="session", flow_run_name="{session}", persist_result=False)
def process_session(run: str, session: str) -> str:
    """All stages of one session, in order; then publish it. Returns the run id."""
    started = time.perf_counter()
    work = work_of(run)
    execution = work.profile.execution
    try:
        for stage in STAGES:
            run_one_stage.with_options(
                task_run_name=stage.name,
                retries=execution.retries,
                retry_delay_seconds=execution.retry_delay_s,
            )(run, session, stage.name)
    finally:  # a night has many sessions
        work.jobs[session].recording.forget_audio()
    finish(work, session, started)
    return run


def _gpu_slot(job: Job, stage: Stage) -> AbstractContextManager[None]:
    """One stage at a time per card; the limit `gpu` is made on the Prefect server, if wanted."""
    if stage.uses_gpu and on_gpu(job.profile):
        return concurrency("gpu", occupy=1)
    return nullcontext()


def _sentence(stage: str, error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    if disk.is_full(error):
        return f"{stage} stopped: {disk.FULL}"
    return f"{stage} stopped with {type(error).__name__}; details lie in the store, problems/"


def _keep_trace(job: Job, stage: str) -> None:
    """Keep the traceback beside the session's artifacts, where withdrawal removes it too."""
    folder = job.store.session_folder(job.session) / "problems"
    with suppress(OSError):  # the summary names the error, also where the disk takes no trace
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{stage}.txt", traceback.format_exc().encode())
