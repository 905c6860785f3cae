"""The consent register: who agreed to what, by scope. Default deny.

`consent.toml` beside the recordings holds one record per person, standing or for named sessions.
For each person, session and scope the newest record that speaks of it decides; of two on one day a
refusal wins. Ids are compared in their normal form (`paperwork.ids`), and a refusal that names
nobody here holds back whom it may mean (`paperwork.stray_refusals`). Nothing of a session is opened
before `permitted` has answered.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import tomlkit
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from pipeline.errors import ConsentError, InputError
from pipeline.files import write_atomically
from pipeline.paperwork.complaints import all_told, complaint, not_utf8
from pipeline.paperwork.ids import normal
from pipeline.paperwork.papers import MOST_TOML_BYTES, paper, toml_in
from pipeline.paperwork.session import SessionSpec
from pipeline.paperwork.session_media import Role
from pipeline.paperwork.stray_refusals import Doubt, KnownSession, doubts_of

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
SCOPES: tuple[Scope, ...] = get_args(Scope)
NEEDED = ("record", "analyse_audio")
"""Without these from everyone heard, a session is held back and nothing of it is opened."""
NO_RECORD = "no record"
_SCOPE_WORDS: Mapping[Scope, str] = {
    "record": "being recorded",
    "store": "the recording being kept",
    "analyse_audio": "the sound being analysed",
    "analyse_video": "the picture being analysed",
    "transcribe": "a transcript",
    "dial": "the ratings being used",
    "supervisor_view": "being shown to a supervisor",
    "research": "use in research",
    "exemplar": "use as an example in teaching",
}
_STATE_WORDS = {
    NO_RECORD: "There is no record that the {role} agreed to {scope}.",
    "declined": "The {role} did not agree to {scope}.",
    "withdrawn": "The {role} has withdrawn the agreement to {scope}.",
    "expired": "The {role}'s agreement to {scope} has expired.",
    "not begun": "The {role}'s agreement to {scope} has not begun yet.",
}
_IN_DOUBT = "It is not certain that the {role} still agrees to {scope}."


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
    exact: bool = False
    """A refusal's ids are right although nobody here has them: they are no slip of the hand."""

    @field_validator("expires")
    @classmethod
    def _ends_after_it_begins(
        cls, expires: dt.date | None, record: ValidationInfo
    ) -> dt.date | None:
        date = record.data.get("date")
        if expires and date and expires <= date:
            raise ValueError(f"{expires} is not after date = {date}; it would never hold")
        return expires

    def speaks_of(self, names: frozenset[str]) -> bool:
        """Whether this record is about the session that has those names, in normal form."""
        return self.sessions == "*" or any(normal(named) in names for named in self.sessions)

    def allows_on(self, day: dt.date) -> bool:
        """Granted, begun and not expired on that day."""
        running = self.date <= day and (self.expires is None or day < self.expires)
        return self.decision == "granted" and running


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a scope is not granted: who has not agreed, and how it stands."""

    person: str
    role: str
    scope: Scope
    state: str
    """no record | declined | withdrawn | expired | not begun"""
    doubt: str = ""
    """Why it is taken to mean this person although it names somebody or something else."""

    def sentence(self) -> str:
        """For the morning summary, in the register's own terms."""
        if self.state == NO_RECORD:
            return f"{self.role} {self.person}: no record of consent to {self.scope}"
        said = f"{self.role} {self.person}: {self.scope} {self.state}"
        return f"{said}; {self.doubt}" if self.doubt else said

    def in_words(self) -> str:
        """For the supervisor's page."""
        words = _IN_DOUBT if self.doubt else _STATE_WORDS[self.state]
        return words.format(role=self.role, scope=_SCOPE_WORDS[self.scope])


