"""Segmentation networks over the windows of a recording: threads on a CPU, batches that fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)

# isort: split
from pyannote.audio import Inference
from pyannote.audio.models.segmentation import PyanNet

from models.batches import AdaptiveBatch
from models.device import Device

WINDOWS_PER_TASK = 16
"""Windows a thread takes at a time. Fixed, so that the number of threads changes no result."""
WINDOWS_PER_BATCH_ON_A_CARD = 256


class WindowScores(Inference):
    """pyannote's `Inference`, which on a CPU gives each thread windows of its own.

    Threads that share one matrix product wait for each other at every step of the LSTM; where the
    machine has other work, that waiting costs more than the product. Windows do not wait.
    """

    def __init__(
        self,
        network: PyanNet,
        pool: ThreadPoolExecutor,
        *,
        step_s: float,
        threads: int,
        device: Device,
    ) -> None:
        on_card = device.kind == "cuda"
        most = WINDOWS_PER_BATCH_ON_A_CARD if on_card else WINDOWS_PER_TASK * threads
        super().__init__(network, step=step_s, skip_aggregation=True, batch_size=most)
        self._pool = pool
        self.batches = AdaptiveBatch(most, where=str(device))
        """How many windows fit at once."""

    def infer(self, chunks: Tensor) -> NDArray[np.float32]:
        """Score windows of audio: (windows, 1, samples) -> (windows, frames, speakers)."""
        return np.stack(list(self.batches.run(self.score, chunks)))  # type: ignore[arg-type]

    def score(self, chunks: Tensor) -> NDArray[np.float32]:
        """Score windows all at once; shapes as `infer`."""
        if self.device.type != "cpu":
            return np.asarray(super().infer(chunks))
        parts = self._pool.map(super().infer, chunks.split(WINDOWS_PER_TASK))
        return np.concatenate(list(parts))
