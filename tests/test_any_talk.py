"""Any talk over any sound becomes a report: voices at both ends, one frame, nobody, all at once.

Engines are played: who speaks and what is said is drawn, so that every stage behind them meets it.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import Diarization, Fingerprint, Interval, SpeakerInterval, TimedWord, Transcript
from pipeline.config import load_profile
from tests.made.real_corpus import WHOLE, process

RATE = 16_000
WORDS = ("yeah", "mm", "and", "what do you feel?", "you should", "I", "no.", "...", "because")

parts = st.lists(
    st.tuples(
        st.integers(0, 2),  # voice
        st.integers(-3000, 4000),  # ms after the one before; negative: at once
        st.sampled_from([1, 10, 40, 300, 1200, 4000, 9000]),  # ms
        st.integers(0, 5),  # words
    ),
    max_size=12,
)


class Played:
    """Every engine; what they say is given."""

    has_video = False
    fingerprint = Fingerprint(engine="played", version="1")

    def __init__(self, talk, random):
        self.turns, self.words, at_s = [], [], 0.0
        for voice, gap_ms, length_ms, words in talk:
            start_s = max(0.0, at_s + gap_ms / 1000)
            at_s = start_s + length_ms / 1000
            self.turns.append(SpeakerInterval(start_s, at_s, voice, random.random()))
            times = np.sort(random.uniform(start_s - 0.2, at_s + 0.2, (words, 2)), axis=1)
            self.words += [
                TimedWord(max(0.0, a), max(0.0, b), str(random.choice(WORDS)), random.random())
                for a, b in times.tolist()
            ]
        self.turns.sort(key=lambda turn: turn.start_s)

    def speech(self, audio):
        heard = [Interval(turn.start_s, turn.end_s) for turn in self.turns]
        return tuple(one for one in heard if one.start_s < audio.size / RATE)

    def diarize(self, _audio, **_):
        return Diarization(tuple(self.turns), tuple(self.turns[::2]))

    def transcribe(self, _audio, **_):
        return Transcript(tuple(self.words), (), "en")

    def clip(self, start_s, end_s):
        assert 0 <= start_s < end_s
        return b""


def write_sound(folder, played, kind, beyond_s, random):
    """A buzz wherever somebody speaks; the recording stops before, at or after the last word."""
    last_s = max((turn.end_s for turn in played.turns), default=1.0)
    count = max(1, round((last_s + beyond_s) * RATE))
    t = np.arange(count) / RATE
    audio = 1e-4 * random.normal(size=count)
    for turn in played.turns:
        inside = (t >= turn.start_s) & (t < turn.end_s)
        rate_hz = 90 + 60 * turn.speaker
        audio[inside] += 0.2 * np.sign(np.sin(2 * np.pi * rate_hz * t[inside]))
    audio *= {"talk": 1.0, "silence": 0.0, "clipped": 30.0}[kind]
    folder.mkdir(parents=True)
    soundfile.write(folder / "talk.wav", audio, RATE, subtype="FLOAT")
    (folder / "session.toml").write_text(
        '[session]\ndyad = "D01"\nnumber = 1\nclient = "C01"\ntherapist = "T01"\n'
        'first_speaker = "client"\n[[media]]\nfile = "talk.wav"\nhears = ["mixed"]\n',
        "utf-8",
    )


@lru_cache(maxsize=1)
def profile():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profile.toml"
        file.write_text("[ingest]\nminimum_media_s = 0.0\n", "utf-8")
        return load_profile(file)


@given(
    talk=parts,
    kind=st.sampled_from(["talk", "talk", "silence", "clipped"]),
    beyond_s=st.sampled_from([-2.0, -0.005, 0.0, 0.0005, 3.0, 40.0]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=300 if WHOLE else 10, deadline=None)
def test_any_talk_becomes_a_report(talk, kind, beyond_s, seed):
    random = np.random.default_rng(seed)
    played, out = Played(talk, random), Path(tempfile.mkdtemp())
    try:
        write_sound(out / "take", played, kind, beyond_s, random)
        job = process(
            out / "take", profile(), out,
            lambda role, _job: None if role == "face_tracker" else played.fingerprint,
            lambda _role, _job: played,
        )  # fmt: skip
        assert not isinstance(job, str), job
        turns = pq.read_table(next((out / "store").rglob("turns.parquet")))
        assert job.done["report"].files
        assert turns.num_rows <= len(talk) + len(played.words)
    finally:
        shutil.rmtree(out)
