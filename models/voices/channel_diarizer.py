"""Who speaks when, from one microphone per person: levels and speech activity, no weights.

A microphone also hears the other person, some 6 to 20 dB weaker. In each 10 ms a channel's speech
is its wearer's only where it stands above the room and above what the other's voice can have leaked
in, which is learnt from the recording itself (`voices.channel_levels`). Both may speak at once. The
voice activity detector says where speech is at all, the levels say where exactly and whose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.special import ndtr

from models.base import (
    SAMPLE_RATE_HZ,
    Audio,
    Diarization,
    Interval,
    Progress,
    SpeakerInterval,
    silent,
)
from models.errors import EngineInputError
from models.options import ChannelDiarizerOptions
from models.speech.detector import speech_intervals
from models.voices.channel_levels import (
    FRAME,
    FRAME_S,
    Channels,
    Power,
    Separation,
    frame_power,
    room_power,
    separation,
    voice_power,
)

_LEAK_FRAMES = 10  # 0.1 s
_DECAY_DB_PER_S = 120.0  # 60 dB in half a second [ours]
_SPREAD_LEAST_DB = 1.0  # no room is more even [ours]

Active = NDArray[np.bool_]  # shape (2, n_frames)


class SpeechProbabilities(Protocol):
    """What is needed of `models.speech.detector.SileroSpeechDetector`."""

    def speech(self, audio: Audio) -> tuple[Interval, ...]:
        """Stretches of speech."""
        ...

    def probabilities(self, audio: Audio) -> NDArray[np.float32]:
        """Probability of speech of every started 32 ms."""
        ...


class ChannelDiarizer:
    """Diarization of two channels; the speaker's number is the channel's row."""

    def __init__(
        self, speech_detector: SpeechProbabilities, options: ChannelDiarizerOptions | None = None
    ) -> None:
        self._detector = speech_detector
        self._options = options or ChannelDiarizerOptions()

    def speech(self, audio: Audio) -> tuple[Interval, ...]:
        """Stretches of speech in one channel or a mix, as the detector itself gives them."""
        return self._detector.speech(audio)

    def crosstalk_db(self, channels: Channels, off: Sequence[Interval] = ()) -> float | None:
        """Mean dB by which each person is louder in the own channel than in the other.

        0 for one mix on both channels, and where one person says all there is; None where a channel
        holds less than half a second of sound, as with a microphone that was off. Stretches in
        which either microphone was `off` do not count.

        Raises
        ------
        EngineInputError
            As `diarize`.

        """
        check_channels(channels)
        power = frame_power(channels)
        power = power[:, _both_on(off, power.shape[1])]
        found = separation(power, room_power(power))
        return None if found is None else found.crosstalk_db

    def diarize(
        self, channels: Channels, *, off: Sequence[Interval] = (), progress: Progress = silent
    ) -> Diarization:
        """Turns of each channel's wearer; where a channel is silent, of the other's alone.

        The channels are taken at their word: whether they keep the voices apart at all is for the
        caller to ask of `crosstalk_db` first.

        Parameters
        ----------
        channels
            float32, 16 kHz, shape (2, n_samples), on one clock.
        off
            When either microphone recorded nothing: nobody has a turn then.
        progress
            Told the step and the share of the whole that is done.

        Raises
        ------
        EngineInputError
            Not two rows of finite float32.

        """
        check_channels(channels)
        power = frame_power(channels)
        spoken = np.zeros(power.shape, bool)
        for row, audio in enumerate(channels):
            spoken[row] = self._spoken(audio, power.shape[1])
            progress("speech", 0.45 * (row + 1))
        both_on = _both_on(off, power.shape[1])
        spoken &= both_on
        room = room_power(power[:, both_on])
        found = separation(power[:, both_on], room)
        active = np.stack(
            [
                _speech_like(own, near, self._options)
                for own, near in zip(_own(power, room, found, self._options), spoken, strict=True)
            ]
        )
        exclusive = active & _louder(power, found, active)
        sure = None if found is None else _no_leak_probability(voice_power(power, room), found)
        progress("diarization", 1.0)
        return Diarization(_intervals(active, sure), _intervals(exclusive, sure))

    def _spoken(self, audio: Audio, frames: int) -> NDArray[np.bool_]:
        """Frames in or near speech, whoever speaks; shape (frames,)."""
        spoken = np.zeros(frames, bool)
        if not audio.size:
            return spoken
        options = self._options
        probabilities = self._detector.probabilities(audio)
        for one in speech_intervals(probabilities, audio.size, options.detector):
            start_s, end_s = one.start_s - options.reach_s, one.end_s + options.reach_s
            spoken[max(0, round(start_s / FRAME_S)) : max(0, round(end_s / FRAME_S))] = True
        return spoken


def _both_on(off: Sequence[Interval], frames: int) -> NDArray[np.bool_]:
    """Frames in which neither microphone is off, shape (frames,)."""
    on = np.ones(frames, bool)
    for one in off:
        on[max(0, int(one.start_s / FRAME_S)) : max(0, int(one.end_s / FRAME_S) + 1)] = False
    return on


def check_channels(channels: Channels) -> None:
    """Refuse what is not two channels of float audio.

    Raises
    ------
    EngineInputError
        Not of shape (2, n_samples), not float32, or with NaN or infinity.

    """
    if channels.ndim != 2 or len(channels) != 2 or channels.dtype != np.float32:
        message = (
            f"Channels have shape {channels.shape} and type {channels.dtype}; taken are two, "
            f"float32 of shape (2, n_samples) at {SAMPLE_RATE_HZ} Hz."
        )
        raise EngineInputError(message)
    if not all(np.isfinite(row).all() for row in channels):
        message = "Channels hold NaN or infinite samples; decode them again or cut them out."
        raise EngineInputError(message)


def _own(
    power: Power,
    room: NDArray[np.float64],
    found: Separation | None,
    options: ChannelDiarizerOptions,
) -> Active:
    """Frames loud enough to be the wearer's own voice, neither room nor leak."""
    floor = room * 10 ** (options.above_room_db / 10)
    if found is None:
        return np.asarray(power >= floor)
    audible = np.array(found.voice)[:, None] * 10 ** (-options.depth_db / 10)
    clear = _over_leak_db(voice_power(power, room), found) >= _margins_db(found, options)
    return np.asarray((power >= np.maximum(floor, audible)) & clear)


