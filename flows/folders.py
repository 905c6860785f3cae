"""Which folders are sessions, what each is called, and what the register can name.

Shares put folders of their own beside those of people, and people put links beside folders. A
session is its folder, whatever leads there; all those names are its names to the register.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError, SessionError
from pipeline.paperwork.ids import as_seen, normal
from pipeline.paperwork.papers import printable
from pipeline.paperwork.session_toml import people_in
from pipeline.paperwork.stray_refusals import KnownSession

NO_SESSION = "._@#$~"
"""First characters of the folders that systems and shares put beside sessions: ``.Trash-1000``,
``__MACOSX``, ``@eaDir``, ``#recycle``, ``$RECYCLE.BIN``, ``~snapshot``. No session id has them."""
SYSTEM = frozenset(
    {
        "system volume information",
        "lost+found",
        "recycler",
        "recycled",
        "found.000",
        "network trash folder",
        "temporary items",
    }
)
LINKS_MOST = 40
"""As many as Linux follows."""


@dataclass(frozen=True, slots=True)
class Found:
    """One session's folder."""

    folder: Path
    """Where it really lies."""
    names: tuple[str, ...]
    """The folder's own name, then those of links that lead to it."""

    @property
    def session_id(self) -> str:
        """The folder's name as it can be shown."""
        return printable(self.names[0])


def session_folders(recordings: Path) -> list[Path]:
    """Every folder right below `recordings`, in order of name; those of systems left out.

    One without a session.toml is among them, so that the summary says so.
    """
    if not recordings.is_dir():
        raise InputError(f"no folder {recordings}; give the folder that holds the session folders")
    try:
        return sorted(p for p in recordings.iterdir() if _may_be_session(p.name) and p.is_dir())
    except OSError as error:
        raise InputError(f"{recordings}: {error.strerror}; check permissions") from error


def found(folders: Iterable[Path], beside: Iterable[Path] = ()) -> list[Found]:
    """Each folder once, in order, with all its names.

    Parameters
    ----------
    beside : folders and links that give names only
    """
    names: dict[Path, dict[str, None]] = {}
    asked = [(path, _really(path)) for path in folders]
    for path, real in [*asked, *((path, _really(path)) for path in beside)]:
        names.setdefault(real, {real.name: None}).update(dict.fromkeys(_names_on_the_way(path)))
    return [Found(real, tuple(names[real])) for real in dict.fromkeys(real for _, real in asked)]


def known_sessions(sessions: Iterable[Found]) -> list[KnownSession]:
    """What a refusal can name: sessions whose session.toml says whose they are."""
    known = []
    for one in sessions:
        try:
            people = people_in(one.folder)
        except (InputError, OSError):
            continue  # whose it is nobody knows; told where the session itself is asked for
        names = frozenset(normal(name) for name in one.names)
        known.append(KnownSession(one.session_id, names, dict(people.items())))
    return known


def neighbours(folders: Iterable[Path], consent: Path) -> list[Path]:
    """Folders beside the register and beside the sessions, whoever asks for them tonight."""
    places = {consent.absolute().parent}
    for folder in folders:
        places |= {folder.absolute().parent, _really(folder).parent}
    beside: list[Path] = []
    for place in sorted(places):
        try:
            beside += session_folders(place)
        except InputError:
            continue  # what cannot be listed holds no session of ours
    return beside


def clashes(
    sessions: Sequence[Found], known: Sequence[KnownSession], granted: Iterable[str] = ()
) -> dict[Path, SessionError]:
    """Sessions that cannot be told apart, or whose people cannot: folder -> why.

    Parameters
    ----------
    granted : people of the register's grants, as written there
    """
    found: dict[Path, SessionError] = {}
    folders: dict[str, list[Found]] = {}
    for one in sessions:
        folders.setdefault(normal(one.names[0]), []).append(one)
    spellings = _spellings(known, granted)
    whose = {one.id: one for one in known}
    for same in folders.values():
        for one in same:
            if len(same) > 1:
                found[one.folder] = _same_name(one, same)
            elif one.session_id in whose:
                twice = _spelt_twice(whose[one.session_id], spellings)
                if twice:
                    found[one.folder] = twice
    return found


def _same_name(one: Found, same: Sequence[Found]) -> SessionError:
    listed = ", ".join(printable(str(other.folder)) for other in same)
    return SessionError(
        f"session {one.session_id}: {len(same)} folders have this id ({listed}); a session id must "
        "be unique, whatever its capitals. Rename one"
    )


def _spellings(
    known: Iterable[KnownSession], granted: Iterable[str]
) -> Mapping[str, dict[str, str]]:
    """Person -> spelling -> where it stands."""
    found: dict[str, dict[str, str]] = {}
    for one in known:
        for person in one.people.values():
            found.setdefault(normal(person), {}).setdefault(as_seen(person), f"session {one.id}")
    in_grants: dict[str, dict[str, str]] = {}
    for person in granted:
        in_grants.setdefault(normal(person), {}).setdefault(as_seen(person), "the register")
    for person, spelt in in_grants.items():
        if len(spelt) > 1:  # one of them may be spelt otherwise than session.toml has it
            found.setdefault(person, {}).update(spelt)
    return found


def _spelt_twice(
    session: KnownSession, spellings: Mapping[str, Mapping[str, str]]
) -> SessionError | None:
    for role, person in session.people.items():
        spelt = spellings.get(normal(person), {})
        if len(spelt) > 1:
            listed = ", ".join(f"{name!r} in {where}" for name, where in spelt.items())
            return SessionError(
                f"session {session.id}: its {role} is spelt in {len(spelt)} ways, {listed}; "
                "whether they are one person cannot be told, so nothing is read. Write one person "
                "one way"
            )
    return None


def _may_be_session(name: str) -> bool:
    return name[0] not in NO_SESSION and name.lower() not in SYSTEM


def _really(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link that leads to itself
        return path.absolute()


def _names_on_the_way(path: Path) -> list[str]:
    """The path's own name and those of the links it goes through."""
    names = []
    for _ in range(LINKS_MOST):
        names.append(path.name)
        try:
            path = path.parent / os.readlink(path)  # noqa: PTH115  pathlib keeps a trailing slash
        except OSError:
            break
    return [name for name in names if name not in ("", ".", "..")]
