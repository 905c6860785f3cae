# ruff: noqa: E501  (a table reads best in lines)
"""How programs write a script as a transcript, by program; and how ours reads what they write."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

from pipeline.paperwork.session import TranscriptFile
from pipeline.tables import MEDIA
from pipeline.transcribe import transcript
from tests.made.transcripts import (
    NAMES,
    Script,
    amazon,
    assembly,
    at_changes,
    bare,
    cpp,
    deepgram,
    dialogue,
    doubled,
    events,
    growing,
    highlighted,
    labelled,
    overlapping,
    plain_youtube,
    rev,
    rolling,
    segments,
    srt,
    stm,
    teams_confidence,
    vtt,
    whisper_vtt,
    word_list,
    wrapped,
    youtube,
)

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")


def _guid(n: int) -> str:
    return f"3f2b7c1e-9a44-4d1c-8b7e-{n:012x}/{n}-0"


TEAMS = ("Kessler, Mira (Praxis am See)", "Gast")
SPEAKERS = ("Speaker 1", "Speaker 2")
SMALL = ("mira kessler", "jonas")
UPPER = tuple(name.upper() for name in NAMES)
PSEUDONYMS = ("T02", "C07")
TWO = {"head": "WEBVTT\nKind: captions\nLanguage: en\n", "tail": " align:start position:0%"}
SDH = (
    "[Music]",
    "(laughs)",
    "[inaudible 00:13]",
    "*sighs*",
    "♪",
    "<laughs>",
    "(applause)",
    "[crosstalk]",
)

STYLES: dict[str, tuple[str, Callable[[Script], str]]] = {
    "zoom: Name:": ("vtt", lambda s: vtt(labelled("{name}: {text}")(s), names=str)),
    "zoom: small letters": ("vtt", lambda s: vtt(labelled("{name}: {text}", SMALL)(s), names=str)),
    "zoom: pseudonyms": ("vtt", lambda s: vtt(labelled("{name}: {text}", PSEUDONYMS)(s), names=str)),
    "zoom: CRLF": ("vtt", lambda s: vtt(labelled("{name}: {text}")(s), names=str, end="\r\n")),
    "zoom: device names": ("vtt", lambda s: vtt(
        labelled("{name}: {text}", ("Mira's iPhone", "jonas.oest@praxis"))(s), names=str)),
    "teams: v tags": ("vtt", lambda s: vtt(labelled("<v {name}>{text}</v>", TEAMS)(s), names=_guid, end="\r\n")),
    "teams: unclosed v": ("vtt", lambda s: vtt(labelled("<v {name}>{text}", TEAMS)(s))),
    "teams: confidence notes": ("vtt", teams_confidence),
    "teams: wrapped": ("vtt", lambda s: vtt(wrapped(labelled("<v {name}>{text}</v>", TEAMS)(s)), names=_guid)),
    "youtube: rolling": ("vtt", lambda s: vtt(youtube(s), **TWO)),
    "youtube: as SubRip": ("srt", lambda s: srt(plain_youtube(s))),
    "youtube: overlapping": ("srt", lambda s: srt(overlapping(s))),
    "youtube: chevrons": ("srt", lambda s: srt(at_changes(">> {text}")(s))),
    "otter: Speaker 1": ("srt", lambda s: srt(labelled("{name}: {text}", SPEAKERS)(s))),
    "otter: at changes": ("srt", lambda s: srt(at_changes("{name}: {text}")(s))),
    "otter: Unknown Speaker": ("srt", lambda s: srt(labelled("{name}: {text}", ("Unknown Speaker", "Jonas"))(s))),
    "otter: times in labels": ("srt", lambda s: srt(labelled("{name}  0:12: {text}")(s))),
    "rev: >> NAME:": ("srt", lambda s: srt(labelled(">> {name}: {text}", UPPER)(s))),
    "rev: at changes": ("vtt", lambda s: vtt(at_changes(">> {name}: {text}")(s))),
    "rev: events": ("srt", lambda s: srt(events(s, "[inaudible 00:00:13]", "[crosstalk 00:02:03]", "(laughs)"))),
    "rev: (00:12)": ("srt", lambda s: srt(labelled("{name} (00:12): {text}")(s))),
    "rev: json": ("json", lambda s: json.dumps(rev(s))),
    "descript: Name:": ("srt", lambda s: srt(wrapped(labelled("{name}: {text}")(s)))),
    "descript: bold": ("vtt", lambda s: vtt(labelled("**{name}:** {text}")(s))),
    "descript: v tags": ("vtt", lambda s: vtt(labelled("<v.first {name}>{text}</v>")(s))),
    "meet: label above": ("vtt", lambda s: vtt(labelled("{name}:\n{text}")(s))),
    "meet: growing": ("srt", lambda s: srt(growing(s))),
    "premiere: roll-up 2": ("srt", lambda s: srt(rolling(s, rows=2))),
    "premiere: roll-up 3": ("vtt", lambda s: vtt(rolling(s, rows=3), tail=" line:90%")),
    "premiere: 608 >>": ("srt", lambda s: srt(rolling(s, rows=2, lead=">> ")).upper()),
    "premiere: names roll": ("srt", lambda s: srt(rolling(s, rows=2, template="{name}: {text}"))),
    "premiere: painted on": ("vtt", lambda s: vtt(growing(s))),
    "premiere: doubled": ("srt", lambda s: srt(doubled(s))),
    "whisper.cpp: json": ("json", lambda s: json.dumps(cpp(s))),
    "whisper.cpp: srt": ("srt", lambda s: srt([(a, b, f" {t}") for a, b, t in bare(s)])),
    "whisper.cpp: diarized": ("srt", lambda s: srt(labelled("(speaker {name}) {text}", ("0", "1"))(s))),
    "whisper.cpp: events": ("vtt", lambda s: vtt(events(s, "[BLANK_AUDIO]", "[Music]", "(laughing)", "[ Silence ]"))),
    "whisperx: json": ("json", lambda s: json.dumps({"segments": segments(s)})),
    "whisperx: list of words": ("json", lambda s: json.dumps(
        {"segments": [{k: v for k, v in one.items() if k != "words"} for one in segments(s)],
         "word_segments": word_list(s)})),
    "whisperx: srt": ("srt", lambda s: srt(labelled("[{name}]: {text}", ("SPEAKER_00", "SPEAKER_01"))(s))),
    "whisperx: highlight": ("srt", lambda s: srt(highlighted(s, "<u>", "</u>"))),
    "whisperx: highlight in colour": ("vtt", lambda s: vtt(
        highlighted(s, '<font color="#fff">', "</font>"))),
    "openai: verbose": ("json", lambda s: json.dumps(
        {"task": "transcribe", "segments": [
            {"start": u.start_s, "end": u.end_s, "text": " " + u.text} for u in s],
         "words": word_list(s)}, ensure_ascii=False)),
    "openai: whisper json": ("json", lambda s: json.dumps({"text": "", "segments": segments(s, "", lead=" ")})),
    "openai: vtt": ("vtt", whisper_vtt),
    "openai: highlight": ("vtt", lambda s: vtt(highlighted(s, "<u>", "</u>"), hours=False)),
    "amazon: json": ("json", lambda s: json.dumps(amazon(s))),
    "amazon: spk_0": ("vtt", lambda s: vtt(labelled("{name}: {text}", ("spk_0", "spk_1"))(s))),
    "deepgram: json": ("json", lambda s: json.dumps(deepgram(s))),
    "deepgram: v tags": ("vtt", lambda s: vtt(labelled("<v Speaker {name}>{text}", ("0", "1"))(s))),
    "assemblyai: json": ("json", lambda s: json.dumps(assembly(s))),
    "assemblyai: Speaker A": ("srt", lambda s: srt(labelled("Speaker {name}: {text}", ("A", "B"))(s))),
    "sonix: [Name]": ("srt", lambda s: srt(labelled("[{name}] {text}")(s))),
    "trint: no blank lines": ("srt", lambda s: srt(labelled("{name}: {text}")(s), blank=False)),
    "subtitle edit: dashes": ("srt", lambda s: srt(dialogue(s))),
    "subtitle edit: tight dashes": ("srt", lambda s: srt(dialogue(s, "–"))),
    "subtitle edit: dashed names": ("srt", lambda s: srt(labelled("- {name}: {text}")(s))),
    "subtitle edit: styles": ("srt", lambda s: srt(labelled("{{\\an8}}<i>{text}</i>")(s))),
    "subtitle edit: events": ("srt", lambda s: srt(events(s, *SDH))),
    "subtitle edit: no hours": ("srt", lambda s: srt(labelled("{name}: {text}", UPPER)(s), hours=False)),
    "typed: T and C": ("srt", lambda s: srt(labelled("{name}: {text}", ("T", "C"))(s))),
    "typed: German roles": ("srt", lambda s: srt(labelled("{name}: {text}", ("Therapeutin", "Klient"))(s))),
    "typed: (Therapist)": ("vtt", lambda s: vtt(labelled("({name}) {text}", ("Therapist", "Client"))(s))),
    "typed: Kontakt 2": ("srt", lambda s: srt(labelled("{name}: {text}", ("Dr. Kessler", "Kontakt 2"))(s))),
    "typed: <Name>:": ("vtt", lambda s: vtt(labelled("<{name}>: {text}")(s))),
    "typed: commas in vtt": ("vtt", lambda s: vtt(bare(s)).replace(".", ",") if not any(
        "." in w for u in s for w in u.words) else vtt(bare(s))),
    "stm: speakers": ("stm", stm),
    "stm: noise": ("stm", lambda s: stm(s, PSEUDONYMS, "[laugh] <unk> ")),
}  # fmt: skip
"""``program: what`` -> (ending, how the text is made)."""


def read(
    path, *, client="C07", therapist="T02", speakers=None, duration_s=None
) -> transcript.Transcript:
    """The words of a file, as the stage reads them."""
    told = TranscriptFile(file=path.name, speakers=speakers or {})
    spec = SimpleNamespace(
        transcript=told, session=SimpleNamespace(client=client, therapist=therapist)
    )
    return transcript.read(path, spec, MEDIA.empty(), duration_s)


def encoded(text: str, encoding: str) -> bytes | None:
    """The bytes of a file; None where the encoding has no such letter."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


def is_rising(words) -> bool:
    return all(a.start_s <= b.start_s for a, b in pairwise(words))


def rows(said: Script, folder: Path) -> list[tuple[str, str, str, bool]]:
    """(style, found, right, whether they agree) of a script in every style and encoding it can have.

    Parameters
    ----------
    folder : where the files may be written
    """
    table = []
    for style, (ending, made) in STYLES.items():
        right = [word for one in said for word in one.words]
        right = [word.upper() for word in right] if "608" in style else right
        path, found = folder / f"t.{ending}", {}
        for encoding in ENCODINGS:
            content = encoded(made(said), encoding)
            if content is not None:
                path.write_bytes(content)
                found[encoding] = [word.text for word in read(path).words]
        is_right = len(found) >= 2 and all(texts == right for texts in found.values())
        told = ", ".join(f"{encoding} {len(texts)}" for encoding, texts in found.items())
        table.append((style, told, f"{len(right)} words", is_right))
    return table
