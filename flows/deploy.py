"""Schedule the night on this machine with Prefect's own server on loopback."""

from __future__ import annotations

import json
import os
from pathlib import Path

from flows.work import stay_on_this_machine


def serve_nightly(
    recordings: Path, *, out: Path, profile: Path | None, consent: Path | None, cron: str
) -> None:
    """Stay in the foreground and start `nightly` on schedule; a second night never overlaps.

    The folders travel in the environment, because Prefect stores parameters.
    """
    stay_on_this_machine(out)
    from prefect.types.entrypoint import EntrypointType
    from prefect.schedules import Cron

    from flows.nightly import NIGHT_VARIABLE, nightly

    night = {
        "recordings": str(recordings.resolve()),
        "out": str(out.resolve()),
        "profile": str(profile.resolve()) if profile else "",
        "consent": str((consent or recordings / "consent.toml").resolve()),
    }
    os.environ[NIGHT_VARIABLE] = json.dumps(night)
    nightly.serve(
        name="nightly",
        schedules=[Cron(cron)],
        limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,  # a file path would shadow `models`
    )
