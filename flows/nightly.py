"""Many sessions in one night: one that fails never stops the rest; the morning has a summary."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.progress import Board
from flows.registry import board_of, work_of
from flows.session import StageFailedError, process_session
from flows.summary import as_markdown
from pipeline.config import load_profile


@flow(name="sessions", flow_run_name="{run}", persist_result=False)
def process_sessions(run: str, sessions: list[str]) -> None:
    """Each session in turn; its failure is noted and the next one starts."""
    work, board = work_of(run), board_of(run)
    for session in sessions:
        try:
            process_session(run, session)
        except StageFailedError:
            board.line(f"{session}  failed: {work.outcomes[session].sentence}")
    create_markdown_artifact(as_markdown(work), key="morning-summary")


@flow(name="nightly", persist_result=False)
def nightly(recordings: str, out: str, profile: str = "", consent: str = "") -> None:
    """The scheduled night: everything new or changed below a folder."""
    from flows.prepare import session_folders
    from flows.work import work_through

    folder = Path(recordings)
    work_through(
        session_folders(folder),
        consent=Path(consent) if consent else folder / "consent.toml",
        profile=load_profile(Path(profile) if profile else None),
        out=Path(out),
        board=Board(),
    )
