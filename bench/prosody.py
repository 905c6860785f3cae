"""Prosody against a plain librosa script, in one run: `python -m bench.prosody`.

Ours is the stage as a session runs it, and its F0 alone; theirs is `librosa.pyin` with the same
limits every 10 ms, then `rms` and 13 `mfcc`. Rounds alternate, the figures are medians. Agreement
with librosa is printed for pYIN itself (same limits) and for the finished track; with Praat where
parselmouth is installed (`pip install praat-parselmouth`).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import librosa
import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from models.base import SAMPLE_RATE_HZ, Audio  # noqa: E402
from pipeline import prosody, tables  # noqa: E402
from pipeline.config import ProsodySettings  # noqa: E402
from pipeline.fundamental_frequency import track_voice  # noqa: E402
from pipeline.pitch import Grid, grid_over  # noqa: E402
from pipeline.pyin import PitchSearch, pyin  # noqa: E402
from pipeline.stage import Inputs  # noqa: E402

HOP_S = 0.01
FRAME_LENGTH = 1024
Turns = list[tuple[float, float, int]]


def main() -> None:
    """Print speeds, ratios and agreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="16 kHz audio, .rttm beside it")
    parser.add_argument("--seconds", type=float, default=60.0, help="taken of each recording")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    settings = ProsodySettings(f0_hop_s=HOP_S)
    for path in arguments.recordings or _default_recordings():
        audio, turns = _read(path, arguments.seconds)
        grid = grid_over(audio, HOP_S)
        print(f"{path.name}: {audio.size / SAMPLE_RATE_HZ:.0f} s, {len(turns)} turns")
        _speeds(audio, turns, grid, settings, arguments.rounds)
        _agreement(audio, turns, grid, settings)


def _speeds(audio: Audio, turns: Turns, grid: Grid, settings: ProsodySettings, rounds: int) -> None:
    everywhere = np.ones(grid.count, dtype=np.bool_)
    inputs = _inputs(audio, turns)
    runs: dict[str, Callable[[], Any]] = {
        "F0, ours": lambda: track_voice(audio, grid, everywhere, settings, lambda _: None),
        "F0, librosa.pyin": lambda: _librosa(audio, settings),
        "whole stage, ours": lambda: prosody.run(inputs, None, settings),
        "pyin + rms + mfcc": lambda: _script(audio, settings),
    }
    short = audio[:SAMPLE_RATE_HZ]
    _script(short, settings)  # both compile on first use
    prosody.run(_inputs(short, [(0.0, 1.0, 0)]), None, settings)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, call in runs.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    middle = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, taken in middle.items():
        print(f"  {name:20}{taken:9.2f} s{audio.size / SAMPLE_RATE_HZ / taken:9.1f} x real time")
    names = list(runs)
    for ours, theirs in (names[:2], names[2:]):
        print(f"  ratio {theirs} / {ours}: {middle[theirs] / middle[ours]:.1f}")


