"""The session, its media, how good they are, the voices in it, and the forms."""

from __future__ import annotations

from pipeline.tables.columns import REASONS, SESSION_ID, SPEAKER
from pipeline.tables.schema import Column, Table

SESSIONS = Table(
    "sessions",
    "One row: what the session is.",
    (
        SESSION_ID,
        Column("dyad_id", "string", "-", "Pseudonym of the pair.", "ingest", nullable=False),
        Column("session_number", "int32", "1", "Which session of the dyad.", "ingest", minimum=1),
        Column("client_id", "string", "-", "Pseudonym of the client.", "ingest", nullable=False),
        Column(
            "therapist_id", "string", "-", "Pseudonym of the therapist.", "ingest", nullable=False
        ),
        Column("date", "string", "-", "Day of the session, ISO 8601.", "ingest"),
        Column(
            "capture", "string", "-", "How it was recorded.", "ingest", levels=("in_room", "remote")
        ),
        Column("duration_s", "float64", "s", "Length of the session clock.", "ingest", minimum=0),
        Column(
            "made_up", "string", "-", "What of it is synthetic; empty for a real one.", "ingest"
        ),
    ),
    ("session_id",),
)

MEDIA = Table(
    "media",
    "One row per media file, in the order of session.toml.",
    (
        SESSION_ID,
        Column(
            "media", "int32", "1", "Position in session.toml.", "ingest", minimum=0, nullable=False
        ),
        Column("sha256", "string", "-", "Hash of the file's bytes.", "ingest", nullable=False),
        Column("container", "string", "-", "Container format as decoded.", "ingest"),
        Column(
            "duration_s",
            "float64",
            "s",
            "What could be read, from first to last sample.",
            "ingest",
            minimum=0,
        ),
        Column(
            "clock_start_s",
            "float64",
            "s",
            "Container time that is t = 0 of this file's clock.",
            "ingest",
        ),
        Column(
            "offset_s",
            "float64",
            "s",
            "Session time of t = 0 of this file's clock.",
            "ingest",
            gate="the file it goes on from cannot be read",
        ),
        Column(
            "offset_source",
            "string",
            "-",
            "given in session.toml, follows the file before, or start: assumed at 0.",
            "ingest",
            levels=("given", "follows", "start"),
            gate="as offset_s",
        ),
        Column("audio_codec", "string", "-", "Audio codec.", "ingest"),
        Column("audio_rate_hz", "int32", "Hz", "Sampling rate in the file.", "ingest", minimum=1),
        Column("audio_channels", "int32", "1", "Channels in the file.", "ingest", minimum=1),
        Column(
            "audio_start_s", "float64", "s", "Container time of the first audio sample.", "ingest"
        ),
        Column("video_codec", "string", "-", "Video codec.", "ingest"),
        Column(
            "width_px",
            "int32",
            "px",
            "Width of the picture as seen: upright, square pixels.",
            "ingest",
            minimum=1,
            gate="nobody is to be looked at",
        ),
        Column(
            "height_px",
            "int32",
            "px",
            "Height of the picture as seen.",
            "ingest",
            minimum=1,
            gate="nobody is to be looked at",
        ),
        Column("video_start_s", "float64", "s", "Container time of the first frame.", "ingest"),
        Column("video_frames", "int64", "1", "Frames in the container.", "ingest", minimum=0),
        Column(
            "video_fps_eff",
            "float64",
            "Hz",
            "Median of 1 / time between frames.",
            "ingest",
            minimum=0,
        ),
        Column(
            "audio_reason", "string", "-", "Why its audio is not used.", "ingest", levels=REASONS
        ),
        Column(
            "video_reason", "string", "-", "Why its video is not used.", "ingest", levels=REASONS
        ),
    ),
    ("session_id", "media"),
)

