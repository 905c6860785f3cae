"""The job, as data: every stage in the order it runs. Order is meaning; nothing else decides it."""

from __future__ import annotations

from pipeline.stage import Stage
from pipeline.stages import (
    agreement,
    align,
    candidates,
    diarize,
    face,
    ingest,
    landmarks,
    language,
    movement,
    prosody,
    ratings,
    report,
    roles,
    transcribe,
    turns,
)

STAGES: tuple[Stage, ...] = (
    ingest.STAGE,
    diarize.STAGE,
    transcribe.STAGE,
    turns.STAGE,
    roles.STAGE,
    language.STAGE,
    prosody.STAGE,
    landmarks.STAGE,
    face.STAGE,
    movement.STAGE,
    ratings.STAGE,
    agreement.STAGE,
    align.STAGE,
    candidates.STAGE,
    report.STAGE,
)
