"""The small files that people and their programs write: one guard round all of their readers.

A paper is a register, a session.toml, a profile, a transcript, a dial, a typed table. Whatever lies
there under such a name, and whatever a reader meets in it, ends in one sentence that names the file
and never in the end of a night: no pipe that waits for ever, no gigabytes, no nesting without end.
A reader says itself what it understands of a fault; this says the rest.
"""

from __future__ import annotations

import functools
import re
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from pydantic import AfterValidator

from pipeline.errors import InputError, SessionError, ThinsliceError

P = ParamSpec("P")
T = TypeVar("T")

MOST_BYTES = 32 << 20
"""An hour of a dial read 100 times a second takes 8 MB, of a recogniser's JSON with words 4 MB."""
MOST_TOML_BYTES = 2 << 20
"""Some ten thousand consent records."""
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
MOST_KEY_PARTS = 16
LONGEST_NAME = 255
"""Of a file, on every system."""
LONGEST_PATH = 1000  # no one types more, and a message names the whole of it
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")
_NO_KEY = re.compile(r"[^\w\-. \t]+")


def paper(
    kind: type[InputError] = SessionError, *, most_bytes: int = MOST_BYTES
) -> Callable[[Callable[Concatenate[Path, P], T]], Callable[Concatenate[Path, P], T]]:
    """Guard a reader whose first argument is the paper's path.

    Parameters
    ----------
    kind : the error that says what is wrong
    most_bytes : nobody writes a larger one

    Raises
    ------
    InputError
        Of that `kind`, naming the file: it is no regular file, too large, or made the reader fail.
        The reader's own sentences pass, and so does that a file is not there or may not be read.
    """

    def guarding(read: Callable[Concatenate[Path, P], T]) -> Callable[Concatenate[Path, P], T]:
        def guarded(path: Path, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                _check(path, kind, most_bytes)
                return read(path, *args, **kwargs)
            except (ThinsliceError, OSError):
                raise
            except Exception as error:
                raise kind(f"{_named(path)} {_fault(error)}") from error

        return functools.update_wrapper(guarded, read)

    return guarding


def why_no_file(path: Path) -> str:
    """What lies there that must not be opened, e.g. "a pipe"; empty for files and folders.

    Opening a pipe would wait for ever.
    """
    try:
        return KINDS.get(stat.S_IFMT(path.stat().st_mode), "")
    except OSError:
        return ""


def text_of(content: bytes, *, errors: str = "replace") -> str:
    """The text of a file in UTF-8, UTF-16 or cp1252, without a byte order mark.

    A few bad bytes in UTF-8 (a file cut off, a bad copy) make no cp1252 of the rest. Characters
    U+0000 are left in: what holds them is no text.

    Parameters
    ----------
    errors : what becomes of damage in UTF-16: "replace", or "strict" to raise UnicodeDecodeError
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors=errors)
    if b"\x00" in content[:64]:
        even = content[0:64:2].count(0) > content[1:64:2].count(0)
        return content.decode("utf-16-be" if even else "utf-16-le", errors=errors)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("utf-8-sig", errors="replace")
    # a few bad bytes in UTF-8, or a file of one byte a letter; cp1252 leaves five bytes undefined
    broken, letters = text.count("\ufffd"), sum(letter > "\x7f" for letter in text)
    return text if letters > 2 * broken else content.decode("cp1252", errors="replace")


def toml_of(path: Path) -> dict[str, Any]:
    """The values of a TOML file in UTF-8, with or without its mark.

    Raises
    ------
    ValueError
        It is none: `tomllib.TOMLDecodeError` or `UnicodeDecodeError` where that is why.
    OSError
        It cannot be read.
    """
    return toml_in(path.read_text(encoding="utf-8-sig"))


def toml_in(text: str) -> dict[str, Any]:
    """The values of a TOML text.

    Raises
    ------
    ValueError
        It is none: `tomllib.TOMLDecodeError` where that is why.
    """
    for number, line in enumerate(text.splitlines(), 1):
        # tomllib takes minutes over a key of 20,000 parts
        if line.count(".") > MOST_KEY_PARTS and _has_long_key(line):
            raise tomllib.TOMLDecodeError(
                f"a key of over {MOST_KEY_PARTS} parts (at line {number})"
            )
    return tomllib.loads(text)


def _has_long_key(line: str) -> bool:
    pieces = _NO_KEY.split(_QUOTED.sub("q", line))
    return any(piece.count(".") > MOST_KEY_PARTS for piece in pieces)


def printable(name: str) -> str:
    """A file's or folder's name as a terminal and a page can show it, whatever bytes it is of."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _file_name(written: str) -> str:
    parts = written.split("/")
    is_long = len(written) > LONGEST_PATH or max(map(len, parts)) > LONGEST_NAME
    if is_long or not written.isprintable() or not written.strip():
        raise ValueError("no file has such a name; write it as the folder has it")
    return written


FileName = Annotated[str, AfterValidator(_file_name)]
"""A file's name in session.toml: a NUL in it is no name, and ends every look for it."""


def _check(path: Path, kind: type[InputError], most_bytes: int) -> None:
    other = why_no_file(path)
    if other:
        raise kind(f"{_named(path)} is {other}; allowed: a file")
    try:
        size = path.stat().st_size
    except OSError:
        return  # the reader says it in its own words
    if size > most_bytes:
        raise kind(
            f"{_named(path)} has {size / 1e6:.0f} MB; allowed: at most {most_bytes / 1e6:.0f} MB. "
            "Is it the right file?"
        )


def _fault(error: Exception) -> str:
    """What a reader met, without a word of the file: it may be what somebody said."""
    if isinstance(error, RecursionError):
        return "is nested too deeply; allowed: a few levels. Is it the right file?"
    if isinstance(error, MemoryError):
        return "asks for more memory than there is; is it the right file?"
    if isinstance(error, OverflowError) or "integer string conversion" in str(error):
        return "holds a number that is too large; write it as it was measured"
    if "null byte" in str(error):
        return "names a file with a NUL in it; write its name as the folder has it"
    if isinstance(error, UnicodeError):
        return "holds characters that are no text; save it as UTF-8"
    return f"cannot be read ({type(error).__name__}); save or export it anew"


def _named(path: Path) -> str:
    return printable(path.name)
