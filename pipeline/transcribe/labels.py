"""Who speaks, where a line says so: ``Name:``, ``>> NAME:``, ``[SPEAKER_00]:``, ``(Therapist)``.

A label is a voice and no word. Speech has colons too ("I told him: stop"), so a name before a colon
is a label where the whole file shows it: it is a role, a pseudonym, a number a program gives, or
names stand at the start of captions again and again. Shares and words are [ours], tried on real
unlabelled speech. Names stay inside this package: `files` makes numbers of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.transcribe.captions import Cue
from pipeline.transcribe.speaker_names import is_generic, plain
from pipeline.transcribe.unspoken import is_remark

EVERY_CAPTION = 0.8
"""From this share of captions with a label on, one without is nobody's; below, labels hold on."""
LABELLED = 0.5
"""From this share of captions that begin with a name on, whoever is named but once is a speaker; so
too where the very first does: programs that name who takes over begin with who begins.
"""
RECURRING = 0.04
RECURRING_SMALL = 0.2
MOST_SPEAKERS = 50
"""Below: names that recur in that share of captions; names in small letters, in the second."""

_STAMP = r"(?:[ \t]*[\[(]?\d{1,3}(?::\d{2}){1,2}(?:[.,]\d{1,3})?[\])]?)?"
_AFTER = r"[:：]\*{0,2}(?=\s|$|[^\W\d_]|[\"'“„¿¡(\[])"
_LEAD = re.compile(r"(?:[ \t]|>{1,3}|»|[-–—‐•♪](?!\d))*")
_BRACKETED = re.compile(r"(?:\[([^\[\]\n]{1,60})\]|\(([^()\n]{1,60})\)|<([^<>\n]{1,60})>)")
_COLON = re.compile(rf"{_STAMP}[ \t]*\*{{0,2}}[ \t]*{_AFTER}")
_NAMED = re.compile(
    rf"\*{{0,2}}(\w[\w .,'’&@/#+|()-]{{0,58}}?(?<=[\w.)])){_STAMP}[ \t]*\*{{0,2}}[ \t]*{_AFTER}"
)
_TURN = re.compile(r"(?:>{2,3}|»)")
_DASH = re.compile(r"[ \t]*[-–—‐]")
_BETWEEN_NAMES = """
von van vom zu zur de da del della der den di du dos das la le el al bin ibn und and y e of the im
in am ter ten
"""
_PARTICLE = frozenset(_BETWEEN_NAMES.split())
_OPEN_SPEECH = """
me him her them us mich dich ihm ihn ihnen mhm mm mmm hm hmm uh-huh mm-hmm ah sure i i'm i've he
she they we you it this that these those there here and but so because the a an my your his our
their if when then what why how who where which yes yeah no okay ok well right oh um uh like
just actually anyway maybe look listen remember question answer first second third next last
finally one two three also now again note example meaning basically honestly important tell
tells told say says said think thinks thought ask asks asked feel felt was is are ich er sie es
wir ihr das die und aber dann weil wenn warum wie wer wo ja nein gut genau mein dein sein frage
antwort erstens zweitens nämlich dachte sagte sagt meinte je il elle nous vous on ça et mais
donc alors oui non c'est réponse yo él ella nosotros y pero entonces sí pregunta respuesta
"""
_OPENERS = frozenset(_OPEN_SPEECH.split())
"""No name holds one of these."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What may be a label: its place in a caption, and the name."""

    cue: int
    start: int
    end: int
    name: str
    bracketed: bool
    sure: bool
    """Brackets and a colon, or a name in capitals after chevrons: nothing else looks so."""


