"""Prefect's server, on a loopback port, as a process that ends with the one that needs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows import child
from pipeline.errors import ThinsliceError

LOG = "server.log"
_HOST = "127.0.0.1"
_START_TIMEOUT_S = 600.0
"""A busy machine takes minutes over what an idle one does in two seconds."""
_PATIENCE_S = 5.0


@contextmanager
def prefect_server(home: Path, *, schedules: bool) -> Iterator[Address]:
    """A server for the length of a `with`; its log and database lie in `home`.

    Parameters
    ----------
    schedules
        Whether it also starts what is scheduled; without, it is up sooner.
    """
    port = _free_port()
    kind = "whole" if schedules else "short"
    (home / LOG).unlink(missing_ok=True)
    process = child.start(["-m", "flows.server", kind, str(port)], home / LOG)
    try:
        yield Address(process, port)
    finally:
        child.end(process, patience_s=_PATIENCE_S)


class Address:
    """Where a server that may still be starting will answer."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.api = f"http://{_HOST}:{port}/api"

    def wait(self) -> None:
        """Until it answers.

        Raises
        ------
        ThinsliceError
            It ended, or did not answer in time.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.api}/health", timeout=5):  # noqa: S310  ours
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise ThinsliceError(f"Prefect's server did not start; see prefect/{LOG} in the output")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Entry point of the process."""
    child.ends_with_parent()
    kind, port = sys.argv[1:3]
    os.environ |= {"PREFECT_UI_ENABLED": "0"} if kind == "short" else {}
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=kind == "short", final=True)
    uvicorn.run(app, host=_HOST, port=int(port), log_level="error", lifespan="on")


if __name__ == "__main__":
    main()
