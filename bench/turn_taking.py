"""Floor transfer offsets of the made dyads, end to end through our own diarization.

    python -m bench.turn_taking

The plan of a dyad says how long after one utterance's file the next one begins. The files begin and
end with silence of their own, which belongs to no turn: beside the error against the plan stands
the error against the plan plus that silence, as Praat finds it in each file alone ("To TextGrid
(silences)" with its standard settings: 25 dB under the loudest, 0.1 s), where nobody talks into it.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ
from models.speech.detector import SileroSpeechDetector
from models.voices.embedded_diarizer import EmbeddedDiarizer
from pipeline import tables
from pipeline.settings import DiarizeSettings, TurnsSettings
from pipeline.stage import Inputs
from pipeline.stages import diarize, turns

FOUND_WITHIN_S = 1.0
DYADS = Path(__file__).resolve().parents[2] / "shared" / "data" / "speech" / "dyads"


def main() -> None:
    """Print the table."""
    from faster_whisper.audio import decode_audio

    engine = EmbeddedDiarizer()
    print(f"{'dyad':8}{'gaps found':>12}{'|error| s, median: plan':>26}", end="")
    print(f"{'plan + own silence':>20}{'own silence s':>15}")
    every = []
    for path in sorted(DYADS.glob("*.flac")):
        audio = np.asarray(decode_audio(str(path)), np.float32)
        plan = json.loads(path.with_suffix(".json").read_text())
        rows = compare(plan, found_turns(audio, engine), audio)
        every += rows
        print(_line(path.stem, rows))
    print(_line("all", every))


def found_turns(audio: NDArray[np.float32], engine: EmbeddedDiarizer) -> list[dict[str, Any]]:
    """Rows of `speaker_turns` that say how they took the floor."""
    heard = [
        {"session_id": "dyad", "start_s": one.start_s, "end_s": one.end_s}
        for one in SileroSpeechDetector().speech(audio)
    ]
    upstream = {"speech": tables.SPEECH.build_rows(heard), "words": tables.WORDS.empty()}
    spec = SimpleNamespace(id="dyad", media=[])
    inputs = Inputs(spec, SimpleNamespace(audio=audio, microphones_off=((),)), upstream)  # type: ignore[arg-type]
    upstream["diarization"] = diarize.run(inputs, engine, DiarizeSettings()).tables["diarization"]
    made = turns.run(inputs, None, TurnsSettings()).tables["speaker_turns"]
    return [row for row in made.to_pylist() if row["fto_s"] is not None]


def compare(
    plan: list[dict[str, Any]], found: list[dict[str, Any]], audio: NDArray[np.float32]
) -> list[tuple[float, float, float]]:
    """Per planned gap: error against the plan, against plan and own silence, and that silence.

    NaN where the gap was not found; the last two also where one utterance overlaps the other.
    """
    rows = []
    for before, after in pairwise(plan):
        nearest = min(found, key=lambda row: abs(row["start_s"] - after["start"]))
        if abs(nearest["start_s"] - after["start"]) > FOUND_WITHIN_S:
            rows.append((np.nan, np.nan, np.nan))
            continue
        gap = after["gap_before_s"]
        silence = np.nan
        if gap >= 0:
            silence = sounding(after, audio)[0] - sounding(before, audio)[1] - gap
        rows.append((nearest["fto_s"] - gap, nearest["fto_s"] - gap - silence, silence))
    return rows


def sounding(utterance: dict[str, Any], audio: NDArray[np.float32]) -> tuple[float, float]:
    """First and last sound of an utterance as Praat finds them, s."""
    import parselmouth
    from parselmouth.praat import call

    first, stop = (int(utterance[key] * SAMPLE_RATE_HZ) for key in ("start", "end"))
    sound = parselmouth.Sound(audio[first:stop].astype(np.float64), SAMPLE_RATE_HZ)
    grid = call(sound, "To TextGrid (silences)", 100, 0.0, -25.0, 0.1, 0.1, "silent", "sounding")
    numbers = range(1, call(grid, "Get number of intervals", 1) + 1)
    loud = [n for n in numbers if call(grid, "Get label of interval", 1, n) == "sounding"]
    start = call(grid, "Get start time of interval", 1, loud[0])
    end = call(grid, "Get end time of interval", 1, loud[-1])
    return utterance["start"] + start, utterance["start"] + end


def _line(name: str, rows: list[tuple[float, float, float]]) -> str:
    plan, own, silence = np.abs(np.array(rows)).T
    found = np.isfinite(plan)
    return (
        f"{name:8}{f'{found.sum()} of {len(plan)}':>12}{np.nanmedian(plan):26.3f}"
        f"{np.nanmedian(own):20.3f}{np.nanmedian(silence):15.2f}"
    )


if __name__ == "__main__":
    main()
