"""Transcripts made of a script: who said what, when, in the layouts of captions and recognisers.

Each function adds what programs add (labels, repeats, highlights, events) and nothing that is a
word. `transcript_styles` names them by program.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

NAMES = ("Mira Kessler", "Jonas Öst")


@dataclass(frozen=True)
class Said:
    """One utterance."""

    voice: int
    words: tuple[str, ...]
    start_s: float
    end_s: float

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def times(self) -> list[tuple[float, float]]:
        step = (self.end_s - self.start_s) / len(self.words)
        return [
            (self.start_s + step * at, self.start_s + step * (at + 1))
            for at in range(len(self.words))
        ]


Script = Sequence[Said]


def script(lines: Sequence[tuple[int, str]]) -> list[Said]:
    """Utterances of (voice, words), 0.3 s a word, 0.2 s between them."""
    said, at = [], 1.0
    for voice, text in lines:
        words = tuple(text.split())
        said.append(Said(voice, words, round(at, 3), round(at + 0.3 * len(words), 3)))
        at = said[-1].end_s + 0.2
    return said


def clock(seconds: float, *, comma: bool = False, hours: bool = True) -> str:
    whole = round(seconds * 1000)
    text = f"{whole // 60000 % 60:02}:{whole // 1000 % 60:02}.{whole % 1000:03}"
    text = f"{whole // 3600000:02}:{text}" if hours else text
    return text.replace(".", ",") if comma else text


Cue = tuple[float, float, str]


def srt(cues: Sequence[Cue], *, end: str = "\n", blank: bool = True, hours: bool = True) -> str:
    blocks = [
        f"{n}\n{' --> '.join(clock(t, comma=True, hours=hours) for t in times)}\n{text}\n"
        for n, (*times, text) in enumerate(cues, 1)
    ]
    return ("\n" if blank else "").join(blocks).replace("\n", end)


def vtt(
    cues: Sequence[Cue],
    *,
    head: str = "WEBVTT\n",
    names: Callable[[int], str] | None = None,
    tail: str = "",
    hours: bool = True,
    end: str = "\n",
) -> str:
    text = head
    for n, (a, b, said) in enumerate(cues, 1):
        name = f"{names(n)}\n" if names else ""
        times = f"{clock(a, hours=hours)} --> {clock(b, hours=hours)}{tail}"
        text += f"\n{name}{times}\n{said}\n"
    return text.replace("\n", end)


def labelled(template: str, names: Sequence[str] = NAMES) -> Callable[[Script], list[Cue]]:
    """One caption an utterance; ``{name}`` and ``{text}`` in the template."""
    return lambda said: [
        (u.start_s, u.end_s, template.format(name=names[u.voice], text=u.text)) for u in said
    ]


def at_changes(template: str, names: Sequence[str] = NAMES) -> Callable[[Script], list[Cue]]:
    """A label only where the speaker changes."""

    def made(said: Script) -> list[Cue]:
        last, cues = None, []
        for u in said:
            text = template.format(name=names[u.voice], text=u.text) if u.voice != last else u.text
            cues.append((u.start_s, u.end_s, text))
            last = u.voice
        return cues

    return made


def bare(said: Script) -> list[Cue]:
    return [(u.start_s, u.end_s, u.text) for u in said]


def events(said: Script, *marks: str) -> list[Cue]:
    """Sounds and remarks beside what was said, each kind in turn."""
    cues: list[Cue] = []
    for n, u in enumerate(said):
        mark = marks[n % len(marks)]
        alone = n % 3 == 0
        text = u.text if alone else f"{mark} {u.text}" if n % 3 == 1 else f"{u.text} {mark}"
        cues.append((u.start_s, u.end_s, text))
        if alone:
            cues.append((u.end_s + 0.05, u.end_s + 0.15, mark))
    return cues


def youtube(said: Script) -> list[Cue]:
    """Two lines that roll, the new one timed word by word, each held for 10 ms."""
    cues, before = [], " "
    for u in said:
        (start, _), *rest = u.times()
        timed = "".join(
            f"<{clock(a)}><c> {html.escape(w, quote=False)}</c>"
            for (a, _), w in zip(rest, u.words[1:], strict=True)
        )
        cues.append((start, u.end_s - 0.01, f"{before}\n{html.escape(u.words[0])}{timed}"))
        cues.append((u.end_s - 0.01, u.end_s, f"{html.escape(u.text)}\n "))
        before = html.escape(u.text)
    return cues


def plain_youtube(said: Script) -> list[Cue]:
    """The same, converted to SubRip: no times inside, no blank lines."""
    cues, before = [], ""
    for u in said:
        cues.append((u.start_s, u.end_s - 0.01, f"{before}{u.text}"))
        cues.append((u.end_s - 0.01, u.end_s, u.text))
        before = f"{u.text}\n"
    return cues


def overlapping(said: Script) -> list[Cue]:
    """Each line stays until the next but one begins."""
    ends = [u.start_s for u in said[2:]] + [said[-1].end_s + 2] * 2
    return [(u.start_s, max(end, u.end_s), u.text) for u, end in zip(said, ends, strict=False)]


def rolling(said: Script, *, rows: int, lead: str = "", template: str = "{text}") -> list[Cue]:
    """Roll-up: the last `rows` lines, the newest at the bottom."""
    lines = [lead + template.format(name=NAMES[u.voice], text=u.text) for u in said]
    return [
        (u.start_s, u.end_s, "\n".join(lines[max(0, n - rows + 1) : n + 1]))
        for n, u in enumerate(said)
    ]


def growing(said: Script) -> list[Cue]:
    """Painted on: every word adds itself to the line."""
    return [
        (start, end, " ".join(u.words[: n + 1]))
        for u in said
        for n, (start, end) in enumerate(u.times())
    ]


def highlighted(said: Script, opening: str, closing: str) -> list[Cue]:
    """The whole line once for each word, that word set apart."""
    cues = []
    for u in said:
        for n, (start, end) in enumerate(u.times()):
            words = list(u.words)
            words[n] = f"{opening}{words[n]}{closing}"
            cues.append((start, end, " ".join(words)))
    return cues


def doubled(said: Script) -> list[Cue]:
    """Every caption stands in the file twice."""
    return [cue for cue in bare(said) for _ in range(2)]


def wrapped(cues: Sequence[Cue]) -> list[Cue]:
    """Long lines broken in two, where a blank is."""
    broken = []
    for a, b, text in cues:
        words = text.split(" ")
        cut = len(words) // 2 + 1
        broken.append((a, b, " ".join(words[:cut]) + "\n" + " ".join(words[cut:])))
    return broken


def dialogue(said: Script, dash: str = "- ") -> list[Cue]:
    """Two speakers in one caption, a dash before each."""
    cues: list[Cue] = []
    done = 0
    while done < len(said):
        one, *more = said[done : done + 2]
        if more and more[0].voice != one.voice:
            cues.append((one.start_s, more[0].end_s, f"{dash}{one.text}\n{dash}{more[0].text}"))
            done += 2
        else:
            cues.append((one.start_s, one.end_s, one.text))
            done += 1
    return cues


def segments(said: Script, speaker: str = "SPEAKER_{:02}", *, lead: str = "") -> list[dict]:
    """Segments with words, as WhisperX and Whisper have them."""
    return [
        {"start": u.start_s, "end": u.end_s, "text": f" {u.text}",
         "words": [{"word": lead + w, "start": a, "end": b, "score": 0.9}
                   for (a, b), w in zip(u.times(), u.words, strict=True)]}
        | ({"speaker": speaker.format(u.voice)} if speaker else {})
        for u in said
    ]  # fmt: skip


def word_list(said: Script, name: str = "word") -> list[dict]:
    return [
        {name: w.strip(".,?"), "start": a, "end": b}
        for u in said
        for (a, b), w in zip(u.times(), u.words, strict=True)
    ]


def amazon(said: Script) -> dict:
    items: list[dict] = []
    for u in said:
        for (a, b), word in zip(u.times(), u.words, strict=True):
            told = word.rstrip(".,?")
            items.append({"type": "pronunciation", "start_time": f"{a:.3f}", "end_time": f"{b:.3f}",
                          "speaker_label": f"spk_{u.voice}",
                          "alternatives": [{"confidence": "0.98", "content": told}]})  # fmt: skip
            if told != word:
                items.append({"type": "punctuation", "alternatives": [
                    {"confidence": "0.0", "content": word[len(told):]}]})  # fmt: skip
    return {"jobName": "x", "status": "COMPLETED", "results": {"transcripts": [], "items": items}}


def rev(said: Script) -> dict:
    return {"speakers": [{"id": 0, "name": NAMES[0]}], "monologues": [
        {"speaker": u.voice, "elements": [one for (a, b), w in zip(u.times(), u.words, strict=True)
            for one in ({"type": "text", "value": w, "ts": a, "end_ts": b, "confidence": 0.9},
                        {"type": "punct", "value": " "})]} for u in said]}  # fmt: skip


def deepgram(said: Script) -> dict:
    words = [
        {"word": w.lower().strip(".,?"), "punctuated_word": w, "start": a, "end": b,
         "speaker": u.voice}
        for u in said for (a, b), w in zip(u.times(), u.words, strict=True)
    ]  # fmt: skip
    return {"results": {"channels": [{"alternatives": [{"transcript": "", "words": words}]}]}}


def assembly(said: Script) -> dict:
    return {"text": "", "utterances": [
        {"speaker": "AB"[u.voice], "text": u.text, "start": round(u.start_s * 1000),
         "end": round(u.end_s * 1000), "confidence": 0.9,
         "words": [{"text": w, "start": round(a * 1000), "end": round(b * 1000),
                    "speaker": "AB"[u.voice]}
                   for (a, b), w in zip(u.times(), u.words, strict=True)]}
        for u in said]}  # fmt: skip


def cpp(said: Script) -> dict:
    return {"systeminfo": "", "model": {}, "result": {"language": "en"}, "transcription": [
        {"timestamps": {"from": clock(u.start_s, comma=True), "to": clock(u.end_s, comma=True)},
         "offsets": {"from": round(u.start_s * 1000), "to": round(u.end_s * 1000)},
         "text": f" {u.text}",
         "tokens": [{"text": "[_BEG_]", "id": 1}] + [{"text": f" {w}", "p": 0.9} for w in u.words]}
        for u in said]}  # fmt: skip


def stm(said: Script, names: Sequence[str] = ("Mira", "Jonas"), noise: str = "") -> str:
    lines = [
        f"talk 1 {names[u.voice]} {u.start_s:.3f} {u.end_s:.3f} <o,f0,x> {noise}{u.text}"
        for u in said
    ]
    return ";; made\n" + "\n".join(lines) + "\n"


def whisper_vtt(said: Script) -> str:
    return vtt(bare(said), hours=False)


def teams_confidence(said: Script) -> str:
    text = "WEBVTT\n\n"
    for n, u in enumerate(said):
        text += f"NOTE Confidence: 0.{80 + n % 19}\n\n{n:08x}-0000-0000-0000-000000000000\n"
        text += f"{clock(u.start_s)} --> {clock(u.end_s)}\n<v {NAMES[u.voice]}>{u.text}</v>\n\n"
    return text
