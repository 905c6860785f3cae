"""JSON as WhisperX and Whisper write it (.json): segments, mostly with a time for every word.

``{"segments": [{"start", "end", "text", "speaker", "words": [{"word", "start", "end", "score",
"speaker"}]}]}``. WhisperX gives no time to words its alignment does not know, numbers above all;
they are spread between their neighbours. It leaves `speaker` out where it found nobody. Whisper and
faster-whisper write the same segments, with `probability` for `score`, or without words.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.transcripts.captions import Caption, CaptionWord, spread, tokens, wrong

Fields = Mapping[str, Any]

_MOST = 1e9


def parse(text: str, *, file: str = "transcript") -> list[Caption]:
    """All segments of the file, in its order.

    Parameters
    ----------
    text : the file's text
    file : its name, for messages

    Raises
    ------
    SessionError
        Naming the file, the segment and word (counted from 1), the value and what is allowed. Never
        quotes what was said.
    """
    try:
        content = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise wrong(file, f"line {error.lineno}", f"not JSON: {error.msg}") from error
    segments = content.get("segments") if isinstance(content, dict) else None
    if not isinstance(segments, list):
        raise wrong(
            file, "top level", 'no list "segments"; allowed: the JSON of WhisperX or Whisper'
        )
    return [_caption(file, f"segment {n}", segment) for n, segment in enumerate(segments, start=1)]


def _caption(file: str, place: str, segment: Any) -> Caption:
    fields = _fields(file, place, segment)
    start_s, end_s = (_seconds(file, place, fields, name) for name in ("start", "end"))
    if start_s is None or end_s is None or end_s < start_s:
        raise wrong(
            file,
            place,
            f"start {start_s}, end {end_s}; allowed: two times in seconds, the end not before",
        )
    voice = _text(file, place, fields, "speaker")
    listed = fields.get("words")
    if not listed:  # WhisperX gives an empty list where it could not align
        said = [(word, voice) for word in tokens(_text(file, place, fields, "text") or "")]
        return Caption(start_s, end_s, tuple(spread(said, start_s, end_s)))
    if not isinstance(listed, list):
        raise wrong(file, place, f'"words" is {type(listed).__name__}; allowed: a list')
    words = [_word(file, f"{place}, word {n}", word, voice) for n, word in enumerate(listed, 1)]
    return Caption(start_s, end_s, tuple(_filled(words, start_s, end_s)))


def _word(file: str, place: str, word: Any, voice: str | None) -> CaptionWord:
    """A word; with NaN for its times where the file gives none."""
    fields = _fields(file, place, word)
    text = (_text(file, place, fields, "word") or "").strip()
    start_s, end_s = (_seconds(file, place, fields, name) for name in ("start", "end"))
    if start_s is None or end_s is None:
        start_s = end_s = math.nan
    if end_s < start_s:
        raise wrong(file, place, f"ends at {end_s:g} s, before its start at {start_s:g} s")
    score = _number(file, place, fields, "score" if "score" in fields else "probability")
    if score is not None and not 0 <= score <= 1:
        raise wrong(file, place, f"score {score:g}; allowed: 0 to 1")
    who = _text(file, place, fields, "speaker") or voice
    return CaptionWord(start_s, end_s, text, who, not math.isnan(start_s), score)


def _filled(words: Sequence[CaptionWord], start_s: float, end_s: float) -> list[CaptionWord]:
    """Words with text; those without times are spread between their neighbours."""
    filled: list[CaptionWord] = []
    waiting: list[CaptionWord] = []
    at_s = start_s
    for word in words:
        if not any(letter.isalnum() for letter in word.text):
            continue
        if not word.is_measured:
            waiting.append(word)
            continue
        filled += [*_between(waiting, at_s, word.start_s), word]
        waiting, at_s = [], word.end_s
    return filled + _between(waiting, at_s, end_s)


def _between(words: Sequence[CaptionWord], start_s: float, end_s: float) -> list[CaptionWord]:
    spaced = spread([(word.text, word.voice) for word in words], start_s, max(start_s, end_s))
    return [
        replace(placed, probability=word.probability)
        for word, placed in zip(words, spaced, strict=True)
    ]


def _fields(file: str, place: str, value: Any) -> Fields:
    if not isinstance(value, dict):
        raise wrong(
            file, place, f"is {type(value).__name__}; allowed: an object with start and end"
        )
    return value


def _seconds(file: str, place: str, fields: Fields, name: str) -> float | None:
    seconds = _number(file, place, fields, name)
    if seconds is not None and seconds < 0:
        raise wrong(file, place, f'"{name}" is {seconds:g}; allowed: seconds from 0')
    return seconds


def _number(file: str, place: str, fields: Fields, name: str) -> float | None:
    """A number a recording can hold; None where the field is left out or null."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(file, place, f'"{name}" is {type(value).__name__}; allowed: a number')
    if not abs(value) < _MOST:  # also where it is not a number
        raise wrong(file, place, f'"{name}" is no number below {_MOST:g}')
    return float(value)


def _text(file: str, place: str, fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong(file, place, f'"{name}" is {type(value).__name__}; allowed: text')
    return value
