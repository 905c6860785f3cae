"""Who speaks when, what is said, and how."""

from __future__ import annotations

from pipeline.tables.columns import (
    END_S,
    LATENCY_REASONS,
    REASON,
    REASONS,
    ROLE,
    SESSION_ID,
    SPEAKER,
    START_S,
    TURN_ID,
)
from pipeline.tables.schema import Column, Table, cue

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
        Column("overlap_within_s", "float64", "s", "Time the other voice speaks at once with this turn, wholly inside it.", "heldner2010",
               minimum=0),
        Column("word_count", "int32", "1", "Words given to this turn.", "turns", minimum=0, gate="no transcript"),
        Column("word_rate_wps", "float32", "word/s", "Words over phonation_s: how much of what was said has words.",
               "turns", minimum=0, gate="no transcript"),
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
        Column("overlap_within_s", "float64", "s", "Time the other voice speaks at once with this turn, wholly inside it.", "heldner2010", minimum=0),
        Column("word_count", "int32", "1", "Words in the turn.", "turns", minimum=0, gate="no transcript"),
        Column("word_rate_wps", "float32", "word/s",
               "Words over phonation_s: how much of what was said has words. Turns under language.word_rate_min_wps are "
               "marked low_coverage.", "turns", minimum=0, gate="no transcript"),
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
        Column("reply_words", "int32", "1", "Words in the reply.", "language", minimum=0, gate="not a reply, or its words were not recovered"),
        Column("reply_words_reason", "string", "-",
               "Why reply_words is null: no reply, or a reply that was heard and whose words were not recovered.",
               "language", levels=REASONS),
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
        Column("client_demur", "bool", "-", "Client's turn opens with “no”, “yes, but”, “I don't know” or the like.", "eubanks2019",
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