@dataclass(frozen=True)
class Register:
    """All records of one `consent.toml`, and the sessions it was read against."""

    records: tuple[Record, ...]
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Session id -> all names its folder has, in normal form."""
    doubts: tuple[Doubt[Record], ...] = ()
    """Refusals that name nobody among those sessions."""

    def read_against(self, known: Sequence[KnownSession]) -> Register:
        """The register with what its refusals may mean among these sessions.

        Parameters
        ----------
        known : every session there is, not only those of a run: what is known is no slip
        """
        names: dict[str, frozenset[str]] = {}
        for one in known:
            names[normal(one.id)] = names.get(normal(one.id), frozenset()) | one.names
        return replace(self, names=names, doubts=tuple(doubts_of(self.records, known)))

    def refusal(
        self, person: str, role: str, session_id: str, scope: Scope, day: dt.date
    ) -> Refusal | None:
        """None if the person grants the scope for the session on that day."""
        key = normal(session_id)
        names = self.names.get(key, frozenset({key}))
        about = [r for r in self._by_person.get(normal(person), ()) if r.speaks_of(names)]
        doubted = [d for d in self.doubts if d.may_mean(person, session_id)]
        meant = {id(d.record): d for d in doubted if d.record not in about}
        spoken = [*(d.record for d in meant.values()), *about]
        spoken = [record for record in spoken if scope in record.scopes]
        if not spoken:
            return Refusal(person, role, scope, NO_RECORD)
        newest = max(record.date for record in spoken)
        deciding = [record for record in spoken if record.date == newest]
        against = [record for record in deciding if record.decision != "granted"]
        if against:
            doubt = meant.get(id(against[-1]))
            why = doubt.sentence(person) if doubt else ""
            return Refusal(person, role, scope, against[-1].decision, why)
        if any(record.allows_on(day) for record in deciding):
            return None
        return Refusal(person, role, scope, "not begun" if newest > day else "expired")

    @cached_property
    def _by_person(self) -> Mapping[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(normal(record.person), []).append(record)
        return found


@paper(InputError, most_bytes=MOST_TOML_BYTES)
def load_register(path: Path) -> Register:
    """Read `consent.toml`.

    Raises
    ------
    ConsentError
        The file is not there: without a register nothing may be opened.
    InputError
        It is there and cannot be read as a register.
    """
    return _parsed(path, _values(path))


def append_record(path: Path, record: Record) -> None:
    """Add one record to the register, atomically, keeping the file before as `*.bak`.

    Raises
    ------
    InputError
        The register cannot be read as one, or cannot be written.
    """
    try:
        with _only_writer(path):
            if path.exists():
                load_register(path)  # refuse to add to a file that cannot be read back
            before = path.read_text(encoding="utf-8-sig") if path.exists() else ""
            text = (before.rstrip() + "\n\n" + _as_toml(record)).lstrip()
            _parsed(path, _loaded(path, text))  # and to leave one
            if path.exists():
                shutil.copy2(path, path.with_suffix(".toml.bak"))
            write_atomically(path, text.encode())
    except OSError as error:
        raise InputError(
            f"--consent {path}: {error.strerror}; nothing was recorded; name a file in a folder "
            "that is there and can be written to"
        ) from error


@contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Wait for whoever else adds a record: each reads the whole register and writes it anew.

    The lock is on a file beside it, because the register itself is replaced each time.
    """
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def people(spec: SessionSpec) -> dict[Role, str]:
    """Role -> pseudonym."""
    return {"client": spec.session.client, "therapist": spec.session.therapist}


def refusals(register: Register, spec: SessionSpec, day: dt.date) -> dict[str, Refusal]:
    """Scope -> why it is not granted for this session; granted scopes are not in it.

    Video needs the consent of everyone it shows, everything else of both people. A dial needs its
    rater's alone: ``dial_client`` and ``dial_therapist`` name each, ``dial`` stands for both.
    """
    found: dict[str, Refusal] = {}
    for scope in SCOPES:
        against = _against(register, spec, scope, day)
        if scope == "dial":
            found |= {f"dial_{refusal.role}": refusal for refusal in against}
            if len(against) < len(people(spec)):
                continue
        if against:
            # what someone decided says more than that nothing is known of someone else
            found[scope] = next((r for r in against if r.state != NO_RECORD), against[0])
    return found


