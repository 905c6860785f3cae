"""Precision and recall of every language cue on sentences written by hand.

    python -m bench.cues [--lexicon configs/lexicon.en.toml] [--misses]

Each file of `tests/data/cues` holds 30 sentences that show the cue and 30 that do not; the rules
were mended on them. Ten more of either kind were written afterwards and are held out: theirs are
the figures to believe. All are read as written; the 30 also in lower case without punctuation, as
some recognisers give them. The sentences are ours and few: they do not say how a clinic's talk
fares.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import CONFIGS
from pipeline.language.lexicon import contains, tokens
from pipeline.language.phrase_cues import CUES, CueRules, feedback_sought, repair_marker
from pipeline.language.questions import QuestionRules
from pipeline.language.replies import agreement_pattern

SENTENCES = Path(__file__).resolve().parents[1] / "tests" / "data" / "cues"


@dataclass(frozen=True, slots=True)
class Tally:
    """Outcomes of one cue on its sentences."""

    missed: Sequence[str]
    false: Sequence[str]
    hits: int

    @property
    def precision(self) -> float:
        """Share of the found that show the cue; 0 where none was found."""
        found = self.hits + len(self.false)
        return self.hits / found if found else 0.0

    @property
    def recall(self) -> float:
        """Share of those that show the cue that were found."""
        return self.hits / (self.hits + len(self.missed))


def detectors(
    lists: Mapping[str, Sequence[str]], *, punctuated: bool
) -> dict[str, Callable[[list[str]], bool]]:
    """By name of the sentence file: whether a turn of these words shows the cue."""
    questions = QuestionRules(lists, punctuated=punctuated)
    cues = CueRules(lists, punctuated=punctuated)
    agreeing = agreement_pattern(lists)
    found: dict[str, Callable[[list[str]], bool]] = {
        cue: lambda words, cue=cue: any(match.cue == cue for match in cues.read(words))
        for cue in CUES
    }
    return found | {
        "question": lambda words: questions.question_type(words) is not None,
        "question_open": lambda words: questions.question_type(words) == "open",
        "feedback_general": lambda words: feedback_sought(cues.read(words)) == "general",
        "feedback_specific": lambda words: feedback_sought(cues.read(words)) == "specific",
        "repair_marker": lambda words: repair_marker(cues.read(words)) >= 2,
        "client_demur": found["demur"],
        "reply_agreeing": lambda words: contains(agreeing, tokens(" ".join(words))),
    }


def measure(
    lists: Mapping[str, Sequence[str]], *, punctuated: bool = True, held_out: bool = False
) -> dict[str, Tally]:
    """Every cue that has a sentence file, in order of name."""
    kinds = ("held_out_positive", "held_out_negative") if held_out else ("positive", "negative")
    shows = detectors(lists, punctuated=punctuated)
    tallies = {}
    for path in sorted(SENTENCES.glob("*.toml")):
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        with_cue, without = (
            {text: shows[path.stem](_as_said(text, punctuated)) for text in written[kind]}
            for kind in kinds
        )
        tallies[path.stem] = Tally(
            missed=[text for text, found in with_cue.items() if not found],
            false=[text for text, found in without.items() if found],
            hits=sum(with_cue.values()),
        )
    return tallies


def _as_said(text: str, punctuated: bool) -> list[str]:
    return text.split() if punctuated else tokens(text)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lexicon", type=Path, default=CONFIGS / "lexicon.en.toml")
    parser.add_argument("--misses", action="store_true", help="also print what went wrong")
    arguments = parser.parse_args()
    lists = tomllib.loads(arguments.lexicon.read_text(encoding="utf-8"))
    lists.pop("language")
    written, bare, fresh = (
        measure(lists),
        measure(lists, punctuated=False),
        measure(lists, held_out=True),
    )
    print(f"{'':22}{'as written':>18}{'no punctuation':>20}{'held out':>20}")
    print(f"{'cue':22}{'precision':>10}{'recall':>8}" + f"{'precision':>12}{'recall':>8}" * 2)
    for name, tally in written.items():
        figures = "".join(
            f"{one.precision:12.2f}{one.recall:8.2f}" for one in (bare[name], fresh[name])
        )
        print(f"{name:22}{tally.precision:10.2f}{tally.recall:8.2f}{figures}")
        if arguments.misses:
            print(*(f"    missed: {text}" for text in tally.missed), sep="\n")
            print(*(f"    false:  {text}" for text in tally.false), sep="\n")


if __name__ == "__main__":
    main()
