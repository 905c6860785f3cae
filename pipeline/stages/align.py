"""Everything on one clock: the analysis windows, all events, and figures for the whole session.

A window is 30 s every 5 s. Each cue has its value, its robust z against this person's own windows
of this session and state (the first 2 minutes left out, at least 20 samples, durations on a log
scale; see `baselines`), and the reason where it is null or degraded. Nothing here compares people
with each other or a norm.

Reply latencies are too few for that: a window shows the z that its reply has among all replies.

Caveat: neighbouring windows share 25 s, so 20 samples may be two minutes of talk. METHODS: Clock,
usual and z.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.align import faces as face
from pipeline.align import pitch as sound
from pipeline.align import speech
from pipeline.align import words as said
from pipeline.align.baselines import every, speaking_windows, z_of
from pipeline.align.client_frames import Events, Frames, client_events, client_frames
from pipeline.align.counted import COUNTED
from pipeline.align.face_figures import Seen
from pipeline.align.motion import motion_cues, motion_figures
from pipeline.align.session_figures import Heard, session_figures
from pipeline.paperwork.forms import form_figures
from pipeline.settings import AlignSettings
from pipeline.spans import Floats, WindowCue, Windows, missing_everywhere
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.tables.arrays import length_s
from pipeline.tables.schema import CueColumn
from pipeline.timeline import windows

VERSION = 8
"""Raise when the numbers can change."""

UPSTREAM = {
    "audio": ("audio", "roles"),
    "voice": ("prosody",),
    "video": ("video",),
    "words": ("transcript", "audio"),
}
"""Absences that explain a missing cue, nearest cause first."""


@dataclass(frozen=True, slots=True)
class _Whole:
    """What is known of the whole session, read once."""

    turns: list[dict[str, Any]]
    speech: speech.Speech
    frames: Frames
    events: Events
    no_words: str
    no_video: str
    no_voice: str | None
    """Why pitch, loudness and pace were not measured at all; None where they were."""
    ratings: list[dict[str, Any]]


def run(inputs: Inputs, engine: None, settings: AlignSettings) -> Outputs:
    """`windows`, `events` and `session_features`; an empty session gives no windows."""
    del engine
    whole = _read(inputs)
    grid = _grid(length_s(inputs.tables["sessions"]), settings)
    floor_dps = face.gaze_floor_dps(whole.frames, whole.events, settings)
    plain = _plain(whole, inputs.tables, grid, settings) | {
        "client_gaze_limit_dps": np.full(len(grid), settings.gaze_floor_factor * floor_dps)
    }
    cues = _cues(whole, inputs.tables, grid, settings)
    columns: dict[str, Any] = {
        "session_id": [inputs.spec.id] * len(grid),
        "start_s": grid.start_s,
        "end_s": grid.end_s,
        **plain,
    }
    for declared in tables.WINDOW_CUES:
        cue = cues[declared.name]
        z = cue.z if cue.z is not None else _own_z(declared, cue, whole, grid, settings)
        columns |= _cue_columns(declared.name, cue, z)
    figures = session_figures(
        Heard(
            whole.turns,
            whole.speech,
            inputs.tables["silences"].to_pylist(),
            inputs.tables["prosody_slices"].to_pylist(),
            whole.no_words,
            whole.no_voice,
        ),
        Seen(
            whole.frames,
            whole.events,
            _speaking(whole, settings),
            floor_dps,
            whole.no_video,
        ),
        cues,
        inputs.tables["rating_quality"].to_pylist(),
    )
    regions, pair = inputs.tables["motion_regions"], inputs.tables["synchrony"]
    figures += motion_figures(regions.to_pylist(), pair.to_pylist(), whole.no_video)
    figures += form_figures(inputs.tables["forms"].to_pylist())
    rows = [{"session_id": inputs.spec.id, **figure} for figure in figures]
    return Outputs(
        {
            "windows": tables.WINDOWS.build(columns),
            "events": _events(inputs),
            "session_features": tables.SESSION_FEATURES.build_figures(rows),
        }
    )


def _read(inputs: Inputs) -> _Whole:
    given = inputs.tables
    frames = client_frames(given["face_frames"])
    voices = speech.speech_of(given["diarization"], given["roles"], _upstream(inputs, "audio"))
    return _Whole(
        given["turns"].to_pylist(),
        voices,
        frames,
        client_events(given["face_events"]),
        _upstream(inputs, "words") or "no_transcript",
        _upstream(inputs, "video") or ("no_media" if not len(frames.t_s) else "no_face"),
        _upstream(inputs, "voice"),
        given["ratings"].to_pylist(),
    )


def _upstream(inputs: Inputs, kind: str) -> str | None:
    """Reason an earlier stage gave for a missing modality."""
    for modality in UPSTREAM[kind]:
        for absence in inputs.absences:
            if absence.modality == modality:
                return absence.reason
    return None


def _grid(duration_s: float, settings: AlignSettings) -> Windows:
    spans = np.array(windows(duration_s, settings.window_s, settings.hop_s)).reshape(-1, 2)
    return Windows(spans[:, 0], spans[:, 1])


def _plain(
    whole: _Whole, given: Mapping[str, pa.Table], grid: Windows, settings: AlignSettings
) -> dict[str, Any]:
    """Columns without a baseline."""
    dial = {
        rater: speech.rating_mean(whole.ratings, rater, grid) for rater in ("client", "therapist")
    }
    return {
        "audio_snr_db": sound.audio_snr_db(given["sound_levels"], grid),
        **speech.talk(whole.speech, grid),
        "turns_per_min": speech.turns_per_min(whole.turns, grid),
        "silence_max_s": speech.longest_silence(given["silences"], whole.speech, grid),
        "client_speaking": _speaking_flags(whole, grid, settings),
        **{name: _whole_numbers(count(whole.turns, grid)) for name, count in COUNTED.items()},
        **face.face_quality(whole.frames, grid, whole.no_video),
        "dial_client": dial["client"],
        "dial_therapist": dial["therapist"],
        "dial_divergence": _off_median(whole, "client", dial["client"])
        - _off_median(whole, "therapist", dial["therapist"]),
    }


def _speaking_flags(
    whole: _Whole, grid: Windows, settings: AlignSettings
) -> list[bool] | list[None]:
    """Whether each window is one of speaking; None where the client's voice is not known."""
    speaking = _speaking(whole, settings)
    if isinstance(speaking, str):
        return [None] * len(grid)
    return [bool(one) for one in speaking_windows(speaking, grid)]


