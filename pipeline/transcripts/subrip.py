"""SubRip (.srt) captions as words with voices.

Covers what subtitle editors and recognisers write: a number before each caption, decimal commas or
points, formatting tags, placement marks, and a speaker named at the start of a line. SubRip has no
standard; a line that cannot be read is an error with its number, not a caption silently lost.
"""

from __future__ import annotations

import re

from pipeline.transcripts.captions import Caption, by_speaker, lines_of, spread, tokens, wrong

_TIME = r"(\d{1,3}):([0-5]?\d):([0-5]?\d)[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s+[XY][12]:.*)?\s*")
_MARKUP = re.compile(r"</?(?:[biu]|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_EXAMPLE = "00:00:01,000 --> 00:00:04,000"


def parse(text: str, *, file: str = "transcript") -> list[Caption]:
    """All captions of a SubRip file, in the order of the file.

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
    timed = [number for number, line in enumerate(lines) if "-->" in line]
    begins = [_begin(lines, number) for number in timed] + [len(lines)]
    for number, line in enumerate(lines[: begins[0]], start=1):
        if line.strip():
            what = f"text before the first time line, which must read {_EXAMPLE}"
            raise wrong(file, f"line {number}", what)
    return [
        _caption(file, number, lines[number], lines[number + 1 : end])
        for number, end in zip(timed, begins[1:], strict=True)
    ]


def _begin(lines: list[str], timed: int) -> int:
    """Where the caption begins whose time line is at `timed`: at its number, if it has one."""
    return timed - (timed > 0 and lines[timed - 1].strip().isdigit())


def _caption(file: str, number: int, timing: str, lines: list[str]) -> Caption:
    place = f"line {number + 1}"
    times = _TIMING.fullmatch(timing)
    if times is None:
        raise wrong(file, place, f"the time line must read {_EXAMPLE}")
    start_s, end_s = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
    if end_s <= start_s:
        raise wrong(file, place, f"the caption must end after it starts ({timing.strip()})")
    plain = _MARKUP.sub("", "\n".join(lines))
    run = [(word, voice) for part, voice in by_speaker(plain, None) for word in tokens(part)]
    return Caption(start_s, end_s, tuple(spread(run, start_s, end_s)))


def _seconds(groups: tuple[str, ...]) -> float:
    hours, minutes, seconds, decimals = groups
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{decimals}")
