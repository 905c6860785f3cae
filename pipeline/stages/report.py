"""Stage: the supervisor's page, one offline HTML file.

It renders what upstream stages measured and computes nothing of its own. First, on one screen, what
is missing, how far the video can be trusted, the timeline and where to start; then the moments with
their numbers, everyday reasons, lines and clips; then, folded, the session, its quality and where
every number comes from. Clips travel inside the page; it asks nothing of any network.

Caveat: whoever holds the file holds the clips. It is made only with the `supervisor_view` scope.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from models.base import Progress
from pipeline import tables
from pipeline.page import wording
from pipeline.page.cards import Card, cards
from pipeline.page.colours import CLIENT, THERAPIST, TONES
from pipeline.page.cue_check import cue_check
from pipeline.page.dials import dial_views
from pipeline.page.forms import form_lines, imported_flags
from pipeline.page.looked_for import chance_lines, not_looked_for
from pipeline.page.plot import Z_SHOWN, Mark, Timeline, Track, timeline_svg
from pipeline.page.start import start_with, why
from pipeline.page.text import clock, not_measured, quantity
from pipeline.rules import RULES
from pipeline.settings import ReportSettings
from pipeline.stage import Absence, Inputs, Missing, Outputs, Stage
from pipeline.tables.arrays import floats as column
from pipeline.tables.sources import references
from pipeline.timeline import Floats, Seconds

VERSION = 5

METHOD_SOURCES = ("berger2023", "cohen2024", "duncan2003srs", "smilek2010", "soma2023")
"""Cited by the page's methods text rather than by a column."""

PLOTTED = (
    "client_response_latency_s",
    "client_articulation_rate_sps",
    "client_gaze_path_rate_dps",
    "client_blink_rate_listening_pm",
)
_MODALITY_WORDS = {
    "audio": "Sound", "video": "Video", "transcript": "Transcript", "roles": "Who is who",
    "dial_client": "Client's dial", "dial_therapist": "Therapist's dial", "clips": "Clips",
    "guesses": "Guess task", "reasons": "Reasons for ratings", "prosody": "Voices",
    "voices": "Number of voices",
}  # fmt: skip


class ClipCutter(Protocol):
    """Cuts pieces of the session's recording for the page."""

    @property
    def has_video(self) -> bool:
        """Whether clips show a picture; otherwise they are sound only."""
        ...

    def clip(self, start_s: Seconds, end_s: Seconds) -> bytes:
        """WebM bytes of ``[start_s, end_s)`` on the session clock."""
        ...


def run(inputs: Inputs, engine: ClipCutter | Missing, settings: ReportSettings) -> Outputs:
    """Render `report.html`. What is absent is said, and why; only `sessions` is always there.

    Parameters
    ----------
    engine
        Cuts the clips. Where it is `Missing`, cards say so and the stage reports the absence.
    """
    given = inputs.tables
    forms, rules = given["forms"].to_pylist(), given["rules"].to_pylist()
    absences: tuple[Absence, ...] = ()
    if isinstance(engine, Missing):
        absences = (engine.absence("clips"),)
    lines = form_lines(forms)
    (session,) = given["sessions"].to_pylist()
    if session["capture"] != "in_room":
        settings = _with_remote_causes(settings)
    listed = cards(given, session["duration_s"], settings)
    clips = {} if isinstance(engine, Missing) else _clips(listed, engine, inputs.progress)
    first = start_with(listed)
    timeline = _timeline(given, session["duration_s"], listed)
    course = replace(timeline, turns=(), silences=(), dials={})
    page = _template().render(
        session=session,
        cards=listed,
        first=first,
        others=[card for card in listed if card not in first],
        why={card.id: why(card, _rated_by(given["rating_quality"])) for card in listed},
        clips=clips,
        clip_missing=engine.sentence if isinstance(engine, Missing) else "",
        has_video=not isinstance(engine, Missing) and engine.has_video,
        timeline=_drawn(replace(timeline, cues=())),
        course=_drawn(course, "course-") if course.cues else "",
        timeline_text=_timeline_text(timeline),
        silences=len(timeline.silences),
        unplotted=_unplotted(given, timeline),
        absent=[_absence_line(a) for a in dict.fromkeys((*inputs.absences, *absences))],
        forms=lines,
        missing_forms=[line.name for line in lines if line.is_missing],
        flags=imported_flags(forms),
        views=dial_views(given),
        check=cue_check(given, session["duration_s"], inputs.absences),
        raters=given["rating_quality"].to_pylist(),
        features=_features(given["session_features"]),
        counts=_event_counts(given["events"]),
        quality=[_quality_line(row) for row in given["quality"].to_pylist()],
        media=given["media"].to_pylist(),
        provenance=inputs.provenance,
        references=references(_cited(given, timeline)),
        chance=chance_lines(rules),
        not_looked_for=not_looked_for(rules),
        prompt=wording.PROMPT,
        many_reasons=wording.MANY_REASONS,
        tones=_tones(listed),
        z_shown=Z_SHOWN,
        session_words=f"Session {session['session_number']} of {session['dyad_id']}",
        colours={"client": CLIENT, "therapist": THERAPIST},
        tone_names=TONES,
        tone_of={rule.id: rule.tone for rule in RULES},
    )
    return Outputs({}, files={"report.html": page.encode()}, absences=absences)


