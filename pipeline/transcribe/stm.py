"""NIST segment time marks (.stm) as utterances with speakers.

One utterance per line: recording, channel, speaker, start, end (seconds), an optional label such as
``<o,f0,male>``, text; ``;;`` opens a comment. Of alternatives ``{ a / b }`` the first is taken,
optional words ``(uh)`` are kept, events ``[laugh]`` and ``<noise>`` are no words, and stretches
marked to be ignored are left out. A line that cannot be read is left out and counted. Source: NIST
SCTK, stm(5).
"""

from __future__ import annotations

import math
import re

from pipeline.errors import SessionError
from pipeline.transcribe.captions import Cue, Found, clean, is_time, lines_of

_LINE = "recording channel speaker start_s end_s [<label>] text"
_COLUMNS = 5
_ALTERNATIVES = re.compile(r"\{([^{}/]{0,2000})(?:/[^{}]{0,2000})?\}")
_LABEL = re.compile(r"\A\s*<[^<>]{0,200}>")
_NO_WORDS = re.compile(r"(?<!\S)@(?!\S)|[()]")
_IGNORED = "IGNORE_TIME_SEGMENT_IN_SCORING"
_GAP = "inter_segment_gap"


def parse(text: str) -> Found:
    """All utterances of an STM file, in its order, and what could not be read of it.

    Raises
    ------
    SessionError
        The file holds several recordings.
    """
    found = Found()
    recording: str | None = None
    for number, line in enumerate(lines_of(text), start=1):
        cells = clean(line).split(maxsplit=_COLUMNS)
        if not cells or cells[0].startswith(";;"):
            continue
        times = [_seconds(cell) for cell in cells[3:_COLUMNS]]
        if len(times) < 2:
            found.faults.append(f"line {number}: has {len(cells)} columns; allowed: {_LINE}")
        elif not (is_time(times[0]) and is_time(times[1])):
            found.faults.append(f"line {number}: columns 4 and 5 must be seconds from 0 ({_LINE})")
        elif recording not in (None, cells[0]):
            raise SessionError(
                f"line {number}: a second recording, {cells[0]!r}, after {recording!r}; "
                "keep only the lines of this session's recording"
            )
        else:
            recording = cells[0]
            _read(found, number, cells, (times[0], times[1]))
    return found


def _read(found: Found, number: int, cells: list[str], times: tuple[float, float]) -> None:
    said = cells[_COLUMNS] if len(cells) > _COLUMNS else ""
    if cells[2] == _GAP or _IGNORED in said.upper():
        return
    if times[1] <= times[0]:
        found.faults.append(f"line {number}: the utterance must end after it starts")
        return
    plain = _ALTERNATIVES.sub(r"\1", _LABEL.sub("", said))
    voices = ((0, cells[2]),)
    found.cues.append(Cue(*times, _NO_WORDS.sub(" ", plain), voices=voices))


def _seconds(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
