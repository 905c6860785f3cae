"""Faces, movement, and the events of both."""

from __future__ import annotations

from pipeline.tables.columns import END_S, REASON, REASONS, ROLE, SESSION_ID, START_S, T_S
from pipeline.tables.schema import Column, Table

LANDMARKS = Table(
    "landmarks",
    "One row per frame and person: the face engine's own output. Kept in the store only.",
    (
        SESSION_ID,
        Column("media", "int32", "1", "Media file.", "landmarks", minimum=0, nullable=False),
        Column("frame_index", "int64", "1", "Position of the frame in the file.", "landmarks", minimum=0),
        Column("media_pts_s", "float64", "s", "The container's own time stamp.", "landmarks", nullable=False),
        T_S,
        ROLE,
        Column("detector_score", "float32", "1", "Face detector score.", "bazarevsky2019", minimum=0, maximum=1),
        Column("presence", "float32", "1", "Mesh network's own presence estimate.", "kartynnik2019", minimum=0,
               maximum=1),
        Column("box_x_px", "float32", "px", "Left edge of the face box.", "bazarevsky2019"),
        Column("box_y_px", "float32", "px", "Upper edge of the face box.", "bazarevsky2019"),
        Column("box_width_px", "float32", "px", "Width of the face box.", "bazarevsky2019", minimum=0),
        Column("box_height_px", "float32", "px", "Height of the face box.", "bazarevsky2019", minimum=0),
        Column("points_px", "points", "px", "x0, y0, x1, y1, ... of 478 points, rounded to 1/64 px.",
               "kartynnik2019", gate="not measured"),
        REASON,
    ),
    private=True,
)  # fmt: skip

MOTION_GRID = Table(
    "motion_grid",
    "One row per 0.1 s of video: how many pixels of each part of the picture changed, whoever is in it. Kept in the "
    "store only; no picture can be made from it.",
    (
        SESSION_ID,
        Column("media", "int32", "1", "Media file.", "landmarks", minimum=0, nullable=False),
        T_S,
        Column("changed_px", "counts", "px",
               "Of 64 pixels sampled in each cell, those that changed by 4, 5, 6, 8, 10, 12, 15, 19, 24, 30 grey levels or "
               "more (ten classes, each up to the next); 18 rows of 32 cells, classes within.", "ramseyer2011",
               nullable=False),
        Column("brightness_change", "float32", "level",
               "Mean change of all sampled pixels, + = brighter, grey levels of 255.", "landmarks", nullable=False),
        Column("brightness_change_abs", "float32", "level",
               "Mean size of their changes; 0 = the very same picture.", "landmarks", minimum=0, nullable=False),
        Column("shift_prop", "float32", "1",
               "Of the places that the best-fitting shift of the whole picture in 0.2 s would change, the share that "
               "changed so; of the left and right half the lesser.", "kuglin1975", minimum=0, maximum=1, gate="every second row"),
    ),
    ("t_s",),
    private=True,
)  # fmt: skip

_SHARE = "as a share of the picture"
SEATS = Table(
    "seats",
    "One row per person shown: where in the picture their face usually is. A place, not a feature of the face.",
    (
        SESSION_ID,
        Column("media", "int32", "1", "Media file.", "landmarks", minimum=0, nullable=False),
        ROLE,
        Column("face_left", "float32", "1", f"Left edge of the median face box, {_SHARE}.", "bazarevsky2019",
               gate="no face found"),
        Column("face_top", "float32", "1", f"Upper edge, {_SHARE}.", "bazarevsky2019", gate="no face found"),
        Column("face_width", "float32", "1", f"Width, {_SHARE}.", "bazarevsky2019", minimum=0, gate="no face found"),
        Column("face_height", "float32", "1", f"Height, {_SHARE}.", "bazarevsky2019", minimum=0,
               gate="no face found"),
        Column("face_count", "int64", "1", "Frames in which it was found.", "landmarks", minimum=0, nullable=False),
    ),
    ("session_id", "role"),
)  # fmt: skip

