"""What the name of a column says it holds, by its words.

``time_ms``, ``Time (ms)`` and ``time [ms]`` are one. Words are English and those that spreadsheets
of other European languages put above a time and a value.
"""

from __future__ import annotations

import re

TIMES = frozenset(
    {
        "time", "timestamp", "t", "second", "seconds", "sec", "s", "onset", "elapsed", "clock",
        "timecode",
        "zeit", "zeitpunkt", "uhrzeit", "sekunde", "sekunden", "temps", "seconde", "secondes",
        "tiempo", "segundo", "segundos", "tijd", "tempo", "tid", "sekund", "sekunder",
    }
)  # fmt: skip
POSITIONS = frozenset(
    {"position", "pos", "media", "video", "film", "player", "playhead", "currenttime"}
)
COUNTS = frozenset({"frame", "frames", "sample", "samples", "index", "row", "n", "bin", "id"})
"""Names of columns that count rows: seconds only by an unknown rate."""
EVENTS = frozenset({"event", "action"})
RATINGS = frozenset(
    {
        "rating", "ratings", "value", "dial", "score", "slider", "annotation",
        "wert", "bewertung", "valeur", "valor", "waarde", "valore", "värde", "verdi", "værdi",
    }
)  # fmt: skip
BEGINS = frozenset({"begin", "start", "onset", "from", "beginn", "anfang", "von"})
ENDS = frozenset({"end", "stop", "offset", "to", "ende", "bis"})
LENGTHS = frozenset({"duration", "length", "dauer"})
PEOPLE = frozenset(
    {
        "rater", "tier", "participant", "subject", "person", "annotator", "coder", "observer",
        "role", "user", "respondent", "proband", "teilnehmer", "vp",
    }
)  # fmt: skip
"""Names of columns that say whose row it is."""
UNITS_S = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("millisekunde", "millisekunden", "millisecondes", "milisegundos"), 0.001),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten"), 60.0),
}
LONGEST = 80
"""Characters of a name that are looked at."""
_WORD = re.compile(r"[^\W\d_]+")


def begins_with(name: str, words: frozenset[str]) -> bool:
    """Whether the first word of a name is one of `words`."""
    found = _WORD.search(name[:LONGEST])
    return found is not None and found[0] in words


def names_time(name: str) -> bool:
    """Whether a name is that of a time."""
    return begins_with(name, TIMES | frozenset(UNITS_S))


def names_begin(name: str) -> bool:
    """Whether a name is that of the begin of a stretch."""
    return begins_with(name, BEGINS)


def unit_s(name: str) -> float:
    """Length of the unit a name states, s; 1 where it states none.

    ``ss.msec`` and ``hh:mm:ss.ms`` are ELAN's words for seconds and positions with decimals.
    """
    words = _WORD.findall(name[:LONGEST])
    if "ss" in words:
        return 1.0
    return next((UNITS_S[word] for word in words if word in UNITS_S), 1.0)
