"""One writer per output folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.disk import unusable
from pipeline.errors import InputError


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold the output folder; the lock goes with the process, however it ends.

    Raises
    ------
    InputError
        Another run or a withdrawal holds it, or it cannot be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        opened = (out / ".lock").open("w")
    except OSError as error:
        raise unusable(out, error) from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{out} is in use by another run; wait for it or choose --out"
            ) from error
        yield
