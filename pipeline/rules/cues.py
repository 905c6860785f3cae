"""R6: several kinds of cue left this client's usual range together, soon after a question.

Families (a letter each) and what they are in the `windows` table:

    A  late reply       client_response_latency_s_z >= 1.5, or a silence of >= 3 s after a therapist
                        question that is itself >= 1.5 z long. The window column holds the
                        longest latency of the replies that start in the window, so one late
                        reply keeps A on over just the windows that contain its start.
    B  slower speech    client_articulation_rate_sps_z <= -1.5, or client_pause_prop_z >= 1.5
    C  stiller gaze     client_gaze_path_rate_dps_z <= -1.5, or client_stare_run_s_z >= 1.5, both
                        measured while listening; travel too small to be measured counts by the
                        limit it lies under
    D  short replies    client_replies_minimal >= 2 (of the last 3 replies to open questions)
    E  lids or face     |z| >= 2.0 of a blink rate (while speaking, while listening) or of
                        client_face_motion_sd: two-sided, because both directions are published
                        (Smilek 2010, Danböck 2021)
    F  nod, few words   z >= 0 of slow or of fast nods, in a window with such nods in which a
                        minimal reply starts

A, B are heard, C, E, F seen and D read. At least 3 families, 2 of them from A-D, from 2 of the 3
ways: where nothing is seen that leaves A, B and D, all three. The first cue lies within 60 s after
a therapist question; where questions are not known (no transcript) the rule is silent.

By chance about one such moment in 50 minutes is expected where cues vary independently, 3 where
every pair is correlated by .3 (measured in `tests/test_stages_candidates.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline import tables
from pipeline.rules.rule import Draft, Evidence, hysteresis, scored, tidy
from pipeline.settings import CandidatesSettings
from pipeline.spans import Flags, runs
from pipeline.tables.schema import Column
from pipeline.timeline import Floats, Span, log_duration, robust_location

TITLE = "Several cues changed together — worth a look"
MODALITIES = {"audio": ("A", "B"), "video": ("C", "E", "F"), "text": ("D",)}
CORE = ("A", "B", "C", "D")
MODALITIES_MIN = 2
MINIMAL_OF_3 = 2
SILENCE_FOLLOWS_S = 0.5
"""A silence belongs to a question that ends at most this far from its start."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One window column of a family and the direction that counts."""

    column: Column
    family: str
    sign: int
    """+1 above usual, -1 below, 0 either way."""


def _column(name: str) -> Column:
    return tables.WINDOWS.by_name[name]


LATENCY = _column("client_response_latency_s")
CUES = (
    Cue(LATENCY, "A", 1),
    Cue(_column("client_articulation_rate_sps"), "B", -1),
    Cue(_column("client_pause_prop"), "B", 1),
    Cue(_column("client_gaze_path_rate_dps"), "C", -1),
    Cue(_column("client_stare_run_s"), "C", 1),
    Cue(_column("client_blink_rate_speaking_pm"), "E", 0),
    Cue(_column("client_blink_rate_listening_pm"), "E", 0),
    Cue(_column("client_face_motion_sd"), "E", 0),
)
NODS = (Cue(_column("client_nod_slow_pm"), "F", 1), Cue(_column("client_nod_fast_pm"), "F", 1))
TRAVEL = CUES[3].column
MINIMAL = _column("client_replies_minimal")
SILENCE = _column("silence_max_s")


@dataclass(frozen=True, slots=True)
class CueWindows:
    """The windows of one session; arrays of shape (n_windows,), NaN where not measured."""

    start_s: Floats
    end_s: Floats
    values: Mapping[str, Floats]
    """Value of each column of `CUES`, `NODS` and `MINIMAL`, by name."""
    z: Mapping[str, Floats]
    """Robust z of each column of `CUES` and `NODS`, by name."""
    degraded: Mapping[str, Flags]
    minimal_reply: Flags
    """A minimal reply starts in the window."""
    silences: tuple[LongSilence, ...] = ()
    """Silences after a therapist question."""
    usual: Mapping[str, Floats] = field(default_factory=dict)
    """What z compares each window's value with, by column; see `usual_values`."""
    at_most: Mapping[str, Flags] = field(default_factory=dict)
    """Where the value of a column is a limit that it lies under, by name."""


