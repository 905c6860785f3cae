"""Settings: one frozen, strict section per stage, as `configs/default.toml` lists them.

What changes numbers (a stage's own section) is kept apart from what only changes how a run goes
(`[execution]`): only the former reaches a stage's key.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.section import Section


class IngestSettings(Section):
    """Validation and quality figures."""

    at_most = (("snr_degraded_db", 1, "snr_ok_db"), ("nod_min_fps", 1, "blink_min_fps"))

    minimum_media_s: float = Field(10.0, ge=0, description="Shorter recordings are refused, s")
    truncation_tolerance: float = Field(
        0.02, ge=0, le=0.5, description="Share of the stated duration that may be missing"
    )
    clip_level: float = Field(0.99, gt=0, le=1, description="A sample this loud counts as clipped")
    clip_prop_max: float = Field(0.001, ge=0, le=1, description="More clipping is degraded")
    bandwidth_ok_hz: float = Field(7000.0, gt=0, description="99 % energy roll-off, Hz")
    snr_ok_db: float = Field(15.0, description="Speech to noise, dB: at least this is ok")
    snr_degraded_db: float = Field(10.0, description="Below this only talk time is used, dB")
    nod_min_fps: float = Field(15.0, gt=0, description="As in [face], Hz")
    blink_min_fps: float = Field(20.0, gt=0, description="As in [face], Hz")


class DiarizeSettings(Section):
    """Who speaks when."""

    engine: Literal["embedded", "community-1", "auto"] = Field(
        "embedded", description="auto = community-1 where its folder is, else embedded"
    )
    num_speakers: int = Field(2, ge=2, le=2, description="People expected; only 2 is supported")
    most_speakers: int = Field(
        6, ge=2, le=10, description="Voices told apart where clearly more are heard; 2 = never more"
    )
    pause_min_s: float = Field(0.2, ge=0.1, description="Shortest pause inside a stretch, s")
    edge_reach_s: float = Field(0.2, ge=0, le=1, description="Most silence cut off an edge, s")
    edge_depth_db: float = Field(35.0, gt=0, description="Audible down to this under speech, dB")
    edge_above_noise_db: float = Field(6.0, ge=0, description="and this over the noise, dB")


class TranscribeSettings(Section):
    """Words with times."""

    language: str = Field("en", description="Language of the session, ISO 639-1")
    spoken_style: list[str] = Field(default_factory=list, description="Filled from the lexicon")
    prompt: str = Field("", description="Context given to the recogniser")
    hotwords: str = Field("", description="Words the recogniser should expect")
    longest_word_s: float = Field(1.5, gt=0, description="Longer words are cut to this, s")


class TurnsSettings(Section):
    """Turn-taking (SCIENCE 2.1)."""

    ipu_gap_s: float = Field(0.2, ge=0.18, le=0.25, description="Silence that ends an IPU, s")
    backchannel_max_s: float = Field(1.0, gt=0, description="Longest backchannel, s")
    backchannel_max_words: int = Field(3, ge=1, description="Most words in a backchannel")
    backchannel_resume_s: float = Field(1.0, gt=0, description="Floor holder resumes within, s")
    silence_min_s: float = Field(3.0, gt=0, description="Shortest silence event, s")
    acknowledgements: list[str] = Field(
        default_factory=list, description="Filled from the lexicon file when the profile is read"
    )
    unfinished_endings: list[str] = Field(
        default_factory=list, description="Filled from the lexicon file when the profile is read"
    )


class RolesSettings(Section):
    """Which voice is the client's."""

    confidence_min: float = Field(0.7, ge=0.5, le=1, description="Below this: unknown")
    second_person: list[str] = Field(
        default_factory=list, description="Filled from the lexicon file when the profile is read"
    )
    first_person: list[str] = Field(
        default_factory=list, description="Filled from the lexicon file when the profile is read"
    )


class LanguageSettings(Section):
    """Questions and replies, from phrase lists in a lexicon file."""

    at_most = (("interruption_min_s", 1, "interruption_max_s"),)

    lexicon: str = Field("lexicon.en.toml", description="Phrase lists, a file in configs/")
    phrases: dict[str, list[str]] = Field(
        default_factory=dict, description="Filled from the lexicon file when the profile is read"
    )
    minimal_reply_words: int = Field(3, ge=1, description="A reply this short is minimal")
    reply_window_s: float = Field(15.0, gt=0, description="A later turn is no reply, s")
    baseline_skip_s: float = Field(120.0, ge=0, description="Start left out of the baseline, s")
    baseline_min_n: int = Field(10, ge=2, description="Fewer replies give no z")
    baseline_ok_n: int = Field(20, ge=2, description="Fewer replies give a degraded z")
    interruption_min_s: float = Field(0.5, gt=0, description="Least overlap of an interruption, s")
    interruption_max_s: float = Field(1.0, gt=0, description="Longer: both talk on, none, s")
    voice_confidence_min: float = Field(0.7, ge=0, le=1, description="Less sure voices degrade")
    word_probability_min: float = Field(0.6, ge=0, le=1, description="Less sure words degrade")
    word_rate_min_wps: float = Field(1.0, ge=0, description="Fewer words a second degrade")
    word_rate_from_s: float = Field(2.0, gt=0, description="Shorter turns have no rate, s")


