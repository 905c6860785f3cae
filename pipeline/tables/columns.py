"""Columns and levels that several tables share."""

from __future__ import annotations

from pipeline.tables.schema import Column

REASON_WORDS = {
    "at_chance": "no more than chance would give",
    "below_noise": "too small to be told from measurement noise",
    "clock_unknown": "its times could not be placed",
    "dial_unsure": "a dial is not good enough",
    "fault": "a step of the program broke off",
    "few_samples": "too few to say",
    "few_syllables": "too few syllables",
    "gain_control": "the recorder changed its level by itself",
    "lag_unsure": "the dial shows no clear reaction lag",
    "light_changed": "the light changed",
    "low_coverage": "too little of the time could be measured",
    "low_fps": "too few frames a second",
    "low_snr": "too noisy",
    "microphone_off": "a microphone recorded nothing",
    "more_voices": "more than two voices were heard",
    "no_baseline": "no usual value to compare with",
    "no_consent": "not agreed to",
    "no_dial": "a dial is missing",
    "no_face": "no face was found",
    "no_form": "a form is missing",
    "no_guess": "nothing was guessed",
    "no_media": "not in the recording, or only one of the two people is",
    "no_punctuation": "the transcript has no punctuation",
    "no_question": "no question was found",
    "no_role": "it is not known who is who",
    "no_speech": "no speech was found",
    "no_transcript": "there is no transcript",
    "no_weights": "what measures it is not installed",
    "no_word_times": "the transcript has no word times",
    "not_blinded": "the client's ratings had been seen before",
    "not_measured": "not measured",
    "one_voice": "only one voice was heard",
    "overlap": "both spoke at once",
    "picture_changed": "the picture changed",
    "picture_frozen": "the picture stood still",
    "pitch_unsure": "the pitch could not be told",
    "profile_view": "the face was in profile",
    "small_face": "the face is too small",
    "too_short": "too short",
    "turned_away": "the face was turned away",
    "unreadable_media": "a file could not be read",
    "unvoiced": "no voiced sound",
    "voice_unsure": "it is not clear whose voice it is",
    "words_not_recovered": "it was heard, but its words were not recovered",
    "words_unsure": "the words are not clear",
}
"""Why a value is null or degraded, and how a page says so."""
LATENCY_REASON_WORDS = REASON_WORDS | {"remote_delay": "the network adds to it"}
"""The same for reply latencies, which the network adds to when people meet from afar."""

REASONS = tuple(REASON_WORDS)
"""The closed list."""
LATENCY_REASONS = tuple(LATENCY_REASON_WORDS)

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
