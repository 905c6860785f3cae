"""Who speaks when: stretches of each voice, with and without overlap.

Voices are numbered in order of appearance; whose they are is decided later (`roles`). Caution: an
engine that is told how many people there are always finds that many voices in a long enough
recording. Edges are moved to audible speech (`speech_edges`). Source: Bredin 2023 (pyannote.audio).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.base import SAMPLE_RATE_HZ, Diarizer, SpeakerInterval
from pipeline.config import DiarizeSettings
from pipeline.speech_edges import to_audible
from pipeline.stage import Absence, Inputs, Missing, Outputs, Stage
from pipeline.tables import DIARIZATION

VERSION = 3  # raise when the numbers can change


def run(inputs: Inputs, engine: Diarizer | Missing, settings: DiarizeSettings) -> Outputs:
    """Table `diarization`; empty, with an absence, without speech or without an engine."""
    if isinstance(engine, Missing):
        return _absent(engine.reason, engine.sentence)
    if inputs.tables["speech"].num_rows == 0:
        return _absent("no_speech", "Nobody was heard speaking in the recording.")
    audio = inputs.recording.audio
    found = engine.diarize(audio, num_speakers=settings.num_speakers, progress=inputs.progress)
    if not found.turns:
        return _absent("no_speech", "No voice could be followed in the recording.")
    duration_s = audio.size / SAMPLE_RATE_HZ
    rows = []
    for intervals, exclusive in ((found.turns, False), (found.exclusive, True)):
        audible = to_audible(
            intervals,
            audio,
            reach_s=settings.edge_reach_s,
            depth_db=settings.edge_depth_db,
            above_noise_db=settings.edge_above_noise_db,
        )
        rows += _rows(inputs.spec.id, audible, duration_s, exclusive=exclusive)
    return Outputs({"diarization": DIARIZATION.build_rows(rows)})


def _rows(
    session_id: str, intervals: Iterable[SpeakerInterval], duration_s: float, *, exclusive: bool
) -> list[dict[str, Any]]:
    """One row per interval, cut to the recording."""
    return [
        {
            "session_id": session_id,
            "start_s": max(0.0, one.start_s),
            "end_s": min(one.end_s, duration_s),
            "speaker": one.speaker,
            "exclusive": exclusive,
        }
        for one in intervals
        if min(one.end_s, duration_s) > max(0.0, one.start_s)
    ]


def _absent(reason: str, sentence: str) -> Outputs:
    absence = Absence("turns", reason, sentence)
    return Outputs({"diarization": DIARIZATION.empty()}, absences=(absence,))


STAGE = Stage(
    name="diarize",
    version=VERSION,
    run=run,
    settings=DiarizeSettings,
    writes=("diarization",),
    reads=("speech",),
    sources=("media",),
    engine="diarizer",
    scope="analyse_audio",
    modality="audio",
    uses_gpu=True,
)
