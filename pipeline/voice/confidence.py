"""How sure the engines are of a turn: of whose voice it is, and of the words in it.

Both are means of the engines' own figures (`SpeakerInterval.confidence`, `TimedWord.probability`).
They are no probabilities that a person checked: they order turns by how much an engine wavered.
Under 0.7 a voice is unsure, under 0.6 the words are [ours].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.language.questions import is_punctuated
from pipeline.language.turn_words import Ints, owners
from pipeline.settings import LanguageSettings
from pipeline.spans import Flags, Windows, amount_inside, divided
from pipeline.timeline import Floats

MOST = 0.5
"""Share of a turn's words."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure the engines are of every turn of a session; arrays of shape (n_turns,)."""

    voice: Floats
    """0 to 1; NaN where the engine gives none"""
    words: Floats
    """0 to 1; NaN where the engine gives none"""
    voice_unsure: Flags
    words_unsure: Flags
    words_missing: Flags
    """Fewer words than were said: in this turn, or in the session as a whole."""
    punctuated: bool
    """False: no closing marks, so questions are told by their word order alone."""


def certainty(upstream: Mapping[str, pa.Table], settings: LanguageSettings) -> Certainty:
    """Of the turns in `speaker_turns`; what no figure is known of is not unsure."""
    turns, words = upstream["speaker_turns"], upstream["words"]
    voice = voice_confidence(upstream["diarization"], turns)
    said = word_probability(words, turns)
    return Certainty(
        voice,
        said,
        voice < settings.voice_confidence_min,
        (said < settings.word_probability_min) | (_share_doubtful(words, turns) >= MOST),
        words_missing(turns, settings),
        is_punctuated(words.column("text").to_pylist()),
    )


def words_missing(turns: pa.Table, settings: LanguageSettings) -> Flags:
    """Turns with fewer words a second of speech than `word_rate_min_wps`; all, if so as a whole.

    Seven meetings and a dictation had 2.9 to 4.1 words per second of speech, so under 1 more than
    half is missing, whoever speaks. A short turn has no rate: "mm-hmm" takes as long as it likes.

    Parameters
    ----------
    turns : the table `speaker_turns`

    Returns
    -------
    shape (n_turns,)
    """
    counted = turns.column("word_count")
    if not turns.num_rows or counted.null_count:
        return np.zeros(turns.num_rows, bool)
    count, spoken_s = counted.to_numpy(), turns.column("phonation_s").to_numpy()
    if count.sum() < settings.word_rate_min_wps * spoken_s.sum():
        return np.ones(turns.num_rows, bool)
    few = count < settings.word_rate_min_wps * spoken_s
    return np.asarray(few & (spoken_s >= settings.word_rate_from_s))


def voice_confidence(diarization: pa.Table, turns: pa.Table) -> Floats:
    """Of each turn, weighted by the length of its stretches; NaN where the engine gives none.

    Parameters
    ----------
    diarization, turns : the tables `diarization` and `speaker_turns`

    Returns
    -------
    shape (n_turns,), 0 to 1
    """
    found = np.full(turns.num_rows, np.nan)
    if not turns.num_rows:
        return found
    known = diarization.filter(
        pc.and_(pc.invert(diarization.column("exclusive")), pc.is_valid(diarization["confidence"]))
    ).sort_by("start_s")
    start_s, end_s, speaker, confidence = (
        known.column(name).to_numpy() for name in ("start_s", "end_s", "speaker", "confidence")
    )
    whole = Windows(*(turns.column(name).to_numpy() for name in ("start_s", "end_s")))
    whose = turns.column("speaker").to_numpy()
    for voice in np.unique(whose):
        own = speaker == voice
        spans = np.column_stack([start_s[own], end_s[own]])
        length_s = end_s[own] - start_s[own]
        sure_s = amount_inside(spans, length_s * confidence[own], whole)
        mean = divided(sure_s, amount_inside(spans, length_s, whole))
        found[whose == voice] = mean[whose == voice]
    return np.clip(found, 0.0, 1.0)


def word_probability(words: pa.Table, turns: pa.Table) -> Floats:
    """How probable the recogniser holds each turn's words, mean; NaN without, as for imported ones.

    Parameters
    ----------
    words, turns : the tables `words` and `speaker_turns`

    Returns
    -------
    shape (n_turns,), 0 to 1
    """
    known = words.filter(pc.is_valid(words.column("probability")))
    if not known.num_rows or not turns.num_rows:
        return np.full(turns.num_rows, np.nan)
    owned = owners(_with_speaker(known), _with_speaker(turns))
    probability = known.column("probability").to_numpy().astype(np.float64)
    total, count = (
        np.bincount(owned[owned >= 0], weights[owned >= 0], turns.num_rows).astype(np.float64)
        for weights in (probability, np.ones(len(owned)))
    )
    return divided(total, count)


def _share_doubtful(words: pa.Table, turns: pa.Table) -> Floats:
    """Share of each turn's words that the recogniser marks; 0 where it marks none."""
    marked = words.filter(pc.fill_null(words.column("low_confidence"), False))
    if not marked.num_rows or not turns.num_rows:
        return np.zeros(turns.num_rows)
    whole, part = (
        np.bincount(owned[owned >= 0], minlength=turns.num_rows)
        for owned in (owners(_with_speaker(some), _with_speaker(turns)) for some in (words, marked))
    )
    return np.divide(part, whole, out=np.zeros(turns.num_rows), where=whole > 0)


def _with_speaker(table: pa.Table) -> tuple[Floats, Floats, Ints]:
    speaker = pc.fill_null(table.column("speaker"), -1).to_numpy().astype(np.int64)
    return table.column("start_s").to_numpy(), table.column("end_s").to_numpy(), speaker
