"""A turn while its language is being read, with the words that are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.language.lexicon import tokens
from pipeline.language.phrase_cues import Match
from pipeline.language.questions import QuestionType
from pipeline.language.turn_words import owners
from pipeline.timeline import Seconds


@dataclass(frozen=True, slots=True)
class Word:
    """One word as transcribed."""

    start_s: Seconds
    end_s: Seconds
    text: str
    is_measured: bool
    """False: its time was spread over its caption."""

    @property
    def middle_s(self) -> Seconds:
        """Half way through it."""
        return (self.start_s + self.end_s) / 2.0


@dataclass(slots=True)
class Spoken:
    """One turn, and what has been read in it so far."""

    row: Mapping[str, Any]
    """As in `speaker_turns`."""
    role: str
    words: list[Word] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    question: QuestionType | None = None
    question_end_s: Seconds | None = None
    """Where the last question that counts ends: inside the turn if it was answered there."""
    answers: int | None = None
    asked_until_s: Seconds | None = None
    """End of the question that this turn answers."""
    latency_s: Seconds | None = None

    def texts(self, before_s: Seconds = float("inf")) -> list[str]:
        """Words as transcribed, up to a moment."""
        return [word.text for word in self.words if word.middle_s < before_s]

    def tokens(self) -> list[str]:
        """Lower-case words without punctuation."""
        return [token for word in self.words for token in tokens(word.text)]

    def count(self, cue: str) -> int:
        """Phrases of one cue in it."""
        return sum(match.cue == cue for match in self.matches)


def spoken_turns(
    speaker_turns: pa.Table, roles: Mapping[int, str], words: pa.Table
) -> list[Spoken]:
    """Every turn with its role and its words, in the order of `speaker_turns`."""
    turns = [Spoken(row, roles.get(row["speaker"], "unknown")) for row in speaker_turns.to_pylist()]
    if turns and words.num_rows:
        _give_words(turns, words)
    return turns


def _give_words(turns: Sequence[Spoken], words: pa.Table) -> None:
    starts, ends = (words.column(name).to_numpy() for name in ("start_s", "end_s"))
    speakers = pc.fill_null(words.column("speaker"), -1).to_numpy().astype(np.int64)
    spans = (
        np.array([turn.row["start_s"] for turn in turns]),
        np.array([turn.row["end_s"] for turn in turns]),
        np.array([turn.row["speaker"] for turn in turns]),
    )
    texts, timing = (words.column(name).to_pylist() for name in ("text", "timing"))
    owned = owners((starts, ends, speakers), spans)
    for start, end, text, timed, owner in zip(starts, ends, texts, timing, owned, strict=True):
        if owner >= 0:
            said = Word(float(start), float(end), text, timed == "measured")
            turns[owner].words.append(said)
