"""pyannote.audio's speaker diarization with GE2E voices and a rule for one voice cut in two.

Segmentation, counting, assignment and reconstruction are pyannote's (Bredin 2023, "pyannote.audio
2.1 speaker diarization pipeline", doi:10.21437/Interspeech.2023-105). Ours are three things: the
embedding of each speaker in each window, done in batches over one mel spectrogram of the whole
recording; the clustering of voices; and a constructor that asks no hub for a PLDA.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from scipy.spatial.distance import cdist, cosine
from sklearn.cluster import KMeans
from torch import Tensor

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)

# isort: split
from pyannote.audio import Pipeline
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.clustering import AgglomerativeClustering
from pyannote.audio.utils.signal import binarize
from pyannote.core import SlidingWindowFeature
from pyannote.pipeline.parameter import ParamDict, Uniform

from models.batches import AdaptiveBatch
from models.device import Device
from models.options import DiarizerOptions
from models.voices import ge2e
from models.voices.voice_posterior import KeepsPosterior
from models.voices.window_scores import WINDOWS_PER_TASK, WindowScores
from models.weights.checkpoints import METADATA_KEY

Hook = Callable[..., None]
Floats = NDArray[np.float32]

_TASKS_PER_THREAD = 4
"""Before all threads meet again."""
_WINDOWS_ON_A_CARD = 256
_WINDOWS_PER_BLOCK = 256
_MOST_IN_TREE = 4_000
"""Embeddings: half an hour of two people."""
_KMEANS_STARTS = 5

_LOG = logging.getLogger(__name__)
_MIN_CLEAN_FRAMES = 20
"""10 ms frames without overlap from which a window's voice is taken from those alone."""


def load_segmentation(path: Path) -> PyanNet:
    """Build the segmentation network from `path` (safetensors written by `weights.checkpoints`)."""
    with safe_open(path, "pt") as file:
        described = json.loads(file.metadata()[METADATA_KEY])
    network = PyanNet(**described["hyper_parameters"])
    network.specifications = Specifications(
        problem=Problem.MULTI_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=described["duration_s"],
        classes=[f"speaker#{number + 1}" for number in range(described["classes"])],
        permutation_invariant=True,
    )
    network.build()
    network.load_state_dict(load_file(path))
    return network.eval()


class VoiceClustering(AgglomerativeClustering):
    """Tree or k-means, whichever parts the voices better; never more voices than asked for.

    The tree finds a person who says little and loses two like voices that talk for long; k-means
    does the opposite. Of the two partitions the one with the higher silhouette is taken.
    """

    def __init__(self, options: DiarizerOptions) -> None:
        super().__init__(metric="cosine")
        self._options = options

    def __call__(  # type: ignore[override]  # pyannote declares an array, returns three
        self, embeddings: Floats, segmentations: SlidingWindowFeature, **counts: Any
    ) -> tuple[NDArray[np.int8], Floats, Floats]:
        """Give every speaker of every window to a voice.

        Shapes: embeddings (windows, speakers, dimension); result (windows, speakers),
        (windows, speakers, voices) and (voices, dimension).
        """
        voices, _, _ = self.filter_embeddings(embeddings, segmentations=segmentations)
        if len(voices) < 2:
            return _one_voice(embeddings)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):  # pyannote prints where it should log
            hard, soft, centroids = super().__call__(embeddings, segmentations, **counts)
        if said.getvalue():
            _LOG.info("clustering: %s", said.getvalue().strip())
        return self._merge(hard, soft, centroids)

    def cluster(
        self,
        embeddings: Floats,
        min_clusters: int | None = None,
        max_clusters: int | None = None,
        num_clusters: int | None = None,
    ) -> NDArray[np.int64]:
        """Label embeddings, shape (n, dimension) -> (n,)."""
        tree = self._tree(embeddings, min_clusters, max_clusters, num_clusters)
        if num_clusters is None or num_clusters >= len(embeddings):
            return tree
        means = KMeans(num_clusters, n_init=_KMEANS_STARTS, random_state=0).fit_predict(embeddings)
        return max(tree, means, key=lambda labels: silhouette(embeddings, labels))

    def _tree(self, embeddings: Floats, *counts: int | None) -> NDArray[np.int64]:
        """Label by the tree; of a long recording, of every second, third, ... embedding.

        The tree holds every pair's distance, which for an hour is over a gigabyte. Embeddings left
        out get the label of the nearest mean, as all do in the end.
        """
        every = math.ceil(len(embeddings) / _MOST_IN_TREE)
        if every < 2:
            return np.asarray(super().cluster(embeddings.copy(), *counts))
        whole = self.parameters(instantiated=True)
        least = max(1, round(whole["min_cluster_size"] / every))
        self.instantiate({**whole, "min_cluster_size": least})
        sample = embeddings[::every]
        labels = np.asarray(super().cluster(sample.copy(), *counts))
        self.instantiate(whole)
        names = np.unique(labels)
        means = np.stack([sample[labels == name].mean(axis=0) for name in names])
        return np.asarray(names[cdist(embeddings, means, "cosine").argmin(axis=1)])

    def _merge(
        self, hard: NDArray[np.int8], soft: Floats, centroids: Floats
    ) -> tuple[NDArray[np.int8], Floats, Floats]:
        """Join the nearest two voices while they are nearer than one voice is to itself."""
        while len(centroids) > 1:
            pairs = [(i, j) for j in range(len(centroids)) for i in range(j)]
            distances = [cosine(centroids[i], centroids[j]) for i, j in pairs]
            nearest = int(np.argmin(distances))
            if distances[nearest] >= self._options.same_voice_distance:
                break
            keep, drop = pairs[nearest]
            size = [max(1, int(np.sum(hard == voice))) for voice in (keep, drop)]
            centroids[keep] = np.average(centroids[[keep, drop]], axis=0, weights=size)
            centroids = np.delete(centroids, drop, axis=0)
            soft[..., keep] = np.maximum(soft[..., keep], soft[..., drop])
            soft = np.delete(soft, drop, axis=2)
            hard = np.where(hard == drop, keep, hard - (hard > drop))
        return hard, soft, centroids


