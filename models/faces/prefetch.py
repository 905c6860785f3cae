"""Reading ahead: the caller's frame generator runs in its own thread, a few frames early.

Decoding and the networks both leave the interpreter lock, so on two cores they overlap.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

T = TypeVar("T")

THREAD_NAME = "face-frames"
DEPTH = 4
"""Frames held at most: enough to even out slow frames, few enough to keep memory flat."""
POLL_S = 0.02


def read_ahead(items: Iterable[T], *, depth: int = DEPTH) -> Generator[T]:
    """Yields `items` unchanged and in order, fetched by a thread up to `depth` items early.

    What the reader raises is raised here, after the items before it. Closing or dropping this
    generator ends the thread (once the reader's current item is there) and closes the reader.
    """
    reader = _Reader(items, depth)
    reader.thread.start()
    try:
        yield from reader.items()
    finally:
        reader.stop()


class _Reader(Generic[T]):
    """The thread and its queue. The queue holds items; the end is an exception or None."""

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._source = iter(items)
        self._queue: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(depth)
        self._stopped = threading.Event()
        self.thread = threading.Thread(target=self._read, name=THREAD_NAME, daemon=True)

    def _read(self) -> None:
        end: BaseException | None = None
        try:
            for item in self._source:
                self._queue.put((item,))
                if self._stopped.is_set():
                    break
            close = getattr(self._source, "close", None)
            if close is not None:
                close()
        except BaseException as error:  # noqa: BLE001 - handed over whole, raised by the consumer
            end = error
        self._queue.put(end)

    def items(self) -> Iterator[T]:
        """Items until the source ends or fails."""
        while True:
            entry = self._queue.get()
            if entry is None:
                return
            if isinstance(entry, BaseException):
                raise entry
            yield entry[0]

    def stop(self) -> None:
        """Ends the thread: room is made in the queue until it has noticed."""
        self._stopped.set()
        while self.thread.is_alive():
            with suppress(queue.Empty):
                self._queue.get(timeout=POLL_S)
        self.thread.join()
