"""The blinded guess task: which of the client's picked stretches were helpful, which hindering?

The therapist, who has not seen the client's dial, labels stretches that the client's dial picked
(after Swift and Tompkins 2016). What guessing blindly would give is counted exactly: where the
therapist knew how many of each there were, from the hypergeometric distribution (of three and
three, 0, 2, 4 or 6 right come up in 5, 45, 45 and 5 of 100 blind guesses); otherwise each label is
a fair coin.

Caveat: one session can show nothing about skill. Four of six come up half the time, and six of six
once in twenty. Only many sessions together say anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

from pipeline.errors import SessionError
from pipeline.paperwork.csv_rows import choice_of, read_rows, span_of
from pipeline.paperwork.papers import paper
from pipeline.timeline import Seconds, Span, overlap_s

LABELS = ("helpful", "hindering")
KIND_OF = {"high": "helpful", "low": "hindering"}
"""What a picked stretch counts as: the client's highest and lowest, whatever their mean."""
OVERLAP_MIN = 0.5
"""A guess is about a picked stretch that fills, or is filled by, at least half of it."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One label the therapist gave."""

    start_s: Seconds
    """Media position, as in the file."""
    end_s: Seconds
    label: str
    """helpful or hindering."""


@dataclass(frozen=True, slots=True)
class GuessResult:
    """How many labels were right, and how often blind guessing does as well."""

    count: int
    correct: int
    p: float
    """Share of blind guesses with at least as many right, exact."""
    split_known: bool


@paper(SessionError)
def read_guesses(path: Path) -> tuple[Guess, ...]:
    """Rows ``start,end,guess`` of media position; none may overlap another.

    Raises
    ------
    SessionError
        Naming file, line, value and what is allowed.
    """
    found: list[Guess] = []
    for row in read_rows(path, ("start", "end", "guess")):
        guess = Guess(*span_of(row), choice_of(row, "guess", LABELS))
        for other in found:
            if overlap_s((guess.start_s, guess.end_s), (other.start_s, other.end_s)) > 0:
                raise SessionError(
                    f"{row.where}: it overlaps the guess of {other.start_s:g}-{other.end_s:g} s; "
                    "keep one guess for each stretch"
                )
        found.append(guess)
    return tuple(found)


def rated_as(span: Span, picked: Sequence[tuple[Span, str]]) -> str | None:
    """What the client's dial says of a stretch; None where it is about none of the picked ones.

    Parameters
    ----------
    picked
        Span and kind (``high`` or ``low``) of the client's segments.
    """
    shares = [
        (overlap_s(span, other) / min(span[1] - span[0], other[1] - other[0]), kind)
        for other, kind in picked
    ]
    share, kind = max(shares, default=(0.0, ""))
    return KIND_OF[kind] if share >= OVERLAP_MIN else None


def assess(pairs: Sequence[tuple[str, str]], *, split_known: bool) -> GuessResult:
    """Result of pairs of guess and client's label.

    Parameters
    ----------
    pairs : (guess, rated), each helpful or hindering
    split_known
        Whether the therapist knew how many of each there were.
    """
    correct = sum(guess == rated for guess, rated in pairs)
    p = share_at_least(correct, blind(pairs, split_known=split_known))
    return GuessResult(len(pairs), correct, p, split_known)


def blind(pairs: Sequence[tuple[str, str]], *, split_known: bool) -> dict[int, float]:
    """How often blind guessing gets each number of these pairs right; see `assess`."""
    if not split_known:
        return blind_coins(len(pairs))
    helpful = sum(rated == "helpful" for _, rated in pairs)
    return blind_split_known(len(pairs), helpful, sum(guess == "helpful" for guess, _ in pairs))


def blind_together(nulls: Iterable[Mapping[int, float]]) -> dict[int, float]:
    """How often blind guessing gets each number right over several sessions together; exact."""
    total = {0: 1.0}
    for null in nulls:
        summed: dict[int, float] = {}
        for before, share in total.items():
            for right, more in null.items():
                summed[before + right] = summed.get(before + right, 0.0) + share * more
        total = summed
    return total


def share_at_least(correct: int, null: Mapping[int, float]) -> float:
    """Share of blind guesses with at least `correct` right."""
    return min(1.0, sum(share for right, share in null.items() if right >= correct))


def blind_split_known(count: int, helpful: int, guessed: int) -> dict[int, float]:
    """How often blind guessing gets each number right, if `guessed` labels must be helpful.

    Exact: ``count - helpful - guessed + 2 h`` are right with h hypergeometric.
    """
    ways = comb(count, guessed)
    first, last = max(0, guessed + helpful - count), min(helpful, guessed)
    return {
        count - helpful - guessed + 2 * hits: comb(helpful, hits)
        * comb(count - helpful, guessed - hits)
        / ways
        for hits in range(first, last + 1)
    }


def blind_coins(count: int) -> dict[int, float]:
    """How often fair coins get each number right; exact, binomial."""
    return {right: comb(count, right) / 2**count for right in range(count + 1)}


def in_words(correct: int, count: int, p: float) -> str:
    """``4 of 6 right; blind guessing gives 4 or more half the time``."""
    least = f"all {count}" if correct == count else f"{correct} or more"
    return f"{correct} of {count} right; blind guessing gives {least} {how_often(p)}"


def how_often(share: float) -> str:
    """A share as people say it: half the time, one time in 20."""
    if share >= 0.995:
        return "every time"
    if share >= 0.75:
        return f"{round(10 * share)} times in 10" if share < 0.95 else "nearly every time"
    if abs(share - 0.5) < 0.03:
        return "half the time"
    if share > 0.4:
        return f"{round(10 * share)} times in 10"
    return f"one time in {round(1 / share)}"
