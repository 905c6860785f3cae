"""A worker with planted engines, in which sessions named after a misfortune meet it in a stage.

Run in place of `flows.worker`; arguments: stage, whether Prefect takes part, and the worker's own.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import sys

import numpy as np
import pytest

from flows import sessions, worker
from tests.made.night import STAGE, plant_engines


def hangs():
    sum(itertools.repeat(0))  # in C: keeps the interpreter, hears no signal


def grows():
    held = []
    while True:
        held.append(np.ones(4_000_000))


def raises():
    raise ZeroDivisionError("planted")


MISFORTUNES = {
    "hangs": hangs,
    "grows": grows,
    "raises": raises,
    "crashes": lambda: ctypes.string_at(0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def main():
    stage, with_prefect = sys.argv[1:3]
    sys.argv[1:3] = []
    declared, right = STAGE[stage], STAGE[stage].run

    def run(inputs, engine, settings):
        MISFORTUNES.get(inputs.spec.id.removeprefix("z-"), lambda: None)()
        return right(inputs, engine, settings)

    object.__setattr__(declared, "run", run)
    plant_engines(pytest.MonkeyPatch(), prefect=with_prefect == "prefect")
    if with_prefect != "prefect":
        sessions.process_sessions = sessions.process_sessions.fn
    print("INFO: a library says something of its own")
    worker.main()


if __name__ == "__main__":
    main()
