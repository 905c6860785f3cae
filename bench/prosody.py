"""Prosody against a plain librosa script, in one run: `python -m bench.prosody`.

Ours is the stage as a session in a quiet room runs it (voice quality as well), and its F0 alone;
theirs is `librosa.pyin` with the same limits every 10 ms, then `rms` and 13 `mfcc`. Rounds
alternate, the figures are medians. Agreement with librosa is printed for pYIN itself (same limits)
and for the finished track; with Praat from its stored numbers in `tests/data`
(`bench/praat_reference.py`). Under three minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import librosa
import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[1]
from models.base import SAMPLE_RATE_HZ, Audio  # noqa: E402
from pipeline import tables  # noqa: E402
from pipeline.settings import ProsodySettings  # noqa: E402
from pipeline.stage import Inputs  # noqa: E402
from pipeline.stages import prosody  # noqa: E402
from pipeline.voice.fundamental_frequency import autocorrelation_track, track_voice  # noqa: E402
from pipeline.voice.pitch import Grid, grid_over, level_db  # noqa: E402
from pipeline.voice.pyin import PitchSearch, pyin  # noqa: E402
from pipeline.voice.quality import (  # noqa: E402
    PITCH_LIMITS_HZ,
    VoiceQuality,
    harmonicity_db,
    measure_voice,
    summarise,
)
from tests.made.vowels import VOWELS, vowel  # noqa: E402

HOP_S = 0.01
FRAME_LENGTH = 1024
Turns = list[tuple[float, float, int]]


def main() -> None:
    """Print speeds, ratios and agreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="16 kHz audio, .rttm beside it")
    parser.add_argument("--seconds", type=float, default=20.0, help="taken of each recording")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    settings = ProsodySettings(f0_hop_s=HOP_S)
    for path in arguments.recordings or _default_recordings():
        audio, turns = _read(path, arguments.seconds)
        grid = grid_over(audio, HOP_S)
        print(f"{path.name}: {audio.size / SAMPLE_RATE_HZ:.0f} s, {len(turns)} turns")
        _speeds(audio, turns, grid, settings, arguments.rounds)
        _agreement(audio, turns, grid, settings)
    _praat_speech(settings)
    _praat_vowels()


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


def _praat_speech(settings: ProsodySettings) -> None:
    """Contours of stretches of speech against those that Praat gave."""
    pairs = []
    for name, told in _stored("speech").items():
        audio, _ = soundfile.read(_data() / "speech" / told["path"], dtype="float32")
        audio = audio[round(told["start_s"] * SAMPLE_RATE_HZ) :]
        audio = audio[: round((told["end_s"] - told["start_s"]) * SAMPLE_RATE_HZ)]
        grid = grid_over(audio, HOP_S)
        everywhere = np.ones(grid.count, dtype=np.bool_)
        track = track_voice(audio, grid, everywhere, settings, lambda _: None)
        print(f"{name} against Praat's stored numbers")
        heard = np.where(np.array(told["f0_hz"]) > 0, told["f0_hz"], np.nan)
        pairs.append((track.f0_hz, _at_frames(grid, told["f0_start_s"], heard)))
        _compare("F0", *pairs[-1], everywhere)
        ratio = np.where(np.array(told["hnr"]) > -199, told["hnr"], np.nan)
        centres = (told["hnr_start_s"] + HOP_S * np.arange(ratio.size)) * SAMPLE_RATE_HZ - 0.5
        _correlate("HNR, dB", harmonicity_db(audio, np.round(centres).astype(int)), ratio)
        intensity = np.array(told["intensity_db"]) + 20 * np.log10(2e-5)  # full scale as 1 Pa
        theirs = _at_frames(grid, told["intensity_start_s"], intensity)
        _correlate("intensity, dB", level_db(audio, grid), theirs)
        ours = _voice_quality(audio)
        print(
            f"  jitter {ours.jitter_local:.2f} % (Praat {told['jitter']:.2f}), "
            f"shimmer {ours.shimmer_local:.2f} % (Praat {told['shimmer']:.2f})"
        )
    ours_hz, theirs_hz = (np.concatenate(listed) for listed in zip(*pairs, strict=True))
    print("all of them")
    _compare("F0", ours_hz, theirs_hz, np.ones(ours_hz.size, dtype=np.bool_))


def _praat_vowels() -> None:
    """Voice quality of made vowels against what Praat gave."""
    stored = _stored("vowels")
    found = {name: _voice_quality(vowel(120.0, *VOWELS[name])[0]) for name in stored}
    print(f"{len(stored)} sustained vowels against Praat's stored numbers")
    for column, key in (("jitter_local", "jitter"), ("shimmer_local", "shimmer"), ("hnr_db",) * 2):
        ours = np.array([getattr(found[name], column) for name in stored])
        _correlate(column, ours, np.array([told[key] for told in stored.values()]))


def _voice_quality(audio: Audio) -> VoiceQuality:
    grid = grid_over(audio, HOP_S)
    everywhere = np.ones(grid.count, dtype=np.bool_)
    f0_hz = autocorrelation_track(audio, grid, everywhere, PITCH_LIMITS_HZ)
    return summarise(measure_voice(audio, grid, f0_hz), slice(0, grid.count), grid)


def _at_frames(grid: Grid, start_s: float, values: np.ndarray) -> np.ndarray:
    """Praat's values at our frames, on a straight line between its own."""
    times = start_s + HOP_S * np.arange(values.size)
    return np.interp(np.arange(grid.count) * grid.hop_s, times, values, np.nan, np.nan)


def _correlate(what: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    both = np.isfinite(ours) & np.isfinite(theirs)
    r = np.corrcoef(ours[both], theirs[both])[0, 1]
    print(f"  {what}: r {r:.4f}, median difference {np.median((ours - theirs)[both]):+.3f}")


def _stored(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "tests" / "data" / f"praat_{name}.toml").read_text("utf-8"))


def _data() -> Path:
    return Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))


def _default_recordings() -> list[Path]:
    return [_data() / "speech" / name for name in ("dyads/dyad1.flac", "ami30/trn03.wav")]


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
    unknown = dict.fromkeys(
        ("fto_s", "overlap_between_s", "overlap_within_s", "word_count", "word_rate_wps")
    )
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
    quiet = {
        **common, "measure": "audio_snr_session_db", "value": 40.0, "quality": "ok", "reason": None,
        "description": "-",
    }  # fmt: skip
    return Inputs(
        SimpleNamespace(id="bench"),
        SimpleNamespace(audio=audio),
        {
            "diarization": tables.DIARIZATION.build_rows(
                [{**span, "exclusive": False, "confidence": None} for span in spans]
            ),
            "speaker_turns": tables.SPEAKER_TURNS.build_rows(rows),
            "roles": tables.ROLE_ASSIGNMENT.build_rows(roles),
            "quality": tables.QUALITY_FIGURES.build_figures([quiet]),
        },
    )


if __name__ == "__main__":
    main()
