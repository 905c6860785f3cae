"""Time our diarization against pyannote.audio as shipped, interleaved, medians.

Community-1 shape: random weights of true dimensions, so speed and identity of turns mean something
and accuracy does not. Embedded weights: against the way pyannote would run CAM++, once per local
speaker of each window. Runs unattended on a card too:
``python -m bench.diarization_speed --device cuda --minutes 50``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)
from tests.made.community import make_community

# isort: split
import pyannote.audio
from pyannote.core import Annotation, SlidingWindowFeature

from models.base import SAMPLE_RATE_HZ, Audio, Diarization
from models.device import Device, resolve
from models.options import CommunityOptions, DiarizerOptions
from models.voices.campplus import filter_banks, load_network
from models.voices.community_diarizer import CommunityDiarizer
from models.voices.embedded_diarizer import EmbeddedDiarizer
from models.voices.voice_pipeline import VoiceDiarization, load_segmentation
from models.weights.catalog import locate

SHIPPED = "pyannote as shipped"
Seconds = dict[str, tuple[float, float]]
"""Wall time and processor time, which a busy machine disturbs less."""
HEADINGS = f"{'ratio':>8}{'CPU s':>9}{'ratio':>8}"
WARM_UP_S = 2
CLUSTERED_SHARE = 0.2
"""pyannote clusters the voices of those who speak in this share of a window."""


def main() -> None:
    """Print one table per pair of networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--minutes", type=float, default=0.5, help="audio, tiled to this length")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--what", choices=("community", "embedded", "both"), default="both")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    device = resolve(arguments.device, "float32")
    audio = _audio(arguments.minutes)
    print(
        f"{audio.size / SAMPLE_RATE_HZ:.0f} s of audio on {device}, {os.cpu_count()} cores, "
        f"torch {torch.__version__}, pyannote.audio {pyannote.audio.__version__}, "
        f"median of {arguments.repeats}, interleaved"
    )
    if arguments.what in ("community", "both"):
        _community(audio, device, arguments.repeats)
    if arguments.what in ("embedded", "both"):
        _embedded(audio, device, arguments.repeats)


