"""Which rules a session gives too little for, and why: an empty list says whether anybody looked.

A rule that found nothing and a rule that could not be applied look alike in `candidates`; the table
`rules` and the page tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rules.cues import CUES, MINIMAL, NODS, together
from pipeline.settings import CandidatesSettings
from pipeline.tables.arrays import present
from pipeline.timeline import Seconds


@dataclass(frozen=True, slots=True)
class Unapplied:
    """Why a rule was not applied."""

    reason: str | None
    """One of `tables.REASONS`; None where the profile leaves the rule out."""
    why: str
    """In words, for the page."""


_NO_PAIR = {
    "fault": "the dials could not be compared tonight",
    "no_dial": "no two readable dials",
    "dial_unsure": "one of the dials is not good enough",
    "too_short": "too little of the session was rated by both",
}


def unapplied(
    given: Mapping[str, pa.Table], spoken_s: Seconds, settings: CandidatesSettings
) -> dict[str, Unapplied]:
    """The rules that this session gives too little for, or that the profile leaves out, by name.

    Parameters
    ----------
    given : what the stage reads
    spoken_s : from the first to the last word
    """
    no_dial, no_cues = _no_dial(given), _no_cues(given["turns"], spoken_s, settings)
    found = {
        "R1": no_dial,
        "R2": no_dial,
        "R3": _no_pair(given),
        "R4": no_cues or _no_usual_latency(given["turns"]),
        "R6": no_cues or _too_few_cues(given["windows"], settings),
    }
    left_out = Unapplied(None, "left out in the profile")
    every = {name: why if name in settings.rules else left_out for name, why in found.items()}
    return {name: why for name, why in every.items() if why is not None}


def _no_dial(given: Mapping[str, pa.Table]) -> Unapplied | None:
    readable = set(given["rating_quality"].column("quality").to_pylist()) - {"absent"}
    if readable or given["rating_segments"].num_rows:
        return None
    return Unapplied("no_dial", "no readable dial")


def _no_pair(given: Mapping[str, pa.Table]) -> Unapplied | None:
    rows = given["congruence"].to_pylist()
    compared = bool(rows) or not given["rating_quality"].num_rows
    reason = rows[0]["reason"] if rows else ("no_dial" if compared else "fault")
    if reason not in _NO_PAIR or given["dial_moments"].num_rows:
        return None
    return Unapplied(reason, _NO_PAIR[reason])


def _no_cues(turns: pa.Table, spoken_s: Seconds, settings: CandidatesSettings) -> Unapplied | None:
    """What both cue rules need: enough speech, known roles, and the therapist's questions."""
    if not turns.num_rows:
        return Unapplied("no_speech", "nobody was heard speaking")
    if spoken_s < settings.minimum_audio_s:
        needed = f"{settings.minimum_audio_s / 60:g} minutes"
        return Unapplied("too_short", f"under {needed} from the first to the last word")
    if not {"client", "therapist"} <= set(turns.column("role").to_pylist()):
        return Unapplied("no_role", "it is not known who is who")
    asked = turns.filter(pc.equal(turns.column("role"), "therapist")).column("is_question")
    if asked.null_count == len(asked):
        return Unapplied("no_transcript", "no transcript to find the questions in")
    if not pc.any(asked).as_py():
        return Unapplied("no_question", "no question of the therapist was found")
    return None


def _no_usual_latency(turns: pa.Table) -> Unapplied | None:
    if len(turns.column("response_latency_z").drop_null()):
        return None
    return Unapplied("few_samples", "too few replies to tell what is usual")


def _too_few_cues(windows: pa.Table, settings: CandidatesSettings) -> Unapplied | None:
    """R6 is silent where no window has enough kinds of cue, whatever their values."""
    measured = {family: np.zeros(windows.num_rows, dtype=bool) for family in "ABCDEF"}
    for cue in (*CUES, *NODS):
        measured[cue.family] |= present(windows, f"{cue.column.name}_z")
    measured["A"] |= measured["A"].any()  # a silence counts in windows without a reply, too
    measured["D"] |= present(windows, MINIMAL.name)
    if together(measured, settings).any():
        return None
    return Unapplied("not_measured", "too few kinds of cue were measured")
