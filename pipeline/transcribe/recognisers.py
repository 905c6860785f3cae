"""JSON (.json) as recognisers write it, told apart by what it holds.

WhisperX, Whisper and faster-whisper: ``segments``, mostly with ``words``. OpenAI's ``verbose_json``
and WhisperX's ``word_segments``: one list of words for all segments, without punctuation, so the
text is the segments' and the times are the words'. whisper.cpp: ``transcription`` in milliseconds.
Amazon Transcribe: ``results.items``. Deepgram: ``results.utterances`` or ``channels``. AssemblyAI:
``utterances`` in milliseconds. Rev: ``monologues``. A segment without usable times is left out, a
word without them lies between its neighbours; both are counted, as is a score outside 0 to 1.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pipeline.errors import SessionError
from pipeline.transcribe.captions import Cue, Found, Mark, clean, is_time, tokens

Fields = Mapping[str, Any]

ALLOWED = "allowed: the JSON of WhisperX, Whisper, whisper.cpp, OpenAI or a recognition service"
AHEAD = 8
"""Words looked ahead where a list of words and the text differ."""
TOGETHER = 100

_BARE = re.compile(r"[\W_]+")
_SPAN = ("start", "end")


def parse(text: str) -> Found:
    """All segments of the file, in its order, and what could not be read of it.

    Raises
    ------
    SessionError
        It is no JSON, or none that holds segments; never quoting what was said.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise SessionError(f"line {error.lineno}: not JSON: {error.msg}; {ALLOWED}") from error
    except RecursionError as error:
        raise SessionError(f"its lists lie too deep in each other; {ALLOWED}") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise SessionError(f"it holds a number that is too long; {ALLOWED}") from error
    found = Found()
    for segment in _segments(content):
        segment.read(found)
    return found


class _Segment:
    """One segment, still as the file has it."""

    def __init__(self, place: str, fields: Any, *, per_s: float = 1.0) -> None:
        self.place, self.fields, self.per_s = place, fields, per_s

    def read(self, found: Found) -> None:
        """Add it to what was found, or to the faults."""
        if not isinstance(self.fields, dict):
            found.faults.append(
                f"{self.place}: is {type(self.fields).__name__}; allowed: an object with "
                "start and end"
            )
            return
        voice = _name(self.fields)
        listed = self.fields.get("words")
        start_s, end_s = (_seconds(self.fields.get(name), self.per_s) for name in _SPAN)
        if isinstance(listed, list) and listed:
            cue = _of_words(found, listed, voice, self.per_s, (start_s, end_s))
        else:
            text = _text(self.fields, "text", "transcript", "punctuated_word")
            cue = None
            if is_time(start_s) and is_time(end_s) and start_s < end_s:
                cue = Cue(start_s, end_s, text, voices=((0, voice),) if voice else ())
            elif not text.strip():
                return
        if cue is None:
            found.faults.append(
                f"{self.place}: allowed: start and end in seconds from 0, the end after the start"
            )
        else:
            found.cues.append(cue)


def _of_words(
    found: Found,
    listed: Sequence[Any],
    voice: str | None,
    per_s: float,
    span: tuple[float, float],
) -> Cue | None:
    """A caption of words that each have times, or lack them."""
    text = ""
    marks: list[Mark] = []
    voices: list[tuple[int, str | None]] = []
    for word in listed:
        fields = word if isinstance(word, dict) else {"word": word}
        said = _text(fields, "punctuated_word", "word", "text", "value").strip()
        text += " " if text else ""
        who = _name(fields) or voice
        if not voices or voices[-1][1] != who:
            voices.append((len(text), who))
        if mark := _mark(found, fields, len(text), per_s):
            marks.append(mark)
        text += said
    start_s, end_s = span
    if not (is_time(start_s) and is_time(end_s) and start_s < end_s):
        if not marks:
            return None
        start_s = min(mark.start_s for mark in marks)
        end_s = max(start_s, *(mark.end_s or mark.start_s for mark in marks))
    return Cue(start_s, end_s, text, tuple(marks), tuple(voices))


def _mark(found: Found, fields: Fields, at: int, per_s: float) -> Mark | None:
    """The time of a word; what cannot be is counted."""
    given = [fields.get(name) for name in _SPAN]
    score = next((fields[n] for n in ("score", "probability", "confidence") if n in fields), None)
    probability = _number(score)
    if score is not None and not 0 <= probability <= 1:
        probability = math.nan
        found.odd_values += 1
    start_s, end_s = (_seconds(value, per_s) for value in given)
    if is_time(start_s) and is_time(end_s) and start_s <= end_s:
        return Mark(at, start_s, end_s, None if math.isnan(probability) else probability)
    found.odd_values += any(value is not None for value in given)
    return None


def _segments(content: Any) -> Iterable[_Segment]:
    if isinstance(content, list) and content:
        return _plain(content)
    if isinstance(content, dict):
        for name, kind, read in _LAYOUTS:
            value = content.get(name)
            if isinstance(value, kind):
                return read(value, content)
    raise SessionError(f'no list "segments"; {ALLOWED}')


def _plain(listed: Iterable[Any], *, per_s: float = 1.0) -> list[_Segment]:
    return [
        _Segment(f"segment {number}", fields, per_s=per_s)
        for number, fields in enumerate(listed, start=1)
    ]


