"""What CAM++ says of each moment of a recording, computed once; voices are statistics over moments.

Windows overlap tenfold and up to three people speak in each. The network is not run per window or
per speaker: it reads the recording once, in pieces of ten seconds, and keeps of each what lies a
second or more from its edges. A voice is the mean and deviation over those moments of a window in
which that person speaks alone, through the network's last layer. Moments are kept for no longer
than windows need them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.batches import AdaptiveBatch
from models.device import Device
from models.voices.campplus import BANDS, DIMENSION, VoiceNetwork, filter_banks

BANK_FRAMES_PER_S = 100
MOMENTS_PER_S = 50

_PIECE = 10 * BANK_FRAMES_PER_S
_MARGIN = 1 * BANK_FRAMES_PER_S
_KEPT = (_PIECE - 2 * _MARGIN) // 2  # moments
_BLOCK_FRAMES = 6_000
"""Frames whose spectra are in memory at once: a minute."""
_HOP, _WINDOW = 160, 400
_PIECES_PER_THREAD = 4
_PIECES_ON_A_CARD = 64

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def recording_bank(audio: Tensor) -> Tensor:
    """`filter_banks` of a recording of any length, minute by minute; shape (n_frames, 80)."""
    count = max(0, (len(audio) - _WINDOW) // _HOP + 1)
    bank = torch.empty(count, BANDS, device=audio.device)
    for first in range(0, count, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, count)
        bank[first:last] = filter_banks(audio[first * _HOP : (last - 1) * _HOP + _WINDOW])
    return bank


class RecordingVoices:
    """Voices in the windows of recordings.

    Parameters
    ----------
    network
        Moved to `device`.
    device
        Where.
    pool
        Threads for a CPU, each with pieces of its own.
    threads
        How many these are.

    """

    dimension = DIMENSION

    def __init__(
        self, network: VoiceNetwork, device: Device, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        self._device = torch.device(str(device))
        self._network = network.to(self._device)
        self._pool = pool
        most = _PIECES_ON_A_CARD if device.kind == "cuda" else _PIECES_PER_THREAD * threads
        self.batches = AdaptiveBatch(most, where=str(device))
        """How many pieces are read at once."""

    def embed(
        self, bank: Tensor, spoken: Flags, starts: Sequence[int], masks: Callable[[int], Flags]
    ) -> Iterator[Floats]:
        """Voices of each window in turn, shape (speakers, 192); NaN for who has no moment.

        Parameters
        ----------
        bank
            From `recording_bank`.
        spoken
            Frames of the bank in which anybody speaks; their mean is taken out of all.
        starts
            First moment of each window, rising.
        masks
            Moments in which each speaker of a window is to be heard, by the window's number, shape
            (speakers, moments).

        Raises
        ------
        MemoryError
            The device has no room even for one piece.

        """
        count = len(bank) // 2
        clean = bank - (bank[torch.from_numpy(spoken)] if spoken.any() else bank).mean(dim=0)
        read = partial(self._read, clean)

        def batch(firsts: Sequence[int]) -> list[Tensor]:
            if self._device.type != "cpu":
                return read(firsts)
            return [piece for (piece,) in self._pool.map(lambda first: read([first]), firsts)]

        held = _Held(self.batches.run(batch, range(0, count, _KEPT)))
        for window, start in enumerate(starts):
            yield self._voices(held, start, masks(window)[:, : max(0, count - start)])

    def _read(self, bank: Tensor, firsts: Sequence[int]) -> list[Tensor]:
        """What is kept of pieces, each from its first moment on; shapes (1, 512, up to 400)."""
        latest = max(0, len(bank) - _PIECE) // 2 * 2
        starts = [min(max(0, 2 * first - _MARGIN), latest) for first in firsts]
        pieces = torch.stack([bank[start : start + _PIECE] for start in starts])
        with torch.inference_mode():
            found = self._network.moments(pieces.to(self._device))
        return [
            each[None, :, first - start // 2 :][..., :_KEPT]
            for each, first, start in zip(found, firsts, starts, strict=True)
        ]

    def _voices(self, held: _Held, start: int, mask: Flags) -> Floats:
        found = np.full((len(mask), DIMENSION), np.nan, np.float32)
        if mask.any():
            moments = held.span(start, start + mask.shape[1])
            weights = torch.from_numpy(mask[None].astype(np.float32)).to(self._device)
            with torch.inference_mode():
                found = self._network.voice(moments, weights)[0].cpu().numpy()
        return found


class _Held:
    """The moments at hand: pieces are read when asked for and dropped when passed."""

    def __init__(self, pieces: Iterator[Tensor]) -> None:
        self._pieces = pieces
        self._first = 0
        self._moments: list[Tensor] = []

    def span(self, start: int, stop: int) -> Tensor:
        """Moments from `start` to `stop`; `start` never falls; shape (1, 512, stop - start)."""
        while self._moments and start >= self._first + self._moments[0].shape[2]:
            self._first += self._moments.pop(0).shape[2]
        while self._first + sum(piece.shape[2] for piece in self._moments) < stop:
            piece = next(self._pieces)
            if not self._moments and start >= self._first + piece.shape[2]:
                self._first += piece.shape[2]
            else:
                self._moments.append(piece)
        whole = torch.cat(self._moments, dim=2)
        return whole[..., start - self._first : stop - self._first]
