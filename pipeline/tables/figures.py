"""What the rows of the long tables may be of: every figure of a session, declared once. No logic.

A name ends with its unit (`FIGURE_ENDINGS`) and never is that of a window's column: a figure of the
whole session is another thing. Medians of a window cue are its name with ``_median`` before the
unit; what is counted over the session stands in the plural (``client_nods_slow_pm``).
"""

from __future__ import annotations

from pipeline.tables.columns import QUALITY, REASON, SESSION_ID
from pipeline.tables.schema import Column, Figure, Table, median_figure
from pipeline.tables.windows import WINDOW_CUES

FIGURE_ENDINGS = {
    "_cos": "1",
    "_count": "1",
    "_db": "dB",
    "_deg": "deg",
    "_dps": "deg/s",
    "_hz": "Hz",
    "_pk": "per 1,000 words",
    "_pm": "1/min",
    "_points": "points",
    "_points2": "points^2",
    "_prop": "1",
    "_px": "px",
    "_s": "s",
    "_sd": "SD",
    "_sps": "syllable/s",
    "_st": "semitone",
    "_wps": "word/s",
    "_z": "z",
}
"""How a figure's name ends, by its unit; ``_count`` is a number of things, ``_cos`` a cosine."""

_CUES = {column.name: column for column in WINDOW_CUES}
_SEEN = "per minute of time in which they could be seen."

