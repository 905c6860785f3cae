"""The stage contract: what a stage declares, what it is given, what it gives back.

A stage is a pure function of its inputs, its engine and its own settings. It never sees the store,
another stage, or the settings of another stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.base import Audio, Frame, Progress, silent
from pipeline.paperwork.session import SessionSpec
from pipeline.settings.section import Section
from pipeline.timeline import Span


@dataclass(frozen=True, slots=True)
class Absence:
    """A modality that could not be measured, and why, in one plain sentence."""

    modality: str
    """audio | speech | turns | transcript | roles | prosody | video | dials | dial_client |
    dial_therapist | reasons | guesses | clips
    """
    reason: str
    """One of `pipeline.tables.REASONS`."""
    sentence: str
    remedy: str = ""
    """What whoever runs the night can do about it; never on the supervisor's page."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Stands in the place of an engine that cannot be had, or of a stage that broke off."""

    reason: str
    sentence: str
    remedy: str = ""

    def absence(self, modality: str) -> Absence:
        """What is reported in its place."""
        return Absence(modality, self.reason, self.sentence, self.remedy)


class Recording(Protocol):
    """The session's media, decoded lazily and at most once per run; `media.recording`."""

    @property
    def audio(self) -> Audio:
        """Mono 16 kHz on the session clock: sample 0 is t = 0."""
        ...

    def audio_channels(self) -> NDArray[np.float32]:
        """As `audio`, one row for each of `session.own_channels`; none if mixed."""
        ...

    @property
    def microphones_off(self) -> tuple[tuple[Span, ...], ...]:
        """Of each row of `audio_channels`, when its microphone records nothing, s."""
        ...

    def forget_audio(self) -> None:
        """Give back what decoded audio takes; it is decoded again if anybody asks."""
        ...

    def frames(self, media: int, *, max_fps: float) -> Iterator[Frame]:
        """Video frames of media file `media`, in time order, with the container's time stamps."""
        ...

    def t_of(self, media: int, pts_s: float) -> float:
        """Session clock, s, of container time `pts_s` in media file `media`."""
        ...

    def path(self, file: str) -> Path:
        """Where a file named in session.toml lies."""
        ...


@runtime_checkable
class InPieces(Protocol):
    """Tables that can be read piece by piece; see `pipeline.results.execute.TablesOnDemand`."""

    def pieces(self, name: str, rows: int) -> Iterator[pa.RecordBatch]:
        """One table at most `rows` at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Inputs:
    """All a stage may read."""

    spec: SessionSpec
    recording: Recording
    tables: Mapping[str, pa.Table]
    """Upstream tables the stage declared in `reads`; read from the store on first use."""
    absences: tuple[Absence, ...] = ()
    """Of all upstream stages; only where the stage declares `reads_absences`."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Upstream stage -> how it was computed; only with `reads_provenance`."""
    progress: Progress = silent

    def pieces(self, name: str, rows: int) -> Iterator[pa.RecordBatch]:
        """An upstream table at most `rows` at a time: from the store, never whole in memory."""
        if isinstance(self.tables, InPieces):
            return self.tables.pieces(name, rows)
        return iter(self.tables[name].to_batches(max_chunksize=rows))


@dataclass(frozen=True, slots=True)
class Outputs:
    """All a stage gives back: every table in `writes`, files for people, and absences."""

    tables: Mapping[str, pa.Table | Iterator[pa.Table]]
    """A large table may come as an iterator of pieces; the store streams it to disk."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the job, as data. `pipeline.stages.STAGES` lists them in order."""

    name: str
    version: int
    """Raise it when the numbers can change."""
    run: Callable[[Inputs, Any, Any], Outputs]
    settings: type[Section]
    """Its section of the profile, under the stage's own name."""
    writes: tuple[str, ...]
    reads: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Sections of session.toml it reads; the files they name count by content."""
    engine: str | None = None
    """Role of its engine: speech_detector | diarizer | transcriber | face_tracker | clip_cutter."""
    scope: str | None = None
    """Consent scope without which it does not run and its tables stay empty."""
    modality: str = ""
    """What is absent when it does not run."""
    without: str = ""
    """What is told to be missing where it breaks off, e.g. ``No words``: the session goes on
    without its tables. Empty where nothing can do without them: the session fails.
    """
    uses_gpu: bool = False
    reads_absences: bool = False
    """Also given every upstream absence."""
    reads_provenance: bool = False
    """Also given how every upstream stage was computed."""
