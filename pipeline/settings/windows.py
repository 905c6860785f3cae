"""Settings of the windows, the moments found in them, and the page."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.settings.section import Borrowed, ReadFrom, Section
from pipeline.settings.speech import ProsodySettings

_PROSODY = ProsodySettings()


class AlignSettings(Section):
    """The analysis windows."""

    at_most = (("hop_s", 1, "window_s"), ("blink_hop_s", 1, "blink_window_s"))

    window_s: float = Field(30.0, gt=0, description="Window length, s")
    hop_s: float = Field(5.0, gt=0, description="Window step, s")
    blink_window_s: float = Field(180.0, gt=0, description="Span of the blink rate, s")
    blink_hop_s: float = Field(30.0, gt=0, description="Step of its baseline, s")
    closure_window_s: float = Field(60.0, gt=0, description="Span of eye closure P80, s")
    speech_pause_s: float = Field(1.0, ge=0, description="A shorter pause is still speaking, s")
    baseline_skip_s: float = Field(120.0, ge=0, description="Start left out of baselines, s")
    baseline_min_n: int = Field(20, ge=2, description="Fewest baseline samples")
    valid_min: float = Field(0.7, ge=0, le=1, description="Least share of valid face frames")
    gaze_bin_s: float = Field(0.2, gt=0, description="Median bins of gaze travel, s")
    gaze_floor_factor: float = Field(
        2.0, ge=0, description="Gaze travel under this times the noise floor is not measurable"
    )
    rate_min_syllables: Annotated[int, Borrowed("prosody")] = _PROSODY.rate_min_syllables
    rate_min_phonation_s: Annotated[float, Borrowed("prosody")] = _PROSODY.rate_min_phonation_s
    pause_min_turn_s: Annotated[float, Borrowed("prosody")] = _PROSODY.pause_min_turn_s
    pause_min_s: Annotated[float, Borrowed("prosody")] = _PROSODY.pause_min_s
    voiced_min_s: Annotated[float, Borrowed("prosody")] = _PROSODY.voiced_min_s
    f0_min_snr_db: Annotated[float, Borrowed("prosody")] = _PROSODY.f0_min_snr_db
    rate_min_snr_db: Annotated[float, Borrowed("prosody")] = _PROSODY.rate_min_snr_db


class SharedSettings(Section):
    """Which moments are proposed (METHODS: Candidates)."""

    # what is one rule's alone stands in its module, see `pipeline.rules.section`
    at_most = (("z_leave", 1, "z_enter"), ("shortest_s", 1, "longest_s"))

    rules: list[str] = Field(default=[], description="Rules that run")
    earliest_s: float = Field(120.0, ge=0, description="Cue rules are silent before, s")
    minimum_audio_s: float = Field(600.0, ge=0, description="Cue rules need this much audio, s")
    z_enter: float = Field(1.5, gt=0, description="A cue counts from here")
    z_leave: float = Field(1.0, gt=0, description="and until here (hysteresis)")
    two_sided_z: float = Field(2.0, gt=0, description="For cues whose direction is unclear")
    merge_gap_s: float = Field(30.0, ge=0, description="Nearer candidates are merged, s")
    shortest_s: float = Field(10.0, ge=0, description="Shorter ones are dropped, s")
    longest_s: float = Field(180.0, gt=0, description="Longer ones are cut, s")
    per_hour: float = Field(6.0, gt=0, description="Budget of cue candidates per hour")
    per_rule: int = Field(2, ge=1, description="Most candidates of one cue rule")
    overlap_max: float = Field(0.3, ge=0, le=1, description="Most overlap between candidates")


class ReportSettings(Section):
    """The supervisor's page."""

    pre_roll_s: float = Field(10.0, ge=0, description="Clip starts this much earlier, s")
    post_roll_s: float = Field(5.0, ge=0, description="and ends this much later, s")
    clip_height_px: int = Field(360, ge=120, le=1080, description="Clip height, px")
    causes: str = Field("innocent_causes.toml", description="Innocent causes, a file in configs/")
    innocent_causes: Annotated[dict[str, list[str]], ReadFrom("report.causes", whole=True)] = Field(
        default_factory=dict
    )
