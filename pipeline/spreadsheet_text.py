"""The text of a file that a spreadsheet or a rating program saved: UTF-8, UTF-16 or cp1252."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SessionError

_FOREIGN = {
    b"PK\x03\x04": "a workbook (xlsx, ods); open it and save the sheet as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an old workbook (xls); open it and save the sheet as CSV in UTF-8",
    b"%PDF": "a PDF; export it as CSV",
    b"{\\rtf": "a word processor's document; save it as plain text",
    b"<": "marked-up text (XML or HTML); export it as CSV, one line per row",
    b"{": "JSON; export it as CSV, one line per row",
    b"[": "JSON; export it as CSV, one line per row",
}


def decoded(path: Path) -> str:
    """The file's text.

    Raises
    ------
    SessionError
        It is another program's own format, broken UTF-16, or no text.
    """
    content = path.read_bytes()
    for mark, what in _FOREIGN.items():
        if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(mark):
            raise SessionError(f"{path.name} is {what}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in content:
        encoding = "utf-16-le" if content[1:2] == b"\x00" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise SessionError(f"{path.name} is broken UTF-16; save it as CSV in UTF-8") from error
        # an old spreadsheet; cp1252 leaves five bytes undefined, latin-1 none
        text = content.decode("cp1252", errors="replace")
    if "\x00" in text:
        raise SessionError(f"{path.name} is no text; allowed: CSV in UTF-8, UTF-16 or cp1252")
    return text
