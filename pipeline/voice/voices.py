"""One voice over a whole session: its pitch, level, syllables and periods, and what noise leaves.

With one microphone per person, where they keep the voices apart, a voice is measured in its own
channel; else in the mix. Nothing is measured where another voice speaks as well: even a good
microphone of one's own lets the other through at some -6 to -20 dB.
Caveat: what noise rules out is decided for the whole session, by the channel a voice is heard in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from models.base import Audio, Progress
from pipeline.paperwork.session import own_channels
from pipeline.settings import ProsodySettings
from pipeline.stage import Inputs
from pipeline.timeline import Floats, Seconds, Span, union
from pipeline.voice.fundamental_frequency import PitchTrack, autocorrelation_track, track_voice
from pipeline.voice.levels import frame_levels_db, heard_in, snr_db
from pipeline.voice.microphones import kept_apart, was_off
from pipeline.voice.pitch import Grid, Mask, level_db
from pipeline.voice.quality import (
    GAIN_RISE_DB,
    PITCH_LIMITS_HZ,
    SNR_MIN_DB,
    VoiceMeasure,
    gain_rise_db,
    measure_voice,
)
from pipeline.voice.syllables import nuclei

PITCH_VALUES = ("f0_median_hz", "f0_sd_st", "f0_range80_st", "voiced_prop")
RATE_VALUES = ("syllables", "speech_rate_sps", "articulation_rate_sps")

Spans = Mapping[int, Sequence[Span]]
"""Stretches of each voice."""


class Coverage:
    """How much of any span a set of spans covers, in constant time."""

    def __init__(self, spans: Sequence[Span]) -> None:
        merged = union(spans)
        self._edges = np.array([edge for span in merged for edge in span] or [0.0])
        steps = [end - start for start, end in merged]
        self._covered = np.repeat(np.concatenate(([0.0], np.cumsum(steps))), 2)[1:-1]
        if not merged:
            self._covered = np.zeros(1)

    def seconds(self, span: Span) -> Seconds:
        """Covered seconds of a span."""
        start, end = np.interp(span, self._edges, self._covered)
        return float(end - start)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the recording itself, not the voice, rules out or degrades."""

    drowned: tuple[str, ...]
    """values that its noise makes worthless"""
    no_voice_quality: str | None
    """why voice quality is not measured; None where it is"""
    level: str | None
    """why loudness is degraded; None where it is not"""


@dataclass(frozen=True, slots=True)
class Sound:
    """What a voice is heard in: the mix, or the channel of its own microphone."""

    audio: Audio
    """shape (n_samples,), 16 kHz"""
    level: Floats
    """dB re full scale, shape (n_frames,)"""
    limits: Limits


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice, measured over the whole session."""

    turns: Coverage
    speech: Coverage
    alone: Mask
    overlapped: Mask
    pitch: PitchTrack
    level: Floats
    """dB re this voice's median; shape (n_frames,)"""
    nuclei: Mask
    f0_median_hz: float
    quality: VoiceMeasure | None
    """None where the recording is too noisy for it"""
    limits: Limits


def spans_by_voice(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Span]]:
    """Start and end of the rows of each speaker."""
    found: dict[int, list[Span]] = {}
    for row in rows:
        found.setdefault(row["speaker"], []).append((row["start_s"], row["end_s"]))
    return found


def regular(diarization: pa.Table) -> list[dict[str, Any]]:
    """The stretches of all voices, overlaps kept."""
    return [row for row in diarization.to_pylist() if not row["exclusive"]]


def heard_voices(inputs: Inputs, grid: Grid, settings: ProsodySettings) -> dict[int, Voice]:
    """Every voice that has a turn, measured over the session."""
    turns = spans_by_voice(inputs.tables["speaker_turns"].to_pylist())
    heard = spans_by_voice(regular(inputs.tables["diarization"]))
    sounds = _sounds(inputs, grid, heard, sorted(turns), settings)
    bridge_s = float(np.nextafter(settings.pause_min_s, 0.0))
    speech = {voice: union(heard.get(voice, []), bridge_s=bridge_s) for voice in turns}
    active = {voice: grid.mask(spans) for voice, spans in speech.items()}
    speakers = np.sum(list(active.values()), axis=0, dtype=np.int64)
    found: dict[int, Voice] = {}
    for done, voice in enumerate(sorted(turns)):
        alone, overlapped = active[voice] & (speakers == 1), active[voice] & (speakers > 1)
        masks = (Coverage(turns[voice]), Coverage(speech[voice]), alone, overlapped)
        report = _part_of(inputs.progress, done, len(turns))
        found[voice] = _voice(sounds[voice], grid, masks, report, settings)
    return found


