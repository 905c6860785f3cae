"""pyannote's community-1 diarization from a local folder, with voices embedded once per window.

Segmentation (10 s, powerset), PLDA and VBx clustering (Landini et al. 2022, doi:10.1016/
j.csl.2021.101254), assignment and reconstruction are pyannote.audio's (Bredin 2023,
doi:10.21437/Interspeech.2023-105) with the folder's own parameters. Ours are `SharedEmbedding`, a
rule for ghost speakers, and a loader that runs no pickle's code and asks no hub.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)

# isort: split
from pyannote.audio import Model
from pyannote.audio.core.plda import PLDA
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.embedding import WeSpeakerResNet34
from pyannote.audio.models.segmentation import PyanNet
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.clustering import VBxClustering
from pyannote.core import SlidingWindowFeature

from models.device import Device
from models.errors import WeightError, WeightMissingError
from models.options import CommunityOptions
from models.voices.ghost_speakers import find_ghosts, without_voices
from models.voices.shared_embedding import SharedEmbedding
from models.voices.voice_posterior import KeepsPosterior
from models.voices.window_scores import WindowScores
from models.weights.checkpoints import read_checkpoint

Hook = Callable[..., None]
Floats = NDArray[np.float32]

FILES = (
    "config.yaml",
    "segmentation/pytorch_model.bin",
    "embedding/pytorch_model.bin",
    "plda/xvec_transform.npz",
    "plda/plda.npz",
)
"""What the folder must hold."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Community:
    """What the folder holds, loaded."""

    segmentation: PyanNet
    embedding: WeSpeakerResNet34
    plda: PLDA
    pipeline: dict[str, Any]
    """`pipeline.params` of config.yaml."""
    parameters: dict[str, Any]
    """`params` of config.yaml."""


