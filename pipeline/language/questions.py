"""Whether a turn ends in a question, and whether that question is open, from phrase lists.

METHODS: Words. Against AnnoMI's labels the question mark alone
gives F1 .88, the rule without punctuation .77, open against closed .77 (Wu 2022). Caveat: a turn
with more than one question is typed by its last.

People start again: "Wh-what makes you", "where do you- where do you see". What was broken off or
said twice is taken once before a question is typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pipeline.language.lexicon import (
    compile_phrases,
    compile_whole,
    contains,
    phrases_named,
    sentences,
    spaced,
    tokens,
)

QuestionType = Literal["open", "closed"]

REPEATED_WORDS = 5
"""So many words said twice in a row are a new start [ours]."""
_CUT = re.compile(r"(?<=\w)(?:-(?=[\s,]|$)|\s*[–—]|\s-\s|\s*-{2,})")
"""Where speech is broken off; a hyphen inside a word is none."""

TAIL_WORDS = 15
"""Without punctuation the last question is sought in this many words [ours]."""

PUNCTUATED_SHARE = 0.01
"""A transcript with fewer closing marks per word counts as unpunctuated [ours]."""


def is_punctuated(words: Sequence[str]) -> bool:
    """Whether a transcript has closing marks at all."""
    marks = sum(word.rstrip("\"')”’").endswith((".", "?", "!")) for word in words)
    return marks > 0 and marks >= PUNCTUATED_SHARE * len(words)


def steadied(words: Sequence[str]) -> list[str]:
    """`tokens` without stammers (``wh-what``) and without what is said twice in a row."""
    steady: list[str] = []
    for word in words:
        steady.append(_whole(word))
        for length in range(1, REPEATED_WORDS + 1):
            if steady[-length:] == steady[-2 * length : -length]:
                del steady[-length:]
                break
    return steady


def _whole(word: str) -> str:
    """The last part of a word whose first parts are all beginnings of it."""
    *begun, last = word.split("-")
    return last if all(last.startswith(part) for part in begun) else word


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
        self._hesitations = frozenset(phrases_named(lists, "hesitations"))
        self._requests = compile_phrases(phrases_named(lists, "question_requests"))
        self._forms = compile_phrases(
            [*phrases_named(lists, "question_forms"), *phrases_named(lists, "question_tags")]
        )
        self._open = compile_phrases(phrases_named(lists, "open_question_words"))
        self._asking = compile_phrases(phrases_named(lists, "interrogatives"))
        self._amounts = compile_phrases(phrases_named(lists, "closed_question_words"))
        self._closed = compile_phrases(phrases_named(lists, "open_question_exceptions"))

    def question_type(self, words: Sequence[str]) -> QuestionType | None:
        """Type of the question that `words` (as transcribed) end in; None if in none."""
        question = self._closing_question(words)
        if question is None:
            return None
        return "open" if self._is_open(question) else "closed"

    def _is_open(self, question: Sequence[str]) -> bool:
        """Whether it has an open phrase, no closing tag, and does not first ask for an amount."""
        if not contains(self._open, question) or contains(self._closed, question):
            return False
        text = spaced(question)
        first, amount = self._asking.search(text), self._amounts.search(text)
        return amount is None or (first is not None and first.start() < amount.start())

    def _closing_question(self, words: Sequence[str]) -> list[str] | None:
        """Tokens of the question at the end, fillers after it left out."""
        if not self._punctuated:
            tail = self._steadied(tokens(" ".join(words)))[-TAIL_WORDS:]
            asks = contains(self._forms, tail) or contains(self._requests, tail)
            return tail if asks else None
        spoken = sentences(" ".join(words))
        while spoken and contains(self._fillers, tokens(spoken[-1])):
            spoken.pop()
        if not spoken:
            return None
        last = self._after_new_start(spoken[-1])
        asks = spoken[-1].endswith("?") or contains(self._requests, last)
        return last if asks else None

    def _after_new_start(self, sentence: str) -> list[str]:
        """Tokens from where a sentence starts again, if it asks from there on; else all of them."""
        begun = [tokens(part) for part in _CUT.split(sentence)]
        last = self._steadied(begun[-1])
        asks = any(contains(kind, last) for kind in (self._asking, self._forms, self._requests))
        return last if asks else self._steadied(tokens(_CUT.sub(" ", sentence)))

    def _steadied(self, words: Sequence[str]) -> list[str]:
        return steadied([word for word in words if word not in self._hesitations])
