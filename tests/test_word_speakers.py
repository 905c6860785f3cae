"""Words given to turns on real meetings (AMI), whose words and speakers are known.

A word counts as one person's where no other reference turn touches it. The diarizer needs some two
seconds of a voice to tell it from another: in `trn03` it does not hear the one person who says
three words in the clip's first second, so those words are counted apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio

from models.base import Interval, TimedWord, Transcript
from models.speech.detector import SileroSpeechDetector
from models.voices.embedded_diarizer import EmbeddedDiarizer
from pipeline import tables
from pipeline.language.spoken import spoken_turns
from pipeline.settings import DiarizeSettings, TranscribeSettings, TurnsSettings
from pipeline.stage import Inputs
from pipeline.stages import diarize, transcribe, turns

TWO_PEOPLE = ("trn03",)
VOICE_MIN_S = 2.0
ALL = tuple(f"trn0{number}" for number in (0, 1, 2, 3, 4, 5, 6, 7, 9))


@dataclass(frozen=True)
class Meeting:
    """One clip: its path, reference turns (start, end, who), words (start, end, text, who)."""

    path: object
    turns: list
    words: list

    def talking(self, word):
        """Who has a reference turn that touches the word."""
        return {who for start, end, who in self.turns if start < word[1] and word[0] < end}


class Reads:
    """A transcriber that hears the reference words."""

    def __init__(self, words):
        self.words = words

    def transcribe(self, audio, **_):
        heard = tuple(TimedWord(a, b, f" {text}", None) for a, b, text, _ in self.words)
        return Transcript(heard, decoded=(Interval(0.0, audio.size / 16_000),), language="en")


@pytest.fixture(scope="module")
def meetings(shared_data):
    folder = shared_data / "speech" / "ami30"
    return {name: read(folder / f"{name}.wav") for name in ALL}


def read(path):
    rttm = [line.split() for line in path.with_suffix(".rttm").read_text().splitlines()]
    spoken = [(float(f[3]), float(f[3]) + float(f[4]), f[7]) for f in rttm]
    ctm = [line.split() for line in path.with_suffix(".words.ctm").read_text().splitlines()]
    words = [(float(f[2]), float(f[2]) + float(f[3]), f[4], f[-1]) for f in ctm if float(f[3]) > 0]
    return Meeting(path, spoken, sorted(words))


def given(meeting, diarization):
    """(word, who its turn is thought to belong to, marked as overlap) of every reference word."""
    audio = decode_audio(str(meeting.path))
    recording = SimpleNamespace(audio=audio, microphones_off=((),))
    spec = SimpleNamespace(id="s01", transcript=None, media=[])
    whole = {"session_id": ["s01"], "start_s": [0.0], "end_s": [audio.size / 16_000]}
    upstream = {
        "diarization": diarization,
        "speech": tables.SPEECH.build(whole),
        "media": tables.MEDIA.empty(),
    }
    inputs = Inputs(spec, recording, upstream)
    made = transcribe.run(inputs, Reads(meeting.words), TranscribeSettings())
    upstream["words"] = made.tables["words"]
    found = turns.run(inputs, None, TurnsSettings()).tables["speaker_turns"]
    owner = {
        round(word.start_s, 4): turn.row["speaker"]
        for turn in spoken_turns(found, {}, upstream["words"])
        for word in turn.words
    }
    marked = upstream["words"].column("is_overlap").to_pylist()
    return [
        (word, owner.get(round(word[0], 4)), overlap)
        for word, overlap in zip(meeting.words, marked, strict=True)
    ]


def named(found, meeting):
    """The same with each voice under the reference name it shares most single words with."""
    pairs = Counter(
        (voice, word[3])
        for word, voice, _ in found
        if voice is not None and len(meeting.talking(word)) == 1
    )
    best = {}
    for (voice, who), _ in sorted(pairs.items(), key=lambda pair: -pair[1]):
        if voice not in best and who not in best.values():
            best[voice] = who
    return [(word, best.get(voice), overlap) for word, voice, overlap in found]


def reference_diarization(meeting):
    """Reference turns as our table; the exclusive rows give every moment to who began first."""
    people = sorted({who for _, _, who in meeting.turns})
    rows = [(a, b, people.index(who), False) for a, b, who in meeting.turns]
    marks = sorted({m for a, b, _ in meeting.turns for m in (a, b)})
    for low, high in pairwise(marks):
        there = [turn for turn in meeting.turns if turn[0] <= low and high <= turn[1]]
        if there:
            rows.append((low, high, people.index(min(there)[2]), True))
    columns = ("start_s", "end_s", "speaker", "exclusive")
    return tables.DIARIZATION.build_rows(
        {"session_id": "s01", "confidence": None, **dict(zip(columns, row, strict=True))}
        for row in rows
    )


def scores(found, meeting):
    """Single words and how many are right; overlapped words, how many are marked, given right."""
    single = [one for one in found if len(meeting.talking(one[0])) == 1]
    both = [one for one in found if len(meeting.talking(one[0])) > 1]
    return Counter(
        single=len(single),
        right=sum(who in meeting.talking(word) for word, who, _ in single),
        both=len(both),
        marked=sum(overlap for _, _, overlap in both),
        talking=sum(who is None or who in meeting.talking(word) for word, who, _ in both),
    )


def test_words_on_reference_turns(meetings):
    total = Counter()
    for meeting in meetings.values():
        total += scores(named(given(meeting, reference_diarization(meeting)), meeting), meeting)
    share = total["both"] / (total["single"] + total["both"])
    print(f"single {total['right']}/{total['single']}, overlapped share {share:.2f} {dict(total)}")
    assert total["single"] > 150
    assert total["right"] >= 0.98 * total["single"]
    assert total["marked"] >= 0.98 * total["both"]
    assert total["talking"] == total["both"]


@needs_embedded_weights
@pytest.mark.parametrize("name", TWO_PEOPLE)
def test_words_through_our_own_diarizer(name, meetings):
    meeting = meetings[name]
    audio = decode_audio(str(meeting.path))
    heard = [
        {"session_id": "s01", "start_s": one.start_s, "end_s": one.end_s}
        for one in SileroSpeechDetector().speech(audio)
    ]
    inputs = Inputs(
        SimpleNamespace(id="s01", media=[]),
        SimpleNamespace(audio=audio, microphones_off=((),)),
        {"speech": tables.SPEECH.build_rows(heard)},
    )
    made = diarize.run(inputs, EmbeddedDiarizer(), DiarizeSettings())
    found = named(given(meeting, made.tables["diarization"]), meeting)
    heard = [one for one in found if speech_s(meeting, one[0][3]) >= VOICE_MIN_S]
    everyone, total = scores(found, meeting), scores(heard, meeting)
    marked = np.mean([overlap for _, _, overlap in found])
    print(
        f"{name}: everyone {dict(everyone)}, who speaks for 2 s {dict(total)}, marked {marked:.2f}"
    )
    assert total["right"] >= 0.98 * total["single"]
    assert everyone["right"] >= 0.97 * everyone["single"]
    assert everyone["talking"] == everyone["both"]


def speech_s(meeting, who):
    return sum(end - start for start, end, speaker in meeting.turns if speaker == who)
