"""Which voices there are, and whose each speaker of each window is.

A tree over all windows' voices (average linkage, cosine; Day & Edelsbrunner 1984) is cut where the
stated number of voices comes apart. Without a number voices are counted, and the count leans to
two: this program hears conversations of two people. A second voice is one where the tree's halves
are less alike than one person is to themselves on a bad line; a third has to be as unlike both as
strangers are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

import models.voices.torchaudio_without_cuda  # noqa: F401  (must come before pyannote.audio)

# isort: split
from pyannote.audio.pipelines.clustering import BaseClustering
from pyannote.core import SlidingWindowFeature

from models.options import DiarizerOptions

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

_MOST_IN_TREE = 4_000
"""Voices of windows: half an hour of two people. All pairs of an hour took 1 GB."""
_MOST_CUTS = 60
"""Cuts tried from the top: above them lie the few windows that are like nothing else."""


@dataclass(frozen=True, slots=True)
class VoiceTree:
    """Average-linkage tree of directions; `voices` of unit length, shape (n, dimension), n >= 2."""

    voices: Floats
    joins: NDArray[np.float64]

    @classmethod
    def grown(cls, voices: Floats) -> VoiceTree:
        """Over all voices given."""
        return cls(voices, linkage(voices, "average", metric="cosine"))

    def count(self, options: DiarizerOptions) -> int:
        """How many voices there are."""
        least = self._least(options.counted_share)
        apart = self._large(self._at(options.third_voice_likeness), max(2, least))
        if len(apart) > 2:
            return len(apart)
        halves = self._large(self._at(options.second_voice_likeness), max(2, least))
        return 2 if len(halves) > 1 else 1

    def cut(self, number: int, share: float) -> Labels:
        """Labels 0 to `number` - 1 at the highest cut into so many groups of that size.

        What lies in smaller groups is given to the nearest; fewer groups come back where the top of
        the tree holds no such cut.
        """
        least = max(1, self._least(share))
        labels, large = np.ones(len(self.voices), np.int64), np.ones(1, np.int64)
        for groups in range(number, min(len(self.voices), number + _MOST_CUTS) + 1):
            cut = fcluster(self.joins, groups, "maxclust")
            found = self._large(cut, least)
            if len(found) > len(large):
                labels, large = cut, found
            if len(found) >= number:
                break
        return nearest(self.voices, means(self.voices, labels, large))

    def _at(self, likeness: float) -> Labels:
        return np.asarray(fcluster(self.joins, 1 - likeness, "distance"))

    def _least(self, share: float) -> int:
        return round(share * len(self.voices))

    @staticmethod
    def _large(labels: Labels, least: int) -> Labels:
        names, sizes = np.unique(labels, return_counts=True)
        return np.asarray(names[sizes >= least])


def means(voices: Floats, labels: Labels, names: Labels) -> Floats:
    """Mean direction of each group named, shape (groups, dimension)."""
    return unit(np.stack([voices[labels == name].mean(axis=0) for name in names]))


def nearest(voices: Floats, centres: Floats) -> Labels:
    """Row of the centre most like each voice."""
    return np.asarray((voices @ centres.T).argmax(axis=1))


def unit(voices: Floats) -> Floats:
    """Scaled to length 1 along the last axis; NaN and 0 stay."""
    length = np.linalg.norm(voices, axis=-1, keepdims=True)
    return np.asarray(voices / np.where(length > 0, length, 1))


class VoiceClustering(BaseClustering):
    """Gives every speaker of every window to a voice, no two of a window to the same."""

    def __init__(self, options: DiarizerOptions) -> None:
        super().__init__(metric="cosine", constrained_assignment=True)
        self._options = options
        self.voices: Floats | None = None
        """Mean of each voice of the last recording, unit length; None where there is only one."""

    def __call__(  # type: ignore[override]  # pyannote declares an array, returns three
        self,
        embeddings: Floats,
        segmentations: SlidingWindowFeature,
        num_clusters: int | None = None,
        min_clusters: int | None = None,
        max_clusters: int | None = None,
        **_: Any,
    ) -> tuple[NDArray[np.int8], Floats, Floats]:
        """Voice of every speaker of every window.

        Shapes: embeddings (windows, speakers, dimension); result (windows, speakers),
        (windows, speakers, voices) and (voices, dimension).
        """
        heard, window, speaker = self.filter_embeddings(
            embeddings, segmentations, self._options.clustered_share
        )
        self.voices = None
        if len(heard) < 2:
            return _one_voice(embeddings)
        labels = self.label(unit(heard), num_clusters, min_clusters, max_clusters)
        if labels.max() == 0:
            return _one_voice(embeddings)
        hard, soft, centres = self.assign_embeddings(
            embeddings, window, speaker, labels, constrained=True
        )
        self.voices = unit(centres)
        return hard, soft, centres

    def label(
        self, voices: Floats, number: int | None, least: int | None, most: int | None
    ) -> Labels:
        """Labels of unit-length voices, shape (n, dimension) -> (n,).

        Of a long recording the tree is grown over every second, third, ... voice; the rest join the
        nearest mean, as all do in the end.
        """
        every = math.ceil(len(voices) / _MOST_IN_TREE)
        tree, options = VoiceTree.grown(voices[::every]), self._options
        share = options.least_share
        if number is None:
            counted = tree.count(options)
            number = min(max(counted, least or 1), most or counted)
            share = options.counted_share if number == counted else share
        labels = _joined(tree.voices, tree.cut(number, share), options.same_voice_likeness)
        return nearest(voices, means(tree.voices, labels, np.unique(labels)))


def _joined(voices: Floats, labels: Labels, likeness: float) -> Labels:
    """The most alike groups joined, as long as they are as alike as one voice is to itself."""
    while labels.max() > 0:
        names = np.unique(labels)
        sums = np.stack([voices[labels == name].sum(axis=0) for name in names])
        sizes = np.array([np.sum(labels == name) for name in names])
        alike = sums @ sums.T / np.outer(sizes, sizes)  # mean over all pairs
        np.fill_diagonal(alike, -1)
        one, other = np.unravel_index(alike.argmax(), alike.shape)
        if alike[one, other] < likeness:
            break
        labels = np.where(labels == names[one], names[other], labels)
        labels = np.searchsorted(np.unique(labels), labels)
    return labels


def _one_voice(embeddings: Floats) -> tuple[NDArray[np.int8], Floats, Floats]:
    windows, speakers, dimension = embeddings.shape
    heard = embeddings[~np.isnan(embeddings).any(axis=2)]
    centre = heard.mean(axis=0) if len(heard) else np.zeros(dimension, np.float32)
    hard = np.zeros((windows, speakers), np.int8)
    return hard, np.ones((windows, speakers, 1), np.float32), centre[None]
