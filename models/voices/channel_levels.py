"""Levels of two microphones: how loud each is, its room, and how much of the other voice it hears.

Everything rests on one observation. While one person alone speaks, both microphones hear the same
voice, and the difference between their levels is constant: the distance to the other microphone,
the two gains, nothing of what is said. A recording of two people therefore has two such
differences, and half their distance is how far the microphones keep the voices apart, whatever the
gains. One mix on both channels has a single difference, and the distance is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from models.base import SAMPLE_RATE_HZ

FRAME_S = 0.01
FRAME = round(FRAME_S * SAMPLE_RATE_HZ)

Channels = NDArray[np.float32]  # shape (2, n_samples)
Power = NDArray[np.float64]  # mean square, full scale = 1; shape (2, n_frames)

_BLOCK_FRAMES = 6000  # a minute at a time: an hour costs the memory of a minute
_SMOOTHED_FRAMES = 3
_QUIETEST = 1e-9  # -90 dB: digital silence counts as a room this quiet
_ROOM_PERCENTILE = 10
_CLEAR_DB = 15.0  # over the room: what is measured is a voice [ours]
_LOUD_DB = 25.0  # and at most this far under the channel's loud frames [ours]
_FEWEST_FRAMES = 50  # half a second of each person alone [ours]
_BIN_DB = 0.5
_STRAYS_DB = 12.0  # a leak's furthest frames from its median, even in a reverberant room [ours]
_DEVIATIONS_97 = 1.88  # standard deviations from median to 97th percentile


@dataclass(frozen=True, slots=True)
class Separation:
    """How two microphones tell two voices apart."""

    apart_db: tuple[float, float]
    """How much louder each person is in the own microphone than in the other's, gains included."""
    spread_db: tuple[float, float]
    """Standard deviation of the two while the person alone speaks."""
    voice: tuple[float, float]
    """Power of each person alone in the own microphone, median."""

    @property
    def crosstalk_db(self) -> float:
        """Mean of the two: gains cancel out."""
        return sum(self.apart_db) / 2


def frame_power(channels: Channels) -> Power:
    """Power of 10 ms frames; the last, incomplete one is left out."""
    power = np.empty((len(channels), channels.shape[1] // FRAME))
    for row, samples in zip(power, channels, strict=True):
        for start in range(0, row.size, _BLOCK_FRAMES):
            block = samples[start * FRAME : (start + _BLOCK_FRAMES) * FRAME]
            frames = block[: block.size // FRAME * FRAME].reshape(-1, FRAME)
            row[start : start + len(frames)] = np.square(frames, dtype=np.float64).mean(axis=1)
    return power


def room_power(power: Power) -> NDArray[np.float64]:
    """Power of each channel while nobody speaks, from its quietest frames; shape (2, 1)."""
    if not power.shape[1]:
        return np.full((len(power), 1), _QUIETEST)
    quiet = np.percentile(power, _ROOM_PERCENTILE, axis=1, keepdims=True)
    return np.asarray(np.maximum(quiet, _QUIETEST))


def voice_power(power: Power, room: NDArray[np.float64]) -> Power:
    """What stands above the room; a tenth of the room where nothing does."""
    return np.asarray(np.maximum(power - room, 0.1 * room))


def separation(power: Power, room: NDArray[np.float64]) -> Separation | None:
    """Level differences of either person alone, from frames in which somebody is loud.

    The frames are split where the two groups differ most for their sizes (Otsu 1979), and the
    median of a group stands for one person alone: frames with both lie between. Where one group
    lasts less than half a second there is a single difference, and nothing is kept apart: the same
    mix on both channels, or one person who says all there is. It cannot be told which.

    Returns
    -------
    Separation or None
        None where a channel holds less than half a second of anything over its room, as with a
        microphone that was off.

    """
    if not power.shape[1]:
        return None
    power = uniform_filter1d(power, _SMOOTHED_FRAMES, axis=1, mode="nearest")
    loud_frames = power >= room * 10 ** (_CLEAR_DB / 10)
    if (loud_frames.sum(axis=1) < _FEWEST_FRAMES).any():
        return None
    peak = np.array([[np.percentile(p[on], 95)] for p, on in zip(power, loud_frames, strict=True)])
    loud_frames &= power >= peak * 10 ** (-_LOUD_DB / 10)
    voice = voice_power(power, room)
    difference = 10 * np.log10(voice[0] / voice[1])
    split = _otsu(difference[loud_frames.any(axis=0)])
    own = (loud_frames[0] & (difference > split), loud_frames[1] & (difference <= split))
    if min(int(on.sum()) for on in own) < _FEWEST_FRAMES:
        one = float(np.median(difference[loud_frames.any(axis=0)]))
        return Separation((one, -one), (0.0, 0.0), (peak[0, 0], peak[1, 0]))
    alone = (_alone(difference[own[0]]), _alone(-difference[own[1]]))
    voices = [float(np.median(p[on])) for p, on in zip(voice, own, strict=True)]
    return Separation(
        apart_db=(alone[0][0], alone[1][0]),
        spread_db=(alone[0][1], alone[1][1]),
        voice=(voices[0], voices[1]),
    )


def _alone(differences: NDArray[np.float64]) -> tuple[float, float]:
    """Level difference while one person alone speaks, and how far a leak strays from it, both dB.

    The median, if most frames are of that kind, and the standard deviation on the side away from
    the other person, where frames with both do not reach. A room strays by some 5 dB. Two voices
    at once stray by 20 and more: then nobody was alone, no leak shows, and the outermost frames
    tell how small it must be.
    """
    middle, outer = np.percentile(differences, [50, 97])
    if outer - middle > _STRAYS_DB:
        return float(outer - _STRAYS_DB), 0.0
    return float(middle), float(outer - middle) / _DEVIATIONS_97


def _otsu(values: NDArray[np.float64]) -> float:
    """Threshold with the greatest variance between the groups on either side of it."""
    low, high = float(values.min()), float(values.max())
    bins = max(1, int(np.ceil((high - low) / _BIN_DB)))
    counts, edges = np.histogram(values, bins=bins, range=(low, high + 1e-9))
    centre = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * centre)
    if not below.size:
        return low
    between = (sums[-1] * below - total * sums[:-1]) ** 2 / (below * (total - below))
    return float(edges[1:][int(np.argmax(between))])