def _against(register: Register, spec: SessionSpec, scope: Scope, day: dt.date) -> list[Refusal]:
    """Refusals of everyone whose consent a scope needs."""
    shown = {role for media in spec.media for role in media.shows}
    asked = [
        (role, person)
        for role, person in people(spec).items()
        if scope != "analyse_video" or role in shown
    ]
    answers = [register.refusal(person, role, spec.id, scope, day) for role, person in asked]
    return [answer for answer in answers if answer]


def permitted(spec: SessionSpec, refused: Mapping[str, Refusal]) -> SessionSpec:
    """The session with everything left out that consent does not cover: it is then never opened.

    Raises
    ------
    ConsentError
        The session is held back: one of `NEEDED` is not granted, or someone decided on `store` and
        it does not hold today. Without any record `store` is taken to go with the analysis.
    """
    for scope in NEEDED:
        if scope in refused:
            raise ConsentError(refused[scope].sentence())
    if "store" in refused and refused["store"].state != NO_RECORD:
        raise ConsentError(refused["store"].sentence())
    update: dict[str, Any] = {}
    if "analyse_video" in refused:
        heard = [part for part in spec.media if part.hears]
        update["media"] = [part.model_copy(update={"shows": []}) for part in heard]
    update["ratings"] = [part for part in spec.ratings if f"dial_{part.rater}" not in refused]
    update["reasons"] = [part for part in spec.reasons if f"dial_{part.rater}" not in refused]
    if not refused.keys().isdisjoint(("dial_client", "dial_therapist")):
        update["guesses"] = None  # the therapist's labels of the client's ratings
    if "transcribe" in refused:
        update["transcript"] = None
    return spec.model_copy(update=update)


def _values(path: Path) -> dict[str, Any]:
    try:
        return _loaded(path, path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConsentError(
            f"no consent register {path.name}; write one with `thinslice consent grant`, "
            "or name it with --consent"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(not_utf8(path.name, error)) from error
    except OSError as error:
        raise InputError(f"--consent {path}: {error.strerror}; name a file to read") from error


def _loaded(path: Path, text: str) -> dict[str, Any]:
    try:
        return toml_in(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not TOML: {error}; mend that place") from error


def _parsed(path: Path, raw: Mapping[str, Any]) -> Register:
    if set(raw) - {"consent"}:
        raise InputError(
            f"{path.name}: unknown keys {sorted(set(raw) - {'consent'})}; only [[consent]]"
        )
    entries = raw.get("consent", [])
    if not isinstance(entries, list):
        raise InputError(
            f"{path.name}: consent is no list of records; begin each record with [[consent]]"
        )
    return Register(tuple(_record(path, i, entry) for i, entry in enumerate(entries)))


def _record(path: Path, index: int, entry: Any) -> Record:
    if not isinstance(entry, dict):
        raise InputError(f"{path.name}: each record has the heading [[consent]], two brackets")
    try:
        return Record.model_validate(entry)
    except ValidationError as error:
        faults = all_told(_fault(problem) for problem in error.errors())
        raise InputError(f"{path.name}, record {index + 1}: {faults}") from error


def _fault(problem: Any) -> str:
    if problem["loc"][:1] == ("sessions",):  # "*" or a list: pydantic complains once for each
        return 'sessions; allowed: "*" for all, or a list in brackets, e.g. ["D07-05"]'
    return complaint(problem, Record, "a key of [[consent]]")


def _as_toml(record: Record) -> str:
    said = {
        key: value for key, value in record.model_dump().items() if value not in (None, "", False)
    }
    return tomlkit.dumps({"consent": [said]})