def silhouette(embeddings: Floats, labels: NDArray[np.int64]) -> float:
    """Mean simplified silhouette of a partition, by cosine distance to the clusters' means.

    Every embedding counts for its nearest mean, as pyannote assigns them. From Rousseeuw 1987,
    doi:10.1016/0377-0427(87)90125-7; with means in place of all pairs. -1 for a single cluster.

    Shapes: (n, dimension), (n,).
    """
    for _ in range(2):  # labels -> means -> nearest mean -> means
        names = np.unique(labels)
        if len(names) < 2:
            return -1.0
        means = np.stack([embeddings[labels == name].mean(axis=0) for name in names])
        distances = cdist(embeddings, means, "cosine")
        labels = distances.argmin(axis=1)
    own, other = np.sort(distances, axis=1)[:, :2].T
    return float(np.mean((other - own) / np.maximum(other, np.finfo(np.float32).tiny)))


def _one_voice(embeddings: Floats) -> tuple[NDArray[np.int8], Floats, Floats]:
    windows, speakers, dimension = embeddings.shape
    heard = embeddings[~np.isnan(embeddings).any(axis=2)]
    centroid = heard.mean(axis=0) if len(heard) else np.zeros(dimension, np.float32)
    hard = np.zeros((windows, speakers), np.int8)
    return hard, np.ones((windows, speakers, 1), np.float32), centroid[None]


class WindowedScores(SlidingWindowFeature):  # type: ignore[misc]  # pyannote.core is untyped
    """Scores of windows, which pyannote's `binarize` takes block by block.

    For all windows of an hour at once it makes lists of Python integers of several 100 MB.
    """


@binarize.register
def binarize_by_blocks(scores: WindowedScores, **how: Any) -> SlidingWindowFeature:
    """1 where a speaker is active, shape as `scores`: (windows, frames, speakers)."""
    window = scores.sliding_window
    blocks = [
        binarize(
            SlidingWindowFeature(scores.data[first : first + _WINDOWS_PER_BLOCK], window), **how
        )
        for first in range(0, len(scores.data), _WINDOWS_PER_BLOCK)
    ]
    return SlidingWindowFeature(
        np.concatenate([block.data.astype(np.float32) for block in blocks]), window
    )


