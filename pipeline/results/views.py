"""What people open: `OUT/runs/<run>/session=<id>/` and `OUT/latest/session=<id>`.

Views are hard links into the store (copies where the file system has none), so they cost nothing;
a view edited by hand shows up as a damaged artifact and is computed again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.files import swap_in, write_atomically
from pipeline.results.store import Manifest, Store
from pipeline.tables import TABLES


@dataclass(frozen=True, slots=True)
class Output:
    """One output folder."""

    root: Path

    @property
    def store(self) -> Store:
        """Its artifacts."""
        return Store(self.root / "store")

    def run_folder(self, run_id: str) -> Path:
        """Where one run's record and views lie."""
        return self.root / "runs" / run_id

    def view(self, run_id: str, session_id: str) -> Path:
        """What one run shows of a session."""
        return self.run_folder(run_id) / f"session={session_id}"

    def latest(self, session_id: str) -> Path:
        """The link to a session's newest complete run."""
        return self.root / "latest" / f"session={session_id}"

    def sessions(self) -> list[str]:
        """Session ids that have a complete run, in order."""
        return sorted(
            p.name.removeprefix("session=") for p in (self.root / "latest").glob("session=*")
        )


def publish(
    output: Output, run_id: str, session_id: str, session: str, done: Mapping[str, Manifest]
) -> Path:
    """Show a session's finished artifacts under this run and make it that session's latest."""
    view = output.view(run_id, session_id)
    draft = view.with_name(f".{view.name}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        for manifest in done.values():
            _link_artifact(
                output.store.folder(session, manifest.stage, manifest.key), manifest, draft
            )
        swap_in(draft, view)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _point(output.latest(session_id), Path("..") / "runs" / run_id / view.name)
    return view


def write_record(output: Output, run_id: str, record: str) -> Path:
    """Write `run.toml`."""
    folder = output.run_folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "run.toml", record.encode())
    return folder / "run.toml"


def _link_artifact(folder: Path, manifest: Manifest, view: Path) -> None:
    for name in manifest.tables:
        if not TABLES[name].private:
            _link(folder / f"{name}.parquet", view / f"{name}.parquet")
            _link(folder / f"{name}.json", view / f"{name}.json")
    for name in manifest.files:
        _link(folder / name, view / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # other file system, or one without hard links
        shutil.copy2(source, target)


def _point(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)
