"""Cost of the face windows: all cues of one long session, against the landmarks it takes.

    python -m bench.face_windows [--minutes 60] [--fps 30] [--landmarks-ms 8]

Noise stands for a face that is fully measured; blinks, nods and speech come at usual rates. The
landmark time per frame is given, not measured here: see `bench.faces`.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from pipeline.align.baselines import speaking_windows, z_of
from pipeline.align.client_frames import Events, Frames
from pipeline.align.faces import face_cues, face_quality
from pipeline.face.openings import OPENINGS
from pipeline.settings import AlignSettings
from pipeline.spans import Windows, as_array
from pipeline.timeline import windows

ROUNDS = 3


def made(minutes: float, fps: float) -> tuple[Frames, Events]:
    """Frames of a face that looks about, blinks every 3.5 s and nods every 20 s."""
    rng = np.random.default_rng(0)
    t_s = np.arange(0, 60 * minutes, 1 / fps)
    n = len(t_s)
    looks = rng.normal(0, 6, (n // 40 + 1, 2)).repeat(40, axis=0)[:n]
    yes, why = np.ones(n, bool), np.full(n, None, dtype=object)
    frames = Frames(
        t_s=t_s,
        held_s=np.full(n, 1 / fps),
        reason=why,
        iod_px=rng.normal(60, 1, n),
        gaze=looks + rng.normal(0, 0.5, (n, 2)),
        head=rng.normal(0, 0.5, (n, 3)),
        head_speed_dps=rng.gamma(2, 1, n),
        head_speed_reason=why,
        lids=rng.normal(0.3, 0.01, n),
        openings={name: rng.normal(0, 1, n) for name in OPENINGS},
        valid=yes,
        blinks_sought=yes,
        nods_sought=yes,
    )
    blinks, nods = np.arange(1, t_s[-1], 3.5), np.arange(5, t_s[-1], 20.0)
    shut = as_array((t, t + 0.2) for t in blinks)
    return frames, Events(blinks, nods, nods + 7, shut, np.zeros((0, 2)))


def seconds(frames: Frames, events: Events) -> float:
    """One pass over all windows with every z."""
    settings = AlignSettings()
    spans = np.array(windows(float(frames.t_s[-1]), settings.window_s, settings.hop_s))
    grid = Windows(spans[:, 0], spans[:, 1])
    talk = np.arange(10, frames.t_s[-1], 15.0)
    speaking = np.column_stack([talk, talk + 5])
    begun = time.perf_counter()
    cues = face_cues(frames, events, speaking, grid, settings)
    face_quality(frames, grid)
    states = speaking_windows(speaking, grid)
    for cue in cues.values():
        z_of(cue, grid.start_s >= 120, minimum_samples=20, states=states)
    return time.perf_counter() - begun


def main() -> None:
    """Print one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--landmarks-ms", type=float, default=8, help="per frame, from bench.faces")
    asked = parser.parse_args()
    session = made(asked.minutes, asked.fps)
    took = statistics.median(seconds(*session) for _ in range(ROUNDS))
    landmarks_s = asked.landmarks_ms / 1000 * len(session[0].t_s)
    print("| minutes | frames/s | windows, s | landmarks, s | share |")
    print("|---|---|---|---|---|")
    share = 100 * took / landmarks_s
    print(f"| {asked.minutes:g} | {asked.fps:g} | {took:.2f} | {landmarks_s:.0f} | {share:.2f} % |")


if __name__ == "__main__":
    main()
