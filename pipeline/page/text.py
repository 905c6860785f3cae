"""Numbers as a supervisor reads them: clock times, units, and differences in plain words.

Labels and units come from the column declarations. Latencies print to 0.1 s, and a difference of
under 0.5 s is not mentioned: timing is no better than that (METHODS: Turns and replies).
"""

from __future__ import annotations

from pipeline import tables
from pipeline.timeline import Seconds

IGNORED_S = 0.5
"""A difference between durations that is smaller than this is none."""
AS_USUAL = "about as usual"
MISSING = "not measured"

_UNIT_WORDS = {
    "syllable/s": "syllables/s", "1/min": "per min", "deg/s": "°/s", "deg": "°",
    "semitone": "semitones", "points": "points", "points^2": "points²", "word/s": "words/s",
}  # fmt: skip
_DECIMALS = {"points": 0, "deg": 0, "z": 2}
_COMPARATIVES = {
    "client_response_latency_s": ("later", "sooner"),
    "response_latency_s": ("later", "sooner"),
    "silence_max_s": ("longer", "shorter"),
    "client_articulation_rate_sps": ("faster", "slower"),
    "client_f0_sd_st": ("wider", "narrower"),
    "client_stare_run_s": ("longer", "shorter"),
    "dial_client": ("higher", "lower"),
    "dial_therapist": ("higher", "lower"),
    "dial_divergence": ("toward the client's side", "toward the therapist's side"),
}
_LABELS = {
    "client_replies_minimal": "short replies, of the last 3 to open questions",
    "silence_max_s": "silence",
    "client_demur": "client's next turn opens with “no”, “yes, but” or the like",
    "word_count": "words in the client's next turn",
    "dial_divergence": "client's dial minus therapist's, each from its own median",
}
"""Where the column's own label would not say what stands behind a candidate."""


def clock(t_s: Seconds) -> str:
    """``mm:ss``; minutes go on past 59."""
    whole = round(abs(t_s))
    return f"{'−' if t_s < 0 and whole else ''}{whole // 60:02d}:{whole % 60:02d}"


def label(feature: str) -> str:
    """Name of a column in words."""
    if feature in _LABELS:
        return _LABELS[feature]
    for table in (tables.WINDOWS, tables.TURNS, tables.RATINGS):
        if feature in table.by_name:
            return table.by_name[feature].label or feature.replace("_", " ")
    return feature.replace("_", " ")


def is_share(feature: str, unit: str) -> bool:
    """Whether a value of unit ``1`` is a share rather than a count."""
    return unit == "share" or (unit == "1" and ("_prop" in feature or "_ratio" in feature))


def quantity(feature: str, value: float | None, unit: str) -> str:
    """Value with its unit, rounded to what the measurement bears."""
    if value is None:
        return MISSING
    if is_share(feature, unit):
        return f"{100 * value:.{2 if 0 < value < 0.01 else 0}f} %"
    if unit == "-":
        return "yes" if value else "no"
    if unit in {"1", ""}:
        return _plain(value)
    decimals = 0 if abs(value) >= 100 else _DECIMALS.get(unit, 1)
    rounded = round(value, decimals) or 0.0  # no minus before a zero
    number = f"{rounded:.{decimals}f}".replace("-", "−")
    return f"{number} {_UNIT_WORDS.get(unit, unit)}"


def difference(
    feature: str, value: float | None, usual: float | None, unit: str, z: float | None
) -> str:
    """How the observed value lies to the usual one, in words: ``clearly later, by 3.2 s``."""
    if value is None or usual is None:
        return "no usual value to compare with"
    gap = value - usual
    if unit == "s" and round(abs(gap), 2) < IGNORED_S:
        return AS_USUAL
    amount = quantity(feature, abs(gap), unit).replace(" %", " percentage points")
    if not any(digit in amount for digit in "123456789"):
        return AS_USUAL
    more, less = _COMPARATIVES.get(feature, ("more", "less"))
    return f"{_strength(z)}{more if gap > 0 else less}, by {amount}"


def signed(value: float | None) -> str:
    """One decimal with a true minus sign; empty where missing."""
    return "" if value is None else f"{value:+.1f}".replace("-", "−")


def reason_words(reason: str) -> str:
    """A reason from `tables.REASONS` in words."""
    return tables.LATENCY_REASON_WORDS[reason]


def not_measured(reason: str | None) -> str:
    """What stands in a value's place, with why."""
    words = MISSING if reason is None else reason_words(reason)
    return MISSING if words == MISSING else f"{MISSING} ({words})"


def _strength(z: float | None) -> str:
    if z is None:
        return ""
    size = abs(z)
    return "much " if size >= 2.5 else "clearly " if size >= 1.5 else "somewhat "


def _plain(value: float) -> str:
    if float(value).is_integer():
        return f"{value:.0f}".replace("-", "−")
    return f"{value:.2f}".rstrip("0").replace("-", "−")
