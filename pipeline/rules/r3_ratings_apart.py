"""R3: stretches that the two raters rated differently, each against their own usual.

Where the raters part, neither is right. `[agreement]` sets how far apart and for how long. The rule
repeats people's own judgement: it stands outside the budget and needs no minimum of audio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline import tables
from pipeline.rules.rated_stretches import DIALS, medians_of
from pipeline.rules.rule import Draft, Evidence, Given, Rule, Unapplied
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.timeline import Seconds

DIVERGENCE = tables.WINDOWS.by_name["dial_divergence"]
_NO_PAIR = {
    "fault": "the dials could not be compared tonight",
    "no_dial": "no two readable dials",
    "dial_unsure": "one of the dials is not good enough",
    "too_short": "too little of the session was rated by both",
}


@dataclass(frozen=True, slots=True)
class DialDivergence:
    """One stretch in which the dials lie far apart; see `tables.DIAL_MOMENTS`."""

    rank: int
    start_s: Seconds
    end_s: Seconds
    session_prop: float
    peak_s: Seconds
    points: float
    """Client minus therapist at the peak, each from its own median."""
    usual: float
    dials: Mapping[str, tuple[float, float | None]]
    """Rater -> the dial there, and this rater's median."""
    depth_madn: float | None


def find(given: Given, shared: SharedSettings, own: Section) -> list[Draft]:
    """One draft per stretch."""
    del own
    return rating_divergences(_divergences(given), longest_s=shared.longest_s)


def unapplied(given: Given, shared: SharedSettings, own: Section) -> Unapplied | None:
    """The two dials were not compared."""
    del shared, own
    rows = given["congruence"].to_pylist()
    compared = bool(rows) or not given["rating_quality"].num_rows
    reason = rows[0]["reason"] if rows else ("no_dial" if compared else "fault")
    if reason not in _NO_PAIR or given["dial_moments"].num_rows:
        return None
    return Unapplied(reason, _NO_PAIR[reason])


def rating_divergences(moments: Sequence[DialDivergence], *, longest_s: Seconds) -> list[Draft]:
    """One draft per stretch, at most `longest_s` around its peak; score = MADN from usual."""
    return [_draft(moment, longest_s) for moment in moments]


def _divergences(given: Given) -> list[DialDivergence]:
    medians = medians_of(given["rating_quality"])
    return [
        DialDivergence(
            rank=row["rank"],
            start_s=row["start_s"],
            end_s=row["end_s"],
            session_prop=row["session_prop"],
            peak_s=row["peak_s"],
            points=row["divergence"],
            usual=row["usual_divergence"],
            dials={
                rater: (row[f"dial_{rater}"], medians.get(rater))
                for rater in ("client", "therapist")
            },
            depth_madn=row["depth_madn"],
        )
        for row in given["dial_moments"].to_pylist()
        if row["kind"] == "divergence"
    ]


def _draft(moment: DialDivergence, longest_s: Seconds) -> Draft:
    first = max(moment.start_s, min(moment.peak_s - longest_s / 2, moment.end_s - longest_s))
    depth = moment.depth_madn
    is_under_usual = moment.points < moment.usual
    evidence = Evidence(
        DIVERGENCE.name,
        moment.peak_s,
        moment.points,
        moment.usual,
        -depth if depth is not None and is_under_usual else depth,
        DIVERGENCE.unit,
    )
    dials = [
        Evidence(column.name, moment.peak_s, *moment.dials[rater], None, column.unit)
        for rater, column in DIALS.items()
    ]
    return Draft(
        "R3",
        first,
        min(moment.end_s, first + longest_s),
        "both",
        _title(moment),
        (evidence, *dials),
        score=depth or 0.0,
        rank=moment.rank,
    )


def _title(moment: DialDivergence) -> str:
    nearer = "client" if moment.points > 0 else "therapist"
    apart = f"{nearer} {abs(moment.points):.0f} points nearer to helpful"
    place = f"{100 * moment.session_prop:.0f} % into the session"
    return f"The two ratings differ: {apart}, each against their own usual ({place})"


RULE = Rule(
    id="R3",
    version=1,
    name="stretches rated differently",
    kind="ratings differ",
    tone="apart",
    looks_for="The dials at least 20 points apart for 20 s, each from its own median",
    chance=(
        "7 in 50 minutes of two unrelated dials (SD 12), 3 where they correlate at .5, 0.2 at "
        ".8; of which at most 3 are shown"
    ),
    needs={
        "dial_moments": (
            "kind",
            "rank",
            "start_s",
            "end_s",
            "session_prop",
            "peak_s",
            "divergence",
            "usual_divergence",
            "dial_client",
            "dial_therapist",
            "depth_madn",
        ),
        "rating_quality": ("rater", "dial_median"),
        "congruence": ("reason",),
    },
    thresholds=Section,
    find=find,
    unapplied=unapplied,
    reasons=(
        "two people see the same moment from two chairs; neither rating is the right one",
        "one rater moves the dial later, or farther, than the other",
        "one dial was left where it was",
        "one rater was thinking of something outside the session",
    ),
)
