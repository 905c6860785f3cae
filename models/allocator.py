"""Keeping freed memory, so that large networks on a CPU do not spend their time on fresh pages.

The C library hands blocks of tens of megabytes back to the system as soon as they are freed. A
network that asks for the same blocks at every layer then waits while the system clears pages: a
third of the time of a Whisper encoder. Kept, the memory of one layer serves the next; what lies
free beyond a gigabyte still goes back. Changes no number. Source: mallopt(3).
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of mallopt, from malloc.h."""
_KEPT = 1 << 30
"""Bytes that may lie free before any are given back."""


@cache
def keep_freed_memory() -> bool:
    """Ask the C library to keep freed blocks, for the life of this process.

    Returns
    -------
    Whether it will; False where the C library is not glibc, which alone has the setting.

    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT))
