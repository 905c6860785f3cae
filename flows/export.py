"""Exports for other tools, made from a session's latest tables."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.results.views import Output

FORMATS = ("rttm",)


def export(out: Path, session_id: str, kind: str) -> str:
    """The session in another tool's format, as text.

    Raises
    ------
    InputError
        No such session below `out`, or an unknown format.
    """
    if kind not in FORMATS:
        raise InputError(f"--format {kind} is not known; allowed: {', '.join(FORMATS)}")
    output = Output(out)
    folder = output.latest(session_id)
    if not folder.exists():
        known = ", ".join(output.sessions()[:8]) or "none"
        raise InputError(f"no finished session {session_id} in {out}; there are: {known}")
    return rttm(folder, session_id)


def rttm(folder: Path, session_id: str) -> str:
    """NIST RTTM of the diarization with overlaps kept; speakers are roles where known."""
    roles = {
        row["speaker"]: row["role"] for row in pq.read_table(folder / "roles.parquet").to_pylist()
    }
    lines = []
    for row in pq.read_table(folder / "diarization.parquet").to_pylist():
        if row["exclusive"]:
            continue
        role = roles.get(row["speaker"], "unknown")
        name = role if role != "unknown" else f"speaker{row['speaker']}"
        duration = row["end_s"] - row["start_s"]
        lines.append(
            f"SPEAKER {session_id} 1 {row['start_s']:.3f} {duration:.3f} <NA> <NA> {name} <NA> <NA>"
        )
    return "\n".join(lines) + "\n"
