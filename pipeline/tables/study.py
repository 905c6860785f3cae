"""Many dyads: what `thinslice study` writes."""

from __future__ import annotations

from pipeline.tables.columns import REASON, SESSION_ID
from pipeline.tables.dials import _RATER
from pipeline.tables.schema import Column, Table

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