@dataclass(frozen=True, slots=True)
class LongSilence:
    """A silence after a therapist question, against the client's usual reply latency."""

    start_s: float
    end_s: float
    usual_s: float
    z: float


def usual_values(values: Floats, z: Floats, states: Floats | None = None) -> Floats:
    """The value whose z is 0, the centre that the z were computed against; NaN without any z.

    z rises with its value, on a linear and on a log scale alike, so the centre lies between the two
    windows whose z lie round 0, whichever windows the baseline was taken from.

    Parameters
    ----------
    values, z : shape (n_windows,), NaN where not measured
    states : shape (n_windows,); where z compares a window only with those of its own state
    """
    usual = np.full(len(values), np.nan)
    states = np.zeros(len(values)) if states is None else states
    for state in np.unique(states[np.isfinite(states)]):
        here = states == state
        known = np.flatnonzero(here & np.isfinite(values) & np.isfinite(z))
        if known.size:
            known = known[np.argsort(z[known], kind="stable")]
            usual[here] = np.interp(0.0, z[known], values[known])
    return usual


def silences_after_questions(
    silences: list[Span], question_ends_s: Floats, latencies_s: Floats, settings: CandidatesSettings
) -> tuple[LongSilence, ...]:
    """The silences that follow a therapist question and last unusually long for this client.

    A silence after a question is a reply that has not come yet, so it is compared with the reply
    latencies, on the same log scale. Fewer than `silence_baseline_min_n` latencies give none.
    """
    least = settings.silence_baseline_min_n
    centre, scale = robust_location(log_duration(latencies_s), minimum_samples=least)
    found = []
    for start, end in silences:
        follows = bool(np.any(np.abs(question_ends_s - start) <= SILENCE_FOLLOWS_S))
        z = (np.log(end - start + 0.25) - centre) / scale
        if follows and end - start >= settings.silence_after_question_s and z >= settings.z_enter:
            found.append(LongSilence(start, end, float(np.exp(centre) - 0.25), float(z)))
    return tuple(found)


def families_on(
    z: Mapping[str, Floats],
    replies_minimal: Floats,
    minimal_reply: Flags,
    long_silence: Flags,
    settings: CandidatesSettings,
) -> dict[str, Flags]:
    """Which families are on in which window; every array of shape (..., n_windows)."""
    on = {family: np.zeros(replies_minimal.shape, dtype=bool) for family in "ABCDEF"}
    for cue in CUES:
        on[cue.family] |= _cue_on(z[cue.column.name], cue.sign, settings)
    on["A"] |= long_silence
    on["D"] |= replies_minimal >= MINIMAL_OF_3
    for nod in NODS:
        on["F"] |= (z[nod.column.name] >= 0) & minimal_reply
    return on


def together(on: Mapping[str, Flags], settings: CandidatesSettings) -> Flags:
    """Windows in which enough families, of enough kinds, are on; shape (..., n_windows)."""
    count = np.sum([on[family] for family in on], axis=0)
    core = np.sum([on[family] for family in CORE], axis=0)
    ways = np.sum([np.any([on[f] for f in letters], axis=0) for letters in MODALITIES.values()], 0)
    return np.asarray(
        (count >= settings.families_min)
        & (core >= settings.core_families_min)
        & (ways >= MODALITIES_MIN)
    )


def several_cues(
    windows: CueWindows, question_ends_s: Floats, settings: CandidatesSettings
) -> list[Draft]:
    """One draft per moment in which the conjunction holds for at least 3 consecutive windows."""
    on = families_on(
        windows.z,
        windows.values[MINIMAL.name],
        windows.minimal_reply,
        _touched(windows),
        settings,
    )
    mask = together(on, settings) & (windows.start_s >= settings.earliest_s)
    spans = [
        (float(windows.start_s[first]), float(windows.end_s[stop - 1]))
        for first, stop in runs(mask, settings.windows_min)
        if _after_question(windows, first, question_ends_s, settings)
    ]
    return [_draft(span, windows, on, settings) for span in tidy(spans, settings)]


