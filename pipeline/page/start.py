"""Where a supervisor with ten minutes starts: at most three moments, and why, in a line each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import product

from pipeline.page.cards import Card, Reason
from pipeline.rules import BY_ID
from pipeline.timeline import overlap_s

AT_MOST = 3
SAME_SHARE = 0.5
"""Two raters mean the same stretch where this share of the shorter one is in both."""
RATERS = ("client", "therapist")


def start_with(cards: Sequence[Card]) -> list[Card]:
    """The moments to see first, best first.

    More independent views come first: client's dial, therapist's dial, their difference, cues. Then
    kinds that are not among the taken yet, so lows do not hide highs; then what ranks best within
    its rule; then the candidates' summed scores; then the earliest.
    """
    left, taken = list(cards), list[Card]()
    while left and len(taken) < AT_MOST:
        seen = {tone for card in taken for tone in _tones(card)}
        best = min(left, key=lambda card: _order(card, seen))
        left.remove(best)
        taken.append(best)
    return taken


def why(card: Card, rated_by: Collection[str]) -> str:
    """How the raters see the moment, and which cues go with it; what its title says is left out.

    Parameters
    ----------
    rated_by : raters whose dial can be read; of nobody else it is said that they saw nothing
    """
    cues = [BY_ID[r.rule].name for r in card.reasons if not r.is_rating]
    if not card.lead.is_rating:
        cues = cues[1:]
    also = [f"Also: {', '.join(dict.fromkeys(cues))}."] if cues else []
    return " ".join([*_raters(card, rated_by), *also])


def views(card: Card) -> set[str]:
    """Whose views make it a moment: a rater's, both raters' difference, or the cues'."""
    return {r.who if r.is_rating else "cues" for r in card.reasons}


def _order(card: Card, seen: set[str]) -> tuple[int, bool, int, float, float]:
    score = sum(reason.score for reason in card.reasons)
    return (-len(views(card)), _tones(card) <= seen, card.lead.rank, -score, card.start_s)


def _tones(card: Card) -> set[str]:
    return {reason.tone for reason in card.reasons}


def _raters(card: Card, rated_by: Collection[str]) -> Iterator[str]:
    rated = {who: [r for r in card.reasons if r.is_rating and r.who == who] for who in RATERS}
    pairs = {
        (mine.tone, other.tone)
        for mine, other in product(rated["client"], rated["therapist"])
        if _is_shared(mine, other)
    }
    for client, therapist in sorted(pairs):
        if client == therapist:
            yield f"Client and therapist agree: both rated it {client}."
        else:
            yield f"They differ: the client rated it {client}, the therapist {therapist}."
    if "apart" in _tones(card):
        yield "The two ratings part here."
    elif set(RATERS) <= set(rated_by):
        alone = [who for who in RATERS if rated[who]]
        if len(alone) == 1:
            tones = " and ".join(sorted({reason.tone for reason in rated[alone[0]]}))
            yield f"Only the {alone[0]}'s dial stands out here: {tones}."
        elif not alone:
            yield "Neither dial stands out here."


def _is_shared(mine: Reason, other: Reason) -> bool:
    shorter = min(mine.end_s - mine.start_s, other.end_s - other.start_s)
    return overlap_s(mine.span, other.span) >= SAME_SHARE * shorter