def with_voices(cues: Sequence[Cue], known: Collection[str]) -> list[Cue]:
    """The captions with labels blanked and their names among the voices.

    Parameters
    ----------
    known : names that are labels for certain (`plain`)
    """
    candidates = [one for index, cue in enumerate(cues) for one in _candidates(index, cue)]
    names = _names(cues, candidates, known)
    chosen: list[list[_Candidate]] = [[] for _ in cues]
    for one in candidates:
        if one.sure or plain(one.name) in names:
            chosen[one.cue].append(one)
    named = frozenset(plain(one.name) for listed in chosen for one in listed)
    inside = _pattern_inside(named)
    listed = [
        _labelled(cue, [*mine, *_inside(inside, index, cue, mine)])
        for index, (cue, mine) in enumerate(zip(cues, chosen, strict=True))
    ]
    starting = sum(bool(mine) for mine in chosen)
    if len(named) > 1 and starting < EVERY_CAPTION * len(cues):
        return _held_on(listed)
    return listed


def _candidates(index: int, cue: Cue) -> Iterator[_Candidate]:
    at = 0
    for line in cue.text.split("\n"):
        if one := _candidate(index, at, line):
            yield one
        at += len(line) + 1


def _candidate(index: int, at: int, line: str) -> _Candidate | None:
    lead = _LEAD.match(line)
    begin = lead.end() if lead else 0
    turned = bool(_TURN.search(line[:begin]))
    bracket = _BRACKETED.match(line, begin)
    if bracket:
        name = next(part for part in bracket.groups() if part is not None)
        colon = _COLON.match(line, bracket.end())
        end = colon.end() if colon else bracket.end()
        sure = colon is not None and _is_name_like(name) and not is_remark(name)
        if colon or (_is_name_like(name) and not is_remark(name)):
            return _Candidate(index, at + begin, at + end, name, bracketed=True, sure=sure)
        return None
    named = _NAMED.match(line, begin)
    if named is None or not any(letter.isalpha() for letter in named.group(1)):
        return None
    name = named.group(1)
    sure = turned and _is_name(name)
    return _Candidate(index, at + begin, at + named.end(), name, bracketed=False, sure=sure)


def _is_name_like(name: str) -> bool:
    return len(name.split()) <= 6 and any(letter.isalnum() for letter in name)


def _is_name(name: str) -> bool:
    """Whether it is written as names are: every word with a capital, or a sign or number in it."""
    words = name.replace("/", " ").split()
    plain_words = {word.casefold().strip(",.") for word in words}
    if len(words) > 6 or plain_words & (_OPENERS - _PARTICLE):
        return False
    return all(_is_name_word(word) for word in words) and any(map(str.isalpha, name))


def _is_name_word(word: str) -> bool:
    letters = word.lstrip("(['’")
    return (
        word.casefold() in _PARTICLE
        or any(letter.isupper() for letter in letters)
        or not any(map(str.isalpha, letters))
        or any(letter.isdigit() or letter in "_@#" for letter in letters)
        or bool(letters[:1].isalpha() and letters[:1].lower() == letters[:1].upper())  # no case
    )


def _is_small_name(name: str) -> bool:
    words = plain(name).split()
    return 0 < len(words) <= 3 and not any(word.strip(",.") in _OPENERS for word in words)


def _names(
    cues: Sequence[Cue], candidates: Sequence[_Candidate], known: Collection[str]
) -> frozenset[str]:
    """Names (`plain`) that are labels in this file."""
    written: dict[str, str] = {}
    count: Counter[str] = Counter()
    for one in candidates:
        written.setdefault(plain(one.name), one.name)
        count[plain(one.name)] += 1
    certain = {name for name in written if name in known or is_generic(name)}
    shaped = {name for name, text in written.items() if _is_name(text) and not is_remark(text)}
    small = {name for name, text in written.items() if _is_small_name(text) and not is_remark(text)}
    brackets = {plain(one.name) for one in candidates if one.bracketed and not one.sure}
    if _share(cues, candidates, (shaped | small | certain) - brackets) >= EVERY_CAPTION:
        return frozenset(certain | ((shaped | small) - brackets) | _recurring(count, shaped, cues))
    capital = (shaped | certain) - brackets
    opens = any(one.cue == 0 and plain(one.name) in capital for one in candidates)
    if opens or _share(cues, candidates, capital) >= LABELLED:
        return frozenset(
            certain | (shaped - brackets) | _recurring(count, shaped | (small - brackets), cues)
        )
    return frozenset(certain | _recurring(count, shaped, cues, RECURRING)
                     | _recurring(count, small - brackets, cues, RECURRING_SMALL))  # fmt: skip


