"""How it was said: pitch, loudness, pauses and rate, per turn and per fixed slice.

Everything is measured where one voice speaks alone; pauses and phonation come from the diarizer.
Rates and pitch compare within a person only, and each turn is held against the same person's other
turns. In a noisy recording voice quality, then pitch, then rates are null; where noise could not be
measured only voice quality is. Automatic gain control flattens loudness, which is then degraded.
Sources: see `voice.values`, `voice.voices` and `voice.baselines`, of which this is the sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from models.base import SAMPLE_RATE_HZ, Audio
from pipeline import tables
from pipeline.settings import ProsodySettings
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.timeline import Seconds, Span
from pipeline.voice.baselines import with_baselines
from pipeline.voice.confidence import voice_confidence
from pipeline.voice.levels import FRAME_S, frame_levels_db, heard_in
from pipeline.voice.pitch import Grid, grid_over
from pipeline.voice.values import measure, nothing, reasons
from pipeline.voice.voices import Voice, heard_voices, regular, spans_by_voice

VERSION = 6
"""Raise when the numbers can change."""

Rows = list[dict[str, Any]]
WRITES = ("prosody", "prosody_slices", "pitch", "sound_levels")


def run(inputs: Inputs, engine: None, settings: ProsodySettings) -> Outputs:  # noqa: ARG001
    """Prosody per turn and per slice, pitch per frame, level per 0.1 s; empty if nobody speaks."""
    if not inputs.tables["speaker_turns"].num_rows:
        return Outputs({name: tables.TABLES[name].empty() for name in WRITES})
    audio = inputs.recording.audio
    grid = grid_over(audio, settings.f0_hop_s)
    voices = heard_voices(inputs, grid, settings)
    assigned = inputs.tables["roles"].to_pylist()
    roles = {row["speaker"]: row["role"] for row in assigned}
    slices = _slices(audio.size / SAMPLE_RATE_HZ, settings.slice_s)
    per_slice = [
        {"session_id": inputs.spec.id, "role": role, **values}
        for span in slices
        for role, values in _slice_values(voices, roles, grid, span, settings)
    ]
    return Outputs(
        {
            "prosody": tables.PROSODY.build_rows(_turns(inputs, voices, roles, grid, settings)),
            "prosody_slices": tables.PROSODY_SLICES.build_rows(per_slice),
            "pitch": _pitch(inputs.spec.id, voices, roles, grid),
            "sound_levels": _levels(inputs, audio),
        }
    )


def _turns(
    inputs: Inputs,
    voices: Mapping[int, Voice],
    roles: Mapping[int, str],
    grid: Grid,
    settings: ProsodySettings,
) -> Rows:
    turns = inputs.tables["speaker_turns"]
    listed = turns.to_pylist()
    measured = []
    for row in listed:
        voice = voices[row["speaker"]]
        values = measure(voice, grid, (row["start_s"], row["end_s"]), settings)
        shared = {
            "session_id": inputs.spec.id,
            "turn_id": row["turn_id"],
            "role": roles.get(row["speaker"], "unknown"),
        }
        measured.append(shared | values | reasons(voice, grid, values, settings))
    speakers = [row["speaker"] for row in listed]
    confidence = voice_confidence(inputs.tables["diarization"], turns)
    return with_baselines(measured, speakers, confidence, settings)


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
        return [("unknown", nothing(span, "no_role"))]
    return [(role, measure(voices[voice], grid, span, settings)) for role, voice in known]


def _pitch(
    session_id: str, voices: Mapping[int, Voice], roles: Mapping[int, str], grid: Grid
) -> pa.Table:
    """Every frame with a pitch that counts, voice by voice in order of time."""
    heard = {
        voice: np.flatnonzero(np.isfinite(found.pitch.f0_hz))
        for voice, found in sorted(voices.items())
        if "f0_median_hz" not in found.limits.drowned
    }
    frames = np.concatenate([*heard.values(), np.empty(0, np.int64)])
    speakers = [voice for voice, at in heard.items() for _ in at]
    f0_hz = [voices[voice].pitch.f0_hz[at] for voice, at in heard.items()]
    return tables.PITCH.build(
        {
            "session_id": [session_id] * frames.size,
            "start_s": (frames - 0.5) * grid.hop_s,
            "end_s": (frames + 0.5) * grid.hop_s,
            "speaker": speakers,
            "role": [roles.get(voice, "unknown") for voice in speakers],
            "f0_hz": np.concatenate([*f0_hz, np.empty(0)]),
        }
    )


def _levels(inputs: Inputs, audio: Audio) -> pa.Table:
    """Level of the mix, and whether speech or the room is heard in it."""
    level_db = frame_levels_db(audio)
    heard = spans_by_voice(regular(inputs.tables["diarization"]))
    said, still = heard_in(level_db.size, [span for spans in heard.values() for span in spans])
    return tables.SOUND_LEVELS.build(
        {
            "session_id": [inputs.spec.id] * level_db.size,
            "start_s": FRAME_S * np.arange(level_db.size),
            "level_db": level_db,
            "heard": pa.array(np.where(said, "speech", "room"), mask=~(said | still)),
        }
    )


STAGE = Stage(
    name="prosody",
    version=VERSION,
    run=run,
    settings=ProsodySettings,
    reads=("speaker_turns", "roles", "diarization", "quality"),
    writes=WRITES,
    sources=("media",),
    scope="analyse_audio",
    modality="prosody",
    without="No pitch, loudness or pace of the voices",
)
