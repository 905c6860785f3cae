"""pyannote.audio's speaker diarization with voices of CAM++ and a second look at long stretches.

Segmentation, counting, assignment and reconstruction are pyannote's (Bredin 2023, "pyannote.audio
2.1 speaker diarization pipeline", doi:10.21437/Interspeech.2023-105) over its segmentation 3.0
(Plaquet & Bredin 2023, doi:10.21437/Interspeech.2023-205). Ours are the embedding of all speakers
of all windows in one pass over the recording, the clustering, and the second look: where the
segmentation took two like voices of a window for one, the stretches are told apart by their sound.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)

# isort: split
from pyannote.audio import Pipeline
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.core import SlidingWindowFeature
from pyannote.pipeline.parameter import ParamDict, Uniform

from models.device import Device
from models.options import DiarizerOptions
from models.voices.campplus import DIMENSION, VoiceNetwork
from models.voices.voice_clustering import VoiceClustering, unit
from models.voices.voice_moments import (
    BANK_FRAMES_PER_S,
    MOMENTS_PER_S,
    RecordingVoices,
    recording_bank,
)
from models.voices.voice_posterior import KeepsPosterior
from models.voices.window_scores import WindowScores
from models.weights.checkpoints import METADATA_KEY

Hook = Callable[..., None]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_MIN_CLEAN_S = 0.2
"""Speech without overlap from which a window's voice is taken from that alone."""


def load_segmentation(path: Path) -> PyanNet:
    """Build the segmentation network from `path` (safetensors written by `weights.checkpoints`)."""
    with safe_open(path, "pt") as file:
        described = json.loads(file.metadata()[METADATA_KEY])
    network = PyanNet(**described["hyper_parameters"])
    network.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=described["duration_s"],
        classes=[f"speaker#{number + 1}" for number in range(described["classes"])],
        powerset_max_classes=described["at_once"],
        permutation_invariant=True,
    )
    network.build()
    network.load_state_dict(load_file(path))
    return network.eval()


@dataclass(frozen=True, slots=True)
class Piece:
    """A second or two in which one speaker of a window speaks alone."""

    speaker: int
    first: int
    """Frame of the window."""
    stop: int


