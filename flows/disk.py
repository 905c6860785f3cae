"""What the file system refused, in words for a person."""

from __future__ import annotations

import errno
from pathlib import Path

from pipeline.errors import InputError

FULL = "the disk is full (that of --out, or of temporary files); free some space and run again"


def is_full(error: BaseException) -> bool:
    """Whether there was no space left, or a quota was used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def unusable(out: Path, error: OSError) -> InputError:
    """Why nothing can be written to the output folder."""
    return InputError(f"--out {out}: {error.strerror}; name a folder that can be written to")
