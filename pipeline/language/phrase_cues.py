"""Cues in what a turn says: directives, permission, reflections and the like, from phrase lists.

A cue is described by up to four lists of the lexicon: ``<cue>`` counts wherever it stands,
``<cue>_stated`` only in a statement, ``<cue>_asked`` only in a question, and what overlaps one of
``<cue>_exceptions`` does not count ("you don't have to", "do you think you should"). Somebody
else's words count for none: what follows ``reported_speech`` in a sentence ("he said you should"),
and what stands between quotation marks. Without punctuation, statements and questions are not told
apart. Caveat: a phrase is a weak sign of what was done with it; `bench/cues.py` gives
precision and recall (METHODS: Words).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import ConfigError
from pipeline.language.lexicon import (
    compile_leading,
    compile_phrases,
    leading_count,
    phrases_named,
    spaced,
    tokens,
)
from pipeline.tables import PHRASE_CUES

CUES = PHRASE_CUES
"""Every cue, by the name of its lists in the lexicon."""

_QUOTATION_MARKS = '"“”„«»'

AT_START = frozenset({"demur"})
"""Sought in the first sentence of a turn only."""


@dataclass(frozen=True, slots=True)
class Match:
    """One phrase found in a turn."""

    cue: str
    first: int
    """Position of its first word among the words of the turn."""
    last: int
    """Position of its last word."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens of one sentence, without quotations and without hesitations at its start."""

    text: str
    """As patterns read it."""
    word_of: tuple[int, ...]
    """For each token, the position of its word among the words of the turn."""
    kinds: tuple[str, ...]
    """Endings of the lists that apply to it."""
    own_until: int
    """A phrase that begins here or later in `text` is part of somebody else's words."""


class CueRules:
    """The cue lists of a lexicon, compiled once.

    Raises
    ------
    ConfigError
        The lexicon lacks every list of a cue, or a phrase cannot be read.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]], *, punctuated: bool) -> None:
        self._punctuated = punctuated
        self._hesitations = compile_leading(phrases_named(lists, "hesitations"))
        self._tags = compile_phrases(phrases_named(lists, "statement_tags"))
        self._reported = compile_phrases(phrases_named(lists, "reported_speech"))
        self._reported_after = compile_phrases(phrases_named(lists, "reported_speech_after"))
        self._found = {
            (cue, kind): compile_phrases(phrases_named(lists, cue + kind))
            for cue in CUES
            for kind in _kinds(lists, cue)
        }
        self._exceptions = {
            cue: compile_phrases(phrases_named(lists, f"{cue}_exceptions"))
            for cue in CUES
            if f"{cue}_exceptions" in lists
        }

    def read(self, words: Sequence[str]) -> list[Match]:
        """Every phrase in `words` (as transcribed) that counts, cue by cue in order of place."""
        spoken = list(self._sentences(words))
        found = [
            match
            for cue in CUES
            for sentence in (spoken[:1] if cue in AT_START else spoken)
            for match in self._matches(cue, sentence)
        ]
        return _disjoint(found)

    def _matches(self, cue: str, sentence: Sentence) -> Iterator[Match]:
        spans = [
            found.span()
            for kind in sentence.kinds
            if (cue, kind) in self._found
            for found in self._found[cue, kind].finditer(sentence.text)
        ]
        if not spans:
            return
        exceptions = self._exceptions.get(cue)
        ruled_out = [f.span() for f in exceptions.finditer(sentence.text)] if exceptions else []
        for start, end in spans:
            excepted = any(start < stop and begin < end for begin, stop in ruled_out)
            if start < sentence.own_until and not excepted:
                first = sentence.text.count(" ", 0, start + 1) - 1
                last = sentence.text.count(" ", 0, end) - 1
                yield Match(cue, sentence.word_of[first], sentence.word_of[last])

    def _sentences(self, words: Sequence[str]) -> Iterator[Sentence]:
        begin = 0
        for position, word in enumerate(words):
            ends = self._punctuated and _bare(word).endswith((".", "?", "!", "…"))
            if ends or position == len(words) - 1:
                sentence = self._sentence(words, range(begin, position + 1))
                begin = position + 1
                if sentence is not None:
                    yield sentence

    def _sentence(self, words: Sequence[str], places: range) -> Sentence | None:
        quoted = _quoted([words[place] for place in places])
        said = [
            (token, place)
            for place, is_quoted in zip(places, quoted, strict=True)
            if not is_quoted
            for token in tokens(words[place])
        ]
        kept = said[leading_count(self._hesitations, [token for token, _ in said]) :] or said
        if not kept:
            return None
        text = spaced(token for token, _ in kept)
        asked = not self._punctuated or _bare(words[places[-1]]).endswith("?")
        tagged = asked and self._tags.search(text) is not None
        stated = not self._punctuated or not asked or tagged
        kinds = ("", *(["_stated"] if stated else []), *(["_asked"] if asked else []))
        return Sentence(text, tuple(place for _, place in kept), kinds, self._own_until(text))

    def _own_until(self, text: str) -> int:
        if self._reported_after.search(text):
            return 0
        reported = self._reported.search(text)
        return reported.start() + 1 if reported else len(text)


def feedback_sought(matches: Sequence[Match]) -> str:
    """none, general ("how was today?") or specific ("anything I missed?"); specific wins."""
    found = {match.cue for match in matches}
    if "feedback_specific" in found:
        return "specific"
    return "general" if "feedback_general" in found else "none"


def repair_marker(matches: Sequence[Match]) -> int:
    """0-3: one each for looking back at the shared work, owning a part, inviting the other's view.

    For scale: raters code repair from whole sessions, not by phrases (METHODS: Words).
    """
    return len({match.cue for match in matches if match.cue.startswith("repair_")})


def _kinds(lists: Mapping[str, Sequence[str]], cue: str) -> list[str]:
    kinds = [kind for kind in ("", "_stated", "_asked") if cue + kind in lists]
    if not kinds:
        raise ConfigError(
            f"the lexicon lacks the list {cue!r} (or {cue}_stated, or {cue}_asked); add one, even "
            "empty"
        )
    return kinds


def _quoted(words: Sequence[str]) -> list[bool]:
    """Which words stand between quotation marks; a mark that is never closed opens nothing."""
    marks = [sum(word.count(mark) for mark in _QUOTATION_MARKS) for word in words]
    left = sum(marks) - sum(marks) % 2
    found, is_open = [], False
    for count in marks:
        used = min(count, left)
        left -= used
        found.append(is_open or used > 0)
        is_open ^= used % 2 == 1
    return found


def _bare(word: str) -> str:
    return word.rstrip("\"')”’")


def _disjoint(matches: Sequence[Match]) -> list[Match]:
    """Of matches of one cue that overlap, the first (of two that begin together, the longer)."""
    kept: list[Match] = []
    for match in sorted(matches, key=lambda m: (CUES.index(m.cue), m.first, -m.last)):
        if not kept or kept[-1].cue != match.cue or match.first > kept[-1].last:
            kept.append(match)
    return kept
