"""Settings: one frozen, strict section per stage, as `configs/default.toml` lists them.

What changes numbers (a stage's own section) is kept apart from what only changes how a run goes
(`[execution]`): only the former reaches a stage's key.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.settings.dials import AgreementSettings, RatingsSettings
from pipeline.settings.recording import IngestSettings
from pipeline.settings.section import Section
from pipeline.settings.seen import FaceSettings, LandmarksSettings, MovementSettings
from pipeline.settings.speech import (
    DiarizeSettings,
    LanguageSettings,
    ProsodySettings,
    RolesSettings,
    TranscribeSettings,
    TurnsSettings,
)
from pipeline.settings.study import StudySettings
from pipeline.settings.windows import AlignSettings, ReportSettings, SharedSettings

__all__ = [
    "AgreementSettings",
    "AlignSettings",
    "DiarizeSettings",
    "ExecutionSettings",
    "FaceSettings",
    "IngestSettings",
    "LandmarksSettings",
    "LanguageSettings",
    "MovementSettings",
    "ProsodySettings",
    "RatingsSettings",
    "ReportSettings",
    "RolesSettings",
    "Section",
    "SharedSettings",
    "StudySettings",
    "TranscribeSettings",
    "TurnsSettings",
]


class ExecutionSettings(Section):
    """How a run goes. What of it changes a number (device, precision) is in the engine's print."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where engines run")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Of large networks; auto = bfloat16 where it is faster"
    )
    retries: int = Field(2, ge=0, le=10, description="Times a failed stage is tried again")
    retry_delay_s: float = Field(5.0, ge=0, description="Pause before it, s")
    threads: int = Field(0, ge=0, description="CPU threads of diarizer and recogniser; 0 = all")
    limit_factor: float = Field(3.0, gt=0, description="A stage is ended after this many times")
    limit_floor_s: float = Field(1200.0, gt=0, description="the recording's length and this, s")
    memory: float = Field(0.8, gt=0, le=1, description="Most of the machine's memory used, share")
    gpu_memory: float = Field(0.9, gt=0, le=1, description="Most of a card's memory used, share")
