"""Words, ours and faster-whisper as shipped with the same weights: errors, times, seconds, memory.

    python -m bench.transcription [--whisper FOLDER] [--device cpu] [--threads 2] [--rounds 1]

Every clip of `bench.made.worded_clips`, in turns: shipped, then ours, each in a process of its own
with equal threads and the same kind of numbers. As shipped means beam 5, its own voice activity
filter and word times on. Ours hears what our detector calls speech, whose time counts, with the
default profile's text in spoken style. A word error rate is the least number of words to change
over the reference's; both are written alike first (lower case, no punctuation, "'kay" is "okay").
Caution: AMI words overlap, so nobody can get them all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from bench.made.worded_clips import Clip, Said, clips, errors, plain
from models.base import Audio
from models.device import Device, resolve
from models.options import TranscriberOptions, whisper_compute_type
from models.weights.catalog import find_whisper
from pipeline.config import load_profile

WORSE_BY = 0.05
"""No clip may be worse than shipped by more."""
SAME = {"'kay": "okay", "ok": "okay"}
FARTHEST_S = 2.0
"""A word heard farther away than this is the same word said again."""

Heard = list[tuple[float, float, str]]
"""Start and end in seconds, and text, of every word."""


@dataclass(frozen=True)
class Asked:
    """What both sides are given."""

    weights: Path
    device: Device
    threads: int


class Ours:
    """Our detector and our engine."""

    def __init__(self, asked: Asked) -> None:
        from models.speech.detector import SileroSpeechDetector
        from models.speech.transcriber import WhisperTranscriber

        options = TranscriberOptions(cpu_threads=asked.threads)
        self._detector = SileroSpeechDetector()
        self._style = " ".join(load_profile().transcribe.spoken_style)
        self._engine = WhisperTranscriber(asked.weights, options, device=asked.device)

    def words(self, audio: Audio) -> Heard:
        """Words of a clip."""
        speech = self._detector.speech(audio)
        found = self._engine.transcribe(audio, speech=speech, language="en", prompt=self._style)
        return [(word.start_s, word.end_s, word.text) for word in found.words]


class Shipped:
    """faster-whisper's own `transcribe`."""

    def __init__(self, asked: Asked) -> None:
        from faster_whisper import WhisperModel

        self._whisper = WhisperModel(
            str(asked.weights),
            device=asked.device.kind,
            device_index=asked.device.index,
            compute_type=whisper_compute_type(TranscriberOptions(), asked.device),
            cpu_threads=asked.threads,
            local_files_only=True,
        )

    def words(self, audio: Audio) -> Heard:
        """Words of a clip."""
        parts, _ = self._whisper.transcribe(
            audio, language="en", beam_size=5, vad_filter=True, word_timestamps=True
        )
        return [(word.start, word.end, word.word) for part in parts for word in part.words or ()]


@dataclass
class Side:
    """One of the two, in a process of its own, and what it has done so far."""

    pipe: Connection
    process: multiprocessing.process.BaseProcess
    wrong: list[int] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    starts_off_s: list[float] = field(default_factory=list)
    pauses_off_s: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, kind: type[Ours | Shipped], asked: Asked) -> Side:
        """Start the process and load the engine."""
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        child = context.Process(target=_serve, args=(there, kind, asked), daemon=True)
        child.start()
        here.recv()
        return cls(here, child)

    def hear(self, clip: Clip, rounds: int) -> None:
        """Words of one clip, and the median of its seconds."""
        taken = []
        for _ in range(rounds):
            self.pipe.send(clip.audio)
            heard, wall_s, cpu_s = self.pipe.recv()
            taken.append((wall_s, cpu_s))
        wall_s, cpu_s = np.median(taken, axis=0)
        self.wall_s.append(wall_s)
        self.cpu_s.append(cpu_s)
        self.wrong.append(errors(_texts(text for *_, text in heard), _texts(_said(clip.words))))
        self.starts_off_s += _off(clip.words, heard)
        self.pauses_off_s += _off(clip.after_pauses, heard)

    def close(self) -> float:
        """End the process; its peak memory in MB."""
        self.pipe.send(None)
        peak_mb: float = self.pipe.recv()
        self.process.join()
        return peak_mb


