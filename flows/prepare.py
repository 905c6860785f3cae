"""From folders to jobs: validate, ask consent, plan. Imports neither Prefect nor any engine."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from flows import disk
from flows.engines import check_device, check_engines, describe
from flows.faults import WHERE, keep_trace
from flows.folders import Found, clashes, found, known_sessions, neighbours
from models.base import Progress, silent
from pipeline.errors import ConsentError, InputError, SessionError
from pipeline.media.recording import FolderRecording
from pipeline.media.steady import Look, growth, is_doubtful, look_at
from pipeline.paperwork.consent import Register, load_register, people, permitted, refusals
from pipeline.paperwork.papers import printable
from pipeline.paperwork.session import SessionSpec, public_name
from pipeline.paperwork.session_toml import load_session
from pipeline.profile import Profile
from pipeline.results.execute import Job, Step, plan
from pipeline.results.store import Store
from pipeline.results.views import Output
from pipeline.stage import Absence, Missing

MOST_NOTES = 20
"""Of the register's refusals that name nobody; more of them hide each other."""

State = Literal["done", "done_with_faults", "failed", "held_back"]


@dataclass(slots=True)
class Outcome:
    """How one session of a run ended."""

    session_id: str
    state: State
    sentence: str = ""
    """Why it failed or was held back."""
    absences: tuple[Absence, ...] = ()
    stages_run: int = 0
    stages_found: int = 0
    seconds: float = 0.0
    report: Path | None = None

    @property
    def session(self) -> str:
        """Public name, for logs and states."""
        return public_name(self.session_id)


