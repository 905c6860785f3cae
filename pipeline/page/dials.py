"""The page's section on the two dials: what they say together, in plain words with intervals.

Words follow the numbers and no further: where a session cannot tell, the page says that it cannot.
Nothing here grades a rater; where two ratings part, neither is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.dials.congruence import N_EFF_MIN
from pipeline.dials.guess_task import in_words
from pipeline.dials.two_raters import LEVELS
from pipeline.page.text import clock

ALPHA = 0.05
_SIZES = ((0.3, "slightly"), (0.5, "modestly"), (0.7, "clearly"), (1.01, "closely"))
_WHY_NOT = {
    "no_dial": "The dials are not compared: only one of them can be read.",
    "dial_unsure": "The dials are not compared: one of them is not good enough (see Readable).",
    "too_short": "The dials are not compared: too little of the session was rated by both.",
    "few_samples": (
        "The dials hardly moved apart from a few slow drifts, so this session cannot say whether "
        "they go together."
    ),
}
_NO_GUESS = {
    "not_blinded": (
        "The therapist had seen the client's ratings before guessing, so chance is no yardstick."
    ),
    "no_dial": "The guess task has no client's stretches to be held against.",
    "few_samples": "None of the guessed stretches is among the client's highest and lowest.",
    "unreadable_media": "The guesses could not be read.",
}


@dataclass(frozen=True, slots=True)
class DialViews:
    """What the section says."""

    sentences: Sequence[str]
    levels: Sequence[str]
    """Names of the table's rows (client) and columns (therapist)."""
    shares: Sequence[Sequence[str]]
    """Share of the time rated by both, in words; empty if not compared."""
    figures: Sequence[tuple[str, str]]
    """Name and value of every number behind the sentences."""


def dial_views(given: Mapping[str, pa.Table]) -> DialViews | None:
    """The section's words; None for a session without a readable dial and without guesses."""
    rows = given["congruence"].to_pylist()
    dials = [row for row in given["rating_quality"].to_pylist() if row["quality"] != "absent"]
    if not rows or (not dials and rows[0]["guess_reason"] == "no_guess"):
        return None
    row = rows[0]
    moments = given["dial_moments"].to_pylist()
    compared = row["r"] is not None
    return DialViews(
        sentences=[
            *(_together(row) if compared else [_WHY_NOT[row["reason"]]]),
            *(_picks(row, given["rating_segments"].to_pylist()) if compared else []),
            *_places(moments),
            *_guessed(row),
        ],
        levels=LEVELS,
        shares=_shares(row) if compared else [],
        figures=_figures(row) if compared else [],
    )


def _together(row: Mapping[str, Any]) -> list[str]:
    """Whether the dials move together, how far apart they lie, and which one follows."""
    number = f"r = {_r(row['r'])}"
    if not row["is_interpretable"]:
        worth = f"{row['n_eff']:.0f}" if row["n_eff"] is not None else "too few"
        sentence = (
            f"{_WHY_NOT['few_samples']} It is worth {worth} independent moments; {N_EFF_MIN} are "
            f"needed ({number}, not to be read)."
        )
        return [sentence]
    sure = f"95 % interval {_r(row['r_low'])} to {_r(row['r_high'])}; {_shifts(row['r_p_shift'])}"
    is_clear = row["r_low"] * row["r_high"] > 0 and (row["r_p_shift"] or 1.0) < ALPHA
    if is_clear:
        size = next(word for limit, word in _SIZES if abs(row["r"]) < limit)
        way = "together" if row["r"] > 0 else "in opposite directions"
        first = f"The two dials went up and down {way}, {size}: {number} ({sure})."
    else:
        first = (
            "This one session cannot tell whether the two dials go up and down together: "
            f"{number} ({sure})."
        )
    return [first, *_follows(row), _bias(row)]


def _follows(row: Mapping[str, Any]) -> list[str]:
    lag, p = row["peak_lag_s"], row["peak_p_shift"]
    if not lag or p is None or p >= ALPHA:
        return []
    late, early = ("therapist's", "client's") if lag > 0 else ("client's", "therapist's")
    sentence = (
        f"They go together best with the {late} dial {abs(lag):.0f} s behind the {early} "
        f"(r = {_r(row['peak_r'])}); people also differ in how fast they turn a dial."
    )
    return [sentence]


