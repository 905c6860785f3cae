"""What every transcript format is read into: captions, each a text with times and voices at places.

The formats have a module each (`subtitles`, `stm`, `recognisers`). What they read goes through the
same steps, each of which blanks what is no spoken word or mends times, and leaves the places of
everything else alone: `labels`, `events`, `repeats`, `order`. Last, `words_of` makes words of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pipeline.errors import SessionError
from pipeline.timeline import Seconds

LATEST_S = 1e6
"""No recording lasts longer: eleven days."""
LONGEST = 20_000
"""Characters of a caption; an hour of talk has three times as many."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"\S+")
_LETTER = re.compile(r"[^\W_]")
_UNSEEN = re.compile("[\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SUNG = re.compile("[♩♪♫♬🎵🎶]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A time of its own at one place of a text."""

    at: int
    """Index into the text: the time is that of the word which begins there, or after blanks."""
    start_s: Seconds
    end_s: Seconds | None = None
    """None where only the start is known: it lasts until the next mark."""
    probability: float | None = None
    """0..1 where the file gives one."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Text that a file keeps together: a caption, an utterance or a segment."""

    start_s: Seconds
    end_s: Seconds
    text: str
    """Lines as shown, without markup. What turns out to be no word is blanked, never cut."""
    marks: tuple[Mark, ...] = ()
    voices: tuple[tuple[int, str | None], ...] = ()
    """(place, who speaks from there on, as the file names them), in order; None: unknown."""
    highlight: tuple[int, int] | None = None
    """The part shown in a style of its own, where there is exactly one."""

    def without(self, spans: Iterable[tuple[int, int]]) -> Cue:
        """The same with these places blanked, line ends kept."""
        letters = list(self.text)
        for start, end in spans:
            letters[start:end] = ["\n" if letter == "\n" else " " for letter in letters[start:end]]
        return replace(self, text="".join(letters))

    def voice_at(self, at: int) -> str | None:
        """Who speaks at a place; None where nobody is named."""
        index = bisect_right(self.voices, at, key=lambda voice: voice[0])
        return self.voices[index - 1][1] if index else None


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a caption."""

    start_s: Seconds
    end_s: Seconds
    text: str
    voice: str | None
    """Who the file says speaks, in its own words; None where it does not say."""
    is_measured: bool
    """True: it has a time of its own. False: spread over its caption by number of characters."""
    probability: float | None = None


@dataclass(slots=True)
class Found:
    """Captions read so far, and what of the file could not be used; a reader fills it."""

    cues: list[Cue] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Place and fault of each caption that was left out; never its text."""
    odd_values: int = 0
    """Times and scores of single words that cannot be, left out."""


def wrong(file: str, place: str, what: str) -> SessionError:
    """The error for a place in a transcript file; never holds the text of a caption."""
    return SessionError(f"{file}, {place}: {what}")


def lines_of(text: str) -> list[str]:
    """Lines of a transcript file, whichever system wrote their ends."""
    return _LINE_END.split(text)


def clean(text: str) -> str:
    """Text without characters that nobody sees, and blanks for those that are no text."""
    return _UNREADABLE.sub(" ", _UNSEEN.sub("", text))


def is_time(seconds: float | None) -> bool:
    """Whether a recording can have this position; never for NaN."""
    return seconds is not None and 0 <= seconds < LATEST_S


def tokens(text: str) -> list[tuple[int, str]]:
    """(place, word) of each word of a text; a sign that stands alone joins the word before it."""
    found: list[tuple[int, str]] = []
    is_word = False  # the last one found
    for match in _TOKEN.finditer(_SUNG.sub(" ", text)):
        at, token = match.start(), match.group()
        has_letters = _LETTER.search(token) is not None
        if found and not (has_letters and is_word):
            found[-1] = (found[-1][0], found[-1][1] + token)  # a sign that opens goes with the next
        else:
            found.append((at, token))
        is_word = has_letters or (is_word and bool(found))
    return found if is_word else []


def spread(texts: Sequence[str], start_s: Seconds, end_s: Seconds) -> list[tuple[Seconds, Seconds]]:
    """Times of words one after the other, each as long as its share of the characters."""
    total = sum(map(len, texts))
    times: list[tuple[Seconds, Seconds]] = []
    at_s, done = start_s, 0
    for text in texts:
        done += len(text)
        until_s = start_s + (end_s - start_s) * done / total
        times.append((at_s, until_s))
        at_s = until_s
    return times


def words_of(cue: Cue) -> list[Word]:
    """Words of a caption whose marks rise: what has no time of its own lies between what has.

    Of a stretch that begins at a mark without an end, the first word's start is measured; so is
    the start of the first word of a caption in which such marks follow.
    """
    listed = tokens(cue.text)
    timed = _timed(cue, listed)
    opens = any(mark.end_s is None for mark in timed.values())
    words: list[Word] = []
    for first, after in _runs(timed, len(listed)):
        mark = timed.get(first)
        run = listed[first:after]
        begins = mark.start_s if mark else cue.start_s
        closes = timed[after].start_s if after in timed else max(cue.end_s, begins)
        if mark and mark.end_s is not None:
            until_s = min(mark.end_s, closes) if after in timed else mark.end_s
            words.append(_word(cue, run[0], (begins, until_s), mark=mark))
            run, begins, mark = run[1:], until_s, None
            closes = max(closes, begins)
        times = spread([text for _, text in run], begins, closes)
        for index, (token, span) in enumerate(zip(run, times, strict=True)):
            is_first = index == 0 and (mark is not None or (first == 0 and opens))
            words.append(_word(cue, token, span, mark=mark, is_measured=is_first))
    return words


def _timed(cue: Cue, listed: Sequence[tuple[int, str]]) -> dict[int, Mark]:
    """Index of a word -> the mark that stands right before it, or before the blanks before it."""
    places = [at for at, _ in listed]
    timed: dict[int, Mark] = {}
    for mark in cue.marks:
        index = bisect_right(places, mark.at - 1)
        if index < len(places) and not _LETTER.search(cue.text, mark.at, places[index]):
            timed.setdefault(index, mark)
    return timed


def _runs(timed: Iterable[int], count: int) -> list[tuple[int, int]]:
    """(first, after) of the stretches of words that begin at a mark, or at the first word."""
    if not count:
        return []
    firsts = sorted({0, *timed})
    return list(zip(firsts, [*firsts[1:], count], strict=True))


def _word(
    cue: Cue,
    token: tuple[int, str],
    span: tuple[Seconds, Seconds],
    *,
    mark: Mark | None,
    is_measured: bool = True,
) -> Word:
    at, text = token
    probability = mark.probability if mark and is_measured else None
    return Word(*span, text, cue.voice_at(at), is_measured, probability)
