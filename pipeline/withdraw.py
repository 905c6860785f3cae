"""Withdrawal: remove everything derived from a person's sessions, prove it, leave a tombstone.

The store keeps all that stems from one session below one folder, and views are named by session, so
removal is a listing and a delete. The tombstone holds hashes only, chained so that a removed line
shows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.views import Output


@dataclass(frozen=True, slots=True)
class Removal:
    """What withdrawal took away for one session."""

    session: str
    artifacts: int
    views: int
    files: int
    bytes: int


def withdraw(
    output: Output, person: str, sessions: list[str] | None, now: dt.datetime
) -> list[Removal]:
    """Remove all that derives from the person's sessions (all, or those named).

    Raises
    ------
    StoreError
        Something of them is still there afterwards.
    """
    removals = [
        _remove(output, folder, session_id)
        for folder, session_id in _sessions_of(output, person)
        if sessions is None or session_id in sessions
    ]
    _tombstone(output.root / "audit.jsonl", person, removals, now)
    return removals


def _sessions_of(output: Output, person: str) -> list[tuple[Path, str]]:
    found = []
    for path in sorted(output.store.root.glob("s-*/people.json")):
        noted = json.loads(path.read_text(encoding="utf-8"))
        if person in noted["people"].values():
            found.append((path.parent, noted["session_id"]))
    return found


def _remove(output: Output, folder: Path, session_id: str) -> Removal:
    views = sorted((output.root / "runs").glob(f"*/session={session_id}"))
    views += sorted((output.root / "runs").glob(f"*/.session={session_id}"))
    files = [p for place in [folder, *views] for p in place.rglob("*") if p.is_file()]
    removal = Removal(
        session=folder.name,
        artifacts=len(list(folder.glob("*/*/manifest.json"))),
        views=len(views),
        files=len(files),
        bytes=sum(path.stat().st_size for path in files if path.is_relative_to(folder)),
    )
    output.latest(session_id).unlink(missing_ok=True)
    for summary in _summaries(output, folder.name):
        summary.unlink()
    for place in [*views, folder]:
        shutil.rmtree(place)
    left = [p for p in [folder, *views, output.latest(session_id)] if os.path.lexists(p)]
    if left:
        raise StoreError(
            f"{folder.name}: {len(left)} places could not be removed; check permissions"
        )
    return removal


def _summaries(output: Output, session: str) -> list[Path]:
    """Morning summaries that speak of a session; both forms of each."""
    runs = output.root / "runs"
    named = [p for p in runs.glob("*/summary.json") if session in p.read_text(encoding="utf-8")]
    return [form for p in named for form in (p, p.with_suffix(".html")) if form.exists()]


def _tombstone(path: Path, person: str, removals: list[Removal], now: dt.datetime) -> None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    before = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else ""
    entry = {
        "at": now.isoformat(timespec="seconds"),
        "action": "withdraw",
        "person_sha256": hashlib.sha256(person.encode()).hexdigest(),
        "sessions": [r.session for r in removals],
        "files": sum(r.files for r in removals),
        "previous_line_sha256": before,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
