"""The text of a transcript file: UTF-8, UTF-16 or cp1252, with or without a byte order mark."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SessionError
from pipeline.paperwork.papers import text_of

_FOREIGN = {
    b"PK\x03\x04": "a word processor's document or a workbook",
    b"\xd0\xcf\x11\xe0": "an old word processor's document",
    b"%PDF": "a PDF",
    b"{\\rtf": "a word processor's document",
    b"\x1f\x8b": "packed (gzip)",
}


def decoded(path: Path, *, file: str) -> str:
    """The file's text, without a byte order mark.

    Parameters
    ----------
    file : how messages call it

    Raises
    ------
    SessionError
        It is another program's own format, or no text.
    """
    content = path.read_bytes()
    for mark, what in _FOREIGN.items():
        if content.startswith(mark):
            raise SessionError(f"{file} is {what}; export it as WebVTT or SubRip")
    text = text_of(content)
    if "\x00" in text:
        raise SessionError(f"{file} is no text; allowed: UTF-8, UTF-16 or cp1252")
    return text