_TALK = (
    Figure("therapist_speech_prop", "1", "Therapist's share of all speech.", "align"),
    Figure("client_speech_total_s", "s", "Client's speech.", "align"),
    Figure("therapist_speech_total_s", "s", "Therapist's speech.", "align"),
    Figure("overlap_s", "s", "Both speak at once.", "align"),
    Figure("silence_count", "1", "Silences listed as events.", "frankel2006"),
    Figure("silence_longest_s", "s", "Longest silence; 0 = none.", "frankel2006"),
    Figure("turn_count", "1", "Turns that take the floor.", "turns"),
    Figure("floor_changes_pm", "1/min", "Changes of the floor per minute.", "heldner2010"),
    Figure("therapist_hold_max_s", "s", "Longest time the therapist keeps the floor, what the client says meanwhile bridged.", "language"),
)  # fmt: skip
_WORDS = (
    Figure("word_rate_session_wps", "word/s", "Words per second of speech: how much of what was said has words.", "turns"),
    Figure("therapist_question_count", "1", "Therapist's questions.", "language"),
    Figure("therapist_open_question_count", "1", "Of these, open ones.", "language"),
    Figure("client_reply_count", "1", "Client's replies whose latency is known.", "language"),
    Figure("client_response_latency_median_s", "s", "Client's median reply latency after a therapist question.", "stivers2009"),
    Figure("client_replies_minimal_prop", "1", "Share of replies to open questions that were minimal or an acknowledgement.", "language"),
    Figure("therapist_interruption_count", "1", "Times the therapist begins while the other speaks, who then stops within a second.", "language"),
    Figure("client_interruption_count", "1", "Times the client begins while the other speaks, who then stops within a second.", "language"),
    Figure("therapist_directives_pk", "per 1,000 words", "Therapist's directive phrases per 1,000 words.", "wu2022annomi"),
    Figure("therapist_generalising_pk", "per 1,000 words", "Therapist's generalising words per 1,000 words.", "almosaiwi2018"),
    Figure("client_generalising_pk", "per 1,000 words", "Client's generalising words per 1,000 words.", "almosaiwi2018"),
    Figure("therapist_permission_phrase_prop", "1", "Share of therapist turns that ask leave or offer a choice.", "language"),
    Figure("therapist_certainty_phrase_prop", "1", "Share of therapist turns that state something as certain.", "language"),
    Figure("therapist_reflection_prop", "1", "Share of therapist turns that say back, by their opening words.", "wu2022annomi"),
    Figure("therapist_affirmation_prop", "1", "Share of therapist turns that name a strength, effort or success.", "wu2022annomi"),
    Figure("therapist_somatic_question_count", "1", "Therapist's questions about what is felt in the body.", "language"),
    Figure("therapist_self_disclosure_count", "1", "Therapist turns with phrases about their own life.", "language"),
    Figure("client_demur_prop", "1", "Share of client turns after a directive or an affirmation that open with “no”, “yes, but”, “I don't know” or the like.", "eubanks2019"),
    Figure("client_reply_words_median_count", "1", "Words in the client's replies, median.", "language"),
    Figure("client_response_latency_lexical_median_s", "s", "From a question's end to the reply's first word that is no filler, median.", "stivers2009"),
    Figure("client_reply_echo_median_prop", "1", "Share of a reply's content words that the question has too, median.", "language"),
    Figure("client_topic_cohesion_median_cos", "1", "How far the client's turns share content words with the three turns before, median.", "language"),
    Figure("therapist_feedback_general_count", "1", "Times the therapist asks for general feedback in the last 15 minutes.", "language"),
    Figure("therapist_feedback_specific_count", "1", "Times the therapist asks for specific feedback in the last 15 minutes.", "language"),
    Figure("therapist_repair_marker_max_count", "1", "Most marks of taking up an earlier moment in one turn, first 20 minutes; 0 to 3.", "eubanks2019"),
)  # fmt: skip
_VOICES = (
    Figure("client_f0_median_hz", "Hz", "Client's pitch, median of 10 s slices weighted by voiced time.", "prosody"),
    Figure("therapist_f0_median_hz", "Hz", "Therapist's pitch, median of 10 s slices weighted by voiced time.", "prosody"),
)  # fmt: skip
_MEDIANS = (
    *(
        median_figure(_CUES[f"{role.lower()}_{cue}"], f"{role}'s {words}, median of the windows.")
        for role in ("Client", "Therapist")
        for cue, words in (
            ("articulation_rate_sps", "articulation rate"),
            ("speech_rate_sps", "speech rate"),
            ("pause_prop", "pause share inside turns"),
            ("f0_sd_st", "pitch spread"),
            ("f0_range80_st", "pitch range"),
        )
    ),
    *(
        median_figure(_CUES[cue], text)
        for cue, text in (
            ("client_gaze_path_rate_dps", "Client's gaze travel while listening, median of the windows."),
            ("client_stare_run_s", "Client's longest still gaze while listening, median of the windows."),
            ("client_gaze_modal_prop", "Share near the commonest gaze direction, median of the windows."),
            ("client_gaze_dispersion_deg", "Spread round that direction, median of the windows."),
            ("client_eye_closure_p80_prop", "Share of time with lids at least 80 % down, median of minutes."),
            ("client_head_speed_dps", "Client's head speed, median of the windows."),
        )
    ),
)  # fmt: skip
_FACE = (
    Figure("client_video_median_hz", "Hz", "Frames looked at per second.", "face"),
    Figure("client_face_iod_median_px", "px", "Distance between the client's eyes, median.", "face"),
    Figure("client_frames_valid_prop", "1", "Share of frames good enough for gaze.", "face"),
    Figure("client_frames_no_face_prop", "1", "Share of frames with no face.", "face"),
    Figure("client_frames_small_face_prop", "1", "Share of frames with a face too small for gaze.", "face"),
    Figure("client_frames_profile_view_prop", "1", "Share of frames with a face in profile.", "face"),
    Figure("client_frames_turned_away_prop", "1", "Share of frames with a face turned too far for gaze.", "face"),
    Figure("client_gaze_floor_dps", "deg/s", "Gaze travel that measurement noise alone would show.", "align"),
    Figure("client_blinks_pm", "1/min", f"Blinks {_SEEN}", "bentivoglio1997"),
    Figure("client_blinks_speaking_pm", "1/min", f"Blinks while speaking {_SEEN}", "bentivoglio1997"),
    Figure("client_blinks_listening_pm", "1/min", f"Blinks while listening {_SEEN}", "bentivoglio1997"),
    Figure("client_nods_slow_pm", "1/min", f"Slow nods {_SEEN}", "hale2020"),
    Figure("client_nods_fast_pm", "1/min", f"Fast nods {_SEEN}", "hale2020"),
)  # fmt: skip
_DIALS = tuple(
    Figure(f"dial_{rater}_{name}", unit, f"{words} {rater}'s dial.", source)
    for rater in ("client", "therapist")
    for name, unit, words, source in (
        ("mean_points", "points", "Mean of the", "ratings"),
        ("median_points", "points", "Median of the", "ratings"),
        ("sd_points", "points", "Standard deviation of the", "ratings"),
        ("mssd_points2", "points^2", "Mean squared difference of successive 5 s means of the", "vonneumann1941"),
    )
)  # fmt: skip
_MOVEMENT = (
    Figure("client_motion_valid_prop", "1", "Share of the video's time in which the client's movement could be measured.", "movement"),
    Figure("sync_wclc_z", "z", "Movement of both people: mean |z| of windowed cross-lagged correlation.", "boker2002"),
    Figure("sync_es_sd", "SD", "Co-movement above chance: SDs above the mean of surrogates. May have many reasons.", "tschacher2020"),
    Figure("sync_rank_prop", "1", "Rank of the co-movement among its surrogates.", "tschacher2020"),
    Figure("sync_peak_lag_s", "s", "Lag at which both move most alike; + = the client moves first.", "boker2002"),
)  # fmt: skip
_FORMS = (
    Figure("wai_difference_points", "points", "WAI-SR total, client minus therapist, where both forms have one length.", "ingest"),
)  # fmt: skip

