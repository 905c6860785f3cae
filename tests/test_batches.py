"""Batches shrink where memory runs out, grow back, and never change a result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batches import GROW_AFTER, AdaptiveBatch, is_out_of_memory


class Card:
    """A device with room for `room` items, that squares numbers."""

    def __init__(self, room: int, error: type[Exception] = RuntimeError) -> None:
        self.room = room
        self.error = error
        self.asked: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.asked.append(len(items))
        if len(items) > self.room:
            raise self.error("CUDA failed with error out of memory")
        return [item * item for item in items]


@settings(max_examples=30, deadline=None)  # every shortage collects garbage, which takes time
@given(st.integers(0, 70), st.integers(1, 40), st.integers(1, 40))
def test_every_item_is_done_once_and_in_order(count: int, size: int, room: int) -> None:
    done = list(AdaptiveBatch(size).run(Card(room), range(count)))
    assert done == [item * item for item in range(count)]


def test_halves_until_it_fits_and_stays_there() -> None:
    card, batch = Card(room=5, error=MemoryError), AdaptiveBatch(32)
    list(batch.run(card, range(40)))
    assert card.asked == [32, 16, 8] + [4] * 10
    assert batch.size == 4


def test_grows_back_when_there_is_room_again() -> None:
    card, batch = Card(room=4), AdaptiveBatch(8)
    list(batch.run(card, range(8)))
    card.room = 100
    list(batch.run(card, range(4 * GROW_AFTER)))
    assert batch.size == 8


def test_no_room_for_one_item_is_an_error_that_names_the_device() -> None:
    with pytest.raises(MemoryError, match="cuda:1 has no room even for one item"):
        list(AdaptiveBatch(8, where="cuda:1").run(Card(room=0), range(3)))


def test_another_error_passes_through_at_once() -> None:
    def broken(items: Sequence[int]) -> list[int]:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(AdaptiveBatch(8).run(broken, range(3)))


def test_knows_the_words_of_each_allocator() -> None:
    with pytest.raises(MemoryError) as numpy_error:
        np.empty(2**60, np.float32)
    torch_error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")
    assert is_out_of_memory(numpy_error.value)
    assert is_out_of_memory(torch_error)
    assert not is_out_of_memory(RuntimeError("device-side assert triggered"))


def test_an_empty_batch_size_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        AdaptiveBatch(0)