def _with_remote_causes(settings: ReportSettings) -> ReportSettings:
    """Everyday reasons with those of sessions that were not recorded in one room."""
    lists = settings.innocent_causes
    causes = {name: [*own, *lists.get(f"{name}_remote", [])] for name, own in lists.items()}
    return settings.model_copy(update={"innocent_causes": causes})


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = clock
    environment.filters["css"] = _css
    environment.filters["quantity"] = lambda value, name, unit: quantity(name, value, unit)
    return environment.get_template("report.html.j2")


def _css(text: str) -> Markup:
    """A CSS string; what could end it is written as its code point."""
    plain = re.sub(r"[^\w .,;/-]", lambda found: f"\\{ord(found.group()):x} ", text)
    return Markup(f'"{plain}"')  # noqa: S704 - nothing in it is markup


def _clips(listed: Sequence[Card], engine: ClipCutter, progress: Progress) -> dict[str, str]:
    """A data address for each card's clip, by card id."""
    made = {}
    kind = "video" if engine.has_video else "audio"
    for done, card in enumerate(listed):
        progress("clips", done / len(listed))
        encoded = base64.b64encode(engine.clip(*card.clip)).decode("ascii")
        made[card.id] = f"data:{kind}/webm;base64,{encoded}"
    return made


def _timeline(
    given: Mapping[str, pa.Table], duration_s: Seconds, listed: Sequence[Card]
) -> Timeline:
    turns = [row for row in given["turns"].to_pylist() if not row["is_backchannel"]]
    silences = given["silences"].to_pylist()
    return Timeline(
        duration_s,
        [
            Mark(card.number, card.start_s, card.end_s, card.lead.rule, card.id, card.lead.title)
            for card in listed
        ],
        [(row["start_s"], row["end_s"], row["role"]) for row in turns],
        [(row["start_s"], row["end_s"]) for row in silences],
        _dials(given["ratings"]),
        _dial_note(given["rating_quality"]),
        _cue_tracks(given["windows"], given["turns"]),
    )


def _tones(listed: Sequence[Card]) -> list[tuple[str, str]]:
    """A rule of each colour on the timeline, and what it marks in words."""
    found = {card.lead.rule for card in listed}
    words = [(rule.id, rule.kind) for rule in RULES if rule.is_rating and rule.id in found]
    cued = [rule.id for rule in RULES if not rule.is_rating]
    return words + ([(cued[-1], "cues")] if found & set(cued) else [])


def _drawn(timeline: Timeline, prefix: str = "") -> Markup | str:
    if not timeline.has_content:
        return ""
    return Markup(timeline_svg(timeline, prefix))  # noqa: S704 - ours


def _rated_by(quality: pa.Table) -> set[str]:
    """Raters whose dial can be read."""
    return {row["rater"] for row in quality.to_pylist() if row["quality"] != "absent"}


def _dials(ratings: pa.Table) -> dict[str, Track]:
    found = {}
    for rater in ("client", "therapist"):
        rows = [row for row in ratings.to_pylist() if row["rater"] == rater]
        values = _floats(row["value"] for row in rows)
        if np.isfinite(values).any():
            times = _floats(row["t_s"] for row in rows)
            found[rater] = Track(f"{rater.capitalize()}'s dial", times, values)
    return found


