"""Every table and column, declared once. No logic here.

The Arrow schema, its checks, the JSON sidecar, DATA_DICTIONARY.md and the report's labels all derive
from these declarations. Changing a meaning or a unit raises the table's version.
"""

from __future__ import annotations

from pipeline.schema import Column, Table, cue

REASONS = (
    "clock_unknown",
    "few_samples",
    "few_syllables",
    "gain_control",
    "low_coverage",
    "low_fps",
    "low_snr",
    "no_baseline",
    "no_consent",
    "no_dial",
    "no_face",
    "no_form",
    "no_media",
    "no_question",
    "no_role",
    "no_speech",
    "no_transcript",
    "no_weights",
    "no_word_times",
    "not_measured",
    "overlap",
    "pitch_unsure",
    "profile_view",
    "small_face",
    "too_short",
    "turned_away",
    "unreadable_media",
    "unvoiced",
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
    ),
)

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
        Column("is_backchannel", "bool", "-", "Short acknowledgement; the other keeps the floor.", "heldner2010",
               nullable=False),
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
        Column("is_backchannel", "bool", "-", "Short acknowledgement; the other keeps the floor.", "heldner2010",
               nullable=False),
        Column("takes_floor", "bool", "-", "False: a backchannel, or speech wholly inside an IPU of the other.",
               "heldner2010", nullable=False),
        Column("fto_s", "float64", "s", "Floor transfer offset, signed.", "heldner2010",
               gate="backchannel, first turn, or same speaker before"),
        Column("overlap_between_s", "float64", "s", "Overlap at the floor transfer.", "heldner2010", minimum=0),
        Column("overlap_within_s", "float64", "s", "Other voice's speech inside this turn.", "heldner2010", minimum=0),
        Column("word_count", "int32", "1", "Words in the turn.", "turns", minimum=0, gate="no transcript"),
        Column("is_question", "bool", "-", "Ends in a question, or holds one that was answered inside it.",
               "wu2022annomi", gate="no transcript"),
        Column("question_end_s", "float64", "s", "Where its last such question ends, session clock.", "language",
               gate="not a question, or no transcript"),
        Column("question_type", "string", "-", "Open or closed.", "wu2022annomi", levels=("open", "closed"),
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
        Column("reply_agreeing", "bool", "-", "The whole reply is an acknowledgement phrase.", "eubanks2019",
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
        Column("words_reason", "string", "-", "Why the cues in its wording are null.", "language", levels=REASONS),
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
    Column("syllables", "int32", "1", "Acoustic syllable nuclei.", "dejong2009", minimum=0,
           gate="SNR under 10 dB"),
    Column("speech_rate_sps", "float32", "syllable/s", "Syllables over turn time.", "dejong2009", minimum=0,
           gate="under 10 syllables, or SNR under 10 dB", label="speech rate"),
    Column("articulation_rate_sps", "float32", "syllable/s", "Syllables over phonation time.", "dejong2009", minimum=0,
           gate="under 10 syllables or 3 s phonation, or SNR under 10 dB", label="articulation rate"),
    Column("f0_median_hz", "float32", "Hz", "Median fundamental frequency, two-pass limits.", "delooze2010",
           minimum=30, maximum=1000, gate="voiced under 0.5 s, overlap, or SNR under 15 dB", label="pitch"),
    Column("f0_sd_st", "float32", "semitone", "SD of F0 re this voice's session median.", "delooze2010", minimum=0,
           gate="voiced under 0.5 s, overlap, or SNR under 15 dB", label="pitch spread"),
    Column("f0_range80_st", "float32", "semitone", "P90 - P10 of F0.", "delooze2010", minimum=0,
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

PROSODY = Table(
    "prosody",
    "One row per turn: how it was said, measured on speech of that voice alone.",
    (SESSION_ID, TURN_ID, START_S, END_S, ROLE, *_PROSODY_VALUES),
    ("session_id", "turn_id"),
)

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

FACE_FRAMES = Table(
    "face_frames",
    "One row per video frame and person looked at: scalars only, no image, no landmark.",
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
        Column("gaze_yaw_deg", "float32", "deg", "Head yaw plus eye rotation; + = to the image's left.", "face",
               gate="not face_valid"),
        Column("gaze_pitch_deg", "float32", "deg", "Head pitch plus eye rotation; + = up.", "face",
               gate="not face_valid"),
        Column("eye_aspect_left", "float32", "1", "Lid opening over eye width, image-left eye.", "soukupova2016",
               minimum=0, gate="eye distance under 40 px, yaw over 30 deg, or pitch over 25 deg for a second"),
        Column("eye_aspect_right", "float32", "1", "Lid opening over eye width, image-right eye.", "soukupova2016",
               minimum=0, gate="eye distance under 40 px, yaw over 30 deg, or pitch over 25 deg for a second"),
        Column("blinks_sought", "bool", "-", "Lids measured in frames close enough in time to count blinks.", "face",
               nullable=False),
        Column("nods_sought", "bool", "-", "Head pose measured in frames close enough in time for nods and gaze travel.",
               "face", nullable=False),
        REASON,
    ),
)  # fmt: skip

FACE_EVENTS = Table(
    "face_events",
    "One row per blink, eye closure or nod.",
    (
        SESSION_ID,
        Column("kind", "string", "-", "What happened; eye_closure: lids low for over 0.5 s, shut or cast down.", "face",
               levels=("blink", "eye_closure", "nod_slow", "nod_fast"), nullable=False),
        START_S,
        END_S,
        ROLE,
        Column("size", "float32", "-", "Depth of a blink (share of open), degrees of a nod.", "face"),
    ),
)  # fmt: skip

EVENTS = Table(
    "events",
    "One row per event of any kind, in time order.",
    (
        SESSION_ID,
        Column("kind", "string", "-", "What happened.", "align",
               levels=("blink", "eye_closure", "nod_slow", "nod_fast", "silence"), nullable=False),
        START_S,
        END_S,
        ROLE,
        Column("size", "float32", "-", "Depth of a blink (share of open), degrees of a nod, seconds of a silence.",
               "align"),
    ),
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
        Column("lag_s", "float64", "s", "Reaction lag taken off.", "mariooryad2015", minimum=0),
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

WINDOW_CUES = (
    Column("client_response_latency_s", "float32", "s", "Longest reply latency of replies that start here.",
           "stivers2009", minimum=0, gate="no reply starts here; z is that reply's own", label="reply latency"),
    Column("client_articulation_rate_sps", "float32", "syllable/s", "Client's articulation rate.", "dejong2009",
           minimum=0, gate="under 10 syllables or 3 s phonation", label="articulation rate"),
    Column("client_speech_rate_sps", "float32", "syllable/s", "Client's articulation rate times (1 - pause share).",
           "dejong2009", minimum=0, gate="as either", label="speech rate"),
    Column("client_pause_prop", "float32", "1", "Client's pause share inside turns.", "dejong2009", minimum=0,
           maximum=1, gate="turn time under 3 s", label="pause share"),
    Column("client_f0_sd_st", "float32", "semitone", "Client's pitch spread.", "delooze2010", minimum=0,
           gate="voiced under 0.5 s", label="pitch spread"),
    Column("therapist_articulation_rate_sps", "float32", "syllable/s", "Therapist's articulation rate.", "dejong2009",
           minimum=0, gate="under 10 syllables or 3 s phonation", label="therapist's articulation rate"),
    Column("therapist_speech_rate_sps", "float32", "syllable/s",
           "Therapist's articulation rate times (1 - pause share).", "dejong2009", minimum=0, gate="as either",
           label="therapist's speech rate"),
    Column("therapist_pause_prop", "float32", "1", "Therapist's pause share inside turns.", "dejong2009", minimum=0,
           maximum=1, gate="turn time under 3 s", label="therapist's pause share"),
    Column("therapist_f0_sd_st", "float32", "semitone", "Therapist's pitch spread.", "delooze2010", minimum=0,
           gate="voiced under 0.5 s", label="therapist's pitch spread"),
    Column("client_gaze_path_rate_dps", "float32", "deg/s",
           "Gaze travel per second while listening, medians of 0.2 s, blinks left out.", "danbock2021", minimum=0,
           gate="under 15 fps, small face, or under 70 % valid frames", label="gaze travel"),
    Column("client_stare_run_s", "float32", "s", "Longest run of gaze inside a 5 deg circle while listening.",
           "danbock2021", minimum=0, gate="as gaze travel", label="longest still gaze"),
    Column("client_gaze_modal_prop", "float32", "1", "Share within 10 deg of the commonest gaze direction.",
           "zhang2017", minimum=0, maximum=1, gate="as gaze travel", label="commonest gaze direction"),
    Column("client_gaze_dispersion_deg", "float32", "deg", "Root mean square gaze deviation from it.", "zhang2017",
           minimum=0, gate="as gaze travel", label="gaze spread"),
    Column("client_head_speed_dps", "float32", "deg/s", "Median head rotation speed.", "face", minimum=0,
           gate="no head pose", label="head speed"),
    Column("client_blink_rate_pm", "float32", "1/min", "Blinks per valid minute in the 180 s around.",
           "bentivoglio1997", minimum=0, gate="under 20 fps, small face, or under 70 % valid frames",
           label="blink rate"),
    Column("client_nod_rate_pm", "float32", "1/min", "Nods per valid minute, slow and fast.", "hale2020", minimum=0,
           gate="under 15 fps", label="nod rate"),
)  # fmt: skip

WINDOWS = Table(
    "windows",
    "The analysis table: one row per 30 s window every 5 s, all cues and both dials on one clock.",
    (
        SESSION_ID,
        START_S,
        END_S,
        Column("talk_ratio_therapist", "float32", "1", "Therapist's share of speech here.", "align", minimum=0,
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
        Column("rule", "string", "-", "Which rule proposed it.", "candidates", levels=("R1", "R2", "R4", "R6"),
               nullable=False),
        Column("rule_version", "int32", "1", "Version of the rule.", "candidates", minimum=1, nullable=False),
        Column("rank", "int32", "1", "Within the rule (and rater), 1 first.", "candidates", minimum=1, nullable=False),
        START_S,
        END_S,
        Column("who", "string", "-", "Whose rating or behaviour.", "candidates", levels=ROLES, nullable=False),
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
        LANDMARKS,
        FACE_FRAMES,
        FACE_EVENTS,
        RATINGS,
        RATING_QUALITY,
        RATING_SEGMENTS,
        WINDOWS,
        EVENTS,
        SESSION_FEATURES,
        CANDIDATES,
        EVIDENCE,
    )
}
"""All tables by name, in the order of the stages that write them."""
