"""How far a turn's words are those spoken just before: echo of a question, cohesion of topic.

Both compare content words (all but `function_words` of the lexicon), as they stand: no stems, no
synonyms. Caveat: a new word for the same thing counts as new, so values are low by nature; compare
them with this person's own usual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log, sqrt

ECHO_MIN_WORDS = 4
"""A reply with fewer content words has no echo ratio [ours]."""
COHESION_MIN_WORDS = 8
"""A turn with fewer words has no cohesion [ours]."""
COHESION_TURNS = 3
"""Turns looked back on [ours]."""


def content_words(said: Sequence[str], function_words: frozenset[str]) -> list[str]:
    """The tokens that carry a topic, in order."""
    return [token for token in said if token not in function_words]


def echo_ratio(reply: Sequence[str], question: Sequence[str]) -> float | None:
    """Share of a reply's content words that the question has too; None under four of them.

    Parameters
    ----------
    reply, question : content words
    """
    if len(reply) < ECHO_MIN_WORDS:
        return None
    asked = set(question)
    return sum(word in asked for word in reply) / len(reply)


def cohesion(turns: Sequence[Sequence[str]]) -> list[float | None]:
    """Cosine between the TF-IDF of each turn and of the three turns before it, together.

    Weights are ``tf (ln((1 + n) / (1 + df)) + 1)`` with the session's own turns as documents
    (scikit-learn's smooth idf). None where either side has no content word.

    Parameters
    ----------
    turns : content words of every floor turn, in time order
    """
    seen = Counter(word for turn in turns for word in set(turn))
    weights = {word: log((1 + len(turns)) / (1 + count)) + 1 for word, count in seen.items()}
    found: list[float | None] = []
    for place, turn in enumerate(turns):
        before = [w for earlier in turns[max(0, place - COHESION_TURNS) : place] for w in earlier]
        found.append(_cosine(Counter(turn), Counter(before), weights))
    return found


def _cosine(a: Counter[str], b: Counter[str], weights: dict[str, float]) -> float | None:
    if not a or not b:
        return None
    # sums in a fixed order: the same words give the same bits
    product = sum(a[w] * b[w] * weights[w] ** 2 for w in sorted(a.keys() & b.keys()))
    return min(1.0, product / (_norm(a, weights) * _norm(b, weights)))


def _norm(counts: Counter[str], weights: dict[str, float]) -> float:
    return sqrt(sum((counts[word] * weights[word]) ** 2 for word in sorted(counts)))
