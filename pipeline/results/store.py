"""The only reader and writer of artifacts: content-addressed, atomic, re-hashed on every hit.

    OUT/store/<s-hash8>/people.json              whose recording this is, for withdrawal
    OUT/store/<s-hash8>/<stage>/<key>/           one finished artifact
        manifest.json  <table>.parquet  <table>.json  report.html ...

An artifact is written under a temporary name, flushed to disk and renamed, so it is either whole
or not there. Everything that stems from one session lies below one folder: withdrawal removes it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import StoreError
from pipeline.files import sha256_of, swap_in, write_atomically
from pipeline.stage import Absence, Outputs
from pipeline.tables import TABLES
from pipeline.tables.schema import Table

NOT_YET = "not computed yet"
BROKE_OFF = "broke off"
"""In place of a key: empty tables that stand in for a stage's, and that no later run finds."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished artifact holds."""

    stage: str
    key: str
    tables: dict[str, str]
    """Table name -> sha256 of its Parquet file."""
    files: dict[str, str]
    """File name -> sha256."""
    absences: tuple[Absence, ...]
    made: dict[str, Any]
    """Engine and library versions with which it was first computed."""


@dataclass(frozen=True, slots=True)
class Store:
    """Artifacts of one output folder."""

    root: Path

    def session_folder(self, session: str) -> Path:
        """Where everything derived from one session (its public name) lies."""
        return self.root / session

    def folder(self, session: str, stage: str, key: str) -> Path:
        """Where one artifact lies, or would."""
        if key == BROKE_OFF:
            return self.problems(session) / stage
        return self.session_folder(session) / stage / key[:32]

    def problems(self, session: str) -> Path:
        """What is wrong now: a trace of each stage that broke off, and what stands in for it."""
        return self.session_folder(session) / "problems"

    def remember_people(
        self, session: str, session_id: str, people: Mapping[str, str], names: Sequence[str] = ()
    ) -> None:
        """Note whose recording a session is, so that withdrawal can find it.

        Parameters
        ----------
        names : of its folder and of links to it, as the register may have them
        """
        path = self.session_folder(session) / "people.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        noted = {"session_id": session_id, "people": dict(people), "names": list(names)}
        write_atomically(path, _json(noted))

    def find(self, session: str, stage: str, key: str) -> tuple[Manifest | None, str]:
        """The artifact if it is there and undamaged, else None and why not."""
        folder = self.folder(session, stage, key)
        try:
            manifest = read_manifest(folder)
        except FileNotFoundError:
            return None, NOT_YET
        except (ValueError, TypeError, KeyError) as error:
            return None, f"its manifest is damaged ({error.__class__.__name__}); computing it again"
        for name, expected in _contents(manifest).items():
            path = folder / name
            if not path.is_file():
                return None, f"{stage}/{name} is gone; computing it again"
            if sha256_of(path) != expected:
                return None, f"{stage}/{name} was changed or damaged; computing it again"
        return manifest, ""

    def write(
        self, session: str, stage: str, key: str, outputs: Outputs, made: dict[str, Any]
    ) -> Manifest:
        """Write one artifact whole, or not at all. A large table is streamed piece by piece."""
        final = self.folder(session, stage, key)
        draft = final.with_name(f".{final.name}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.mkdir(parents=True)
            manifest = _write_artifact(draft, stage, key, outputs, made)
            swap_in(draft, final)
        except BaseException:  # a full disk above all: what is half-written would keep it full
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return manifest

    def table(self, session: str, manifest: Manifest, name: str) -> pa.Table:
        """One table of an artifact, memory-mapped."""
        path = self.folder(session, manifest.stage, manifest.key) / f"{name}.parquet"
        try:
            return pq.read_table(path, memory_map=True)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(session, manifest, name, error) from error

    def pieces(
        self, session: str, manifest: Manifest, name: str, *, rows: int
    ) -> Iterator[pa.RecordBatch]:
        """One table of an artifact, at most `rows` at a time: for one too large to hold."""
        path = self.folder(session, manifest.stage, manifest.key) / f"{name}.parquet"
        try:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                yield from file.iter_batches(batch_size=rows, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(session, manifest, name, error) from error

    def drop_problems(self, session: str, still: Collection[str]) -> None:
        """Forget what was wrong, except with the stages that `still` break off."""
        folder = self.problems(session)
        for path in sorted(folder.glob("*")):
            if path.is_dir() and path.name not in still:
                shutil.rmtree(path, ignore_errors=True)
            elif path.is_file() and path.stem not in still:
                path.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def drop_unfinished(self, session: str) -> None:
        """Remove what a killed run left half-written, files and folders at any depth."""
        for draft in sorted(self.session_folder(session).rglob(".*")):
            if draft.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
            else:  # also one that went with its folder just now
                draft.unlink(missing_ok=True)


def _unreadable(session: str, manifest: Manifest, name: str, error: Exception) -> StoreError:
    return StoreError(f"{session}: {manifest.stage}/{name} cannot be read: {error}")


def read_manifest(folder: Path) -> Manifest:
    """The manifest in an artifact's folder."""
    raw = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    raw["absences"] = tuple(Absence(**absence) for absence in raw["absences"])
    return Manifest(**raw)


def _contents(manifest: Manifest) -> dict[str, str]:
    return {f"{name}.parquet": sha for name, sha in manifest.tables.items()} | manifest.files


def _write_artifact(
    folder: Path, stage: str, key: str, outputs: Outputs, made: dict[str, Any]
) -> Manifest:
    stamp = {"thinslice.stage": stage, "thinslice.key": key}
    stamp |= {f"thinslice.{name}": _json(value).decode() for name, value in made.items()}
    for name, table in outputs.tables.items():
        write_table(folder, TABLES[name], table, stamp)
    for name, content in outputs.files.items():
        write_atomically(folder / name, content)
    manifest = Manifest(
        stage=stage,
        key=key,
        tables={name: sha256_of(folder / f"{name}.parquet") for name in outputs.tables},
        files={name: sha256_of(folder / name) for name in outputs.files},
        absences=outputs.absences,
        made=made,
    )
    write_atomically(folder / "manifest.json", _json(asdict(manifest)))
    return manifest


def write_table(
    folder: Path, declared: Table, table: pa.Table | Iterator[pa.Table], stamp: Mapping[str, str]
) -> None:
    """A table and its column dictionary, flushed to disk; `stamp` goes into the file's metadata."""
    schema = declared.arrow_schema()
    schema = schema.with_metadata({**(schema.metadata or {}), **stamp})
    pieces = iter([table]) if isinstance(table, pa.Table) else table
    path = folder / f"{declared.name}.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd", write_statistics=True) as writer:
        for piece in pieces:
            writer.write_table(piece.cast(schema))
    with path.open("rb") as file:
        os.fsync(file.fileno())
    write_atomically(folder / f"{declared.name}.json", _json(declared.sidecar()))


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
