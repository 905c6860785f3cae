"""How sure the segmentation and the clustering are that a voice speaks at a moment, 0..1.

Windows overlap, so each moment is heard in several of them, and in each the network scores the
speakers it hears and the clustering says which voice each is. The mean score of a voice over all
windows that see the moment is high where the network hears speech clearly and every window gives it
to the same voice, and falls where windows disagree or two voices mix. Caution: a mean score, no
calibrated probability; a network that scores 0 or 1 gives the share of windows that agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyannote.core import SlidingWindow, SlidingWindowFeature

from models.base import Seconds

DECIMALS = 3
"""What is beyond differs with the batch a window is computed in."""


@dataclass(frozen=True, slots=True)
class VoicePosterior:
    """Scores of each voice over a recording."""

    scores: NDArray[np.float32]
    """shape (n_frames, n_voices), 0..1"""
    frames: SlidingWindow

    def mean(self, voice: int, start_s: Seconds, end_s: Seconds) -> float | None:
        """Mean of one voice over the frames whose middle lies in a stretch; None without any."""
        if voice >= self.scores.shape[1]:
            return 0.0  # pyannote counted more people than it told apart: no window names this one
        first, last = (self._frame(edge) for edge in (start_s, end_s))
        inside = self.scores[max(0, first) : max(0, last), voice]
        return round(float(inside.mean()), DECIMALS) if inside.size else None

    def _frame(self, t_s: Seconds) -> int:
        """First frame whose middle is not before a moment."""
        frames = self.frames
        at = (t_s - frames.start - frames.duration / 2) / frames.step
        return int(np.ceil(at - 1e-6))


def voice_posterior(windows: SlidingWindowFeature, frames: SlidingWindow) -> VoicePosterior:
    """Mean of a voice's scores over all windows that see a frame.

    Parameters
    ----------
    windows
        Score of each voice in each window, shape (windows, frames, voices); NaN or 0 where a
        window does not hear the voice, which counts against it.
    frames
        Frames of the recording, as pyannote counts speakers in.

    """
    count, length, voices = windows.data.shape
    times = windows.sliding_window
    grid = SlidingWindow(start=times.start, duration=frames.duration, step=frames.step)
    starts = [_first_frame(grid, times, number) for number in range(count)]
    total = np.zeros((starts[-1] + length, voices), np.float32)
    seen = np.zeros((len(total), 1), np.float32)
    for start, scores in zip(starts, windows.data, strict=True):
        total[start : start + length] += np.nan_to_num(scores)
        seen[start : start + length] += 1
    return VoicePosterior(np.clip(total / np.maximum(seen, 1), 0, 1), grid)


def _first_frame(grid: SlidingWindow, times: SlidingWindow, number: int) -> int:
    """As pyannote places a window's scores among the frames of the recording."""
    return int(grid.closest_frame(times[number].start + 0.5 * grid.duration))


class KeepsPosterior:
    """For a pyannote pipeline: keeps what its windows said of each voice."""

    posterior: VoicePosterior | None = None

    def to_diarization(
        self, segmentations: SlidingWindowFeature, count: SlidingWindowFeature
    ) -> SlidingWindowFeature:
        """As pyannote's; called for turns with overlap and then for those without."""
        self.posterior = voice_posterior(segmentations, count.sliding_window)
        parent: Any = super()
        return parent.to_diarization(segmentations, count)
