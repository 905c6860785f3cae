"""Settings: one frozen, strict section per stage, as `configs/default.toml` lists them.

What changes numbers (a stage's own section) is kept apart from what only changes how a run goes
(`[execution]`): only the former reaches a stage's key.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.settings.dials import AgreementSettings, RatingsSettings
from pipeline.settings.recording import IngestSettings
from pipeline.settings.section import Borrowed, Section
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
from pipeline.settings.windows import AlignSettings, CandidatesSettings, ReportSettings

__all__ = [
    "AgreementSettings",
    "AlignSettings",
    "CandidatesSettings",
    "DiarizeSettings",
    "ExecutionSettings",
    "FaceSettings",
    "IngestSettings",
    "LandmarksSettings",
    "LanguageSettings",
    "MovementSettings",
    "Profile",
    "ProsodySettings",
    "RatingsSettings",
    "ReportSettings",
    "RolesSettings",
    "Section",
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


class Profile(Section):
    """Every setting of a run."""

    ingest: IngestSettings = IngestSettings()
    diarize: DiarizeSettings = DiarizeSettings()
    transcribe: TranscribeSettings = TranscribeSettings()
    turns: TurnsSettings = TurnsSettings()
    roles: RolesSettings = RolesSettings()
    language: LanguageSettings = LanguageSettings()
    prosody: ProsodySettings = ProsodySettings()
    landmarks: LandmarksSettings = LandmarksSettings()
    face: FaceSettings = FaceSettings()
    movement: MovementSettings = MovementSettings()
    ratings: RatingsSettings = RatingsSettings()
    agreement: AgreementSettings = AgreementSettings()
    align: AlignSettings = AlignSettings()
    candidates: CandidatesSettings = CandidatesSettings()
    report: ReportSettings = ReportSettings()
    study: StudySettings = StudySettings()
    execution: ExecutionSettings = ExecutionSettings()

    @model_validator(mode="after")
    def _borrow(self) -> Self:
        """Give every borrowed setting the value of its owner."""
        for name in type(self).model_fields:
            section = self.section(name)
            lent = {
                setting: getattr(self.section(mark.owner), setting)
                for setting, mark in section.marked(Borrowed).items()
            }
            self.__dict__[name] = section.model_copy(update=lent)  # the profile itself is frozen
        return self

    def section(self, name: str) -> Section:
        """The settings of one stage."""
        found = getattr(self, name)
        assert isinstance(found, Section)
        return found
