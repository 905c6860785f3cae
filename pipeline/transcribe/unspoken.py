"""What stands in a transcript and was not said: laughter, music, remarks.

Square brackets, angle and lenticular ones always hold such an event, and a line between notes is
sung. Round brackets and asterisks also hold speech, "(you know)", "*really*": they are an event
where a word says so, or where they fill their line. The list of words is [ours].
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.transcribe.captions import Cue

_ALWAYS = re.compile(
    r"\[[^\[\]]{0,300}\](?:[ \t]*:(?!\S))?|【[^【】]{0,300}】|（[^（）]{0,300}）|"
    r"\{[^{}]{0,300}\}|</?\s*[^\W\d_][^<>]{0,300}>|⟨[^⟨⟩]{0,300}⟩"
)
_SUNG = re.compile("([♩♪♫♬🎵🎶])[^♩♪♫♬🎵🎶]{1,300}[♩♪♫♬🎵🎶]")
_MAYBE = re.compile(r"\(([^()]{0,300})\)|(?<![\w*])\*{1,2}([^*\s][^*\n]{0,80})\*{1,2}(?![\w*])")
_ASTERISKS = re.compile(r"(?<![\w*])(\*{1,3})(?=\w)|(?<=[\w.,!?…])(\*{1,3})(?![\w*])")
_NEAR = 80  # characters of a line beside a remark that are looked at
_STAMP = re.compile(r"\s*\d{1,3}(?::\d{1,2}){1,2}(?:[.,]\d{1,6})?\s*")
_OPEN = re.compile(r"\[[^\[\]\n]{0,80}(?=\n|$)|(?:(?<=\n)|^)[^\[\]\n]{0,80}\]")
_SAID = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SOUNDS = """
laugh, chuckl, giggl, snicker, sigh, cough, sneez, sniff, sob, cry, cries, weep, wept, moan,
groan, gasp, yawn, inhal, exhal, breath, throat, whisper, mumbl, music, applau, clap, cheer,
silence, silent, pause, noise, sound, inaudib, unintellig, indiscern, indistinct, unclear,
crosstalk, overlap, background, static, beep, bleep, buzz, ring, knock, door, phone, telephone,
click, typing, footstep, foreign, speaks, speaking, nods, nodding, shrug, smil, blank_audio,
redact, bleeped, censored, phonetic, lacht, lachen, lachend, gelächter, kichert, seufz, hust,
niest, schnief, schluchz, weint, weinen, räusper, atmet, einatm, ausatm, gähnt, flüster, murmel,
stöhn, musik, applaus, klatsch, stille, schweig, geräusch, unverständ, unklar, nickt, lächel,
telefon, klopf, tür$, türe$, durcheinander, rire, rit$, soupir, tousse, pleur, musique,
applaudiss, inaudible, silencio, risas?, ríe, suspir, tos$, llor, música, aplauso, ininteligib,
risate, sospir, piange, incomprensib, cross-talk, cross talk
"""
"""Beginnings of words; one that ends in $ is the whole word."""
_ANY_SOUND = "|".join(stem.strip() for stem in _SOUNDS.replace("$", r"\b").split(","))
_STEMS = re.compile(rf"(?<!\w)(?:{_ANY_SOUND})", re.IGNORECASE)
_INTERJECTIONS = """
yes yeah yep no nope okay ok right mhm mm mmm hm hmm uh um er uh-huh mm-hmm mm-hm sure well oh
ah i you he she we they it ja nein genau gut also ach oui non si sí
"""
_ALSO_SAID = frozenset(_INTERJECTIONS.split())
_PEOPLE_SAY = "i i'm you we me my your our was were ich du wir mein war je tu yo"
_OF_SPEECH = frozenset(_PEOPLE_SAY.split())


def without_events(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """The captions with events blanked, and how many there were; times in brackets do not count."""
    count = 0
    cleared: list[Cue] = []
    for cue in cues:
        rest = cue
        for _ in range(3):  # brackets inside brackets, from the inside out
            spans = list(_events(rest.text))
            count += sum(any(map(str.isalpha, rest.text[a:b])) for a, b in spans)
            rest = rest.without(spans)
            if not spans:
                break
        cleared.append(rest.without(match.span() for match in _ASTERISKS.finditer(rest.text)))
    return cleared, count


def is_remark(said: str) -> bool:
    """Whether what stands in brackets names a sound or a remark, not speech about one."""
    spoken = any(word.casefold() in _OF_SPEECH for word in _SAID.findall(said))
    return not spoken and _STEMS.search(said.replace("\n", " ")) is not None


def _events(text: str) -> Iterator[tuple[int, int]]:
    if not any(sign in text for sign in "[({<*（【⟨♪♫♩♬🎵🎶]"):
        return
    yield from (match.span() for match in _ALWAYS.finditer(text))
    yield from (match.span() for match in _SUNG.finditer(text))
    for match in _MAYBE.finditer(text):
        inside = match.group(1) if match.group(1) is not None else match.group(2)
        if is_remark(inside) or _STAMP.fullmatch(inside) or _fills_line(text, match, inside):
            yield match.span()
    for match in _OPEN.finditer(text):
        if is_remark(match.group()) and len(match.group().split()) <= 4:
            yield match.span()


def _fills_line(text: str, match: re.Match[str], inside: str) -> bool:
    """Whether a remark is all there is in its line, and nobody would say it so."""
    before = text[max(0, match.start() - _NEAR) : match.start()].rpartition("\n")[2]
    after = text[match.end() : match.end() + _NEAR].partition("\n")[0]
    if max(len(before), len(after)) >= _NEAR or any(map(str.isalnum, before + after)):
        return False
    return not any(word.casefold() in _ALSO_SAID for word in _SAID.findall(inside))
