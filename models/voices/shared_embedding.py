"""One pass of the voice network per window, for all who speak in it.

pyannote runs the network on the same window once per local speaker, silent ones included, though
only the last step, the weighted mean and deviation over time, differs between them. Here a window
runs once, its speakers share what comes out, and a window in which nobody speaks does not run.

Convolutions are computed with batch normalisation folded in and channels last; in bfloat16 where
the device says so. Filter banks, statistics and the last layer are computed in float32.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)

# isort: split
from pyannote.audio.models.embedding import WeSpeakerResNet34

from models.batches import AdaptiveBatch
from models.device import Device

Floats = NDArray[np.float32]

WINDOWS_PER_THREAD = 4
"""Windows a thread is given before all threads meet again; each runs alone, cache-warm."""
WINDOWS_PER_BATCH_ON_A_CARD = 64


class SharedEmbedding:
    """Voices of the speakers of windows.

    Parameters
    ----------
    network
        Moved to `device` and changed in place: same function, faster form.
    device
        Where, and in which precision.
    pool
        Threads for a CPU, each with windows of its own.
    threads
        How many these are.

    """

    def __init__(
        self, network: WeSpeakerResNet34, device: Device, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        self._device = torch.device(str(device))
        self._half = device.precision == "bfloat16"
        _fold_batch_norm(network.resnet)
        self._network = network.eval().to(self._device, memory_format=torch.channels_last)
        self._pool = pool
        on_card = device.kind == "cuda"
        most = WINDOWS_PER_BATCH_ON_A_CARD if on_card else WINDOWS_PER_THREAD * threads
        self.batches = AdaptiveBatch(most, where=str(device))
        """How many windows fit at once."""

    def embed(
        self, windows: Sequence[int], crop: Callable[[int], Tensor], masks: Floats
    ) -> Iterator[Floats]:
        """Voices of each window in turn, shape (speakers, dimension).

        Parameters
        ----------
        windows
            Numbers of the windows to embed.
        crop
            Audio of a window by its number, shape (1, samples).
        masks
            Weight of each frame for each speaker, 0..1, shape (all windows, speakers, frames).

        Raises
        ------
        MemoryError
            The device has no room even for one window.

        """

        def one(window: int) -> Floats:
            return self.voices(crop(window)[None], masks[[window]])[0]

        def batch(numbers: Sequence[int]) -> Sequence[Floats]:
            if self._device.type == "cpu":
                return list(self._pool.map(one, numbers))
            waveforms = torch.stack([crop(number) for number in numbers])
            return list(self.voices(waveforms, masks[list(numbers)]))

        return self.batches.run(batch, windows)

    def voices(self, waveforms: Tensor, masks: Floats) -> Floats:
        """Embed windows in one pass.

        Shapes: (windows, 1, samples), (windows, speakers, frames) ->
        (windows, speakers, dimension).
        """
        network, kind = self._network, self._device.type
        with torch.inference_mode():
            bank = network.compute_fbank(waveforms.to(self._device))
            with torch.autocast(kind, torch.bfloat16, enabled=self._half):
                frames = network.resnet.forward_frames(bank)
            weights = torch.from_numpy(masks).to(self._device)
            found: Tensor = network.forward_embedding(frames.float(), weights)
        return found.cpu().numpy()

    def voice_of_nobody(self) -> Floats:
        """What the network says of a speaker whose every weight is 0, shape (dimension,)."""
        features = self._network.resnet.seg_1.in_features // 2  # mean and deviation of each
        silence = torch.zeros(1, features, 1, 1, device=self._device)
        with torch.inference_mode():
            found: Tensor = self._network.forward_embedding(silence, silence[:, :1, :, 0])
        return found[0, 0].cpu().numpy()


def _fold_batch_norm(resnet: Any) -> None:
    """Turn convolution and batch normalisation into one convolution, everywhere."""
    layers = (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4)
    for part in (resnet, *itertools.chain.from_iterable(layers)):
        for number in ("1", "2"):
            if hasattr(part, f"conv{number}"):
                convolution = getattr(part, f"conv{number}")
                folded = fuse_conv_bn_eval(convolution, getattr(part, f"bn{number}"))
                setattr(part, f"conv{number}", folded)
                setattr(part, f"bn{number}", nn.Identity())
        if len(getattr(part, "shortcut", ())):
            part.shortcut = nn.Sequential(fuse_conv_bn_eval(*part.shortcut))