def _share(cues: Sequence[Cue], candidates: Sequence[_Candidate], names: Collection[str]) -> float:
    """Share of the captions in which a line begins with one of the names; 0 of a single one."""
    begun = {one.cue for one in candidates if plain(one.name) in names}
    return len(begun) / len(cues) if len(cues) > 1 else 0.0


def _recurring(
    count: Counter[str], names: Collection[str], cues: Sequence[Cue], share: float = 0.0
) -> set[str]:
    """Names that occur twice and more, if together they make up a share of the captions."""
    several = {name for name in names if count[name] > 1}
    return several if sum(count[name] for name in several) >= share * len(cues) else set()


def _pattern_inside(names: Collection[str]) -> re.Pattern[str] | None:
    """Labels in the middle of a line, where a sentence has ended or after chevrons."""
    if not 0 < len(names) <= MOST_SPEAKERS:
        return None
    spelled = sorted(names, key=len, reverse=True)
    either = "|".join(r"\s+".join(map(re.escape, name.split())) for name in spelled)
    begin = r"(?:(?<=[.?!…\"”’)\]>])\s+|\s(?:>{2,3}|»|[-–—])\s*)"
    end = rf"[\])>]?{_STAMP}\*{{0,2}}\s?[:：]\*{{0,2}}(?=\s|$)"
    return re.compile(rf"{begin}[\[(<*]{{0,2}}({either}){end}", re.IGNORECASE)


def _inside(
    pattern: re.Pattern[str] | None, index: int, cue: Cue, known: Sequence[_Candidate]
) -> Iterator[_Candidate]:
    for match in pattern.finditer(cue.text) if pattern else ():
        if not any(one.start < match.end() and match.start() < one.end for one in known):
            yield _Candidate(index, *match.span(), match.group(1), bracketed=False, sure=True)


def _labelled(cue: Cue, labels: Sequence[_Candidate]) -> Cue:
    """The caption with its labels, chevrons and opening dashes as changes of voice."""
    voices: dict[int, str | None] = dict(cue.voices)
    spans = [(one.start, one.end) for one in labels]
    voices |= {one.start: " ".join(one.name.split()) for one in labels}
    at = 0
    dashed = sum(bool(_DASH.match(line)) for line in cue.text.split("\n")) > 1
    for line in cue.text.split("\n"):
        lead = _LEAD.match(line)
        dash = _DASH.match(line) if dashed else None  # then a number after it is said, not minus
        end = at + max(one.end() if one else 0 for one in (lead, dash))
        if end > at:
            spans.append((at, end))
            turns = _TURN.search(cue.text[at:end]) or (dashed and _DASH.match(line))
            if turns and not any(at <= place <= end for place in voices):
                voices[at] = None
        at += len(line) + 1
    for turn in re.finditer(r"(?<!\S)(?:>{2,3}|»)", cue.text):
        spans.append(turn.span())
        voices.setdefault(turn.start(), None)
    rest = cue.without(spans)
    return replace(rest, voices=tuple(sorted(voices.items())))


def _held_on(cues: Sequence[Cue]) -> list[Cue]:
    """Who was named last speaks on in captions that name nobody."""
    listed: list[Cue] = []
    voice: str | None = None
    for cue in cues:
        if voice is not None and not any(at == 0 for at, _ in cue.voices):
            cue = replace(cue, voices=((0, voice), *cue.voices))  # noqa: PLW2901
        listed.append(cue)
        voice = cue.voices[-1][1] if cue.voices else voice
    return listed