def _agreement(audio: Audio, turns: Turns, grid: Grid, settings: ProsodySettings) -> None:
    reference = _librosa(audio, settings)[: grid.count]
    search = PitchSearch(settings.f0_floor_hz, settings.f0_ceiling_hz, grid.hop, FRAME_LENGTH)
    same_limits = pyin(np.pad(audio, FRAME_LENGTH // 2), search)[: grid.count]
    everywhere = np.ones(grid.count, dtype=np.bool_)
    _compare("pYIN, same limits, whole file", same_limits, reference, everywhere)
    tracks = []
    for voice in sorted({speaker for _, _, speaker in turns}):
        active = grid.mask([(start, end) for start, end, who in turns if who == voice])
        others = grid.mask([(start, end) for start, end, who in turns if who != voice])
        alone = active & ~others
        tracks.append((alone, track_voice(audio, grid, alone, settings, lambda _: None).f0_hz))
    spoken = np.any([alone for alone, _ in tracks], axis=0)
    finished = np.full(grid.count, np.nan)
    for alone, f0_hz in tracks:
        finished[alone] = f0_hz[alone]
    _compare("finished track, each voice", finished, reference, spoken)
    if importlib.util.find_spec("parselmouth") is None:
        print("  against Praat: not measured, parselmouth is not installed")
        return
    _compare("finished track against Praat", finished, _praat(audio, grid), spoken)


def _compare(what: str, ours: np.ndarray, theirs: np.ndarray, where: np.ndarray) -> None:
    both = np.isfinite(ours) & np.isfinite(theirs) & where
    cents = 1200 * np.abs(np.log2(ours[both] / theirs[both]))
    voicing = np.mean((np.isfinite(ours) == np.isfinite(theirs))[where])
    print(
        f"  {what}: within 50 cents {np.mean(cents <= 50):.3f}, median {np.median(cents):.1f} "
        f"cents, voicing {voicing:.3f} ({both.sum()} frames)"
    )


def _librosa(audio: Audio, settings: ProsodySettings) -> np.ndarray:
    f0_hz, _, _ = librosa.pyin(
        audio,
        fmin=settings.f0_floor_hz,
        fmax=settings.f0_ceiling_hz,
        sr=SAMPLE_RATE_HZ,
        frame_length=FRAME_LENGTH,
        hop_length=round(HOP_S * SAMPLE_RATE_HZ),
    )
    return np.asarray(f0_hz)


def _script(audio: Audio, settings: ProsodySettings) -> tuple[np.ndarray, ...]:
    """What a plain script would do."""
    hop = round(HOP_S * SAMPLE_RATE_HZ)
    return (
        _librosa(audio, settings),
        librosa.feature.rms(y=audio, frame_length=FRAME_LENGTH, hop_length=hop),
        librosa.feature.mfcc(
            y=audio, sr=SAMPLE_RATE_HZ, n_mfcc=13, n_fft=FRAME_LENGTH, hop_length=hop
        ),
    )


def _praat(audio: Audio, grid: Grid) -> np.ndarray:
    """Praat's standard pitch on our frames, between its own on a straight line."""
    from parselmouth import Sound

    sound = Sound(audio.astype(np.float64), SAMPLE_RATE_HZ)
    pitch = sound.to_pitch_ac(time_step=HOP_S, pitch_floor=75.0, pitch_ceiling=600.0)
    f0_hz = pitch.selected_array["frequency"]
    heard = np.where(f0_hz > 0, f0_hz, np.nan)
    return np.interp(np.arange(grid.count) * grid.hop_s, pitch.xs(), heard, np.nan, np.nan)


def _default_recordings() -> list[Path]:
    data = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
    return [data / "speech" / name for name in ("dyads/dyad1.flac", "ami30/trn03.wav")]


def _read(path: Path, seconds: float) -> tuple[Audio, Turns]:
    audio, rate = soundfile.read(path, dtype="float32")
    assert rate == SAMPLE_RATE_HZ, f"{path.name}: {rate} Hz, but the stage hears {SAMPLE_RATE_HZ}"
    audio = audio[: round(seconds * rate)]
    rows = [line.split() for line in path.with_suffix(".rttm").read_text().splitlines()]
    names = sorted({row[7] for row in rows})
    end_s = audio.size / rate
    spans = [
        (float(row[3]), min(end_s, float(row[3]) + float(row[4])), names.index(row[7]))
        for row in rows
    ]
    return audio, sorted(span for span in spans if span[0] < span[1])


def _inputs(audio: Audio, turns: Turns) -> Inputs:
    """The stage's upstream tables, from the reference turns."""
    common = {"session_id": "bench"}
    spans = [{**common, "start_s": a, "end_s": b, "speaker": s} for a, b, s in turns]
    unknown = dict.fromkeys(("fto_s", "overlap_between_s", "overlap_within_s", "word_count"))
    rows = [
        {**span, **unknown, "turn_id": i, "phonation_s": span["end_s"] - span["start_s"],
         "ipu_count": 1, "is_backchannel": False, "takes_floor": True}
        for i, span in enumerate(spans)
    ]  # fmt: skip
    roles = [
        {**common, "speaker": s, "confidence": 0.5, "method": "none",
         "role": ("therapist", "client")[s] if s < 2 else "unknown"}
        for s in sorted({speaker for _, _, speaker in turns})
    ]  # fmt: skip
    return Inputs(
        SimpleNamespace(id="bench"),
        SimpleNamespace(audio=audio),
        {
            "diarization": tables.DIARIZATION.build_rows(
                [{**span, "exclusive": False} for span in spans]
            ),
            "speaker_turns": tables.SPEAKER_TURNS.build_rows(rows),
            "roles": tables.ROLE_ASSIGNMENT.build_rows(roles),
            "quality": tables.QUALITY_FIGURES.empty(),
        },
    )


if __name__ == "__main__":
    main()
