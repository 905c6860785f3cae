"""What went wrong in a stage, in two texts: for the page what is missing, for the night why."""

from __future__ import annotations

from contextlib import suppress

from flows import disk
from models.errors import EngineInputError
from pipeline.errors import ConfigError, InputError
from pipeline.files import write_atomically
from pipeline.results.store import Store
from pipeline.stage import Missing, Stage

OUTSIDE = "outside"
"""The profile or the disk is at fault: other stages would meet it too, so the session fails."""
TRIED_AGAIN = "a step of the program broke off; the next run tries it again."
WHERE = "details lie in the store, problems/"


def why_failed(stage: Stage, error: Exception) -> Missing:
    """What an exception of a stage means."""
    if isinstance(error, ConfigError):
        return Missing(OUTSIDE, str(error))
    if isinstance(error, InputError):
        lead = f"{stage.without}: " if stage.without else ""
        return Missing("unreadable_media", f"{lead}{error}")
    if disk.is_full(error):
        return Missing(OUTSIDE, f"{stage.name} stopped: {disk.FULL}")
    if isinstance(error, EngineInputError):
        return broke_off(stage, f"{stage.name}: {error}")
    return broke_off(stage, f"{stage.name} stopped with {type(error).__name__}; {WHERE}")


def broke_off(stage: Stage, remedy: str) -> Missing:
    """Stands in the place of a stage with a fault of its own."""
    return Missing("fault", f"{stage.without or stage.name}: {TRIED_AGAIN}", remedy)


def as_failure(why: Missing) -> str:
    """Why a session failed: a person's file in its own words, a fault of ours in the night's."""
    return why.remedy or why.sentence


def keep_trace(store: Store, session: str, stage: str, trace: str) -> None:
    """Keep a trace beside the session's artifacts, where withdrawal removes it too."""
    folder = store.problems(session)
    with suppress(OSError):  # the summary names the error, also where the disk takes no trace
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{stage}.txt", trace.encode())
