"""What `thinslice consent` does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast, get_args

from flows.lock import alone
from pipeline.consent import SCOPES, Record, Scope, append_record, load_register
from pipeline.errors import InputError, StoreError
from pipeline.session import Role
from pipeline.views import Output
from pipeline.withdraw import withdraw

USUAL: tuple[Scope, ...] = (
    "record",
    "store",
    "analyse_audio",
    "analyse_video",
    "transcribe",
    "dial",
    "supervisor_view",
)
"""What a full run needs, also after a withdrawal; nothing more is granted unless it is named."""


def grant(
    register: Path,
    person: str,
    role: str,
    scopes: list[str] | None,
    sessions: list[str] | None,
    expires: dt.datetime | None,
    rationale: str,
) -> list[str]:
    """Add a granted record; returns the scopes granted."""
    wanted = scopes or list(USUAL)
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        raise InputError(f"--scope {unknown[0]} is not known; allowed: {', '.join(SCOPES)}")
    if role not in get_args(Role):
        raise InputError(f"--role {role} is not known; allowed: {', '.join(get_args(Role))}")
    if not person.strip():
        raise InputError("the pseudonym is empty; give the one that session.toml names, e.g. C04")
    today = _today()
    if expires and expires.date() <= today:
        raise InputError(
            f"--expires {expires.date()} is not after today, {today}; give a later day, or leave "
            "it out if the consent has no end"
        )
    append_record(
        register,
        Record(
            person=person,
            role=cast("Role", role),
            sessions=sessions or "*",
            scopes=cast("list[Scope]", wanted),
            decision="granted",
            date=today,
            expires=expires.date() if expires else None,
            rationale=rationale,
        ),
    )
    return wanted


def withdraw_person(
    register: Path, out: Path, person: str, sessions: list[str] | None
) -> list[str]:
    """Record the withdrawal first, so that nothing new starts, then remove what there is.

    Raises
    ------
    InputError
        The register does not know the person.
    StoreError
        It is recorded, but a run is writing to the output folder, or something is still there.
    """
    known = [record for record in load_register(register).records if record.person == person]
    if not known:
        raise InputError(
            f"{register} has no record of {person}; `thinslice consent list` shows all"
        )
    append_record(
        register,
        Record(
            person=person,
            role=known[-1].role,
            sessions=sessions or "*",
            scopes=list(SCOPES),
            decision="withdrawn",
            date=_today(),
        ),
    )
    with _no_run_in(out, register):
        removals = withdraw(Output(out), person, sessions, dt.datetime.now(tz=dt.UTC))
    lines = [f"{person}: withdrawn, recorded in {register}"]
    lines += [
        f"{r.session}: removed {r.artifacts} artifacts and {r.views} views, "
        f"{r.files} files, {r.bytes / 1e6:.1f} MB; nothing of it is left"
        for r in removals
    ]
    return lines if removals else [*lines, f"nothing derived from {person} was in {out}"]


@contextmanager
def _no_run_in(out: Path, register: Path) -> Iterator[None]:
    """Hold the output folder, if there is one: a run that goes on would write again afterwards."""
    with ExitStack() as held:
        if out.exists():
            try:
                held.enter_context(alone(out))
            except InputError as error:
                raise StoreError(
                    f"{error}. Nothing has been removed yet, but the withdrawal is recorded in "
                    f"{register}: withdraw again when the run has ended or the folder can be "
                    "written to"
                ) from error
        yield


def listing(register: Path) -> list[str]:
    """One line per record."""
    lines = []
    for record in load_register(register).records:
        sessions = "all sessions" if record.sessions == "*" else ", ".join(record.sessions)
        until = f" until {record.expires}" if record.expires else ""
        lines.append(
            f"{record.date}  {record.person:<8} {record.role:<9} {record.decision:<9} "
            f"{sessions}{until}: {', '.join(record.scopes)}"
        )
    return lines


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).astimezone().date()
