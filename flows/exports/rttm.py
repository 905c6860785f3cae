"""NIST RTTM: who speaks when, one line per stretch."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq


def rttm(folder: Path, session_id: str) -> str:
    """The diarization with overlaps kept; speakers are roles where known."""
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
