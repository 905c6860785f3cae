"""How it was said: pitch, loudness, pauses and rate, per turn and per fixed slice.

Everything is measured where one voice speaks alone; pauses and phonation come from the diarizer.
Sources: de Jong & Wempe 2009 (rates), De Looze & Hirst 2010 and Mauch & Dixon 2014 (pitch),
Boersma 1993 (voice quality). Rates and pitch compare within a person only.
In a noisy recording voice quality, then pitch, then rates are null; where noise could not be
measured only voice quality is. Automatic gain control flattens loudness, which is then degraded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline import tables
from pipeline.fundamental_frequency import (
    PitchTrack,
    autocorrelation_track,
    is_degraded,
    track_voice,
)
from pipeline.pitch import Grid, Mask, grid_over, level_db
from pipeline.settings import ProsodySettings
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.syllables import nuclei
from pipeline.timeline import Floats, Seconds, Span, union
from pipeline.voice_quality import (
    GAIN_RISE_DB,
    PITCH_LIMITS_HZ,
    SNR_MIN_DB,
    VoiceMeasure,
    gain_rise_db,
    measure_voice,
    summarise,
)

VERSION = 4
"""Raise when the numbers can change."""


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


@dataclass(frozen=True, slots=True)
class Limits:
    """What the recording itself, not the voice, rules out or degrades."""

    drowned: tuple[str, ...]
    """values that its noise makes worthless"""
    no_voice_quality: str | None
    """why voice quality is not measured; None where it is"""
    level: str | None
    """why loudness is degraded; None where it is not"""


def run(inputs: Inputs, engine: None, settings: ProsodySettings) -> Outputs:  # noqa: ARG001
    """Prosody per turn and per slice; both empty where nobody speaks."""
    turns = inputs.tables["speaker_turns"]
    if not turns.num_rows:
        return Outputs(
            {"prosody": tables.PROSODY.empty(), "prosody_slices": tables.PROSODY_SLICES.empty()}
        )
    audio = inputs.recording.audio
    grid = grid_over(audio, settings.f0_hop_s)
    level = level_db(audio, grid)
    limits = _limits(inputs.tables, level, grid, settings)
    voices = _voices(audio, grid, level, limits, inputs, settings)
    assigned = inputs.tables["roles"].to_pylist()
    roles = {row["speaker"]: row["role"] for row in assigned}
    per_turn = [
        {
            "session_id": inputs.spec.id,
            "turn_id": row["turn_id"],
            "role": roles.get(row["speaker"], "unknown"),
            **_heard(
                _measure(voices[row["speaker"]], grid, (row["start_s"], row["end_s"]), settings),
                limits,
            ),
        }
        for row in turns.to_pylist()
    ]
    duration_s = audio.size / SAMPLE_RATE_HZ
    per_slice = [
        {"session_id": inputs.spec.id, "role": role, **_heard(values, limits)}
        for span in _slices(duration_s, settings.slice_s)
        for role, values in _slice_values(voices, roles, grid, span, settings)
    ]
    return Outputs(
        {
            "prosody": tables.PROSODY.build_rows(per_turn),
            "prosody_slices": tables.PROSODY_SLICES.build_rows(per_slice),
        }
    )


def _voices(
    audio: Audio,
    grid: Grid,
    level: Floats,
    limits: Limits,
    inputs: Inputs,
    settings: ProsodySettings,
) -> dict[int, Voice]:
    """Every voice that has a turn, measured over the session."""
    turns = _spans(inputs.tables["speaker_turns"].to_pylist())
    bridge_s = float(np.nextafter(settings.pause_min_s, 0.0))
    heard = _spans(_regular(inputs.tables["diarization"]))
    speech = {voice: union(heard.get(voice, []), bridge_s=bridge_s) for voice in turns}
    active = {voice: grid.mask(spans) for voice, spans in speech.items()}
    speakers = np.sum(list(active.values()), axis=0, dtype=np.int64)
    found: dict[int, Voice] = {}
    for done, voice in enumerate(sorted(turns)):

        def report(share: float, done: int = done) -> None:
            inputs.progress("pitch", (done + share) / len(turns))

        alone = active[voice] & (speakers == 1)
        pitch = track_voice(audio, grid, alone, settings, report)
        f0_hz = pitch.f0_hz[np.isfinite(pitch.f0_hz)]
        found[voice] = Voice(
            turns=Coverage(turns[voice]),
            speech=Coverage(speech[voice]),
            alone=alone,
            overlapped=active[voice] & (speakers > 1),
            pitch=pitch,
            level=level - (float(np.median(level[alone])) if alone.any() else 0.0),
            nuclei=nuclei(audio, grid, level, alone, settings),
            f0_median_hz=float(np.median(f0_hz)) if f0_hz.size else float("nan"),
            quality=None if limits.no_voice_quality else _quality(audio, grid, alone),
        )
    return found


def _quality(audio: Audio, grid: Grid, alone: Mask) -> VoiceMeasure:
    """Voice quality needs the periods themselves, hence the pitch as Praat has it."""
    f0_hz = autocorrelation_track(audio, grid, alone, PITCH_LIMITS_HZ)
    return measure_voice(audio, grid, f0_hz)


def _regular(diarization: pa.Table) -> list[dict[str, Any]]:
    """The stretches of all voices, overlaps kept."""
    return [row for row in diarization.to_pylist() if not row["exclusive"]]


def _spans(rows: Any) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = {}
    for row in rows:
        found.setdefault(row["speaker"], []).append((row["start_s"], row["end_s"]))
    return found


def _slices(duration_s: Seconds, length_s: Seconds) -> list[Span]:
    """Fixed slices from 0; the last one ends with the recording."""
    edges = [*np.arange(0.0, duration_s, length_s).tolist(), duration_s]
    return list(pairwise(edges))


def _slice_values(
    voices: Mapping[int, Voice],
    roles: Mapping[int, str],
    grid: Grid,
    span: Span,
    settings: ProsodySettings,
) -> list[tuple[str, dict[str, Any]]]:
    """One entry per known role; a single empty one where no role is known."""
    known = [(role, voice) for voice, role in sorted(roles.items()) if role != "unknown"]
    if not known:
        return [("unknown", _nothing(span, "no_role"))]
    return [(role, _measure(voices[voice], grid, span, settings)) for role, voice in known]


def _nothing(span: Span, reason: str | None) -> dict[str, Any]:
    return {
        "start_s": span[0],
        "end_s": span[1],
        **dict.fromkeys((*_VALUES, *_VOICE_QUALITY)),
        **dict.fromkeys(_REASONS, reason),
    }


_VALUES = (
    *("phonation_s", "pause_prop", "syllables", "speech_rate_sps", "articulation_rate_sps"),
    *("f0_median_hz", "f0_sd_st", "f0_range80_st", "voiced_prop", "intensity_rel_db"),
)
_PITCH = ("f0_median_hz", "f0_sd_st", "f0_range80_st", "voiced_prop")
_RATES = ("syllables", "speech_rate_sps", "articulation_rate_sps")
_VOICE_QUALITY = ("hnr_db", "jitter_local", "shimmer_local")
_REASONS = ("intensity_rel_db_reason", "voice_quality_reason", "reason")


def _limits(
    upstream: Mapping[str, pa.Table], level: Floats, grid: Grid, settings: ProsodySettings
) -> Limits:
    """What noise and gain control leave of a recording."""
    figures = {row["measure"]: row for row in upstream["quality"].to_pylist()}
    snr = figures.get("audio_snr_db", {"value": None, "reason": None})
    snr_db = snr["value"]
    rise_db = gain_rise_db(level, grid.mask(_pairs(_regular(upstream["diarization"]))), grid)
    gained = "gain_control" if rise_db is not None and rise_db >= GAIN_RISE_DB else None
    if snr_db is None:
        return Limits((), snr["reason"] or "not_measured", gained)
    drowned = (
        *(_PITCH if snr_db < settings.f0_min_snr_db else ()),
        *(_RATES if snr_db < settings.rate_min_snr_db else ()),
    )
    return Limits(drowned, "low_snr" if snr_db < SNR_MIN_DB else None, gained)


def _pairs(rows: Sequence[Mapping[str, Any]]) -> list[Span]:
    return [(row["start_s"], row["end_s"]) for row in rows]


def _heard(values: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """The values without those drowned in noise, and with what the recording explains."""
    heard = {
        **values,
        "intensity_rel_db_reason": values["intensity_rel_db_reason"] or limits.level,
        "voice_quality_reason": values["voice_quality_reason"] or limits.no_voice_quality,
    }
    if all(values[name] is None for name in limits.drowned):
        return heard
    return {**heard, **dict.fromkeys(limits.drowned), "reason": "low_snr"}


def _measure(voice: Voice, grid: Grid, span: Span, settings: ProsodySettings) -> dict[str, Any]:
    """All values of one voice in one span, null where a gate is not passed."""
    phonation_s = voice.speech.seconds(span)
    turn_s = voice.turns.seconds(span)
    frames = grid.frames(span)
    alone = voice.alone[frames]
    if phonation_s <= 0:
        return {**_nothing(span, "no_speech"), "phonation_s": 0.0}
    if not alone.any():
        why = "overlap" if voice.overlapped[frames].any() else "too_short"
        return {**_nothing(span, why), "phonation_s": phonation_s}
    values = {
        **_nothing(span, None),
        **_voice_quality(voice, frames, grid),
        "phonation_s": phonation_s,
        "syllables": int(voice.nuclei[frames].sum()),
        "voiced_prop": float(np.isfinite(voice.pitch.f0_hz[frames]).sum() / alone.sum()),
        "intensity_rel_db": float(np.median(voice.level[frames][alone])),
    }
    if turn_s >= settings.pause_min_turn_s:
        values["pause_prop"] = max(0.0, 1.0 - phonation_s / turn_s)
    overlapped_s = float(voice.overlapped[frames].sum()) * grid.hop_s
    values |= _rates(values["syllables"], turn_s, phonation_s, overlapped_s, settings)
    values |= _pitch(voice, frames, grid.hop_s, settings)
    reason = _reason(values, turn_s, overlapped_s, settings)
    if reason is None and is_degraded(voice.pitch, frames, grid.hop_s):
        reason = "pitch_unsure"
    return {**values, "reason": reason}


def _rates(
    syllables: int,
    turn_s: Seconds,
    phonation_s: Seconds,
    overlapped_s: Seconds,
    settings: ProsodySettings,
) -> dict[str, float]:
    """Rates over the time in which nuclei could be heard."""
    clear_turn_s, clear_s = turn_s - overlapped_s, phonation_s - overlapped_s
    if syllables < settings.rate_min_syllables or clear_s <= 0:
        return {}
    rates = {"speech_rate_sps": syllables / max(clear_turn_s, clear_s)}
    if clear_s >= settings.rate_min_phonation_s:
        rates["articulation_rate_sps"] = syllables / clear_s
    return rates


def _pitch(
    voice: Voice, frames: slice, hop_s: Seconds, settings: ProsodySettings
) -> dict[str, float]:
    f0_hz = voice.pitch.f0_hz[frames]
    f0_hz = f0_hz[np.isfinite(f0_hz)]
    if f0_hz.size * hop_s < settings.voiced_min_s:
        return {}
    semitones = 12.0 * np.log2(f0_hz / voice.f0_median_hz)
    low, high = np.quantile(semitones, (0.1, 0.9))
    return {
        "f0_median_hz": float(np.median(f0_hz)),
        "f0_sd_st": float(semitones.std()),
        "f0_range80_st": float(high - low),
    }


def _voice_quality(voice: Voice, frames: slice, grid: Grid) -> dict[str, Any]:
    """Ratio, jitter and shimmer with their reason; nothing where they are not measured."""
    if voice.quality is None:
        return {}
    found = summarise(voice.quality, frames, grid)
    values = asdict(found)
    if None not in values.values():
        return {**values, "voice_quality_reason": None}
    reason = "unvoiced" if found.hnr_db is None else "too_short"
    return {**values, "voice_quality_reason": reason}


def _reason(
    values: Mapping[str, Any], turn_s: Seconds, overlapped_s: Seconds, settings: ProsodySettings
) -> str | None:
    """The one reason that explains most of the nulls."""
    if all(values[name] is not None for name in _VALUES):
        return None
    if turn_s < settings.pause_min_turn_s:
        return "too_short"
    if overlapped_s > 0.5 * values["phonation_s"]:
        return "overlap"
    if values["f0_median_hz"] is None:
        return "unvoiced"
    return "few_syllables" if values["speech_rate_sps"] is None else "too_short"


STAGE = Stage(
    name="prosody",
    version=VERSION,
    run=run,
    settings=ProsodySettings,
    reads=("speaker_turns", "roles", "diarization", "quality"),
    writes=("prosody", "prosody_slices"),
    scope="analyse_audio",
)