USES = ("heard", "inverted", "silent", "steady", "clipped", "covered", "unused", "not_named")
STREAMS = Table(
    "streams",
    "One row per channel of every audio stream of every file, heard or not.",
    (
        SESSION_ID,
        Column("media", "int32", "1", "Position in session.toml.", "ingest", minimum=0, nullable=False),
        Column("stream", "int32", "1", "Number of the stream in the file.", "ingest", minimum=0, nullable=False),
        Column("channel", "int32", "1", "Number of the channel in the stream, from 0.", "ingest", minimum=0, nullable=False),
        Column("codec", "string", "-", "Audio codec.", "ingest", nullable=False),
        Column("rate_hz", "int32", "Hz", "Sampling rate in the file.", "ingest", minimum=1),
        Column("title", "string", "-", "What the recording program calls the stream; empty if nothing.", "ingest", nullable=False),
        Column("use", "string", "-", "heard; inverted: heard, turned over; silent; steady: hum or hiss only; clipped: "
               "another channel holds the same unclipped; covered: others hold all it holds; unused: of a recording that "
               "ran at the same time; not_named: session.toml gives it no `hears`.", "ingest", levels=USES, nullable=False),
        Column("role", "string", "-", "Whose microphone.", "ingest", levels=("client", "therapist"), gate="everyone is on it, or it is not heard"),
        Column("level_db", "float64", "dB", "Level of its loud tenths of a second (95th percentile), full scale = 0.", "ingest", gate="silent or not decoded"),
        Column("raised_db", "float64", "dB", "By how much it was raised because it is quiet.", "ingest", minimum=0, gate="not heard"),
        Column("offset_prop", "float64", "1", "Constant offset that was removed, full scale = 1.", "ingest", minimum=-1, maximum=1, gate="not decoded"),
        Column("clip_prop", "float64", "1", "Share of samples at full scale.", "ingest", minimum=0, maximum=1, gate="not decoded"),
        Column("off_s", "float64", "s", "How long it records nothing while the file goes on and another channel hears somebody.", "ingest", minimum=0, gate="not decoded"),
        Column("speech_prop", "float64", "1", "Share of the file in which speech is found on it.", "ingest", minimum=0, maximum=1, gate="not decoded, or no detector"),
    ),
    ("session_id", "media", "stream", "channel"),
)  # fmt: skip

FORMS = Table(
    "forms",
    "One row per questionnaire total; scores only.",
    (
        SESSION_ID,
        Column("instrument", "string", "-", "ORS, SRS or WAI-SR.", "ingest", nullable=False),
        Column("by", "string", "-", "Who filled it in.", "ingest", levels=("client", "therapist")),
        Column("total", "float64", "points", "Total score.", "ingest", minimum=0),
        Column("max", "float64", "points", "Highest possible total.", "ingest", minimum=0),
        Column("goal", "float64", "points", "Subscale goal of the WAI-SR.", "ingest", minimum=0, gate="not given"),
        Column("task", "float64", "points", "Subscale task of the WAI-SR.", "ingest", minimum=0, gate="not given"),
        Column("bond", "float64", "points", "Subscale bond of the WAI-SR.", "ingest", minimum=0, gate="not given"),
        Column("flag", "string", "-", "What the form's own software flagged, word for word; empty if nothing.",
               "ingest", nullable=False),
        Column("mark", "float64", "points", "Published mark of this form: ORS 25, SRS 36, both to 40 points.",
               "duncan2003srs", minimum=0, gate="none is published for a form of this length"),
        Column("is_below_mark", "bool", "-", "The total lies under the published mark.", "duncan2003srs",
               gate="none is published for a form of this length"),
    ),
)  # fmt: skip

VOICES = Table(
    "voices",
    "One row per voice told apart, who speaks most first. Two are expected; a third is kept apart from theirs.",
    (
        SESSION_ID,
        SPEAKER,
        Column("speech_s", "float64", "s", "Its speech, overlaps counted for each.", "diarize", minimum=0, nullable=False),
        Column("speech_share", "float32", "1", "Its part of the speech of all voices.", "diarize", minimum=0, maximum=1,
               nullable=False),
    ),
    ("session_id", "speaker"),
)  # fmt: skip
