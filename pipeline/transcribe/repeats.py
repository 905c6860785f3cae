"""What captions show again was said once: captions that roll, build up or highlight.

Rolling captions carry lines of the one before on top, others grow word by word, and highlighted
ones show a whole sentence once for each of its words. A person may say a thing twice, and the other
may repeat it: so what is shown again is taken away only where captions around do the same. The
shares are [ours].
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from pipeline.transcribe.captions import Cue, Mark, tokens

AROUND = 4
"""Pairs of captions before and after that are looked at."""
SHARE = 0.4
"""Of those, how many must show something again."""
WORDS_MIN = 4
"""And how many words together: "yes. yes." shows nothing."""
TOUCHES_S = 0.1
"""Captions that build up follow each other without a pause."""
HELD_S = 0.1
"""A caption so short that nobody reads it holds the one before on the screen."""
MOST_LINES = 16

_BARE = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class _Shown:
    """The words of a caption as they are compared."""

    words: tuple[str, ...]
    ends: tuple[int, ...]
    """Of each word in the text."""
    line_starts: tuple[int, ...]
    """Index of the first word of each line."""


@dataclass(frozen=True, slots=True)
class _Again:
    """How the beginning of a caption relates to the one before."""

    words: int = 0
    """At its beginning, that the one before showed as well."""
    is_evidence: bool = False
    """No speech makes captions like these two."""
    same_showing: bool = False
    """Nothing was added: the text stayed on the screen."""


_NOTHING = _Again()


def said_once(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """The captions without what is shown again, and how many words that was.

    Where a highlight runs through a text, its words have the times at which it stood on them.
    """
    shown = [_shown(cue) for cue in cues]
    pairs = [_NOTHING] + [
        _again((cues[i - 1], shown[i - 1]), (cues[i], shown[i])) for i in range(1, len(cues))
    ]
    rolling = _rolling(pairs)
    kept: list[Cue] = []
    repeated = 0
    for cue, text, pair, rolls in zip(cues, shown, pairs, rolling, strict=True):
        twice = bool(kept) and _is_double(kept[-1], cue, pair)
        if not (pair.words and (rolls or twice)):
            kept.append(cue)
            continue
        repeated += pair.words
        if pair.same_showing or twice:
            first = _highlighted(kept[-1], kept[-1])
            kept[-1] = _highlighted(replace(first, end_s=max(first.end_s, cue.end_s)), cue)
        else:
            kept.append(_rest(kept[-1], cue, text.ends[pair.words - 1]))
    return kept, repeated


def _shown(cue: Cue) -> _Shown:
    listed = [(at, at + len(text), bare) for at, text in tokens(cue.text) if (bare := _bare(text))]
    places = [at for at, _, _ in listed]
    breaks = [0, *(match.end() for match in re.finditer("\n", cue.text))]
    starts = sorted({bisect_left(places, at) for at in breaks} - {len(places)})
    return _Shown(
        tuple(bare for _, _, bare in listed), tuple(end for _, end, _ in listed), tuple(starts)
    )


def _bare(token: str) -> str:
    return _BARE.sub("", token).casefold()


def _again(before: tuple[Cue, _Shown], now: tuple[Cue, _Shown]) -> _Again:
    (last, old), (cue, new) = before, now
    if not old.words or not new.words:
        return _NOTHING
    touches = cue.start_s <= last.end_s + TOUCHES_S
    if old.words == new.words:
        return _same(last, cue, len(new.words)) if touches else _NOTHING
    if last.highlight and cue.highlight:
        return _NOTHING  # a highlight runs through one text after the other
    first_timed = _first_timed(cue, new)
    for start in old.line_starts[-MOST_LINES:]:
        size = len(old.words) - start
        whole_lines = size in new.line_starts
        if size > min(first_timed, len(new.words)) or new.words[:size] != old.words[start:]:
            continue
        if size == len(new.words):
            return _same(last, replace(cue, highlight=None), size) if touches else _NOTHING
        if whole_lines or touches:
            return _Again(size, is_evidence=True)
    return _NOTHING


def _same(last: Cue, cue: Cue, size: int) -> _Again:
    if cue.marks and not last.marks:
        return _NOTHING  # its words have times of their own: they are said now
    if last.highlight and cue.highlight:
        moves = cue.highlight[0] > last.highlight[0]
        return _Again(size, moves, same_showing=True) if moves else _NOTHING
    held = cue.end_s - cue.start_s <= HELD_S or last.end_s - last.start_s <= HELD_S
    plain = size >= WORDS_MIN and not (last.marks or cue.marks)
    return _Again(size, held or plain, same_showing=True)


def _first_timed(cue: Cue, new: _Shown) -> int:
    """Words before the line in which the first time of its own stands: that line is new."""
    if not cue.marks:
        return len(new.words)
    places = bisect_left(new.ends, cue.marks[0].at)
    return max(start for start in new.line_starts if start <= max(places, 0)) if places else 0


def _rolling(pairs: Sequence[_Again]) -> list[bool]:
    """Whether captions around each one show things again."""
    evidence = [0, *accumulate(int(pair.is_evidence) for pair in pairs)]
    words = [0, *accumulate(pair.words if pair.is_evidence else 0 for pair in pairs)]
    found = []
    for at in range(len(pairs)):
        first, after = max(1, at - AROUND), min(len(pairs), at + AROUND + 1)
        enough = evidence[after] - evidence[first] >= max(1.0, SHARE * (after - first))
        found.append(enough and words[after] - words[first] >= WORDS_MIN)
    return found


def _is_double(last: Cue, cue: Cue, pair: _Again) -> bool:
    """Whether a caption stands twice in the file, with the same times."""
    return pair.same_showing and (last.start_s, last.end_s) == (cue.start_s, cue.end_s)


def _rest(last: Cue, cue: Cue, end: int) -> Cue:
    """What a caption adds; who spoke before speaks on, unless it says otherwise."""
    rest = cue.without([(0, end)])
    voice = cue.voice_at(end)
    if voice is None and last.voices and not any(at >= end for at, _ in cue.voices):
        return replace(rest, voices=((0, last.voices[-1][1]),))
    return rest


def _highlighted(shown: Cue, cue: Cue) -> Cue:
    """The text with the time of the word on which a caption's highlight stands."""
    if cue.highlight is None:
        return shown
    at, end = cue.highlight
    alone = len(tokens(cue.text[at:end])) == 1 and len(tokens(cue.text)) > 1
    same = shown.text[at:end] == cue.text[at:end]
    if not (alone and same) or any(mark.at == at for mark in shown.marks):
        return shown
    return replace(shown, marks=(*shown.marks, Mark(at, cue.start_s, cue.end_s)))
