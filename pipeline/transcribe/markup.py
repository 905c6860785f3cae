"""The lines of a caption as a `Cue`: tags become times, voices and the highlighted part.

Tags that WebVTT and SubRip have are taken away; what else stands in angle brackets is left for
`events` and `labels`, since people type ``<laughs>`` and ``<Therapist>:``. Source: W3C WebVTT,
section 6; styles inside SubRip are those of SSA.
"""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass, field

from pipeline.timeline import Seconds
from pipeline.transcribe.captions import Cue, Found, Mark, clean, is_time

_TIME = r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,9}))?"
_TIMING = re.compile(
    rf"\s*{_TIME}\s*(?:-{{1,2}}|[–—])\s?>\s*{_TIME}(?:\s.*)?", re.DOTALL
)  # the arrow as it is, and as editors that set dashes write it
_STAMP = re.compile(_TIME)
_PIECE = re.compile(r"<([^<>]{0,400})>|\{\\[^{}]{0,400}\}")
_VOICE = re.compile(r"v(?:\.\S{0,80})?\s+(.*)", re.DOTALL | re.IGNORECASE)
_STYLE = re.compile(
    r"/?\s*(?:c|i|b|u|s|em|strong|font|ruby|rt|lang|v|span|br)?\s*/?(?:[.\s=].*)?",
    re.DOTALL | re.IGNORECASE,
)
_OPEN_VOICE = re.compile(r"<v(?:\.\S{0,80})?\s[^\n<>]*", re.IGNORECASE)
_BREAK = re.compile(r"br\s*/?", re.IGNORECASE)


def cue_times(line: str) -> tuple[Seconds, Seconds] | None:
    """Start and end that a time line gives, s; None where it is no time line.

    Hours and decimals may be left out, decimals follow a point or a comma.
    """
    times = _TIMING.fullmatch(line)
    if times is None:
        return None
    start_s, end_s = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
    return None if math.isnan(start_s + end_s) else (start_s, end_s)


def _seconds(groups: tuple[str | None, ...]) -> Seconds:
    """Seconds; NaN where a clock would not show it so, as 0:61."""
    hours, minutes, seconds, decimals = groups
    if int(seconds or 0) > 59 or (hours and int(minutes or 0) > 59):
        return math.nan
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60
    return whole + float(f"{seconds}.{decimals or 0}")


@dataclass(slots=True)
class _Built:
    """A caption's text as far as it is built."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0
    """Of the text so far."""
    marks: list[Mark] = field(default_factory=list)
    voices: list[tuple[int, str | None]] = field(default_factory=list)
    styled: list[tuple[int, int]] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    """Where styles that are still open began."""

    def add(self, raw: str) -> None:
        self.pieces.append(clean(html.unescape(raw)))
        self.length += len(self.pieces[-1])


def cue_of(found: Found, lines: list[str], start_s: Seconds, end_s: Seconds) -> Cue:
    """A caption of the lines between two time lines."""
    raw = "\n".join(lines)
    whole = _PIECE.sub("", raw)
    if "<" in whole and _OPEN_VOICE.search(whole):  # a name follows: rather lose the line
        raw = _without_open_voices(raw)
        found.odd_values += 1
    built = _Built()
    at = 0
    for piece in _PIECE.finditer(raw):
        built.add(raw[at : piece.start()])
        at = piece.end()
        if piece.group(1) is not None:
            _tag(found, built, piece.group(), (start_s, end_s))
    built.add(raw[at:])
    text = "".join(built.pieces)
    styled = [(a, b) for a, b in built.styled if text[a:b].strip()]
    return Cue(
        start_s,
        end_s,
        text,
        tuple(built.marks),
        tuple(built.voices),
        styled[0] if len(styled) == 1 else None,
    )


def _without_open_voices(raw: str) -> str:
    """Take ``<v Name`` that is never closed away, to the end of its line."""
    closed = {piece.start() for piece in _PIECE.finditer(raw)}
    return _OPEN_VOICE.sub(lambda opened: opened.group() if opened.start() in closed else "", raw)


def _tag(found: Found, built: _Built, tag: str, cue: tuple[Seconds, Seconds]) -> None:
    at, inside = built.length, tag[1:-1].strip()
    stamp = _STAMP.fullmatch(inside)
    if stamp:
        start_s = _seconds(stamp.groups())
        if is_time(start_s) and cue[0] <= start_s <= cue[1]:
            built.marks.append(Mark(at, start_s))
        else:
            found.odd_values += 1
    elif named := _VOICE.fullmatch(inside):
        built.voices.append((at, _name(named.group(1))))
    elif inside.lower() in ("/v", "v"):
        built.voices.append((at, None))
    elif _BREAK.fullmatch(inside):
        built.add("\n")
    elif not _STYLE.fullmatch(inside):
        built.add(tag)  # laughter, or a name: `events` and `labels` see to it
    elif inside.startswith("/"):
        if built.opened:
            built.styled.append((built.opened.pop(), at))
    elif inside and inside[0].lower() not in "rlv":
        built.opened.append(at)


def _name(raw: str) -> str | None:
    return " ".join(clean(html.unescape(raw)).split()) or None
