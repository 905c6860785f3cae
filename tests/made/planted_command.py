"""The command, with `planted_worker` in place of its worker; the first argument is the stage."""

from __future__ import annotations

import sys

from flows import cli, prepare, supervise
from tests.made import night

if __name__ == "__main__":
    supervise.WORKER = ("-m", "tests.made.planted_worker", sys.argv.pop(1), "prefect")
    prepare.describe = night.planted
    cli.main()
