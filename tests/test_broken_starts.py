"""People start again: what they break off or say twice changes neither question nor its type."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from bench.cues import SENTENCES
from pipeline.config import CONFIGS
from pipeline.language.questions import QuestionRules, steadied

LISTS = tomllib.loads((CONFIGS / "lexicon.en.toml").read_text(encoding="utf-8"))
RULES = QuestionRules(LISTS, punctuated=True)
WRITTEN = tomllib.loads((SENTENCES / "question_open.toml").read_text(encoding="utf-8"))


def _head(text: str, count: int) -> str:
    return " ".join(text.split()[:count]).rstrip(",.?!")


STARTS: dict[str, Callable[[str], str]] = {
    "stammer": lambda text: f"{text[:2]}-{text}",
    "two stammers": lambda text: f"{text[0]}-{text[:2]}-{text}",
    "broken word": lambda text: f"{text[:2]}- {text}",
    "words again": lambda text: f"{_head(text, 2)}, {text}",
    "words again, cut": lambda text: f"{_head(text, 3)}- {text}",
    "a filler between": lambda text: f"{_head(text, 2)}, um, {text}",
    "fillers before": lambda text: f"Um, so, uh, {text}",
    "an amount given up": lambda text: f"How long- {text}",
    "another given up": lambda text: f"What did you — {text}",
}


@pytest.mark.parametrize("start", STARTS)
def test_a_new_start_changes_no_type(start: str) -> None:
    for kind, shown in (("positive", "open"), ("negative", "closed")):
        for text in (*WRITTEN[kind], *WRITTEN[f"held_out_{kind}"]):
            said = STARTS[start](text)
            expected = RULES.question_type(text.split())
            assert RULES.question_type(said.split()) == expected, said
            assert expected in {shown, None}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("wh-what makes you", "what makes you"),
        ("w-w-what", "what"),
        ("where do you where do you see it", "where do you see it"),
        ("i i i think", "i think"),
        ("mm-hmm well-known", "mm-hmm well-known"),
        ("what makes you feel what makes", "what makes you feel what makes"),
    ],
)
def test_what_was_said_twice_is_taken_once(said: str, kept: str) -> None:
    assert steadied(said.split()) == kept.split()


def test_an_amount_inside_an_open_question_leaves_it_open() -> None:
    for said, shown in {
        "What do you make of how much you worry?": "open",
        "How do you feel about how long it took?": "open",
        "How much do you think about what he said?": "closed",
        "Tell me how old you were?": "closed",
        "Where do you- where do you see yourself next year?": "open",
        "Where do you live?": "closed",
    }.items():
        assert RULES.question_type(said.split()) == shown, said