def _audio(minutes: float) -> Audio:
    """The two-speaker sample of the pyannote.audio wheel, repeated."""
    from faster_whisper.audio import decode_audio

    sample = Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"
    audio = np.asarray(decode_audio(str(sample)), np.float32)
    samples = round(minutes * 60 * SAMPLE_RATE_HZ)
    return np.tile(audio, -(-samples // len(audio)))[:samples]


def _file(audio: Audio) -> dict[str, Any]:
    return {"waveform": torch.from_numpy(audio)[None], "sample_rate": SAMPLE_RATE_HZ, "uri": "x"}


def _community(audio: Audio, device: Device, repeats: int) -> None:
    """Same folder, same audio; ghosts are kept, because pyannote keeps them."""
    with tempfile.TemporaryDirectory() as name:
        folder = make_community(Path(name), audio)
        shipped = pyannote.audio.Pipeline.from_pretrained(str(folder))
        assert shipped is not None
        shipped.to(torch.device(str(device)))
        ours = {
            precision: CommunityDiarizer(
                folder,
                CommunityOptions(ghost_share=0.0),
                device=Device(device.kind, device.index, precision),
            )
            for precision in ("float32", "bfloat16")
        }
    voices: dict[str, Any] = {}
    for precision, diarizer in ours.items():
        _keep_voices(diarizer, precision, voices)
    seen: dict[str, Any] = {}

    def hook(step: str, artefact: Any, total: int | None = None, **_: Any) -> None:
        if total is None:
            seen[step] = artefact

    runs: dict[str, Callable[[Audio], Any]] = {
        SHIPPED: lambda part: shipped(_file(part), num_speakers=2, hook=hook),
        **{
            f"ours, {precision}": partial(one.diarize, num_speakers=2)
            for precision, one in ours.items()
        },
    }
    seconds, results = _interleaved(runs, audio, repeats)
    print("\ncommunity-1 shape, random weights")
    print(f"{'':22}{'s':>9}{'x real time':>13}{HEADINGS}{'turns':>11}{'|diff|':>10}{'cosine':>10}")
    _line(SHIPPED, seconds, audio)
    theirs = _turns(results[SHIPPED], audio)
    for precision in ours:
        name = f"ours, {precision}"
        same = _as_tuples(results[name]) == theirs
        difference, cosine = _distance(
            voices[precision], seen["embeddings"], seen["segmentation"].data
        )
        verdict = f"{'identical' if same else 'differ':>11}{difference:10.1e}{cosine:10.6f}"
        _line(name, seconds, audio, verdict)
    print(
        "|diff|: largest, all voices, each over its length; cosine: least, of the voices that "
        f"are clustered (>= {CLUSTERED_SHARE:.0%} of a window); {len(theirs[0])} turns"
    )


def _keep_voices(diarizer: CommunityDiarizer, name: str, kept: dict[str, Any]) -> None:
    """Let the pipeline leave its embeddings in `kept[name]`."""
    pipeline: Any = diarizer._pipeline  # noqa: SLF001  (embeddings are no part of the result)
    embed = pipeline.get_embeddings

    def keeping(*arguments: Any, **options: Any) -> Any:
        kept[name] = embed(*arguments, **options)
        return kept[name]

    pipeline.get_embeddings = keeping


def _distance(ours: Any, theirs: Any, segmentation: Any) -> tuple[float, float]:
    lengths = np.linalg.norm(theirs, axis=2)
    cosines = (ours * theirs).sum(axis=2) / (lengths * np.linalg.norm(ours, axis=2))
    clustered = segmentation.mean(axis=1) >= CLUSTERED_SHARE
    difference = np.abs(ours - theirs).max(axis=2) / lengths
    return float(difference.max()), float(cosines[clustered].min())


Turns = tuple[list[tuple[float, float, int]], list[tuple[float, float, int]]]


def _turns(output: Any, audio: Audio) -> Turns:
    """Turns and exclusive turns of pyannote's output, numbered by first appearance."""
    end_s = audio.size / SAMPLE_RATE_HZ

    def rows(annotation: Annotation) -> list[tuple[float, float, str]]:
        tracks = annotation.itertracks(yield_label=True)
        return [(t.start, min(t.end, end_s), label) for t, _, label in tracks if t.start < end_s]

    turns = rows(output.speaker_diarization)
    number = {name: count for count, name in enumerate(dict.fromkeys(row[2] for row in turns))}
    exclusive = rows(output.exclusive_speaker_diarization)
    first, second = (
        sorted((start, end, number[name]) for start, end, name in part)
        for part in (turns, exclusive)
    )
    return first, second


def _as_tuples(found: Diarization) -> Turns:
    first, second = (
        [(one.start_s, one.end_s, one.speaker) for one in part]
        for part in (found.turns, found.exclusive)
    )
    return first, second


def _embedded(audio: Audio, device: Device, repeats: int) -> None:
    naive = _OncePerSpeaker(device)
    ours = EmbeddedDiarizer(device=device)
    name = "once per speaker"
    runs: dict[str, Callable[[Audio], Any]] = {
        name: lambda part: naive(_file(part), num_speakers=2),
        "ours": partial(ours.diarize, num_speakers=2),
    }
    seconds, _ = _interleaved(runs, audio, repeats)
    print("\nembedded weights (segmentation 3.0, CAM++)")
    print(f"{'':22}{'s':>9}{'x real time':>13}{HEADINGS}")
    for each in runs:
        _line(each, seconds, audio)


class _OncePerSpeaker(VoiceDiarization):
    """The network run as pyannote runs one: on each window, once per speaker in it."""

    def __init__(self, device: Device) -> None:
        segmentation = load_segmentation(locate("pyannote-segmentation-3"))
        self._voices = load_network(locate("campplus-voices")).to(str(device))
        options = DiarizerOptions(piece_least_s=float("inf"))
        super().__init__(segmentation, self._voices, options, device, 1)
        self._segmentation = pyannote.audio.Inference(
            segmentation, step=self._segmentation.step, skip_aggregation=True, batch_size=32
        )
        self._audio = pyannote.audio.Audio(sample_rate=SAMPLE_RATE_HZ, mono="downmix")
        self.to(torch.device(str(device)))

    def get_embeddings(
        self,
        file: Any,
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = True,  # noqa: ARG002
        hook: Any = None,  # noqa: ARG002
    ) -> Any:
        """Embed every speaker of every window from the window's audio."""
        found = []
        device = next(self._voices.parameters()).device
        self._pieces = [([], np.empty((0, 0), np.float32))] * len(binary_segmentations.data)
        for window, scores in binary_segmentations:
            waveform = self._audio.crop(file, window, mode="pad")[0][0].to(device)
            for mask in np.nan_to_num(scores).T:
                bank = filter_banks(waveform)
                with torch.inference_mode():
                    moments = self._voices.moments((bank - bank.mean(dim=0))[None])
                    nearest = np.arange(moments.shape[2]) * len(mask) // moments.shape[2]
                    weights = torch.from_numpy(mask[nearest])[None, None].float().to(device)
                    found.append(self._voices.voice(moments, weights)[0, 0].cpu().numpy())
        windows, _, speakers = binary_segmentations.data.shape
        return np.stack(found).reshape(windows, speakers, -1)


def _interleaved(
    runs: dict[str, Callable[[Audio], Any]], audio: Audio, repeats: int
) -> tuple[Seconds, dict[str, Any]]:
    """Median seconds and last result of each, after a warm-up on a few seconds."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    results: dict[str, Any] = {}
    for run in runs.values():
        run(audio[: WARM_UP_S * SAMPLE_RATE_HZ])
    for _ in range(repeats):
        for name, run in runs.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            results[name] = run(audio)
            cpu_s = time.process_time() - cpu_start
            seconds[name].append((time.perf_counter() - start, cpu_s))
    medians = {
        name: (
            statistics.median(wall for wall, _ in each),
            statistics.median(cpu for _, cpu in each),
        )
        for name, each in seconds.items()
    }
    return medians, results


def _line(name: str, seconds: Seconds, audio: Audio, verdict: str = "") -> None:
    (first_s, first_cpu_s), (wall_s, cpu_s) = next(iter(seconds.values())), seconds[name]
    speed = audio.size / SAMPLE_RATE_HZ / wall_s
    ratios = f"{first_s / wall_s:7.1f}x{cpu_s:9.2f}{first_cpu_s / cpu_s:7.1f}x"
    print(f"{name:22}{wall_s:9.2f}{speed:13.2f}{ratios}{verdict}", flush=True)


if __name__ == "__main__":
    main()
