"""What `thinslice consent` does.

Ids are typed here by hand. A grant of an id that only nearly is a known one is refused. A refusal
is always recorded, and removes only what it surely means: `paperwork.stray_refusals` holds back
the rest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from flows.folders import found, known_sessions, neighbours
from flows.lock import alone
from pipeline.errors import InputError, StoreError
from pipeline.paperwork.consent import SCOPES, Record, Register, Scope, append_record, load_register
from pipeline.paperwork.ids import Likeness, as_seen, likeness, nearest, normal
from pipeline.paperwork.session_media import Role
from pipeline.paperwork.stray_refusals import KnownSession
from pipeline.results.views import Output
from pipeline.results.withdraw import remembered, withdraw

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


@dataclass(frozen=True, slots=True)
class _Meant:
    """What an id that was typed stands for."""

    id: str
    """As it is known here, or as it was typed."""
    is_sure: bool
    near: tuple[str, ...] = ()
    """Known ids it may stand for, where that is not sure."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Whom the desk knows."""

    register: Register
    sessions: list[KnownSession]

    def person(self, written: str) -> _Meant:
        """Sessions come first: the tables have their spelling."""
        in_sessions = [one for session in self.sessions for one in session.people.values()]
        return _meant(written, [*in_sessions, *(one.person for one in self.register.records)])

    def session(self, written: str, person: str | None = None) -> _Meant:
        """Among the person's sessions, or all."""
        own = [one for one in self.sessions if person is None or one.has(person)]
        if any(normal(written) in one.names for one in own):
            return _Meant(as_seen(written), is_sure=True)
        return _meant(written, [one.id for one in own])

    def role(self, person: str) -> str | None:
        for session in self.sessions:
            for role, who in session.people.items():
                if normal(who) == normal(person):
                    return role
        return next(
            (one.role for one in self.register.records if normal(one.person) == normal(person)),
            None,
        )


def grant(
    register: Path,
    person: str,
    role: str,
    scopes: list[str] | None,
    sessions: list[str] | None,
    expires: dt.datetime | None,
    rationale: str,
    *,
    new: bool = False,
) -> list[str]:
    """Add a granted record; returns what to tell.

    Parameters
    ----------
    new : the ids are right, although they look like others that are known

    Raises
    ------
    InputError
        A scope, role or day cannot be, or an id nearly is one that is known.
    """
    wanted = _scopes(scopes or list(USUAL))
    _check_typed(person, role)
    today = _today()
    if expires and expires.date() <= today:
        raise InputError(
            f"--expires {expires.date()} is not after today, {today}; give a later day, or leave "
            "it out if the consent has no end"
        )
    known = _known(register)
    who = _granted(person, known.person(person), new=new)
    named = [_granted(one, known.session(one), new=new) for one in sessions or ()]
    append_record(
        register,
        Record(
            person=who.id,
            role=cast("Role", role),
            sessions=[one.id for one in named] or "*",
            scopes=wanted,
            decision="granted",
            date=today,
            expires=expires.date() if expires else None,
            rationale=rationale,
        ),
    )
    lines = [f"{who.id}: granted {', '.join(wanted)}; recorded in {register}"]
    unknown = [one.id for one in (who, *named) if not one.is_sure]
    if unknown:
        lines.append(f"no session.toml beside {register.name} has {', '.join(unknown)} yet")
    return lines


def decline(
    register: Path,
    person: str,
    role: str | None,
    scopes: list[str] | None,
    sessions: list[str] | None,
) -> list[str]:
    """Record that a person does not agree; what was derived before stays.

    Raises
    ------
    InputError
        A scope or role cannot be, or, after it was recorded, an id nearly is a known one.
    """
    wanted = _scopes(scopes or list(SCOPES))
    _check_typed(person, role)
    known = _known(register)
    who, named = _refuse(register, known, person, role, wanted, sessions, "declined")
    lines = [f"{who.id}: declined {', '.join(wanted)}; recorded in {register}"]
    if any(one.has(who.id) for one in known.sessions):
        lines.append("what was derived before stays; `thinslice consent withdraw` removes it")
    ids = [(person, who), *named]
    if any(likeness(typed, one) <= Likeness.ONE_KEY for typed, of in ids for one in of.near):
        raise _unknown(register, known, ids, lines[1:])
    unknown = [one.id for _, one in ids if not one.is_sure]
    if unknown:  # as is usual: who declines is often never recorded
        lines.append(f"no session.toml beside {register.name} has {', '.join(unknown)}")
    return lines


