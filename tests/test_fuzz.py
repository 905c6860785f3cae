"""A second of the fuzz of each reader; `make fuzz` gives each two minutes."""

from __future__ import annotations

import pytest

from bench.fuzz import READERS, fuzz


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_fails_only_in_sentences(reader):
    tally = fuzz(reader, seconds=0.7, seed=1)
    assert tally.tried
    assert not tally.faults
