"""The terminal belongs to the command: what libraries have to say does not appear there.

What computes does so in a worker, whose words go to a file. The rest is seen to here.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def keep_ours() -> None:
    """Python's own ways for libraries to speak up lead nowhere, unless asked for with -W."""
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


@contextmanager
def hushed() -> Iterator[None]:
    """Nothing reaches standard error, from libraries in C either."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
