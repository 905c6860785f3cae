"""Settings of what is seen: faces and movement."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.settings.section import Section


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
    """Arithmetic on landmarks (METHODS: Face and gaze)."""

    at_most = (
        ("blink_min_s", 1, "blink_max_s"), ("iod_pose_px", 1, "iod_gaze_px"),
        ("nod_min_fps", 1, "blink_min_fps"),
    )  # fmt: skip

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
    """Motion energy of each person's region, and of two (METHODS: Movement and co-movement)."""

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
