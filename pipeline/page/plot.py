"""The timeline of one session as inline SVG: who spoke, both dials, four cues, the moments.

A drawing is deterministic (hashed ids, no date) and asks for nothing outside itself: text stays
text, each moment is a link to its card on the same page, and colours are the page's own properties,
so that it is light or dark as the page is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import escape
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MultipleLocator

from pipeline.page.colours import (
    BAND,
    CLIENT,
    COLOURS,
    FAINT,
    INK,
    ON_TONE,
    PROPERTIES,
    RULE_COLOURS,
)
from pipeline.page.text import clock
from pipeline.timeline import Floats, Seconds, Span

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "thinslice",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.6,
    "text.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "path.simplify": False,
}
_NUMBER: dict[str, Any] = {
    "color": ON_TONE,
    "ha": "center",
    "va": "center",
    "fontsize": 8.2,
    "fontweight": "bold",
}
_WIDTH_IN = 11.0
_Z_LIMIT = 4.5
Z_SHOWN = 4.3
"""Values beyond it are drawn at it."""
_BAND_Z = 1.5


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment on the timeline; `target` is the id of its card."""

    number: int
    start_s: Seconds
    end_s: Seconds
    rule: str
    target: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """One curve: times and values of shape (n,), NaN where not measured."""

    label: str
    t_s: Floats
    value: Floats
    is_event: bool = False
    """Points rather than a line."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that is drawn; what is empty gets no row."""

    duration_s: Seconds
    marks: Sequence[Mark] = ()
    turns: Sequence[tuple[Seconds, Seconds, str]] = ()
    silences: Sequence[Span] = ()
    dials: dict[str, Track] = field(default_factory=dict)
    dial_note: str = ""
    cues: Sequence[Track] = ()

    @property
    def has_content(self) -> bool:
        """Whether anything is there to be drawn."""
        return self.duration_s > 0 and bool(self.marks or self.turns or self.dials or self.cues)


def timeline_svg(timeline: Timeline, prefix: str = "") -> str:
    """The SVG element, without XML prologue or metadata.

    Parameters
    ----------
    prefix : of its ids; a page with several drawings needs one for each but one
    """
    rows = _rows(timeline)
    heights = [height for _, height in rows]
    with style.context(["default", _STYLE]):
        height = sum(heights) + 0.35 + 0.13 * len(rows)
        figure = Figure(figsize=(_WIDTH_IN, height))
        grid = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=heights)
        figure.subplots_adjust(left=0.115, right=0.982, top=0.99, bottom=0.3 / height, hspace=0.22)
        for axes, (row, _) in zip(grid[:, 0], rows, strict=True):
            _draw(axes, row, timeline)
        _time_axis(grid[-1, 0], timeline.duration_s)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _named(_prefixed(_inline(buffer.getvalue()), prefix), timeline.marks)


def _rows(timeline: Timeline) -> list[tuple[str | Track, float]]:
    rows: list[tuple[str | Track, float]] = []
    if timeline.marks:
        lanes = 1 + max(lane for lane, _ in _lanes(timeline))
        rows.append(("moments", 0.1 + 0.2 * lanes))
    if timeline.turns:
        rows.append(("speech", 0.42))
    if timeline.dials:
        rows.append(("dials", 0.95))
    return rows + [(cue, 0.55) for cue in timeline.cues]


def _draw(axes: Axes, row: str | Track, timeline: Timeline) -> None:
    axes.set_xlim(0, timeline.duration_s)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    for mark in timeline.marks:
        colour = RULE_COLOURS[mark.rule]
        axes.axvspan(mark.start_s, mark.end_s, color=colour, alpha=0.09, linewidth=0)
    if isinstance(row, Track):
        _draw_cue(axes, row)
    elif row == "moments":
        _draw_moments(axes, timeline)
    elif row == "speech":
        _draw_speech(axes, timeline)
    else:
        _draw_dials(axes, timeline)


def _lanes(timeline: Timeline) -> list[tuple[int, Mark]]:
    """Each mark with the first lane in which it hides no other."""
    free: list[float] = []
    placed = []
    for mark in sorted(timeline.marks, key=lambda m: (m.start_s, m.number)):
        room = max(mark.end_s - mark.start_s, 0.022 * timeline.duration_s)
        lane = next((i for i, at in enumerate(free) if at <= mark.start_s), len(free))
        if lane == len(free):
            free.append(0.0)
        free[lane] = mark.start_s + room
        placed.append((lane, mark))
    return placed


