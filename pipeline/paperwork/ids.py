"""When two spellings are one id, and when they only look like it.

Ids of people and sessions are typed by hand into session.toml, folder names, the consent register
and commands. One normal form decides whether two are the same: Unicode's NFKC_Casefold (UAX 31, the
form made for identifiers) without blanks around it and with one hyphen for all dashes. NFKC and not
NFC, because full-width digits, ligatures and no-break blanks come from keyboards and word
processors, and nobody tells people apart by them.

What is not the same may still be meant: `looks_like` joins what the eye confuses, `is_one_key_off`
what a finger does. Only a refusal may ever be widened by them, never a grant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from itertools import product
from typing import Annotated

from pydantic import AfterValidator
from rapidfuzz.distance import OSA

_UNSEEN = re.compile(  # default-ignorable characters that are not of category Cf
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_ALPHABETS = str.maketrans(
    {
        **dict(zip("авекмнорстухіјѕԁԛԝ", "abekmhopctyxijsdqw", strict=True)),  # Cyrillic
        **dict(zip("αβεηικμνορτυχγ", "abehikmvoptyxy", strict=True)),  # Greek
    }
)
_SHAPES = str.maketrans({**dict.fromkeys("il|!ı", "1"), "o": "0"})
_SEPARATORS = re.compile(r"[\s\-_./\\,:;·'\"`´]+")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_DIGITS = re.compile(r"[0-9]+")
SHORT = 3
"""Up to so many characters, ids are often initials, and another letter is another person."""


class Likeness(IntEnum):
    """How near two spellings are; smaller is nearer."""

    SAME = 0
    LOOKS = 1
    """The eye confuses them: zeros in front, O and 0, separators, letters of another alphabet."""
    ONE_KEY = 2
    """One key too many, too few or wrong, or two in the wrong order."""
    NEIGHBOUR = 3
    """One key apart as the next person's id is: in its number, or by a letter of a short one."""
    OTHER = 4


@lru_cache(maxsize=1 << 16)
def normal(written: str) -> str:
    """The form in which two spellings of one id are equal. Idempotent.

    "C12 ", "c12" and full-width "Ｃ１２" are "c12"; a decomposed umlaut is a composed one.
    """
    folded = written
    for _ in range(4):  # NFKC of a folded text may fold again; two rounds have always been enough
        before = folded
        folded = unicodedata.normalize("NFKC", _seen(folded)).casefold()
        folded = unicodedata.normalize("NFKC", folded)
        if folded == before:
            break
    return folded


@lru_cache(maxsize=1 << 16)
def as_seen(written: str) -> str:
    """The id as a reader sees it, capitals kept: for telling two spellings of one id apart."""
    return unicodedata.normalize("NFKC", _seen(unicodedata.normalize("NFKC", written)))


@lru_cache(maxsize=1 << 16)
def looks_like(written: str) -> frozenset[str]:
    """Two ids that have one of these in common are taken for one another by the eye."""
    bare = "".join(
        str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c
        for c in unicodedata.normalize("NFKD", normal(written))
        if not unicodedata.combining(c)
    )
    bare = bare.translate(_ALPHABETS).translate(_SHAPES)
    # D07-05 is D7-5, and D0705 is D07-05: zeros go before the separators or after them
    return frozenset(
        (_SEPARATORS.sub("", _ZEROS.sub("", bare)), _ZEROS.sub("", _SEPARATORS.sub("", bare)))
    )


@lru_cache(maxsize=1 << 16)
def likeness(one: str, other: str) -> Likeness:
    """How near two spellings are to one another."""
    if normal(one) == normal(other):
        return Likeness.SAME
    if looks_like(one) & looks_like(other):
        return Likeness.LOOKS
    pairs = [(normal(one), normal(other)), *product(looks_like(one), looks_like(other))]
    return next((_slip(a, b) for a, b in pairs if is_one_key_off(a, b)), Likeness.OTHER)


def _slip(one: str, other: str) -> Likeness:
    """What one key off makes of two ids."""
    in_a_number = _DIGITS.sub("0", one) == _DIGITS.sub("0", other)
    initials = len(one) == len(other) <= SHORT
    return Likeness.NEIGHBOUR if in_a_number or initials else Likeness.ONE_KEY


def _pseudonym(written: str) -> str:
    seen = as_seen(written)
    if not seen:
        raise ValueError("is blank; give a pseudonym, e.g. C07")
    return seen


Pseudonym = Annotated[str, AfterValidator(_pseudonym)]
"""An id in a file: blanks round it and characters that cannot be seen are no part of it."""


def is_one_key_off(one: str, other: str) -> bool:
    """One character inserted, left out or replaced, or two neighbours exchanged."""
    return min(len(one), len(other)) >= 2 and OSA.distance(one, other, score_cutoff=1) <= 1


def nearest(
    written: str, known: Iterable[str], *, within: Likeness = Likeness.NEIGHBOUR
) -> list[str]:
    """Those of `known` that are nearest to what was written, at most `within` away; in order."""
    near = [(likeness(written, one), one) for one in sorted(set(known))]
    best = min((how for how, _ in near), default=Likeness.OTHER)
    return [one for how, one in near if how == best and how <= within]


def _seen(text: str) -> str:
    """Without what cannot be seen, blanks trimmed and single, every dash a hyphen."""
    kept = "".join(_one_seen(c) for c in _UNSEEN.sub("", text))
    return " ".join(kept.split())


def _one_seen(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if kind in ("Zs", "Zl", "Zp") or character.isspace():
        return " "
    return "" if kind in ("Cf", "Cc") else character
