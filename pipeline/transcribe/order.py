"""Times that rise as words were spoken: what runs backwards loses its time, never its place.

A transcript is in spoken order; recognisers now and then give a word the time of another, and
captions that overlap would be shuffled by sorting words. So the times that fit the order best are
kept, and the other words lie between their neighbours, as words without times do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from pipeline.transcribe.captions import Cue, Word, tokens

ODD_SHARE = 0.1
"""More captions of one voice out of order than this: the file is two put together."""


def rising(times: Sequence[float]) -> list[bool]:
    """Which of the times belong to the longest part that never falls; the first such part."""
    tails: list[float] = []
    ends: list[int] = []
    before: list[int] = []
    for index, time in enumerate(times):
        place = bisect_right(tails, time)
        before.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [time]
        ends[place : place + 1] = [index]
    keep = [False] * len(times)
    at = ends[-1] if ends else -1
    while at >= 0:
        keep[at] = True
        at = before[at]
    return keep


def in_order(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """Captions whose times rise within each voice, and how many times did not.

    A caption that starts before the one before it is put where its time says, if nobody of the same
    voice speaks then; otherwise it stays in its place, between its neighbours.
    """
    voices: dict[str | None, list[Cue]] = {}
    for cue in cues:
        voices.setdefault(_voice(cue), []).append(cue)
    odd = 0
    ordered: list[Cue] = []
    for mine in voices.values():
        sorted_cues, moved = _rising_cues(mine)
        odd += moved
        ordered += _apart(sorted_cues)
    ordered.sort(key=lambda cue: cue.start_s)
    marked = [_rising_marks(cue) for cue in ordered]
    return marked, odd + sum(
        len(a.marks) - len(b.marks) for a, b in zip(ordered, marked, strict=True)
    )


def _voice(cue: Cue) -> str | None:
    """Who says the first word."""
    return cue.voice_at(len(cue.text) - len(cue.text.lstrip()))


def _rising_cues(cues: list[Cue]) -> tuple[list[Cue], int]:
    keep = rising([cue.start_s for cue in cues])
    odd = keep.count(False)
    if odd > max(1.0, ODD_SHARE * len(cues)):
        return sorted(cues, key=lambda cue: cue.start_s), odd
    kept = [cue for cue, fits in zip(cues, keep, strict=True) if fits]
    placed: list[Cue] = []
    free: list[Cue] = []
    for cue, fits in zip(cues, keep, strict=True):
        if not fits and _is_free(cue, kept):
            free.append(cue)
        else:
            placed.append(cue if fits else replace(cue, start_s=_before(placed, cue), marks=()))
    return sorted([*_closed(placed), *free], key=lambda cue: cue.start_s), odd


def _is_free(cue: Cue, kept: Sequence[Cue]) -> bool:
    """Whether nothing else is said while a caption is."""
    at = bisect_right(kept, cue.start_s, key=lambda one: one.start_s)
    after = at < len(kept) and kept[at].start_s < cue.end_s
    return not (after or (at > 0 and kept[at - 1].end_s > cue.start_s))


def _before(placed: Sequence[Cue], cue: Cue) -> float:
    return placed[-1].end_s if placed else cue.start_s


def _closed(cues: Sequence[Cue]) -> list[Cue]:
    """Captions of one voice in spoken order, their starts made to rise."""
    closed: list[Cue] = []
    for cue in reversed(cues):
        start_s = min(cue.start_s, closed[-1].start_s) if closed else cue.start_s
        closed.append(replace(cue, start_s=start_s, end_s=max(cue.end_s, start_s)))
    return closed[::-1]


def _apart(cues: Sequence[Cue]) -> list[Cue]:
    """Captions of one voice, none reaching into the next; those that begin together share."""
    listed: list[Cue] = []
    for cue, after in zip(cues, [*cues[1:], None], strict=True):
        if after is None or cue.marks or cue.end_s <= after.start_s:
            listed.append(cue)
        elif after.start_s > cue.start_s:
            listed.append(replace(cue, end_s=after.start_s))
        else:  # no room before words that have times of their own
            listed.append(replace(cue, end_s=cue.start_s) if after.marks else cue)
    return _shared(listed)


def _shared(cues: Sequence[Cue]) -> list[Cue]:
    """Captions that begin together lie one after the other, by their characters."""
    listed = list(cues)
    first = 0
    while first < len(listed):
        after = first + 1
        while after < len(listed) and listed[after].start_s == listed[first].start_s:
            after += 1
        group = listed[first:after]
        if len(group) > 1 and not any(cue.marks for cue in group):
            listed[first:after] = _parted(group)
        first = after
    return listed


def _parted(group: Sequence[Cue]) -> list[Cue]:
    lengths = [max(1, sum(len(text) for _, text in tokens(cue.text))) for cue in group]
    start_s, end_s = group[0].start_s, max(cue.end_s for cue in group)
    parted, done, total = [], 0, sum(lengths)
    for cue, length in zip(group, lengths, strict=True):
        at_s = start_s + (end_s - start_s) * done / total
        done += length
        until_s = start_s + (end_s - start_s) * done / total
        parted.append(replace(cue, start_s=at_s, end_s=until_s))
    return parted


def _rising_marks(cue: Cue) -> Cue:
    keep = rising([mark.start_s for mark in cue.marks])
    if all(keep):
        return cue
    marks = tuple(mark for mark, fits in zip(cue.marks, keep, strict=True) if fits)
    return replace(cue, marks=marks)


def in_spoken_order(words: Sequence[Word]) -> tuple[list[Word], int]:
    """Words sorted by time, those of one voice never before what it said before; how many moved."""
    latest: dict[str | None, float] = {}
    moved = 0
    listed: list[Word] = []
    for word in words:
        start_s = max(word.start_s, latest.get(word.voice, word.start_s))
        latest[word.voice] = start_s
        if start_s > word.start_s:
            moved += 1
            word = replace(word, start_s=start_s, end_s=max(word.end_s, start_s), is_measured=False)  # noqa: PLW2901
        listed.append(word)
    return sorted(listed, key=lambda word: word.start_s), moved
