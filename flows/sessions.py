"""Many sessions in one night: one that fails never stops the rest; the morning has a summary."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows import disk
from flows.prepare import Outcome, Work
from flows.registry import board_of, work_of
from flows.session import process_session
from flows.summary import as_markdown


@flow(name="sessions", flow_run_name="{run}", persist_result=False)
def process_sessions(run: str, sessions: list[str]) -> None:
    """Each session in turn; its failure is noted and the next one starts."""
    work, board = work_of(run), board_of(run)
    for session in sessions:
        try:
            process_session(run, session)
        except Exception as error:  # noqa: BLE001  the rest of the night goes on, whatever it is
            _note_failure(work, session, error)
            board.line(f"{session}  failed; runs/{run}/summary.html says why")  # no file names
        board.session_done(session)
    try:
        create_markdown_artifact(as_markdown(work), key="morning-summary")
    except Exception as error:  # noqa: BLE001  the summary also lies in the run's folder
        board.line(f"Prefect did not keep the summary ({type(error).__name__})")


def _note_failure(work: Work, session: str, error: Exception) -> None:
    """Keep the stage's own sentence where there is one."""
    if session not in work.outcomes:
        sentence = disk.FULL if disk.is_full(error) else f"stopped with {type(error).__name__}"
        work.outcomes[session] = Outcome(work.jobs[session].spec.id, "failed", sentence)
