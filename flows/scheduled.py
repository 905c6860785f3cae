"""The scheduled night, as a Prefect flow: it finds out by itself what there is to do."""

from __future__ import annotations

import json
import os
from pathlib import Path

from prefect import flow

from flows import NIGHT_VARIABLE, child
from flows.folders import session_folders
from flows.progress import Board
from flows.work import work_through
from pipeline.config import load_profile


@flow(name="nightly", persist_result=False)
def nightly() -> None:
    """Everything new or changed below the folder the night was served for."""
    child.follow_parent()
    night = json.loads(os.environ[NIGHT_VARIABLE])
    work_through(
        session_folders(Path(night["recordings"])),
        consent=Path(night["consent"]),
        profile=load_profile(Path(night["profile"]) if night["profile"] else None),
        out=Path(night["out"]),
        board=Board(),
    )
