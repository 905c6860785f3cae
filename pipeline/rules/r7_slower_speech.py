"""R7: the client spoke more slowly than usual, and more evenly in pitch, for a while.

Both vary with what is said, and with fatigue: of all rules this one counts least. Each cue has its
own hysteresis. What the client speaks in windows where both are on is added up, and a stretch needs
a minute of it: a slow sentence is none.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline.rules.rule import Draft, Given, Rule, Unapplied, hysteresis, scored, tidy
from pipeline.rules.talk import too_little_speech
from pipeline.rules.window_cue import WindowCue, columns_of, window_cue
from pipeline.settings import SharedSettings
from pipeline.settings.section import Section
from pipeline.spans import Flags, Windows, amount_inside, as_array, runs
from pipeline.tables.arrays import floats
from pipeline.timeline import Floats, Seconds, Span, overlap_s, union

TITLE = "Speech was slower and more even in pitch than usual"
WEIGHT = 0.4
RATE, SPREAD = "client_articulation_rate_sps", "client_f0_sd_st"


class SlowerSpeechSettings(Section):
    """Slower, more even speech."""

    pitch_z: float = Field(1.0, gt=0, description="Pitch spread counts from so far under usual, z")
    speech_s: float = Field(60.0, gt=0, description="Client's speech in such windows, least, s")


def find(given: Given, shared: SharedSettings, own: SlowerSpeechSettings) -> list[Draft]:
    """One draft per stretch of slower and more even speech."""
    windows = given["windows"].sort_by("start_s")
    rate, spread = window_cue(windows, RATE), window_cue(windows, SPREAD)
    on = _slower(rate, spread, shared, own)
    spans = [(float(rate.start_s[a]), float(rate.end_s[z - 1])) for a, z in runs(on)]
    spoken, amounts = _client_speech(given["turns"])
    return [
        _draft(span, rate, spread, on)
        for span in tidy(spans, shared)
        if _spoken_s(_within(spans, span), spoken, amounts) >= own.speech_s
    ]


def unapplied(given: Given, shared: SharedSettings, own: SlowerSpeechSettings) -> Unapplied | None:
    """Too little speech, or no window in which both pace and pitch could be compared."""
    del own
    if (too_little := too_little_speech(given["turns"], shared)) is not None:
        return too_little
    z = [floats(given["windows"], f"{name}_z") for name in (RATE, SPREAD)]
    if np.isfinite(np.sum(z, axis=0)).any():
        return None
    return Unapplied("not_measured", "pace and pitch could not be compared with the usual")


def _slower(
    rate: WindowCue, spread: WindowCue, shared: SharedSettings, own: SlowerSpeechSettings
) -> Flags:
    """Windows in which both cues are on; each goes off half a z nearer to usual."""
    band = shared.z_enter - shared.z_leave
    slow = hysteresis(-rate.z, shared.z_enter, shared.z_leave)
    even = hysteresis(-spread.z, own.pitch_z, own.pitch_z - band)
    return np.asarray(slow & even & (rate.start_s >= shared.earliest_s))


def _client_speech(turns: pa.Table) -> tuple[Floats, Floats]:
    """Spans of the client's turns, shape (n, 2), and the speech in each, s."""
    own = turns.filter(pc.equal(turns.column("role"), "client")).sort_by("start_s")
    return np.column_stack([floats(own, "start_s"), floats(own, "end_s")]), np.nan_to_num(
        floats(own, "phonation_s")
    )


def _within(spans: list[Span], whole: Span) -> list[Span]:
    return [
        (max(start, whole[0]), min(end, whole[1]))
        for start, end in union(spans)
        if overlap_s((start, end), whole) > 0
    ]


def _spoken_s(spans: list[Span], spoken: Floats, amounts: Floats) -> Seconds:
    parts = as_array(spans)
    return float(amount_inside(spoken, amounts, Windows(parts[:, 0], parts[:, 1])).sum())


def _draft(span: Span, rate: WindowCue, spread: WindowCue, on: Flags) -> Draft:
    inside = on & (rate.start_s >= span[0]) & (rate.start_s < span[1])
    evidence = [
        cue.evidence(int(np.argmin(np.where(inside, cue.z, np.inf)))) for cue in (rate, spread)
    ]
    return scored(Draft("R7", *span, "client", TITLE, tuple(evidence)), WEIGHT)


RULE = Rule(
    id="R7",
    version=1,
    name="slower speech",
    kind="slower speech",
    tone="cues",
    looks_for="Slower speech with less spread of pitch, over a minute of the client's speech",
    chance="under 0.1 in 50 minutes of noise",
    needs={
        "windows": tuple(dict.fromkeys((*columns_of(RATE), *columns_of(SPREAD)))),
        "turns": ("role", "start_s", "end_s", "phonation_s"),
    },
    thresholds=SlowerSpeechSettings,
    find=find,
    unapplied=unapplied,
    reasons=(
        "recalling details, or choosing words with care",
        "reading aloud, or explaining something step by step",
        "fatigue, low mood, medication, a sore throat or a cold",
    ),
)
