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
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.files import write_atomically
from pipeline.paperwork.ids import normal
from pipeline.paperwork.stray_refusals import KnownSession
from pipeline.results.views import Output

STUDY_FOLDER = "study"
"""What `thinslice study` writes, below the output folder."""


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

    No run may be writing to the same output folder: what killed runs left half-written there is
    swept, whosever it is.

    Raises
    ------
    StoreError
        Something of them is still there afterwards; the tombstone is written all the same.
    """
    left = _delete([*_drafts(output), *_logs(output)])
    named = None if sessions is None else {normal(session) for session in sessions}
    found = [
        (folder, one.id)
        for folder, one in remembered(output)
        if one.has(person) and (named is None or named & one.names)
    ]
    if found:  # its numbers stand in what was pooled, so all of that goes
        left += _delete([output.root / STUDY_FOLDER])
    removals = []
    for folder, session_id in found:
        try:
            removal, still_there = _remove(output, folder, session_id)
        except OSError as error:  # cannot even be listed; the other sessions go all the same
            left.append(f"{folder} ({error.strerror})")
            continue
        removals.append(removal)
        left += still_there
    entry = {
        "at": now.isoformat(timespec="seconds"),
        "action": "withdraw",
        "person_sha256": hashlib.sha256(person.encode()).hexdigest(),
        "sessions": [folder.name for folder, _ in found],
        "files": sum(removal.files for removal in removals),
        "left": len(left),
    }
    _tombstone(output.root / "audit.jsonl", entry)
    if left:
        raise StoreError(
            f"{len(left)} places could not be removed, the first: {left[0]}; check permissions "
            "and withdraw again"
        )
    return removals


def remembered(output: Output) -> list[tuple[Path, KnownSession]]:
    """Every session of which something derived is there, with its folder in the store."""
    found = []
    for path in sorted(output.store.root.glob("s-*/people.json")):
        noted = json.loads(path.read_text(encoding="utf-8"))
        session_id = noted["session_id"]
        names = frozenset(normal(name) for name in (session_id, *noted.get("names", ())))
        found.append((path.parent, KnownSession(session_id, names, noted["people"])))
    return found


def _drafts(output: Output) -> list[Path]:
    """What killed runs left half-written outside a session's artifacts."""
    in_runs = (".session=*", ".summary*", ".run.toml*")
    drafts = [path for name in in_runs for path in output.root.glob(f"runs/*/{name}")]
    drafts += output.root.glob("latest/.session=*")
    drafts += output.root.glob(f".{STUDY_FOLDER}.*")
    return sorted([*drafts, *output.store.root.glob("s-*/.people.json*")])


def _logs(output: Output) -> list[Path]:
    """What libraries said while they worked: nobody vouches for it."""
    return sorted(output.root.glob("prefect/*.log"))


def _remove(output: Output, folder: Path, session_id: str) -> tuple[Removal, list[str]]:
    """Remove one session; returns what there was and which places are still there."""
    views = sorted((output.root / "runs").glob(f"*/session={session_id}"))
    files = [p for place in [folder, *views] for p in place.rglob("*") if p.is_file()]
    removal = Removal(
        session=folder.name,
        artifacts=len(list(folder.glob("*/*/manifest.json"))),
        views=len(views),
        files=len(files),
        bytes=sum(path.stat().st_size for path in files if path.is_relative_to(folder)),
    )
    named = [output.latest(session_id), *_summaries(output, folder.name), *views]
    left = _forget_keys(output, folder.name)
    # people.json goes last, because a second attempt finds the session by it
    left += _delete([*named, *(p for p in folder.iterdir() if p.name != "people.json")])
    return removal, left or _delete([folder])


def _delete(places: Iterable[Path]) -> list[str]:
    """Remove files, links and whole folders; returns a sentence for each that is still there."""
    left = []
    for place in places:
        why = "it is still there"
        try:
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
        except OSError as error:
            why = error.strerror or type(error).__name__
        if os.path.lexists(place):
            left.append(f"{place} ({why})")
    return left


def _summaries(output: Output, session: str) -> list[Path]:
    """Morning summaries that speak of a session, both forms; a page alone is half a summary."""
    found = []
    for page in output.root.glob("runs/*/summary.html"):
        data = page.with_suffix(".json")
        if not data.exists() or session.encode() in data.read_bytes():
            found += [page, data]
    return found


def _forget_keys(output: Output, session: str) -> list[str]:
    """Take a session's keys out of every run's record; returns where that failed."""
    header = re.escape(f"[keys.{session}]").encode()
    block = re.compile(rb"\n*^" + header + rb"\n(?:[^\[\n].*\n?)*", re.MULTILINE)
    left = []
    for record in sorted(output.root.glob("runs/*/run.toml")):
        try:
            before = record.read_bytes()
            after = block.sub(b"\n", before)
            if after != before:
                write_atomically(record, after)
        except OSError as error:
            left.append(f"{record} ({error.strerror})")
    return left


def _tombstone(path: Path, entry: dict[str, object]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    before = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry | {"previous_line_sha256": before}, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
