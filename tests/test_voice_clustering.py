"""Voices are counted, told apart and joined by how alike they are; planted in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pyannote.core import SlidingWindow, SlidingWindowFeature

from models.options import DiarizerOptions
from models.voices.voice_clustering import VoiceClustering, VoiceTree, unit

Floats = NDArray[np.float64]
WITHIN = 0.8  # cosine of one voice with itself


def planted(sizes: list[int], alike: float, seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Voices of so many windows each, any two people so much alike, and whose each is.

    Directions share one axis as far as people are alike and have one each for the rest; windows of
    one person stray in so many dimensions that they are `WITHIN` alike.
    """
    rng = np.random.default_rng(seed)
    whose = np.repeat(np.arange(len(sizes)), sizes)
    voices = np.zeros((len(whose), 1 + len(sizes) + 100))
    voices[:, 0] = np.sqrt(alike)
    voices[np.arange(len(whose)), 1 + whose] = np.sqrt(WITHIN - alike)
    voices[:, 1 + len(sizes) :] = rng.normal(0, np.sqrt((1 - WITHIN) / 100), (len(whose), 100))
    return unit(voices), whose


def clustered(voices: Floats, **counts: int | None) -> NDArray[np.int64]:
    asked = {"number": None, "least": None, "most": None} | counts
    return VoiceClustering(DiarizerOptions()).label(voices, **asked)


def same_parts(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether two labellings differ in names only."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("sizes", "alike", "voices"),
    [
        ([90], 0.1, 1),
        ([60, 40], 0.1, 2),
        ([60, 40], 0.5, 2),  # two voices on one telephone
        ([60, 40], 0.62, 1),
        ([97, 8], 0.1, 2),
        ([99, 1], 0.1, 1),  # a cough
        ([60, 40, 20], 0.1, 3),
        ([60, 40, 20], 0.45, 2),  # halves of one voice have been as unlike as that
        ([60, 40, 20, 10], 0.1, 4),
    ],
)
def test_voices_are_counted(sizes: list[int], alike: float, voices: int, seed: int) -> None:
    found = clustered(planted(sizes, alike, seed)[0])
    assert len(set(found.tolist())) == voices


@pytest.mark.parametrize("sizes", [[50, 50], [300, 8], [40, 30, 20]])
@pytest.mark.parametrize("alike", [0.0, 0.3, 0.6])
def test_a_stated_number_is_found_whatever_the_likeness(sizes: list[int], alike: float) -> None:
    voices, whose = planted(sizes, alike)
    assert same_parts(clustered(voices, number=len(sizes)), whose)


def test_one_voice_stays_one_whatever_was_stated() -> None:
    voices, _ = planted([80], 0.1)
    assert set(clustered(voices, number=2).tolist()) == {0}
    assert set(clustered(voices, least=2, most=6).tolist()) == {0}


def test_a_count_stays_within_its_bounds() -> None:
    voices, _ = planted([60, 40, 30], 0.1)
    for bounds, expected in (((1, 2), 2), ((2, 6), 3), ((1, 1), 1)):
        found = clustered(voices, least=bounds[0], most=bounds[1])
        assert len(set(found.tolist())) == expected
    like, _ = planted([60, 40], 0.65)  # counted as one, and two were stated
    assert len(set(clustered(like, least=2, most=6).tolist())) == 2


def test_a_long_recording_is_clustered_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    voices, whose = planted([300, 200], 0.2)
    mixed = np.random.default_rng(1).permutation(len(voices))
    monkeypatch.setattr("models.voices.voice_clustering._MOST_IN_TREE", 100)
    assert same_parts(clustered(voices[mixed], number=2), whose[mixed])


def test_what_fits_no_group_is_given_to_the_nearest() -> None:
    voices, whose = planted([50, 50], 0.1)
    odd = unit(voices[:1] + np.eye(voices.shape[1])[-1:] * 2)
    tree = VoiceTree.grown(np.concatenate([voices, odd]))
    assert same_parts(tree.cut(2, 0.03)[:-1], whose)
    assert len(set(tree.cut(2, 0.03).tolist())) == 2


def test_two_speakers_of_a_window_are_two_voices() -> None:
    voices, _ = planted([40, 40], 0.1)
    pairs = voices.reshape(2, 40, -1).swapaxes(0, 1)  # (windows, speakers, dimension)
    pairs[7, 1] = pairs[7, 0]  # both sound like the first
    window = SlidingWindow(duration=10.0, step=1.0)
    alone = np.zeros((40, 60, 2))
    alone[:, :30, 0] = alone[:, 30:, 1] = 1
    hard, soft, centres = VoiceClustering(DiarizerOptions())(
        pairs, SlidingWindowFeature(alone, window), num_clusters=2
    )
    assert hard.shape == (40, 2)
    assert soft.shape == (40, 2, 2)
    assert centres.shape == (2, voices.shape[1])
    assert all(set(row) == {0, 1} for row in hard.tolist())