def _dial_note(quality: pa.Table) -> str:
    lags = sorted({row["lag_s"] for row in quality.to_pylist() if row["lag_s"] is not None})
    if not lags:
        return ""
    return f"moved {' or '.join(f'{lag:.1f}' for lag in lags)} s earlier for reaction time"


def _cue_tracks(windows: pa.Table, turns: pa.Table) -> list[Track]:
    tracks = []
    centre = (column(windows, "start_s") + column(windows, "end_s")) / 2
    for name in PLOTTED:
        label = tables.WINDOWS.by_name[name].label
        if name == "client_response_latency_s":
            times, z = column(turns, "start_s"), column(turns, "response_latency_z")
        else:
            times, z = centre, column(windows, f"{name}_z")
        if np.isfinite(z).any():
            tracks.append(Track(label, times, z, is_event=name == "client_response_latency_s"))
    return tracks


def _unplotted(given: Mapping[str, pa.Table], timeline: Timeline) -> list[str]:
    """Cues that the drawing lacks, each with why."""
    shown = {track.label for track in timeline.cues}
    lost = []
    for name in PLOTTED:
        text = tables.WINDOWS.by_name[name].label
        known = np.isfinite(column(given["windows"], name)).any()
        if text not in shown:
            lost.append(f"{text} ({'no usual to compare with' if known else 'not measured'})")
    return lost


def _timeline_text(timeline: Timeline) -> str:
    """What the drawing shows, for those who do not see it."""
    dials = " and ".join(track.label.lower() for track in timeline.dials.values()) or "no dial"
    return (
        f"Timeline of {clock(timeline.duration_s)} minutes: {len(timeline.marks)} numbered "
        f"moments, who spoke when, and {dials}."
    )


def _absence_line(absence: Absence) -> dict[str, str]:
    what = _MODALITY_WORDS.get(absence.modality, absence.modality.replace("_", " ").capitalize())
    sentence = absence.sentence.removeprefix(f"{absence.modality}: ").removeprefix(f"{what}: ")
    return {"what": what, "sentence": sentence[:1].upper() + sentence[1:]}


def _features(features: pa.Table) -> list[dict[str, str]]:
    return [
        {
            "what": row["description"],
            "name": row["feature"],
            "value": _shown(row["feature"], row),
        }
        for row in features.to_pylist()
    ]


def _quality_line(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "what": row["description"],
        "name": row["measure"],
        "value": _shown(row["measure"], row),
        "quality": row["quality"],
    }


def _shown(name: str, row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return not_measured(row["reason"])
    return quantity(name, row["value"], row["unit"])


def _event_counts(events: pa.Table) -> list[tuple[str, int]]:
    kinds = events.column("kind").to_pylist()
    return [(kind.replace("_", " "), kinds.count(kind)) for kind in sorted(set(kinds))]


def _cited(given: Mapping[str, pa.Table], timeline: Timeline) -> set[str]:
    """Citation keys of the columns that stand on this page."""
    keys = {"iglewicz1993", *METHOD_SOURCES}
    if not any(given["forms"].column("is_below_mark").to_pylist()):
        keys.discard("duncan2003srs")
    drawn = {track.label for track in timeline.cues}
    features = set(given["evidence"].column("feature").to_pylist())
    features |= {name for name in PLOTTED if tables.WINDOWS.by_name[name].label in drawn}
    for table in (tables.WINDOWS, tables.TURNS):
        keys |= {column.source for column in table.columns if column.name in features}
    if given["ratings"].num_rows:
        keys |= {"girard2014carma", "mariooryad2015", "swift2017"}
    if given["congruence"].column("r").drop_null().to_pylist():
        keys |= {column.source for column in tables.CONGRUENCE.columns}
    return keys


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


STAGE = Stage(
    name="report",
    version=VERSION,
    run=run,
    settings=ReportSettings,
    reads=(
        "sessions",
        "media",
        "quality",
        "turns",
        "words",
        "roles",
        "silences",
        "windows",
        "ratings",
        "rating_quality",
        "rating_segments",
        "rating_reasons",
        "congruence",
        "dial_moments",
        "candidates",
        "evidence",
        "rules",
        "events",
        "session_features",
        "cue_check",
        "forms",
    ),
    writes=(),
    engine="clip_cutter",
    scope="supervisor_view",
    modality="clips",
    reads_absences=True,
    reads_provenance=True,
)
