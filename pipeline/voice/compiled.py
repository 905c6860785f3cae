"""Numeric loops compiled by numba, which librosa needs anyway.

Compiled code is kept beside the module (or in the user's cache folder where that cannot be
written), so that only the first run after an installation pays for it. It lets go of the
interpreter lock, and never reorders arithmetic: results do not depend on the machine's width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function of arrays and numbers on its first call; keep the machine code."""
    return cast("Function", njit(cache=True, nogil=True)(function))
