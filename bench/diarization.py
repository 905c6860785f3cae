"""Score the embedded diarizer on real recordings: error rates, voices found, gap errors, speed.

Reads the sample inside the pyannote.audio wheel, and where they are there the dyads, meetings and
other clips of the shared test data; each is scored against the reference of that very file. Overlap
is scored and there is no collar. Every recording is heard twice: with two people given, and with
none given. ``--against FOLDER`` lets another checkout's diarizer run in turns with this one's, each
in a process of its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data")) / "speech"
GIVEN = (2, None)
HEADING = (
    f"{'DER %':>8}{'miss %':>8}{'false %':>8}{'conf %':>8}{'voices':>8}{'x real':>8}{'CPU s':>8}"
)

_LISTENER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import numpy as np
from faster_whisper.audio import decode_audio
from models.device import resolve
from models.voices.embedded_diarizer import EmbeddedDiarizer
diarizer = EmbeddedDiarizer(device=resolve(sys.argv[2]))
for line in sys.stdin:
    path, given = json.loads(line)
    audio = np.asarray(decode_audio(path), np.float32)
    counts = {"num_speakers": given} if given else {"num_speakers": 20, "min_speakers": 1}
    wall, cpu = time.perf_counter(), time.process_time()
    found = diarizer.diarize(audio, **counts)
    took = time.perf_counter() - wall, time.process_time() - cpu
    turns = [(turn.start_s, turn.end_s, turn.speaker) for turn in found.turns]
    print(json.dumps([turns, len(audio) / 16000, *took]), flush=True)
"""

Turns = list[tuple[float, float, int]]


@dataclass(frozen=True)
class Heard:
    """What one diarizer made of one recording."""

    turns: Turns
    duration_s: float
    wall_s: float
    cpu_s: float

    @cached_property
    def voices(self) -> int:
        """How many were found."""
        return len({speaker for _, _, speaker in self.turns})


class Listener:
    """A checkout's diarizer in a process of its own."""

    def __init__(self, checkout: Path, device: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _LISTENER, str(checkout), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout)},
        )

    def hear(self, path: Path, given: int | None) -> Heard:
        """Diarize one file."""
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps([str(path), given]) + "\n")
        process.stdin.flush()
        return Heard(*json.loads(process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def main() -> None:
    """Print one line per recording, number given and diarizer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="audio with an .rttm beside it")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    arguments = parser.parse_args()
    listeners = {"this": Listener(ROOT, arguments.device)}
    if arguments.against:
        listeners = {"other": Listener(arguments.against.resolve(), arguments.device), **listeners}
    print(f"{'recording':26}{'true':>5}{'given':>7} {'':6}{HEADING}   gap |error| s")
    spent: dict[str, list[Heard]] = {name: [] for name in listeners}
    for path, given in itertools.product(arguments.recordings or _default_recordings(), GIVEN):
        reference, true = _reference(path)
        for name, listener in listeners.items():
            heard = listener.hear(path, given)
            spent[name].append(heard)
            who = f"{path.stem:26}{true or '?':>5}{given or 'none':>7} {name:6}"
            print(who + _line(path, reference, heard), flush=True)
    for listener in listeners.values():
        listener.close()
    _speeds(spent)


def _line(path: Path, reference: Any, heard: Heard) -> str:
    rates = _rates(reference, heard) if reference else []
    shown = "".join(f"{100 * rate:8.2f}" for rate in rates) or f"{'':32}"
    speed = heard.duration_s / heard.wall_s
    gaps = _gap_errors(path.with_suffix(".json"), heard.turns) if "dyad" in path.stem else []
    gap = f"{np.median(np.abs(gaps)):12.3f}" if len(gaps) else ""
    return f"{shown}{heard.voices:8}{speed:8.1f}{heard.cpu_s:8.1f}{gap}"


def _speeds(spent: dict[str, list[Heard]]) -> None:
    """All recordings together, and how much faster than the first."""
    first = next(iter(spent.values()))
    for name, all_heard in spent.items():
        audio_s, wall_s, cpu_s = (
            sum(getattr(heard, what) for heard in all_heard)
            for what in ("duration_s", "wall_s", "cpu_s")
        )
        ratios = [ours.cpu_s / theirs.cpu_s for theirs, ours in zip(first, all_heard, strict=True)]
        print(
            f"{name}: {audio_s:.0f} s of audio, {audio_s / wall_s:.1f} x real time, "
            f"{audio_s / cpu_s:.1f} s of audio a CPU second; CPU time over the first's: "
            f"{np.median(ratios):.2f} (median)"
        )


def _default_recordings() -> Iterator[Path]:
    import pyannote.audio

    yield Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"
    for folder, pattern in (("dyads", "*.flac"), ("ami30", "*.wav"), ("two_party", "*.wav")):
        yield from sorted((DATA / folder).glob(pattern))


_KNOWN_NUMBERS = {
    "enrollment_audio_katie": 1,
    "enrollment_audio_steve": 1,
    "katiesteve": 2,
    "katiesteve_mono": 2,
    "leopard_diarization_test": 3,
    "stereo_diarization": 2,
}
"""Recordings of which only the people are known."""


def _reference(path: Path) -> tuple[Any, int | None]:
    """Reference turns and number of people; what is not known is None."""
    from pyannote.database.util import load_rttm

    truth = path.with_name(f"{path.stem}_data.json")  # as Picovoice writes it
    if path.with_suffix(".rttm").is_file():
        reference = next(iter(load_rttm(path.with_suffix(".rttm")).values()))
    elif truth.is_file():
        rows = json.loads(truth.read_text())["tests"]["diarization_tests"][0]["segments"]
        reference = _annotation(
            (row["start_sec"], row["end_sec"], row["speaker_tag"]) for row in rows
        )
    else:
        return None, _KNOWN_NUMBERS.get(path.stem)
    return reference, len(reference.labels())


def _annotation(turns: Iterable[tuple[float, float, int]]) -> Any:
    from pyannote.core import Annotation, Segment

    made = Annotation()
    for number, (start_s, end_s, speaker) in enumerate(turns):
        made[Segment(start_s, end_s), number] = speaker
    return made


def _rates(reference: Any, heard: Heard) -> list[float]:
    """Diarization error rate, and its parts: missed, false alarm, confusion."""
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    scored = Timeline([Segment(0, heard.duration_s)])
    parts = metric(reference, _annotation(heard.turns), uem=scored, detailed=True)
    names = ("missed detection", "false alarm", "confusion")
    return [parts[metric.name], *(parts[name] / parts["total"] for name in names)]


def _gap_errors(plan: Path, turns: Turns) -> np.ndarray:
    """Found minus planned gap before each turn, seconds; empty without a plan.

    The found gap runs from the last end of the one speaker before the planned change to the first
    start of the other after it, each the boundary nearest to the planned one.
    """
    if not plan.is_file() or not turns:
        return np.zeros(0)
    starts, ends = (np.array([turn[part] for turn in turns]) for part in (0, 1))
    errors = []
    for before, after in itertools.pairwise(json.loads(plan.read_text())):
        start = starts[np.argmin(np.abs(starts - after["start"]))] - after["start"]
        end = ends[np.argmin(np.abs(ends - before["end"]))] - before["end"]
        errors.append(start - end)
    return np.array(errors)


if __name__ == "__main__":
    main()