FACE_FRAMES = Table(
    "face_frames",
    "One row per video frame and person looked at: scalars only, no image, no landmark. Axes and signs are drawn in pipeline/face/axes.svg.",
    (
        SESSION_ID,
        Column("media", "int32", "1", "Media file.", "landmarks", minimum=0, nullable=False),
        Column("frame_index", "int64", "1", "Position of the frame in the file.", "landmarks", minimum=0),
        Column("media_pts_s", "float64", "s", "The container's own time stamp.", "landmarks", nullable=False),
        T_S,
        ROLE,
        Column("face_present", "bool", "-", "A face was measured.", "face", nullable=False),
        Column("face_valid", "bool", "-", "Good enough for gaze and blinks.", "face", nullable=False),
        Column("face_iod_px", "float32", "px", "Distance between the eye centres.", "face", minimum=0,
               gate="no face", label="eye distance"),
        Column("head_yaw_deg", "float32", "deg", "Turn; + = nose to the image's left.", "face", minimum=-180,
               maximum=180, gate="eye distance under 25 px, no face, or beyond 60 deg"),
        Column("head_pitch_deg", "float32", "deg", "Nod; + = nose up.", "face", minimum=-180, maximum=180,
               gate="as yaw"),
        Column("head_roll_deg", "float32", "deg", "Tilt; + = the image-right eye lower.", "face", minimum=-180,
               maximum=180, gate="as yaw"),
        Column("head_x_mm", "float32", "mm", "Place of the middle between the outer eye corners; + = to the image's right.",
               "face", gate="as yaw"),
        Column("head_y_mm", "float32", "mm", "The same; + = down.", "face", gate="as yaw"),
        Column("head_z_mm", "float32", "mm", "The same; distance from the camera, for a mean face and a focal length of the frame's long side.",
               "face", minimum=0, gate="as yaw"),
        Column("head_speed_dps", "float32", "deg/s", "Turning speed between the mean poses of the 0.2 s before and after.",
               "face", minimum=0, gate="as yaw, or under 10 frames a second"),
        Column("head_speed_reason", "string", "-", "Why the head's speed is null.", "face", levels=REASONS),
        Column("gaze_yaw_deg", "float32", "deg", "Head yaw plus eye rotation; + = to the image's left.", "face",
               gate="not face_valid"),
        Column("gaze_pitch_deg", "float32", "deg", "Head pitch plus eye rotation; + = up. By iris and upper lid; eyes alone are read at about 0.6 of their turn up and down.", "face",
               gate="not face_valid"),
        Column("eye_aspect_left", "float32", "1", "Lid opening over eye width, image-left eye.", "soukupova2016",
               minimum=0, gate="eye distance under 40 px, yaw over 30 deg, or pitch over 25 deg for a second"),
        Column("eye_aspect_right", "float32", "1", "Lid opening over eye width, image-right eye.", "soukupova2016",
               minimum=0, gate="eye distance under 40 px, yaw over 30 deg, or pitch over 25 deg for a second"),
        Column("mouth_opening", "float32", "1", "Gap between the inner lips over the distance between the eye centres, seen from the front.",
               "face", minimum=0, gate="not face_valid"),
        Column("mouth_width", "float32", "1", "Between the lip corners, over the same.", "face", gate="not face_valid"),
        Column("mouth_corner_left", "float32", "1", "How far the image-left lip corner lies below the line of the eyes, over the same.",
               "face", gate="not face_valid"),
        Column("mouth_corner_right", "float32", "1", "The same of the image-right lip corner.", "face",
               gate="not face_valid"),
        Column("brow_opening_left", "float32", "1", "How far the image-left brow lies above its eye's corners, over the same.",
               "face", gate="not face_valid"),
        Column("brow_opening_right", "float32", "1", "The same of the image-right brow.", "face", gate="not face_valid"),
        Column("brow_gap", "float32", "1", "Between the inner ends of the brows, over the same.", "face",
               gate="not face_valid"),
        Column("blinks_sought", "bool", "-", "Lids measured in frames close enough in time to count blinks.", "face",
               nullable=False),
        Column("nods_sought", "bool", "-", "Head pose measured in frames close enough in time for nods and gaze travel.",
               "face", nullable=False),
        REASON,
    ),
)  # fmt: skip

