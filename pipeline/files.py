"""Files and folders: their content hash, and taking a place whole or not at all."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
from pathlib import Path

_HERE = -100  # AT_FDCWD: names count from the working directory
_EXCHANGE = 2  # RENAME_EXCHANGE


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes as hex; memory stays flat."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write, flush to disk, rename: readers see the old file or the new one, never half."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def swap_in(draft: Path, final: Path) -> None:
    """Put a finished folder in its place; who looks finds the one before or the new one.

    Where file system or kernel cannot exchange two names, the one before is moved aside first;
    `bring_back` mends it where that was the last that happened.
    """
    if not final.exists():
        draft.rename(final)
    elif not _exchanged(draft, final):
        old = _aside(final)
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
        try:
            draft.rename(final)
        except BaseException:
            old.rename(final)
            raise
        draft = old
    _flush(final.parent)
    shutil.rmtree(draft, ignore_errors=True)


def bring_back(final: Path) -> None:
    """Put back what an interrupted `swap_in` had moved aside."""
    if not final.exists() and _aside(final).exists():
        _aside(final).rename(final)


def _aside(final: Path) -> Path:
    return final.with_name(f".{final.name}.old")


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step (renameat2, Linux 3.15); whether it could."""
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is None:
        return False
    return exchange(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def _flush(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
