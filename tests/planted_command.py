"""The command, with `planted_worker` in place of its worker; the first argument is the stage."""

from __future__ import annotations

import sys
from pathlib import Path

import made_night

from flows import cli, prepare, supervise

if __name__ == "__main__":
    worker = str(Path(__file__).with_name("planted_worker.py"))
    supervise.WORKER = (worker, sys.argv.pop(1), "prefect")
    prepare.describe = made_night.planted
    cli.main()