@dataclass(slots=True)
class Work:
    """One run: what it was asked, what it has to do, how it went."""

    run_id: str
    output: Output
    profile: Profile
    jobs: dict[str, Job] = field(default_factory=dict)
    """Public name -> job, for sessions that consent permits."""
    broken: dict[tuple[str, str], Missing] = field(default_factory=dict)
    """(Session, stage) -> why it broke off, and that trying again now cannot help."""
    plans: dict[str, list[Step]] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    """Session -> when its first stage began; monotonic, s."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    """Public name -> what to know of a session, however it ends."""
    notes: list[str] = field(default_factory=list)
    """What to know of the whole night; for people, never for logs."""
    unwritten: str = ""
    """Why the run's own record and summary could not be written; empty if they were."""

    def unfinished(self) -> list[str]:
        """Public names of sessions with something to compute."""
        return [name for name, steps in self.plans.items() if any(not s.manifest for s in steps)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What prepares one session: its folder, the register, what forbids it at once."""

    session: Found
    register: Register | ConsentError
    clash: SessionError | None
    day: dt.date


def prepare(
    folders: Sequence[Path],
    *,
    consent: Path,
    profile: Profile,
    output: Output,
    run_id: str,
    day: dt.date,
    progress: Progress = silent,
) -> Work:
    """Validate and plan every session; what cannot go on has its outcome at once.

    A malformed register stops everything (`InputError`); a missing one holds every session back.
    """
    work = Work(run_id, output, profile)
    check_device(profile)
    check_engines(profile)
    asked = _asked(work, folders, consent, day)
    looks: dict[str, dict[Path, Look]] = {}
    for position, one in enumerate(asked):
        progress("hashing and checking", position / len(asked))
        with _noted(work, public_name(one.session.names[0]), one.session.session_id):
            looks |= _prepare_one(work, one)
    for name in work.unfinished():
        with _noted(work, name, work.jobs[name].spec.id):
            _check_steady(looks[name])
        if name in work.outcomes:
            del work.jobs[name], work.plans[name]
    _tell_same_recordings(work)
    progress("checked", 1.0)
    return work


def _asked(work: Work, folders: Sequence[Path], consent: Path, day: dt.date) -> list[_Asked]:
    """Each session once, with the register as it reads beside all sessions there are."""
    beside = neighbours(folders, consent)
    sessions = found(folders, beside)
    known = known_sessions(found([*folders, *beside]))
    register = _register(consent)
    granted: list[str] = []
    if isinstance(register, Register):
        register = register.read_against(known)
        work.notes += [doubt.note() for doubt in register.doubts[:MOST_NOTES]]
        more = len(register.doubts) - MOST_NOTES
        work.notes += [f"and {more} more refusals that name nobody here"] if more > 0 else []
        granted = [one.person for one in register.records if one.decision == "granted"]
    clash = clashes(sessions, known, granted)
    return [_Asked(one, register, clash.get(one.folder), day) for one in sessions]


@contextmanager
def _noted(work: Work, name: str, session_id: str) -> Iterator[None]:
    """Whatever stops a step of preparing one session is that session's outcome, and no other's."""
    try:
        yield
    except ConsentError as refusal:
        work.outcomes[name] = Outcome(session_id, "held_back", f"held back by consent: {refusal}")
    except InputError as error:
        work.outcomes[name] = Outcome(session_id, "failed", str(error))
    except OSError as error:
        sentence = f"a file of the session cannot be read: {error.strerror}; check permissions"
        sentence = disk.FULL if disk.is_full(error) else sentence
        work.outcomes[name] = Outcome(session_id, "failed", sentence)
    except Exception as error:  # noqa: BLE001  whatever it is, the rest of the night goes on
        sentence = f"it could not be looked at: {type(error).__name__}; {WHERE}"
        work.outcomes[name] = Outcome(session_id, "failed", sentence)
        _keep_trace(work.output.store, name, error)


def _keep_trace(store: Store, session: str, error: Exception) -> None:
    """Only where withdrawal would find it: a session whose people are noted."""
    if store.session_folder(session).is_dir():
        keep_trace(store, session, "prepare", "".join(traceback.format_exception(error)))


def _prepare_one(work: Work, asked: _Asked) -> dict[str, dict[Path, Look]]:
    """Make a session a job; returns the first look at files that need a second."""
    if asked.clash:
        raise asked.clash
    folder = asked.session.folder
    spec = load_session(folder)
    if isinstance(asked.register, ConsentError):
        raise asked.register
    refused = refusals(asked.register, spec, asked.day)
    allowed = permitted(spec, refused)
    job = Job(
        spec=allowed,
        folder=folder,
        refused=refused,
        profile=work.profile,
        store=work.output.store,
        recording=FolderRecording(
            folder, allowed, truncation_tolerance=work.profile.ingest.truncation_tolerance
        ),
    )
    media = [folder / part.file for part in allowed.media]
    looks = {path: look_at(path) for path in media if is_doubtful(path)}
    _remember(job, spec, asked.session.names)
    steps = plan(job, describe)  # reads every file: only a session that has come so far is a job
    work.jobs[job.session] = job
    work.plans[job.session] = steps
    return {job.session: looks}


def _check_steady(looks: Mapping[Path, Look]) -> None:
    for path, look in looks.items():
        grown = growth(path, look)
        if grown:
            raise SessionError(
                f"{path.name} is still being copied or recorded: {grown}; run again when it is done"
            )


def _tell_same_recordings(work: Work) -> None:
    """One recording under two ids would be two sessions to whoever counts."""
    holders: dict[str, list[tuple[str, str]]] = {}
    for name, job in work.jobs.items():
        media = {part.file for part in job.spec.media}
        for file in sorted(media & job.file_hashes.keys()):
            holders.setdefault(job.file_hashes[file], []).append((name, file))
    for same in holders.values():
        for name, file in same:
            others = sorted({work.jobs[other].spec.id for other, _ in same if other != name})
            if others:
                work.told.setdefault(name, []).append(
                    f"{file} is byte for byte a recording of session {', '.join(others)} too; a "
                    "study counts it once. Is one of them a copy?"
                )


def _register(consent: Path) -> Register | ConsentError:
    """The register, or the refusal that holds every session back where there is no file."""
    try:
        return load_register(consent)
    except ConsentError as refusal:
        return refusal


def _remember(job: Job, spec: SessionSpec, names: Sequence[str]) -> None:
    shown = [printable(name) for name in names]
    job.store.remember_people(job.session, spec.id, dict(people(spec).items()), shown)
    job.store.drop_unfinished(job.session)
