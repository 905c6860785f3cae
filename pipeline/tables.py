"""Every table and column, declared once. No logic here.

The Arrow schema, its checks, the JSON sidecar, DATA_DICTIONARY.md and the report's labels all derive
from these declarations. Changing a meaning or a unit raises the table's version.
"""

from __future__ import annotations

from pipeline.schema import Column, Table, cue

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
            "offset_s", "float64", "s", "Offset given in session.toml.", "ingest", nullable=False
        ),
        Column("audio_codec", "string", "-", "Audio codec.", "ingest"),
        Column("audio_rate_hz", "int32", "Hz", "Sampling rate in the file.", "ingest", minimum=1),
        Column("audio_channels", "int32", "1", "Channels in the file.", "ingest", minimum=1),
        Column(
            "audio_start_s", "float64", "s", "Container time of the first audio sample.", "ingest"
        ),
        Column("video_codec", "string", "-", "Video codec.", "ingest"),
        Column("width_px", "int32", "px", "Frame width.", "ingest", minimum=1),
        Column("height_px", "int32", "px", "Frame height.", "ingest", minimum=1),
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

QUALITY_FIGURES = Table(
    "quality",
    "One row per quality figure of the session.",
    (
        SESSION_ID,
        Column(
            "measure", "string", "-", "Which figure, unit in its name.", "ingest", nullable=False
        ),
        Column("value", "float64", "-", "The figure, in the unit its name ends with.", "ingest"),
        QUALITY,
        REASON,
        Column(
            "description",
            "string",
            "-",
            "What it means, in one sentence.",
            "ingest",
            nullable=False,
        ),
    ),
    ("session_id", "measure"),
)

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

SPEECH = Table(
    "speech",
    "One row per stretch of speech found by the voice activity detector, whoever speaks.",
    (SESSION_ID, START_S, END_S),
)

DIARIZATION = Table(
    "diarization",
    "One row per stretch of one voice.",
    (
        SESSION_ID,
        START_S,
        END_S,
        SPEAKER,
        Column(
            "exclusive", "bool", "-",
            "False: overlaps kept. True: the same speech with every moment given to one voice.",
            "bredin2023pyannote", nullable=False,
        ),
        Column("confidence", "float32", "1", "How sure the engine is that this voice speaks; see diar_confidence.",
               "diarize", minimum=0, maximum=1, gate="the engine gives none"),
    ),
)  # fmt: skip

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
        Column(
            "timing", "string", "-", "Whether its time was measured or spread over its caption.", "transcribe",
            levels=("measured", "interpolated"), nullable=False,
        ),
        Column("speaker", "int32", "1", "Voice with most overlap in the exclusive turns.", "transcribe", minimum=0,
               gate="no voice within 1 s"),
        Column("is_overlap", "bool", "-", "Two voices at once at this word.", "transcribe", nullable=False),
        Column("stated_role", "string", "-", "Role given by the transcript itself.", "transcribe", levels=ROLES),
    ),
    ("session_id", "word_index"),
)  # fmt: skip

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

SPEAKER_TURNS = Table(
    "speaker_turns",
    "One row per turn of a diarized voice, before roles are known.",
    (
        SESSION_ID,
        TURN_ID,
        START_S,
        END_S,
        SPEAKER,
        Column("phonation_s", "float64", "s", "Speech inside the turn, pauses left out.", "heldner2010", minimum=0),
        Column("ipu_count", "int32", "1", "Inter-pausal units in the turn.", "heldner2010", minimum=1),
        Column("is_backchannel", "bool", "-",
               "At most 1 s and 3 words, all acknowledgements of the lexicon, and the other keeps or resumes the floor "
               "within 1 s.", "heldner2010", nullable=False),
        Column("takes_floor", "bool", "-", "False: a backchannel, or speech wholly inside an IPU of the other.",
               "heldner2010", nullable=False),
        Column("fto_s", "float64", "s", "Floor transfer offset: start minus the previous floor turn's end.",
               "heldner2010", gate="the floor is not taken, or first turn"),
        Column("overlap_between_s", "float64", "s", "Overlap at the floor transfer (-fto where negative).",
               "heldner2010", minimum=0),
        Column("overlap_within_s", "float64", "s", "Other voice's speech wholly inside this turn.", "heldner2010",
               minimum=0),
        Column("word_count", "int32", "1", "Words given to this turn.", "turns", minimum=0, gate="no transcript"),
    ),
    ("session_id", "turn_id"),
)  # fmt: skip

SILENCES = Table(
    "silences",
    "One row per stretch in which nobody speaks, at least `turns.silence_min_s` long.",
    (
        SESSION_ID,
        START_S,
        END_S,
        Column("after_speaker", "int32", "1", "Voice that spoke before.", "frankel2006", minimum=0),
        Column("before_speaker", "int32", "1", "Voice that speaks next.", "frankel2006", minimum=0),
        Column(
            "after_incomplete",
            "bool",
            "-",
            "The words before it end without a closing mark (where the transcript has any), trail off, or end on a "
            "filler or connecting word.",
            "turns",
            gate="no word of the stretch of speech before it is known",
        ),
    ),
)

ROLE_ASSIGNMENT = Table(
    "roles",
    "One row per diarized voice: whose it is.",
    (
        SESSION_ID,
        SPEAKER,
        ROLE,
        Column("confidence", "float32", "1", "0.5 = a guess, 1 = stated.", "roles", minimum=0, maximum=1),
        Column("method", "string", "-", "Where the role comes from.", "roles",
               levels=("session_toml", "transcript", "channel", "heuristic", "none"), nullable=False),
    ),
    ("session_id", "speaker"),
)  # fmt: skip

