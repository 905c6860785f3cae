"""The wording contract as data, and a scanner that finds what breaks it.

What a person reads here, a client may read in an access request: behaviour is described, against
that client's own usual, without naming causes, traits, emotions or conditions. Rule ids, column
names and configuration keys obey the same list and a few patterns more. What people themselves said
or wrote is quoted unchanged: text inside an element of class ``quote`` is exempt, as is the fixed
sentence "not a diagnosis".
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

PROMPT = "Prompts for human review; not an assessment."
"""Stands on every screen."""

MANY_REASONS = "May have many reasons (thinking, fatigue, low mood, medication, language, camera)."
"""The fixed sentence beside observations."""

FORBIDDEN = (
    r"dissociat\w*",
    r"diagnos\w*",
    r"disorders?",
    r"symptom\w*",
    r"traumati[sz]\w*",
    r"depress\w*",
    r"resistan(?:t|ce)",
    r"decepti(?:ve|on)\w*",
    r"eye[ _-]?contact",
    r"rapport",
    r"scores? of (?:the )?therapist",
    r"therapist(?:'s)?[ _]scores?",
    r"probability of",
    r"pathologi\w*",
    r"abnormal\w*",
)
"""Conditions, traits and grades (METHODS: Wording), as patterns that match whole words."""

EMOTIONS = (
    r"afraid",
    r"amused",
    r"ang(?:er|ry|rily)",
    r"annoyed",
    r"anxi(?:ous|ety)\w*",
    r"ashamed",
    r"bored(?:om)?",
    r"contempt\w*",
    r"delighted",
    r"despair\w*",
    r"disgust\w*",
    r"distress\w*",
    r"embarrass\w*",
    r"envious",
    r"excited",
    r"fear\w*",
    r"frighten\w*",
    r"frustrat\w*",
    r"grie(?:f|ving|ved)",
    r"guilt\w*",
    r"happ(?:y|ier|iness)",
    r"hopeless\w*",
    r"hostil\w*",
    r"irritat\w*",
    r"jealous\w*",
    r"joy(?:ful|ous)?",
    r"lonel(?:y|iness)",
    r"nervous\w*",
    r"panic\w*",
    r"sad(?:ness|dened)?",
    r"scared",
    r"shame\w*",
    r"surprise[ds]?",
    r"terrified",
    r"upset",
    r"worr(?:y|ied|ies)",
)
"""Names of emotions: none may be given to a person by a machine."""

FORBIDDEN_IN_IDS = (r"disengag\w*", r"complian\w*", r"resist\w*")
"""Further patterns for ids, column names, configuration keys and logs."""

_EXEMPT_SENTENCE = re.compile(r"\bnot a diagnosis\b", re.IGNORECASE)
_QUOTED = re.compile(
    r"<(?P<tag>\w+)[^>]*\bclass=\"(?:[^\"]*\s)?quote(?:\s[^\"]*)?\"[^>]*>.*?</(?P=tag)>", re.DOTALL
)
_MACHINERY = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # An underscore is a word character to `\b`, but it parts words in an identifier.
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(patterns)})(?![A-Za-z])", re.IGNORECASE)


_TEXT = _compiled(FORBIDDEN + EMOTIONS)
_IDS = _compiled(FORBIDDEN + EMOTIONS + FORBIDDEN_IN_IDS)


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where the contract is broken."""

    word: str
    context: str
    """The word with up to 40 characters either side."""


def scan(text: str, *, ids: bool = False) -> list[Violation]:
    """Every forbidden word in `text`; with `ids`, the stricter list for identifiers."""
    kept = _EXEMPT_SENTENCE.sub(" ", text)
    pattern = _IDS if ids else _TEXT
    return [
        Violation(
            found.group(), " ".join(kept[max(0, found.start() - 40) : found.end() + 40].split())
        )
        for found in pattern.finditer(kept)
    ]


def scan_html(page: str) -> list[Violation]:
    """`scan` over what a page shows: quotations, scripts, styles and markup left out.

    Element ids and the texts of `alt`, `title` and `aria-label` are scanned too.
    """
    unquoted = _QUOTED.sub(" ", page)
    attributes = re.findall(r"\b(?:alt|title|aria-label|id)=\"([^\"]*)\"", unquoted)
    shown = html.unescape(_MACHINERY.sub(" ", unquoted))
    return scan(shown) + [found for value in attributes for found in scan(value, ids=True)]
