"""Each turn against the same person's other turns of the session, as a robust z.

A baseline is made of the person's own turns after the first minutes; turns whose voice is unsure
are left out of it. Frequencies are compared in semitones, all else as it is. Speaking is the only
state: nobody is heard while listening. Source: METHODS: Clock, usual and z.
Caveat: a z says that a turn is unusual for this person in this session, never why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.settings import ProsodySettings
from pipeline.tables import PROSODY_CUES
from pipeline.timeline import Floats, robust_z

Row = dict[str, Any]

IN_SEMITONES = "f0_median_hz"


def with_baselines(
    rows: Sequence[Row],
    speakers: Sequence[int],
    confidence: Floats,
    settings: ProsodySettings,
) -> list[Row]:
    """The rows with ``<name>_z`` and the final ``<name>_reason`` of every one of `PROSODY_CUES`.

    Parameters
    ----------
    rows : turns, with the values and the reasons why they are null or degraded
    speakers : whose each turn is
    confidence : how sure the diarizer is of that, 0 to 1, shape (n_turns,); NaN: it does not say
    """
    sure = ~(confidence < settings.voice_confidence_min)
    late = np.array([row["start_s"] >= settings.baseline_skip_s for row in rows], bool)
    voices = np.array(speakers)
    done = [dict(row) for row in rows]
    for name in PROSODY_CUES:
        values = _scaled(name, rows)
        scores = np.full(len(rows), np.nan)
        for voice in np.unique(voices):
            mine = voices == voice
            baseline = mine & late & sure
            own = robust_z(values, baseline, minimum_samples=settings.baseline_min_n)
            scores[mine] = own[mine]
        for row, score, known in zip(done, scores, sure, strict=True):
            row[f"{name}_z"] = float(score)
            row[f"{name}_reason"] = _why(row, name, missing=bool(np.isnan(score)), sure=bool(known))
    return done


def _scaled(name: str, rows: Sequence[Row]) -> Floats:
    values = np.array([row[name] for row in rows], np.float64)  # None becomes NaN
    return np.asarray(12.0 * np.log2(values)) if name == IN_SEMITONES else values


def _why(row: Row, name: str, *, missing: bool, sure: bool) -> str | None:
    """What makes a value null or degrades it, else why it has no z."""
    if row[f"{name}_reason"] or not sure:
        return row[f"{name}_reason"] or "voice_unsure"
    return "no_baseline" if missing else None
