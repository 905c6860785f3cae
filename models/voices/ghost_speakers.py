"""Voices that are nobody: a label with little speech and no real turn.

noScribe (issue 341) measured on VoxConverse v0.3 that a label with under 2 % of the speech and
never a turn of over 2 s is no person of its own in 83 % (dev) and 69 % (test) of the cases. What
such a label was given goes to the voice next nearest, so that no speech is lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int8]
Floats = NDArray[np.floating]


def find_ghosts(
    labels: Labels, active: Floats, *, window_s: float, share: float, turn_s: float
) -> list[int]:
    """Voices with under `share` of all speech and no turn of over `turn_s`.

    Parameters
    ----------
    labels
        Voice of each local speaker of each window, shape (windows, speakers).
    active
        1 where that local speaker speaks, shape (windows, frames, speakers). Windows overlap, so
        that a turn of up to a window's length lies whole in one.
    window_s
        Length of a window.
    share
        Of the speech of all voices, 0..1. 0 finds nothing.
    turn_s
        Seconds.

    """
    speaks = {
        int(voice): (np.nan_to_num(active) * (labels == voice)[:, None]).any(axis=2)
        for voice in np.unique(labels)
    }  # each (windows, frames)
    frames = {voice: int(spoken.sum()) for voice, spoken in speaks.items()}
    least = share * sum(frames.values())
    turn_frames = turn_s / window_s * active.shape[1]
    ghosts = [
        voice
        for voice, spoken in speaks.items()
        if frames[voice] < least and _longest_run(spoken) <= turn_frames
    ]
    return ghosts if len(ghosts) < len(speaks) else []


def without_voices(
    labels: Labels, likeness: Floats, centroids: Floats, voices: list[int]
) -> tuple[Labels, Floats, Floats]:
    """Give what `voices` hold to the voices next most alike, and number the rest from 0.

    Shapes: labels (windows, speakers), likeness (windows, speakers, voices), centroids
    (voices, dimension); so are the results, with fewer voices.
    """
    likeness = np.delete(likeness, voices, axis=2)
    kept = np.setdiff1d(np.arange(len(centroids)), voices)
    labels = np.where(
        np.isin(labels, voices), likeness.argmax(axis=2), np.searchsorted(kept, labels)
    ).astype(np.int8)
    return labels, likeness, centroids[kept]


def _longest_run(spoken: NDArray[np.bool_]) -> int:
    """Most frames in a row that are set, of any row of (windows, frames)."""
    edges = np.diff(np.pad(spoken, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lengths = np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]
    return int(lengths.max(initial=0))
