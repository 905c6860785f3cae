"""The page's video check: can tonight's video cues be trusted? A sentence, two strips, eight faces.

It only says and draws what earlier stages wrote: the reasons of the windows, the session's figures,
and the outlines of `cue_check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from pipeline.page.outlines import PICTURE_REASONS, Face, drawn_face
from pipeline.page.text import MISSING, clock, not_measured, quantity, reason_words
from pipeline.stage import Absence
from pipeline.tables.arrays import floats
from pipeline.timeline import Floats, Seconds

GROUPS = {
    "gaze travel": ("client_gaze_path_rate_dps", "gate_nod_hz"),
    "still gaze": ("client_stare_run_s", "gate_nod_hz"),
    "blinks": ("client_blink_rate_listening_pm", "gate_blink_hz"),
    "nods": ("client_nod_slow_pm", "gate_nod_hz"),
    "face movement": ("client_face_motion_sd", None),
}
"""Cue: its column, and the frame rate it needs."""
USABLE, PARTLY = 0.8, 0.2
"""Share of the windows from which a cue counts as measured, and as measured in part."""
_SIZE, _RATE = "client_face_iod_median_px", "client_video_median_hz"
_VALID = "client_frames_valid_prop"
AXES = Path(__file__).parents[1] / "face" / "axes.svg"


@dataclass(frozen=True, slots=True)
class Strip:
    """One quantity over the session, drawn in a box of any width."""

    svg: Markup
    label: str
    gate_percent: float | None = None
    """How far down the gate lies."""
    gate: str = ""


@dataclass(frozen=True, slots=True)
class CueCheck:
    """All that the page shows; only the sentence where there is no video."""

    verdict: str
    level: str = "none"
    """all | some | none of the cues can be used"""
    facts: Sequence[tuple[str, str]] = ()
    strips: Sequence[Strip] = ()
    legend: Sequence[tuple[str, str]] = ()
    """Reason and its words, as far as it occurs."""
    ticks: Sequence[str] = ()
    faces: Sequence[Face] = ()
    axes: Markup | None = None


def cue_check(
    given: Mapping[str, pa.Table], duration_s: Seconds, absences: Sequence[Absence]
) -> CueCheck:
    """The check from the tables `windows`, `session_features` and `cue_check`."""
    rows = given["cue_check"].to_pylist()
    windows = given["windows"]
    rate = floats(windows, "client_video_hz")
    if not rows or not np.isfinite(rate).any():
        why = next((a.sentence for a in absences if a.modality == "video"), "")
        return CueCheck(f"No video cues. {why}".strip())
    figures = {row["feature"]: row["value"] for row in given["session_features"].to_pylist()}
    level, verdict = _verdict(windows, figures, rows[0])
    reasons = [r for r in windows.column("client_face_reason").to_pylist() if r is not None]
    return CueCheck(
        verdict,
        level,
        list(_facts(figures, level)),
        [
            _size_strip(windows, duration_s, rows[0]["gate_iod_px"]),
            _share_strip(windows, duration_s),
        ],
        [("valid", "good enough for gaze")]
        + [(r, PICTURE_REASONS.get(r, reason_words(r))) for r in sorted(set(reasons))],
        [clock(share * duration_s) for share in (0, 0.25, 0.5, 0.75, 1)],
        [drawn_face(row) for row in rows],
        axes_drawing(),
    )


def axes_drawing() -> Markup:
    """Axes and signs, as an element for the page: no namespace, no fixed size."""
    svg = AXES.read_text(encoding="utf-8")
    for attribute in (' xmlns="http://www.w3.org/2000/svg"', ' width="760"', ' height="230"'):
        svg = svg.replace(attribute, "", 1)
    return Markup(svg)  # noqa: S704 - ours


def _verdict(
    windows: pa.Table, figures: Mapping[str, float | None], gates: Mapping[str, Any]
) -> tuple[str, str]:
    """How much can be used (all, some, none), and cue by cue what cannot, and why."""
    cues: dict[str, list[str]] = {"": []}
    for cue in GROUPS:
        cues.setdefault(_hindrance(cue, windows, gates), []).append(cue)
    good = cues.pop("")
    lost = [f"{_listed(names).capitalize()} {what}." for what, names in cues.items()]
    if not lost:
        return "all", f"Video cues can be used: {_picture(figures, gates)}."
    if not good and not any("only" in what or "compared" in what for what in cues):
        return "none", " ".join(["Video cues cannot be used.", *lost])
    start = f"{_listed(good).capitalize()} can be used." if good else "Use video cues with care."
    return "some", " ".join([start, *lost])


def _hindrance(cue: str, windows: pa.Table, gates: Mapping[str, Any]) -> str:
    """What hinders the use of a cue, in words; empty where nothing does."""
    column, rate_gate = GROUPS[cue]
    share, reason = _measured_share(windows, f"{column}_reason")
    if share < USABLE:
        part = f"measured in {100 * share:.0f} % of the session only" if share >= PARTLY else ""
        return f"{part or MISSING}: {_why(reason, windows, gates, rate_gate)}"
    if np.isfinite(floats(windows, f"{column}_z")).any():
        return ""
    if np.isfinite(floats(windows, column)).any():
        return "measured, but the session has no usual to compare with"
    reasons = [r for r in windows.column(f"{column}_reason").to_pylist() if r is not None]
    return not_measured(Counter(reasons).most_common(1)[0][0] if reasons else None)


def _measured_share(windows: pa.Table, column: str) -> tuple[float, str]:
    reasons = windows.column(column).to_pylist()
    lost = [reason for reason in reasons if reason in PICTURE_REASONS]
    commonest = max(sorted(set(lost)), key=lost.count, default="")
    return 1 - len(lost) / max(1, len(reasons)), commonest


def _why(reason: str, windows: pa.Table, gates: Mapping[str, Any], rate_gate: str | None) -> str:
    where = np.array(windows.column("client_face_reason").to_pylist(), object) == reason
    size = _median(floats(windows, "client_face_iod_px")[where])
    if reason == "small_face" and size is not None:
        return f"face {size:.0f} px between the eyes, {gates['gate_iod_px']:.0f} needed"
    rate = _median(floats(windows, "client_video_hz"))
    if reason == "low_fps" and rate_gate and rate is not None:
        return f"{rate:.0f} frames a second, {gates[rate_gate]:.0f} needed"
    return PICTURE_REASONS.get(reason, reason_words(reason))


def _median(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else None


def _picture(figures: Mapping[str, float | None], gates: Mapping[str, Any]) -> str:
    size, rate, share = (figures.get(name) or 0.0 for name in (_SIZE, _RATE, _VALID))
    return (
        f"face {size:.0f} px between the eyes ({gates['gate_iod_px']:.0f} needed), "
        f"{rate:.0f} frames a second ({gates['gate_blink_hz']:.0f} needed), "
        f"{100 * share:.0f} % of the frames good enough"
    )


def _facts(figures: Mapping[str, float | None], level: str) -> Iterator[tuple[str, str]]:
    """Value and what it is; what the sentence already says is not said again."""
    share, floor, travel = (
        figures.get(name)
        for name in (_VALID, "client_gaze_floor_dps", "client_gaze_path_rate_median_dps")
    )
    if level != "all":
        for name, words in (
            (_SIZE, "px between the eyes (median)"),
            (_RATE, "frames a second"),
        ):
            value = figures.get(name)
            if value is not None:
                yield f"{value:.0f}", words
        if share is not None:
            yield quantity("", share, "share"), "of the frames good enough for gaze"
    if floor is not None:
        usual = "gaze travel is usually not above twice of it"
        if travel is not None:
            usual = f"gaze travel is usually {quantity('', travel, 'deg/s')}"
        yield quantity("", floor, "deg/s"), f"of gaze travel are noise; {usual}"


def _size_strip(windows: pa.Table, duration_s: Seconds, gate_px: float) -> Strip:
    centre, size = _centres(windows), floats(windows, "client_face_iod_px")
    top = 1.2 * max(gate_px, float(np.nanmax(size, initial=0.0)))
    down = 100 * (1 - size / top)
    steps = [
        f"{'L' if i and np.isfinite(down[i - 1]) else 'M'}{x:.0f} {y:.1f}"
        for i, (x, y) in enumerate(zip(centre, down, strict=True))
        if np.isfinite(y)
    ]
    gate = 100 * (1 - gate_px / top)
    body = (
        f'<path class="gate" d="M0 {gate:.1f}H{duration_s:.0f}"/>'
        f'<path class="size" d="{"".join(steps)}"/>'
    )
    label = "Face size: pixels between the eyes"
    return Strip(_box(body, duration_s, label), label, gate, f"{gate_px:.0f} px needed for gaze")


def _share_strip(windows: pa.Table, duration_s: Seconds) -> Strip:
    """Good frames from below, the others from above in the colour of their commonest reason."""
    centre, share = _centres(windows), floats(windows, "client_face_valid_prop")
    hop_s = float(np.median(np.diff(centre))) if len(centre) > 1 else duration_s
    reasons = windows.column("client_face_reason").to_pylist()
    paths: dict[str, list[str]] = {}
    for i, (x, good, reason) in enumerate(zip(centre, share, reasons, strict=True)):
        left = 0.0 if i == 0 else x - hop_s / 2
        right = duration_s if i == len(centre) - 1 else x + hop_s / 2
        if not np.isfinite(good):
            continue
        edge = 100 * (1 - good)
        paths.setdefault("valid", []).append(_bar(left, right, edge, 100))
        if reason is not None:
            paths.setdefault(reason, []).append(_bar(left, right, 0, edge))
    body = "".join(f'<path class="f-{name}" d="{"".join(d)}"/>' for name, d in paths.items())
    label = "Frames good enough for gaze, and why the others are not"
    return Strip(_box(body, duration_s, label), label)


def _bar(left: float, right: float, top: float, bottom: float) -> str:
    return f"M{left:.0f} {top:.0f}H{right:.0f}V{bottom:.0f}H{left:.0f}z"


def _box(body: str, duration_s: Seconds, label: str) -> Markup:
    view = f'viewBox="0 0 {duration_s:.0f} 100" preserveAspectRatio="none"'
    return Markup(f'<svg {view} role="img" aria-label="{label}">{body}</svg>')  # noqa: S704


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _centres(windows: pa.Table) -> Floats:
    return (floats(windows, "start_s") + floats(windows, "end_s")) / 2
