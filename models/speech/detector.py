"""Where somebody speaks: Silero VAD v6, read from inside the installed faster-whisper package.

faster-whisper's own `get_speech_timestamps` lays out every 32 ms step of a recording in memory
before the first is judged. Here the network runs block by block and carries its state, so an hour
costs the memory of half a minute; the intervals are the same (tested against it).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from faster_whisper.vad import SileroVADModel
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio, Interval
from models.errors import EngineInputError
from models.options import SpeechDetectorOptions
from models.weights.catalog import locate

STEP = 512
"""Samples per probability: 32 ms."""

_CONTEXT = 64
"""Samples of the step before that the network sees again."""
_BLOCK_STEPS = 1024
_STATE_SHAPE = (1, 1, 128)
_HYSTERESIS = 0.15


def check_audio(audio: Audio) -> None:
    """Refuse what is not mono float audio.

    Raises
    ------
    EngineInputError
        `audio` has a second axis, is not float32, or holds NaN or infinity.

    """
    if audio.ndim != 1 or audio.dtype != np.float32:
        message = (
            f"Audio has shape {audio.shape} and type {audio.dtype}; engines take mono float32 of "
            f"shape (n_samples,) at {SAMPLE_RATE_HZ} Hz."
        )
        raise EngineInputError(message)
    if not np.isfinite(audio).all():
        message = "Audio holds NaN or infinite samples; decode it again or cut them out."
        raise EngineInputError(message)


class SileroSpeechDetector:
    """`models.base.SpeechDetector` over Silero VAD v6, on one CPU thread."""

    def __init__(self, options: SpeechDetectorOptions | None = None) -> None:
        """Load the network.

        Raises
        ------
        WeightMissingError, WeightTamperedError
            As `models.weights.catalog.locate`.

        """
        self._options = options or SpeechDetectorOptions()
        self._session = SileroVADModel(str(locate("silero-vad"))).session

    def speech(self, audio: Audio) -> tuple[Interval, ...]:
        """Intervals of speech, sorted, apart from each other.

        Parameters
        ----------
        audio
            Mono float32, 16 kHz, shape (n_samples,).

        Raises
        ------
        EngineInputError
            As `check_audio`.

        """
        check_audio(audio)
        if audio.size == 0:
            return ()
        return speech_intervals(self.probabilities(audio), audio.size, self._options)

    def probabilities(self, audio: Audio) -> NDArray[np.float32]:
        """Probability of speech of every started 32 ms, shape (ceil(n_samples / 512),)."""
        state = {name: np.zeros(_STATE_SHAPE, np.float32) for name in ("h", "c")}
        found = []
        for steps in _blocks(audio):
            output, state["h"], state["c"] = self._session.run(None, {"input": steps, **state})
            found.append(np.ravel(output))
        return np.concatenate(found)


def _blocks(audio: Audio) -> Iterator[NDArray[np.float32]]:
    """Steps with their context, shape (<= 1024, 576); the last is filled up with silence."""
    before = np.zeros(_CONTEXT, np.float32)
    for start in range(0, audio.size, _BLOCK_STEPS * STEP):
        block = audio[start : start + _BLOCK_STEPS * STEP]
        block = np.pad(block, (0, -block.size % STEP))
        padded = np.concatenate([before, block])
        before = block[-_CONTEXT:]
        windows = np.lib.stride_tricks.sliding_window_view(padded, STEP + _CONTEXT)
        yield np.ascontiguousarray(windows[::STEP])


def speech_intervals(
    probabilities: NDArray[np.float32], n_samples: int, options: SpeechDetectorOptions
) -> tuple[Interval, ...]:
    """Turn probabilities of 32 ms steps into intervals, by Silero's two-threshold rule."""
    runs = _runs(probabilities, options)
    edges = [(start * STEP, min(end * STEP, n_samples)) for start, end in runs]
    min_samples = options.min_speech_s * SAMPLE_RATE_HZ
    edges = [(start, end) for start, end in edges if end - start > min_samples]
    pad = options.pad_s * SAMPLE_RATE_HZ
    padded = []
    for index, (start, end) in enumerate(edges):
        left = start - edges[index - 1][1] if index else 2 * start
        right = edges[index + 1][0] - end if index + 1 < len(edges) else 2 * (n_samples - end)
        first, last = start - min(pad, left / 2), end + min(pad, right / 2)
        padded.append(Interval(first / SAMPLE_RATE_HZ, last / SAMPLE_RATE_HZ))
    return tuple(padded)


def _runs(
    probabilities: NDArray[np.float32], options: SpeechDetectorOptions
) -> Iterator[tuple[int, int]]:
    """Runs of speech in steps, half-open."""
    low = max(options.threshold - _HYSTERESIS, 0.01)
    min_silence = options.min_silence_s * SAMPLE_RATE_HZ
    start: int | None = None
    quiet_since: int | None = None
    for step, probability in enumerate(probabilities.tolist()):
        if probability >= options.threshold:
            quiet_since = None
            start = step if start is None else start
        elif start is not None and probability < low:
            quiet_since = step if quiet_since is None else quiet_since
            if (step - quiet_since) * STEP >= min_silence:
                yield start, quiet_since
                start = quiet_since = None
    if start is not None:
        yield start, len(probabilities)
