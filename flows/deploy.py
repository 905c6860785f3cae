"""Schedule the night on this machine, with a Prefect server of its own on loopback.

Prefect's own part runs in a process apart, whose words go to a file; here one waits, tells how each
night ended, and sees to it that everything ends together.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from flows import NIGHT_VARIABLE, child
from flows.folders import session_folders
from flows.server import prefect_server
from flows.summary import counts_of
from flows.work import stay_on_this_machine
from pipeline.errors import ConsentError, InputError, ThinsliceError
from pipeline.paperwork.consent import load_register

if TYPE_CHECKING:  # Prefect is imported only when its environment is set
    from prefect.schedules import Schedule

LOG = "serve.log"
SUMMARIES = "runs/*/summary.json"
_CRON_FIELDS = 5
_POLL_S = 1.0
_PATIENCE_S = 15.0
"""A night that is stopped writes its summary first."""


def serve_nightly(
    recordings: Path, *, out: Path, profile: Path | None, consent: Path | None, cron: str
) -> None:
    """Stay in the foreground and start `nightly` on schedule; a second night never overlaps.

    The folders travel in the environment, because Prefect stores parameters. Ctrl-C ends it.

    Raises
    ------
    InputError
        The recordings folder, the register or the schedule cannot be used; nothing was started. A
        register that is not there yet is only warned of: each night looks for it anew.
    ThinsliceError
        Prefect's server or scheduler ended by itself.
    """
    register = consent or recordings / "consent.toml"
    session_folders(recordings)
    try:
        load_register(register)
    except ConsentError as missing:
        _say(f"{missing}; until then every session is held back")
    stay_on_this_machine(out)
    _schedule(cron)
    night = {
        "recordings": str(recordings.resolve()),
        "out": str(out.resolve()),
        "profile": str(profile.resolve()) if profile else "",
        "consent": str(register.resolve()),
    }
    home = out / "prefect"
    (home / LOG).unlink(missing_ok=True)
    told = set(out.glob(SUMMARIES))
    try:
        with child.stoppable(), prefect_server(home, schedules=True) as server:
            server.wait()
            here = {"PREFECT_API_URL": server.api, NIGHT_VARIABLE: json.dumps(night)}
            scheduler = child.start(["-m", "flows.deploy", cron], home / LOG, environment=here)
            try:
                _say(f"nights start at {cron}; Ctrl-C ends this")
                _wait(scheduler, out, told)
            finally:
                child.end(scheduler, patience_s=_PATIENCE_S)
    except child.Stopped:
        _tell(out, told)
        _say("ended; no night will start")


def _wait(scheduler: subprocess.Popen[bytes], out: Path, told: set[Path]) -> NoReturn:
    """Until the scheduler ends, which it never should."""
    while scheduler.poll() is None:
        time.sleep(_POLL_S)
        _tell(out, told)
    raise ThinsliceError(f"Prefect's scheduler ended; see prefect/{LOG} in the output")


def _tell(out: Path, told: set[Path]) -> None:
    """One line for each night that ended since, and for each session that failed in it."""
    for summary in sorted(set(out.glob(SUMMARIES)) - told):
        told.add(summary)
        for line in _told(summary):
            _say(line)


def _told(summary: Path) -> list[str]:
    """How a night ended, by public names: whoever keeps a service's output keeps no ids."""
    data = json.loads(summary.read_text(encoding="utf-8"))
    page = f"runs/{data['run']}/summary.html"
    states = {one["public_name"]: one["state"] for one in data["sessions"]}
    failed = [f"{name}  failed; {page} says why" for name, s in states.items() if s == "failed"]
    return [*failed, f"{data['run']}: {counts_of(states.values())}; {page}"]


def _say(line: str) -> None:
    sys.stderr.write(f"thinslice: {line}\n")
    sys.stderr.flush()


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


def main() -> None:
    """Entry point of the scheduler's process."""
    child.ends_with_parent()
    from prefect.types.entrypoint import EntrypointType

    from flows.scheduled import nightly

    nightly.serve(
        name="nightly",
        schedules=[_schedule(sys.argv[1])],
        limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,  # a file path would shadow `models`
    )


if __name__ == "__main__":
    main()
