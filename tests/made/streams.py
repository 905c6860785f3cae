"""Recordings as devices lay them out: streams, channels, faults, parts round two planted voices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

RATE = 16_000
LENGTH_S = 16.0
ROOM = 10 ** (-75 / 20)
SAYS = {
    "therapist": ((0.5, 3.0), (6.0, 8.5), (12.0, 13.5)),
    "client": ((3.5, 5.5), (9.0, 11.0), (14.0, 15.5)),
}
PITCH_HZ = {"therapist": 210.0, "client": 120.0}


@cache
def voice(role: str, length_s: float = LENGTH_S) -> np.ndarray:
    """One person alone: harmonics in syllables of a quarter of a second; shape (n,)."""
    t = np.arange(round(length_s * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * PITCH_HZ[role] * k * t) / k for k in range(1, 9))
    syllables = np.clip(np.sin(2 * np.pi * 4 * t), 0, None) ** 0.5
    on = np.zeros(t.size)
    for start_s, end_s in SAYS[role]:
        on[(t >= start_s) & (t < end_s)] = 1.0
    return (0.12 * tone * syllables * on).astype(np.float32)


def sound(content: str, seed: int = 0) -> np.ndarray:
    """What a channel records: words joined by +, e.g. ``client+inverted`` or ``both+dc``."""
    words = content.split("+")
    rng = np.random.default_rng(seed)
    therapist, client = voice("therapist"), voice("client")
    held = {
        "both": therapist + client,
        "therapist": therapist + 0.15 * client,
        "client": client + 0.15 * therapist,
        "alone": client,
        "silent": np.zeros_like(client),
        "hum": 0.02 * np.sin(2 * np.pi * 50 * np.arange(client.size) / RATE),
        "hiss": 10 ** (-50 / 20) * rng.standard_normal(client.size),
    }[words[0]]
    if words[0] not in {"silent", "hum", "hiss"}:
        held = held + ROOM * rng.standard_normal(held.size)
    for fault in words[1:]:
        held = FAULTS[fault](held)
    return np.clip(held, -1, 1).astype(np.float32)


def _dies(held: np.ndarray, *, at_s: float = 8.0, rest: float = 0.0) -> np.ndarray:
    noise = rest * np.random.default_rng(9).standard_normal(held.size)
    return np.where(np.arange(held.size) < at_s * RATE, held, noise)


FAULTS = {
    "inverted": lambda x: -x,
    "dc": lambda x: x + 0.2,
    "negative": lambda x: x - 0.05,
    "drift": lambda x: x + 0.1 * np.sin(2 * np.pi * np.arange(x.size) / RATE / 40),
    "hot": lambda x: 30 * x,
    "quiet": lambda x: 0.003 * x,
    "half": lambda x: 0.5 * x,
    "dies": _dies,
    "hisses": lambda x: _dies(x, rest=10 ** (-45 / 20)),
    "late": lambda x: np.where(np.arange(x.size) < 7.0 * RATE, 0.0, x),
    "gap": lambda x: np.where(abs(np.arange(x.size) / RATE - 8.5) < 2.75, 0.0, x),
}


@dataclass(frozen=True)
class Layout:
    """A session folder: files of streams of channels."""

    name: str
    files: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    """File name and its streams, each a tuple of what its channels record."""
    hears: tuple[tuple[str, ...], ...]
    offsets: tuple[float | None, ...] = ()
    heard: frozenset[str] = field(default_factory=lambda: frozenset({"therapist", "client"}))
    """Who can be heard in it at all."""
    says: str = ""
    """What must be told; empty where all is well."""
    lasts_s: float = LENGTH_S

    def write(self, folder: Path) -> str:
        """The files, and the [[media]] that name them."""
        told = []
        for index, (file, streams) in enumerate(self.files):
            write_streams(folder / file, [[sound(c, i) for i, c in enumerate(s)] for s in streams])
            hears = ", ".join(f'"{one}"' for one in self.hears[index])
            entry = f'[[media]]\nfile = "{file}"\nhears = [{hears}]\n'
            offset = self.offsets[index] if self.offsets else None
            told.append(entry if offset is None else f"{entry}offset_s = {offset}\n")
        return "".join(told)


def write_streams(path: Path, streams: Sequence[Sequence[np.ndarray]]) -> Path:
    """A file with these streams of channels, uncompressed where the container can."""
    codec = "aac" if path.suffix in {".mp4", ".m4a"} else "pcm_s16le"
    layouts = {1: "mono", 2: "stereo", 3: "2.1", 6: "5.1"}
    with av.open(str(path), "w") as out:
        made = []
        for channels in streams:
            stream = out.add_stream(codec, rate=RATE, layout=layouts[len(channels)])
            made.append((stream, np.stack(channels)))
        for start in range(0, max(x.shape[1] for _, x in made), 1024):
            for stream, samples in made:
                out.mux(_encoded(stream, samples[:, start : start + 1024], start))
        for stream, _ in made:
            out.mux(stream.encode(None))
    return path


def _encoded(stream: av.AudioStream, block: np.ndarray, start: int) -> list[av.Packet]:
    layout = stream.layout.name
    if stream.name == "aac":
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "fltp", layout)
    else:
        packed = np.ascontiguousarray((block.T.reshape(1, -1) * 32767).astype(np.int16))
        frame = av.AudioFrame.from_ndarray(packed, "s16", layout)
    frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
    return stream.encode(frame)
