"""What one voice gives in one span: values where a gate is passed, a reason for each that is not.

Sources: de Jong & Wempe 2009 (rates), De Looze & Hirst 2010 (pitch), Boersma 1993 (voice quality).
Caveat: rates and pitch compare within a person only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline.settings import ProsodySettings
from pipeline.tables import PROSODY_CUES
from pipeline.timeline import Seconds, Span
from pipeline.voice.fundamental_frequency import is_degraded
from pipeline.voice.pitch import Grid
from pipeline.voice.quality import summarise
from pipeline.voice.voices import PITCH_VALUES, RATE_VALUES, Voice

Values = dict[str, Any]

_VALUES = ("phonation_s", "pause_prop", *RATE_VALUES, *PITCH_VALUES, "intensity_rel_db")
_VOICE_QUALITY = ("hnr_db", "jitter_local", "shimmer_local")
_REASONS = ("intensity_rel_db_reason", "voice_quality_reason", "reason")


def measure(voice: Voice, grid: Grid, span: Span, settings: ProsodySettings) -> Values:
    """All values of one voice in one span, null where a gate is not passed."""
    phonation_s = voice.speech.seconds(span)
    turn_s = voice.turns.seconds(span)
    frames = grid.frames(span)
    alone = voice.alone[frames]
    if phonation_s <= 0:
        return {**nothing(span, "no_speech"), "phonation_s": 0.0}
    if not alone.any():
        why = "overlap" if voice.overlapped[frames].any() else "too_short"
        return {**nothing(span, why), "phonation_s": phonation_s}
    values = {
        **nothing(span, None),
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
    return _as_heard({**values, "reason": reason}, voice)


def nothing(span: Span, reason: str | None) -> Values:
    """Every value null for one reason."""
    return {
        "start_s": span[0],
        "end_s": span[1],
        **dict.fromkeys((*_VALUES, *_VOICE_QUALITY)),
        **dict.fromkeys(_REASONS, reason),
    }


def reasons(voice: Voice, grid: Grid, values: Values, settings: ProsodySettings) -> Values:
    """Why each of `PROSODY_CUES` is null or degraded, as ``<name>_reason``; None where neither."""
    span = (values["start_s"], values["end_s"])
    frames = grid.frames(span)
    if values["intensity_rel_db"] is None:  # nowhere alone: one reason explains all
        return {f"{name}_reason": values["reason"] for name in PROSODY_CUES}
    overlapped_s = float(voice.overlapped[frames].sum()) * grid.hop_s
    mostly_both = overlapped_s > 0.5 * values["phonation_s"]
    unsure = "pitch_unsure" if is_degraded(voice.pitch, frames, grid.hop_s) else None
    found: Values = {}
    for name in PROSODY_CUES:
        why = unsure if name in PITCH_VALUES else values.get(f"{name}_reason")
        if name in voice.limits.drowned:
            why = "low_snr"
        elif values[name] is None:
            why = "overlap" if mostly_both else _why_missing(name, values, settings)
        found[f"{name}_reason"] = why
    return found


def _why_missing(name: str, values: Values, settings: ProsodySettings) -> str:
    if name in PITCH_VALUES:
        return "unvoiced"
    if name in RATE_VALUES and values["syllables"] < settings.rate_min_syllables:
        return "few_syllables"
    return "too_short"


def _as_heard(values: Values, voice: Voice) -> Values:
    """The values without those drowned in noise, and with what the recording explains."""
    limits = voice.limits
    heard = {
        **values,
        "intensity_rel_db_reason": values["intensity_rel_db_reason"] or limits.level,
        "voice_quality_reason": values["voice_quality_reason"] or limits.no_voice_quality,
    }
    if all(values[name] is None for name in limits.drowned):
        return heard
    return {**heard, **dict.fromkeys(limits.drowned), "reason": "low_snr"}


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


def _voice_quality(voice: Voice, frames: slice, grid: Grid) -> Values:
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
