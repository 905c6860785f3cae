"""WebVTT (.vtt) and SubRip (.srt) captions, as programs and people write them.

One reader for both, because files mix them: SubRip with the times of WebVTT or none of its hours,
WebVTT with decimal commas, either under the other's ending. A file that opens with the word WEBVTT
has comment, style and region blocks, and an empty line (not one that holds a blank) ends a caption;
in SubRip an empty line inside a caption belongs to it. A caption whose time line cannot be read, or
that does not end after it starts, is left out and counted. Source: W3C WebVTT, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.transcribe.captions import LONGEST, Found, is_time, lines_of
from pipeline.transcribe.markup import cue_of, cue_times

_HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
_ARROW = re.compile(r"\s*\d[\d:.,]*\s*(?:-{1,2}|[–—])\s?>")
_SKIPPED = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
_EXAMPLE = "00:00:01.000 --> 00:00:04.000"


def parse(text: str) -> Found:
    """All captions of the file, in its order, and what could not be read of it."""
    lines = lines_of(text)
    is_vtt = _HEADER.fullmatch(lines[0]) is not None
    found = Found()
    timed = [number for number in range(len(lines)) if _is_timing(lines, number)]
    numbered = 2 * sum(_is_number(lines, number - 1) for number in timed) > len(timed)
    begins = [_begin(lines, number, is_vtt=is_vtt, numbered=numbered) for number in timed]
    if not is_vtt and any(line.strip() for line in lines[: begins[0] if begins else None]):
        found.faults.append(f"line 1: text before the first time line, such as {_EXAMPLE}")
    for number, end in zip(timed, [*begins, len(lines)][1:], strict=True):
        said = lines[number + 1 : end]
        _read(found, number, lines[number], _spoken(said) if is_vtt else said)
    return found


def _read(found: Found, number: int, timing: str, lines: list[str]) -> None:
    times = cue_times(timing)
    place = f"line {number + 1}"
    if times is None:
        found.faults.append(f"{place}: the time line must read {_EXAMPLE} (hours optional)")
    elif not (is_time(times[0]) and is_time(times[1]) and times[0] < times[1]):
        found.faults.append(f"{place}: the caption must end after it starts")
    elif sum(map(len, lines)) > LONGEST:
        found.faults.append(f"{place}: the caption has more than {LONGEST} characters")
    else:
        found.cues.append(cue_of(found, lines, *times))


def _is_timing(lines: Sequence[str], number: int) -> bool:
    """Whether a line was meant as a time line: by its looks, or an arrow where one must stand."""
    line = lines[number]
    if _ARROW.match(line):
        return True
    above = lines[number - 1].strip() if number else ""
    return "-->" in line and (not above or above.isdecimal())


def _is_number(lines: Sequence[str], at: int) -> bool:
    return at >= 0 and lines[at].strip().isdecimal()


def _begin(lines: Sequence[str], timed: int, *, is_vtt: bool, numbered: bool) -> int:
    """Where the caption begins whose time line is at `timed`: at its number or its name."""
    if timed == 0:
        return 0
    above = lines[timed - 1].strip()
    named = is_vtt and above and (timed == 1 or not lines[timed - 2].strip())
    return timed - 1 if named or (numbered and above.isdecimal()) else timed


def _spoken(lines: Sequence[str]) -> list[str]:
    """Lines of a WebVTT caption: without comments after it; stray text is not lost."""
    kept: list[str] = []
    skipping = False
    for at, line in enumerate(lines):
        if line == "":
            skipping = False
        elif at and lines[at - 1] == "":
            is_name = line.strip().isdecimal() and not any(lines[at + 1 :])
            skipping = bool(_SKIPPED.fullmatch(line)) or is_name
        if not skipping:
            kept.append(line)
    return kept
