"""The text of a transcript file: UTF-8, UTF-16 or cp1252, with or without a byte order mark."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SessionError

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
    text = _decoded(content)
    if "\x00" in text:
        raise SessionError(f"{file} is no text; allowed: UTF-8, UTF-16 or cp1252")
    return text.removeprefix("\ufeff")


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\x00" in content[:64]:
        even = content[0:64:2].count(0) > content[1:64:2].count(0)
        return content.decode("utf-16-be" if even else "utf-16-le", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="replace")
    # a few bad bytes in UTF-8, or a file of one byte a letter; cp1252 leaves five bytes undefined
    broken, letters = text.count("\ufffd"), sum(letter > "\x7f" for letter in text)
    return text if letters > 2 * broken else content.decode("cp1252", errors="replace")
