"""Cues in what is said: precision and recall on hand-written sentences, and the rules."""

from __future__ import annotations

import tomllib

import pytest

from bench.cues import SENTENCES, measure
from pipeline.config import CONFIGS
from pipeline.errors import ConfigError
from pipeline.language.phrase_cues import CUES, CueRules, feedback_sought, repair_marker

LISTS = tomllib.loads((CONFIGS / "lexicon.en.toml").read_text(encoding="utf-8"))
RULES = CueRules(LISTS, punctuated=True)

BARS = {
    "affirmation": (0.90, 0.80),
    "certainty_phrase": (0.90, 0.80),
    "client_demur": (0.90, 0.80),
    "directive_strong": (0.90, 0.80),
    "feedback_general": (0.85, 0.80),
    "feedback_specific": (0.85, 0.80),
    "generalising": (0.90, 0.90),
    "permission_phrase": (0.90, 0.80),
    "question": (0.95, 0.95),
    "question_open": (0.90, 0.90),
    "reflection": (0.85, 0.80),
    "repair_marker": (0.90, 0.75),
    "reply_agreeing": (0.95, 0.90),
    "self_disclosure": (0.90, 0.80),
    "somatic_question": (0.90, 0.80),
}
"""Least precision and recall. Precision first: a cue that is not there must not be shown."""


@pytest.fixture(scope="module")
def tallies():
    return measure(LISTS)


@pytest.fixture(scope="module")
def fresh():
    return measure(LISTS, held_out=True)


def found(text, rules=RULES):
    """Cue and words of every match."""
    words = text.split()
    return [(m.cue, " ".join(words[m.first : m.last + 1])) for m in rules.read(words)]


def cues(text):
    return {cue for cue, _ in found(text)}


@pytest.mark.parametrize("cue", sorted(BARS))
def test_precision_and_recall(cue, tallies):
    tally = tallies[cue]
    print(f"{cue:20} precision {tally.precision:.2f}  recall {tally.recall:.2f}")
    precision, recall = BARS[cue]
    assert tally.precision >= precision, tally.false
    assert tally.recall >= recall, tally.missed


@pytest.mark.parametrize("cue", sorted(BARS))
def test_precision_and_recall_on_sentences_the_rules_were_not_made_on(cue, fresh):
    tally = fresh[cue]
    print(f"{cue:20} held out: precision {tally.precision:.2f}  recall {tally.recall:.2f}")
    assert tally.precision >= 0.9, tally.false
    assert tally.recall >= 0.8, tally.missed


def test_every_cue_has_thirty_sentences_of_either_kind_and_ten_held_out():
    assert {path.stem for path in SENTENCES.glob("*.toml")} == set(BARS)
    for path in SENTENCES.glob("*.toml"):
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        for prefix, count in (("", 30), ("held_out_", 10)):
            with_cue, without = (set(written[prefix + kind]) for kind in ("positive", "negative"))
            assert len(with_cue) == len(without) == count, path.stem
            assert not with_cue & without, path.stem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("You should call her.", True),
        ("You should call her, okay?", True),
        ("Do you think you should call her?", False),
        ("You don't have to call her.", False),
        ("He said you should call her.", False),
        ("You should call her, he said.", False),
        ("“You should call her,” that was it.", False),
        ("My mother always said you must never cry.", False),
        ("Nobody is saying you have to decide now.", False),
        ("I am sure he left. You should call her.", True),
    ],
)
def test_negation_questions_and_other_peoples_words(text, expected):
    assert ("directive_strong" in cues(text)) is expected


def test_a_match_gives_the_words_as_transcribed():
    assert found("Um, well. You need to, I think, rest.") == [("directive_strong", "You need to,")]
    assert found("Everything. Always, always.")[1:] == [
        ("generalising", "Always,"),
        ("generalising", "always."),
    ]


def test_a_quotation_mark_that_is_never_closed_opens_nothing():
    assert "directive_strong" in cues('You should rest " now.')
    assert cues('She was like "you should rest" and left.') == set()


def test_without_punctuation_statements_and_questions_are_not_told_apart():
    bare = CueRules(LISTS, punctuated=False)
    assert ("directive_strong", "you should") in found("i think you should rest", bare)
    assert ("permission_phrase", "can i ask") in found("can i ask about that", bare)
    assert found("do you think you should rest", bare) == []


def test_what_is_sought_at_the_start_of_a_turn_only():
    assert "demur" in cues("Um, I don't know. He is away.")
    assert "demur" not in cues("He is away. I don't know.")


def test_feedback_and_repair_are_summed_over_a_turn():
    def read(text):
        return RULES.read(text.split())

    assert feedback_sought(read("How was today? Is there anything I missed?")) == "specific"
    assert feedback_sought(read("How was today?")) == "general"
    assert feedback_sought([]) == "none"
    assert repair_marker(read("Last week I cut you off. I'm sorry. How was that for you?")) == 3
    assert repair_marker(read("I'm sorry to hear that.")) == 0


def test_a_lexicon_that_lacks_a_cue_is_refused():
    for cue in CUES:
        lists = {name: phrases for name, phrases in LISTS.items() if not name.startswith(cue)}
        with pytest.raises(ConfigError, match=cue):
            CueRules(lists, punctuated=True)


def test_another_language_is_a_file_of_its_own():
    german = dict.fromkeys(LISTS, ()) | {"directive_strong": ["du musst/sollst"]}
    rules = CueRules(german, punctuated=True)
    assert found("Du musst jetzt schlafen.", rules) == [("directive_strong", "Du musst")]
    assert found("You must sleep now.", rules) == []