def _over_leak_db(voice: Power, found: Separation) -> Power:
    """How far each channel stands over what the other's voice can be in it, reverberation included.

    A room answers late and unevenly, so both are taken over 0.1 s and the other's voice dies away
    no faster than 60 dB in half a second.
    """
    level = 10 * np.log10(uniform_filter1d(voice, _LEAK_FRAMES, axis=1, mode="nearest"))
    fallen = _DECAY_DB_PER_S * FRAME_S * np.arange(level.shape[1])
    lasting = np.maximum.accumulate(level + fallen, axis=1) - fallen
    return np.asarray(level - (lasting - np.array(found.apart_db)[:, None])[::-1])


def _no_leak_probability(voice: Power, found: Separation) -> Power:
    """How likely the other's voice alone would be weaker than what is heard, shape (2, n_frames).

    A leak strays normally about its usual level, as far as it was seen to in this recording.
    """
    spread = np.maximum(np.array(found.spread_db)[::-1, None], _SPREAD_LEAST_DB)
    return np.asarray(ndtr(_over_leak_db(voice, found) / spread))


def _margins_db(found: Separation, options: ChannelDiarizerOptions) -> NDArray[np.float64]:
    """What each channel has to stand over the leak, shape (2, 1): more if the leak varies more.

    At the most, the louder of the two is right.
    """
    most = min(options.margin_most_db, max(options.margin_db, found.crosstalk_db))
    wanted = options.spreads * np.array(found.spread_db)[::-1, None]
    return np.asarray(np.clip(wanted, options.margin_db, most))


def _speech_like(
    own: NDArray[np.bool_], spoken: NDArray[np.bool_], options: ChannelDiarizerOptions
) -> NDArray[np.bool_]:
    """Blips dropped, short pauses bridged, and what is left too short for a syllable dropped."""
    kept = _without_runs(own & spoken, True, options.min_voiced_s)
    bridged = _without_runs(kept, False, options.min_pause_s) & spoken
    return _without_runs(bridged, True, options.min_speech_s)


def _without_runs(frames: NDArray[np.bool_], value: bool, shorter_s: float) -> NDArray[np.bool_]:
    """Runs of `value` shorter than this, turned over; a run of silence at either end stays."""
    kept = frames.copy()
    for start, end in _runs(frames == value):
        inside = value or (start > 0 and end < frames.size)
        if inside and (end - start) * FRAME_S < shorter_s - FRAME_S / 2:
            kept[start:end] = not value
    return kept


def _louder(power: Power, found: Separation | None, active: Active) -> Active:
    """Whose turn it is where both speak: who is louder for that person, over half a second."""
    usual = np.ones((2, 1)) if found is None else np.array(found.voice)[:, None]
    level = uniform_filter1d(power / usual, 50, axis=1, mode="nearest")
    first = (level[0] >= level[1]) | ~active[1]
    return np.stack([first, ~(first & active[0])])


def _intervals(active: Active, sure: Power | None) -> tuple[SpeakerInterval, ...]:
    found = [
        SpeakerInterval(
            start * FRAME / SAMPLE_RATE_HZ,
            end * FRAME / SAMPLE_RATE_HZ,
            row,
            None if sure is None else float(sure[row, start:end].mean()),
        )
        for row, frames in enumerate(active)
        for start, end in _runs(frames)
    ]
    return tuple(sorted(found, key=lambda one: (one.start_s, one.end_s, one.speaker)))


def _runs(frames: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Runs of True, half-open."""
    edges = np.flatnonzero(np.diff(frames.astype(np.int8), prepend=0, append=0))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