def _whisper(listed: list[Any], content: Fields) -> Iterable[_Segment]:
    """Segments, or one list of words beside them."""
    words = content.get("words") or content.get("word_segments")
    segments = [one for one in listed if isinstance(one, dict)]
    if isinstance(words, list) and not any(one.get("words") for one in segments):
        timed = [word for word in words if isinstance(word, dict)]
        if not segments:
            return _words_alone(timed, content)
        listed = _with_words(listed, timed)
    return _plain(listed)


def _words_alone(words: list[Any], _content: Fields) -> Iterable[_Segment]:
    """Words without segments, some at a time: a caption is a sentence or a few."""
    return [
        _Segment(f"words from {first + 1}", {"words": words[first : first + TOGETHER]})
        for first in range(0, len(words), TOGETHER)
    ]


def _with_words(segments: Sequence[Any], words: Sequence[Fields]) -> list[Any]:
    """Segments whose words are those of their text, each with the times of its like in a list."""
    bare = [_bare(_text(word, "word", "text")) for word in words]
    at = 0
    listed: list[Any] = []
    for segment in segments:
        if not isinstance(segment, dict):
            listed.append(segment)
            continue
        own: list[Fields] = []
        for _, token in tokens(clean(str(segment.get("text") or ""))):
            near = bare[at : at + AHEAD]
            if _bare(token) in near:
                at += near.index(_bare(token))
                own.append({**words[at], "word": token})
                at += 1
            else:
                own.append({"word": token})
        listed.append({**segment, "words": own})
    return listed


def _bare(token: str) -> str:
    return _BARE.sub("", token).casefold()


def _whisper_cpp(listed: list[Any], _content: Fields) -> Iterable[_Segment]:
    """``offsets`` in milliseconds; the tokens of the long form are parts of words, and not used."""
    flat = []
    for one in listed:
        offsets = one.get("offsets") if isinstance(one, dict) else None
        if isinstance(offsets, dict):
            who = one.get("speaker")
            flat.append(
                {"start": offsets.get("from"), "end": offsets.get("to"), "text": one.get("text")}
                | ({"speaker": who} if isinstance(who, str) and who.strip("?") else {})
            )
        else:
            flat.append(one)
    return _plain(flat, per_s=1000.0)


def _milliseconds(listed: list[Any], _content: Fields) -> Iterable[_Segment]:
    return _plain(listed, per_s=1000.0)


def _services(results: Fields, _content: Fields) -> Iterable[_Segment]:
    """Amazon Transcribe and Deepgram, who both call it ``results``."""
    items, utterances = results.get("items"), results.get("utterances")
    if isinstance(items, list):
        return _words_alone(_amazon_words(items), results)
    if isinstance(utterances, list):
        return _plain(utterances)
    for channel in _listed(results, "channels"):
        for heard in _listed(channel, "alternatives")[:1]:
            return _words_alone(_listed(heard, "words"), results)
    raise SessionError(f'no list "items" in "results"; {ALLOWED}')


def _listed(fields: Any, name: str) -> list[Any]:
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, list) else []


def _amazon_words(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Words with the punctuation marks that follow them."""
    words: list[dict[str, Any]] = []
    for item in items:
        best = next(iter(_listed(item, "alternatives")), None)
        if not isinstance(best, dict):
            continue
        said = _text(best, "content")
        if item.get("type") == "punctuation" and words:
            words[-1]["word"] += said
            continue
        word = {"word": said, "start": item.get("start_time"), "end": item.get("end_time")}
        word |= {"confidence": best.get("confidence"), "speaker": item.get("speaker_label")}
        words.append(word)
    return words


def _monologues(listed: list[Any], _content: Fields) -> Iterable[_Segment]:
    """Rev: words and the signs between them, each an element."""
    segments = []
    for number, one in enumerate(listed, start=1):
        words: list[dict[str, Any]] = []
        for element in _listed(one, "elements"):
            said = _text(element, "value") if isinstance(element, dict) else ""
            if said.strip() and isinstance(element, dict) and element.get("type") == "text":
                word = {"word": said, "start": element.get("ts"), "end": element.get("end_ts")}
                words.append(word | {"confidence": element.get("confidence")})
            elif words:
                words[-1]["word"] += said.rstrip()
        speaker = one.get("speaker") if isinstance(one, dict) else None
        segments.append(_Segment(f"monologue {number}", {"words": words, "speaker": speaker}))
    return segments


_LAYOUTS: tuple[tuple[str, type, Callable[[Any, Fields], Iterable[_Segment]]], ...] = (
    ("segments", list, _whisper),
    ("transcription", list, _whisper_cpp),
    ("utterances", list, _milliseconds),
    ("results", dict, _services),
    ("monologues", list, _monologues),
    ("word_segments", list, _words_alone),
    ("words", list, _words_alone),
)


def _seconds(value: Any, per_s: float) -> float:
    return _number(value) / per_s


def _number(value: Any) -> float:
    """A number, also in quotes; NaN where it is none or does not fit."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _name(fields: Fields) -> str | None:
    """Who speaks; services number speakers."""
    who = fields.get("speaker", fields.get("speaker_label"))
    if isinstance(who, int) and not isinstance(who, bool):
        return f"speaker {who}"
    return " ".join(clean(who).split()) or None if isinstance(who, str) else None


def _text(fields: Fields, *names: str) -> str:
    value = next((fields[name] for name in names if isinstance(fields.get(name), str)), "")
    return clean(value)
