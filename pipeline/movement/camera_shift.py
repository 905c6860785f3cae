"""Whether two pictures differ as if the camera had moved.

The shift that fits best comes from phase correlation (Kuglin & Hines 1975). Where it would change
the picture, either the picture changed just so, or something else is going on: a person who moves
takes along their own edges, never those of the furniture behind them.

Caveat: before a blank wall nothing but people tells of the camera, and one alone who leans, or two
who lean the same way at the same time, look like it. Turns and zooms are seen as far as they
resemble a shift.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (72, 128)
"""Rows and columns of the pictures compared."""
EDGE_LEVELS = 6.0
"""A shift shows where it would change a pixel by at least so many grey levels."""
PLACES_MIN = 120
"""Fewer such pixels (1 in 77) tell nothing."""
TAPER = 0.25
"""Share of each side that is faded out, since what lies beyond an edge is not known (Tukey)."""
LEFT_OVER = 0.5
"""Explained: at most this share of the expected change is left over."""

Picture = NDArray[np.float32]  # shape SIZE


def _tapered(length: int) -> NDArray[np.float32]:
    at = (np.arange(length) + 0.5) / length
    ramp = np.minimum(np.minimum(at, 1 - at) / (TAPER / 2), 1.0)
    return (0.5 - 0.5 * np.cos(np.pi * ramp)).astype(np.float32)


_WINDOW = np.outer(_tapered(SIZE[0]), _tapered(SIZE[1]))


def coarse(picture: NDArray[np.uint8]) -> Picture:
    """A grey picture of twice `SIZE`, averaged down."""
    small = cv2.resize(picture, SIZE[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def shift_explained(before: Picture, now: Picture) -> float:
    """Share of the places where the best shift would show in which the picture changed just so.

    Of the left and the right half, the lesser: a camera moves both, a person seldom. 0 where too
    few places would show it, or hardly anything changed at all; 1 where the whole picture moved.
    """
    if np.count_nonzero(cv2.absdiff(before, now) >= EDGE_LEVELS) < PLACES_MIN:
        return 0.0
    # copies: cv2.phaseCorrelate multiplies what it is given by the window
    (right, down), _ = cv2.phaseCorrelate(before.copy(), now.copy(), _WINDOW)
    matrix = np.array([[1.0, 0.0, right], [0.0, 1.0, down]])
    moved = cv2.warpAffine(
        before, matrix, SIZE[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    expected = cv2.absdiff(moved, before)
    shows = expected >= EDGE_LEVELS
    explained = shows & (cv2.absdiff(now, moved) <= LEFT_OVER * expected)
    places, found = (_by_half(flags) for flags in (shows, explained))
    told = places >= PLACES_MIN / 2
    return float(np.min(found[told] / places[told])) if told.any() else 0.0


def _by_half(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    """How many of the left and of the right half are set."""
    return flags.reshape(SIZE[0], 2, -1).sum(axis=(0, 2))
