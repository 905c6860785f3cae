"""Planted against recognised words: how many are right, when, and which questions are there.

Both texts are compared word by word without case and signs; "check-in" is two words. They are lined
up by the fewest substitutions, insertions and deletions (Levenshtein 1966), which is what a word
error rate counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

WER_BAR = 0.12
QUESTIONS_BAR = 0.95
WORD_TIME_BAR_S = 0.1
AFTER_PAUSE_BAR_S = 0.15
QUESTION_END_S = 1.0
_SPLIT = re.compile(r"[\s\-‐-―]+")
"""Blanks, and every kind of hyphen and dash."""
_SIGN = re.compile(r"[^\w]+")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lineup:
    """Two texts, word beside word."""

    planted: int
    """Words of the first text."""
    errors: int
    """Words substituted, inserted or left out."""
    pairs: tuple[tuple[int, int], ...]
    """Places, in the lists given, of words that are the same in both."""

    @property
    def error_rate(self) -> float:
        """Errors by planted words; above 1 where much was invented."""
        return self.errors / self.planted if self.planted else float(bool(self.errors))


def plain_words(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """Words without case and signs, and for each the place in `texts` that it stems from."""
    words, places = [], []
    for place, text in enumerate(texts):
        for part in _SPLIT.split(text):
            if plain := _SIGN.sub("", part).casefold():
                words.append(plain)
                places.append(place)
    return words, places


def line_up(planted: Sequence[str], found: Sequence[str]) -> Lineup:
    """Lay the words of two texts side by side with the fewest errors.

    Parameters
    ----------
    planted, found : one entry per written word, in spoken order; signs and case do not count.
    """
    first, first_places = plain_words(planted)
    second, second_places = plain_words(found)
    pairs = [
        (first_places[i], second_places[j])
        for step in Levenshtein.opcodes(first, second)
        if step.tag == "equal"
        for i, j in zip(
            range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True
        )
    ]
    return Lineup(len(first), Levenshtein.distance(first, second), tuple(pairs))


def time_errors_s(lineup: Lineup, planted: Sequence[Row], found: Sequence[Row]) -> list[float]:
    """Distance in seconds between the starts of words that are the same in both."""
    return [abs(found[j]["start_s"] - planted[i]["start_s"]) for i, j in lineup.pairs]


def after_pause_errors_s(
    lineup: Lineup, planted: Sequence[Row], found: Sequence[Row], pause_s: float
) -> list[float]:
    """As `time_errors_s`, of words that `pause_s` of silence or more comes before."""
    ends = [-np.inf, *(word["end_s"] for word in planted[:-1])]
    first = {i for i, word in enumerate(planted) if word["start_s"] - ends[i] >= pause_s}
    return [abs(found[j]["start_s"] - planted[i]["start_s"]) for i, j in lineup.pairs if i in first]


def questions_found(planted: Sequence[Row], turns: Sequence[Row]) -> int:
    """How many planted questions end within `QUESTION_END_S` of where a turn's question ends."""
    ends = np.array([turn["question_end_s"] for turn in turns if turn["is_question"]], float)
    return sum(
        bool(np.any(np.abs(ends - question["end_s"]) <= QUESTION_END_S)) for question in planted
    )
