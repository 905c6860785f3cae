"""Our CAM++ against the same checkpoint computed layer by layer from its tensors."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from models.voices.campplus import VoiceNetwork, filter_banks, load_network
from models.weights.catalog import locate

pytestmark = needs_embedded_weights
Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return load_file(locate("campplus-voices"))


@pytest.fixture(scope="module")
def network() -> VoiceNetwork:
    return load_network(locate("campplus-voices"))


@pytest.fixture(scope="module")
def bank() -> Tensor:
    """Nine seconds of a telephone call, 1 to 10 s of the sample in the pyannote.audio wheel."""
    import pyannote.audio

    sample = Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"
    heard = filter_banks(torch.from_numpy(decode_audio(str(sample))[16_000:160_000]))
    return heard - heard.mean(dim=0)


def _normal(w: Weights, name: str, x: Tensor) -> Tensor:
    """Batch normalisation from the checkpoint's tensors."""
    shape = (1, -1, *[1] * (x.ndim - 2))
    mean, variance = (w[f"{name}.running_{part}"].reshape(shape) for part in ("mean", "var"))
    x = (x - mean) / torch.sqrt(variance + 1e-5)
    if f"{name}.weight" in w:
        x = x * w[f"{name}.weight"].reshape(shape) + w[f"{name}.bias"].reshape(shape)
    return x


def _residual(w: Weights, name: str, x: Tensor) -> Tensor:
    stride = (2 if f"{name}.shortcut.0.weight" in w else 1, 1)
    inner = functional.conv2d(x, w[f"{name}.conv1.weight"], stride=stride, padding=1)
    inner = functional.conv2d(
        functional.relu(_normal(w, f"{name}.bn1", inner)), w[f"{name}.conv2.weight"], padding=1
    )
    if stride != (1, 1):
        x = functional.conv2d(x, w[f"{name}.shortcut.0.weight"], stride=stride)
        x = _normal(w, f"{name}.shortcut.1", x)
    return functional.relu(_normal(w, f"{name}.bn2", inner) + x)


def _masked(w: Weights, name: str, x: Tensor, dilation: int) -> Tensor:
    """The context of each moment, written out moment by moment."""
    hundreds = [part.mean(dim=2, keepdim=True).expand_as(part) for part in x.split(100, dim=2)]
    context = x.mean(dim=2, keepdim=True) + torch.cat(hundreds, dim=2)
    for number, rectify in ((1, functional.relu), (2, torch.sigmoid)):
        layer = f"{name}.linear{number}"
        context = rectify(functional.conv1d(context, w[f"{layer}.weight"], w[f"{layer}.bias"]))
    local = w[f"{name}.linear_local.weight"]
    return functional.conv1d(x, local, padding=dilation, dilation=dilation) * context


def _by_hand(w: Weights, bank: Tensor) -> Tensor:
    """CAM++ (Wang et al. 2023) from filter banks (frames, 80) to a voice (192,)."""
    x = functional.conv2d(bank.T[None, None], w["head.conv1.weight"], padding=1)
    x = functional.relu(_normal(w, "head.bn1", x))
    for name in ("layer1.0", "layer1.1", "layer2.0", "layer2.1"):
        x = _residual(w, f"head.{name}", x)
    x = functional.conv2d(x, w["head.conv2.weight"], stride=(2, 1), padding=1)
    x = functional.relu(_normal(w, "head.bn2", x)).flatten(1, 2)
    x = functional.conv1d(x, w["xvector.tdnn.linear.weight"], stride=2, padding=2)
    x = functional.relu(_normal(w, "xvector.tdnn.nonlinear.batchnorm", x))
    for block, dilation in ((1, 1), (2, 2), (3, 2)):
        pattern = re.compile(rf"(xvector\.block{block}\.tdnnd(\d+))\.linear1\.weight")
        layers = sorted((int(m[2]), m[1]) for m in map(pattern.fullmatch, w) if m)
        for _, name in layers:
            y = functional.relu(_normal(w, f"{name}.nonlinear1.batchnorm", x))
            y = functional.conv1d(y, w[f"{name}.linear1.weight"])
            y = functional.relu(_normal(w, f"{name}.nonlinear2.batchnorm", y))
            x = torch.cat([x, _masked(w, f"{name}.cam_layer", y, dilation)], dim=1)
        step = f"xvector.transit{block}"
        x = functional.relu(_normal(w, f"{step}.nonlinear.batchnorm", x))
        x = functional.conv1d(x, w[f"{step}.linear.weight"])
    x = functional.relu(_normal(w, "xvector.out_nonlinear.batchnorm", x))
    both = torch.cat([x.mean(dim=2), x.std(dim=2)], dim=1)[..., None]
    found = functional.conv1d(both, w["xvector.dense.linear.weight"])
    return _normal(w, "xvector.dense.nonlinear.batchnorm", found)[0, :, 0]


@pytest.mark.parametrize("frames", [898, 400, 199, 37])
def test_voices_are_those_of_the_checkpoint(
    weights: Weights, network: VoiceNetwork, bank: Tensor, frames: int
) -> None:
    with torch.inference_mode():
        expected = _by_hand(weights, bank[:frames])
        moments = network.moments(bank[None, :frames])
        found = network.voice(moments, torch.ones(1, 1, moments.shape[2]))[0, 0]
    assert functional.cosine_similarity(found, expected, dim=0) >= 0.999999
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_a_voice_is_the_statistics_of_its_own_moments(network: VoiceNetwork, bank: Tensor) -> None:
    """Weights of 0 and 1 pick moments: what is left out might as well not be there."""
    chosen = torch.from_numpy(np.random.default_rng(0).random(449) < 0.4)
    with torch.inference_mode():
        moments = network.moments(bank[None])
        weighted = network.voice(moments, chosen[None, None].float())
        picked = network.voice(moments[..., chosen], torch.ones(1, 1, int(chosen.sum())))
    assert torch.allclose(weighted, picked, rtol=1e-3, atol=1e-3)
