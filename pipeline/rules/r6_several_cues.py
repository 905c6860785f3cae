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

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline import tables
from pipeline.rules.cue_windows import (
    CUES,
    LATENCY,
    MINIMAL,
    NEEDED,
    NODS,
    Cue,
    CueWindows,
    LongSilence,
    cue_windows,
)
from pipeline.rules.replies import replying
from pipeline.rules.rule import Draft, Evidence, Given, Rule, Unapplied, hysteresis, scored, tidy
from pipeline.rules.talk import too_little_talk
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.spans import Flags, runs
from pipeline.tables.arrays import floats, present
from pipeline.tables.schema import Column
from pipeline.timeline import Floats, Span, log_duration, robust_location

TITLE = "Several cues changed together — worth a look"
MODALITIES = {"audio": ("A", "B"), "video": ("C", "E", "F"), "text": ("D",)}
CORE = ("A", "B", "C", "D")
MODALITIES_MIN = 2
MINIMAL_OF_3 = 2
SILENCE_FOLLOWS_S = 0.5
"""A silence belongs to a question that ends at most this far from its start."""
SILENCE = tables.WINDOWS.by_name["silence_max_s"]


class SeveralCuesSettings(Section):
    """Several cues at once."""

    at_most = (("core_families_min", 1, "families_min"),)

    question_window_s: float = Field(60.0, gt=0, description="First cue after a question, s")
    families_min: int = Field(3, ge=2, description="Families that must change")
    core_families_min: int = Field(2, ge=1, description="of which from A-D")
    windows_min: int = Field(3, ge=1, description="Consecutive windows")
    silence_after_question_s: float = Field(3.0, gt=0, description="Family A: silence, s")
    silence_baseline_min_n: int = Field(20, ge=2, description="and it needs this many latencies")


def find(given: Given, shared: SharedSettings, own: SeveralCuesSettings) -> list[Draft]:
    """One draft per moment in which enough families are on together, soon after a question."""
    turns, listed = given["turns"], given["silences"]
    replies, questions_s = replying(turns), question_ends(turns)
    begun = floats(replies, "start_s") >= shared.earliest_s
    long = silences_after_questions(
        list(zip(floats(listed, "start_s"), floats(listed, "end_s"), strict=True)),
        questions_s,
        floats(replies, "response_latency_s")[begun],
        shared,
        own,
    )
    windows = cue_windows(given["windows"], replies, long, shared)
    return several_cues(windows, questions_s, shared, own)


def unapplied(given: Given, shared: SharedSettings, own: SeveralCuesSettings) -> Unapplied | None:
    """Too little talk, or no window with enough kinds of cue, whatever their values."""
    if (too_little := too_little_talk(given["turns"], shared)) is not None:
        return too_little
    windows = given["windows"]
    measured = {family: np.zeros(windows.num_rows, dtype=bool) for family in "ABCDEF"}
    for cue in (*CUES, *NODS):
        measured[cue.family] |= present(windows, f"{cue.column.name}_z")
    measured["A"] |= measured["A"].any()  # a silence counts in windows without a reply, too
    measured["D"] |= present(windows, MINIMAL.name)
    if together(measured, own).any():
        return None
    return Unapplied("not_measured", "too few kinds of cue were measured")


def question_ends(turns: pa.Table) -> Floats:
    """When each question of the therapist ends, s; shape (n_questions,)."""
    asked = pc.and_(
        pc.equal(turns.column("role"), "therapist"),
        pc.fill_null(turns.column("is_question"), False),
    )
    return floats(turns.filter(asked), "question_end_s")


def silences_after_questions(
    silences: Sequence[Span],
    question_ends_s: Floats,
    latencies_s: Floats,
    shared: SharedSettings,
    own: SeveralCuesSettings,
) -> tuple[LongSilence, ...]:
    """The silences that follow a therapist question and last unusually long for this client.

    A silence after a question is a reply that has not come yet, so it is compared with the reply
    latencies, on the same log scale. Fewer than `silence_baseline_min_n` latencies give none.
    """
    least = own.silence_baseline_min_n
    centre, scale = robust_location(log_duration(latencies_s), minimum_samples=least)
    found = []
    for start, end in silences:
        follows = bool(np.any(np.abs(question_ends_s - start) <= SILENCE_FOLLOWS_S))
        z = (np.log(end - start + 0.25) - centre) / scale
        if follows and end - start >= own.silence_after_question_s and z >= shared.z_enter:
            found.append(LongSilence(start, end, float(np.exp(centre) - 0.25), float(z)))
    return tuple(found)


