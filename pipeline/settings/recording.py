"""Settings of how a recording is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.settings.section import Borrowed, Section
from pipeline.settings.seen import FaceSettings

_FACE = FaceSettings()


class IngestSettings(Section):
    """Validation and quality figures."""

    at_most = (("snr_degraded_db", 1, "snr_ok_db"),)

    minimum_media_s: float = Field(10.0, ge=0, description="Shorter recordings are refused, s")
    truncation_tolerance: float = Field(
        0.02, ge=0, le=0.5, description="Share of the stated duration that may be missing"
    )
    clip_level: float = Field(0.99, gt=0, le=1, description="A sample this loud counts as clipped")
    clip_prop_max: float = Field(0.001, ge=0, le=1, description="More clipping is degraded")
    bandwidth_ok_hz: float = Field(7000.0, gt=0, description="99 % energy roll-off, Hz")
    snr_ok_db: float = Field(15.0, description="Speech to noise, dB: at least this is ok")
    snr_degraded_db: float = Field(10.0, description="Below this only talk time is used, dB")
    nod_min_fps: Annotated[float, Borrowed("face")] = _FACE.nod_min_fps
    blink_min_fps: Annotated[float, Borrowed("face")] = _FACE.blink_min_fps
