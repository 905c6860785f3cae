"""`thinslice study`: read every session that may be read, put them together, show the result."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.folders import found as folders_found
from flows.folders import known_sessions, neighbours
from flows.lock import alone
from flows.progress import Board
from pipeline.errors import ConsentError, InputError
from pipeline.files import bring_back, swap_in, write_atomically
from pipeline.paperwork.consent import Register, load_register
from pipeline.results.store import write_table
from pipeline.results.views import Output
from pipeline.results.withdraw import STUDY_FOLDER as FOLDER
from pipeline.results.withdraw import remembered
from pipeline.settings import StudySettings
from pipeline.study.attendance import Appointment, read_attendance
from pipeline.study.attendance_rates import agreed_to_recording
from pipeline.study.features import check_features
from pipeline.study.methods import (
    Paragraphs,
    as_text,
    exclusion_lines,
    methods,
    settings_hash,
)
from pipeline.study.reading import (
    Facts,
    StudiedSession,
    read_columns,
    read_facts,
    read_session,
)
from pipeline.study.study import Study, study
from pipeline.tables import STUDY_TABLES


def run_study(
    out: Path, *, consent: Path, attendance: Path | None, settings: StudySettings, board: Board
) -> dict[str, Any]:
    """Study all sessions of an output folder and write OUT/study; returns what to print.

    Raises
    ------
    InputError
        The folder holds no session or no dial, or a file cannot be used.
    ConsentError
        There is no register, or nobody agrees to `research`.
    """
    check_features(settings.features)
    _check_folder(out)
    day = dt.datetime.now(tz=dt.UTC).astimezone().date()
    with alone(out), board:
        output, register = Output(out), _register(consent, Output(out))
        everyone = [read_facts(_newest(output, name)) for name in output.sessions()]
        permitted = _allowed(everyone, register, day, consent)
        allowed = _each_recording_once(permitted)
        sessions = _read(allowed, settings, board)
        appointments = _appointments(attendance, consent)
        found = study(
            sessions,
            refused=_refused(everyone, permitted),
            copies=len(permitted) - len(allowed),
            agreed=agreed_to_recording(register, day),
            appointments=appointments,
            settings=settings,
        )
        text = methods(found, _profiles(allowed))
        folder = _write(output, found, text)
    return _summary(found, folder)


def _register(consent: Path, output: Output) -> Register:
    """The register beside all sessions there are or were: what is known is no slip."""
    beside = known_sessions(folders_found(neighbours([], consent)))
    return load_register(consent).read_against([*beside, *(one for _, one in remembered(output))])


def _each_recording_once(allowed: Sequence[Facts]) -> list[Facts]:
    """Without sessions that hold a recording of one before: a copied folder is no second hour."""
    seen: set[str] = set()
    kept = []
    for facts in allowed:
        own = _recordings(facts.folder)
        if not own & seen:
            kept.append(facts)
        seen |= own
    return kept


def _recordings(folder: Path) -> set[str]:
    """Content hashes of a session's media; empty where no run noted them."""
    if not (folder / "media.parquet").exists():
        return set()
    rows = read_columns(folder, "media", ["sha256"]).to_pylist()
    return {row["sha256"] for row in rows if row["sha256"]}


def _check_folder(out: Path) -> None:
    if not Output(out).sessions():
        raise InputError(
            f"no finished session in {out}; run `thinslice run` or `thinslice nightly` first"
        )


def _newest(output: Output, session_id: str) -> Path:
    """The session's newest run, resolved once so that all tables are of one run."""
    return output.latest(session_id).resolve()


def _allowed(
    everyone: Sequence[Facts], register: Register, day: dt.date, consent: Path
) -> list[Facts]:
    allowed = [facts for facts in everyone if _agrees(facts, register, day)]
    if not allowed:
        raise ConsentError(
            f"none of the {len(everyone)} sessions may be studied: {consent} holds no `research` "
            "of both client and therapist; record it with `thinslice consent grant PERSON "
            "--role client --scope research`"
        )
    return allowed