class VoiceDiarization(KeepsPosterior, SpeakerDiarization):
    """`SpeakerDiarization` over a PyanNet and a CAM++ already loaded."""

    def __init__(
        self,
        segmentation: PyanNet,
        voices: VoiceNetwork,
        options: DiarizerOptions,
        device: Device,
        threads: int,
    ) -> None:
        # The parent's constructor downloads a PLDA that this clustering never reads.
        Pipeline.__init__(self)
        self.legacy = False
        self.training = False
        self.segmentation_step = options.window_step
        self.embedding_exclude_overlap = True
        self.klustering = "AgglomerativeClustering"
        pool = ThreadPoolExecutor(threads, thread_name_prefix="diarizer")
        duration_s = next(iter(segmentation.specifications)).duration
        self._segmentation = WindowScores(
            segmentation,
            pool,
            step_s=options.window_step * duration_s,
            device=device,
            threads=threads,
        )
        self._embedding = RecordingVoices(voices, device, pool, threads)
        self.segmentation = ParamDict(min_duration_off=Uniform(0.0, 1.0))
        self.clustering = VoiceClustering(options)
        self._expects_num_speakers = False
        self._options = options
        self._pieces: list[tuple[list[Piece], Floats]] = []
        self.instantiate({"segmentation": {"min_duration_off": options.min_pause_s}})

    def get_embeddings(
        self,
        file: Mapping[str, Any],
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = True,  # noqa: ARG002  (always; declared by pyannote)
        hook: Hook | None = None,
    ) -> Floats:
        """Embed each speaker of each window, and each piece of their speech for the second look.

        Shapes: segmentations (windows, frames, speakers), result (windows, speakers, 192); rows of
        speakers that are silent in a window are NaN.
        """
        active = np.nan_to_num(binary_segmentations.data) > 0
        windows, frames, speakers = active.shape
        times = binary_segmentations.sliding_window
        least = round(self._options.piece_least_s / times.duration * frames)
        pieces = [list(_pieces(_alone(window), least)) for window in active]
        moments = round(times.duration * MOMENTS_PER_S)

        def masks(number: int) -> Flags:
            whole = [_heard(active[number], times.duration).T]
            parts = [_inside(piece, frames)[None] for piece in pieces[number]]
            return np.concatenate([*whole, *parts])[:, np.arange(moments) * frames // moments]

        bank = recording_bank(file["waveform"][0])
        starts = [round(times[number].start * MOMENTS_PER_S) for number in range(windows)]
        spoken = _spoken(active.any(axis=2), starts, len(bank), times.duration)
        result = np.full((windows, speakers, DIMENSION), np.nan, np.float32)
        self._pieces = []
        for number, voices in enumerate(self._embedding.embed(bank, spoken, starts, masks)):
            result[number] = voices[:speakers]
            self._pieces.append((pieces[number], unit(voices[speakers:])))
            if hook is not None:
                hook("embeddings", None, total=windows, completed=number + 1)
        return result

    def reconstruct(
        self,
        segmentations: SlidingWindowFeature,
        hard_clusters: NDArray[np.int8],
        count: SlidingWindowFeature,
    ) -> SlidingWindowFeature:
        """As pyannote's, with each piece of speech given to the voice that it sounds like.

        Shapes: segmentations (windows, frames, speakers), hard clusters (windows, speakers), -2 for
        who is silent.
        """
        active = np.nan_to_num(segmentations.data)
        windows, frames, _ = active.shape
        scores = np.zeros((windows, frames, int(hard_clusters.max()) + 1), np.float32)
        for number, (voices, window) in enumerate(zip(hard_clusters, active, strict=True)):
            whose = np.repeat(voices[None], frames, axis=0)  # (frames, speakers)
            for piece, voice in self._elsewhere(number, voices):
                whose[piece.first : piece.stop, piece.speaker] = voice
            for voice in range(scores.shape[2]):
                scores[number, :, voice] = np.max(window * (whose == voice), axis=1)
        return self.to_diarization(
            SlidingWindowFeature(scores, segmentations.sliding_window), count
        )

    def _elsewhere(self, number: int, given: NDArray[np.int8]) -> Iterator[tuple[Piece, int]]:
        """Pieces of a window that sound clearly more like another voice, and which."""
        pieces, sounds = self._pieces[number]
        if self.clustering.voices is None or not pieces:
            return
        likeness = sounds @ self.clustering.voices.T
        for piece, like in zip(pieces, likeness, strict=True):
            best = int(like.argmax())
            if like[best] - like[given[piece.speaker]] >= self._options.second_look_margin:
                yield piece, best


def _alone(active: Flags) -> Flags:
    """Where a speaker speaks and no other does; shape (frames, speakers)."""
    return np.asarray(active & (active.sum(axis=1, keepdims=True) < 2))


def _heard(active: Flags, duration_s: float) -> Flags:
    """Frames a speaker's voice is taken from: those alone, unless they are too few."""
    alone = _alone(active)
    enough = alone.sum(axis=0) > _MIN_CLEAN_S / duration_s * len(active)
    return np.where(enough, alone, active)


def _pieces(alone: Flags, least: int) -> Iterator[Piece]:
    """Each speaker's stretches of `least` frames or more, in parts of about one and a half."""
    for speaker, frames in enumerate(alone.T):
        edges = np.flatnonzero(np.diff(frames.astype(np.int8), prepend=0, append=0))
        for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if stop - first < least:
                continue
            parts = max(1, round((stop - first) / (1.5 * least)))
            cuts = np.linspace(first, stop, parts + 1).round().astype(int).tolist()
            yield from (Piece(speaker, *cut) for cut in itertools.pairwise(cuts))


def _inside(piece: Piece, frames: int) -> Flags:
    inside = np.zeros(frames, bool)
    inside[piece.first : piece.stop] = True
    return inside


def _spoken(anybody: Flags, starts: list[int], length: int, duration_s: float) -> Flags:
    """Bank frames in which any window hears anybody, shape (length,)."""
    spoken = np.zeros(length, bool)
    count = round(duration_s * BANK_FRAMES_PER_S)
    places = np.arange(count) * anybody.shape[1] // count
    for start, window in zip(starts, anybody, strict=True):
        first = start * BANK_FRAMES_PER_S // MOMENTS_PER_S
        here = spoken[first : first + count]
        here |= window[places][: len(here)]
    return spoken
