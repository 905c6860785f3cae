"""What every transcript format is read into: captions of timed words, each with its voice.

The formats have a module each (`webvtt`, `subrip`, `stm`, `whisperx_json`). Shared here are the
rules that must not differ between them: what a word is, how words without times of their own are
spread over their caption, how a line names its speaker, and how an error is worded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import SessionError

_LINE_END = re.compile(r"\r\n|\r|\n")
_LABEL = re.compile(
    r"^[ \t]*(?:-[ \t]*)?(?:\[([^\[\]\n]{1,60})\]|(client|therapist))[ \t]*:(?:[ \t]+|$)",
    re.IGNORECASE | re.MULTILINE,
)
"""A speaker at the start of a line: any name in brackets, as WhisperX writes, or a role."""


@dataclass(frozen=True, slots=True)
class CaptionWord:
    """One word of a caption."""

    start_s: float
    end_s: float
    text: str
    voice: str | None
    """Who the file says speaks; None where it does not say."""
    is_measured: bool
    """True: it has a time of its own. False: spread over its caption by number of characters."""
    probability: float | None = None
    """0..1 where the file gives one."""


@dataclass(frozen=True, slots=True)
class Caption:
    """Words that a file keeps together: a cue, an utterance or a segment."""

    start_s: float
    end_s: float
    words: tuple[CaptionWord, ...]


def wrong(file: str, place: str, what: str) -> SessionError:
    """The error for a place in a transcript file; never holds the text of a caption."""
    return SessionError(f"{file}, {place}: {what}")


def lines_of(text: str) -> list[str]:
    """Lines of a transcript file, whichever system wrote their ends."""
    return _LINE_END.split(text.removeprefix("\ufeff"))


def by_speaker(text: str, voice: str | None) -> list[tuple[str, str | None]]:
    """Cut text where a line begins with a speaker, as ``[SPEAKER_01]:`` or ``Therapist:``.

    Parameters
    ----------
    text : lines of one caption
    voice : who speaks until the first such line

    Returns
    -------
    (text without labels, voice) of each part, empty parts left out.
    """
    parts = []
    at = 0
    for label in _LABEL.finditer(text):
        parts.append((text[at : label.start()], voice))
        voice = " ".join((label.group(1) or label.group(2)).split())
        at = label.end()
    parts.append((text[at:], voice))
    return [(part, who) for part, who in parts if part.strip()]


def tokens(text: str) -> list[str]:
    """Words of a text; a sign that stands alone belongs to the word before it."""
    found: list[str] = []
    for token in text.split():
        if found and not (_has_letters(token) and _has_letters(found[-1])):
            found[-1] += token  # a dash that opens the line goes with the word after it
        else:
            found.append(token)
    return [token for token in found if _has_letters(token)]


def _has_letters(token: str) -> bool:
    return any(letter.isalnum() for letter in token)


def spread(
    run: Sequence[tuple[str, str | None]],
    start_s: float,
    end_s: float,
    *,
    is_first_timed: bool = False,
) -> list[CaptionWord]:
    """Words one after the other, each as long as its share of the characters.

    Parameters
    ----------
    run : (word, voice) in order
    start_s, end_s : where the first starts and the last ends
    is_first_timed : the file says when the first one starts
    """
    total = sum(len(text) for text, _ in run)
    words = []
    at_s = start_s
    done = 0
    for index, (text, voice) in enumerate(run):
        done += len(text)
        until_s = start_s + (end_s - start_s) * done / total
        words.append(CaptionWord(at_s, until_s, text, voice, is_first_timed and index == 0))
        at_s = until_s
    return words
