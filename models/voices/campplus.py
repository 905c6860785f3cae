"""CAM++: a voice as a direction in 192 dimensions.

A small two-dimensional convolution network reads 80 Kaldi filter banks; behind it lie three densely
connected blocks of time-delay layers, each of whose outputs is masked by what the two seconds round
it and the whole recording sound like; mean and deviation over time, through one linear layer, are
the voice (Wang et al. 2023, "CAM++: a fast and efficient network for speaker verification using
context-aware masking", arXiv 2303.00332). Written from the paper for the weights that 3D-Speaker
publishes, whose tensors name the modules here.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before torchaudio)

# isort: split
from torchaudio.compliance import kaldi

from models.base import SAMPLE_RATE_HZ

DIMENSION = 192
BANDS = 80

_LAYERS = (12, 24, 16)
_DILATION = (1, 2, 2)
_HEAD_CHANNELS = 32
_FIRST_CHANNELS = 128
_GROWTH = 32
_BOTTLENECK = 128
_CONTEXT_FRAMES = 100


class _Residual(nn.Module):
    """Two 3x3 convolutions and a way round them; halves the bands where `stride` is 2."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        channels = _HEAD_CHANNELS
        self.conv1 = nn.Conv2d(channels, channels, 3, (stride, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            around = nn.Conv2d(channels, channels, 1, (stride, 1), bias=False)
            self.shortcut = nn.Sequential(around, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


class _Head(nn.Module):
    """Filter banks (batch, 80, frames) -> (batch, 320, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, _HEAD_CHANNELS, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_HEAD_CHANNELS)
        self.layer1 = nn.Sequential(_Residual(2), _Residual(1))
        self.layer2 = nn.Sequential(_Residual(2), _Residual(1))
        self.conv2 = nn.Conv2d(_HEAD_CHANNELS, _HEAD_CHANNELS, 3, (2, 1), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(_HEAD_CHANNELS)

    def forward(self, bank: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(bank[:, None])))
        x = torch.relu(self.bn2(self.conv2(self.layer2(self.layer1(x)))))
        return x.flatten(1, 2)


class _Normalised(nn.Module):
    """Batch normalisation, and a rectifier unless `plain`."""

    def __init__(self, channels: int, *, plain: bool = False) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(channels, affine=not plain)
        self.plain = plain

    def forward(self, x: Tensor) -> Tensor:
        normal: Tensor = self.batchnorm(x)
        return normal if self.plain else normal.relu_()


class _Masked(nn.Module):
    """A time-delay layer under a mask made of its surroundings."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(
            _BOTTLENECK, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.linear1 = nn.Conv1d(_BOTTLENECK, _BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(_BOTTLENECK // 2, _GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        near = nn.functional.avg_pool1d(x, _CONTEXT_FRAMES, _CONTEXT_FRAMES, ceil_mode=True)
        context = x.mean(dim=2, keepdim=True) + near
        mask = torch.sigmoid(self.linear2(torch.relu(self.linear1(context))))
        return self.linear_local(x) * mask.repeat_interleave(_CONTEXT_FRAMES, 2)[..., : x.shape[2]]


class _Layer(nn.Module):
    """One layer of a block: all channels so far -> 32 more."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _Normalised(channels)
        self.linear1 = nn.Conv1d(channels, _BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _Normalised(_BOTTLENECK)
        self.cam_layer = _Masked(dilation)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))
        return found


class _Block(nn.Module):
    """Layers of which each reads what all before it wrote."""

    def __init__(self, channels: int, layers: int, dilation: int) -> None:
        super().__init__()
        for number in range(layers):
            self.add_module(f"tdnnd{number + 1}", _Layer(channels + number * _GROWTH, dilation))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class _Step(nn.Module):
    """A convolution and what goes before or after it."""

    def __init__(self, linear: nn.Conv1d, nonlinear: _Normalised) -> None:
        super().__init__()
        self.linear = linear
        self.nonlinear = nonlinear


class _Network(nn.Module):
    """The part that runs over time."""

    def __init__(self) -> None:
        super().__init__()
        first, channels = _HEAD_CHANNELS * BANDS // 8, _FIRST_CHANNELS
        self.tdnn = _Step(
            nn.Conv1d(first, channels, 5, 2, padding=2, bias=False), _Normalised(channels)
        )
        for number, (layers, dilation) in enumerate(zip(_LAYERS, _DILATION, strict=True), 1):
            self.add_module(f"block{number}", _Block(channels, layers, dilation))
            channels += layers * _GROWTH
            narrower = nn.Conv1d(channels, channels // 2, 1, bias=False)
            self.add_module(f"transit{number}", _Step(narrower, _Normalised(channels)))
            channels //= 2
        self.out_nonlinear = _Normalised(channels)
        self.channels = channels
        self.dense = _Step(
            nn.Conv1d(2 * channels, DIMENSION, 1, bias=False), _Normalised(DIMENSION, plain=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.tdnn.nonlinear(self.tdnn.linear(x))
        for number in range(1, len(_LAYERS) + 1):
            x = self.get_submodule(f"block{number}")(x)
            step = self.get_submodule(f"transit{number}")
            assert isinstance(step, _Step)
            x = step.linear(step.nonlinear(x))
        found: Tensor = self.out_nonlinear(x)
        return found


class VoiceNetwork(nn.Module):
    """Filter banks of a stretch -> voices of those who speak in it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _Head()
        self.xvector = _Network()

    def moments(self, bank: Tensor) -> Tensor:
        """Filter banks (batch, frames, 80) -> (batch, 512, frames / 2, rounded up)."""
        found: Tensor = self.xvector(self.head(bank.transpose(1, 2)))
        return found

    def voice(self, moments: Tensor, weights: Tensor) -> Tensor:
        """Mean and deviation over weighted moments, and through the last layer.

        Shapes: (batch, 512, moments), (batch, voices, moments) -> (batch, voices, 192). The
        weights are 0 or 1; a voice without any is NaN.
        """
        count = weights.sum(dim=2, keepdim=True)
        mean = torch.einsum("bct,bvt->bvc", moments, weights) / count
        power = torch.einsum("bct,bvt->bvc", moments.square(), weights)
        spread = (power - count * mean.square()) / (count - 1).clamp_min(1)
        both = torch.cat([mean, spread.clamp_min(0).sqrt()], dim=2).transpose(1, 2)
        dense = self.xvector.dense
        voices: Tensor = dense.nonlinear(dense.linear(both))
        return voices.transpose(1, 2)


def load_network(path: Path) -> VoiceNetwork:
    """Build the network with the weights of `path` (safetensors), on the CPU, ready to infer."""
    network = VoiceNetwork()
    network.load_state_dict(load_file(path))
    return network.eval()


def filter_banks(audio: Tensor) -> Tensor:
    """Kaldi's 80 log mel bands, every 10 ms; not yet freed of their mean.

    Parameters
    ----------
    audio
        Shape (n_samples,), 16 kHz, within -1 to 1, at least 25 ms.

    Returns
    -------
    Shape (n_frames, 80).

    """
    return kaldi.fbank(audio[None], num_mel_bins=BANDS, sample_frequency=SAMPLE_RATE_HZ, dither=0.0)