def _off_median(whole: _Whole, rater: str, means: Floats) -> Floats:
    rated = [r["value"] for r in whole.ratings if r["rater"] == rater and r["value"] is not None]
    return means - np.median(rated) if rated else means


def _cues(
    whole: _Whole, given: Mapping[str, pa.Table], grid: Windows, settings: AlignSettings
) -> dict[str, WindowCue]:
    heard = _heard_cues(whole, given, grid, settings) | motion_cues(
        given["motion"],
        given["motion_regions"],
        grid,
        no_video=whole.no_video,
        valid_min=settings.valid_min,
    )
    if not len(whole.frames.t_s):
        unseen = (cue.name for cue in tables.WINDOW_CUES if cue.name not in heard)
        return heard | {name: missing_everywhere(grid, whole.no_video) for name in unseen}
    speaking = _speaking(whole, settings)
    return heard | face.face_cues(whole.frames, whole.events, speaking, grid, settings)


def _heard_cues(
    whole: _Whole, given: Mapping[str, pa.Table], grid: Windows, settings: AlignSettings
) -> dict[str, WindowCue]:
    slices = given["prosody_slices"]
    rates = speech.rate_cues(whole.turns, slices, whole.speech, grid, settings)
    pitch = sound.pitch_cues(given["pitch"], slices, whole.speech, grid, settings)
    snr_db = sound.audio_snr_db(given["sound_levels"], grid)
    known = whole.turns, whole.speech, grid, whole.no_words
    heard = sound.noisy_degraded(rates | pitch, snr_db, settings) | {
        "client_response_latency_s": said.reply_latency(*known),
        "therapist_directive_strong_pk": said.directive_rate(*known),
    }
    if whole.no_voice is None:
        return heard
    return heard | {name: missing_everywhere(grid, whole.no_voice) for name in sound.VOICE_CUES}


def _speaking(whole: _Whole, settings: AlignSettings) -> Floats | str:
    """When the client speaks, or the reason why that is not known."""
    # a recording without any voice has a client who is known to be silent throughout
    if whole.speech.role_reason not in {None, "no_speech"}:
        return str(whole.speech.role_reason)
    return face.bridged_speech(whole.speech.client, settings)


def _own_z(
    declared: CueColumn, cue: WindowCue, whole: _Whole, grid: Windows, settings: AlignSettings
) -> Floats:
    """Each z among windows of its state that have no measured moment in the part left out."""
    span_s = declared.span_s
    if isinstance(span_s, str):
        span_s = float(getattr(settings, span_s))
    used = grid.around(span_s) if span_s else grid
    # spans that had to be moved inwards at the end repeat each other
    ends_inside = used.end_s <= np.max(grid.end_s, initial=0.0) + 1e-6
    baseline = (used.start_s >= settings.baseline_skip_s) & ends_inside
    if declared.step_s:
        baseline &= every(getattr(settings, declared.step_s), grid)
    states = None
    if declared.by_state:
        speaking = _speaking(whole, settings)
        if isinstance(speaking, str):
            return np.full(len(grid), np.nan)
        states = speaking_windows(speaking, grid)
    least, on_log = settings.baseline_min_n, declared.on_log
    return z_of(cue, baseline, minimum_samples=least, states=states, is_duration=on_log)


def _cue_columns(name: str, cue: WindowCue, z: Floats) -> dict[str, Any]:
    reason = cue.reason.copy()
    unexplained = reason == None  # noqa: E711  # element by element
    reason[unexplained & np.isnan(z)] = "no_baseline"
    return {name: cue.value, f"{name}_z": z, f"{name}_reason": pa.array(list(reason), pa.string())}


def _whole_numbers(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values)).cast(pa.int32())


def _events(inputs: Inputs) -> pa.Table:
    """Face events and silences in time order; a silence is nobody's."""
    rows = inputs.tables["face_events"].to_pylist()
    rows += [
        {
            "session_id": inputs.spec.id,
            "kind": "silence",
            "start_s": row["start_s"],
            "end_s": row["end_s"],
            "role": "unknown",
            "size": row["end_s"] - row["start_s"],
        }
        for row in inputs.tables["silences"].to_pylist()
    ]
    rows.sort(key=lambda row: (row["start_s"], row["end_s"], row["kind"]))
    return tables.EVENTS.build_rows(rows)


STAGE = Stage(
    name="align",
    version=VERSION,
    run=run,
    settings=AlignSettings,
    reads=(
        "sessions",
        "turns",
        "prosody_slices",
        "pitch",
        "sound_levels",
        "silences",
        "diarization",
        "roles",
        "face_frames",
        "face_events",
        "motion",
        "motion_regions",
        "synchrony",
        "ratings",
        "rating_quality",
        "forms",
    ),
    writes=("windows", "events", "session_features"),
    modality="",
    reads_absences=True,
)
