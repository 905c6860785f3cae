"""From folders to jobs: validate, ask consent, plan. Imports neither Prefect nor any engine."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from flows import disk
from flows.engines import check_device, describe
from flows.faults import WHERE, keep_trace
from models.base import Progress, silent
from pipeline.consent import Register, load_register, people, permitted, refusals
from pipeline.errors import ConsentError, InputError
from pipeline.execute import Job, Step, plan
from pipeline.media.recording import FolderRecording
from pipeline.session import SessionSpec, load_session, public_name
from pipeline.settings import Profile
from pipeline.stage import Absence, Missing
from pipeline.store import Store
from pipeline.views import Output

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
    unwritten: str = ""
    """Why the run's own record and summary could not be written; empty if they were."""

    def unfinished(self) -> list[str]:
        """Public names of sessions with something to compute."""
        return [name for name, steps in self.plans.items() if any(not s.manifest for s in steps)]


def session_folders(recordings: Path) -> list[Path]:
    """Every folder right below `recordings`, in order of name; hidden ones left out.

    One without a session.toml is among them, so that the summary says so.
    """
    if not recordings.is_dir():
        raise InputError(f"no folder {recordings}; give the folder that holds the session folders")
    try:
        return sorted(p for p in recordings.iterdir() if p.is_dir() and p.name[0] not in "._")
    except OSError as error:
        raise InputError(f"{recordings}: {error.strerror}; check permissions") from error


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
    register = _register(consent)
    distinct = _distinct(folders)
    for position, folder in enumerate(distinct):
        progress("hashing and checking", position / len(distinct))
        try:
            _prepare_one(work, folder, register, day)
        except ConsentError as refusal:
            work.outcomes[public_name(folder.name)] = Outcome(
                folder.name, "held_back", f"held back by consent: {refusal}"
            )
        except InputError as error:
            work.outcomes[public_name(folder.name)] = Outcome(folder.name, "failed", str(error))
        except OSError as error:
            sentence = f"a file of the session cannot be read: {error.strerror}; check permissions"
            if disk.is_full(error):
                sentence = disk.FULL
            work.outcomes[public_name(folder.name)] = Outcome(folder.name, "failed", sentence)
        except Exception as error:  # noqa: BLE001  the rest of the night goes on, whatever it is
            sentence = f"it could not be looked at: {type(error).__name__}; {WHERE}"
            work.outcomes[public_name(folder.name)] = Outcome(folder.name, "failed", sentence)
            _keep_trace(output.store, public_name(folder.name), error)
    progress("checked", 1.0)
    return work


def _keep_trace(store: Store, session: str, error: Exception) -> None:
    """Only where withdrawal would find it: a session whose people are noted."""
    if store.session_folder(session).is_dir():
        keep_trace(store, session, "prepare", "".join(traceback.format_exception(error)))


def _prepare_one(work: Work, folder: Path, register: Register | ConsentError, day: dt.date) -> None:
    spec = load_session(folder)
    if isinstance(register, ConsentError):
        raise register
    refused = refusals(register, spec, day)
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
    _remember(job, spec)
    steps = plan(job, describe)  # reads every file: only a session that has come so far is a job
    work.jobs[job.session] = job
    work.plans[job.session] = steps


def _register(consent: Path) -> Register | ConsentError:
    """The register, or the refusal that holds every session back where there is no file."""
    try:
        return load_register(consent)
    except ConsentError as refusal:
        return refusal


def _remember(job: Job, spec: SessionSpec) -> None:
    job.store.remember_people(job.session, spec.id, dict(people(spec).items()))
    job.store.drop_unfinished(job.session)


def _distinct(folders: Iterable[Path]) -> list[Path]:
    """Each folder once; two of the same name would be one session twice."""
    seen: dict[str, Path] = {}
    for folder in folders:
        resolved = folder.resolve()
        other = seen.setdefault(resolved.name, resolved)
        if other != resolved:
            raise InputError(f"two folders are called {resolved.name}; a session id must be unique")
    return list(seen.values())
