"""Speech of the demo session: spoken by the child synthesiser, trimmed by energy, laid on a clock.

The planned gap between two turns is the acoustic one: each spoken line is cut to its own audible
start and end, found from its energy, never by a voice activity detector.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from models.base import Audio, TimedWord
from pipeline.made.script import PAUSE_MARK, Line

Events = NDArray[np.int32]  # (n_words, 3): character position, length, onset in samples

SYNTH_RATE_HZ = 22_050
UPSAMPLING = 2
RATE_HZ = UPSAMPLING * SYNTH_RATE_HZ
VOICES: dict[str, dict[str, Any]] = {
    "client": {"voice": "en-us+steph", "pitch": 58, "pitch_range": 60},
    "therapist": {"voice": "en+m3", "pitch": 38, "pitch_range": 55},
}
LEVEL_DBFS = {"client": -24.0, "therapist": -22.0}
ROOM_NOISE_DBFS = -75.0
AUDIBLE_DB = -45.0
"""A 10 ms frame is audible from this far below the line's loud frames (95th percentile)."""
FRAME_S = 0.010
HOP_S = 0.0025
FADE_S = 0.003


@dataclass(frozen=True, slots=True)
class Clip:
    """One spoken line, cut to its audible part."""

    samples: Audio
    """Shape (n,), at `RATE_HZ`."""
    words: tuple[TimedWord, ...]
    """Times in seconds from the clip's start."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / RATE_HZ


def audible_span(
    samples: Audio, rate_hz: int, threshold_db: float = AUDIBLE_DB
) -> tuple[float, float]:
    """Start and end in seconds of what can be heard, by energy in 10 ms frames.

    Parameters
    ----------
    samples : shape (n,).
    rate_hz : samples per second.
    threshold_db : relative to the 95th percentile of the frame levels.

    Raises
    ------
    ValueError
        Nothing audible, or shorter than two frames.
    """
    frame, hop = round(FRAME_S * rate_hz), round(HOP_S * rate_hz)
    if len(samples) < 2 * frame:
        message = f"{len(samples)} samples are too few to find speech in; at least {2 * frame}"
        raise ValueError(message)
    energy = np.cumsum(np.append(0.0, samples.astype(np.float64) ** 2))
    power = (energy[frame::hop] - energy[:-frame:hop]) / frame
    loud = np.flatnonzero(power >= np.quantile(power, 0.95) * 10 ** (threshold_db / 10))
    if power.max() <= 0:
        message = f"{len(samples) / rate_hz:.2f} s of digital silence: the line was not spoken"
        raise ValueError(message)
    centre = frame / 2
    start, end = loud[0] * hop + centre, loud[-1] * hop + centre
    return float(start / rate_hz), float(end / rate_hz)


def synthesise(requests: Sequence[dict[str, Any]]) -> list[tuple[Audio, Events]]:
    """Speak every request in one child process; see `made.synth` for the fields.

    Returns
    -------
    Per request: samples in [-1, 1] at `SYNTH_RATE_HZ`, and words (n, 3): character position,
    length in characters, onset in samples.

    Raises
    ------
    RuntimeError
        The synthesiser is not installed, or failed.
    """
    if find_spec("espeakng_loader") is None:
        message = (
            "the demo's voices need the package espeakng-loader (eSpeak NG, GPL-3.0, used in a "
            "child process only): install it with `pip install espeakng-loader==0.2.4`"
        )
        raise RuntimeError(message)
    program = Path(__file__).with_name("synth.py")
    done = subprocess.run(
        [sys.executable, str(program)],
        input=json.dumps(list(requests)).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        message = f"the synthesiser failed (exit {done.returncode}): {done.stderr.decode()[-500:]}"
        raise RuntimeError(message)
    with np.load(io.BytesIO(done.stdout)) as archive:
        if int(archive["rate_hz"]) != SYNTH_RATE_HZ:
            message = f"the synthesiser spoke at {archive['rate_hz']} Hz, not {SYNTH_RATE_HZ}"
            raise RuntimeError(message)
        return [
            (archive[f"pcm_{i}"].astype(np.float32) / 32768, archive[f"words_{i}"])
            for i in range(len(requests))
        ]


def speak_lines(lines: Sequence[Line]) -> list[Clip]:
    """Speak a script. Planned pauses are exact: the pieces between ``|`` are spoken one by one."""
    pieces = [(line, text.strip()) for line in lines for text in line.text.split(PAUSE_MARK)]
    spoken = synthesise(
        [{"text": text, "rate_wpm": line.rate_wpm, **VOICES[line.role]} for line, text in pieces]
    )
    cut = iter(
        [
            cut_piece(samples, words, text)
            for (_, text), (samples, words) in zip(pieces, spoken, strict=True)
        ]
    )
    return [join_pieces([next(cut) for _ in line.text.split(PAUSE_MARK)], line) for line in lines]


def cut_piece(samples: Audio, words: Events, text: str) -> Clip:
    """Trim one piece by energy, resample it to `RATE_HZ`, and shift its word times with it."""
    start_s, end_s = audible_span(samples, SYNTH_RATE_HZ)
    cut = samples[round(start_s * SYNTH_RATE_HZ) : round(end_s * SYNTH_RATE_HZ)]
    loud = resample_poly(cut, UPSAMPLING, 1).astype(np.float32)
    events = words - np.array([0, 0, round(start_s * SYNTH_RATE_HZ)])
    return Clip(loud, time_words(text, events, len(loud) / RATE_HZ))


def time_words(text: str, events: Events, length_s: float) -> tuple[TimedWord, ...]:
    """Times of the words of `text`: the synthesiser's own, or between them by characters.

    The synthesiser speaks some pairs ("of the") as one word, and its character positions drift by
    one after a full stop: an event belongs to the word that holds its position.
    """
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    starts = np.array([start for start, _ in spans])
    holder = np.clip(np.searchsorted(starts, events[:, 0], side="right") - 1, 0, None)
    known, first = np.unique(holder, return_index=True)
    marks = np.append(starts[known], len(text))
    onsets_s = np.append(np.clip(events[first, 2] / SYNTH_RATE_HZ, 0, length_s), length_s)
    times_s = np.append(np.interp(starts, marks, onsets_s), length_s)
    return tuple(
        TimedWord(round(float(times_s[i]), 3), round(float(times_s[i + 1]), 3), text[a:b])
        for i, (a, b) in enumerate(spans)
    )


def join_pieces(pieces: Sequence[Clip], line: Line) -> Clip:
    """One clip of a line's pieces, `line.pause_s` of silence between them, at the role's level."""
    silence = np.zeros(round(line.pause_s * RATE_HZ), dtype=np.float32)
    samples: list[Audio] = []
    words: list[TimedWord] = []
    offset_s = 0.0
    for i, piece in enumerate(pieces):
        samples += [silence] * (i > 0) + [faded(piece.samples)]
        offset_s += (len(silence) / RATE_HZ) * (i > 0)
        words += [
            TimedWord(offset_s + word.start_s, offset_s + word.end_s, word.text)
            for word in piece.words
        ]
        offset_s += piece.duration_s
    whole = np.concatenate(samples)
    voiced = whole[np.abs(whole) > 0]
    gain = 10 ** (LEVEL_DBFS[line.role] / 20) / float(np.sqrt(np.mean(voiced**2)))
    return Clip((whole * gain).astype(np.float32), tuple(words))


def faded(samples: Audio) -> Audio:
    """A copy whose first and last 3 ms rise and fall, so that a cut does not click."""
    ramp = np.linspace(0, 1, round(FADE_S * RATE_HZ), dtype=np.float32)
    out = samples.copy()
    out[: len(ramp)] *= ramp
    out[len(out) - len(ramp) :] *= ramp[::-1]
    return out


def mix(clips: Sequence[Clip], starts_s: Sequence[float], duration_s: float, seed: int) -> Audio:
    """Lay the clips at their starts over a steady, quiet room noise.

    Returns
    -------
    Shape (round(duration_s * RATE_HZ),), in [-1, 1].
    """
    rng = np.random.default_rng([seed, 7])
    noise = rng.standard_normal(round(duration_s * RATE_HZ), dtype=np.float32)
    out = noise * np.float32(10 ** (ROOM_NOISE_DBFS / 20))
    for clip, start_s in zip(clips, starts_s, strict=True):
        at = round(start_s * RATE_HZ)
        out[at : at + len(clip.samples)] += clip.samples
    return np.clip(out, -1.0, 1.0)
