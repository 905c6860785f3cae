"""The consent register: who agreed to what, by scope. Default deny.

`consent.toml` beside the recordings holds one record per person, standing or for named sessions.
For each person, session and scope the newest record that speaks of it decides; of two on one day a
refusal wins. Nothing of a session is opened before `permitted` has answered.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from pipeline.complaints import complaint, not_utf8
from pipeline.errors import ConsentError, InputError
from pipeline.session import Role, SessionSpec
from pipeline.store import write_atomically

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

    @field_validator("expires")
    @classmethod
    def _ends_after_it_begins(
        cls, expires: dt.date | None, record: ValidationInfo
    ) -> dt.date | None:
        date = record.data.get("date")
        if expires and date and expires <= date:
            raise ValueError(f"{expires} is not after date = {date}; it would never hold")
        return expires

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
    scope: Scope
    state: str
    """no record | declined | withdrawn | expired | not begun"""

    def sentence(self) -> str:
        """For the morning summary, in the register's own terms."""
        if self.state == NO_RECORD:
            return f"{self.role} {self.person}: no record of consent to {self.scope}"
        return f"{self.role} {self.person}: {self.scope} {self.state}"

    def in_words(self) -> str:
        """For the supervisor's page."""
        return _STATE_WORDS[self.state].format(role=self.role, scope=_SCOPE_WORDS[self.scope])


@dataclass(frozen=True, slots=True)
class Register:
    """All records of one `consent.toml`."""

    records: tuple[Record, ...]

    def refusal(
        self, person: str, role: str, session_id: str, scope: Scope, day: dt.date
    ) -> Refusal | None:
        """None if the person grants the scope for the session on that day."""
        spoken = [r for r in self.records if r.speaks_of(person, session_id, scope)]
        if not spoken:
            return Refusal(person, role, scope, NO_RECORD)
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
    return _parsed(path, _text(path))


def append_record(path: Path, record: Record) -> None:
    """Add one record to the register, atomically, keeping the file before as `*.bak`.

    Raises
    ------
    InputError
        The register cannot be read as one, or cannot be written.
    """
    try:
        with _only_writer(path):
            before = _text(path) if path.exists() else ""
            _parsed(path, before)  # refuse to add to a file that cannot be read back
            text = (before.rstrip() + "\n\n" + _as_toml(record)).lstrip()
            _parsed(path, text)  # and to leave one
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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConsentError(
            f"no consent register {path.name}; write one with `thinslice consent grant`, "
            "or name it with --consent"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(not_utf8(path.name, error)) from error
    except OSError as error:
        raise InputError(f"--consent {path}: {error.strerror}; name a file to read") from error


def _parsed(path: Path, text: str) -> Register:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not TOML: {error}; mend that place") from error
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
        faults = dict.fromkeys(_fault(problem) for problem in error.errors())
        raise InputError(f"{path.name}, record {index + 1}: {'; '.join(faults)}") from error


def _fault(problem: Any) -> str:
    if problem["loc"][:1] == ("sessions",):  # "*" or a list: pydantic complains once for each
        return 'sessions; allowed: "*" for all, or a list in brackets, e.g. ["D07-05"]'
    return complaint(problem, Record, "a key of [[consent]]")


def _as_toml(record: Record) -> str:
    lines = [
        "[[consent]]",
        f"person = {_quoted(record.person)}",
        f"role = {_quoted(record.role)}",
        f"sessions = {_quoted(record.sessions)}",
        f"scopes = {_quoted(record.scopes)}",
        f"decision = {_quoted(record.decision)}",
        f"date = {record.date.isoformat()}",
    ]
    if record.expires:
        lines.append(f"expires = {record.expires.isoformat()}")
    if record.rationale:
        lines.append(f"rationale = {_quoted(record.rationale)}")
    return "\n".join(lines) + "\n"


def _quoted(value: str | Sequence[str]) -> str:
    # JSON strings and flat lists of them are TOML, but for DEL, which TOML wants escaped
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
