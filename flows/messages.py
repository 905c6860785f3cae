"""What a worker tells the process that watches it. Ids, figures and outcomes; sent as pickles."""

from __future__ import annotations

from dataclasses import dataclass

from flows.prepare import Outcome
from pipeline.results.store import Manifest


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage is tried, for the first time or again."""

    session: str
    stage: str
    position: int
    count: int
    media_s: float
    """Length of the recording; 0 where it is not known yet."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far the stage is."""

    step: str
    share: float


@dataclass(frozen=True, slots=True)
class StageEnded:
    """A stage is done, found, or gone without."""

    session: str
    stage: str
    why: str
    is_computed: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A line that stays."""

    text: str


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session has its outcome."""

    session: str
    outcome: Outcome
    done: dict[str, Manifest]
    computed: set[str]


@dataclass(frozen=True, slots=True)
class PrefectFailed:
    """Prefect itself gave up."""

    kind: str


Message = StageStarted | Progressed | StageEnded | Said | SessionEnded | PrefectFailed