CUE_CHECK = Table(
    "cue_check",
    "A few moments at even times, for a person to look at: outlines, no picture. Kept in the store only.",
    (
        SESSION_ID,
        T_S,
        Column("face_iod_px", "float32", "px", "Distance between the eye centres.", "face", minimum=0,
               gate="no face"),
        Column("head_yaw_deg", "float32", "deg", "As in face_frames.", "face", gate="as there"),
        Column("head_pitch_deg", "float32", "deg", "As in face_frames.", "face", gate="as there"),
        Column("head_roll_deg", "float32", "deg", "As in face_frames.", "face", gate="as there"),
        Column("gaze_yaw_deg", "float32", "deg", "As in face_frames.", "face", gate="as there"),
        Column("gaze_pitch_deg", "float32", "deg", "As in face_frames.", "face", gate="as there"),
        REASON,
        Column("points_px", "points", "px", "x0, y0, x1, y1, ... of the mesh points that are drawn.",
               "kartynnik2019", gate="no face"),
        Column("gate_iod_px", "float32", "px", "Gaze and blinks need this distance between the eyes.", "face",
               minimum=0, nullable=False),
        Column("gate_nod_hz", "float32", "Hz", "Gaze and nods need this frame rate.", "face", minimum=0,
               nullable=False),
        Column("gate_blink_hz", "float32", "Hz", "Blinks need this frame rate.", "face", minimum=0, nullable=False),
    ),
    ("session_id", "t_s"),
    private=True,
)  # fmt: skip

FACE_EVENT_KINDS = (
    "blink", "eye_closure", "nod_slow", "nod_fast", "head_shake", "stare", "look_away", "out_of_frame",
)  # fmt: skip
"""What is looked for in a face over time; `pipeline.face.events` defines each."""

_FACE_EVENT_SIZE = (
    "Depth of a blink or closure (share of open); degrees of a nod or shake, and of a look away; "
    "seconds of a stare or out of the frame"
)

FACE_EVENTS = Table(
    "face_events",
    "One row per blink, eye closure, nod, head shake, spell of gaze, or time out of the frame.",
    (
        SESSION_ID,
        Column("kind", "string", "-",
               "What happened; eye_closure: lids low for over 0.5 s, shut or cast down; look_away: from where gaze mostly is; out_of_frame: no face found in that seat.",
               "face", levels=FACE_EVENT_KINDS, nullable=False),
        START_S,
        END_S,
        ROLE,
        Column("size", "float32", "-", _FACE_EVENT_SIZE + ".", "face"),
    ),
)  # fmt: skip

EVENTS = Table(
    "events",
    "One row per event of any kind, in time order.",
    (
        SESSION_ID,
        Column("kind", "string", "-", "What happened.", "align",
               levels=(*FACE_EVENT_KINDS, "silence"), nullable=False),
        START_S,
        END_S,
        ROLE,
        Column("size", "float32", "-", _FACE_EVENT_SIZE + "; seconds of a silence.", "align"),
    ),
)  # fmt: skip

MOTION = Table(
    "motion",
    "One row per person and 0.1 s of video: how much their part of the picture moves.",
    (
        SESSION_ID,
        T_S,
        ROLE,
        Column("motion_energy", "float32", "SD",
               "Share of the region's pixels that changed by more than noise, 0.5 s running mean, in SDs of this session.",
               "ramseyer2011", minimum=0, gate="light or the whole picture changed, or under 10 fps", label="movement"),
        REASON,
    ),
    ("role", "t_s"),
)  # fmt: skip