def _serve(pipe: Connection, kind: type[Ours | Shipped], asked: Asked) -> None:
    engine = kind(asked)
    rng = np.random.default_rng(0)
    engine.words(rng.normal(0, 0.1, 16_000).astype(np.float32))  # warm
    pipe.send(True)
    while (audio := pipe.recv()) is not None:
        start = time.perf_counter(), time.process_time()
        heard = engine.words(audio)
        pipe.send((heard, time.perf_counter() - start[0], time.process_time() - start[1]))
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    """Print one line per clip; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whisper", type=Path, help="default: the best there is")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    weights, all_clips = given.whisper or find_whisper(), list(clips())
    if weights is None or not all_clips:
        print("NOT measured: no Whisper folder, or no shared test data here")
        return 0
    asked = Asked(weights, resolve(given.device), given.threads)
    print(f"{weights.name}, {asked.threads} threads, {asked.device}; errors / reference words")
    print(f"{'clip':>20}{'ours':>12}{'shipped':>12}{'worse by':>10}{'ours s':>9}{'shipped s':>11}")
    ours, shipped = Side.of(Ours, asked), Side.of(Shipped, asked)
    for clip in all_clips:
        shipped.hear(clip, given.rounds)
        ours.hear(clip, given.rounds)
        _print_clip(clip, ours, shipped)
    return _print_total(all_clips, ours, shipped)


def _print_clip(clip: Clip, ours: Side, shipped: Side) -> None:
    count = len(clip.words)
    rates = [one.wrong[-1] / count for one in (ours, shipped)]
    print(
        f"{clip.name:>20}{ours.wrong[-1]:>4}/{count:<3}{rates[0]:.3f}"
        f"{shipped.wrong[-1]:>4}/{count:<3}{rates[1]:.3f}{rates[0] - rates[1]:>+10.3f}"
        f"{ours.wall_s[-1]:>9.2f}{shipped.wall_s[-1]:>11.2f}",
        flush=True,
    )


def _print_total(all_clips: Sequence[Clip], ours: Side, shipped: Side) -> int:
    counts = np.array([len(clip.words) for clip in all_clips])
    worse = (np.array(ours.wrong) - np.array(shipped.wrong)) / counts
    for name, one in (("ours", ours), ("shipped", shipped)):
        off, after = (np.abs(of) for of in (one.starts_off_s, one.pauses_off_s))
        print(
            f"{name:>8}: {sum(one.wrong)}/{counts.sum()} = {sum(one.wrong) / counts.sum():.4f}, "
            f"{sum(one.wall_s):.1f} s wall, {sum(one.cpu_s):.1f} s CPU, "
            f"peak {one.close():.0f} MB; start of a word off by {np.median(off):.3f} s at the "
            f"median, {np.mean(off > 0.5):.1%} by over 0.5 s; first after a pause by "
            f"{np.median(after):.3f} s ({len(after)})"
        )
    ratio = sum(ours.wall_s) / sum(shipped.wall_s)
    bars = {
        f"total errors {sum(ours.wrong)} <= {sum(shipped.wrong)}": sum(ours.wrong)
        <= sum(shipped.wrong),
        f"no clip worse by more than {WORSE_BY}: worst {worse.max():+.3f}": worse.max() <= WORSE_BY,
        f"time {ratio:.2f} of shipped <= 1": ratio <= 1.0,
        f"first word after a pause {np.median(np.abs(ours.pauses_off_s)):.3f} s <= 0.15": bool(
            np.median(np.abs(ours.pauses_off_s)) <= 0.15
        ),
    }
    for bar, is_met in bars.items():
        print(f"{'met' if is_met else 'MISSED':>8}: {bar}")
    return 0 if all(bars.values()) else 1


def _said(words: Sequence[Said]) -> list[str]:
    return [word.text for word in words]


def _texts(spoken: Iterable[str]) -> list[str]:
    words = [word for text in spoken for word in plain(text)]
    return [SAME.get(word, word) for word in words]


def _off(truth: Sequence[Said], heard: Heard) -> list[float]:
    """Heard start minus true start of the words that were heard, the nearest of the same text."""
    found = []
    starts = [(plain(text)[0], start) for start, _, text in heard if plain(text)]
    for word in truth:
        if word.start_s is None:
            continue
        near = [start - word.start_s for text, start in starts if text == word.text]
        best = min(near, key=abs, default=np.inf)
        if abs(best) <= FARTHEST_S:
            found.append(best)
    return found


if __name__ == "__main__":
    sys.exit(main())
