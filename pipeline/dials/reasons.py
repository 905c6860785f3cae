"""Why a rater rated stretches as they did, in that person's own words.

Swift and Tompkins (2016) have each rater say, after the dial, why the three highest and the three
lowest stretches were so. The text is as private as a transcript: it goes into one table and onto
the page of that session, and never into a message or a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.paperwork.csv_rows import read_rows, span_of
from pipeline.paperwork.papers import paper
from pipeline.paperwork.sheet_values import is_missing
from pipeline.timeline import Seconds


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for one stretch."""

    start_s: Seconds
    """Media position, as in the file."""
    end_s: Seconds
    text: str


@paper(SessionError)
def read_reasons(path: Path) -> tuple[Reason, ...]:
    """Rows ``start,end,reason`` of media position; a row without text is left out.

    Raises
    ------
    SessionError
        Naming file and line, never the text.
    """
    rows = read_rows(path, ("start", "end", "reason"))
    said = [row for row in rows if not is_missing(row.cells["reason"])]
    return tuple(Reason(*span_of(row), row.cells["reason"]) for row in said)
