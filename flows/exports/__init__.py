"""Exports for other tools, made from a session's latest tables: one module per format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flows.exports.rttm import rttm
from pipeline.errors import InputError
from pipeline.results.views import Output

FORMATS: dict[str, Callable[[Path, str], str]] = {"rttm": rttm}
"""Name -> the folder of a session's tables and its id as text."""


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
    return FORMATS[kind](folder, session_id)
