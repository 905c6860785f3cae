"""Whether a turn ends in a question, and whether that question is open, from phrase lists.

Sources: SCIENCE 3 (`is_question`, `question_type`); against AnnoMI's labels the question mark alone
gives F1 .88, the rule without punctuation .77, open against closed .77 (Wu 2022). Caveat: a turn
with more than one question is typed by its last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pipeline.talk.lexicon import (
    compile_phrases,
    compile_whole,
    contains,
    phrases_named,
    sentences,
    tokens,
)

QuestionType = Literal["open", "closed"]

TAIL_WORDS = 15
"""Without punctuation the last question is sought in this many words [J]."""

PUNCTUATED_SHARE = 0.01
"""A transcript with fewer closing marks per word counts as unpunctuated [J]."""


def is_punctuated(words: Sequence[str]) -> bool:
    """Whether a transcript has closing marks at all."""
    marks = sum(word.rstrip("\"')”’").endswith((".", "?", "!")) for word in words)
    return marks > 0 and marks >= PUNCTUATED_SHARE * len(words)


class QuestionRules:
    """The question lists of a lexicon, compiled once.

    Raises
    ------
    ConfigError
        The lexicon lacks a list, or a phrase cannot be read.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]], *, punctuated: bool) -> None:
        self._punctuated = punctuated
        self._fillers = compile_whole(phrases_named(lists, "fillers"))
        self._requests = compile_phrases(phrases_named(lists, "question_requests"))
        self._forms = compile_phrases(
            [*phrases_named(lists, "question_forms"), *phrases_named(lists, "question_tags")]
        )
        self._open = compile_phrases(phrases_named(lists, "open_question_words"))
        self._closed = compile_phrases(phrases_named(lists, "open_question_exceptions"))

    def question_type(self, words: Sequence[str]) -> QuestionType | None:
        """Type of the question that `words` (as transcribed) end in; None if in none."""
        question = self._closing_question(words)
        if question is None:
            return None
        is_open = contains(self._open, question) and not contains(self._closed, question)
        return "open" if is_open else "closed"

    def _closing_question(self, words: Sequence[str]) -> list[str] | None:
        """Tokens of the question at the end, fillers after it left out."""
        if not self._punctuated:
            tail = tokens(" ".join(words))[-TAIL_WORDS:]
            asks = contains(self._forms, tail) or contains(self._requests, tail)
            return tail if asks else None
        spoken = sentences(" ".join(words))
        while spoken and contains(self._fillers, tokens(spoken[-1])):
            spoken.pop()
        if not spoken:
            return None
        last = tokens(spoken[-1])
        asks = spoken[-1].endswith("?") or contains(self._requests, last)
        return last if asks else None
