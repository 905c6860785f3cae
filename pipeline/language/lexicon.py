"""Phrase lists compiled to patterns, in a notation that a clinician can read and edit.

A phrase is plain words, matched whole and without regard to case or punctuation. Six signs:

=========  ==============================================
``a/b``    one of these words
``(a/b)``  the same, may be left out
``@name``  one of the words in the list `name`
``...``    up to four words
``^``      before the first word: only at the start
``$``      after the last word: only at the end
=========  ==============================================

Caveat: a phrase match is a weak sign on its own (METHODS: Words).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pipeline.errors import ConfigError

_TOKEN = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.?!…]*[.?!…]+|[^.?!…]+$")
_SIGNS = re.compile(r"[|\\\[\]{}*+]")
_NEVER = re.compile(r"(?!)")
_REFERENCE = re.compile(r"@(\w+)")


def tokens(text: str) -> list[str]:
    """Lower-case words of `text` without punctuation; ``mm-hmm`` and ``don't`` are one each."""
    return _TOKEN.findall(text.lower().replace("’", "'"))


def sentences(text: str) -> list[str]:
    """Sentences that hold a word, each with its closing punctuation."""
    return [found.strip() for found in _SENTENCE.findall(text) if tokens(found)]


def phrases_named(lists: Mapping[str, Sequence[str]], name: str) -> Sequence[str]:
    """One list of a lexicon, every ``@name`` in it replaced by the words of that list.

    Raises
    ------
    ConfigError
        The lexicon lacks the list, or one that it refers to.
    """
    if name not in lists:
        have = ", ".join(sorted(lists)) or "none"
        raise ConfigError(
            f"the lexicon lacks the list {name!r} (it has: {have}); add it, even empty"
        )
    return [
        _REFERENCE.sub(lambda found: "/".join(phrases_named(lists, found[1])), phrase)
        for phrase in lists[name]
    ]


def compile_phrases(phrases: Iterable[str]) -> re.Pattern[str]:
    """Pattern that finds any of the phrases; use it with `contains` or on `spaced` words.

    Raises
    ------
    ConfigError
        A phrase is empty or holds a sign that the notation does not have.
    """
    patterns = [_phrase_pattern(phrase) for phrase in phrases]
    return re.compile("|".join(patterns)) if patterns else _NEVER


def compile_whole(phrases: Iterable[str], fillers: Iterable[str] = ()) -> re.Pattern[str]:
    """Pattern that matches where a text consists of such phrases (and fillers) and nothing else."""
    core = [_phrase_pattern(phrase) for phrase in phrases]
    if not core:
        return _NEVER
    either = "|".join([*core, *(_phrase_pattern(filler) for filler in fillers)])
    return re.compile(rf"\A(?:{either})*(?:{'|'.join(core)})(?:{either})*\Z")


def compile_leading(phrases: Iterable[str]) -> re.Pattern[str]:
    """Pattern of any number of such phrases at the start; use it with `leading_count`."""
    either = "|".join(_phrase_pattern(phrase) for phrase in phrases)
    return re.compile(rf"\A(?:{either})*" if either else r"\A")


def leading_count(pattern: re.Pattern[str], words: Sequence[str]) -> int:
    """How many of `tokens` at the start the pattern of `compile_leading` takes up."""
    found = pattern.match(spaced(words))
    return found.group().count(" ") if found else 0


def contains(pattern: re.Pattern[str], words: Sequence[str]) -> bool:
    """Whether the pattern is found in a sequence of `tokens`."""
    return pattern.search(spaced(words)) is not None


def spaced(words: Iterable[str]) -> str:
    """The text that compiled patterns read: every one of `tokens` with a blank before it."""
    return "".join(f" {word}" for word in words)


def _phrase_pattern(phrase: str) -> str:
    """Regular expression over words that each carry one leading blank."""
    if _SIGNS.search(phrase) or not tokens(phrase):
        raise ConfigError(
            f"lexicon phrase {phrase!r}: use words, a/b, (a/b), @name, ..., ^ and $ only; "
            "see pipeline/language/lexicon.py"
        )
    parts = phrase.strip("^$ ").split()
    if all(part == "..." or part.startswith("(") for part in parts):
        raise ConfigError(f"lexicon phrase {phrase!r}: at least one word must not be left out")
    start = r"\A" if phrase.startswith("^") else ""
    end = r"\Z" if phrase.endswith("$") else r"(?!\S)"
    return start + "".join(_part_pattern(part) for part in parts) + end


def _part_pattern(part: str) -> str:
    if part == "...":
        return r"(?: \S+){0,4}?"
    optional = part.startswith("(") and part.endswith(")")
    choices = "|".join(re.escape(word) for word in part.strip("()").lower().split("/"))
    return f"(?: (?:{choices}))?" if optional else f" (?:{choices})"
