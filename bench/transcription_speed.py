"""Whisper decoding packs of speech in batches, against one pack at a time.

    python -m bench.transcription_speed [--dims tiny|small|turbo] [--device cpu] [--minutes 2]

The weights are random in the true dimensions of the named model and never end a text by themselves,
so that every pack costs the same number of tokens: this measures speed and says nothing about
words. ``shipped`` is faster-whisper itself, one pack after the other, in a process of its own; 1 is
our engine one pack at a time, and the ratios are against that. All take turns with word times on,
and the median of the rounds is printed, with the processor's seconds beside it, which a busy
machine disturbs less. Our words are compared; they must be equal.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from models.base import SAMPLE_RATE_HZ, Audio, Interval, Transcript
from models.device import Device, resolve
from models.options import TranscriberOptions, whisper_compute_type
from models.speech.packs import LONGEST_S
from models.speech.transcriber import WhisperTranscriber
from tests.made import tiny_whisper

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
    parser.add_argument("--minutes", type=float, default=2.0, help="of speech")
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
        shipped = Shipped(weights, asked, device, audio, speech)
        seconds, found = _timed(engines, shipped, audio, speech, asked.rounds)
        shipped.close()
    for name, times in seconds.items():
        wall_s, cpu_s = np.median(times, axis=0)
        ratio, cpu_ratio = np.median(np.divide(seconds["1"], times), axis=0)
        same = "" if name not in found else "yes" if found[name] == found["1"] else "NO"
        print(
            f"{name:>8}{wall_s:>10.2f}{asked.minutes * 60 / wall_s:>13.2f}{ratio:>8.2f}"
            f"{cpu_s:>10.2f}{cpu_ratio:>8.2f}{same:>13}"
        )
    best = min(seconds.keys() - {"shipped"}, key=lambda name: np.median(seconds[name], axis=0)[0])
    gain, cpu_gain = np.median(np.divide(seconds["shipped"], seconds[best]), axis=0)
    print(f"batch {best} against faster-whisper one at a time: {gain:.2f} wall, {cpu_gain:.2f} CPU")


class Shipped:
    """faster-whisper one pack at a time, in a process without our settings of the C library."""

    def __init__(
        self,
        weights: Path,
        asked: argparse.Namespace,
        device: Device,
        audio: Audio,
        speech: tuple[Interval, ...],
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        clips = [{"start": one.start_s, "end": one.end_s} for one in speech]
        given = (str(weights), vars(asked), device, audio, clips)
        self._child = context.Process(target=_serve_shipped, args=(there, *given), daemon=True)
        self._child.start()
        self._here.recv()

    def seconds(self) -> tuple[float, float]:
        """Wall and processor seconds of one round."""
        self._here.send(True)
        taken: tuple[float, float] = self._here.recv()
        return taken

    def close(self) -> None:
        """End the process."""
        self._here.send(False)
        self._child.join()


def _serve_shipped(
    pipe: Connection,
    weights: str,
    asked: dict[str, Any],
    device: Device,
    audio: Audio,
    clips: list[dict[str, float]],
) -> None:
    from faster_whisper import WhisperModel

    whisper = WhisperModel(
        weights,
        device=device.kind,
        device_index=device.index,
        compute_type=whisper_compute_type(TranscriberOptions(), device),
        cpu_threads=asked["threads"],
        local_files_only=True,
    )

    def decode(packs: list[dict[str, float]]) -> None:
        segments, _ = whisper.transcribe(
            audio,
            language="en",
            beam_size=asked["beam"],
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
            word_timestamps=True,
            max_new_tokens=asked["tokens"],
            log_prob_threshold=None,
            no_speech_threshold=None,
            compression_ratio_threshold=None,
            clip_timestamps=[second for pack in packs for second in (pack["start"], pack["end"])],
        )
        list(segments)

    decode(clips[:1])
    pipe.send(True)
    while pipe.recv():
        start = time.perf_counter(), time.process_time()
        decode(clips)
        pipe.send((time.perf_counter() - start[0], time.process_time() - start[1]))


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
    shipped: Shipped,
    audio: Audio,
    speech: tuple[Interval, ...],
    rounds: int,
) -> tuple[dict[str, list[tuple[float, float]]], dict[str, Transcript]]:
    """Wall and processor seconds of every round, and our words, by name; warmed up first."""
    for engine in engines.values():
        engine.transcribe(audio, speech=speech[:1], language="en")
    seconds: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ("shipped", *map(str, engines))
    }
    found = {}
    for _ in range(rounds):
        seconds["shipped"].append(shipped.seconds())
        for size, engine in engines.items():
            start = time.perf_counter(), time.process_time()
            found[str(size)] = engine.transcribe(audio, speech=speech, language="en")
            end = time.perf_counter(), time.process_time()
            seconds[str(size)].append((end[0] - start[0], end[1] - start[1]))
    return seconds, found


def _print_head(asked: argparse.Namespace, device: Device, n_packs: int) -> None:
    computed = whisper_compute_type(TranscriberOptions(), device)
    print(
        f"Whisper of {asked.dims} dimensions with RANDOM weights: speed only, the words are noise."
        f"\n{n_packs} packs of 30 s, {asked.tokens} tokens each, beam {asked.beam}, word times on, "
        f"{computed} on {device}, median of {asked.rounds}"
    )
    print(
        f"{'batch':>8}{'wall s':>10}{'x real time':>13}{'ratio':>8}"
        f"{'CPU s':>10}{'ratio':>8}{'same words':>13}"
    )


if __name__ == "__main__":
    sys.exit(main())