class ProsodySettings(Section):
    """Pitch, loudness, pauses and rate."""

    at_most = (("f0_floor_hz", 0.5, "f0_ceiling_hz"),)

    f0_floor_hz: float = Field(50.0, ge=20, description="First-pass lower limit, Hz")
    f0_ceiling_hz: float = Field(600.0, gt=0, description="First-pass upper limit, Hz")
    f0_hop_s: float = Field(0.01, gt=0, le=0.032, description="Frame step of pYIN, s")
    f0_resolution_st: float = Field(0.1, gt=0, lt=1, description="Pitch grid of pYIN, semitone")
    voiced_min_s: float = Field(0.5, gt=0, description="Less voiced speech gives no pitch, s")
    syllable_dip_db: float = Field(2.0, gt=0, description="Dip on both sides of a nucleus, dB")
    syllable_range_db: float = Field(25.0, gt=0, description="Nuclei reach this below the peak, dB")
    pause_min_turn_s: float = Field(3.0, gt=0, description="Less turn time gives no pause share, s")
    pause_min_s: float = Field(0.2, gt=0, description="Shortest pause inside a turn, s")
    rate_min_syllables: int = Field(10, ge=1, description="Fewer syllables give no rate")
    rate_min_phonation_s: float = Field(3.0, gt=0, description="Less phonation gives no rate, s")
    f0_min_snr_db: float = Field(15.0, description="A noisier recording gives no pitch, dB")
    rate_min_snr_db: float = Field(10.0, description="and a noisier one no rate, dB")
    slice_s: float = Field(10.0, gt=0, description="Length of the fixed slices, s")
    baseline_skip_s: float = Field(120.0, ge=0, description="Start left out of baselines, s")
    baseline_min_n: int = Field(20, ge=2, description="Fewest turns of a baseline")
    voice_confidence_min: float = Field(0.7, ge=0, le=1, description="As in [language]")


class LandmarksSettings(Section):
    """Which engine measures faces."""

    engine: Literal["embedded", "face_landmarker", "mediapipe"] = Field(
        "embedded",
        description="Face engine: 468 points and irises; 478 points; mediapipe itself (slow)",
    )
    people: int = Field(
        1,
        ge=1,
        le=2,
        description="Faces measured: 1 = the client's only; 2 = the therapist's too. Off because "
        "staff are not what is looked at, and measuring faces at work needs its own legal ground",
    )
    max_fps: float = Field(30.0, gt=0, description="Faster video is thinned to this, Hz")


class FaceSettings(Section):
    """Arithmetic on landmarks (SCIENCE 2.4, FACES.md)."""

    at_most = (("blink_min_s", 1, "blink_max_s"), ("iod_pose_px", 1, "iod_gaze_px"))

    presence_min: float = Field(0.5, ge=0, le=1, description="Mesh presence gate")
    iod_pose_px: float = Field(25.0, ge=0, description="Eye distance for head pose, px")
    iod_gaze_px: float = Field(40.0, ge=0, description="Eye distance for gaze and blinks, px")
    yaw_gaze_max_deg: float = Field(30.0, gt=0, description="No gaze or blink beyond this yaw, deg")
    pitch_gaze_max_deg: float = Field(25.0, gt=0, description="Nor beyond this pitch, deg")
    yaw_pose_max_deg: float = Field(60.0, gt=0, description="No pose beyond this yaw, deg")
    blink_window_s: float = Field(5.0, gt=0, description="Rolling median for open lids, s")
    blink_factor: float = Field(0.4, gt=0, lt=1, description="Depth share that counts as closed")
    blink_depth_min: float = Field(0.15, gt=0, lt=1, description="Least depth, share of open")
    blink_min_s: float = Field(0.08, gt=0, description="Shortest blink, s")
    blink_max_s: float = Field(0.5, gt=0, description="Longest blink; longer is a closure, s")
    blink_min_fps: float = Field(20.0, gt=0, description="Counts need this frame rate, Hz")
    nod_min_deg: float = Field(3.0, gt=0, description="Least swing of a nod or shake, deg")
    nod_min_fps: float = Field(15.0, gt=0, description="Nods and gaze travel need this, Hz")
    gaze_deg_per_eye_width: float = Field(126.0, gt=0, description="Iris offset to angle, deg")
    gaze_iris_gain: float = Field(1.5, gt=0, description="What an iris offset up or down counts")
    gaze_lid_gain: float = Field(0.5, ge=0, description="What an upper lid up or down counts")
    head_min_fps: float = Field(10.0, gt=0, description="Head speed needs this frame rate, Hz")
    stare_min_s: float = Field(5.0, gt=0, description="Shortest stare, s")
    look_away_min_s: float = Field(2.0, gt=0, description="Shortest look away, s")
    out_of_frame_min_s: float = Field(2.0, gt=0, description="Shortest time out of the frame, s")


