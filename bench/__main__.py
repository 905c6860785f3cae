"""Run the benchmarks, one after the other, and keep what they print with machine and date.

    python -m bench [name ...] [--device auto]

Results go to ``bench/results/<name>.<device>.txt``. Seconds belong to the machine named there; the
ratios are what to compare, because both sides of each ran in turns on the same machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from models.device import Device, resolve

RESULTS = Path(__file__).with_name("results")
LIBRARIES = ("torch", "pyannote.audio", "ctranslate2", "ai-edge-litert", "mediapipe", "av")


@dataclass(frozen=True)
class Bench:
    """One module of this folder."""

    name: str
    asks: str
    takes_device: bool = False


BENCHES = (
    Bench("diarization", "embedded diarizer: error rates against references", takes_device=True),
    Bench("diarization_speed", "diarizers against pyannote.audio as shipped", takes_device=True),
    Bench("transcription", "words against faster-whisper as shipped", takes_device=True),
    Bench("transcription_speed", "Whisper in batches, one pack at a time", takes_device=True),
    Bench("faces", "face stage against mediapipe on every frame"),
    Bench("face_truth", "blinks, nods, angles, gaze of an animated portrait against the truth"),
    Bench("far_faces", "recall by distance, people who cross, empty rooms"),
    Bench("face_core", "landmarks against mediapipe's; torch core", takes_device=True),
    Bench("face_arithmetic", "cost and memory of the face stage beside the landmarks"),
    Bench("gaze_modes", "planted shares of gaze, seats that move"),
    Bench("face_windows", "cost of the face windows of an hour"),
    Bench("synchrony", "motion energy and co-movement against planned truth"),
    Bench("decode", "frame fetch against PyAV's default scaler"),
    Bench("cues", "precision and recall of every language cue on hand-written sentences"),
    Bench("rules", "every cue rule in made sessions: recall of what was planted, chance load"),
    Bench("turn_taking", "floor transfers of the made dyads against their plan"),
    Bench("primock57", "fifteen mock consultations: turns, roles, language"),
    Bench("prosody", "F0 against librosa.pyin, the prosody stage against a plain script"),
    Bench("dial_messages", "what is said of each malformed dial file"),
    Bench("dial_lag", "planted lags of raters: told, inside the interval, false alarms"),
    Bench("congruence", "two dials: false positives by test, late copies, chance load of R3"),
    Bench("study", "made cohorts: coverage of the pooled interval, power, false discoveries"),
    Bench("refusals", "refusals typed in every spelling: none may let a session through"),
    Bench("memory", "peak memory of 20 and 60 minutes"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [bench.name for bench in BENCHES]
    parser.add_argument("names", nargs="*", help=f"default: all of {', '.join(names)}")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(names))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}")
    device = resolve(chosen.device)
    wanted = [bench for bench in BENCHES if not chosen.names or bench.name in chosen.names]
    failed = [bench.name for bench in wanted if not run(bench, device)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def run(bench: Bench, device: Device) -> bool:
    """Run one, show it, and keep its output where it ended well."""
    print(f"\n## {bench.name}: {bench.asks}\n", flush=True)
    command = [sys.executable, "-m", f"bench.{bench.name}"]
    if bench.takes_device:
        command += ["--device", str(device)]
    lines = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        cwd=RESULTS.parents[1],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if child.returncode == 0:
        RESULTS.mkdir(exist_ok=True)
        kept = RESULTS / f"{bench.name}.{device.kind if bench.takes_device else 'cpu'}.txt"
        kept.write_text(f"{bench.asks}\n{machine(device)}\n\n{''.join(lines)}")
    return child.returncode == 0


def machine(device: Device) -> str:
    """Date, processor, card and library versions."""
    cores = len(os.sched_getaffinity(0))
    parts = [f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}", f"{_processor()}, {cores} cores"]
    if device.kind == "cuda":
        import torch

        parts.append(torch.cuda.get_device_name(device.index))
    parts.append(f"{device.precision} for large networks")
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{'; '.join(parts)}\nPython {platform.python_version()}, {versions}"


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    bfloat16 = any(line.startswith("flags") and "_bf16" in line for line in lines)
    return (names[0] if names else platform.machine()) + (" with bf16" if bfloat16 else "")


if __name__ == "__main__":
    main()