TURNS = Table(
    "turns",
    "One row per turn with its role and language cues; no transcript text.",
    (
        SESSION_ID,
        TURN_ID,
        START_S,
        END_S,
        SPEAKER,
        ROLE,
        Column("phonation_s", "float64", "s", "Speech inside the turn, pauses left out.", "heldner2010", minimum=0),
        Column("is_backchannel", "bool", "-",
               "At most 1 s and 3 words, all acknowledgements of the lexicon, and the other keeps or resumes the floor "
               "within 1 s.", "heldner2010", nullable=False),
        Column("takes_floor", "bool", "-", "False: a backchannel, or speech wholly inside an IPU of the other.",
               "heldner2010", nullable=False),
        Column("fto_s", "float64", "s", "Floor transfer offset: start minus the previous floor turn's end, signed.", "heldner2010",
               gate="backchannel, first turn, or same speaker before"),
        Column("overlap_between_s", "float64", "s", "Overlap at the floor transfer.", "heldner2010", minimum=0),
        Column("overlap_within_s", "float64", "s", "Other voice's speech inside this turn.", "heldner2010", minimum=0),
        Column("word_count", "int32", "1", "Words in the turn.", "turns", minimum=0, gate="no transcript"),
        Column("word_probability", "float32", "1",
               "How sure the recogniser is of this turn's words: mean of their probabilities; under 0.6 unsure.",
               "transcribe", minimum=0, maximum=1, gate="imported words, or none"),
        Column("diar_confidence", "float32", "1",
               "How sure the diarizer is that this voice speaks: mean over the turn's speech; under 0.7 unsure. By voice: "
               "mean score over all views of a moment; by microphone: how likely the other's voice leaks in weaker.",
               "diarize", minimum=0, maximum=1, gate="the engine gives none", label="certainty of the voice"),
        Column("diar_confidence_reason", "string", "-", "Why diar_confidence is null.", "language", levels=REASONS),
        Column("is_question", "bool", "-",
               "Ends in a question (its mark, or a request such as tell me; without marks its word order), or holds one "
               "that was answered inside it.", "wu2022annomi", gate="no transcript"),
        Column("is_question_reason", "string", "-",
               "Why is_question is null, or degraded: no closing mark in the transcript, or words unsure.", "language",
               levels=REASONS),
        Column("question_end_s", "float64", "s", "Where its last such question ends, session clock.", "language",
               gate="not a question, or no transcript"),
        Column("question_type", "string", "-",
               "Open: its last question has what, how, why or a request, and none of how many, how long, what time or a "
               "tag; else closed.", "wu2022annomi", levels=("open", "closed"),
               gate="not a question, or no transcript"),
        Column("answers_turn_id", "int32", "1", "The question turn this client turn replies to.", "language",
               minimum=0, gate="not a reply to a question"),
        Column("response_latency_s", "float64", "s",
               "Client's floor transfer offset after a therapist question, negative set to 0.", "stivers2009",
               minimum=0, gate="not a reply to a question", label="reply latency"),
        Column("response_latency_z", "float32", "z", "Robust z of log(latency + 0.25), same client, same session.",
               "iglewicz1993", gate="fewer than 10 replies", label="reply latency (z)"),
        Column("response_latency_reason", "string", "-", "Why the latency is null or degraded.", "language",
               levels=LATENCY_REASONS),
        Column("reply_words", "int32", "1", "Words in the reply.", "language", minimum=0, gate="not a reply"),
        Column("reply_minimal", "bool", "-", "Reply of at most `language.minimal_reply_words` words.", "eubanks2019",
               gate="not a reply"),
        Column("reply_agreeing", "bool", "-", "The whole reply is acknowledgements or says to be unsure, fillers aside.", "eubanks2019",
               gate="not a reply"),
        Column("reply_echo_ratio", "float32", "1", "Share of the reply's content words that the question has too.",
               "language", minimum=0, maximum=1, gate="not a reply, or under 4 content words", label="echo of the question"),
        Column("reply_echo_ratio_reason", "string", "-", "Why the echo ratio is null.", "language", levels=REASONS),
        Column("response_latency_lexical_s", "float64", "s",
               "From the question's end to the reply's first word that is no filler, negative set to 0.", "stivers2009",
               minimum=0, gate="not a reply, only fillers, or word times not measured", label="latency to the first word"),
        Column("response_latency_lexical_z", "float32", "z", "Robust z of log(it + 0.25), same client, same session.",
               "iglewicz1993", gate="fewer than 10 such latencies", label="latency to the first word (z)"),
        Column("response_latency_lexical_reason", "string", "-", "Why it is null or degraded.", "language",
               levels=LATENCY_REASONS),
        Column("interruption", "bool", "-",
               "Begins while the other speaks on for at least 0.5 s, and the other stops within 1 s of its start.",
               "heldner2010", gate="the floor is not taken from another"),
        Column("therapist_hold_s", "float64", "s", "Length of a therapist's turn, what the client says meanwhile bridged.",
               "language", minimum=0, gate="not a floor turn of the therapist", label="therapist's hold"),
        Column("directive_strong", "int32", "1", "Phrases that tell the other what to do (you should, I suggest).",
               "wu2022annomi", minimum=0, gate="no word of it is known", label="directive phrases"),
        Column("permission_phrase", "bool", "-", "Asks leave, offers a choice, or leaves the decision to the other.",
               "language", gate="no word of it is known"),
        Column("certainty_phrase", "bool", "-", "States as certain (trust me, definitely).", "language",
               gate="no word of it is known"),
        Column("generalising", "int32", "1", "Absolute words (the 19 of Al-Mosaiwi & Johnstone 2018) and group phrases.",
               "almosaiwi2018", minimum=0, gate="no word of it is known", label="generalising words"),
        Column("self_disclosure", "bool", "-", "Phrases about the speaker's own life.", "language",
               gate="under 8 words"),
        Column("reflection", "bool", "-", "Says back what the other said or may mean, by its opening words.",
               "wu2022annomi", gate="no word of it is known"),
        Column("affirmation", "bool", "-", "Names a strength, an effort or a success of the other.", "wu2022annomi",
               gate="no word of it is known"),
        Column("somatic_question", "bool", "-", "Asks what is felt in the body.", "language",
               gate="no word of it is known"),
        Column("solicit_feedback", "string", "-",
               "Asks how the session goes: general (how was today), specific (anything I missed).", "language",
               levels=("none", "general", "specific"), gate="no word of it is known"),
        Column("repair_marker", "int32", "1",
               "One each for looking back at the shared work, owning a part, inviting the other's view.", "eubanks2019",
               minimum=0, maximum=3, gate="no word of it is known"),
        Column("client_demur", "bool", "-", "Client's turn opens by holding back (I don't know, yes but).", "eubanks2019",
               gate="not a client's turn after a directive or an affirmation"),
        Column("words_reason", "string", "-", "Why the cues in its wording are null, or degraded: words unsure.", "language", levels=REASONS),
        *cue(Column("topic_cohesion", "float32", "1",
                    "Cosine of TF-IDF of its content words with those of the three floor turns before it.", "language",
                    minimum=0, maximum=1, gate="under 8 words, or no content word on either side",
                    label="topic cohesion"), REASONS),
    ),
    ("session_id", "turn_id"),
)  # fmt: skip

PHRASE_CUES = (
    "directive_strong", "permission_phrase", "certainty_phrase", "generalising", "self_disclosure", "reflection",
    "affirmation", "somatic_question", "feedback_general", "feedback_specific", "repair_past", "repair_ownership",
    "repair_invitation", "demur",
)  # fmt: skip
"""Cues in the wording of a turn, by the names of their lists in the lexicon."""

PHRASES = Table(
    "phrases",
    "One row per phrase behind a cue of `turns`, quoted. Present only where transcription is consented to.",
    (
        SESSION_ID,
        TURN_ID,
        Column("cue", "string", "-", "Which list of the lexicon it is from.", "language", levels=PHRASE_CUES,
               nullable=False),
        START_S,
        END_S,
        Column("text", "string", "-", "The words as transcribed, with punctuation.", "transcribe", nullable=False),
    ),
)  # fmt: skip

