"""Score the embedded diarizer on real recordings: error rates, gap errors, speed.

Reads the sample inside the pyannote.audio wheel, and where they are there the two-speaker sessions
of the shared test data. Overlap is scored and there is no collar. Gaps are compared where the
recording states what was planned.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from models.base import SAMPLE_RATE_HZ, Audio, Diarization  # noqa: E402
from models.device import resolve  # noqa: E402
from models.voices.embedded_diarizer import EmbeddedDiarizer  # noqa: E402


def main() -> None:
    """Print one line per recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="audio with an .rttm beside it")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--speakers", type=int, default=2)
    arguments = parser.parse_args()
    diarizer = EmbeddedDiarizer(device=resolve(arguments.device))
    headings = ("DER %", "miss %", "false %", "conf %")
    print(
        f"{'recording':16}"
        + "".join(f"{heading:>9}" for heading in headings)
        + f"{'x real time':>13}{'audio s / CPU s':>17}{'gap |error| s':>15}{'gap error s':>13}"
    )
    for path in arguments.recordings or _default_recordings():
        audio = _read(path)
        start, cpu_start = time.perf_counter(), time.process_time()
        result = diarizer.diarize(audio, num_speakers=arguments.speakers)
        speed = audio.size / SAMPLE_RATE_HZ / (time.perf_counter() - start)
        per_cpu_s = audio.size / SAMPLE_RATE_HZ / (time.process_time() - cpu_start)
        rates = _rates(path.with_suffix(".rttm"), result, audio.size / SAMPLE_RATE_HZ)
        line = f"{path.name:16}" + "".join(f"{100 * rate:9.2f}" for rate in rates)
        gaps = _gap_errors(path.with_suffix(".json"), result)
        shown = f"{np.median(np.abs(gaps)):15.3f}{np.median(gaps):13.3f}" if len(gaps) else ""
        print(f"{line}{speed:13.1f}{per_cpu_s:17.1f}{shown}")


def _default_recordings() -> list[Path]:
    import pyannote.audio

    data = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
    sample = Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"
    return [sample, *sorted((data / "speech" / "dyads").glob("*.flac"))]


def _read(path: Path) -> Audio:
    from faster_whisper.audio import decode_audio

    return np.asarray(decode_audio(str(path), sampling_rate=SAMPLE_RATE_HZ), np.float32)


def _rates(rttm: Path, result: Diarization, duration_s: float) -> tuple[float, ...]:
    """Diarization error rate, and its parts: missed, false alarm, confusion."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.database.util import load_rttm
    from pyannote.metrics.diarization import DiarizationErrorRate

    reference = next(iter(load_rttm(rttm).values()))
    hypothesis = Annotation()
    for number, turn in enumerate(result.turns):
        hypothesis[Segment(turn.start_s, turn.end_s), number] = turn.speaker
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    scored = Timeline([Segment(0, duration_s)])
    parts = metric(reference, hypothesis, uem=scored, detailed=True)
    names = ("missed detection", "false alarm", "confusion")
    return (parts[metric.name], *(parts[name] / parts["total"] for name in names))


def _gap_errors(plan: Path, result: Diarization) -> np.ndarray:
    """Found minus planned gap before each turn, seconds; empty without a plan.

    The found gap runs from the last end of the one speaker before the planned change to the first
    start of the other after it, each the boundary nearest to the planned one.
    """
    if not plan.is_file():
        return np.zeros(0)
    turns = json.loads(plan.read_text())
    starts = np.array([turn.start_s for turn in result.turns])
    ends = np.array([turn.end_s for turn in result.turns])
    errors = []
    for before, after in itertools.pairwise(turns):
        start = starts[np.argmin(np.abs(starts - after["start"]))] - after["start"]
        end = ends[np.argmin(np.abs(ends - before["end"]))] - before["end"]
        errors.append(start - end)
    return np.array(errors)


if __name__ == "__main__":
    main()
