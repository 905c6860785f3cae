"""The written script of the demo session: who says what, in which order, after which planned gap.

Every sentence is made up for the demo from the templates below. Times are not decided here, except
the gaps: how long a line takes is known only once it has been spoken (`made.spoken_lines`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from models.base import TimedWord

Role = Literal["client", "therapist"]
Block = Literal["usual", "slow_replies", "several_cues"]

USUAL_GAP_S = (0.5, 1.2)
"""Reply gaps outside the planned stretches, drawn uniformly: the robust z of the widest is 1.4."""
SLOW_GAP_S = (3.4, 4.8)
PAUSE_MARK = "|"
"""Stands in a line's text where a silence of planned length is put."""
USUAL_RATE_WPM = {"client": 168, "therapist": 172}
SLOW_RATE_WPM = 104
SLOW_PAUSE_S = 0.95
CHARACTERS_PER_S = 15.0
"""Rough speaking rate, used only to decide how many lines fill the session."""


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of the script."""

    role: Role
    text: str
    """Spoken text; a ``|`` is a planned pause of `pause_s`."""
    gap_s: float
    """Silence between the previous line's audible end and this one's audible start."""
    block: Block = "usual"
    question: Literal["open", "closed"] | None = None
    rate_wpm: int = 168
    pause_s: float = 0.0

    @property
    def plain_text(self) -> str:
        """The text as a transcript has it, without pause marks."""
        return " ".join(self.text.replace(PAUSE_MARK, " ").split())


@dataclass(frozen=True, slots=True)
class Utterance:
    """One spoken turn on the session clock."""

    role: str
    start_s: float
    """Audible start."""
    end_s: float
    """Audible end."""
    text: str
    question: str | None
    """``open``, ``closed`` or None."""
    planned_gap_s: float
    """Silence before it; after a therapist question this is the planned response latency."""
    block: Block
    words: tuple[TimedWord, ...] = field(repr=False)


OPEN_QUESTIONS = (
    "What was that like for you?",
    "How did the week go after that?",
    "What happened next?",
    "How did you spend the evening?",
    "What would you like to talk about first?",
    "How was the morning on {day}?",
    "What did you do when {person} said that?",
    "How have the nights been since {day}?",
    "What makes {place} easier for you?",
    "What stayed with you from {day}?",
    "How would {person} describe that evening?",
    "What went through your mind at {place}?",
    "What was different about {day}?",
    "How did you come to that plan?",
    "What helped you get through the day at {place}?",
    "How did {person} answer you?",
)
CLOSED_QUESTIONS = (
    "Did you talk with {person} about it?",
    "Was {person} there as well?",
    "Have you been back to {place} since {day}?",
    "Did that change anything on {day}?",
    "Is that something you knew before?",
    "Were you alone at {place}?",
    "Do you still meet {person} on {day}?",
    "Did you sleep after that?",
)
STATEMENTS = (
    "So there was a lot going on at once.",
    "It sounds as if {place} mattered more than the rest.",
    "You had planned it for days, and then it went another way.",
    "I can hear that {day} was long.",
    "So {person} was part of it from the start.",
    "You noticed it quite early this time.",
    "That was a full week, with hardly an hour for yourself.",
    "Let us stay with that for a moment.",
    "You said something close to that about {place} too.",
    "I see, so it took the whole of {day}.",
)
CLOSED_OPENERS = (
    "Yes, on {day}.",
    "No, not this time.",
    "Yes, for a while.",
    "No, that came later.",
)
SENTENCES = (
    "I went to {place} with {person}, and we stayed until it was dark.",
    "On {day} I got up early and made a list of everything that was left.",
    "My plan was to call {person}, but the phone was still at {place}.",
    "It was busy at {place}, so I left before the others came.",
    "We talked about the garden and about the winter for nearly an hour.",
    "I wrote it down on {day}, because I wanted to remember it here.",
    "Then {person} came in and asked me to help with the boxes.",
    "The bus was late again, and I walked home along the river.",
    "I made soup, read a little, and went to bed around ten.",
    "Most of {day} was about work, and the evening was mine.",
    "There was a letter from {person}, and I read it twice at {place}.",
    "I told {person} about the trip, and that was the end of it.",
    "The children next door were loud, so I moved to {place}.",
    "I had the window open, and the rain came in over the table.",
    "Somehow the hours at {place} went by faster than I had thought.",
    "In the afternoon I cleaned the kitchen and put the old chairs outside.",
    "I met {person} by chance, and we had coffee near {place}.",
    "At first I wanted to go home, and later I was glad I stayed.",
    "It took me a while to find the right key for {place}.",
    "I keep thinking about the way {person} laughed on {day}.",
)
BRIEF_REPLIES = ("I don't know.", "Not really.")
SLOW_REPLIES = (
    "It is more like | a long road at night | and I keep driving | without looking up.",
    "There was a room | and people in it | and I was standing | near the door.",
    "I heard what they said | but it came slowly | one word | and then another.",
    "Nothing much moved | the light was on | and I looked | at the wall.",
    "I sat at the table | for a long time | and the tea | went cold.",
)
SLOTS = {
    "person": (
        "my sister",
        "my brother",
        "Anna",
        "my neighbour",
        "Tom",
        "my mother",
        "a colleague",
    ),
    "place": ("the library", "the office", "the market", "the lake", "the station", "the workshop"),
    "day": ("Monday", "Tuesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


class Writer:
    """Draws lines; never the same template twice until a list is used up."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.decks: dict[tuple[str, ...], list[str]] = {}

    def draw(self, templates: tuple[str, ...]) -> str:
        """One template of the list with its slots filled."""
        deck = self.decks.get(templates)
        if not deck:
            deck = [templates[i] for i in self.rng.permutation(len(templates))]
            self.decks[templates] = deck
        words = {slot: str(self.rng.choice(choices)) for slot, choices in SLOTS.items()}
        return deck.pop().format(**words)

    def gap(self, limits: tuple[float, float] = USUAL_GAP_S) -> float:
        """A planned silence in seconds, to the hundredth."""
        return round(float(self.rng.uniform(*limits)), 2)

    def rate(self, role: Role) -> int:
        """Words per minute; uniform, so that no usual turn is far from the rest."""
        return round(USUAL_RATE_WPM[role] * float(self.rng.uniform(0.93, 1.07)))

    def question(self, kind: Literal["open", "closed"], *, lead: bool = True) -> Line:
        """A therapist turn that ends in a question, after up to two statements."""
        text = self.draw(OPEN_QUESTIONS if kind == "open" else CLOSED_QUESTIONS)
        before = int(self.rng.integers(0, 3)) if lead else 0
        text = " ".join([*(self.draw(STATEMENTS) for _ in range(before)), text])
        return Line("therapist", text, self.gap(), question=kind, rate_wpm=self.rate("therapist"))

    def statement(self) -> Line:
        """A therapist turn without a question."""
        return Line("therapist", self.draw(STATEMENTS), self.gap(), rate_wpm=self.rate("therapist"))

    def reply(self, sentences: int, opener: str = "") -> Line:
        """A client turn of some sentences."""
        text = " ".join([opener, *(self.draw(SENTENCES) for _ in range(sentences))]).strip()
        return Line("client", text, self.gap(), rate_wpm=self.rate("client"))