_PROSODY_VALUES = (
    Column("phonation_s", "float64", "s", "Speech of this voice.", "dejong2009", minimum=0),
    Column("pause_prop", "float32", "1", "Silent time of at least 0.2 s inside turns over turn time.", "dejong2009",
           minimum=0, maximum=1, gate="turn time under 3 s", label="pause share"),
    Column("syllables", "int32", "1",
           "Acoustic syllable nuclei: voiced peaks of the level, dips of 2 dB on both sides, within 25 dB of the loudest.",
           "dejong2009", minimum=0, gate="SNR under 10 dB"),
    Column("speech_rate_sps", "float32", "syllable/s", "Syllables over turn time.", "dejong2009", minimum=0,
           gate="under 10 syllables, or SNR under 10 dB", label="speech rate"),
    Column("articulation_rate_sps", "float32", "syllable/s", "Syllables over phonation time.", "dejong2009", minimum=0,
           gate="under 10 syllables or 3 s phonation, or SNR under 10 dB", label="articulation rate"),
    Column("f0_median_hz", "float32", "Hz",
           "Median fundamental frequency of voiced frames; limits 0.75 q25 and 1.5 q75 of a first pass.", "delooze2010",
           minimum=30, maximum=1000, gate="voiced under 0.5 s, overlap, or SNR under 15 dB", label="pitch"),
    Column("f0_sd_st", "float32", "semitone", "SD of 12 log2 F0 over voiced frames.", "delooze2010", minimum=0,
           gate="voiced under 0.5 s, overlap, or SNR under 15 dB", label="pitch spread"),
    Column("f0_range80_st", "float32", "semitone", "P90 - P10 of 12 log2 F0 over voiced frames.", "delooze2010", minimum=0,
           gate="voiced under 0.5 s, overlap, or SNR under 15 dB"),
    Column("voiced_prop", "float32", "1", "Voiced frames over speech frames.", "mauch2014pyin", minimum=0, maximum=1,
           gate="SNR under 15 dB"),
    Column("intensity_rel_db", "float32", "dB",
           "Level (10 lg of mean power, Hann window of 64 ms), median, minus this voice's session median.", "prosody",
           gate="no speech of this voice alone", label="loudness"),
    Column("intensity_rel_db_reason", "string", "-",
           "Why it is null, or degraded: gain_control where the noise floor rises by 3 dB in three of four silences.",
           "prosody", levels=REASONS),
    Column("hnr_db", "float32", "dB",
           "Harmonics-to-noise ratio by cross-correlation (Boersma 1993), 10 lg(r / (1 - r)), mean of voiced frames. "
           "Stored only, no rule reads it.",
           "boersma1993", gate="SNR under 30 dB or not measured, or no voiced frame"),
    Column("jitter_local", "float32", "%",
           "Mean difference of neighbouring periods over the mean period (Praat). Stored only, no rule reads it.",
           "boersma1993", minimum=0, gate="as hnr_db, or under 30 pairs of periods"),
    Column("shimmer_local", "float32", "%",
           "Mean difference of neighbouring periods' amplitudes over the mean (Praat). Stored only, no rule reads it.",
           "boersma1993", minimum=0, gate="as jitter_local; fails in an ordinary room (Yousef & Hunter 2024)"),
    Column("voice_quality_reason", "string", "-", "Why hnr_db, jitter_local or shimmer_local is null.", "prosody",
           levels=REASONS),
    REASON,
)  # fmt: skip

PROSODY_CUES = (
    "articulation_rate_sps", "speech_rate_sps", "pause_prop", "f0_median_hz", "f0_sd_st", "f0_range80_st",
    "intensity_rel_db",
)  # fmt: skip
"""Values of a turn that are also held against the same person's other turns."""

_PROSODY_BASELINES = tuple(
    column
    for value in _PROSODY_VALUES
    if value.name in PROSODY_CUES
    for column in cue(value, REASONS)[1:]
    if column.name not in {declared.name for declared in _PROSODY_VALUES}
)

PROSODY = Table(
    "prosody",
    "One row per turn: how it was said, measured on speech of that voice alone. A z compares a turn with the other "
    "turns of the same voice after 120 s; that of f0_median_hz is taken in semitones.",
    (SESSION_ID, TURN_ID, START_S, END_S, ROLE, *_PROSODY_VALUES, *_PROSODY_BASELINES),
    ("session_id", "turn_id"),
)

PITCH = Table(
    "pitch",
    "One row per frame in which a voice is heard alone and has a pitch. Kept in the store only.",
    (
        SESSION_ID,
        START_S,
        END_S,
        SPEAKER,
        ROLE,
        Column("f0_hz", "float32", "Hz", "Fundamental frequency (pYIN, two-pass limits).", "mauch2014pyin", minimum=30,
               maximum=1000),
    ),
    private=True,
)  # fmt: skip

SOUND_LEVELS = Table(
    "sound_levels",
    "One row per 0.1 s: how loud the recording is. Kept in the store only.",
    (
        SESSION_ID,
        START_S,
        Column("level_db", "float32", "dB", "20 lg RMS re full scale.", "prosody", gate="every sample is 0"),
        Column("heard", "string", "-", "Wholly speech of anyone, or wholly the room.", "prosody",
               levels=("speech", "room"), gate="an edge of speech"),
    ),
    private=True,
)  # fmt: skip