def _draw_moments(axes: Axes, timeline: Timeline) -> None:
    placed = _lanes(timeline)
    lanes = 1 + max((lane for lane, _ in placed), default=0)
    axes.set_ylim(lanes, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    _row_label(axes, "moments", wide=True)
    for lane, mark in placed:
        width = max(mark.end_s - mark.start_s, 0.02 * timeline.duration_s)
        left = min(mark.start_s, timeline.duration_s - width)
        box = Rectangle(
            (left, lane + 0.08), width, 0.84, color=RULE_COLOURS[mark.rule], linewidth=0
        )
        box.set_url(f"#{mark.target}")
        axes.add_patch(box)
        text = axes.text(left + width / 2, lane + 0.52, str(mark.number), **_NUMBER)
        text.set_url(f"#{mark.target}")


def _draw_speech(axes: Axes, timeline: Timeline) -> None:
    names = [
        n for n in ("client", "therapist", "unknown") if any(t[2] == n for t in timeline.turns)
    ]
    axes.set_ylim(len(names), 0)
    axes.set_yticks([i + 0.5 for i in range(len(names))], names)
    axes.tick_params(axis="y", length=0)
    for i, name in enumerate(names):
        spans = [(start, end - start) for start, end, role in timeline.turns if role == name]
        axes.broken_barh(spans, (i + 0.15, 0.7), facecolors=COLOURS[name], linewidth=0)
    for start, end in timeline.silences:
        middle = (start + end) / 2
        axes.axvline(middle, 0.4, 0.6, color=INK, linewidth=0.9)


def _draw_dials(axes: Axes, timeline: Timeline) -> None:
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100], ["0 hindering", "50 neutral", "100 helpful"])
    axes.axhline(50, color=FAINT, linewidth=0.6)
    for rater, track in timeline.dials.items():
        dash = "solid" if rater == "client" else (0, (4, 1.6))
        axes.plot(track.t_s, track.value, color=COLOURS[rater], lw=1.3, ls=dash, label=track.label)
    axes.legend(loc="lower left", ncols=2, frameon=False, fontsize=8.2, handlelength=2.6,
                borderaxespad=0.1)  # fmt: skip
    axes.text(0.995, 0.03, timeline.dial_note, transform=axes.transAxes, ha="right", va="bottom",
              color=INK, fontsize=8.2)  # fmt: skip


def _draw_cue(axes: Axes, track: Track) -> None:
    axes.set_ylim(-_Z_LIMIT, _Z_LIMIT)
    axes.set_yticks([-3, 0, 3], ["z −3", "0", "+3"])
    axes.axhspan(-_BAND_Z, _BAND_Z, color=BAND, linewidth=0, zorder=0)
    shown = np.clip(track.value, -Z_SHOWN, Z_SHOWN)
    if track.is_event:
        axes.plot(track.t_s, shown, ".", color=CLIENT, markersize=3.2, clip_on=False)
    else:
        axes.plot(track.t_s, shown, color=CLIENT, linewidth=0.9, clip_on=False)
    _row_label(axes, track.label)


def _row_label(axes: Axes, text: str, *, wide: bool = False) -> None:
    at = -0.012 if wide else -0.034
    words = text.replace(" ", "\n", 1)
    axes.text(at, 0.5, words, transform=axes.transAxes, ha="right", va="center",
              multialignment="right", color=INK)  # fmt: skip


def _time_axis(axes: Axes, duration_s: Seconds) -> None:
    step = next((s for s in (10, 30, 60, 120, 300, 600, 900) if duration_s / s <= 14), 1800)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: clock(t)))
    axes.tick_params(axis="x", length=3, labelbottom=True)


def _named(svg: str, marks: Sequence[Mark]) -> str:
    """Each number's link named; the box under it leads there as well, for a pointer only."""
    for mark in marks:
        link = f'<a href="#{mark.target}"'
        name = escape(f"Moment {mark.number}, {clock(mark.start_s)}, {mark.title}")
        pointer_only = f'{link} aria-hidden="true" tabindex="-1">'
        svg = re.sub(rf"{re.escape(link)}>(?=\s*<path)", pointer_only, svg)
        svg = svg.replace(f"{link}>", f'{link} aria-label="{name}">')
    return svg


def _inline(svg: str) -> str:
    """Only the element: no prologue, metadata, namespaces, fixed size or new tabs."""
    svg = svg[svg.index("<svg") :].replace(' target="_blank"', "")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'(<svg)\b([^>]*?)\s(?:width|height)="[^"]*pt"', r"\1\2", svg, count=1)
    svg = re.sub(r'(<svg)\b([^>]*?)\s(?:width|height)="[^"]*pt"', r"\1\2", svg, count=1)
    for colour, name in PROPERTIES.items():
        svg = svg.replace(f": {colour}", f": var(--{name})")
    return svg.replace("'DejaVu Sans'", "sans-serif").strip()


def _prefixed(svg: str, prefix: str) -> str:
    for name in set(re.findall(r'\bid="([^"]+)"', svg)) if prefix else ():
        own = rf'(\bid="|href="#|url\(#){re.escape(name)}(?=["\)])'
        svg = re.sub(own, rf"\g<1>{prefix}{name}", svg)
    return svg
