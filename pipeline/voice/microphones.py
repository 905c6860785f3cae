"""One microphone per person: what its engines promise, and when its channels are believed.

Below `CROSSTALK_OK_DB` either microphone hears both people about alike, and who speaks is found in
the mix, by voice. `ingest` states the figure and `diarize` and `roles` act on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from models.base import Audio, Diarization, Diarizer, Interval, Progress, silent
from pipeline.media.audio import Channels
from pipeline.stage import Missing
from pipeline.timeline import Span, union

CROSSTALK_OK_DB = 6.0  # METHODS: Recording [ours]
CROSSTALK = "crosstalk_db"
"""Its name in table `quality`."""
OFF = "audio_off_s"
"""As well: how long a microphone recorded nothing."""


class ChannelDiarizer(Protocol):
    """Who speaks when, from one channel per person."""

    def speech(self, audio: Audio) -> tuple[Interval, ...]:
        """Stretches of speech in the mix."""
        ...

    def crosstalk_db(self, channels: Channels, off: Sequence[Interval] = ()) -> float | None:
        """By how much each person is louder in the own channel than in the other; None: unknown."""
        ...

    def diarize(
        self, channels: Channels, *, off: Sequence[Interval] = (), progress: Progress = silent
    ) -> Diarization:
        """Turns; the speaker's number is the row of the channel. None while one is `off`."""
        ...


@dataclass(frozen=True, slots=True)
class OwnMicrophones:
    """Both ways to diarize a session in which each person wears a microphone."""

    channels: ChannelDiarizer
    mixed: Callable[[], Diarizer | Missing]
    """Loads what tells voices apart in the mix; called only where the channels do not."""


def either_off(off: Sequence[Sequence[Span]]) -> tuple[Interval, ...]:
    """When any of the microphones records nothing; `off` has the times of each."""
    return tuple(Interval(*span) for span in union(span for spans in off for span in spans))


def keeps_apart(crosstalk_db: float | None) -> bool:
    """Whether a channel can be taken for its wearer's."""
    return crosstalk_db is not None and crosstalk_db >= CROSSTALK_OK_DB


def kept_apart(quality: pa.Table) -> bool:
    """The same of a session, from its table `quality`."""
    return any(
        row["measure"] == CROSSTALK and keeps_apart(row["value"]) for row in quality.to_pylist()
    )


def was_off(quality: pa.Table) -> bool:
    """Whether a microphone recorded nothing for a while, from table `quality`."""
    return any(row["measure"] == OFF and row["value"] for row in quality.to_pylist())
