"""Schedule the night on this machine with Prefect's own server on loopback."""

from __future__ import annotations

import os
from pathlib import Path


def serve_nightly(
    recordings: Path, *, out: Path, profile: Path | None, consent: Path | None, cron: str
) -> None:
    """Stay in the foreground and start `nightly` on schedule; a second night never overlaps."""
    os.environ.setdefault("PREFECT_HOME", str((out / "prefect").resolve()))
    from prefect.schedules import Cron

    from flows.nightly import nightly

    parameters = {
        "recordings": str(recordings.resolve()),
        "out": str(out.resolve()),
        "profile": str(profile.resolve()) if profile else "",
        "consent": str(consent.resolve()) if consent else "",
    }
    nightly.serve(
        name="nightly",
        schedules=[Cron(cron)],
        parameters=parameters,
        limit=1,
    )
