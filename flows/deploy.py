"""Schedule the night on this machine, with a Prefect server of its own on loopback.

Prefect's short-lived server runs no scheduler, so a real one is started beside it and ends with it.
"""

from __future__ import annotations

import json
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
from typing import TYPE_CHECKING

from flows.folders import session_folders
from flows.work import stay_on_this_machine
from pipeline.consent import load_register
from pipeline.errors import ConsentError, InputError, ThinsliceError

if TYPE_CHECKING:  # Prefect is imported only when its environment is set
    from prefect.schedules import Schedule

_CRON_FIELDS = 5
_START_TIMEOUT_S = 180.0
_HOST = "127.0.0.1"


def serve_nightly(
    recordings: Path, *, out: Path, profile: Path | None, consent: Path | None, cron: str
) -> None:
    """Stay in the foreground and start `nightly` on schedule; a second night never overlaps.

    The folders travel in the environment, because Prefect stores parameters.

    Raises
    ------
    InputError
        The recordings folder, the register or the schedule cannot be used; nothing was started. A
        register that is not there yet is only warned of: each night looks for it anew.
    """
    register = consent or recordings / "consent.toml"
    session_folders(recordings)
    try:
        load_register(register)
    except ConsentError as missing:
        sys.stderr.write(f"thinslice: {missing}; until then every session is held back\n")
    stay_on_this_machine(out)
    port = _free_port()
    os.environ["PREFECT_API_URL"] = f"http://{_HOST}:{port}/api"  # before Prefect's import
    schedule = _schedule(cron)
    with _server(out, port):
        from prefect.types.entrypoint import EntrypointType

        from flows.nightly import NIGHT_VARIABLE, nightly

        night = {
            "recordings": str(recordings.resolve()),
            "out": str(out.resolve()),
            "profile": str(profile.resolve()) if profile else "",
            "consent": str(register.resolve()),
        }
        os.environ[NIGHT_VARIABLE] = json.dumps(night)
        nightly.serve(
            name="nightly",
            schedules=[schedule],
            limit=1,
            entrypoint_type=EntrypointType.MODULE_PATH,  # a file path would shadow `models`
        )


def _schedule(cron: str) -> Schedule:
    """Prefect's schedule; raises `InputError` where it is none."""
    from prefect.schedules import Cron

    wrong = InputError(f"--cron {cron!r}: five fields, e.g. 0 2 * * *")
    if len(cron.split()) != _CRON_FIELDS:  # Prefect would take seconds and years too
        raise wrong
    try:
        return Cron(cron)
    except ValueError as error:
        raise wrong from error


@contextmanager
def _server(out: Path, port: int) -> Iterator[None]:
    """A Prefect server on a loopback port, its log beside its database."""
    command = [sys.executable, "-m", "prefect", "server", "start"]
    with (out / "prefect" / "server.log").open("ab") as log:
        child = subprocess.Popen(
            [*command, "--host", _HOST, "--port", str(port)], stdout=log, stderr=log
        )
    try:
        _wait_until_up(child, f"http://{_HOST}:{port}/api/health")
        yield
    finally:
        child.terminate()
        child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_up(child: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310  our own loopback server
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise ThinsliceError("Prefect's server did not start; see prefect/server.log in the output")
