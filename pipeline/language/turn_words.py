"""Which words belong to which turn: same voice, most overlap, else the nearest within a second.

Word times come from a recogniser and turn times from a diarizer; they disagree by some 0.1 s, so a
word just outside its turn still belongs to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.timeline import Floats, Seconds

REACH_S: Seconds = 1.0
"""A word farther than this from every turn of its voice belongs to none [ours]."""

Ints = NDArray[np.int64]


def owners(words: tuple[Floats, Floats, Ints], spans: tuple[Floats, Floats, Ints]) -> Ints:
    """Index of the span that owns each word, -1 for none.

    Parameters
    ----------
    words : start_s, end_s, speaker (-1 = unknown), each of shape (n_words,)
    spans : start_s, end_s, speaker, each of shape (n_spans,); those of one speaker are disjoint

    Returns
    -------
    shape (n_words,)
    """
    found = np.full(words[0].shape, -1, dtype=np.int64)
    for speaker in np.unique(spans[2]):
        mine = np.flatnonzero(spans[2] == speaker)
        mine = mine[np.argsort(spans[0][mine], kind="stable")]
        which = np.flatnonzero(words[2] == speaker)
        if which.size:
            nearest = _nearest(words[0][which], words[1][which], spans[0][mine], spans[1][mine])
            found[which] = np.where(nearest >= 0, mine[nearest], -1)
    return found


def _nearest(starts: Floats, ends: Floats, span_starts: Floats, span_ends: Floats) -> Ints:
    """Of sorted, disjoint spans: the one with the largest signed overlap, -1 beyond reach."""
    after = np.searchsorted(span_ends, starts, side="right")
    candidates = np.clip(np.stack([after - 1, after, after + 1]), 0, span_starts.size - 1)
    # negative overlap is distance, so one maximum serves both rules
    overlap = np.minimum(ends, span_ends[candidates]) - np.maximum(starts, span_starts[candidates])
    best = np.argmax(overlap, axis=0)
    columns = np.arange(starts.size)
    near = overlap[best, columns] >= -REACH_S
    return np.where(near, candidates[best, columns], -1)
