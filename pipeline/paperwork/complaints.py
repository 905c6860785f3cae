"""What is wrong in a TOML file that a person wrote, in sentences.

Profiles, session.toml and the consent register share them: the place, the value found, what is
allowed. pydantic finds the faults; its own words are for programmers.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_ALLOWED = {
    "bool_type": "allowed: true or false, without quotes",
    "date_type": "a date stands without quotes and without a time, e.g. 2026-03-02",
    "float_type": "allowed: a number, without quotes",
    "int_type": "allowed: a whole number, without quotes",
    "list_type": "allowed: a list in square brackets",
    "string_type": "allowed: text in quotes",
    "string_too_short": "allowed: text that is not empty",
    "tuple_type": "allowed: a list in square brackets",
}


MOST = 8
"""Faults told of one file; who mends eight sees the rest."""
LONGEST = 300
"""Characters of one fault: a whole file may stand in one value."""


def all_told(faults: Iterable[str]) -> str:
    """Different faults of a file in one sentence."""
    told = list(dict.fromkeys(faults))
    more = [f"and {len(told) - MOST} more"] if len(told) > MOST else []
    return "; ".join([*(_cut(one) for one in told[:MOST]), *more])


def complaint(
    problem: ErrorDetails, model: type[BaseModel], what: str, unwritten: Sequence[str] = ()
) -> str:
    """One of pydantic's findings as a sentence.

    Parameters
    ----------
    model : what the file was checked against; tells which keys there are
    what : what a key of this file is, e.g. "a setting"
    unwritten : fields of the model that do not stand in the file
    """
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{place} is missing; add it"
    if problem["type"] == "extra_forbidden":  # its value may be anything: it is not repeated
        key, above = str(problem["loc"][-1]), problem["loc"][:-1]
        if inside := _sections_with(key, model, above):
            return f"{place} stands in {' and in '.join(inside)}; move it there"
        known = [name for name in _keys(model, above) if name not in unwritten]
        return f"{place} is not {what}{_hint(key, known)}"
    found = f" = {_cut(repr(problem['input']), 80)}" if _is_plain(problem["input"]) else ""
    return ": ".join(part for part in (place + found if place else "", _allowed(problem)) if part)


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def not_utf8(name: str, error: UnicodeDecodeError) -> str:
    """Where a file stops being UTF-8, and what to do."""
    line = error.object[: error.start].count(b"\n") + 1
    byte = error.object[error.start]
    return f"{name}, line {line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"


def _allowed(problem: ErrorDetails) -> str:
    kind, place = problem["type"], ".".join(str(part) for part in problem["loc"])
    if kind == "list_type" and isinstance(problem["input"], dict):
        return f"its heading has two brackets: [[{place}]]"
    if kind == "model_type":
        several = isinstance(problem["input"], list)
        return f"its heading has one bracket: [{place}]" if several else "allowed: keys and values"
    message = problem["msg"].removeprefix("Value error, ")
    return _ALLOWED.get(kind) or message.replace("Input should be ", "allowed: ", 1)


def _hint(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(known)}"


def _sections_with(key: str, model: type[BaseModel], above: Sequence[str | int]) -> list[str]:
    """Headings of the sections one level further in that have this key."""
    here = _model_at(model, above)
    return [
        f"[{'.'.join(str(part) for part in (*above, name))}]"
        for name, field in (here.model_fields if here else {}).items()
        if _is_model(field.annotation) and key in _keys(model, (*above, name))
    ]


def _keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Keys that are known at a place below `model`."""
    here = _model_at(model, loc)
    return list(here.model_fields) if here else []


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    """What a place below `model` is checked against."""
    for name in (part for part in loc if isinstance(part, str)):
        field = model.model_fields.get(name)
        annotation = field.annotation if field else None
        inner = [one for one in get_args(annotation) or (annotation,) if _is_model(one)]
        if not inner:
            return None
        model = inner[0]
    return model


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(one) for one in value)
    return isinstance(value, str | int | float | bool)