def _voice(
    sound: Sound,
    grid: Grid,
    masks: tuple[Coverage, Coverage, Mask, Mask],
    report: Callable[[float], None],
    settings: ProsodySettings,
) -> Voice:
    """One voice where it speaks alone; `masks` are turns, speech, alone and overlapped."""
    turns, speech, alone, overlapped = masks
    pitch = track_voice(sound.audio, grid, alone, settings, report)
    f0_hz = pitch.f0_hz[np.isfinite(pitch.f0_hz)]
    measured = not sound.limits.no_voice_quality
    return Voice(
        turns=turns,
        speech=speech,
        alone=alone,
        overlapped=overlapped,
        pitch=pitch,
        level=sound.level - (float(np.median(sound.level[alone])) if alone.any() else 0.0),
        nuclei=nuclei(sound.audio, grid, sound.level, alone, settings),
        f0_median_hz=float(np.median(f0_hz)) if f0_hz.size else float("nan"),
        quality=_quality(sound.audio, grid, alone) if measured else None,
        limits=sound.limits,
    )


def _part_of(progress: Progress, done: int, voices: int) -> Callable[[float], None]:
    """What one voice reports of itself, as a share of all voices."""
    return lambda share: progress("pitch", (done + share) / voices)


def _quality(audio: Audio, grid: Grid, alone: Mask) -> VoiceMeasure:
    """Voice quality needs the periods themselves, hence the pitch as Praat has it."""
    f0_hz = autocorrelation_track(audio, grid, alone, PITCH_LIMITS_HZ)
    return measure_voice(audio, grid, f0_hz)


def _sounds(
    inputs: Inputs, grid: Grid, heard: Spans, voices: Sequence[int], settings: ProsodySettings
) -> dict[int, Sound]:
    """What each voice is heard in."""
    anyone = [span for spans in heard.values() for span in spans]
    spoken = grid.mask(anyone)
    # a voice's number is its channel's, as `diarize` has it
    own = kept_apart(inputs.tables["quality"]) and bool(own_channels(inputs.spec))
    if not own:
        mix = _sound(inputs.recording.audio, grid, spoken, _mix_snr(inputs.tables), settings)
        return dict.fromkeys(voices, mix)
    channels = inputs.recording.audio_channels()
    found = {}
    for voice in voices:
        # a voice that fits no channel (`voice.stand_in`) is heard in the mix
        audio = channels[voice] if voice < len(channels) else inputs.recording.audio
        snr = _own_snr(audio, heard.get(voice, []), anyone)
        found[voice] = _sound(audio, grid, spoken, snr, settings)
    return _uneven(found) if was_off(inputs.tables["quality"]) else found


def _uneven(sounds: Mapping[int, Sound]) -> dict[int, Sound]:
    """With loudness degraded: for a while a voice was heard in the other's microphone."""
    return {
        voice: replace(sound, limits=replace(sound.limits, level="microphone_off"))
        for voice, sound in sounds.items()
    }


def _mix_snr(upstream: Mapping[str, pa.Table]) -> tuple[float | None, str | None]:
    """Speech to noise as `ingest` measured it, dB, and why it could not be."""
    figures = {row["measure"]: row for row in upstream["quality"].to_pylist()}
    snr = figures.get("audio_snr_session_db", {"value": None, "reason": None})
    return snr["value"], snr["reason"]


def _own_snr(
    audio: Audio, own: Sequence[Span], anyone: Sequence[Span]
) -> tuple[float | None, str | None]:
    """Speech to noise of a channel: its wearer's speech against what is left when nobody speaks."""
    levels = frame_levels_db(audio)
    said, _ = heard_in(levels.size, own)
    _, still = heard_in(levels.size, anyone)
    return snr_db(levels[said], levels[still]), None


def _sound(
    audio: Audio,
    grid: Grid,
    spoken: Mask,
    snr: tuple[float | None, str | None],
    settings: ProsodySettings,
) -> Sound:
    level = level_db(audio, grid)
    return Sound(audio, level, _limits(*snr, level, spoken, grid, settings))


def _limits(
    ratio_db: float | None,
    no_snr: str | None,
    level: Floats,
    spoken: Mask,
    grid: Grid,
    settings: ProsodySettings,
) -> Limits:
    """What noise and gain control leave of a recording."""
    rise_db = gain_rise_db(level, spoken, grid)
    gained = "gain_control" if rise_db is not None and rise_db >= GAIN_RISE_DB else None
    if ratio_db is None:
        return Limits((), no_snr or "not_measured", gained)
    drowned = (
        *(PITCH_VALUES if ratio_db < settings.f0_min_snr_db else ()),
        *(RATE_VALUES if ratio_db < settings.rate_min_snr_db else ()),
    )
    return Limits(drowned, "low_snr" if ratio_db < SNR_MIN_DB else None, gained)
