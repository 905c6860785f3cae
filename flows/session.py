"""One session as a Prefect flow: its stages in order, each a task that is tried again on a fault.

A stage that breaks off for good costs what it measures (`Stage.without`); one that nothing can do
without fails the session. Tasks take and return ids only. What went wrong is kept in memory for the
summary; Prefect's own states name the stage and the kind of error, never a file, a person or a word
that was said.
"""

from __future__ import annotations

import time
import traceback
from contextlib import AbstractContextManager, nullcontext

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.tasks import Task

from flows.engines import build, describe, on_gpu
from flows.faults import OUTSIDE, as_failure, keep_trace, why_failed
from flows.prepare import Outcome
from flows.publish import finish
from flows.registry import board_of, work_of
from pipeline.errors import InputError
from pipeline.results.execute import Job, go_without, run_stage
from pipeline.stage import Missing, Stage
from pipeline.stages import STAGES


class StageFailedError(Exception):
    """Names stage and kind of error only, because Prefect stores it."""

    def __init__(self, stage: Stage, kind: str, why: Missing, *, final: bool = False) -> None:
        super().__init__(f"{stage.name}: {kind}")
        self.why = why
        """What the page and the summary say."""
        self.final = final
        """Trying again now cannot help."""
        self.costs_session = not stage.without or why.reason == OUTSIDE


def worth_retrying(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """Prefect's retry condition: not when a person's file is at fault, or the stage was ended."""
    error = state.result(raise_on_failure=False)
    return not (isinstance(error, StageFailedError) and error.final)


@task(cache_policy=NO_CACHE, persist_result=False, retry_condition_fn=worth_retrying)
def run_one_stage(run: str, session: str, stage: str) -> str:
    """Compute or find one stage; returns its key."""
    work, board = work_of(run), board_of(run)
    job = work.jobs[session]
    position = [one.name for one in STAGES].index(stage)
    declared = STAGES[position]
    ended = work.broken.get((session, stage))
    if ended:
        raise StageFailedError(declared, "ended", ended, final=True)
    try:
        with _gpu_slot(job, declared):  # waiting for a card is not the stage's time
            progress = board.reporter(session, stage, position, len(STAGES))
            step = run_stage(job, declared, describe=describe, build=build, progress=progress)
    except Exception as error:  # noqa: BLE001  whatever it is, the rest of the night goes on
        trace = "".join(traceback.format_exception(error))
        keep_trace(job.store, session, stage, trace)
        kind, final = type(error).__name__, isinstance(error, InputError)
        raise StageFailedError(declared, kind, why_failed(declared, error), final=final) from None
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
            one = run_one_stage.with_options(
                task_run_name=stage.name,
                retries=execution.retries,
                retry_delay_seconds=execution.retry_delay_s,
            )
            try:
                one(run, session, stage.name)
            except StageFailedError as failed:
                if failed.costs_session:
                    spec = work.jobs[session].spec
                    work.outcomes[session] = Outcome(spec.id, "failed", as_failure(failed.why))
                    raise
                go_without(work.jobs[session], stage, failed.why)
                board_of(run).stage_done(session, stage.name, "broke off")
    finally:  # a night has many sessions
        work.jobs[session].recording.forget_audio()
    finish(work, session, started)
    return run


def _gpu_slot(job: Job, stage: Stage) -> AbstractContextManager[None]:
    """One stage at a time per card; the limit `gpu` is made on the Prefect server, if wanted."""
    if stage.uses_gpu and on_gpu(job.profile):
        return concurrency("gpu", occupy=1)
    return nullcontext()