class VoiceDiarization(KeepsPosterior, SpeakerDiarization):
    """`SpeakerDiarization` over a PyanNet and a GE2E encoder already loaded."""

    def __init__(
        self,
        segmentation: PyanNet,
        encoder: ge2e.SpeakerEncoder,
        options: DiarizerOptions,
        device: Device,
        threads: int,
    ) -> None:
        # The parent's constructor downloads a PLDA that agglomerative clustering never reads.
        Pipeline.__init__(self)
        self.legacy = False
        self.training = False
        self.segmentation_step = options.window_step
        self.embedding_exclude_overlap = True
        self.klustering = "AgglomerativeClustering"
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="diarizer")
        duration_s = next(iter(segmentation.specifications)).duration
        self._segmentation = WindowScores(
            segmentation,
            self._pool,
            step_s=options.window_step * duration_s,
            device=device,
            threads=threads,
        )
        self._windows_per_task = WINDOWS_PER_TASK if device.kind == "cpu" else _WINDOWS_ON_A_CARD
        tasks = _TASKS_PER_THREAD * threads if device.kind == "cpu" else 1
        self.batches = AdaptiveBatch(tasks * self._windows_per_task, where=str(device))
        """How many windows are embedded at once."""
        self.segmentation = ParamDict(
            threshold=Uniform(0.1, 0.9), min_duration_off=Uniform(0.0, 1.0)
        )
        self._embedding = encoder
        self.clustering = VoiceClustering(options)
        self._expects_num_speakers = False

    @property
    def window_step_s(self) -> float:
        """Seconds from one segmentation window to the next."""
        return float(self._segmentation.step)

    def get_segmentations(
        self, file: Mapping[str, Any], hook: Hook | None = None
    ) -> SlidingWindowFeature:
        """Scores of each speaker in each window, shape (windows, frames, speakers)."""
        found = super().get_segmentations(file, hook=hook)
        return WindowedScores(found.data, found.sliding_window)

    def get_embeddings(
        self,
        file: Mapping[str, Any],
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = True,
        hook: Hook | None = None,
    ) -> Floats:
        """Embed each active speaker of each window.

        Shapes: segmentations (windows, frames, speakers), result (windows, speakers, 256); rows of
        speakers that are silent in a window are NaN.
        """
        waveform = file["waveform"][0].to(next(self._embedding.parameters()).device)
        mel, power = ge2e.mel_frames(waveform), ge2e.frame_power(waveform)
        windows, _, speakers = binary_segmentations.data.shape
        result = np.full((windows, speakers, ge2e.DIMENSION), np.nan, np.float32)

        def task(numbers: Sequence[int]) -> Floats:
            speech = [
                [_speech(mel, power, frames) if len(frames) else None for frames in speakers]
                for speakers in (
                    _active_frames(binary_segmentations, number, exclude_overlap)
                    for number in numbers
                )
            ]
            return _embed(self._embedding, speech)

        def batch(numbers: Sequence[int]) -> Sequence[Floats]:
            size = self._windows_per_task
            parts = [numbers[start : start + size] for start in range(0, len(numbers), size)]
            return list(itertools.chain.from_iterable(self._pool.map(task, parts)))

        for done, voices in enumerate(self.batches.run(batch, range(windows))):
            result[done] = voices
            if hook is not None:
                hook("embeddings", None, total=windows, completed=done + 1)
        return result


def _speech(mel: Tensor, power: Tensor, frames: NDArray[np.int64]) -> Tensor:
    """Mel frames at those indices, at the level the encoder knows, shape (n_frames, 40)."""
    chosen = torch.from_numpy(frames).to(mel.device)
    # The last window reaches past the end of the recording.
    gain = ge2e.speech_gain(power[chosen.clamp_max(len(power) - 1)])
    return mel[chosen.clamp_max(len(mel) - 1)] * gain


def _active_frames(
    segmentations: SlidingWindowFeature,
    window: int,
    exclude_overlap: bool,
) -> list[NDArray[np.int64]]:
    """Per speaker, the recording's 10 ms frames in which they speak in this window.

    Frames in which somebody else speaks too are left out, unless too few would remain.
    """
    mask = np.nan_to_num(segmentations.data[window]) > 0  # (frames, speakers)
    duration_s = segmentations.sliding_window.duration
    count = round(duration_s * ge2e.FRAMES_PER_S)
    nearest = np.arange(count) * len(mask) // count
    mask = mask[nearest]
    first = round(segmentations.sliding_window[window].start * ge2e.FRAMES_PER_S)
    alone = mask & (mask.sum(axis=1, keepdims=True) < 2)
    chosen = []
    for speaker in range(mask.shape[1]):
        clean = alone[:, speaker]
        use = clean if exclude_overlap and clean.sum() > _MIN_CLEAN_FRAMES else mask[:, speaker]
        chosen.append(first + np.flatnonzero(use))
    return chosen


def _embed(encoder: ge2e.SpeakerEncoder, speech: list[list[Tensor | None]]) -> Floats:
    """Voice of each speaker of each window: the mean over pieces, of unit length.

    Shape (windows, speakers, 256); NaN where `speech` is None.
    """
    result = np.full((len(speech), len(speech[0]), ge2e.DIMENSION), np.nan, np.float32)
    pieces = {
        (window, speaker): ge2e.partials(mel)
        for window, speakers in enumerate(speech)
        for speaker, mel in enumerate(speakers)
        if mel is not None
    }
    if not pieces:
        return result
    with torch.inference_mode():
        embedded = encoder(torch.cat(list(pieces.values()))).cpu().numpy()
    start = 0
    for place, piece in pieces.items():
        mean = embedded[start : start + len(piece)].mean(axis=0)
        start += len(piece)
        length = float(np.linalg.norm(mean))
        if math.isfinite(length) and length > 0:
            result[place] = mean / length
    return result