_EDGE = "edge of the region of interest, as a share of the picture"
_NO_REGION = "not shown, switched off, or no face found"
MOTION_REGIONS = Table(
    "motion_regions",
    "One row per role: the region of interest of their motion energy, and what came of it.",
    (
        SESSION_ID,
        ROLE,
        Column("region_left", "float32", "1", f"Left {_EDGE}.", "movement", minimum=0, maximum=1, gate=_NO_REGION),
        Column("region_top", "float32", "1", f"Upper {_EDGE}.", "movement", minimum=0, maximum=1, gate=_NO_REGION),
        Column("region_right", "float32", "1", f"Right {_EDGE}.", "movement", minimum=0, maximum=1, gate=_NO_REGION),
        Column("region_bottom", "float32", "1", f"Lower {_EDGE}.", "movement", minimum=0, maximum=1,
               gate=_NO_REGION),
        Column("origin", "string", "-",
               "From session.toml; head and trunk round the median face; or the side that the other leaves.",
               "drillis1966", levels=("session_toml", "face", "side"), gate=_NO_REGION),
        Column("change_min", "int32", "level", "Least change of a pixel that counts: half as much again as P99 of the picture at rest.",
               "ramseyer2011", minimum=0, gate="noise above 30 grey levels"),
        Column("motion_valid_prop", "float32", "1", "Share of the video's time that is not masked.", "movement",
               minimum=0, maximum=1, gate="no motion energy"),
        REASON,
    ),
    ("session_id", "role"),
)  # fmt: skip

_NO_PAIR = "a region is missing or valid for under 90 %"
SYNCHRONY = Table(
    "synchrony",
    "One row: co-movement of both regions over the session, and what chance gives.",
    (
        SESSION_ID,
        Column("wclc_z", "float64", "z",
               "Windowed cross-lagged correlation: mean |Fisher z| of windows of 60 s every 30 s and lags of +-5 s.",
               "boker2002", minimum=0, gate=_NO_PAIR, label="cross-lagged correlation"),
        Column("window_count", "int32", "1", "Windows in it.", "movement", minimum=0, gate=_NO_PAIR),
        Column("peak_lag_s", "float64", "s", "Lag of the mean z farthest from 0; + = the client moves first.",
               "boker2002", gate="co-movement not above chance", label="lag"),
        Column("peak_z", "float64", "z", "The mean z there.", "boker2002", gate="co-movement not above chance"),
        Column("surrogate_es", "float64", "SD",
               "Co-movement above chance: (mean |z| of segments of 30 s and lags of +-3 s, minus its mean in surrogates) / "
               "their SD.", "tschacher2020", gate="under 10 segments, or " + _NO_PAIR, label="co-movement above chance"),
        Column("surrogate_p", "float64", "1", "Rank of the true pairing of segments among the surrogates.",
               "tschacher2020", minimum=0, maximum=1, gate="as surrogate_es"),
        Column("surrogate_z", "float64", "z", "Mean |Fisher z| of the true pairing.", "tschacher2020", minimum=0,
               gate="as surrogate_es"),
        Column("surrogate_chance_z", "float64", "z", "Mean of it over the surrogates.", "tschacher2020", minimum=0,
               gate="as surrogate_es"),
        Column("surrogate_chance_sd", "float64", "z", "SD of it over the surrogates.", "tschacher2020", minimum=0,
               gate="as surrogate_es"),
        Column("segment_count", "int32", "1", "Segments in it.", "movement", minimum=0, gate="as surrogate_es"),
        Column("surrogate_count", "int32", "1", "Surrogates.", "movement", minimum=0, gate="as surrogate_es"),
        REASON,
        Column("lag_reason", "string", "-", "Why peak_lag_s is null.", "movement", levels=REASONS),
    ),
    ("session_id",),
)  # fmt: skip