class MovementSettings(Section):
    """Motion energy of each person's region, and co-movement (SCIENCE 2.4 and 2.5)."""

    at_most = (
        ("correlation_lag_s", 0.5, "correlation_window_s"), ("segment_lag_s", 0.5, "segment_s"),
    )  # fmt: skip

    therapist: Literal["off", "session", "windows"] = Field(
        "session", description="Therapist's region: not; for co-movement alone; also per window"
    )
    trunk_faces_wide: float = Field(3.5, gt=0, description="Width of a region, face widths")
    trunk_faces_below: float = Field(3.0, ge=0, description="Below the chin, face heights")
    head_faces_above: float = Field(0.5, ge=0, description="Above the face box, face heights")
    smooth_s: float = Field(0.5, gt=0, description="Running mean of motion energy, s")
    jump_share: float = Field(
        0.5, gt=0, le=1, description="More of the background changing at once: not a person"
    )
    shift_min: float = Field(
        0.35, gt=0, le=1, description="More of a change than this explained by a shift: camera"
    )
    frozen_s: float = Field(1.0, gt=0, description="The very same picture for this long, s")
    valid_min: float = Field(0.9, gt=0, le=1, description="Least valid share for co-movement")
    correlation_window_s: float = Field(60.0, gt=0, description="Cross-lagged: window, s")
    correlation_hop_s: float = Field(30.0, gt=0, description="step, s")
    correlation_lag_s: float = Field(5.0, gt=0, description="and largest lag, s")
    segment_s: float = Field(30.0, gt=0, description="Surrogates: segment, s")
    segment_lag_s: float = Field(3.0, gt=0, description="largest lag, s")
    surrogates: int = Field(500, ge=100, description="and number")


class RatingsSettings(Section):
    """Dial ratings (SCIENCE 2.6)."""

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
    """How far the two dials of a session agree (SCIENCE 2.6)."""

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
    rate_min_syllables: int = Field(10, ge=1, description="As in [prosody]")
    rate_min_phonation_s: float = Field(3.0, gt=0, description="As in [prosody], s")
    pause_min_turn_s: float = Field(3.0, gt=0, description="As in [prosody], s")
    pause_min_s: float = Field(0.2, gt=0, description="As in [prosody], s")
    voiced_min_s: float = Field(0.5, gt=0, description="As in [prosody], s")
    f0_min_snr_db: float = Field(15.0, description="As in [prosody], of a window, dB")
    rate_min_snr_db: float = Field(10.0, description="As in [prosody], of a window, dB")


class CandidatesSettings(Section):
    """Which moments are proposed (SCIENCE 4)."""

    at_most = (
        ("z_leave", 1, "z_enter"), ("shortest_s", 1, "longest_s"),
        ("slow_run_count", 1, "slow_run_replies"), ("core_families_min", 1, "families_min"),
    )  # fmt: skip

    rules: list[Literal["R1", "R2", "R3", "R4", "R6"]] = Field(
        default=["R1", "R2", "R3", "R4", "R6"], description="Rules that run"
    )
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
    slow_run_replies: int = Field(5, ge=2, description="R4: replies looked at together")
    slow_run_count: int = Field(3, ge=1, description="R4: of which this many are slow")
    slow_run_span_s: float = Field(300.0, gt=0, description="R4: within this span, s")
    slow_latency_s: float = Field(2.0, gt=0, description="R4: least latency of a slow reply, s")
    slow_over_median_s: float = Field(1.0, ge=0, description="R4: and this above the median, s")
    question_window_s: float = Field(60.0, gt=0, description="R6: first cue after a question, s")
    families_min: int = Field(3, ge=2, description="R6: families that must change")
    core_families_min: int = Field(2, ge=1, description="R6: of which from A-D")
    windows_min: int = Field(3, ge=1, description="R6: consecutive windows")
    silence_after_question_s: float = Field(3.0, gt=0, description="R6 family A: silence, s")
    silence_baseline_min_n: int = Field(20, ge=2, description="and it needs this many latencies")


class ReportSettings(Section):
    """The supervisor's page."""

    pre_roll_s: float = Field(10.0, ge=0, description="Clip starts this much earlier, s")
    post_roll_s: float = Field(5.0, ge=0, description="and ends this much later, s")
    clip_max_s: float = Field(75.0, gt=0, description="Longest clip, s")
    clip_height_px: int = Field(360, ge=120, le=1080, description="Clip height, px")
    causes: str = Field("innocent_causes.toml", description="Innocent causes, a file in configs/")
    innocent_causes: dict[str, list[str]] = Field(
        default_factory=dict, description="Filled from the causes file when the profile is read"
    )


class StudySettings(Section):
    """The study of many dyads (SCIENCE 2.13): fixed before anybody looks at the data."""

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

    def section(self, name: str) -> Section:
        """The settings of one stage."""
        found = getattr(self, name)
        assert isinstance(found, Section)
        return found
