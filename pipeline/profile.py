"""Every setting of a run, put together: it lies above the rules, which bring their own sections."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from pipeline.rules.section import CandidatesSettings
from pipeline.settings import (
    AgreementSettings,
    AlignSettings,
    DiarizeSettings,
    ExecutionSettings,
    FaceSettings,
    IngestSettings,
    LandmarksSettings,
    LanguageSettings,
    MovementSettings,
    ProsodySettings,
    RatingsSettings,
    ReportSettings,
    RolesSettings,
    Section,
    StudySettings,
    TranscribeSettings,
    TurnsSettings,
)
from pipeline.settings.section import Borrowed


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
