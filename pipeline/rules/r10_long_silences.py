"""R10: nobody spoke for a long time, or after a turn of the therapist that was not finished.

Length says little about a silence (Soma 2023; Frankel 2006 on silences that reflect): it is an
event to open, not a fault. Every one is listed, so there is no chance in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from pipeline import tables
from pipeline.rules.rule import Z_CAP, Draft, Evidence, Given, Rule, Unapplied, scored, tidy
from pipeline.rules.talk import too_little_speech
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.timeline import Seconds, Span, overlap_s

LONG = "A long silence — may be reflective or stuck"
UNFINISHED = "A silence after an unfinished turn of the therapist — may be reflective or stuck"
WEIGHT = 0.5
_SILENCE = tables.WINDOWS.by_name["silence_max_s"]


class LongSilencesSettings(Section):
    """Long silences."""

    at_most = (("unfinished_s", 1, "long_s"),)

    long_s: float = Field(8.0, gt=0, description="Shortest silence proposed, s")
    unfinished_s: float = Field(3.0, gt=0, description="and after an unfinished therapist turn, s")


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence of the session."""

    start_s: Seconds
    end_s: Seconds
    is_unfinished: bool
    """It follows a turn of the therapist that was not finished."""

    @property
    def length_s(self) -> Seconds:
        """How long nobody speaks."""
        return self.end_s - self.start_s


def find(given: Given, shared: SharedSettings, own: LongSilencesSettings) -> list[Draft]:
    """One draft per silence, or per few that lie close together."""
    silences = silences_of(given)
    usual = float(np.median([one.length_s for one in silences])) if silences else float("nan")
    chosen = [
        one
        for one in silences
        if one.length_s >= (own.unfinished_s if one.is_unfinished else own.long_s)
        and one.start_s >= shared.earliest_s
    ]
    spans = tidy([(one.start_s, one.end_s) for one in chosen], shared, are_events=True)
    return [
        _draft(span, [one for one in chosen if _touches(one, span)], usual, shared, own)
        for span in spans
    ]


def unapplied(given: Given, shared: SharedSettings, own: LongSilencesSettings) -> Unapplied | None:
    """Too little was heard."""
    del own
    return too_little_speech(given["turns"], shared)


def silences_of(given: Given) -> list[Silence]:
    """All listed silences, with what is known of the turn before them."""
    therapists = {r["speaker"] for r in given["roles"].to_pylist() if r["role"] == "therapist"}
    return [
        Silence(
            row["start_s"],
            row["end_s"],
            bool(row["after_incomplete"]) and row["after_speaker"] in therapists,
        )
        for row in given["silences"].to_pylist()
    ]


def _touches(silence: Silence, span: Span) -> bool:
    return overlap_s((silence.start_s, silence.end_s), span) > 0


def _draft(
    span: Span,
    inside: list[Silence],
    usual: Seconds,
    shared: SharedSettings,
    own: LongSilencesSettings,
) -> Draft:
    evidence = tuple(
        Evidence(_SILENCE.name, one.start_s, one.length_s, usual, None, _SILENCE.unit)
        for one in inside
    )
    is_long = any(one.length_s >= own.long_s for one in inside)
    draft = Draft("R10", *span, "both", LONG if is_long else UNFINISHED, evidence)
    longest = max(one.length_s for one in inside) / own.long_s
    return scored(draft, WEIGHT, without_z=min(Z_CAP, shared.z_enter * longest))


RULE = Rule(
    id="R10",
    version=1,
    name="long silences",
    kind="long silence",
    tone="cues",
    looks_for=(
        "Silences of 8 s or longer, and of 3 s or longer after an unfinished turn of the therapist"
    ),
    chance=(
        "none: each such silence is listed, about 2 in 50 minutes with 17 silences of 3 s or "
        "longer; at most 2 are shown"
    ),
    needs={
        "silences": ("start_s", "end_s", "after_speaker", "after_incomplete"),
        "turns": ("role", "start_s", "end_s"),
        "roles": ("speaker", "role"),
    },
    thresholds=LongSilencesSettings,
    find=find,
    unapplied=unapplied,
    reasons=(
        "a pause that both found useful",
        "notes, water, a tissue, an exercise done in silence",
        "somebody left the room, or spoke too softly to be heard",
    ),
)
