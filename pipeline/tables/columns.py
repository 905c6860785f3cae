"""Columns and levels that several tables share."""

from __future__ import annotations

from pipeline.schema import Column

REASONS = (
    "at_chance",
    "below_noise",
    "clock_unknown",
    "dial_unsure",
    "few_samples",
    "few_syllables",
    "gain_control",
    "lag_unsure",
    "light_changed",
    "low_coverage",
    "low_fps",
    "low_snr",
    "no_baseline",
    "no_consent",
    "no_dial",
    "no_face",
    "no_form",
    "no_guess",
    "no_media",
    "no_punctuation",
    "no_question",
    "no_role",
    "no_speech",
    "no_transcript",
    "no_weights",
    "no_word_times",
    "not_blinded",
    "not_measured",
    "overlap",
    "picture_changed",
    "picture_frozen",
    "pitch_unsure",
    "profile_view",
    "small_face",
    "too_short",
    "turned_away",
    "unreadable_media",
    "unvoiced",
    "voice_unsure",
    "words_unsure",
)
"""Why a value is null or degraded: the closed list."""

LATENCY_REASONS = (*REASONS, "remote_delay")
"""The same for reply latencies, which the network adds to when people meet from afar."""

ROLES = ("client", "therapist", "unknown")
QUALITIES = ("ok", "degraded", "absent")

SESSION_ID = Column(
    "session_id", "string", "-", "Folder name of the session.", "ingest", nullable=False
)
START_S = Column(
    "start_s", "float64", "s", "Start on the session clock (t = 0 at the first audio sample).",
    "ingest", nullable=False,
)  # fmt: skip
END_S = Column(
    "end_s", "float64", "s", "End on the session clock, exclusive.", "ingest", nullable=False
)
T_S = Column(
    "t_s", "float64", "s", "Time on the session clock; negative is legal.", "ingest", nullable=False
)
ROLE = Column(
    "role",
    "string",
    "-",
    "Whose: client, therapist or unknown.",
    "roles",
    levels=ROLES,
    nullable=False,
)
SPEAKER = Column(
    "speaker", "int32", "1", "Diarized voice: its channel with one microphone per person, else counted from 0 as heard.", "diarize",
    minimum=0, nullable=False,
)  # fmt: skip
TURN_ID = Column(
    "turn_id",
    "int32",
    "1",
    "Position of the turn in the session.",
    "turns",
    minimum=0,
    nullable=False,
)
REASON = Column(
    "reason", "string", "-", "Why a value is null or degraded.", "ingest", levels=REASONS
)
QUALITY = Column(
    "quality", "string", "-", "ok, degraded or absent.", "ingest", levels=QUALITIES, nullable=False
)