def withdraw_person(
    register: Path, out: Path, person: str, sessions: list[str] | None
) -> list[str]:
    """Record the withdrawal first, so that nothing new starts, then remove what there is.

    Raises
    ------
    InputError
        An id is not known. The withdrawal is recorded all the same, and what it surely means is
        removed.
    StoreError
        It is recorded, but a run is writing to the output folder, or something is still there.
    """
    load_register(register)  # one made here and now, in the wrong folder, would bind nobody
    _check_typed(person, None)
    known = _known(register, out)
    who, named = _refuse(register, known, person, None, list(SCOPES), sessions, "withdrawn")
    sure = [one.id for _, one in named if one.is_sure]
    lines = [f"{who.id}: withdrawn, recorded in {register}"]
    if who.is_sure and (sure or not named):
        with _no_run_in(out, register):
            removals = withdraw(Output(out), who.id, sure or None, dt.datetime.now(tz=dt.UTC))
        lines += [
            f"{r.session}: removed {r.artifacts} artifacts and {r.views} views, "
            f"{r.files} files, {r.bytes / 1e6:.1f} MB; nothing of it is left"
            for r in removals
        ]
        if not removals:
            lines.append(f"nothing derived from {who.id} was in {out}")
    ids = [(person, who), *named]
    if not all(one.is_sure for _, one in ids):
        raise _unknown(register, known, ids, lines[1:])
    return lines


def _refuse(
    register: Path,
    known: _Known,
    person: str,
    role: str | None,
    scopes: list[Scope],
    sessions: list[str] | None,
    decision: Literal["declined", "withdrawn"],
) -> tuple[_Meant, list[tuple[str, _Meant]]]:
    """Record a refusal, whoever it is of; returns whom and what it means."""
    who = known.person(person)
    named = [(one, known.session(one, who.id)) for one in sessions or ()]
    said = role or known.role(who.id) or next(map(known.role, who.near), None) or "client"
    append_record(
        register,
        Record(
            person=who.id,
            role=cast("Role", said),
            sessions=[one.id for _, one in named] or "*",
            scopes=scopes,
            decision=decision,
            date=_today(),
            exact=who.is_sure and all(one.is_sure for _, one in named),
        ),
    )
    return who, named


def _unknown(
    register: Path, known: _Known, ids: list[tuple[str, _Meant]], said: list[str]
) -> InputError:
    """That ids are not known here, when the refusal they were typed for is in the register."""
    told = [
        f"{written!r} is not known here"
        + (f"; the nearest is {' or '.join(one.near)}" if one.near else "")
        for written, one in ids
        if not one.is_sure
    ]
    doubts = load_register(register).read_against(known.sessions).doubts
    held = [doubt.note() for doubt in doubts[-1:] if doubt.likely]
    kept = f"It is recorded in {register} as typed, and nothing more was removed"
    return InputError(". ".join([*said, *told, kept, *held, "Give the id as session.toml has it"]))


def _granted(written: str, meant: _Meant, *, new: bool) -> _Meant:
    """What a grant may go to: the id itself, or one that nobody could have meant otherwise."""
    same = meant.is_sure and normal(written) == normal(meant.id)
    if same:
        return meant
    if new:
        return _Meant(as_seen(written), is_sure=False)
    near = [
        one
        for one in ([meant.id] if meant.is_sure else meant.near)
        if likeness(written, one) <= Likeness.ONE_KEY
    ]
    if near:
        raise InputError(
            f"{written!r} is not known here, and {' or '.join(near)} is; nothing was recorded. "
            "Give the id as session.toml has it, or add --new if it is another"
        )
    return meant


def _meant(written: str, known: list[str]) -> _Meant:
    """A known id where it is the same, or the only one that looks the same."""
    same = [one for one in known if normal(one) == normal(written)]
    if same:
        return _Meant(same[0], is_sure=True)
    looks = nearest(written, known, within=Likeness.LOOKS)
    if len({normal(one) for one in looks}) == 1:
        return _Meant(looks[0], is_sure=True)
    return _Meant(as_seen(written) or written, False, tuple(nearest(written, known)))


def _known(register: Path, out: Path | None = None) -> _Known:
    """The register if there is one, and the sessions beside it and in the output folder."""
    there = load_register(register) if register.exists() else Register(())
    sessions = known_sessions(found(neighbours([], register)))
    if out is not None and out.is_dir():
        sessions += [one for _, one in remembered(Output(out))]
    return _Known(there, sessions)


def _scopes(wanted: list[str]) -> list[Scope]:
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        raise InputError(f"--scope {unknown[0]} is not known; allowed: {', '.join(SCOPES)}")
    return cast("list[Scope]", wanted)


def _check_typed(person: str, role: str | None) -> None:
    if role is not None and role not in get_args(Role):
        raise InputError(f"--role {role} is not known; allowed: {', '.join(get_args(Role))}")
    if not normal(person):
        raise InputError("the pseudonym is empty; give the one that session.toml names, e.g. C04")


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
