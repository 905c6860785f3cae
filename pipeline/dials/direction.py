"""Which end of a dial is helpful, as far as its own words tell.

100 is helpful and 0 hindering. A file whose labels, or whose column's name, say the opposite is
flagged and kept as written: a person turns it round with ``scale`` in session.toml, never we.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

Direction = Literal["labelled", "stated", "reversed", "unlabelled"]
"""labelled: the file's words agree with 100 helpful. stated: session.toml gives `scale`. reversed:
the file's words say the opposite. unlabelled: the file does not say."""

_HINDERING = re.compile(
    r"(?:\b(?:not|un|least|less)|n't)[\s-]?(?:really |very )?help\w*"
    r"|\bhinder\w*|\bhindrance\w*|\bnegative\w*|\bbad\b|\bworse\w*|\bworst\b|\bharmful\w*|\bpoor\b"
)
_HELPFUL = re.compile(
    r"\bhelp(?:ful\w*|ing|ed|s)?\b|\bpositive\w*|\bgood\b|\bbetter\b|\bbest\b|\buseful\w*"
)
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
REASONS_MIN = 2
"""Fewest segments of each kind that a rater must have named before they are held against a dial."""


def of_ends(low_label: str, high_label: str) -> Direction:
    """What the labels at the two ends of an axis say."""
    low, high = _pole(low_label), _pole(high_label)
    if low > 0 or high < 0:
        return "unlabelled" if low == high else "reversed"
    return "labelled" if low < 0 or high > 0 else "unlabelled"


def of_name(name: str) -> Direction:
    """What the name of a column says: ``helpfulness``, ``hindering``, ``0 hindering 100 helpful``.

    With both words, numbers beside them decide; without numbers, the first names the low end.
    """
    text = _plain(name)
    bad = _HINDERING.search(text)
    good = _HELPFUL.search(_HINDERING.sub(lambda found: " " * len(found[0]), text))
    if not bad or not good:
        return "labelled" if good else "reversed" if bad else "unlabelled"
    numbers = _NUMBER.findall(text)
    falling = len(numbers) == 2 and _value(numbers[0]) > _value(numbers[1])
    return "labelled" if (bad.start() < good.start()) != falling else "reversed"


def of_text(text: str) -> int:
    """1 where a rater's own words call something helpful, -1 hindering, 0 neither or both."""
    return _pole(text)


def disagrees_with_reasons(helpful: Sequence[float], hindering: Sequence[float]) -> bool | None:
    """Whether stretches the rater called helpful are rated lower than those called hindering.

    Parameters
    ----------
    helpful, hindering : mean rating of each stretch the same rater named so, 0..100

    Returns
    -------
    None where fewer than two of each kind were named
    """
    if min(len(helpful), len(hindering)) < REASONS_MIN:
        return None
    return bool(np.median(helpful) < np.median(hindering))


def _pole(label: str) -> int:
    """-1 hindering, 1 helpful, 0 neither or both."""
    text = _plain(label)
    bad = bool(_HINDERING.search(text))
    good = bool(_HELPFUL.search(_HINDERING.sub(" ", text)))
    return int(good) - int(bad)


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")


def _value(text: str) -> float:
    return float(text.replace(",", "."))
