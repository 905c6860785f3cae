"""Settings of the study of many dyads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.settings.section import Section


class StudySettings(Section):
    """The study of many dyads (METHODS: The study): fixed before anybody looks at the data."""

    features: list[str] = Field(
        default=[
            "therapist_talk_prop",
            "therapist_turns_per_min",
            "silence_prop",
            "client_reply_latency_s",
            "client_articulation_rate_sps",
            "client_pause_prop",
            "client_f0_sd_st",
            "therapist_articulation_rate_sps",
            "therapist_open_questions_per_min",
            "therapist_reflections_per_min",
            "therapist_affirmations_per_min",
            "therapist_directives_per_min",
            "client_demurs_per_min",
            "client_gaze_path_rate_dps",
            "client_nod_fast_pm",
        ],
        min_length=1,
        description="Aim 2 looks at these and no others; another list is another study",
    )
    dyads_min: int = Field(5, ge=3, description="With fewer, no test and no pooled interval")
    coverage_min: float = Field(0.9, ge=0, le=1, description="Aim 1: least share rated")
    bin_s: int = Field(5, ge=1, description="Bins of MSSD and of rmcorr, s")
    excursion_points: float = Field(10.0, gt=0, description="An excursion goes further than this")
    excursion_s: float = Field(10.0, ge=1, description="and lasts at least this long, s")
    feature_min_s: float = Field(15.0, ge=1, description="Least measured time in highs and lows, s")
    shortest_shift_s: float = Field(60.0, ge=1, description="Nearer circular shifts are no null, s")
    fdr_q: float = Field(0.1, gt=0, lt=1, description="False discovery rate of aim 2")
    period: Literal["quarter", "half_year", "year"] = Field(
        "half_year", description="Of drop-out and recording"
    )
    recorded_target: float = Field(0.9, ge=0, le=1, description="Of held sessions, recorded")
    seed: int = Field(0, ge=0, description="Of the sign flips drawn with more than 20 dyads")
