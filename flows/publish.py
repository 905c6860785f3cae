"""A session whose stages are done is shown, or told why it is not."""

from __future__ import annotations

import time

from flows import disk
from flows.prepare import Outcome, Work
from pipeline.results.views import publish
from pipeline.stages import STAGES


def finish(work: Work, session: str, started: float) -> None:
    """Publish a session whose every stage is done, and note its outcome."""
    job = work.jobs[session]
    missing = [stage.name for stage in STAGES if stage.name not in job.done]
    if missing:  # never show half a session in place of a whole one
        failed = Outcome(job.spec.id, "failed", f"not shown: {', '.join(missing)} not done")
        work.outcomes.setdefault(session, failed)
        return
    try:
        view = publish(work.output, work.run_id, job.spec.id, session, job.done)
    except Exception as error:  # noqa: BLE001  the other sessions are shown, whatever it is
        why = disk.FULL if disk.is_full(error) else f"{type(error).__name__}; check permissions"
        sentence = f"its results could not be shown: {why}"
        work.outcomes[session] = Outcome(job.spec.id, "failed", sentence)
        return
    job.store.drop_problems(session, still=job.broken)
    report = view / "report.html"
    work.outcomes[session] = Outcome(
        job.spec.id,
        "done_with_faults" if job.broken else "done",
        absences=job.absences(),
        stages_run=len(job.computed),
        stages_found=len(job.done) - len(job.computed) - len(job.broken),
        seconds=time.perf_counter() - started,
        report=work.output.latest(job.spec.id) / "report.html" if report.exists() else None,
    )