PROSODY_SLICES = Table(
    "prosody_slices",
    "One row per role and fixed slice of 10 s.",
    (SESSION_ID, START_S, END_S, ROLE, *_PROSODY_VALUES),
    ("session_id", "role", "start_s"),
)

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
    "One row per video frame and person looked at: scalars only, no image, no landmark. Axes and signs are drawn in pipeline/face_axes.svg.",
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
        Column("gaze_pitch_deg", "float32", "deg", "Head pitch plus eye rotation; + = up.", "face",
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
"""What is looked for in a face over time; `pipeline.face_events` defines each."""

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

_RATER = Column("rater", "string", "-", "Who turned the dial.", "girard2014carma", levels=("client", "therapist"),
                nullable=False)  # fmt: skip

RATINGS = Table(
    "ratings",
    "One row per rater and second of the session.",
    (
        SESSION_ID,
        _RATER,
        T_S,
        Column("value_raw", "float32", "points", "As rated at this media second: 0 hindering, 50 neutral, 100 helpful.",
               "girard2014carma", minimum=0, maximum=100, gate="not rated"),
        Column("value", "float32", "points", "The same with the reaction lag taken off.", "mariooryad2015", minimum=0,
               maximum=100, gate="not rated, or the first seconds", label="dial"),
    ),
    ("session_id", "rater", "t_s"),
)  # fmt: skip

RATING_QUALITY = Table(
    "rating_quality",
    "One row per rater: whether the dial can be read, and its summary.",
    (
        SESSION_ID,
        _RATER,
        QUALITY,
        Column(
            "sentence",
            "string",
            "-",
            "What is wrong with it, in words; empty if nothing.",
            "ratings",
        ),
        Column(
            "layout", "string", "-", "Layout of the file.", "ratings",
            levels=("carma", "carma_table", "darma", "time_rating", "event_log"),
        ),
        Column("axis_low", "float64", "1", "What the file shows for hindering; 0 in our ratings.", "ratings"),
        Column("axis_high", "float64", "1", "What the file shows for helpful; 100 in our ratings.", "ratings"),
        Column(
            "direction", "string", "-",
            "Whether the file's words agree that high is helpful; stated: session.toml says so. Never turned round by us.",
            "ratings", levels=("labelled", "stated", "reversed", "unlabelled"),
        ),
        Column("clock", "string", "-", "What its times count: the media, or a wall clock.", "ratings",
               levels=("media", "wall")),
        Column("parts", "int32", "1", "Files the rating is made of.", "ratings", minimum=1),
        Column("passes", "int32", "1", "1, and one more for each time the film was moved back; a moment counts once.",
               "ratings", minimum=1),
        Column("lag_s", "float64", "s", "Reaction lag taken off.", "mariooryad2015", minimum=0),
        Column("lag_estimate_s", "float64", "s",
               "How long after changes of turn this dial moves most; information only, nothing is shifted by it.",
               "mariooryad2015", minimum=0, maximum=6, gate="no lag stands out, or too little to tell it from"),
        Column("lag_low_s", "float64", "s", "Lower end of its 95 % interval.", "mariooryad2015",
               gate="as the estimate"),
        Column("lag_high_s", "float64", "s", "Upper end of its 95 % interval.", "mariooryad2015",
               gate="as the estimate"),
        Column("lag_reason", "string", "-", "Why the lag cannot be told.", "ratings", levels=REASONS),
        Column(
            "coverage",
            "float32",
            "1",
            "Share of the session rated.",
            "ratings",
            minimum=0,
            maximum=1,
        ),
        Column("moves", "int32", "1", "Changes of at least 2 points.", "ratings", minimum=0),
        Column(
            "longest_hold_s",
            "float64",
            "s",
            "Longest stretch without a change.",
            "ratings",
            minimum=0,
        ),
        Column("dial_mean", "float32", "points", "Mean.", "ratings", minimum=0, maximum=100),
        Column("dial_median", "float32", "points", "Median.", "ratings", minimum=0, maximum=100),
        Column("dial_sd", "float32", "points", "Standard deviation.", "ratings", minimum=0),
        Column("dial_iqr", "float32", "points", "Interquartile range.", "ratings", minimum=0, maximum=100),
        Column("dial_range", "float32", "points", "Highest minus lowest second.", "ratings", minimum=0, maximum=100),
        Column("dial_mssd", "float32", "points^2", "Mean squared successive difference of 5 s means.",
               "vonneumann1941", minimum=0, gate="no two neighbouring 5 s rated"),
        Column("dial_excursions", "int32", "1",
               "Stretches of at least 10 s, on one side, more than 10 points off the rater's own median.", "ratings",
               minimum=0),
        Column(
            "dial_prop_helpful", "float32", "1", "Share above 55.", "ratings", minimum=0, maximum=1
        ),
        Column(
            "dial_prop_neutral",
            "float32",
            "1",
            "Share from 45 to 55.",
            "ratings",
            minimum=0,
            maximum=1,
        ),
        Column(
            "dial_prop_hindering",
            "float32",
            "1",
            "Share below 45.",
            "ratings",
            minimum=0,
            maximum=1,
        ),
    ),
    ("session_id", "rater"),
)

RATING_SEGMENTS = Table(
    "rating_segments",
    "One row per picked segment: the highest and lowest of each rater.",
    (
        SESSION_ID,
        _RATER,
        Column("kind", "string", "-", "Highest or lowest.", "ratings", levels=("high", "low"), nullable=False),
        Column("rank", "int32", "1", "1 = most extreme.", "ratings", minimum=1, nullable=False),
        START_S,
        END_S,
        Column("mean", "float32", "points", "Mean rating in it.", "ratings", minimum=0, maximum=100),
        Column("depth_madn", "float32", "MADN", "Distance from the session median in scaled MADs.", "ratings",
               minimum=0),
        Column("label", "string", "-", "hindering and helpful only beyond 45 and 55.", "ratings",
               levels=("hindering", "least helpful", "helpful", "most helpful"), nullable=False),
        Column("low_confidence", "bool", "-", "The dial failed a quality gate.", "ratings", nullable=False),
    ),
    ("session_id", "rater", "kind", "rank"),
)  # fmt: skip

_DIALS_DIFFER = "a dial is missing or doubtful, under 15 min both rated, or a dial never moves"
_VIEWS = ("helpful", "neutral", "hindering")

CONGRUENCE = Table(
    "congruence",
    "One row: how far the two raters of the session agree, with what chance gives.",
    (
        SESSION_ID,
        Column("n_bins", "int32", "1", "Bins of 5 s in which both rated.", "agreement", minimum=0),
        Column("n_eff", "float64", "1", "How many independent bins they are worth.", "pyper1998", minimum=0,
               gate=_DIALS_DIFFER),
        Column("r", "float64", "1", "Pearson's correlation of the bins.", "agreement", minimum=-1, maximum=1,
               gate=_DIALS_DIFFER, label="correlation of the dials"),
        Column("r_low", "float64", "1", "Lower end of its 95 % interval by n_eff.", "pyper1998", minimum=-1, maximum=1,
               gate=_DIALS_DIFFER),
        Column("r_high", "float64", "1", "Upper end of its 95 % interval by n_eff.", "pyper1998", minimum=-1, maximum=1,
               gate=_DIALS_DIFFER),
        Column("r_p_shift", "float64", "1", "Share of circular shifts of at least 60 s with |r| as large.", "agreement",
               minimum=0, maximum=1, gate=_DIALS_DIFFER),
        Column("rho", "float64", "1", "Spearman's correlation of the bins.", "agreement", minimum=-1, maximum=1,
               gate=_DIALS_DIFFER),
        Column("rho_p_shift", "float64", "1", "Share of circular shifts with |rho| as large.", "agreement", minimum=0,
               maximum=1, gate=_DIALS_DIFFER),
        Column("ccc", "float64", "1", "Concordance: 1 where both dials show the same values.", "lin1989", minimum=-1,
               maximum=1, gate=_DIALS_DIFFER),
        Column("r_difference", "float64", "1", "Correlation of the changes from bin to bin.", "agreement", minimum=-1,
               maximum=1, gate=_DIALS_DIFFER),
        Column("peak_lag_s", "float64", "s", "Lag within 10 s at which the seconds correlate most; + = therapist follows.",
               "agreement", gate=_DIALS_DIFFER),
        Column("peak_r", "float64", "1", "Correlation of the seconds at that lag.", "agreement", minimum=-1, maximum=1,
               gate=_DIALS_DIFFER),
        Column("peak_p_shift", "float64", "1", "Share of circular shifts whose own best lag does as well.", "agreement",
               minimum=0, maximum=1, gate=_DIALS_DIFFER),
        Column("mean_difference", "float64", "points", "Therapist minus client, mean of the seconds both rated.",
               "agreement", gate=_DIALS_DIFFER),
        Column("bias", "float64", "points", "b0: therapist minus client at the client's mean.", "west2011",
               gate=_DIALS_DIFFER),
        Column("bias_low", "float64", "points", "Lower end of its 95 % interval (HAC).", "neweywest1987",
               gate=_DIALS_DIFFER),
        Column("bias_high", "float64", "points", "Upper end of its 95 % interval (HAC).", "neweywest1987",
               gate=_DIALS_DIFFER),
        Column("tracking", "float64", "1", "b1: points the therapist's dial moves per point of the client's.", "west2011",
               gate=_DIALS_DIFFER),
        Column("tracking_low", "float64", "1", "Lower end of its 95 % interval (HAC).", "neweywest1987",
               gate=_DIALS_DIFFER),
        Column("tracking_high", "float64", "1", "Upper end of its 95 % interval (HAC).", "neweywest1987",
               gate=_DIALS_DIFFER),
        Column("is_interpretable", "bool", "-", "At least 30 effective bins; otherwise read nothing from these numbers.",
               "agreement", nullable=False),
        REASON,
        Column("kappa", "float64", "1", "Cohen's kappa of helpful, neutral and hindering bins.", "agreement", minimum=-1,
               maximum=1, gate=_DIALS_DIFFER + ", or all of one kind"),
        *(
            Column(f"client_{mine}_therapist_{other}_bins", "int32", "1",
                   f"Bins the client rated {mine} and the therapist {other}.", "agreement", minimum=0,
                   gate=_DIALS_DIFFER)
            for mine in _VIEWS for other in _VIEWS
        ),
        Column("high_overlap_count", "int32", "1", "Client's highest stretches that the therapist picked too.",
               "swift2016", minimum=0, gate=_DIALS_DIFFER),
        Column("high_overlap_iou", "float64", "1", "Time in common of all highest stretches over the time either covers.",
               "swift2016", minimum=0, maximum=1, gate=_DIALS_DIFFER + ", or a rater has none"),
        Column("low_overlap_count", "int32", "1", "Client's lowest stretches that the therapist picked too.",
               "swift2016", minimum=0, gate=_DIALS_DIFFER),
        Column("low_overlap_iou", "float64", "1", "Time in common of all lowest stretches over the time either covers.",
               "swift2016", minimum=0, maximum=1, gate=_DIALS_DIFFER + ", or a rater has none"),
        Column("shared_low", "bool", "-", "At least one lowest stretch is shared.", "swift2016", gate=_DIALS_DIFFER),
        Column("guess_count", "int32", "1", "Stretches the therapist labelled blindly.", "swift2016", minimum=0,
               gate="no guess task, or no client's dial"),
        Column("guess_correct", "int32", "1", "Of these, labelled as the client's dial has them.", "swift2016",
               minimum=0, gate="no guess task, or no client's dial"),
        Column("guess_p", "float64", "1", "Share of blind guesses with at least as many right, exact.", "agreement",
               minimum=0, maximum=1, gate="no guess task, no client's dial, or not blinded"),
        Column("guess_split_known", "bool", "-", "The therapist knew how many of each there were.", "swift2016",
               gate="as guess_count"),
        Column("guess_reason", "string", "-", "Why it is null.", "agreement", levels=REASONS),
    ),
    ("session_id",),
)  # fmt: skip

DIAL_MOMENTS = Table(
    "dial_moments",
    "One row per stretch in which the dials lie far apart, or that both raters picked as lowest.",
    (
        SESSION_ID,
        Column("kind", "string", "-", "Far apart, or lowest for both.", "agreement", levels=("divergence", "shared_low"),
               nullable=False),
        Column("rank", "int32", "1", "1 = farthest apart; shared ones in time order.", "agreement", minimum=1,
               nullable=False),
        START_S,
        END_S,
        Column("session_prop", "float64", "1", "Where its middle lies: 0 = the session's start, 1 = its end.",
               "agreement", minimum=0, maximum=1, nullable=False),
        Column("peak_s", "float64", "s", "Where the dials are farthest apart.", "agreement", gate="shared_low"),
        Column("divergence", "float64", "points", "There: client minus therapist, each from its own median.", "swift2017",
               gate="shared_low"),
        Column("usual_divergence", "float64", "points", "Median divergence of the session.", "agreement",
               gate="shared_low"),
        Column("depth_madn", "float32", "MADN", "There: distance from the usual in scaled MADs.", "agreement",
               gate="shared_low, or the divergence never varies"),
    ),
    ("session_id", "kind", "rank"),
)  # fmt: skip

GUESSES = Table(
    "guesses",
    "One row per stretch the therapist labelled without having seen the client's dial.",
    (
        SESSION_ID,
        START_S,
        END_S,
        Column("guess", "string", "-", "The therapist's label.", "swift2016", levels=("helpful", "hindering"),
               nullable=False),
        Column("rated", "string", "-", "What the client's dial picked it as: highest helpful, lowest hindering.",
               "swift2016", levels=("helpful", "hindering"), gate="not one of the client's picked stretches"),
        Column("is_correct", "bool", "-", "Both are the same.", "agreement", gate="as rated"),
    ),
)  # fmt: skip

RATING_REASONS = Table(
    "rating_reasons",
    "One row per reason a rater gave for a stretch, quoted. As private as a transcript.",
    (
        SESSION_ID,
        _RATER,
        START_S,
        END_S,
        Column("kind", "string", "-", "Which picked stretch it is about.", "agreement", levels=("high", "low"),
               gate="none of this rater's picked stretches"),
        Column("rank", "int32", "1", "1 = most extreme.", "agreement", minimum=1, gate="as kind"),
        Column("text", "string", "-", "In the rater's own words.", "agreement", nullable=False),
    ),
)  # fmt: skip

WINDOW_CUES = (
    Column("client_response_latency_s", "float32", "s", "Longest reply latency of replies that start here.",
           "stivers2009", minimum=0, gate="no reply starts here; z is that reply's own", label="reply latency"),
    Column("client_articulation_rate_sps", "float32", "syllable/s", "Client's syllables over phonation time.",
           "dejong2009", minimum=0, gate="under 10 syllables or 3 s phonation, or SNR under 10 dB", label="articulation rate"),
    Column("client_speech_rate_sps", "float32", "syllable/s", "Client's articulation rate times (1 - pause share).",
           "dejong2009", minimum=0, gate="as either", label="speech rate"),
    Column("client_pause_prop", "float32", "1", "Client's silent time of at least 0.2 s inside turns over turn time.",
           "dejong2009", minimum=0, maximum=1, gate="turn time under 3 s", label="pause share"),
    Column("client_f0_sd_st", "float32", "semitone", "Client's pitch spread: SD of F0 over voiced frames.",
           "delooze2010", minimum=0, gate="voiced under 0.5 s, overlap, or SNR under 15 dB", label="pitch spread"),
    Column("client_f0_range80_st", "float32", "semitone", "Client's pitch range: P90 - P10 of F0 over voiced frames.",
           "delooze2010", minimum=0, gate="voiced under 0.5 s, overlap, or SNR under 15 dB", label="pitch range"),
    Column("therapist_articulation_rate_sps", "float32", "syllable/s", "Therapist's syllables over phonation time.",
           "dejong2009", minimum=0, gate="under 10 syllables or 3 s phonation, or SNR under 10 dB", label="therapist's articulation rate"),
    Column("therapist_speech_rate_sps", "float32", "syllable/s",
           "Therapist's articulation rate times (1 - pause share).", "dejong2009", minimum=0, gate="as either",
           label="therapist's speech rate"),
    Column("therapist_pause_prop", "float32", "1",
           "Therapist's silent time of at least 0.2 s inside turns over turn time.", "dejong2009", minimum=0, maximum=1, gate="turn time under 3 s", label="therapist's pause share"),
    Column("therapist_f0_sd_st", "float32", "semitone", "Therapist's pitch spread: SD of F0 over voiced frames.",
           "delooze2010", minimum=0, gate="voiced under 0.5 s, overlap, or SNR under 15 dB",
           label="therapist's pitch spread"),
    Column("therapist_f0_range80_st", "float32", "semitone",
           "Therapist's pitch range: P90 - P10 of F0 over voiced frames.", "delooze2010", minimum=0,
           gate="voiced under 0.5 s, overlap, or SNR under 15 dB", label="therapist's pitch range"),
    Column("therapist_directive_strong_pk", "float32", "per 1,000 words",
           "Therapist's directive phrases per 1,000 of the therapist's words in the 300 s around.", "wu2022annomi",
           minimum=0, gate="under 100 words of the therapist there", label="therapist's directive phrases"),
    Column("client_gaze_path_rate_dps", "float32", "deg/s",
           "Gaze travel per second while listening, medians of 0.2 s, blinks left out. Null for below_noise: under "
           "client_gaze_limit_dps, and z is that of the limit, the least it can lie away.", "danbock2021", minimum=0,
           gate="under 15 fps, small face, under 70 % valid frames, or under twice the noise", label="gaze travel"),
    Column("client_stare_run_s", "float32", "s", "Longest run of gaze inside a 5 deg circle while listening.",
           "danbock2021", minimum=0, gate="under 15 fps, small face, or under 70 % valid frames",
           label="longest still gaze"),
    Column("client_gaze_modal_prop", "float32", "1", "Share within 10 deg of the commonest gaze direction.",
           "zhang2017", minimum=0, maximum=1, gate="as longest still gaze", label="commonest gaze direction"),
    Column("client_gaze_dispersion_deg", "float32", "deg", "Root mean square gaze deviation from it.", "zhang2017",
           minimum=0, gate="as longest still gaze", label="gaze spread"),
    Column("client_blink_rate_speaking_pm", "float32", "1/min",
           "Blinks per minute of the client's own speech in the 180 s around; baseline every 30 s.",
           "bentivoglio1997", minimum=0,
           gate="under 20 fps, small face, under 70 % valid frames, or under 45 s of speech",
           label="blinks while speaking"),
    Column("client_blink_rate_listening_pm", "float32", "1/min", "The same while the client does not speak.",
           "bentivoglio1997", minimum=0,
           gate="under 20 fps, small face, under 70 % valid frames, or under 45 s of listening",
           label="blinks while listening"),
    Column("client_head_speed_dps", "float32", "deg/s", "Median head rotation speed; z among windows of the same "
           "state: mostly speaking or not.", "face", minimum=0, gate="under 10 fps, or no head pose",
           label="head speed"),
    Column("client_eye_closure_p80_prop", "float32", "1",
           "Share of the 60 s around with lids at least 80 % down, shut or cast down (PERCLOS P80); z as head speed.",
           "wierwille1994", minimum=0, maximum=1, gate="under 15 fps, small face, or under 70 % of lids measured",
           label="eye closure"),
    Column("client_nod_slow_pm", "float32", "1/min", "Nods under 2.6 Hz per minute with head pose; z as head speed.",
           "hale2020", minimum=0, gate="under 15 fps, or no head pose", label="slow nods"),
    Column("client_nod_fast_pm", "float32", "1/min", "Nods over 2.6 Hz per minute with head pose; z as head speed.",
           "hale2020", minimum=0, gate="under 15 fps, or no head pose", label="fast nods"),
    Column("client_face_motion_sd", "float32", "SD",
           "Standard deviation of mouth and brow openings here over that of the session, mean; the mouth only while "
           "listening; z as head speed.", "align", minimum=0, gate="under 10 fps, or under 70 % valid frames",
           label="face movement"),
    Column("client_mea", "float32", "SD", "Client's motion energy, mean; z as head speed.", "ramseyer2011", minimum=0,
           gate="under 70 % of the time not masked, or no region", label="movement"),
    Column("therapist_mea", "float32", "SD", "Therapist's motion energy, mean; z as head speed, by the client's state.",
           "ramseyer2011", minimum=0, gate='movement.therapist is not "windows"; else as client_mea',
           label="therapist's movement"),
)  # fmt: skip

WINDOWS = Table(
    "windows",
    "The analysis table: one row per 30 s window every 5 s, all cues and both dials on one clock.",
    (
        SESSION_ID,
        START_S,
        END_S,
        Column("audio_snr_db", "float32", "dB",
               "Speech to noise: P90 of the level of speech here over P10 of the room's in the 300 s around, frames of 0.1 s. "
               "From 15 dB ok, under 10 dB only talk time and words count.", "align",
               gate="under 5 frames of speech here, or of room around", label="speech to noise"),
        Column("talk_ratio_therapist", "float32", "1", "Therapist's speech over both people's, here.", "align", minimum=0,
               maximum=1, gate="no speech, or roles unknown", label="therapist talk share"),
        Column("talk_ratio_therapist_5min", "float32", "1", "The same over the 300 s around.", "align", minimum=0,
               maximum=1, gate="no speech, or roles unknown", label="therapist talk share, 5 min"),
        Column("turns_per_min", "float32", "1/min", "Changes of the floor per minute of the 300 s around.",
               "heldner2010", minimum=0, gate="nobody takes the floor in the session", label="changes of the floor"),
        Column("client_speech_s", "float32", "s", "Client's speech here.", "align", minimum=0,
               gate="roles unknown"),
        Column("silence_max_s", "float32", "s", "Longest silence that touches this window; 0 where no listed one does.", "frankel2006",
               minimum=0, gate="no speech in the session"),
        Column("question_count", "int32", "1", "Therapist questions that end here.", "language", minimum=0,
               gate="no transcript"),
        Column("client_replies_minimal", "int32", "1",
               "Of the last 3 replies to open questions, how many were minimal or pure acknowledgement.", "language",
               minimum=0, maximum=3, gate="fewer than 3 such replies so far, or no transcript"),
        Column("client_face_valid_prop", "float32", "1", "Share of frames good enough for gaze.", "face", minimum=0,
               maximum=1, gate="no video", label="valid face share"),
        Column("client_face_reason", "string", "-", "The commonest reason of the frames that were not.", "face",
               levels=REASONS, gate="all were good enough, or no video"),
        Column("client_face_iod_px", "float32", "px", "Distance between the eye centres, median.", "face", minimum=0,
               gate="no face", label="face size"),
        Column("client_video_hz", "float32", "Hz", "Frames looked at per second.", "face", minimum=0,
               gate="no video", label="frame rate"),
        Column("client_gaze_limit_dps", "float32", "deg/s",
               "Gaze travel under this is not told from measurement noise: twice the session's noise floor.", "align",
               minimum=0, gate="too little gaze measured"),
        *(column for declared in WINDOW_CUES[:1] for column in cue(declared, LATENCY_REASONS)),
        *(column for declared in WINDOW_CUES[1:] for column in cue(declared, REASONS)),
        Column("dial_client", "float32", "points", "Client's dial, mean, lag taken off.", "girard2014carma",
               minimum=0, maximum=100, gate="not rated", label="client's dial"),
        Column("dial_therapist", "float32", "points", "Therapist's dial, mean, lag taken off.", "girard2014carma",
               minimum=0, maximum=100, gate="not rated", label="therapist's dial"),
        Column("dial_divergence", "float32", "points", "Client minus therapist, each minus its own median.",
               "swift2017", gate="either not rated", label="dial divergence"),
    ),
    ("session_id", "start_s"),
)  # fmt: skip

SESSION_FEATURES = Table(
    "session_features",
    "One row per session-level feature.",
    (
        SESSION_ID,
        Column("feature", "string", "-", "Name, unit at its end.", "align", nullable=False),
        Column("value", "float64", "-", "The value, in the unit its name ends with.", "align"),
        REASON,
        Column("description", "string", "-", "What it is.", "align", nullable=False),
    ),
    ("session_id", "feature"),
)

CANDIDATES = Table(
    "candidates",
    "One row per moment proposed for a person's review.",
    (
        SESSION_ID,
        Column("candidate_id", "string", "-", "Rule and start, stable between runs.", "candidates", nullable=False),
        Column("rule", "string", "-", "Which rule proposed it.", "candidates", levels=("R1", "R2", "R3", "R4", "R6"),
               nullable=False),
        Column("rule_version", "int32", "1", "Version of the rule.", "candidates", minimum=1, nullable=False),
        Column("rank", "int32", "1", "Within the rule (and rater), 1 first.", "candidates", minimum=1, nullable=False),
        START_S,
        END_S,
        Column("who", "string", "-", "Whose rating or behaviour.", "candidates", levels=(*ROLES, "both"),
               nullable=False),
        Column("title", "string", "-", "What was observed, in words.", "candidates", nullable=False),
        Column("score", "float32", "1", "For ordering only; not a probability.", "candidates", minimum=0),
        Column("low_confidence", "bool", "-", "Rests on degraded measurements.", "candidates", nullable=False),
    ),
    ("session_id", "candidate_id"),
)  # fmt: skip

EVIDENCE = Table(
    "evidence",
    "One row per number behind a candidate.",
    (
        SESSION_ID,
        Column("candidate_id", "string", "-", "Which candidate.", "candidates", nullable=False),
        Column("feature", "string", "-", "Column it comes from.", "candidates", nullable=False),
        Column("t_s", "float64", "s", "When it was most marked.", "candidates"),
        Column("value", "float64", "-", "Observed.", "candidates"),
        Column(
            "usual",
            "float64",
            "-",
            "What z compares it with: this person's own median in this session.",
            "candidates",
        ),
        Column("z", "float64", "z", "Robust z.", "candidates"),
        Column("unit", "string", "-", "Unit of value and usual.", "candidates", nullable=False),
        Column(
            "at_most",
            "bool",
            "-",
            "The value is a limit, and so is z: it was too small to be told from measurement noise.",
            "candidates",
            nullable=False,
        ),
        QUALITY,
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SESSIONS,
        MEDIA,
        QUALITY_FIGURES,
        FORMS,
        SPEECH,
        DIARIZATION,
        WORDS,
        TRANSCRIPTION,
        SPEAKER_TURNS,
        SILENCES,
        ROLE_ASSIGNMENT,
        TURNS,
        PHRASES,
        PROSODY,
        PROSODY_SLICES,
        PITCH,
        SOUND_LEVELS,
        LANDMARKS,
        MOTION_GRID,
        SEATS,
        FACE_FRAMES,
        FACE_EVENTS,
        CUE_CHECK,
        MOTION,
        MOTION_REGIONS,
        SYNCHRONY,
        RATINGS,
        RATING_QUALITY,
        RATING_SEGMENTS,
        CONGRUENCE,
        DIAL_MOMENTS,
        GUESSES,
        RATING_REASONS,
        WINDOWS,
        EVENTS,
        SESSION_FEATURES,
        CANDIDATES,
        EVIDENCE,
    )
}
"""All tables by name, in the order of the stages that write them."""

_DYAD = Column("dyad_id", "string", "-", "Pseudonym of the pair.", "ingest", nullable=False)
_FEATURE_UNIT = Column(
    "feature_unit", "string", "-", "Unit of delta and of its limits.", "study", nullable=False
)

STUDY_VARIABILITY = Table(
    "study_variability",
    "Aim 1 of the study, one row per session and rater: how much a dial varied. Of the dial as turned, no lag taken off.",
    (
        _DYAD,
        SESSION_ID,
        Column("session_number", "int32", "1", "Which session of the dyad.", "ingest", minimum=1),
        _RATER,
        Column("used", "bool", "-", "Takes part: covers enough of the session.", "study", nullable=False),
        Column("coverage", "float32", "1", "Share of the session rated.", "ratings", minimum=0, maximum=1),
        Column("dial_mean", "float32", "points", "Mean.", "ratings", minimum=0, maximum=100, gate="not rated",
               label="mean"),
        Column("dial_sd", "float32", "points", "Standard deviation.", "ratings", minimum=0, gate="not rated",
               label="SD"),
        Column("dial_iqr", "float32", "points", "Upper minus lower quartile.", "study", minimum=0, maximum=100,
               gate="not rated", label="interquartile range"),
        Column("dial_range", "float32", "points", "Highest minus lowest.", "study", minimum=0, maximum=100,
               gate="not rated", label="range"),
        Column("dial_mssd", "float32", "points^2", "Mean squared difference of successive bins of 5 s.", "vonneumann1941",
               minimum=0, gate="not rated", label="mean squared successive difference"),
        Column("dial_prop_helpful", "float32", "1", "Share above 55.", "ratings", minimum=0, maximum=1, gate="not rated",
               label="share helpful (above 55)"),
        Column("dial_prop_neutral", "float32", "1", "Share from 45 to 55.", "ratings", minimum=0, maximum=1,
               gate="not rated", label="share neutral (45 to 55)"),
        Column("dial_prop_hindering", "float32", "1", "Share below 45.", "ratings", minimum=0, maximum=1,
               gate="not rated", label="share hindering (below 45)"),
        Column("excursions", "int32", "1", "Stretches of at least 10 s more than 10 points from the dial's own median.",
               "study", minimum=0, gate="not rated"),
        Column("excursions_per_hour", "float32", "1/h", "The same per hour rated.", "study", minimum=0,
               gate="not rated", label="excursions an hour"),
    ),
    ("session_id", "rater"),
)  # fmt: skip

STUDY_BEHAVIOURS = Table(
    "study_behaviours",
    "Aim 2 of the study, one row per session, rater and feature: its mean in the highest minus the lowest segments.",
    (
        _DYAD,
        SESSION_ID,
        _RATER,
        Column("feature", "string", "-", "Which feature of `study.features`.", "study", nullable=False),
        _FEATURE_UNIT,
        Column("delta", "float64", "-", "Mean in the rater's highest segments minus mean in the lowest.", "swift2017",
               gate="too little of it measured in either kind"),
        Column("delta_sd", "float64", "SD", "The same over the feature's standard deviation in the session.", "study",
               gate="as delta, or the feature does not vary"),
        Column("p_shift", "float64", "1", "Share of circular shifts of the labels with a difference of at least this size.",
               "study", minimum=0, maximum=1, gate="as delta, or too few shifts"),
        Column("high_s", "float64", "s", "Seconds of the highest segments in which it was measured.", "study", minimum=0),
        Column("low_s", "float64", "s", "The same of the lowest.", "study", minimum=0),
        REASON,
    ),
    ("session_id", "rater", "feature"),
)  # fmt: skip

STUDY_EFFECTS = Table(
    "study_effects",
    "Aim 2 of the study, one row per rater and feature: the difference over all dyads, a dyad's sessions averaged.",
    (
        _RATER,
        Column("feature", "string", "-", "Which feature of `study.features`.", "study", nullable=False),
        _FEATURE_UNIT,
        Column("n_dyads", "int32", "1", "Dyads in which it could be measured.", "study", minimum=0, nullable=False),
        Column("delta", "float64", "-", "Mean over dyads.", "study", gate="no dyad"),
        Column("delta_low", "float64", "-", "Lower end of its 95 % t interval.", "study", gate="too few dyads"),
        Column("delta_high", "float64", "-", "Upper end.", "study", gate="too few dyads"),
        Column("delta_sd", "float64", "SD", "Mean over dyads, in SDs of the feature in each session.", "study",
               gate="no dyad"),
        Column("delta_sd_low", "float64", "SD", "Lower end of its 95 % t interval.", "study", gate="too few dyads"),
        Column("delta_sd_high", "float64", "SD", "Upper end.", "study", gate="too few dyads"),
        Column("p", "float64", "1", "Two-sided sign-flip test of delta_sd over dyads.", "fisher1935", minimum=0, maximum=1,
               gate="too few dyads"),
        Column("q", "float64", "1", "The same adjusted over this rater's features.", "benjamini1995", minimum=0, maximum=1,
               gate="too few dyads"),
        Column("is_found", "bool", "-", "q is at most `study.fdr_q`.", "benjamini1995", gate="too few dyads"),
    ),
    ("rater", "feature"),
)  # fmt: skip

STUDY_CONGRUENCE = Table(
    "study_congruence",
    "Aim 3 of the study, one row per dyad: how closely its two dials follow each other, its sessions put together.",
    (
        _DYAD,
        Column("sessions", "int32", "1", "Sessions of the dyad in the study.", "study", minimum=0, nullable=False),
        Column("sessions_used", "int32", "1", "Of these, with a congruence that can be interpreted.", "study", minimum=0,
               nullable=False),
        Column("n_eff", "float64", "1", "Effective number of bins, added over sessions.", "pyper1998", minimum=0,
               gate="no such session"),
        Column("r", "float64", "1", "Correlation of the dials: mean of Fisher's z weighted by n_eff - 3.", "pyper1998",
               minimum=-1, maximum=1, gate="no such session"),
        Column("r_low", "float64", "1", "Lower end of its 95 % interval.", "pyper1998", minimum=-1, maximum=1,
               gate="no such session"),
        Column("r_high", "float64", "1", "Upper end.", "pyper1998", minimum=-1, maximum=1, gate="no such session"),
        Column("fisher_z", "float64", "1", "Fisher's z of r.", "pyper1998", gate="no such session"),
        Column("fisher_z_variance", "float64", "1", "Its sampling variance: 1 over the sum of n_eff - 3.", "pyper1998", minimum=0,
               gate="no such session"),
        Column("weight", "float64", "1", "Share in the pooled estimate.", "dersimonian1986", minimum=0, maximum=1,
               gate="no such session, or too few dyads"),
        Column("bias", "float64", "points", "Therapist minus client at the client's mean (b0), mean of sessions.",
               "west2011", gate="no such session"),
        Column("tracking", "float64", "1", "Points the therapist's dial moves per point of the client's (b1), mean of sessions.",
               "west2011", gate="no such session"),
        Column("high_segments", "int32", "1", "Highest segments of the client, where both raters have some.", "study",
               minimum=0, nullable=False),
        Column("high_shared", "int32", "1", "Of these, shared with a highest segment of the therapist.", "swift2017",
               minimum=0, nullable=False),
        Column("low_segments", "int32", "1", "Lowest segments of the client, where both raters have some.", "study",
               minimum=0, nullable=False),
        Column("low_shared", "int32", "1", "Of these, shared with a lowest segment of the therapist.", "swift2017",
               minimum=0, nullable=False),
        Column("guesses", "int32", "1", "Segments the therapist labelled blind.", "study", minimum=0, nullable=False),
        Column("guesses_correct", "int32", "1", "Of these, labelled as the client's dial has them.", "study", minimum=0,
               nullable=False),
    ),
    ("dyad_id",),
)  # fmt: skip

STUDY_ESTIMATES = Table(
    "study_estimates",
    "One row per estimate over all dyads of aims 1 and 3.",
    (
        Column("measure", "string", "-", "What is estimated.", "study", nullable=False),
        Column("aim", "int32", "1", "1 variability, 3 congruence.", "study", minimum=1, maximum=3, nullable=False),
        Column("estimate_unit", "string", "-", "Unit of the estimate and its limits.", "study", nullable=False),
        Column("n_dyads", "int32", "1", "Dyads it rests on.", "study", minimum=0, nullable=False),
        Column("estimate", "float64", "-", "The estimate.", "study", gate="no dyad"),
        Column("low", "float64", "-", "Lower end of its 95 % interval.", "study", gate="too few dyads"),
        Column("high", "float64", "-", "Upper end.", "study", gate="too few dyads"),
        Column("p", "float64", "1", "Two-sided p of the test named in `method`.", "study", minimum=0, maximum=1,
               gate="not tested, or too few dyads"),
        Column("tau", "float64", "1", "Standard deviation between dyads, of Fisher's z.", "dersimonian1986", minimum=0,
               gate="not pooled by random effects"),
        Column("prediction_low", "float64", "-", "Where a new dyad's true value would lie: lower end.", "higgins2009",
               gate="not pooled by random effects"),
        Column("prediction_high", "float64", "-", "Upper end.", "higgins2009", gate="not pooled by random effects"),
        Column("method", "string", "-", "How it was had.", "study", nullable=False),
        Column("description", "string", "-", "What it is.", "study", nullable=False),
    ),
    ("measure",),
)  # fmt: skip

STUDY_FORMS = Table(
    "study_forms",
    "One row per session, form and person who fills it in within the dyad: the totals as a course; missing ones too.",
    (
        _DYAD,
        SESSION_ID,
        Column("session_number", "int32", "1", "Which session of the dyad.", "ingest", minimum=1),
        Column("instrument", "string", "-", "ORS, SRS or WAI-SR.", "ingest", nullable=False),
        Column("by", "string", "-", "Who fills it in.", "ingest", levels=("client", "therapist"), nullable=False),
        Column("total", "float64", "points", "Total score.", "ingest", minimum=0, gate="the form is missing"),
        Column("max", "float64", "points", "Highest possible total.", "ingest", minimum=0, gate="the form is missing"),
        Column("change", "float64", "points", "Total minus the first total of the same length.", "study",
               gate="missing, or the first"),
        Column("reliable_change", "string", "-", "How it lies to the first, beyond the form's own error or within it.",
               "miller2003ors", levels=("higher", "lower", "within error"), gate="as change, or none is published"),
        Column("is_below_mark", "bool", "-", "Under the form's published mark.", "duncan2003srs",
               gate="missing, or no mark is published"),
        REASON,
    ),
    ("session_id", "instrument", "by"),
)  # fmt: skip

STUDY_PERIODS = Table(
    "study_periods",
    "One row per period of attendance.csv: endings and recordings, of the clinic as a whole.",
    (
        Column("period", "string", "-", "Year, half year or quarter.", "study", nullable=False),
        Column("endings", "int32", "1", "Dyads whose work ended in it.", "study", minimum=0, nullable=False),
        Column("unplanned", "int32", "1", "Of these, unplanned.", "study", minimum=0, nullable=False),
        Column("dropout_prop", "float64", "1", "Unplanned over all endings.", "swift2012", minimum=0, maximum=1,
               gate="no ending"),
        Column("dropout_low", "float64", "1", "Lower end of its Wilson interval.", "wilson1927", minimum=0, maximum=1,
               gate="no ending"),
        Column("dropout_high", "float64", "1", "Upper end.", "wilson1927", minimum=0, maximum=1, gate="no ending"),
        Column("dropout_difference", "float64", "1", "Share minus that of the row before.", "newcombe1998", minimum=-1,
               maximum=1, gate="no ending in either"),
        Column("difference_low", "float64", "1", "Lower end of its 95 % interval.", "newcombe1998", minimum=-1, maximum=1,
               gate="no ending in either"),
        Column("difference_high", "float64", "1", "Upper end.", "newcombe1998", minimum=-1, maximum=1,
               gate="no ending in either"),
        Column("held", "int32", "1", "Sessions held.", "study", minimum=0, nullable=False),
        Column("recorded", "int32", "1", "Of these, recorded.", "study", minimum=0, nullable=False),
        Column("recorded_prop", "float64", "1", "Recorded over held.", "study", minimum=0, maximum=1, gate="none held"),
        Column("recorded_low", "float64", "1", "Lower end of its Wilson interval.", "wilson1927", minimum=0, maximum=1,
               gate="none held"),
        Column("recorded_high", "float64", "1", "Upper end.", "wilson1927", minimum=0, maximum=1, gate="none held"),
    ),
    ("period",),
)  # fmt: skip

STUDY_EXCLUSIONS = Table(
    "study_exclusions",
    "One row per reason for which something took no part; counts only, nobody is named.",
    (
        Column("part", "string", "-", "Which part of the study.", "study",
               levels=("all", "aim_1", "aim_2", "aim_3"), nullable=False),
        Column("what", "string", "-", "What was left out.", "study",
               levels=("dyad", "session", "dial", "measurement"), nullable=False),
        Column("why", "string", "-", "In words.", "study", nullable=False),
        Column("count", "int32", "1", "How many.", "study", minimum=1, nullable=False),
    ),
    ("part", "what", "why"),
)  # fmt: skip

STUDY_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        STUDY_VARIABILITY,
        STUDY_BEHAVIOURS,
        STUDY_EFFECTS,
        STUDY_CONGRUENCE,
        STUDY_ESTIMATES,
        STUDY_FORMS,
        STUDY_PERIODS,
        STUDY_EXCLUSIONS,
    )
}
"""What `thinslice study` writes below OUT/study; no stage reads or writes them."""