def _cue_on(z: Floats, sign: int, settings: CandidatesSettings) -> Flags:
    enter = settings.z_enter if sign else settings.two_sided_z
    return hysteresis(_marked(z, sign), enter, _leave(sign, settings))


def _marked(z: Floats, sign: int) -> Floats:
    return sign * z if sign else np.abs(z)


def _leave(sign: int, settings: CandidatesSettings) -> float:
    """Where a cue goes off; the hysteresis is as wide for two-sided cues."""
    band = settings.z_enter - settings.z_leave
    return settings.z_leave if sign else settings.two_sided_z - band


def _after_question(
    windows: CueWindows, first: int, question_ends_s: Floats, settings: CandidatesSettings
) -> bool:
    # A cue may lie anywhere in its window, so it is enough that the window reaches into that time.
    asked_before = question_ends_s < windows.end_s[first]
    still_fresh = question_ends_s >= windows.start_s[first] - settings.question_window_s
    return bool(np.any(asked_before & still_fresh))


def _touched(windows: CueWindows) -> Flags:
    touched = np.zeros(windows.start_s.shape, dtype=bool)
    for silence in windows.silences:
        touched |= (windows.start_s < silence.end_s) & (windows.end_s > silence.start_s)
    return touched


def _draft(
    span: Span, windows: CueWindows, on: Mapping[str, Flags], settings: CandidatesSettings
) -> Draft:
    inside = (windows.start_s >= span[0]) & (windows.end_s <= span[1])
    evidence = [
        found
        for cue in CUES
        if (found := _most_marked(cue, windows, inside & on[cue.family], settings)) is not None
    ]
    if not any(item.feature == LATENCY.name for item in evidence):
        # Otherwise the silence is that very latency, and would count twice.
        evidence += [
            Evidence(SILENCE.name, s.start_s, s.end_s - s.start_s, s.usual_s, s.z, SILENCE.unit)
            for s in windows.silences
            if s.start_s < span[1] and s.end_s > span[0]
        ]
    evidence += _counted(windows, inside & on["D"], MINIMAL)
    for nod in NODS:
        nodding = inside & on["F"] & (windows.z[nod.column.name] >= 0)
        evidence += _counted(windows, nodding, nod.column)
    return scored(Draft("R6", *span, "client", TITLE, tuple(evidence)))


def _most_marked(
    cue: Cue, windows: CueWindows, where: Flags, settings: CandidatesSettings
) -> Evidence | None:
    name = cue.column.name
    marked = _marked(windows.z[name], cue.sign)
    usable = where & (marked >= _leave(cue.sign, settings))
    if not usable.any():
        return None
    return _evidence(cue.column, windows, int(np.argmax(np.where(usable, marked, -np.inf))))


def _counted(windows: CueWindows, where: Flags, column: Column) -> list[Evidence]:
    if not where.any():
        return []
    most = int(np.argmax(np.where(where, windows.values[column.name], -np.inf)))
    return [_evidence(column, windows, most)]


def _evidence(column: Column, windows: CueWindows, at: int) -> Evidence:
    z = windows.z[column.name][at] if column.name in windows.z else np.nan
    usual = windows.usual[column.name][at] if column.name in windows.usual else np.nan
    return Evidence(
        column.name,
        float((windows.start_s[at] + windows.end_s[at]) / 2),
        float(windows.values[column.name][at]),
        float(usual) if np.isfinite(usual) else None,
        float(z) if np.isfinite(z) else None,
        column.unit,
        "degraded" if windows.degraded[column.name][at] else "ok",
        at_most=column.name in windows.at_most and bool(windows.at_most[column.name][at]),
    )
