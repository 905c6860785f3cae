"""Whisper decoding packs of speech in batches, against the same engine one pack at a time.

    python -m bench.transcription [--dims tiny|small|turbo] [--device cpu] [--minutes 4]

The weights are random in the true dimensions of the named model and never end a text by themselves,
so that every pack costs the same number of tokens: this measures speed and says nothing about
words. Both sides are `models.transcriber` with word times, they take turns, and the median of the
rounds is printed, with the processor's seconds beside it, which a busy machine disturbs less. The
words of both are compared; they must be equal.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from models.base import SAMPLE_RATE_HZ, Audio, Interval, Transcript
from models.device import Device, resolve
from models.options import TranscriberOptions, whisper_compute_type
from models.speech_packs import LONGEST_S
from models.transcriber import WhisperTranscriber
from tests import tiny_whisper

DIMS = {
    "tiny": tiny_whisper.TINY_AS_TRAINED,
    "small": tiny_whisper.SMALL,
    "turbo": tiny_whisper.TURBO,
}


def main() -> None:
    """Print one line per batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dims", choices=DIMS, default="small")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=4.0, help="of speech")
    parser.add_argument("--tokens", type=int, default=100, help="per pack of half a minute")
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 = all")
    asked = parser.parse_args()
    device = resolve(asked.device)
    audio, speech = _made(asked.minutes)
    with tempfile.TemporaryDirectory() as folder:
        weights = tiny_whisper.build(Path(folder), shape=DIMS[asked.dims], endless=True)
        engines = {
            size: WhisperTranscriber(
                weights,
                TranscriberOptions(
                    beam_size=asked.beam,
                    batch_size=size,
                    max_new_tokens=asked.tokens,
                    cpu_threads=asked.threads,
                    log_prob_threshold=-1e9,
                ),
                device=device,
            )
            for size in (1, *asked.batch)
        }
        _print_head(asked, device, len(speech))
        seconds, found = _timed(engines, audio, speech, asked.rounds)
    for size, times in seconds.items():
        wall_s, cpu_s = np.median(times, axis=0)
        ratio, cpu_ratio = np.median(np.divide(seconds[1], times), axis=0)
        same = "yes" if found[size] == found[1] else "NO"
        print(
            f"{size:>5}{wall_s:>10.2f}{asked.minutes * 60 / wall_s:>13.2f}{ratio:>8.2f}"
            f"{cpu_s:>10.2f}{cpu_ratio:>8.2f}{same:>13}"
        )


def _made(minutes: float) -> tuple[Audio, tuple[Interval, ...]]:
    """Noise that swells like speech, and stretches of speech that fill a pack each."""
    n_samples = int(minutes * 60 * SAMPLE_RATE_HZ)
    rng = np.random.default_rng(0)
    swell = 1 + np.sin(2 * np.pi * 0.7 * np.arange(n_samples) / SAMPLE_RATE_HZ)
    audio = (0.05 * swell * rng.standard_normal(n_samples)).astype(np.float32)
    starts = np.arange(0, minutes * 60 - LONGEST_S + 1e-9, LONGEST_S)
    return audio, tuple(Interval(start, start + LONGEST_S - 0.5) for start in starts.tolist())


def _timed(
    engines: dict[int, WhisperTranscriber],
    audio: Audio,
    speech: tuple[Interval, ...],
    rounds: int,
) -> tuple[dict[int, list[tuple[float, float]]], dict[int, Transcript]]:
    """Wall and processor seconds of every round, and the words, by batch size; warmed up first."""
    for engine in engines.values():
        engine.transcribe(audio, speech=speech[:1], language="en")
    seconds: dict[int, list[tuple[float, float]]] = {size: [] for size in engines}
    found = {}
    for _ in range(rounds):
        for size, engine in engines.items():
            start = time.perf_counter(), time.process_time()
            found[size] = engine.transcribe(audio, speech=speech, language="en")
            end = time.perf_counter(), time.process_time()
            seconds[size].append((end[0] - start[0], end[1] - start[1]))
    return seconds, found


def _print_head(asked: argparse.Namespace, device: Device, n_packs: int) -> None:
    computed = whisper_compute_type(TranscriberOptions(), device)
    print(
        f"Whisper of {asked.dims} dimensions with RANDOM weights: speed only, the words are noise."
        f"\n{n_packs} packs of 30 s, {asked.tokens} tokens each, beam {asked.beam}, word times on, "
        f"{computed} on {device}, median of {asked.rounds}"
    )
    print(
        f"{'batch':>5}{'wall s':>10}{'x real time':>13}{'ratio':>8}"
        f"{'CPU s':>10}{'ratio':>8}{'same words':>13}"
    )


if __name__ == "__main__":
    sys.exit(main())
