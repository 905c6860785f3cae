"""Reading `session.toml`: whose session it is, what it names, and what is wrong with it."""

from __future__ import annotations

import errno
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from pydantic import ValidationError

from pipeline.errors import SessionError
from pipeline.paperwork.complaints import all_told, complaint, not_utf8
from pipeline.paperwork.ids import as_seen
from pipeline.paperwork.papers import MOST_TOML_BYTES, paper, printable, toml_of, why_no_file
from pipeline.paperwork.session import RATERS, SessionSpec, named_files
from pipeline.paperwork.session_media import Role

_IN_THE_WAY = {errno.EISDIR: "a folder", errno.ELOOP: "a link that leads to itself"}


def load_session(folder: Path) -> SessionSpec:
    """Read and check `folder/session.toml` and that the files it names exist inside the folder.

    Raises
    ------
    SessionError
        Naming the session and each field at fault.
    """
    spec = _read(folder / "session.toml")
    for file in named_files(spec):
        _check_file(f"session {spec.id}", folder, file)
    return spec


@paper(SessionError, most_bytes=MOST_TOML_BYTES)
def _read(path: Path) -> SessionSpec:
    raw = _values(path)
    try:
        return SessionSpec.model_validate({**raw, "id": path.parent.name})
    except ValidationError as error:
        where = f"session {printable(path.parent.name)}"
        raise SessionError(f"{where}: session.toml: {_complaints(error)}") from error


def people_in(folder: Path) -> dict[Role, str]:
    """Role -> pseudonym, also where the rest of `folder/session.toml` has faults.

    Raises
    ------
    SessionError
        It does not say whose session it is.
    """
    return _people(folder / "session.toml")


@paper(SessionError, most_bytes=MOST_TOML_BYTES)
def _people(path: Path) -> dict[Role, str]:
    facts = _values(path).get("session")
    named = {role: facts.get(role) for role in RATERS} if isinstance(facts, dict) else {}
    known = {role: as_seen(name) for role, name in named.items() if isinstance(name, str)}
    if not known:
        raise SessionError(f"session {printable(path.parent.name)}: session.toml names nobody")
    return known


def _values(path: Path) -> dict[str, Any]:
    where = f"session {printable(path.parent.name)}"
    try:
        return toml_of(path)
    except FileNotFoundError as error:
        raise SessionError(
            f"{where}: no session.toml in its folder; see README, What goes in"
        ) from error
    except OSError as error:
        other = _IN_THE_WAY.get(error.errno or 0)
        if other is None:
            raise
        raise SessionError(
            f"{where}: session.toml is {other}; allowed: a file. Rename what lies "
            "there and put the file itself in its place"
        ) from error
    except UnicodeDecodeError as error:
        raise SessionError(f"{where}: {not_utf8(path.name, error)}") from error
    except TOMLDecodeError as error:
        raise SessionError(
            f"{where}: session.toml is not TOML: {error}; mend that place"
        ) from error


def _check_file(where: str, folder: Path, file: str) -> None:
    path = folder / file
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
        is_file = path.is_file()  # asked of a pipe or a folder, it opens nothing
    except RuntimeError as error:
        raise SessionError(f"{where}: {file!r} is a link that leads to itself") from error
    except OSError as error:
        raise SessionError(f"{where}: {file!r}: {error.strerror}; name another file") from error
    if not is_inside:
        raise SessionError(f"{where}: {file!r} lies outside the session's folder; move it inside")
    other = why_no_file(path)
    if other:
        raise SessionError(f"{where}: {file!r} is {other}; allowed: a file")
    if not is_file:
        raise SessionError(f"{where}: session.toml names {file!r}, which is not in the folder")


def _complaints(error: ValidationError) -> str:
    return all_told(
        complaint(problem, SessionSpec, "a key of session.toml", unwritten=("id",))
        for problem in error.errors()
    )
