"""The consent register: who agreed to what, by scope. Default deny.

`consent.toml` beside the recordings holds one record per person, standing or for named sessions.
For each person, session and scope the newest record that speaks of it decides; of two on one day a
refusal wins. Nothing of a session is opened before `permitted` has answered.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ConsentError, InputError
from pipeline.session import Role, SessionSpec
from pipeline.store import write_atomically

SCOPES = (
    "record",
    "store",
    "analyse_audio",
    "analyse_video",
    "transcribe",
    "dial",
    "supervisor_view",
    "research",
    "exemplar",
)
NEEDED = ("record", "analyse_audio")
"""Without these from everyone heard, a session is held back and nothing of it is opened."""

Scope = Literal[
    "record",
    "store",
    "analyse_audio",
    "analyse_video",
    "transcribe",
    "dial",
    "supervisor_view",
    "research",
    "exemplar",
]


class Record(BaseModel):
    """One [[consent]] entry."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    person: str = Field(min_length=1)
    role: Role
    sessions: Literal["*"] | list[str] = "*"
    scopes: list[Scope]
    decision: Literal["granted", "declined", "withdrawn"]
    date: dt.date
    expires: dt.date | None = None
    rationale: str = ""

    def speaks_of(self, person: str, session_id: str, scope: str) -> bool:
        """Whether this record decides on that person, session and scope at all."""
        covers = self.sessions == "*" or session_id in self.sessions
        return self.person == person and covers and scope in self.scopes

    def allows_on(self, day: dt.date) -> bool:
        """Granted, begun and not expired on that day."""
        running = self.date <= day and (self.expires is None or day < self.expires)
        return self.decision == "granted" and running


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a scope is not granted: who has not agreed, and how it stands."""

    person: str
    role: str
    scope: str
    state: str
    """no record | declined | withdrawn | expired | not begun"""

    def sentence(self) -> str:
        """For the morning summary."""
        return f"{self.role} {self.person}: {self.scope} {self.state}"


@dataclass(frozen=True, slots=True)
class Register:
    """All records of one `consent.toml`."""

    records: tuple[Record, ...]

    def refusal(
        self, person: str, role: str, session_id: str, scope: str, day: dt.date
    ) -> Refusal | None:
        """None if the person grants the scope for the session on that day."""
        spoken = [r for r in self.records if r.speaks_of(person, session_id, scope)]
        if not spoken:
            return Refusal(person, role, scope, "no record")
        newest = max(record.date for record in spoken)
        deciding = [record for record in spoken if record.date == newest]
        against = [record for record in deciding if record.decision != "granted"]
        if against:
            return Refusal(person, role, scope, against[-1].decision)
        if any(record.allows_on(day) for record in deciding):
            return None
        return Refusal(person, role, scope, "not begun" if newest > day else "expired")


def load_register(path: Path) -> Register:
    """Read `consent.toml`.

    Raises
    ------
    ConsentError
        The file is not there: without a register nothing may be opened.
    InputError
        It is there and cannot be read as a register.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConsentError(
            f"no consent register {path.name}; write one with `thinslice consent grant`, "
            "or name it with --consent"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not TOML in UTF-8: {error}") from error
    if set(raw) - {"consent"}:
        raise InputError(
            f"{path.name}: unknown keys {sorted(set(raw) - {'consent'})}; only [[consent]]"
        )
    return Register(
        tuple(_record(path, i, entry) for i, entry in enumerate(raw.get("consent", [])))
    )


def append_record(path: Path, record: Record) -> None:
    """Add one record to the register, atomically, keeping the file before as `*.bak`."""
    before = ""
    if path.exists():
        load_register(path)  # refuse to add to a file that cannot be read back
        before = path.read_text(encoding="utf-8-sig")
        shutil.copy2(path, path.with_suffix(".toml.bak"))
    write_atomically(path, (before.rstrip() + "\n\n" + _as_toml(record)).lstrip().encode())


def people(spec: SessionSpec) -> dict[Role, str]:
    """Role -> pseudonym."""
    return {"client": spec.session.client, "therapist": spec.session.therapist}


def refusals(register: Register, spec: SessionSpec, day: dt.date) -> dict[str, Refusal]:
    """Scope -> why it is not granted for this session; granted scopes are not in it.

    Video needs the consent of everyone it shows, everything else of both people.
    """
    found: dict[str, Refusal] = {}
    shown = {role for media in spec.media for role in media.shows}
    for scope in SCOPES:
        for role, person in people(spec).items():
            if scope == "analyse_video" and shown and role not in shown:
                continue
            refusal = register.refusal(person, role, spec.id, scope, day)
            if refusal:
                found.setdefault(scope, refusal)
    return found


def permitted(spec: SessionSpec, refused: dict[str, Refusal]) -> SessionSpec:
    """The session with everything left out that consent does not cover: it is then never opened.

    Raises
    ------
    ConsentError
        One of `NEEDED` is refused: the session is held back.
    """
    for scope in NEEDED:
        if scope in refused:
            raise ConsentError(refused[scope].sentence())
    update: dict[str, Any] = {}
    if "analyse_video" in refused:
        heard = [part for part in spec.media if part.hears]
        update["media"] = [part.model_copy(update={"shows": []}) for part in heard]
    if "dial" in refused:
        update["ratings"] = []
    if "transcribe" in refused:
        update["transcript"] = None
    return spec.model_copy(update=update)


def _record(path: Path, index: int, entry: Any) -> Record:
    try:
        return Record.model_validate(entry)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise InputError(f"{path.name}, record {index + 1}: {problems}") from error


def _as_toml(record: Record) -> str:
    def quoted(values: list[str] | list[Scope]) -> str:
        return "[" + ", ".join(f'"{value}"' for value in values) + "]"

    sessions = '"*"' if record.sessions == "*" else quoted(list(record.sessions))
    lines = [
        "[[consent]]",
        f'person = "{record.person}"',
        f'role = "{record.role}"',
        f"sessions = {sessions}",
        f"scopes = {quoted(record.scopes)}",
        f'decision = "{record.decision}"',
        f"date = {record.date.isoformat()}",
    ]
    if record.expires:
        lines.append(f"expires = {record.expires.isoformat()}")
    if record.rationale:
        lines.append(f'rationale = "{record.rationale}"')
    return "\n".join(lines) + "\n"
