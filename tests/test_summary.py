"""What a terminal and a log see of a night."""

from __future__ import annotations

import io

from rich.console import Console

from flows import registry, sessions
from flows.prepare import Outcome, Work
from flows.progress import Board
from flows.summary import show
from pipeline.media.recording import FolderRecording
from pipeline.paperwork.session import SessionSpec, public_name
from pipeline.profile import Profile
from pipeline.results.execute import Job
from pipeline.results.views import Output
from pipeline.stage import Absence

WHY = "session N01-02: room.mp4 ends early; name it under [transcript], [[ratings]] or [/b] :x:"
SPEC = {
    "id": "N01-02",
    "session": {"dyad": "N01", "number": 2, "client": "C01", "therapist": "T01"},
    "media": [{"file": "room.mp4", "hears": ["mixed"]}],
}


def test_the_terminal_shows_every_word(tmp_path):
    work = Work("run", Output(tmp_path / "[b]out"), Profile())
    absence = Absence("transcript", "no_weights", "name it under [transcript] in session.toml")
    report = tmp_path / "[red]" / "report.html"
    work.outcomes["s-1"] = Outcome("N01-01", "done", absences=(absence,), report=report)
    work.outcomes["s-2"] = Outcome("N01-02", "failed", WHY)
    console = Console(file=io.StringIO(), width=300)
    show(work, console)
    shown = console.file.getvalue()
    for text in (absence.sentence, WHY, str(report), f"{tmp_path}/[b]out/latest"):
        assert text in shown


def test_the_log_of_a_night_names_no_session_and_no_file(tmp_path, monkeypatch):
    work = Work("20260302-0200", Output(tmp_path), Profile())
    spec, name = SessionSpec.model_validate(SPEC), public_name("N01-02")
    recording = FolderRecording(tmp_path, spec)
    work.jobs[name] = Job(spec, tmp_path, {}, work.profile, work.output.store, recording)

    def fails(run: str, session: str) -> None:
        work.outcomes[session] = Outcome(spec.id, "failed", WHY)
        raise RuntimeError(WHY)

    monkeypatch.setattr(sessions, "process_session", fails)
    monkeypatch.setattr(sessions, "create_markdown_artifact", lambda *_, **__: None)
    board = Board(Console(file=io.StringIO(), width=300))
    with registry.registered(work, board):
        sessions.process_sessions.fn(work.run_id, [name])
    log = board.console.file.getvalue()
    assert log == f"{name}  failed; runs/20260302-0200/summary.html says why\n"
    assert work.outcomes[name].sentence == WHY
