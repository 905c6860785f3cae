"""A refusal typed in any spelling keeps the session from a whole night; see `bench.refusals`."""

from __future__ import annotations

import pytest

from bench.refusals import generated, listed, named, outcome

SLIPS = [*named(), *list(listed())[::6], *generated(10, seed=7)]


@pytest.mark.parametrize("refusal", SLIPS, ids=lambda one: f"{one.kind}-{one.person!a}")
def test_it_is_held_back_and_told(refusal):
    published, sentence = outcome(refusal)
    assert not published
    assert "held back by consent" in sentence