def usual_exchange(writer: Writer) -> Iterator[Line]:
    """Question and reply, four times in five; else a statement and what the client adds to it."""
    chance = writer.rng.random()
    if chance < 0.2:
        yield writer.statement()
        yield writer.reply(int(writer.rng.integers(1, 3)))
    elif chance < 0.45:
        yield writer.question("closed")
        yield writer.reply(int(writer.rng.integers(1, 3)), opener=writer.draw(CLOSED_OPENERS))
    else:
        yield writer.question("open")
        yield writer.reply(int(writer.rng.integers(2, 4)))


def slow_replies(writer: Writer) -> Iterator[Line]:
    """Five questions in a row of which four are answered late, with replies of ordinary length."""
    prompt = int(writer.rng.integers(1, 4))
    for i in range(5):
        yield replace(writer.question("open", lead=False), block="slow_replies")
        gap_s = writer.gap() if i == prompt else writer.gap(SLOW_GAP_S)
        yield replace(writer.reply(2), gap_s=gap_s, block="slow_replies")


def several_cues(writer: Writer) -> Iterator[Line]:
    """Two brief replies to open questions, two late replies, slow speech with long pauses.

    Two of each and no more: three would be a run of slow or of brief replies in its own right.
    """
    brief = [BRIEF_REPLIES[i] for i in writer.rng.permutation(len(BRIEF_REPLIES))]
    slow = [SLOW_REPLIES[i] for i in writer.rng.permutation(len(SLOW_REPLIES))]
    asks: tuple[tuple[Literal["open", "closed"], bool], ...] = (
        ("open", True), ("open", False), ("closed", True), ("closed", False), ("closed", False),
    )  # fmt: skip
    for kind, late in asks:
        yield replace(writer.question(kind, lead=False), block="several_cues")
        gap_s = writer.gap(SLOW_GAP_S) if late else writer.gap()
        if kind == "open":
            yield replace(writer.reply(0, brief.pop()), gap_s=gap_s, block="several_cues")
            yield replace(writer.statement(), block="several_cues")
            gap_s = writer.gap()
        yield replace(
            writer.reply(0, slow.pop()),
            gap_s=gap_s, rate_wpm=SLOW_RATE_WPM, pause_s=SLOW_PAUSE_S, block="several_cues",
        )  # fmt: skip


def estimate_s(line: Line) -> float:
    """Rough duration of a line with the gap before it, in seconds."""
    slowness = USUAL_RATE_WPM[line.role] / line.rate_wpm
    pauses = line.text.count(PAUSE_MARK) * line.pause_s
    return line.gap_s + pauses + slowness * len(line.plain_text) / CHARACTERS_PER_S


def write_script(
    rng: np.random.Generator, duration_s: float, *, blocks_at: dict[Block, float]
) -> list[Line]:
    """Enough lines for `duration_s` and some more; each block starts near its time."""
    writer = Writer(rng)
    makers = {"slow_replies": slow_replies, "several_cues": several_cues}
    waiting = sorted((at_s, block) for block, at_s in blocks_at.items())
    lines: list[Line] = []
    clock_s = 0.0
    while clock_s < 1.15 * duration_s:
        if waiting and clock_s >= waiting[0][0]:
            exchange = list(makers[waiting.pop(0)[1]](writer))
        else:
            exchange = list(usual_exchange(writer))
        lines += exchange
        clock_s += sum(map(estimate_s, exchange))
    return lines
