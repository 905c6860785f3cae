"""What is said: words, and where they come from."""

from __future__ import annotations

from pipeline.tables.columns import END_S, ROLES, SESSION_ID, START_S
from pipeline.tables.schema import Column, Table

WORDS = Table(
    "words",
    "One row per word. Present only where transcription is consented to.",
    (
        SESSION_ID,
        Column("word_index", "int32", "1", "Position in the session.", "transcribe", minimum=0, nullable=False),
        START_S,
        END_S,
        Column("text", "string", "-", "The word as transcribed, with punctuation.", "transcribe", nullable=False),
        Column("probability", "float32", "1", "As the recogniser gives it.", "transcribe", minimum=0, maximum=1),
        Column("low_confidence", "bool", "-",
               "The text around it goes round in circles or is improbable as a whole, however it was cut.", "transcribe",
               gate="imported"),
        Column(
            "timing", "string", "-", "Whether its time was measured or spread over its caption.", "transcribe",
            levels=("measured", "interpolated"), nullable=False,
        ),
        Column("speaker", "int32", "1", "Voice with most overlap in the exclusive turns.", "transcribe", minimum=0,
               gate="no voice within 1 s"),
        Column("is_overlap", "bool", "-", "Two voices at once at this word.", "transcribe", nullable=False),
        Column("stated_role", "string", "-", "Role given by the transcript itself.", "transcribe", levels=ROLES),
        Column("stated_voice", "int32", "1", "Voice as the imported transcript labels it, counted from 1 in order of "
               "appearance; its name is kept nowhere.", "transcribe", minimum=1, gate="recognised here, or not labelled"),
    ),
    ("session_id", "word_index"),
)  # fmt: skip

_OF_IMPORT = {
    "stated_voices": "Voices the imported file tells apart.",
    "events_left_out": "Sounds and remarks in it that nobody said, such as laughter; no words.",
    "words_shown_again": "Words that rolling or highlighted captions show more than once; said once, kept once.",
    "captions_left_out": "Captions left out because their times or columns cannot be.",
    "odd_values": "Times and scores of single words left out because they cannot be.",
    "words_retimed": "Times that ran backwards; those words are spread between their neighbours.",
    "words_outside": "Words before or after the recording, left out.",
}
IMPORT_COUNTS = tuple(_OF_IMPORT)
"""What of an imported transcript was no word, or not used."""

TRANSCRIPTION = Table(
    "transcription",
    "One row: where the words come from, and how much of the speech they can speak for.",
    (
        SESSION_ID,
        Column("source", "string", "-", "Imported from a file, or recognised here.", "transcribe",
               levels=("import", "recognised"), nullable=False),
        Column("format", "string", "-", "Kind of the imported file.", "transcribe",
               levels=("vtt", "srt", "stm", "json"), gate="recognised here"),
        Column("language", "string", "-", "Language the recogniser listened for, ISO 639-1.", "transcribe",
               gate="imported"),
        Column("word_count", "int32", "1", "Words of the session.", "transcribe", minimum=0, nullable=False),
        *(
            Column(name, "int32", "1", description, "transcribe", minimum=0, gate="recognised here")
            for name, description in _OF_IMPORT.items()
        ),
        Column("word_rate_wps", "float32", "word/s", "Words per second of diarized speech, voices counted one by one.",
               "transcribe", minimum=0, gate="no voices"),
        Column("low_confidence_prop", "float32", "1", "Share of words with low_confidence.", "transcribe", minimum=0,
               maximum=1, gate="imported, or no words"),
        Column("speech_s", "float64", "s", "Speech found by the voice activity detector.", "transcribe", minimum=0,
               nullable=False),
        Column("decoded_s", "float64", "s", "What the recogniser listened to: that speech and pauses inside it.",
               "transcribe", minimum=0, gate="imported"),
        Column("diarized_speech_prop", "float32", "1", "Share of diarized speech that the detector found as well.",
               "transcribe", minimum=0, maximum=1, gate="no voices"),
        Column("diarized_decoded_prop", "float32", "1", "Share of diarized speech that the recogniser listened to.",
               "transcribe", minimum=0, maximum=1, gate="imported, or no voices"),
        Column("diarized_worded_prop", "float32", "1",
               "Share of diarized speech, by length, in stretches that a word reaches into.", "transcribe",
               minimum=0, maximum=1, gate="no voices"),
    ),
    ("session_id",),
)  # fmt: skip
