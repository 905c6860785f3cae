"""GE2E speaker encoder: a voice as a direction in 256 dimensions.

Three LSTM layers read 40 mel bands of 1.6 s of speech; the last state, through one linear layer
and a rectifier, is scaled to unit length (Wan et al. 2018, "Generalized end-to-end loss for speaker
verification", doi:10.1109/ICASSP.2018.8462665). Written for the weights that Resemblyzer
distributes, which fixes the front end: 25 ms Hann windows every 10 ms, 40 Slaney mel bands of
power (not its logarithm), speech brought to -30 dBFS.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before torchaudio)

# isort: split
import torchaudio

from models.base import SAMPLE_RATE_HZ

DIMENSION = 256
FRAMES_PER_S = 100
PARTIAL_FRAMES = 160
"""What the network was trained on: 1.6 s."""

_MEL_BANDS = 40
_WINDOW = 400
_HOP = SAMPLE_RATE_HZ // FRAMES_PER_S
_BLOCK_FRAMES = 6_000
"""Frames whose spectra are in memory at once: a minute."""
_TARGET_POWER = 10.0 ** (-30.0 / 10.0)
_SILENCE_POWER = 1e-10


class SpeakerEncoder(nn.Module):
    """The network. Input (batch, frames, 40), output (batch, 256) of unit length."""

    dimension = DIMENSION

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_MEL_BANDS, DIMENSION, num_layers=3, batch_first=True)
        self.linear = nn.Linear(DIMENSION, DIMENSION)

    def forward(self, mel: Tensor) -> Tensor:
        """Embed mel frames; see the class."""
        _, (hidden, _) = self.lstm(mel)
        raw = torch.relu(self.linear(hidden[-1]))
        return nn.functional.normalize(raw, dim=1)


def load_encoder(path: Path) -> SpeakerEncoder:
    """Build the network with the weights of `path` (safetensors), on the CPU, ready to infer."""
    encoder = SpeakerEncoder()
    encoder.load_state_dict(load_file(path))
    return encoder.eval()


def mel_frames(audio: Tensor) -> Tensor:
    """Mel power of speech.

    Parameters
    ----------
    audio
        Shape (n_samples,), 16 kHz.

    Returns
    -------
    Shape (n_frames, 40). Frame `i` is centred on ``i * 10 ms``. Equal to librosa's
    `melspectrogram` with its default Slaney bands.

    """
    count = len(audio) // _HOP + 1
    result = torch.empty(count, _MEL_BANDS, device=audio.device)
    window = torch.hann_window(_WINDOW, device=audio.device)
    bands = torchaudio.functional.melscale_fbanks(
        _WINDOW // 2 + 1,
        0.0,
        SAMPLE_RATE_HZ / 2,
        _MEL_BANDS,
        SAMPLE_RATE_HZ,
        norm="slaney",
        mel_scale="slaney",
    ).to(audio.device)
    for first in range(0, count, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, count)
        start, stop = first * _HOP - _WINDOW // 2, (last - 1) * _HOP + _WINDOW // 2
        block = nn.functional.pad(
            audio[max(start, 0) : stop], (max(-start, 0), max(stop - len(audio), 0))
        )
        spectrum = torch.stft(
            block, _WINDOW, _HOP, window=window, center=False, return_complex=True
        )
        result[first:last] = spectrum.abs().square().T @ bands
    return result


def frame_power(audio: Tensor) -> Tensor:
    """Mean power of the 10 ms that start at each mel frame's centre, shape (ceil(n / 160),)."""
    blocks = audio.split(_BLOCK_FRAMES * _HOP)
    return torch.cat([_block_power(block) for block in blocks])


def _block_power(audio: Tensor) -> Tensor:
    padded = nn.functional.pad(audio, (0, -len(audio) % _HOP))
    return padded.view(-1, _HOP).square().mean(dim=1)


def speech_gain(power: Tensor) -> Tensor:
    """Factor on mel power that brings quiet speech to -30 dBFS; 1 for louder speech."""
    return (_TARGET_POWER / power.mean().clamp_min(_SILENCE_POWER)).clamp_min(1.0)


def partials(mel: Tensor) -> Tensor:
    """Cut speech into the pieces the network was trained on.

    Parameters
    ----------
    mel
        Shape (n_frames, 40), at least one frame. Less than 1.6 s is repeated up to that length.

    Returns
    -------
    Shape (n_pieces, 160, 40): as few pieces, evenly spread, as cover every frame.

    """
    frames = len(mel)
    if frames <= PARTIAL_FRAMES:
        return mel[torch.arange(PARTIAL_FRAMES, device=mel.device) % frames][None]
    count = math.ceil(frames / PARTIAL_FRAMES)
    starts = torch.linspace(0, frames - PARTIAL_FRAMES, count).round().long().tolist()
    return torch.stack([mel[start : start + PARTIAL_FRAMES] for start in starts])
