"""NIST segment time marks (.stm) as utterances with speakers.

One utterance per line: recording, channel, speaker, start, end (seconds), an optional label such as
``<o,f0,male>``, text; ``;;`` opens a comment. Of alternatives ``{ a / b }`` the first is taken,
optional words ``(uh)`` are kept, events ``[laugh]`` and ``<noise>`` are no words, and stretches
marked to be ignored are left out. Source: NIST SCTK, stm(5).
"""

from __future__ import annotations

import math
import re

from pipeline.transcripts.captions import Caption, lines_of, spread, tokens, wrong

_LINE = "recording channel speaker start_s end_s [<label>] text"
_COLUMNS = 5
_ALTERNATIVES = re.compile(r"\{([^{}/]*)(?:/[^{}]*)?\}")
_EVENT = re.compile(r"\[[^\[\]]*\]|<[^<>]*>|@")
_IGNORED = "IGNORE_TIME_SEGMENT_IN_SCORING"
_GAP = "inter_segment_gap"


def parse(text: str, *, file: str = "transcript") -> list[Caption]:
    """All utterances of an STM file, in the order of the file.

    Parameters
    ----------
    text : the file's text
    file : its name, for messages

    Raises
    ------
    SessionError
        Naming the file, the line, the value and what is allowed; also where the file holds several
        recordings. Never quotes the text of an utterance.
    """
    utterances = []
    recording: str | None = None
    for number, line in enumerate(lines_of(text), start=1):
        if not line.strip() or line.lstrip().startswith(";;"):
            continue
        cells = line.split(maxsplit=_COLUMNS)
        place = f"line {number}"
        if len(cells) < _COLUMNS:
            raise wrong(file, place, f"has {len(cells)} columns; allowed: {_LINE}")
        if recording not in (None, cells[0]):
            raise wrong(
                file,
                place,
                f"a second recording, {cells[0]!r}, after {recording!r}; "
                "keep only the lines of this session's recording",
            )
        recording = cells[0]
        start_s, end_s = (_seconds(file, place, cell) for cell in cells[3:5])
        if end_s <= start_s:
            raise wrong(file, place, f"ends at {end_s:g} s, not after its start at {start_s:g} s")
        said = cells[_COLUMNS] if len(cells) > _COLUMNS else ""
        if cells[2] != _GAP and _IGNORED not in said.upper():
            run = [(word, cells[2]) for word in tokens(_spoken(said))]
            utterances.append(Caption(start_s, end_s, tuple(spread(run, start_s, end_s))))
    return utterances


def _seconds(file: str, place: str, cell: str) -> float:
    try:
        seconds = float(cell)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise wrong(file, place, f"time {cell!r}; allowed: seconds from 0, such as 12.34 ({_LINE})")
    return seconds


def _spoken(said: str) -> str:
    """Text without marks that are no words."""
    plain = _EVENT.sub(" ", _ALTERNATIVES.sub(r"\1", said))
    return plain.replace("(", "").replace(")", "")