def load_community(folder: Path) -> Community:
    """Load a pyannote/speaker-diarization-community-1 folder, on the CPU.

    Raises
    ------
    WeightMissingError
        A file is missing.
    WeightError
        The configuration is for another pipeline, or a network is of another kind.
    RefusedCheckpointError
        As `models.weights.checkpoints.read_checkpoint`.

    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        message = (
            f"{folder} is no community-1 folder: {', '.join(missing)} missing. Clone the whole "
            "repository, large files included."
        )
        raise WeightMissingError(message)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    pipeline = config["pipeline"].get("params", {})
    if pipeline.get("clustering") != "VBxClustering":
        message = (
            f"{folder / 'config.yaml'} asks for clustering {pipeline.get('clustering')!r}; "
            "allowed: 'VBxClustering', which is that of community-1."
        )
        raise WeightError(message)
    return Community(
        segmentation=_network(folder / FILES[1], PyanNet),
        embedding=_network(folder / FILES[2], WeSpeakerResNet34),
        plda=PLDA(folder / FILES[3], folder / FILES[4]),  # npz, read without pickles
        pipeline=pipeline,
        parameters=config["params"],
    )


def _network(path: Path, kind: type[Model]) -> Any:
    """The network in a pyannote checkpoint."""
    content = read_checkpoint(path)
    described = content["pyannote.audio"]
    if described["architecture"]["class"] != kind.__name__:
        found = described["architecture"]["class"]
        message = f"{path} holds a {found}; allowed: {kind.__name__}, which community-1 has there."
        raise WeightError(message)
    taken = inspect.signature(kind).parameters  # what the checkpoint holds beyond is fixed in it
    hyper = {name: value for name, value in content["hyper_parameters"].items() if name in taken}
    network = kind(**hyper)
    network.specifications = _specifications(described["specifications"].state)
    network.build()
    network.load_state_dict(content["state_dict"])
    return network.eval()


def _specifications(state: Mapping[str, Any]) -> Specifications:
    """What the network was trained for; enumerations are told from the rest, being inert."""
    if state["classes"] is None:
        problem, resolution = Problem.REPRESENTATION, Resolution.CHUNK
    elif state["powerset_max_classes"] is None:
        problem, resolution = Problem.MULTI_LABEL_CLASSIFICATION, Resolution.FRAME
    else:
        problem, resolution = Problem.MONO_LABEL_CLASSIFICATION, Resolution.FRAME
    names = ("duration", "min_duration", "warm_up", "classes", "powerset_max_classes")
    return Specifications(
        problem=problem,
        resolution=resolution,
        permutation_invariant=state["permutation_invariant"],
        **{name: state[name] for name in names},
    )


class GhostlessClustering(VBxClustering):
    """VBx, after which voices that are nobody are given away."""

    def __init__(self, plda: PLDA, options: CommunityOptions) -> None:
        super().__init__(plda)
        self._options = options

    def __call__(  # type: ignore[override]  # pyannote declares an array, returns three
        self, embeddings: Floats, segmentations: SlidingWindowFeature, **counts: Any
    ) -> tuple[NDArray[np.int8], NDArray[np.floating], NDArray[np.floating]]:
        """Give every speaker of every window to a voice.

        Shapes: embeddings (windows, speakers, dimension); result (windows, speakers),
        (windows, speakers, voices) and (voices, dimension).
        """
        heard, _, _ = self.filter_embeddings(embeddings, segmentations=segmentations)
        if len(heard) < 2:
            windows, speakers, _ = embeddings.shape
            centroid = embeddings.mean(axis=(0, 1))[None]
            labels = np.zeros((windows, speakers), np.int8)
            return labels, np.ones((windows, speakers, 1)), centroid
        for name in ("num_clusters", "min_clusters", "max_clusters"):
            if counts.get(name):
                counts[name] = min(counts[name], len(heard))
        said = io.StringIO()
        with contextlib.redirect_stdout(said):  # pyannote prints where it should log
            labels, likeness, centroids = super().__call__(embeddings, segmentations, **counts)
        if said.getvalue():
            _LOG.info("clustering: %s", said.getvalue().strip())
        return self._without_ghosts(labels, likeness, centroids, segmentations)

    def _without_ghosts(
        self,
        labels: NDArray[np.int8],
        likeness: NDArray[np.floating],
        centroids: NDArray[np.floating],
        segmentations: SlidingWindowFeature,
    ) -> tuple[NDArray[np.int8], NDArray[np.floating], NDArray[np.floating]]:
        ghosts = find_ghosts(
            labels,
            segmentations.data,
            window_s=segmentations.sliding_window.duration,
            share=self._options.ghost_share,
            turn_s=self._options.ghost_turn_s,
        )
        if not ghosts:
            return labels, likeness, centroids
        _LOG.info("ghost speakers: %d of %d voices given away", len(ghosts), len(centroids))
        return without_voices(labels, likeness, centroids, ghosts)


class CommunityDiarization(KeepsPosterior, SpeakerDiarization):
    """`SpeakerDiarization` over what `load_community` returns, which is changed in place."""

    def __init__(
        self, community: Community, options: CommunityOptions, device: Device, threads: int
    ) -> None:
        settings = community.pipeline
        super().__init__(
            segmentation=community.segmentation,
            embedding=community.embedding,
            plda=community.plda,
            clustering=settings["clustering"],
            segmentation_step=settings.get("segmentation_step", 0.1),
            embedding_exclude_overlap=settings.get("embedding_exclude_overlap", False),
        )
        pool = ThreadPoolExecutor(threads, thread_name_prefix="diarizer")
        self._shared = SharedEmbedding(community.embedding, device, pool, threads)
        self._segmentation = WindowScores(
            community.segmentation,
            pool,
            step_s=self.segmentation_step
            * next(iter(community.segmentation.specifications)).duration,
            threads=threads,
            device=device,
        )
        self.clustering = GhostlessClustering(community.plda, options)
        self.instantiate(community.parameters)

    def get_embeddings(
        self,
        file: Mapping[str, Any],
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = False,
        hook: Hook | None = None,
    ) -> Floats:
        """Embed each speaker of each window.

        Shapes: segmentations (windows, frames, speakers), result (windows, speakers, dimension).
        Speakers who are silent in a window get what pyannote gives them, the voice of nobody.
        """
        masks = self._masks(binary_segmentations, exclude_overlap=exclude_overlap)
        times = binary_segmentations.sliding_window
        found = np.tile(self._shared.voice_of_nobody(), (*masks.shape[:2], 1))
        windows = np.flatnonzero(masks.any(axis=(1, 2))).tolist()

        def crop(window: int) -> Any:
            return self._audio.crop(file, times[window], mode="pad")[0]

        for done, voices in enumerate(self._shared.embed(windows, crop, masks)):
            found[windows[done]] = voices
            if hook is not None:
                hook("embeddings", None, total=len(windows), completed=done + 1)
        return found

    def _masks(self, segmentations: SlidingWindowFeature, *, exclude_overlap: bool) -> Floats:
        """Weights of frames, shape (windows, speakers, frames).

        Frames in which somebody else speaks too are left out, unless too few would remain.
        """
        active = np.nan_to_num(segmentations.data).astype(np.float32).transpose(0, 2, 1)
        if not exclude_overlap:
            return np.ascontiguousarray(active)
        clean = active * (active.sum(axis=1, keepdims=True) < 2)
        samples = segmentations.sliding_window.duration * self._embedding.sample_rate
        enough = math.ceil(active.shape[2] * self._embedding.min_num_samples / samples)
        return np.where(clean.sum(axis=2, keepdims=True) > enough, clean, active)