def families_on(
    z: Mapping[str, Floats],
    replies_minimal: Floats,
    minimal_reply: Flags,
    long_silence: Flags,
    shared: SharedSettings,
) -> dict[str, Flags]:
    """Which families are on in which window; every array of shape (..., n_windows)."""
    on = {family: np.zeros(replies_minimal.shape, dtype=bool) for family in "ABCDEF"}
    for cue in CUES:
        on[cue.family] |= _cue_on(z[cue.column.name], cue.sign, shared)
    on["A"] |= long_silence
    on["D"] |= replies_minimal >= MINIMAL_OF_3
    for nod in NODS:
        on["F"] |= (z[nod.column.name] >= 0) & minimal_reply
    return on


def together(on: Mapping[str, Flags], own: SeveralCuesSettings) -> Flags:
    """Windows in which enough families, of enough kinds, are on; shape (..., n_windows)."""
    count = np.sum([on[family] for family in on], axis=0)
    core = np.sum([on[family] for family in CORE], axis=0)
    ways = np.sum([np.any([on[f] for f in letters], axis=0) for letters in MODALITIES.values()], 0)
    return np.asarray(
        (count >= own.families_min) & (core >= own.core_families_min) & (ways >= MODALITIES_MIN)
    )


def several_cues(
    windows: CueWindows,
    question_ends_s: Floats,
    shared: SharedSettings,
    own: SeveralCuesSettings,
) -> list[Draft]:
    """One draft per moment in which the conjunction holds for at least 3 consecutive windows."""
    on = families_on(
        windows.z,
        windows.values[MINIMAL.name],
        windows.minimal_reply,
        _touched(windows),
        shared,
    )
    mask = together(on, own) & (windows.start_s >= shared.earliest_s)
    spans = [
        (float(windows.start_s[first]), float(windows.end_s[stop - 1]))
        for first, stop in runs(mask, own.windows_min)
        if _after_question(windows, first, question_ends_s, own)
    ]
    return [_draft(span, windows, on, shared) for span in tidy(spans, shared)]


def _cue_on(z: Floats, sign: int, shared: SharedSettings) -> Flags:
    enter = shared.z_enter if sign else shared.two_sided_z
    return hysteresis(_marked(z, sign), enter, _leave(sign, shared))


def _marked(z: Floats, sign: int) -> Floats:
    return sign * z if sign else np.abs(z)


def _leave(sign: int, shared: SharedSettings) -> float:
    """Where a cue goes off; the hysteresis is as wide for two-sided cues."""
    band = shared.z_enter - shared.z_leave
    return shared.z_leave if sign else shared.two_sided_z - band


def _after_question(
    windows: CueWindows, first: int, question_ends_s: Floats, own: SeveralCuesSettings
) -> bool:
    # A cue may lie anywhere in its window, so it is enough that the window reaches into that time.
    asked_before = question_ends_s < windows.end_s[first]
    still_fresh = question_ends_s >= windows.start_s[first] - own.question_window_s
    return bool(np.any(asked_before & still_fresh))


def _touched(windows: CueWindows) -> Flags:
    touched = np.zeros(windows.start_s.shape, dtype=bool)
    for silence in windows.silences:
        touched |= (windows.start_s < silence.end_s) & (windows.end_s > silence.start_s)
    return touched


def _draft(
    span: Span, windows: CueWindows, on: Mapping[str, Flags], shared: SharedSettings
) -> Draft:
    inside = (windows.start_s >= span[0]) & (windows.end_s <= span[1])
    evidence = [
        found
        for cue in CUES
        if (found := _most_marked(cue, windows, inside & on[cue.family], shared)) is not None
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
    cue: Cue, windows: CueWindows, where: Flags, shared: SharedSettings
) -> Evidence | None:
    name = cue.column.name
    marked = _marked(windows.z[name], cue.sign)
    usable = where & (marked >= _leave(cue.sign, shared))
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


RULE = Rule(
    id="R6",
    version=2,
    name="several cues at once",
    kind="several cues",
    tone="cues",
    looks_for=("At least three kinds of cue changed together after a question, for 40 s or longer"),
    chance=(
        "1.2 in 50 minutes of unrelated noise, 0.1 without video; 3 where all cues drift "
        "together (r = .3), of which at most 2 are shown"
    ),
    needs={
        "windows": NEEDED,
        "turns": (
            "role",
            "start_s",
            "end_s",
            "is_question",
            "question_end_s",
            "answers_turn_id",
            "reply_minimal",
            "response_latency_s",
            "response_latency_z",
            "response_latency_reason",
        ),
        "silences": ("start_s", "end_s"),
    },
    thresholds=SeveralCuesSettings,
    find=find,
    unapplied=unapplied,
    reasons=(
        "the topic changed to something that needs recall or thought",
        "fatigue, low mood or medication",
        "something else happened in the room: a noise, a phone, a shift of posture",
        "camera, light or microphone changed",
        "with this many windows a few such moments happen by chance",
    ),
)
