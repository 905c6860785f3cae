"""The head's angles, and how fast it turns from frame to frame.

From one frame to the next the angles of a still head differ by measurement noise alone (0.3 deg at
25 frames a second read 10 deg/s). So the speed at a frame is that between the mean pose of the
0.2 s up to it and the mean pose of the 0.2 s from it on, and noise reads about 1.2 deg/s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.face.stretches import unbroken
from pipeline.spans import Flags, Floats

SPAN_S = 0.2
"""Of the poses averaged on either side of a frame."""


def turn_angles(turn: Floats) -> Floats:
    """Yaw, pitch and roll in degrees of rotations (n, 3, 3), shape (n, 3); NaN stays NaN.

    Yaw + = nose to the image's left, pitch + = nose up, roll + = the image-right eye lower:
    ``turn = Rz(roll) Ry(yaw) Rx(-pitch)`` in axes x right, y down, z away.
    """
    yaw = np.arcsin(np.clip(-turn[:, 2, 0], -1, 1))
    pitch = -np.arctan2(turn[:, 2, 1], turn[:, 2, 2])
    roll = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    return np.degrees(np.column_stack([yaw, pitch, roll]))


def head_speed(t_s: Floats, head_deg: Floats, usable: Flags) -> Floats:
    """Angular speed in deg/s, shape (n,); NaN where not usable or without a neighbouring frame.

    Parameters
    ----------
    t_s : shape (n,), seconds, increasing
    head_deg : shape (n, 3): yaw, pitch, roll, ``R = Rz(roll) Ry(yaw) Rx(-pitch)``
    usable : shape (n,), where `head_deg` can be trusted; no mean reaches across a gap
    """
    speed = np.full(len(t_s), np.nan)
    for first, stop in unbroken(t_s, usable):
        if stop - first > 1:
            speed[first:stop] = _in_stretch(t_s[first:stop], head_deg[first:stop])
    return speed


def _in_stretch(t_s: Floats, head_deg: Floats) -> Floats:
    at = np.arange(len(t_s))
    before = np.searchsorted(t_s, t_s - SPAN_S - 1e-9)
    after = np.searchsorted(t_s, t_s + SPAN_S + 1e-9, side="right")
    values = np.column_stack([t_s - t_s[0], head_deg])
    change = _means(values, at, after) - _means(values, before, at + 1)
    elapsed = np.where(change[:, :1] > 0, change[:, :1], np.nan)  # no frame near on either side
    yaw, pitch, roll = (change[:, 1:] / elapsed).T
    # roll and pitch turn about axes that are not square to each other once the head is turned
    squared = yaw**2 + pitch**2 + roll**2 + 2 * pitch * roll * np.sin(np.radians(head_deg[:, 0]))
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def _means(values: Floats, first: NDArray[np.intp], stop: NDArray[np.intp]) -> Floats:
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return np.asarray((sums[stop] - sums[first]) / (stop - first)[:, None])
