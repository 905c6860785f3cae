"""What makes the words of a pack doubtful: speech without words, repetition, improbable words.

A search for words can end too early and leave out whole sentences, or go round in circles; it says
so nowhere. Both show in the result: the alignment stretches the words beside what was left out over
it, and text that repeats itself compresses (Radford et al. 2022, section 4.5).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from models.base import Interval, Seconds, TimedWord
from models.options import TranscriberOptions

REACH_S: Seconds = 0.5
"""A word covers speech this far beyond its ends: alignment errs by some 0.1 s, and a hesitation or
an "mm-hmm" beside it is often not written."""
LONGEST_WORD_S: Seconds = 1.5
"""A longer word was stretched over what is not written; only its ends cover anything."""

LEAST = 1e-9
"""A probability whose logarithm can be had."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was found in one pack."""

    inside: Interval
    words: tuple[TimedWord, ...]
    mean_log: float
    """Mean log probability of its tokens, the end included."""
    repetition: float
    """`repetition` of its text."""
    unworded_s: Seconds
    """Speech that no word covers."""
    is_silent: bool = False
    """The model holds it for no speech, whatever the detector says: laughter, a cough, music."""

    def is_doubtful(self, options: TranscriberOptions) -> bool:
        """Whether it is worth hearing again in smaller packs.

        What holds no speech is not: the smaller the pack, the more readily words are invented.
        """
        if self.is_silent:
            return False
        return self.unworded_s >= options.unworded_s or self.is_unsure(options)

    def is_borne_out(self, options: TranscriberOptions) -> bool:
        """Whether its words are probable from the sound alone, whatever text came before.

        That is what the probability of a word is: the alignment is made without that text.
        """
        logs = [math.log(max(word.probability or 0.0, LEAST)) for word in self.words]
        return bool(logs) and not self.is_silent and fmean(logs) >= options.borne_out_threshold

    def is_unsure(self, options: TranscriberOptions) -> bool:
        """Whether its words are to be taken with caution."""
        return bool(self.words) and (
            self.repetition > options.repetition_threshold
            or self.mean_log < options.log_prob_threshold
        )


def repetition(text: str) -> float:
    """Length over its compressed length: about 1.5 for a minute of talk, over 2.4 in circles."""
    plain = text.encode()
    return len(plain) / len(zlib.compress(plain)) if plain else 0.0


def unworded_s(speech: Sequence[Interval], words: Sequence[TimedWord], inside: Interval) -> Seconds:
    """Speech in a pack that no word covers.

    Parameters
    ----------
    speech
        Sorted, not overlapping.
    words
        Of the pack, in any order.
    inside
        The pack.

    """
    covered = sorted(span for word in words for span in _covers(word))
    left_s = 0.0
    for one in speech:
        at_s, end_s = max(one.start_s, inside.start_s), min(one.end_s, inside.end_s)
        for first_s, last_s in covered:
            if first_s >= end_s:
                break
            left_s += max(0.0, first_s - at_s)
            at_s = max(at_s, last_s)
        left_s += max(0.0, end_s - at_s)
    return left_s


def _covers(word: TimedWord) -> list[tuple[Seconds, Seconds]]:
    if word.end_s - word.start_s <= LONGEST_WORD_S:
        return [(word.start_s - REACH_S, word.end_s + REACH_S)]
    return [(edge_s - REACH_S, edge_s + REACH_S) for edge_s in (word.start_s, word.end_s)]
