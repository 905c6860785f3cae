"""Real clips whose words and times are known, for `bench.transcription`, and word errors by edits.

All of the shared test data with reference words: meetings (AMI, every word timed and with its
speaker, overlaps kept), read and dictated speech, two people on a channel each. One channel a clip.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faster_whisper.audio import decode_audio

from models.base import SAMPLE_RATE_HZ, Audio

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data")) / "speech"

JFK = (
    "And so, my fellow Americans, ask not what your country can do for you, "
    "ask what you can do for your country."
)
QUILTER = "Mr Quilter is the apostle of the middle classes and we are glad to welcome his gospel."
"""As leopard_test_data.json has the same sentence."""
LEFT = (
    "He began a confused complaint against the wizard, "
    "who had vanished behind the curtain on the left."
)
RIGHT = "The horizon seems extremely distant."
PAUSE_S = 0.5


@dataclass(frozen=True)
class Said:
    """One reference word."""

    text: str
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True)
class Clip:
    """Sound and what is said in it."""

    name: str
    audio: Audio
    words: tuple[Said, ...]
    """In order of their starts, whoever speaks."""

    @property
    def seconds(self) -> float:
        """Length."""
        return self.audio.size / SAMPLE_RATE_HZ

    @property
    def after_pauses(self) -> tuple[Said, ...]:
        """Words that begin at least half a second after everything before them has ended."""
        found, ended_s = [], -np.inf
        for word in self.words:
            if word.start_s is None or word.end_s is None:
                ended_s = np.inf  # unknown; until the next timed word has ended
                continue
            if word.start_s - ended_s >= PAUSE_S:
                found.append(word)
            ended_s = word.end_s if np.isinf(ended_s) else max(ended_s, word.end_s)
        return tuple(found)


def clips(folder: Path = SHARED) -> Iterator[Clip]:
    """Every clip with reference words, in a fixed order; none where the folder is absent."""
    for path in sorted((folder / "ami30").glob("*.words.ctm")):
        name = path.name.partition(".")[0]
        yield Clip(f"ami30/{name}", _sound(path.with_name(f"{name}.wav")), _ctm(path))
    read = folder / "words"
    if read.is_dir():
        yield Clip("words/jfk", _sound(read / "jfk.flac"), _plain_text(JFK))
        yield Clip("words/test", _sound(read / "test.mp3"), _chat(read / "test.cha"))
        yield Clip("words/test_en", _sound(read / "test_en.wav"), _plain_text(QUILTER))
    pairs = folder / "two_party"
    if pairs.is_dir():
        sound = _sound(pairs / "leopard_diarization_test.wav")
        yield Clip("two_party/leopard", sound, _leopard(pairs / "leopard_test_data.json"))
        both = decode_audio(str(pairs / "stereo_diarization.wav"), split_stereo=True)
        for side, heard, text in zip(("left", "right"), both, (LEFT, RIGHT), strict=True):
            yield Clip(f"two_party/{side}", heard, _plain_text(text))


def plain(text: str) -> list[str]:
    """Lower-case words without punctuation, for comparison."""
    return re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))


def errors(said: Sequence[str], truth: Sequence[str]) -> int:
    """Least words to insert, delete and replace (Levenshtein)."""
    row = list(range(len(said) + 1))
    for i, expected in enumerate(truth, 1):
        previous, row[0] = row[0], i
        for j, heard in enumerate(said, 1):
            cost = previous + (heard != expected)
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, cost)
    return row[-1]


def _sound(path: Path) -> Audio:
    sound: Audio = decode_audio(str(path))
    return sound


def _plain_text(text: str) -> tuple[Said, ...]:
    return tuple(Said(word) for word in plain(text))


def _ctm(path: Path) -> tuple[Said, ...]:
    rows = sorted((line.split() for line in path.read_text().splitlines()), key=_start)
    return tuple(
        Said(text, float(start), float(start) + float(length))
        for _, _, start, length, spoken, *_ in rows
        for text in plain(spoken)
    )


def _start(row: Sequence[str]) -> float:
    return float(row[2])


def _chat(path: Path) -> tuple[Said, ...]:
    """Words of the ``%wor`` lines, each with its milliseconds between control signs.

    An utterance without such a line has its words without times.
    """
    found: list[Said] = []
    for utterance in path.read_text().split("\n*")[1:]:
        spoken, _, tiers = utterance.partition("\n")
        _, timed, words = tiers.partition("%wor:\t")
        if not timed:
            text = re.sub(r"\x15.*?\x15", "", spoken.partition("\t")[2])
            found += [Said(word) for word in plain(text.replace("-", ""))]
            continue
        for text, start, end in re.findall(r"(\S+) \x15(\d+)_(\d+)\x15", words.splitlines()[0]):
            found += [Said(word, int(start) / 1000, int(end) / 1000) for word in plain(text)]
    return tuple(found)


def _leopard(path: Path) -> tuple[Said, ...]:
    (test,) = json.loads(path.read_text())["tests"]["diarization_tests"]
    return _plain_text(" ".join(one["word"] for one in test["words"]))
