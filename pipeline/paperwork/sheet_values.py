"""What one cell of a table typed by hand says: a number, a media position, or nothing.

Whatever typed or saved it: decimal commas, thousands parted by blanks, apostrophes or the other
mark, typographic minus signs, the missing marks of spreadsheets and statistics programs. Every
pattern is bounded, so that no cell costs more than its own length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.timeline import Seconds

MISSING = frozenset(
    {
        "", "nan", "na", "n/a", "<na>", "null", "none", "nil", "missing", "undefined", "\\n",
        "k.a.", "n.a.", "?", ".", "-", "--", "–", "—", "−",
        # "not available" of spreadsheets in other languages
        "#n/a", "#na", "#nv", "#n/d", "#n/d!", "#n/b", "#i/t", "#saknas!", "#puuttuu!", "#null!",
    }
)  # fmt: skip
"""What stands where nothing was measured, in lower case."""
_STATA = re.compile(r"\.[a-z]")
MARKS = "\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
"""Signs that typesetting puts for a minus."""
_MINUS = str.maketrans(dict.fromkeys(MARKS, "-"))
_BLANKS = " \u00a0\u2007\u2009\u202f"
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")
_GROUPED = re.compile(
    rf"[+-]?[1-9][0-9]{{0,2}}(?P<mark>[{_BLANKS}'’.,])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}}){{0,6}}"
    r"(?P<rest>[.,][0-9]{0,30})?"
)
_PLAIN_COLUMN = re.compile(r"(?:-?[0-9]{1,15}(?:\.[0-9]{1,30})?\n)+")
_POSITION = re.compile(r"(?:([0-9]{1,4}):)?([0-9]{1,4}):([0-9]{1,2}(?:[.,][0-9]{1,9})?)")
_EITHER = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_DECIMAL = re.compile(r"[+-]?(?:0[.,][0-9]{1,30}|[0-9]{1,30}[.,](?:[0-9]{1,2}|[0-9]{4,30}))")
_HUNDREDS = re.compile(r"[1-9][0-9]{2}")
_WITH_UNIT = re.compile(r"([^A-Za-z]{1,40})(ms|msec|s|sec|min)")
_UNITS_S = {"ms": 0.001, "msec": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0}
LARGEST = 1e20
_LONGEST = 48
"""Characters of a number; what is longer is none."""
_LONGEST_SHOWN = 40


def is_missing(cell: str) -> bool:
    """Whether a cell says that nothing was measured: empty, ``NA``, ``.``, ``#NV`` and the like."""
    low = cell.lower()
    return low in MISSING or _STATA.fullmatch(low) is not None


def number(cell: str) -> float | None:
    """A finite number with decimal point or comma; None for anything else."""
    if len(cell) > _LONGEST:
        return None
    plain = cell.strip().translate(_MINUS)
    if not NUMBER.fullmatch(plain):
        grouped = _GROUPED.fullmatch(plain)
        plain = _without_groups(plain, grouped) if grouped else plain.replace(",", ".")
        if not NUMBER.fullmatch(plain):
            return None
    value = float(plain)
    return value if abs(value) <= LARGEST else None


def numbers(cells: Sequence[str]) -> list[float | None]:
    """`number` of every cell; quick for a column that holds plain numbers only."""
    if _PLAIN_COLUMN.fullmatch("\n".join([*cells, ""])):
        return [float(cell) for cell in cells]
    return [number(cell) for cell in cells]


def doubtful_mark(cells: Sequence[str]) -> int | None:
    """Where a column has a mark that may part thousands and nothing tells; None if it is clear.

    ``999`` above ``1.000`` is one or a thousand; any ``0.5`` in the column shows decimals.
    """
    if any(_DECIMAL.fullmatch(cell) for cell in cells):
        return None
    marked = [at for at, cell in enumerate(cells) if _EITHER.fullmatch(cell)]
    return marked[0] if marked and any(_HUNDREDS.fullmatch(cell) for cell in cells) else None


def position(cell: str) -> Seconds | None:
    """``h:mm:ss``, ``m:ss`` or ``12.5 s``, with any decimals, as seconds; None for anything else.

    Minutes may pass 59 where no hours stand before them: ``100:00`` is 6,000 s.
    """
    found = _POSITION.fullmatch(cell.strip())
    if not found:
        unit = _WITH_UNIT.fullmatch(cell)
        value = number(unit[1]) if unit else None
        return None if unit is None or value is None else value * _UNITS_S[unit[2]]
    hours, minutes = int(found[1] or 0), int(found[2])
    seconds = float(found[3].replace(",", "."))
    if seconds >= 60 or (found[1] and minutes > 59):
        return None
    return 3600 * hours + 60 * minutes + seconds


def shown(cell: str) -> str:
    """A cell as a message may repeat it: a word or a value, never free text."""
    plain = len(cell) <= _LONGEST_SHOWN and (" " not in cell or any(c.isdigit() for c in cell))
    return repr(cell) if plain else "other text"


def _without_groups(plain: str, found: re.Match[str]) -> str:
    """Thousands taken together; one point or comma alone stays a decimal mark."""
    mark, rest = found["mark"], found["rest"] or ""
    if mark in ".,":
        other = bool(rest) and rest[0] != mark
        if not other and (rest or plain.count(mark) == 1):
            return plain.replace(",", ".")
    whole = plain[: len(plain) - len(rest)].replace(mark, "")
    return whole + rest.replace(",", ".")
