"""Real voices as recorders and people spoil them: cut anywhere, dead, clipped, at any rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soundfile
from hypothesis import strategies as st
from scipy.signal import resample_poly

from tests.made.real_corpus import SUFFIXES

RATES = (8_000, 16_000, 22_050, 44_100, 48_000, 96_000)
KINDS = ("voice", "voice", "voice", "silence", "noise", "tone")
SPOILED = ("plain", "plain", "clipped", "offset", "quiet", "gaps", "backwards", "negative")
HEARD = ("mixed", "own")


@dataclass(frozen=True)
class Take:
    """What a recorder left. Whole numbers: an engine's fast arithmetic forbids small fractions."""

    clip: int
    start: int
    """Sample of the clip, which begins anew where it ends"""
    length_ms: int
    kind: str
    spoiled: str
    rate: int
    channels: int
    dead: int
    """This channel is silent; none where there are fewer"""
    heard: str
    format: str
    seed: int


def takes(longest_s, shortest_s=0.001):
    """Any take; the simplest is the start of the first clip, as it is."""
    return st.builds(
        Take,
        clip=st.integers(0, 10_000),
        start=st.integers(0, 16_000 * 30),
        length_ms=st.integers(round(1000 * shortest_s), round(1000 * longest_s)),
        kind=st.sampled_from(KINDS),
        spoiled=st.sampled_from(SPOILED),
        rate=st.sampled_from((16_000, *RATES)),
        channels=st.integers(1, 6),
        dead=st.integers(0, 11),
        heard=st.sampled_from(HEARD),
        format=st.sampled_from(("PCM_16", "FLOAT", "PCM_24", "PCM_U8")),
        seed=st.integers(0, 2**16),
    )


def clips(shared_data):
    """The real recordings of speech, in order of name."""
    return sorted(p for p in (shared_data / "speech").rglob("*") if p.suffix in SUFFIXES)


@lru_cache(maxsize=64)
def _read(path):
    """Mono at 16 kHz."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return resample_poly(audio.mean(axis=1), 16_000, rate).astype(np.float32)


def _heard(take, paths, random):
    """The sound at 16 kHz, repeated where the clip is too short: cut where it falls."""
    count = 16 * take.length_ms
    if take.kind == "voice":
        voice = _read(paths[take.clip % len(paths)])
        return np.take(voice, take.start + np.arange(count), mode="wrap")
    t = np.arange(count) / 16_000
    return {
        "silence": np.zeros(count),
        "noise": 0.1 * random.normal(size=count),
        "tone": 0.5 * np.sin(2 * np.pi * random.uniform(30, 7000) * t),
    }[take.kind]


def _spoil(take, sound, random):
    edges = np.sort(random.integers(0, sound.size + 1, 2))
    if take.spoiled == "gaps":
        sound = sound.copy()
        sound[edges[0] : edges[1]] = 0.0
    return {
        "clipped": np.clip(40.0 * sound, -1.0, 1.0),
        "offset": sound + 0.3,
        "quiet": 1e-4 * sound,
        "backwards": sound[::-1],
        "negative": -sound,
    }.get(take.spoiled, sound)


def write_take(take, paths, folder):
    """The take as a session folder."""
    random = np.random.default_rng(take.seed)
    sound = _spoil(take, _heard(take, paths, random), random)
    sound = resample_poly(sound, take.rate // 50, 320) if take.rate != 16_000 else sound
    channels = np.outer(sound, random.uniform(0.1, 1.0, take.channels))
    channels[:, take.dead : take.dead + 1] = 0.0
    folder.mkdir(parents=True)
    soundfile.write(folder / "talk.wav", channels, take.rate, subtype=take.format)
    own = take.heard == "own" and take.channels == 2
    hears = '["client", "therapist"]' if own else '["mixed"]'
    (folder / "session.toml").write_text(
        '[session]\ndyad = "D01"\nnumber = 1\nclient = "C01"\ntherapist = "T01"\n'
        f'[[media]]\nfile = "talk.wav"\nhears = {hears}\n',
        "utf-8",
    )
    return folder
