"""Two people with a microphone each: turns at planned times, leakage, gains and noise as asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from scipy.signal import resample_poly

RATE = 16_000
GAPS = (0.5, -0.4, 0.0, 0.2, 1.0, -0.2, 0.3, 5.0, 0.1, 2.0, -0.3, 0.6, 0.8, 0.15, 0.4)
"""Before each turn after the first: from an overlap of 0.4 s to a silence of 5 s."""
TEXTS = (
    ("client", "I went home early, and I thought about it for a while."),
    ("therapist", "What did you think about?"),
    ("client", "Mostly about my brother, and what he said."),
    ("therapist", "Tell me more about that."),
    ("client", "Well, he never calls, and then he came by on Sunday."),
    ("therapist", "And how was it for you to see him?"),
    ("client", "It was good. Better than I had expected it to be."),
    ("therapist", "You sound surprised by that."),
)


class Turn(NamedTuple):
    """A planned turn; the row is the speaker's channel."""

    start_s: float
    end_s: float
    row: int


@cache
def lines() -> tuple[np.ndarray, ...]:
    """The texts spoken, cut to what is audible, at equal levels; row 0 speaks first."""
    pytest.importorskip("espeakng_loader", reason="the demo's synthesiser is not installed")
    from pipeline.made.spoken_lines import SYNTH_RATE_HZ, VOICES, audible_span, faded, synthesise

    spoken = synthesise([{"text": t, "rate_wpm": 168, **VOICES[who]} for who, t in TEXTS])
    cut = []
    for samples, _ in spoken:
        start_s, end_s = audible_span(samples, SYNTH_RATE_HZ, -35.0)
        whole = samples[round(start_s * SYNTH_RATE_HZ) : round(end_s * SYNTH_RATE_HZ)]
        whole = faded(resample_poly(whole, 320, 441).astype(np.float32))
        cut.append(0.08 * whole / np.sqrt(np.mean(whole**2)))
    return tuple(cut)


def scripted(gaps: Sequence[float] = GAPS) -> tuple[np.ndarray, list[Turn]]:
    """Each person's voice alone, shape (2, n), and the turns planned."""
    turns, at = [], round(1.0 * RATE)
    clips = [lines()[i % len(TEXTS)] for i in range(len(gaps) + 1)]
    for i, clip in enumerate(clips):
        at += round(gaps[i - 1] * RATE) if i else 0
        turns.append(Turn(at / RATE, (at + clip.size) / RATE, i % 2))
        at += clip.size
    voices = np.zeros((2, at + 2 * RATE), np.float32)
    for turn, clip in zip(turns, clips, strict=True):
        start = round(turn.start_s * RATE)
        voices[turn.row, start : start + clip.size] += clip
    return voices, turns


def microphones(
    voices: np.ndarray,
    *,
    leak_db: float,
    gain_db: float = 0.0,
    room_db: float = -70.0,
    delay: int = 32,
    seed: int = 0,
) -> np.ndarray:
    """What two microphones record: the own voice, the other's `leak_db` and 2 ms later, noise.

    `gain_db` is the second microphone's, room noise included. Shape (2, n).
    """
    rng = np.random.default_rng(seed)
    leaked = np.roll(voices[::-1], delay, axis=1) * 10 ** (leak_db / 20)
    noise = rng.standard_normal(voices.shape) * 10 ** (room_db / 20)
    gain = np.array([[1.0], [10 ** (gain_db / 20)]])
    return ((voices + leaked + noise) * gain).astype(np.float32)