def _bias(row: Mapping[str, Any]) -> str:
    who = "higher" if row["bias"] >= 0 else "lower"
    return (
        f"The therapist's dial lay {abs(row['bias']):.1f} points {who} on average (95 % interval "
        f"{_points(row['bias_low'])} to {_points(row['bias_high'])}) and moved "
        f"{_points(10 * row['tracking'])} points for every 10 of the client's "
        f"({_points(10 * row['tracking_low'])} to {_points(10 * row['tracking_high'])})."
    )


def _picks(row: Mapping[str, Any], segments: Sequence[Mapping[str, Any]]) -> list[str]:
    if not row["high_overlap_count"] and not row["low_overlap_count"]:
        return [
            "None of the therapist's own highest and lowest stretches lies where the client's do."
        ]
    said = []
    for kind, word in (("high", "highest"), ("low", "lowest")):
        picks = sum(s["rater"] == "client" and s["kind"] == kind for s in segments)
        if picks:
            shared = row[f"{kind}_overlap_count"]
            said.append(f"{shared} of the client's {picks} {word}")
    return [f"{' and '.join(said)} stretches are also among the therapist's own."]


def _places(moments: Sequence[Mapping[str, Any]]) -> list[str]:
    sentences = []
    for kind, text in (
        ("divergence", "Each against their own usual, they lay farthest apart at"),
        ("shared_low", "Among the lowest of both dials:"),
    ):
        places = [
            f"{clock(m['start_s'])}–{clock(m['end_s'])}{_side(m)} "
            f"({100 * m['session_prop']:.0f} % into the session)"
            for m in sorted(moments, key=lambda moment: moment["start_s"])
            if m["kind"] == kind
        ]
        if places:
            sentences.append(f"{text} {'; '.join(places)}.")
    return sentences


def _side(moment: Mapping[str, Any]) -> str:
    if moment["divergence"] is None:
        return ""
    who = "client" if moment["divergence"] > 0 else "therapist"
    return f", {who} {abs(moment['divergence']):.0f} points nearer to helpful"


def _guessed(row: Mapping[str, Any]) -> list[str]:
    why = row["guess_reason"]
    if row["guess_count"] is None:
        return [_NO_GUESS[why]] if why in _NO_GUESS else []
    count, correct, p = row["guess_count"], row["guess_correct"], row["guess_p"]
    if p is None:
        sentence = (
            f"Of {count} stretches the therapist labelled {correct} as the client's dial has them. "
            f"{_NO_GUESS[why]}"
        )
    else:
        sentence = (
            "Asked to guess which of the client's highest and lowest stretches were helpful and "
            f"which hindering, the therapist had {in_words(correct, count, p)}. One session can "
            "show no skill, nor a lack of it."
        )
    return [sentence]


def _shares(row: Mapping[str, Any]) -> list[list[str]]:
    counts = [[row[f"client_{mine}_therapist_{other}_bins"] for other in LEVELS] for mine in LEVELS]
    total = max(1, sum(map(sum, counts)))
    return [[f"{100 * count / total:.0f} %" for count in line] for line in counts]


def _figures(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    lag = f"{_plain(row['peak_lag_s'])} s, r = {_r(row['peak_r'])}"
    times = f"{_share(row['high_overlap_iou'])}, {_share(row['low_overlap_iou'])}"
    return [
        ("Bins of 5 s that both rated", f"{row['n_bins']}"),
        ("Independent bins they are worth", _plain(row["n_eff"])),
        ("Spearman's rho", f"{_r(row['rho'])} ({_shifts(row['rho_p_shift'])})"),
        ("Correlation of the changes from bin to bin", _r(row["r_difference"])),
        ("Concordance (1: both show the same values)", _r(row["ccc"])),
        ("Cohen's kappa of the table above", _r(row["kappa"])),
        ("Best lag within 10 s", f"{lag} ({_shifts(row['peak_p_shift'])})"),
        ("Time shared by all highest, by all lowest stretches", times),
    ]


def _r(value: float | None) -> str:
    """A correlation as papers print it: two decimals, true minus sign."""
    return "unknown" if value is None else f"{value:.2f}".replace("-", "−")


def _points(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}".replace("-", "−")


def _share(value: float | None) -> str:
    return "none to compare" if value is None else f"{100 * value:.0f} %"


def _shifts(p: float | None) -> str:
    """A circular-shift p in words of what was counted."""
    if p is None:
        return "too short for a circular-shift test"
    return f"circular-shift p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
