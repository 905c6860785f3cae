"""Write what Praat measures, for the tests: `python -m bench.praat_reference`.

Needs Praat as a library (`pip install praat-parselmouth`, GPL-3, never a dependency of the
product). The numbers go to `tests/data/praat_*.toml`; `--check` compares them with those there.
"""

from __future__ import annotations

import argparse
import os
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[1]
from tests.made.vowels import RATE, VOWELS, vowel  # noqa: E402

FOLDER = ROOT / "tests" / "data"
STEP_S = 0.01
SPEECH = {
    "test_en": ("words/test_en.wav", 0.0, 5.0),
    "dyad1": ("dyads/dyad1.flac", 8.0, 20.0),
    "dyad2": ("dyads/dyad2.flac", 8.0, 20.0),
}
"""File under speech/, start and end in seconds."""


def main() -> None:
    """Write or check the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the files instead")
    arguments = parser.parse_args()
    data = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
    for name, text in {"vowels": vowels(), "speech": speech(data / "speech")}.items():
        path = FOLDER / f"praat_{name}.toml"
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
        same = path.read_text(encoding="utf-8") == text
        print(f"{path.name}: {'as measured' if same else 'DIFFERS from what Praat says now'}")


def vowels() -> str:
    """Voice quality of each made vowel at 120 Hz."""
    lines = [_heading("the vowels of tests/made/vowels.py at 120 Hz")]
    for name, (jitter, shimmer, snr_db) in VOWELS.items():
        found = measure(vowel(120.0, jitter, shimmer, snr_db)[0])
        lines.append(f"[{name}]")
        lines += [f"{key} = {found[key]:.4f}" for key in ("jitter", "shimmer", "hnr_db")]
    return "\n".join(lines) + "\n"


def speech(folder: Path) -> str:
    """Contours of real speech; -200 dB and 0 Hz are Praat's words for none."""
    lines = [_heading("stretches of the shared speech recordings")]
    for name, (path, start_s, end_s) in SPEECH.items():
        found = measure(read(folder / path, start_s, end_s))
        lines += [f"[{name}]", f'path = "{path}"', f"start_s = {start_s}", f"end_s = {end_s}"]
        lines += [f"{key} = {found[key]:.4f}" for key in ("jitter", "shimmer", "hnr_db")]
        for key in ("f0_start_s", "hnr_start_s", "intensity_start_s"):
            lines.append(f"{key} = {found[key]:.7f}")
        for key, digits in (("f0_hz", 1), ("hnr", 1), ("intensity_db", 1), ("pulses_s", 5)):
            numbers = ", ".join(f"{value:.{digits}f}" for value in found[key])
            lines += [f"{key} = [", *textwrap.wrap(numbers, 98, initial_indent="  "), "]"]
    return "\n".join(lines) + "\n"


def read(path: Path, start_s: float, end_s: float) -> np.ndarray:
    """Samples of a 16 kHz recording."""
    audio, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    return audio[round(start_s * RATE) : round(end_s * RATE)]


def measure(audio: np.ndarray) -> dict[str, Any]:
    """Praat's standard pitch, harmonicity, intensity, pulses, jitter and shimmer."""
    from parselmouth import Sound
    from parselmouth.praat import call

    sound = Sound(audio.astype(np.float64), RATE)
    pitch = sound.to_pitch_ac(time_step=STEP_S, pitch_floor=75.0, pitch_ceiling=600.0)
    hnr = sound.to_harmonicity_cc(
        time_step=STEP_S, minimum_pitch=75.0, silence_threshold=0.1, periods_per_window=1.0
    )
    intensity = sound.to_intensity(minimum_pitch=50.0, time_step=STEP_S)
    points = call([sound, pitch], "To PointProcess (cc)")
    count = call(points, "Get number of points")
    periods = (0, 0, 0.0001, 0.02, 1.3)
    return {
        "f0_start_s": pitch.xs()[0],
        "f0_hz": pitch.selected_array["frequency"],
        "hnr_start_s": hnr.xs()[0],
        "hnr": hnr.values[0],
        "hnr_db": call(hnr, "Get mean", 0, 0),
        "intensity_start_s": intensity.xs()[0],
        "intensity_db": intensity.values[0],
        "pulses_s": [call(points, "Get time from index", k + 1) for k in range(count)],
        "jitter": 100 * call(points, "Get jitter (local)", *periods),
        "shimmer": 100 * call([sound, points], "Get shimmer (local)", *periods, 1.6),
    }


def _heading(what: str) -> str:
    import parselmouth

    return (
        f"# Measured by Praat {parselmouth.PRAAT_VERSION} on {what}.\n"
        "# Standard settings: pitch by autocorrelation 75-600 Hz every 10 ms, harmonicity (cc)\n"
        "# from 75 Hz, intensity from 50 Hz.\n"
        "# Jitter and shimmer in %. Made again by `python -m bench.praat_reference`.\n"
    )


if __name__ == "__main__":
    main()
