"""Fifteen mock consultations (PriMock57) through our stages: turns, roles, language.

    python -m bench.primock57 [--folder ../shared/data/dialogue/primock57] [--lines 10] [--seed 1]

Each consultation is two TextGrids, one per person, with the times and the text of every utterance.
They become the tables that the diarizer and the transcriber would have given; the doctor stands for
the therapist. Printed are turn-taking and the role guess per consultation, then cues per role, then
some of the lines behind them. Word times are spread over each utterance.
"""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.config import load_profile
from pipeline.stage import Inputs
from pipeline.stages import language, roles, turns

ROOT = Path(__file__).resolve().parents[1]
PEOPLE = ("doctor", "patient")
ROLE_OF = {"doctor": "therapist", "patient": "client"}
COUNTED = ("directive_strong", "generalising")
FLAGS = ("permission_phrase", "certainty_phrase", "reflection", "affirmation", "somatic_question")

_FIELD = re.compile(
    r'^\s*(xmin|xmax|text)\s*=\s*(?:"((?:[^"]|"")*)"|([-\d.eE+]+))\s*$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One interval of a TextGrid in which somebody speaks."""

    start_s: float
    end_s: float
    person: str
    text: str
    """Tags taken out; empty where nothing could be understood."""


@dataclass(frozen=True, slots=True)
class Consultation:
    """What our stages made of one consultation."""

    name: str
    guess: Mapping[str, str]
    """Person -> role as the role stage guesses it, from the talk alone."""
    turns: list[dict[str, Any]]
    phrases: list[dict[str, Any]]
    words: list[dict[str, Any]]


def read_textgrid(path: Path, person: str) -> Iterator[Utterance]:
    """Every interval of a TextGrid (long text format, one tier) that is not empty."""
    fields: dict[str, str] = {}
    for name, text, number in _FIELD.findall(path.read_text(encoding="utf-8")):
        fields[name] = text if name == "text" else number
        if name == "text" and text.strip():
            said = " ".join(re.sub(r"<[^>]*>", " ", text.replace('""', '"')).split())
            yield Utterance(float(fields["xmin"]), float(fields["xmax"]), person, said)


def consultations(folder: Path) -> Iterator[Consultation]:
    """All consultations below a folder, in order of name."""
    for path in sorted(folder.glob("*_doctor.TextGrid")):
        name = path.name.removesuffix("_doctor.TextGrid")
        spoken = [
            said
            for person in PEOPLE
            for said in read_textgrid(folder / f"{name}_{person}.TextGrid", person)
        ]
        yield analyse(name, spoken)


def analyse(name: str, spoken: Sequence[Utterance]) -> Consultation:
    """Turns, role guess and language of one consultation."""
    profile = load_profile()
    session = SimpleNamespace(capture="in_room", first_speaker=None)
    spec: Any = SimpleNamespace(id=name, session=session, media=[SimpleNamespace(hears=["mixed"])])
    upstream = {"diarization": _diarization(name, spoken), "words": _words(name, spoken)}
    recording: Any = None
    inputs = Inputs(spec, recording, upstream)
    upstream |= _tables(turns.run(inputs, None, profile.turns).tables)
    guessed = _tables(roles.run(inputs, None, profile.roles).tables)["roles"].to_pylist()
    upstream["roles"] = _true_roles(name)
    made = _tables(language.run(inputs, None, profile.language).tables)
    return Consultation(
        name,
        {PEOPLE[row["speaker"]]: row["role"] for row in guessed},
        made["turns"].to_pylist(),
        made["phrases"].to_pylist(),
        upstream["words"].to_pylist(),
    )


def _tables(found: Mapping[str, Any]) -> dict[str, pa.Table]:
    return dict(found)


def _diarization(name: str, spoken: Sequence[Utterance]) -> pa.Table:
    return tables.DIARIZATION.build_rows(
        {
            "session_id": name,
            "start_s": said.start_s,
            "end_s": said.end_s,
            "speaker": PEOPLE.index(said.person),
            "exclusive": False,
            "confidence": None,
        }
        for said in spoken
    )


def _words(name: str, spoken: Sequence[Utterance]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for said in spoken:
        words = said.text.split()
        edges = np.linspace(said.start_s, said.end_s, len(words) + 1)
        rows += [
            {
                "session_id": name,
                "start_s": start,
                "end_s": end,
                "text": word,
                "probability": None,
                "low_confidence": None,
                "timing": "interpolated",
                "speaker": PEOPLE.index(said.person),
                "is_overlap": False,
                "stated_role": None,
                "stated_voice": None,
            }
            for start, end, word in zip(edges, edges[1:], words, strict=False)
        ]
    rows.sort(key=lambda row: (row["start_s"], row["speaker"]))
    return tables.WORDS.build_rows({**row, "word_index": i} for i, row in enumerate(rows))


def _true_roles(name: str) -> pa.Table:
    return tables.ROLE_ASSIGNMENT.build_rows(
        {
            "session_id": name,
            "speaker": speaker,
            "role": ROLE_OF[person],
            "confidence": 1.0,
            "method": "session_toml",
        }
        for speaker, person in enumerate(PEOPLE)
    )


def talk_share(rows: Sequence[Mapping[str, Any]]) -> float:
    """The therapist's share of all speech."""
    spoken = dict.fromkeys(ROLE_OF.values(), 0.0)
    for row in rows:
        spoken[row["role"]] += row["phonation_s"]
    return spoken["therapist"] / sum(spoken.values())


def _print_turn_taking(found: Sequence[Consultation]) -> None:
    print(
        f"{'consultation':22}{'turns':>7}{'talk share':>12}{'replies':>9}{'latency s':>11}"
        f"{'overlaps':>10}{'back-ch.':>10}{'guess':>9}"
    )
    for one in found:
        floor = [row for row in one.turns if row["takes_floor"]]
        latencies = [
            row["response_latency_s"] for row in one.turns if row["response_latency_s"] is not None
        ]
        overlaps = sum(bool(row["overlap_between_s"]) for row in floor)
        back = sum(row["is_backchannel"] for row in one.turns)
        guess = {"therapist": "right", "client": "wrong"}.get(one.guess["doctor"], "none")
        print(
            f"{one.name:22}{len(floor):7}{talk_share(one.turns):12.2f}{len(latencies):9}"
            f"{np.median(latencies):11.2f}{overlaps:10}{back:10}{guess:>9}"
        )


def _print_cues(found: Sequence[Consultation]) -> None:
    print(f"\n{'':34}{'doctor':>10}{'patient':>10}")
    rows = {
        role: [row for one in found for row in one.turns if row["role"] == role]
        for role in ("therapist", "client")
    }
    words = {role: sum(row["word_count"] for row in said) for role, said in rows.items()}
    print(f"{'words':34}" + "".join(f"{count:10}" for count in words.values()))
    for kind in ("open", "closed"):
        counts = [sum(row["question_type"] == kind for row in said) for said in rows.values()]
        print(f"{f'{kind} questions':34}" + "".join(f"{count:10}" for count in counts))
    for cue in (*COUNTED, *FLAGS, "self_disclosure"):
        rates = [
            1000 * sum(int(row[cue] or 0) for row in said) / words[role]
            for role, said in rows.items()
        ]
        label = f"{cue} per 1,000 words"
        print(f"{label:34}" + "".join(f"{rate:10.2f}" for rate in rates))


def _print_lines(found: Sequence[Consultation], cues: Sequence[str], count: int, seed: int) -> None:
    print(f"\n{count} lines drawn at random (seed {seed}) from {', '.join(cues)}")
    listed = [(one, phrase) for one in found for phrase in one.phrases if phrase["cue"] in cues]
    drawn = random.Random(seed).sample(listed, min(count, len(listed)))
    for one, phrase in sorted(drawn, key=lambda pair: (pair[1]["cue"], pair[0].name)):
        turn = next(row for row in one.turns if row["turn_id"] == phrase["turn_id"])
        who = "doctor" if turn["role"] == "therapist" else "patient"
        print(
            f"{one.name[-15:]} {phrase['start_s']:7.1f} s  {who:8}{phrase['cue']:19}"
            f"{_in_context(one.words, turn['speaker'], phrase)}"
        )


def _in_context(words: Sequence[Mapping[str, Any]], speaker: int, phrase: Mapping[str, Any]) -> str:
    """The phrase in brackets, with the speaker's words of about 2 s before and 3 s after."""
    own = [word for word in words if word["speaker"] == speaker]
    first, last = phrase["start_s"], phrase["end_s"]
    before = [w["text"] for w in own if first - 2 <= w["start_s"] < first]
    after = [w["text"] for w in own if last <= w["start_s"] <= last + 3]
    return " ".join([*before, f"[{phrase['text']}]", *after])


def main() -> None:
    """Print the tables and some lines."""
    data = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=data / "dialogue" / "primock57")
    parser.add_argument("--lines", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--cues",
        nargs="+",
        default=["directive_strong", "permission_phrase"],
        choices=tables.PHRASE_CUES,
    )
    arguments = parser.parse_args()
    found = list(consultations(arguments.folder))
    if not found:
        parser.error(f"no *_doctor.TextGrid in {arguments.folder}")
    _print_turn_taking(found)
    _print_cues(found)
    _print_lines(found, arguments.cues, arguments.lines, arguments.seed)


if __name__ == "__main__":
    main()
