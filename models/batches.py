"""Batches as large as the device has room for.

On out-of-memory the batch is halved and the same items are tried again, down to one; after a run of
good batches it grows back. How the items were batched changes no result: whatever is run through
here must not let items of a batch see each other.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

GROW_AFTER = 50
"""Good batches in a row before the next larger size is tried."""

_SAID_SO = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch (card, processor) and CTranslate2 write; they raise a plain RuntimeError for it."""


class AdaptiveBatch:
    """The size of a batch, learnt from what fits.

    Kept for the life of an engine: what one recording taught serves the next.

    Parameters
    ----------
    size
        Items to start with, and the most that is ever tried.
    where
        Device, for the message of an error.

    """

    def __init__(self, size: int, *, where: str = "cpu") -> None:
        if size < 1:
            message = f"a batch of {size} holds nothing; allowed: 1 or more items"
            raise ValueError(message)
        self._most = size
        self._where = where
        self._good = 0
        self.size = size
        """Items that the next batch takes at most."""

    def run(
        self, work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]
    ) -> Iterator[Result]:
        """Results of `work`, one per item and in order, computed batch by batch.

        Raises
        ------
        MemoryError
            There is no room even for one item.

        """
        start = 0
        while start < len(items):
            batch = items[start : start + self.size]
            results = self._attempt(work, batch)
            if results is None:
                continue
            yield from results
            start += len(batch)

    def _attempt(
        self, work: Callable[[Sequence[Item]], Sequence[Result]], batch: Sequence[Item]
    ) -> Sequence[Result] | None:
        """Results of one batch; None where there was no room and a smaller one is to be tried."""
        try:
            results = work(batch)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                message = f"{self._where} has no room even for one item: {error}"
                raise MemoryError(message) from error
            self._shrink(len(batch))
        else:
            self._grow(len(batch))
            return results
        # outside the handler: the error's trace holds the tensors of the failed batch
        _release()
        return None

    def _shrink(self, tried: int) -> None:
        self.size, self._good = tried // 2, 0

    def _grow(self, done: int) -> None:
        """Only full batches show that there is room to spare."""
        self._good += done == self.size
        if self._good >= GROW_AFTER:
            self.size, self._good = min(self._most, self.size * 2), 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch, CTranslate2 or numpy means that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(said in text for said in _SAID_SO)


def _release() -> None:
    """Give back what the failed batch held; torch keeps a card's memory unless told."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