def _agrees(facts: Facts, register: Register, day: dt.date) -> bool:
    both = (("client", facts.client_id), ("therapist", facts.therapist_id))
    return all(
        register.refusal(person, role, facts.session_id, "research", day) is None
        for role, person in both
    )


def _refused(everyone: Sequence[Facts], allowed: Sequence[Facts]) -> tuple[int, int]:
    """Dyads of which nothing takes part, and sessions that do not."""
    dyads = {facts.dyad_id for facts in everyone} - {facts.dyad_id for facts in allowed}
    return len(dyads), len(everyone) - len(allowed)


def _read(allowed: Sequence[Facts], settings: StudySettings, board: Board) -> list[StudiedSession]:
    report = board.overall("study")
    sessions = []
    for done, facts in enumerate(allowed):
        report(f"reading session {done + 1} of {len(allowed)}", done / len(allowed))
        sessions.append(read_session(facts, settings))
    report("putting them together", 1.0)
    if not any(session.courses for session in sessions):
        raise InputError(
            f"none of the {len(sessions)} sessions that may be studied has a dial rating; add "
            "[[ratings]] of client and therapist to their session.toml and run them again"
        )
    return sessions


def _appointments(attendance: Path | None, consent: Path) -> tuple[Appointment, ...] | None:
    """The file named, else attendance.csv beside the register, if it is there."""
    beside = consent.with_name("attendance.csv")
    if attendance is None and not beside.is_file():
        return None
    return read_attendance(attendance or beside)


def _profiles(allowed: Sequence[Facts]) -> list[Mapping[str, Any] | None]:
    """Per session the resolved profile of the run its tables stand in; None if unrecorded."""
    known: dict[Path, Mapping[str, Any] | None] = {}
    for facts in allowed:
        run = facts.folder.parent
        if run not in known:
            known[run] = _profile(run / "run.toml")
    return [known[facts.folder.parent] for facts in allowed]


def _profile(record: Path) -> Mapping[str, Any] | None:
    try:
        return tomllib.loads(record.read_text(encoding="utf-8")).get("profile")
    except (OSError, tomllib.TOMLDecodeError):
        return None  # the methods text then says that it was not recorded


def _write(output: Output, found: Study, text: Paragraphs) -> Path:
    """Everything into a draft folder, which then takes the place of the one before."""
    from pipeline.study.page import page

    final = output.root / FOLDER
    draft = output.root / f".{FOLDER}.{os.getpid()}"
    bring_back(final)
    for left in output.root.glob(f".{FOLDER}.*"):  # by one that was ended before it was done
        shutil.rmtree(left, ignore_errors=True)
    draft.mkdir()
    stamp = {"thinslice.settings": settings_hash(found.settings)}
    for name, table in found.tables.items():
        write_table(draft, STUDY_TABLES[name], table, stamp)
    write_atomically(draft / "methods.txt", as_text(text).encode())
    write_atomically(draft / "study.html", page(found, text).encode())
    swap_in(draft, final)
    return final


def as_lines(found: Mapping[str, Any]) -> str:
    """The summary for a terminal."""
    listed = [*found["headlines"], *(f"left out: {line}" for line in found["left_out"])]
    return "\n".join(
        [
            f"dyads {found['dyads']}, sessions {found['sessions']}",
            *listed,
            f"page {found['page']}",
            f"tables {found['tables']}",
        ]
    )


def _summary(found: Study, folder: Path) -> dict[str, Any]:
    from pipeline.study.page import headlines

    return {
        "dyads": len(found.dyads),
        "sessions": len(found.sessions),
        "descriptive_only": found.is_descriptive,
        "headlines": headlines(found),
        "left_out": exclusion_lines(found),
        "page": str(folder / "study.html"),
        "tables": f"{folder}/*.parquet",
    }