SESSION_FIGURES = (*(*_TALK, *_WORDS, *_VOICES, *_MEDIANS, *_FACE, *_DIALS, *_MOVEMENT, *_FORMS),)
"""Of table `session_features`, in the order in which a reader wants them."""

QUALITY_MEASURES = (
    Figure("audio_duration_s", "s", "How long the audio is.", "ingest"),
    Figure("audio_speech_prop", "1", "Share of the audio in which someone speaks.", "ingest"),
    Figure("audio_snr_session_db", "dB", "How far loud speech stands above the quiet of the room.", "ingest"),
    Figure("audio_bandwidth_hz", "Hz", "Frequency below which 99 % of the energy of speech lies.", "ingest"),
    Figure("audio_clip_prop", "1", "Share of samples at full scale, of the heard channel that clips most.", "ingest"),
    Figure("audio_damaged_packet_count", "1", "Pieces of audio in the file that are damaged; silent.", "ingest"),
    Figure("audio_speed_prop", "1", "Length of the sound over that of the pictures in the same file.", "ingest"),
    Figure("audio_file_count", "1", "Files the sound is in.", "ingest"),
    Figure("audio_channel_aside_count", "1", "Channels of the sound that are not heard as they are.", "ingest"),
    Figure("audio_off_s", "s", "How long a microphone recorded nothing while the recording went on.", "ingest"),
    Figure("audio_unheard_speech_s", "s", "Speech on sound that is not listened to.", "ingest"),
    Figure("audio_unshared_s", "s", "Sound at the start and the end that one microphone alone recorded; left out.", "ingest"),
    Figure("crosstalk_db", "dB", "How much louder each person is in the own microphone than in the other's.", "ingest"),
    Figure("video_rate_hz", "Hz", "Frames per second, from the time stamps.", "ingest"),
    Figure("video_height_px", "px", "Height of the picture.", "ingest"),
    Figure("video_damaged_packet_count", "1", "Pieces of video in the file that are damaged; missing or garbled.", "ingest"),
    Figure("video_file_count", "1", "Files the film of the client is in.", "ingest"),
)  # fmt: skip
"""Of table `quality`; its rows say more, of the session they are of."""

_UNIT = Column(
    "unit", "string", "-", "Unit of the value; 1 for shares and counts.", "ingest", nullable=False
)

SESSION_FEATURES = Table(
    "session_features",
    "One row per session-level feature.",
    (
        SESSION_ID,
        Column("feature", "string", "-", "Name, unit at its end; listed below.", "align", nullable=False),
        Column("value", "float64", "-", "The value, in `unit`.", "align"),
        _UNIT,
        REASON,
        Column("description", "string", "-", "What it is.", "align", nullable=False),
    ),
    ("session_id", "feature"),
    version=2,
    figures=SESSION_FIGURES,
)  # fmt: skip

QUALITY_FIGURES = Table(
    "quality",
    "One row per quality figure of the session.",
    (
        SESSION_ID,
        Column("measure", "string", "-", "Which figure, unit at its end; listed below.", "ingest", nullable=False),
        Column("value", "float64", "-", "The figure, in `unit`.", "ingest"),
        _UNIT,
        QUALITY,
        REASON,
        Column("description", "string", "-", "What it means here, in a sentence or two.", "ingest", nullable=False),
    ),
    ("session_id", "measure"),
    version=2,
    figures=QUALITY_MEASURES,
)  # fmt: skip
