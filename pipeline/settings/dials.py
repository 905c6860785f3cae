"""Settings of the dials: each rater's own, and two together."""

from __future__ import annotations

from pydantic import Field

from pipeline.settings.section import Section


class RatingsSettings(Section):
    """Dial ratings (METHODS: Dials)."""

    at_most = (("segment_s", 1, "segment_max_s"),)

    lag_s: float = Field(2.0, ge=0, le=6, description="Reaction lag taken off the dial, s")
    drop_first_s: float = Field(10.0, ge=0, description="Start of a rating that is dropped, s")
    coverage_min: float = Field(0.9, ge=0, le=1, description="Least share of the session rated")
    moves_min: int = Field(10, ge=0, description="Least number of moves of 2 points")
    sd_min: float = Field(3.0, ge=0, description="Least standard deviation, points")
    hold_max_s: float = Field(600.0, gt=0, description="Longest still stretch, s")
    segment_s: float = Field(30.0, gt=0, description="Running mean for segments, s")
    segment_max_s: float = Field(120.0, gt=0, description="Longest segment, s")
    segment_gap_s: float = Field(15.0, ge=0, description="Least gap between segments, s")
    segment_grow_points: float = Field(5.0, gt=0, description="Grow while within this, points")
    segments_per_kind: int = Field(3, ge=1, description="Highest and lowest per rater")
    low_madn: float = Field(0.5, ge=0, description="A low lies this many MADN under the median")


class AgreementSettings(Section):
    """How far the two dials of a session agree (METHODS: Dials)."""

    bin_s: int = Field(5, ge=1, description="Bins of the comparison, whole seconds")
    shortest_shift_s: float = Field(60.0, gt=0, description="Nearer shifts are no null, s")
    max_lag_s: float = Field(10.0, ge=0, description="The best lag is sought within this, s")
    minimum_s: float = Field(900.0, ge=0, description="Least time both rated, s")
    shared_iou_min: float = Field(0.3, gt=0, le=1, description="Picks count as shared from here")
    divergence_window_s: float = Field(30.0, gt=0, description="Running means compared, s")
    divergence_points: float = Field(20.0, gt=0, description="R3: dials at least this far apart")
    divergence_madn: float = Field(1.5, ge=0, description="R3: and this far from their usual, MADN")
    divergence_min_s: float = Field(20.0, gt=0, description="R3: for at least this long, s")
    divergence_bridge_s: float = Field(30.0, ge=0, description="R3: nearer stretches are one, s")
    divergences_max: int = Field(3, ge=0, description="R3: most stretches")
