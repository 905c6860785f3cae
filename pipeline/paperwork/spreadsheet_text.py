"""The text of a file that a spreadsheet or a rating program saved: UTF-8, UTF-16 or cp1252."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.paperwork.papers import text_of

_FOREIGN = {
    b"PK\x03\x04": "a workbook (xlsx, ods); open it and save the sheet as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an old workbook (xls); open it and save the sheet as CSV in UTF-8",
    b"%PDF": "a PDF; export it as CSV",
    b"{\\rtf": "a word processor's document; save it as plain text",
    b"<": "marked-up text (XML or HTML); export it as CSV, one line per row",
    b"{": "JSON; export it as CSV, one line per row",
}
_JSON_LIST = re.compile(rb"\[\s*[\[{\"0-9-]")
_ROOTS = {
    b"<ANNOTATION_DOCUMENT": "ELAN's own file; in ELAN, File > Export As > Tab-delimited Text",
    b"ssi-v": (
        "NOVA's description of a tier, whose values lie in the file beside it; export both as one "
        "CSV of times and ratings"
    ),
}


def decoded(path: Path) -> str:
    """The file's text.

    Raises
    ------
    SessionError
        It cannot be opened, is another program's own format, broken UTF-16, or no text.
    """
    content = _content(path)
    begin = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, what in {**_ROOTS, **_FOREIGN}.items():
        if begin.startswith(mark) or (mark in _ROOTS and begin[:1] == b"<" and mark in begin):
            raise SessionError(f"{path.name} is {what}")
    if _JSON_LIST.match(begin):
        raise SessionError(f"{path.name} is {_FOREIGN[b'{']}")
    try:
        text = text_of(content, errors="strict")
    except UnicodeDecodeError as error:
        raise SessionError(f"{path.name} is broken UTF-16; save it as CSV in UTF-8") from error
    if "\x00" in text:
        raise SessionError(f"{path.name} is no text; allowed: CSV in UTF-8, UTF-16 or cp1252")
    return text


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SessionError(f"{path.name} cannot be opened ({error.strerror})") from error
