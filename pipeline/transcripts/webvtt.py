"""WebVTT captions as words with times and voices.

Covers what speech tools and people write: optional hours, a byte order mark, any line ends, cue
identifiers and settings, NOTE, STYLE and REGION blocks, formatting tags, HTML entities, voice spans
(several in one cue), speakers named at the start of a line, and times inside the text. A line that
breaks the format is an error with its number, not a caption silently lost. Source: W3C WebVTT,
sections 4 and 6.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import SessionError
from pipeline.transcripts.captions import (
    Caption,
    CaptionWord,
    by_speaker,
    lines_of,
    spread,
    tokens,
    wrong,
)

_TIME = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"\s*{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t].*)?\s*$")
_STAMP = re.compile(_TIME)
_TAG = re.compile(r"<([^<>]*)>")
_VOICE = re.compile(r"v(?:\.[^\s]*)?\s+(.*)", re.DOTALL)
_KNOWN_TAG = re.compile(r"/?(?:c|i|b|u|v|ruby|rt|lang)?(?:[.\s].*)?", re.DOTALL)
_SKIPPED = ("NOTE", "STYLE", "REGION")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text of one voice between two inline times."""

    text: str
    voice: str | None
    start_s: float | None
    """Given by an inline time right before it; None where the piece follows another."""


def parse(text: str, *, file: str = "transcript") -> list[Caption]:
    """All captions of a WebVTT file, in the order of the file.

    Parameters
    ----------
    text : the file's text
    file : its name, for messages

    Raises
    ------
    SessionError
        Naming the file, the line and what was expected. Never quotes the text of a caption.
    """
    lines = lines_of(text)
    if not re.fullmatch(r"WEBVTT(?:[ \t].*)?", lines[0]):
        raise _wrong(file, 1, "a WebVTT file starts with the word WEBVTT")
    cues = []
    for number, block in _blocks(lines):
        if number == 1 and any("-->" in line for line in block):
            raise _wrong(file, 2, "an empty line is missing after the word WEBVTT")
        if number == 1 or block[0].split()[0] in _SKIPPED:
            continue
        cues.append(_cue(file, number, block))
    return cues


def _blocks(lines: Sequence[str]) -> list[tuple[int, list[str]]]:
    """(number of the first line, lines) of each stretch between empty lines."""
    blocks: list[tuple[int, list[str]]] = []
    open_block = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            open_block = False
        elif open_block:
            blocks[-1][1].append(line)
        else:
            blocks.append((number, [line]))
            open_block = True
    return blocks


def _cue(file: str, number: int, block: list[str]) -> Caption:
    at = 0 if "-->" in block[0] else 1
    if at >= len(block) or "-->" not in block[at]:
        raise _wrong(file, number, "text without a time line such as 00:01.000 --> 00:04.000")
    timing = _TIMING.fullmatch(block[at])
    if timing is None:
        raise _wrong(
            file, number + at, "the time line must read 00:01.000 --> 00:04.000 (hours optional)"
        )
    start_s, end_s = _seconds(timing.groups()[:4]), _seconds(timing.groups()[4:])
    if end_s <= start_s:
        raise _wrong(file, number + at, "the caption ends before it starts")
    first_text = at + 1
    if any("-->" in line for line in block[first_text:]):
        raise _wrong(file, number + at, "an empty line is missing before the next caption")
    pieces = _pieces(file, number + first_text, block[first_text:], start_s, end_s)
    return Caption(start_s, end_s, tuple(_words(pieces, start_s, end_s)))


def _pieces(
    file: str, number: int, lines: Sequence[str], start_s: float, end_s: float
) -> list[_Piece]:
    """Text cut at voices and inline times; other tags are dropped."""
    pieces: list[_Piece] = []
    voice: str | None = None
    stamp: float | None = None
    last_s = start_s
    text = "\n".join(lines)
    if "<" in _TAG.sub("", text):
        line = number + text.count("\n", 0, text.rindex("<"))
        raise _wrong(file, line, "a < that is never closed; write &lt; for a < in text")
    at = 0
    for tag in _TAG.finditer(text):
        _add(pieces, text[at : tag.start()], voice, stamp)
        stamp = None if text[at : tag.start()].strip() else stamp
        at = tag.end()
        line = number + text.count("\n", 0, tag.start())
        inside = tag.group(1).strip()
        if inside[:1].isdigit():
            stamp = last_s = _inline_time(file, line, inside, last_s, end_s)
        elif named := _VOICE.fullmatch(inside):
            voice = html.unescape(named.group(1)).strip() or None
        elif inside == "/v":
            voice = None
        elif not _KNOWN_TAG.fullmatch(inside):
            raise _wrong(file, line, "a tag that WebVTT does not have; write &lt; for a < in text")
    _add(pieces, text[at:], voice, stamp)
    return pieces


def _add(pieces: list[_Piece], text: str, voice: str | None, stamp: float | None) -> None:
    for part, who in by_speaker(html.unescape(text), voice):
        pieces.append(_Piece(part, who, stamp))
        stamp = None


def _inline_time(file: str, line: int, inside: str, last_s: float, end_s: float) -> float:
    stamp = _STAMP.fullmatch(inside)
    if stamp is None:
        raise _wrong(file, line, "a time inside a caption must read <00:01.000> (hours optional)")
    at_s = _seconds(stamp.groups())
    if not last_s <= at_s <= end_s:
        raise _wrong(file, line, "times inside a caption must rise and lie within it")
    return at_s


def _words(pieces: Sequence[_Piece], start_s: float, end_s: float) -> list[CaptionWord]:
    """Words of a caption: pieces that start at a known time bound those that do not."""
    is_timed = any(piece.start_s is not None for piece in pieces)
    words: list[CaptionWord] = []
    run: list[tuple[str, str | None]] = []
    run_start_s = start_s
    for piece in pieces:
        if piece.start_s is not None:
            words += spread(run, run_start_s, piece.start_s, is_first_timed=is_timed)
            run, run_start_s = [], piece.start_s
        run += [(word, piece.voice) for word in tokens(piece.text)]
    return words + spread(run, run_start_s, end_s, is_first_timed=is_timed)


def _seconds(groups: Sequence[str | None]) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in groups)
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000


def _wrong(file: str, line: int, what: str) -> SessionError:
    return wrong(file, f"line {line}", what)
