"""Processes of our own: none writes to the terminal, and each ends with whoever started it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_PATIENCE_S = 10.0
_HERE = Path(__file__).resolve().parents[1]


def start(
    command: Sequence[str],
    log: Path,
    *,
    environment: dict[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start Python with `command`, in a process group of its own; what it says goes to `log`.

    It is given our process id as its last argument, for `ends_with_parent`.
    """
    path = os.pathsep.join(filter(None, (str(_HERE), os.environ.get("PYTHONPATH"))))
    with log.open("ab") as sink:
        return subprocess.Popen(
            [sys.executable, *command, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            env=os.environ | {"PYTHONPATH": path} | (environment or {}),
            pass_fds=pass_fds,
            start_new_session=True,
        )


class Stopped(KeyboardInterrupt):
    """Somebody asked this process to end."""


@contextmanager
def stoppable() -> Iterator[None]:
    """A polite request to end raises `Stopped`, so that nothing is left running or untold."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> NoReturn:
        raise Stopped

    asked = [  # what whoever started us had us ignore (nohup) stays ignored
        number
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, stop) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ends_with_parent() -> None:
    """In a child: be killed when the thread that started it ends, whatever this one is doing."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[-1]):  # it was gone before we asked
        os._exit(1)


def follow_parent() -> None:
    """In a child that somebody else started from a thread we do not know: end when it is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)  # it may still write its summary
        time.sleep(_PATIENCE_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def end(process: subprocess.Popen[bytes], *, patience_s: float = 0.0) -> None:
    """End a child and all that it started; they may first tidy up for `patience_s`."""
    with suppress(ProcessLookupError):
        if patience_s:
            os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            process.poll()  # a leader that nobody waits for keeps its group
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
