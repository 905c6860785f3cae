"""A folder of the shape of pyannote's community-1, with random weights.

True dimensions (10 s powerset PyanNet, WeSpeaker ResNet34, PLDA of 128 dimensions) or tiny ones.
The networks are untrained: what comes out has turns, overlap and two voices, and is right about
none of them. Their scales are set on a recording: activity comes and goes with the sound, every
layer's output varies by about 1, and voices have about unit length.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)

# isort: split
from pyannote.audio import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.embedding import WeSpeakerResNet34
from pyannote.audio.models.segmentation import PyanNet

from models.base import SAMPLE_RATE_HZ, Audio

WINDOW_S = 10.0
CLASSES = ["speaker#1", "speaker#2", "speaker#3"]
CONFIG = {
    "dependencies": {"pyannote.audio": "4.0.0"},
    "pipeline": {
        "name": "pyannote.audio.pipelines.SpeakerDiarization",
        "params": {
            "clustering": "VBxClustering",
            "segmentation": "$model/segmentation",
            "segmentation_batch_size": 32,
            "embedding": "$model/embedding",
            "embedding_batch_size": 32,
            "embedding_exclude_overlap": True,
            "plda": "$model/plda",
        },
    },
    "params": {
        "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
        "segmentation": {"min_duration_off": 0.0},
    },
}
_CALIBRATION_WINDOWS = 3
_QUIET_SHARE = 0.4
_CERTAINTY = 8.0
_CLASSES_BY_THE_CLOCK = (1, 2, 1, 4, 2, 3, 2)
"""Powerset: 0 nobody, 1 to 3 one speaker, 4 the first two at once."""
_RIDGE = 1e-4


def make_community(folder: Path, audio: Audio, *, tiny: bool = False, seed: int = 0) -> Path:
    """Write the pipeline's files into `folder`, scaled on `audio` (mono, 16 kHz, over 10 s)."""
    generator, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # two add in the order in which they get done: other weights each time
    windows = _windows(audio)
    segmentation, embedding = _segmentation(windows, tiny=tiny), _embedding(windows, tiny=tiny)
    torch.random.set_rng_state(generator)
    torch.set_num_threads(threads)
    _save(folder / "segmentation", segmentation)
    _save(folder / "embedding", embedding)
    with torch.inference_mode():
        mean = embedding(windows).mean(dim=0).numpy()
    _save_plda(folder / "plda", mean, np.random.default_rng(seed))
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


def _windows(audio: Audio) -> torch.Tensor:
    """A few windows spread over `audio`, shape (windows, 1, samples)."""
    samples = round(WINDOW_S * SAMPLE_RATE_HZ)
    starts = np.linspace(0, len(audio) - samples, _CALIBRATION_WINDOWS).astype(int)
    return torch.from_numpy(np.stack([audio[start : start + samples] for start in starts]))[:, None]


def _segmentation(windows: torch.Tensor, *, tiny: bool) -> PyanNet:
    size = {"hidden_size": 16, "num_layers": 1} if tiny else {"hidden_size": 128, "num_layers": 4}
    network = PyanNet(lstm={**size, "bidirectional": True, "monolithic": True})
    network.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=WINDOW_S,
        classes=CLASSES,
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    network.build()
    network.eval()
    _listen(network, windows)
    return network


def _listen(network: PyanNet, windows: torch.Tensor) -> None:
    """Fit the last layer (least squares) to turns drawn up by the clock, silent where it is quiet.

    On other sound it makes turns and silences of like length, that are nobody's.
    """
    windows = torch.cat([windows, torch.zeros_like(windows[:1])])
    hidden: list[torch.Tensor] = []
    handle = network.classifier.register_forward_pre_hook(lambda *seen: hidden.append(seen[1][0]))
    with torch.inference_mode():
        network(windows)
    handle.remove()
    features = torch.nn.functional.pad(hidden[0].flatten(0, 1), (0, 1), value=1.0)
    frames = hidden[0].shape[1]
    level = torch.nn.functional.adaptive_avg_pool1d(windows.abs(), frames).flatten()
    block = torch.arange(frames).repeat(len(windows)) // (frames // len(_CLASSES_BY_THE_CLOCK) + 1)
    spoken = torch.tensor(_CLASSES_BY_THE_CLOCK)[block]
    wanted = torch.where(level > level.quantile(_QUIET_SHARE), spoken, 0)
    one_hot = torch.nn.functional.one_hot(wanted, network.dimension).double()
    # a ridge, and few digits: the last bits of sums differ from run to run, the weights must not
    seen = features.double()
    ridge = _RIDGE * len(seen) * torch.eye(seen.shape[1], dtype=seen.dtype)
    solved = torch.linalg.solve(seen.T @ seen + ridge, seen.T @ one_hot).round(decimals=3).float()
    with torch.no_grad():
        network.classifier.weight.copy_(_CERTAINTY * solved[:-1].T)
        network.classifier.bias.copy_(_CERTAINTY * solved[-1])


def _embedding(windows: torch.Tensor, *, tiny: bool) -> WeSpeakerResNet34:
    network = WeSpeakerResNet34(num_mel_bins=8 if tiny else 80)
    network.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=WINDOW_S
    )
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # running statistics become those of these windows
    with torch.no_grad():
        network(windows)
        length = network.eval()(windows).norm(dim=1).median()
        network.resnet.seg_1.weight.div_(length)
        network.resnet.seg_1.bias.div_(length)
    return network


def _save(folder: Path, network: Model) -> None:
    content: dict[str, Any] = {
        "state_dict": network.state_dict(),
        "hyper_parameters": dict(network.hparams),
        "pytorch-lightning_version": "2.5.0",
    }
    network.on_save_checkpoint(content)
    folder.mkdir(parents=True)
    torch.save(content, folder / "pytorch_model.bin")


def _save_plda(folder: Path, mean: Any, rng: np.random.Generator) -> None:
    """Random rotations; variance between speakers falls from 10 to 0.1 of that within."""
    folder.mkdir(parents=True)
    big, small = len(mean), len(mean) // 2
    rotation = np.linalg.qr(rng.standard_normal((big, big)))[0]
    np.savez(
        folder / "xvec_transform.npz",
        mean1=mean,
        mean2=np.zeros(small),
        lda=rotation[:, :small],
    )
    np.savez(
        folder / "plda.npz",
        mu=np.zeros(small),
        tr=np.linalg.qr(rng.standard_normal((small, small)))[0],
        psi=np.geomspace(10, 0.1, small),
    )
