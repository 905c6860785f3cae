"""A room of two moving people, planned and rendered into a real encoded video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipeline.media.video import read_frames
from pipeline.movement.energy import Changes, read_changes
from pipeline.movement.grid import CELL_PIXELS, GRID, LEVELS, GridStep, MotionGrid, counts_column
from pipeline.movement.grid import STEP_S as GRID_STEP_S
from pipeline.tables import MOTION_GRID

WIDTH, HEIGHT = 320, 180
SEATS = (90, 230)
"""Where the two sit, pixels from the left."""
NOISE = 2.0
"""SD of the camera's noise, grey levels."""
MILLISECOND = Fraction(1, 1000)
TICK_S = 0.02
STEP_S = 0.2
"""Of courses that are made without a video."""

Course = np.ndarray  # shape (n,): speed in px/s every TICK_S
Touch = Callable[[np.ndarray, float], np.ndarray]
"""Alters a picture at a time: a lamp, a shaken camera."""


def bursty(rng: np.random.Generator, lasts_s: float) -> Course:
    """Speed of somebody who moves now and then: bursts of random start, length and size."""
    speed = np.zeros(round(lasts_s / TICK_S) + 1)
    at_s = float(rng.exponential(2.0))
    while at_s < lasts_s:
        length_s = float(np.clip(rng.gamma(2.0, 0.5), 0.3, 3.0))
        span = slice(round(at_s / TICK_S), round((at_s + length_s) / TICK_S))
        speed[span] = rng.uniform(8, 45) * np.hanning(len(speed[span]) + 2)[1:-1]
        at_s += length_s + float(rng.exponential(3.0))
    return speed


def late(course: Course, by_s: float) -> Course:
    """The same course, later."""
    shift = round(by_s / TICK_S)
    return np.concatenate([np.zeros(shift), course[: len(course) - shift]])


def places(course: Course) -> np.ndarray:
    """Offset from the seat, px: back and forth within 12 px at the planned speed."""
    travelled = np.cumsum(course) * TICK_S
    return 6 - np.abs(12 - (travelled + 6) % 24)


def background() -> np.ndarray:
    """A wall with pictures, shelves and a carpet."""
    rng = np.random.default_rng(5)
    room = np.full((HEIGHT, WIDTH), 150.0, np.float32)
    for _ in range(14):
        x, y = rng.integers(0, WIDTH - 40), rng.integers(0, HEIGHT - 30)
        room[y : y + rng.integers(10, 30), x : x + rng.integers(10, 40)] = rng.integers(60, 220)
    room[150:] += rng.normal(0, 15, (HEIGHT - 150, WIDTH))
    return room


_Y, _X = np.mgrid[:HEIGHT, -40:41].astype(np.float32)


def drawn(room: np.ndarray, offsets: Sequence[float]) -> np.ndarray:
    """The room with both people: a head and a trunk each, with soft (half-pixel) edges."""
    image = room.copy()
    for seat, offset, tone in zip(SEATS, offsets, (60.0, 210.0), strict=True):
        part = image[:, seat - 40 : seat + 41]
        head = 18 - np.hypot(_X - offset, _Y - 55)
        trunk = np.minimum(30 - np.abs(_X - offset), 55 - np.abs(_Y - 130))
        for shape, grey in ((head, tone), (trunk, tone + 20)):
            share = np.clip(shape + 0.5, 0, 1)
            part += share * (grey - part)
    return image


def write_room(
    path: Path,
    courses: Sequence[Course],
    times_s: Sequence[float],
    *,
    touch: Touch = lambda image, _t_s: image,
    codec: str = "mpeg4",
    rate: int = 30,
    gop: int = 50,
    hold: bool = False,
) -> Path:
    """Frames at `times_s` with camera noise, encoded with loss and a key frame every `gop`.

    `rate` is what the file claims. With `hold` every second frame is the one before it, as a
    recorder at half its rate gives.
    """
    rng = np.random.default_rng(9)
    noise = rng.normal(0, NOISE, (16, HEIGHT, WIDTH)).astype(np.float32)
    moved = [places(course) for course in courses]
    clock_s = np.arange(len(courses[0])) * TICK_S
    room = background()
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options={"g": str(gop)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 3_000_000
        stream.codec_context.time_base = stream.time_base = MILLISECOND
        image = room
        for index, t_s in enumerate(times_s):
            offsets = [float(np.interp(t_s, clock_s, place)) for place in moved]
            if not (hold and index % 2):
                image = touch(drawn(room, offsets), t_s) + noise[rng.integers(16)]
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype(np.uint8), "gray")
            frame.pts, frame.time_base = round(t_s * 1000), MILLISECOND
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def grid_table(path: Path, *, max_fps: float = 1000.0):
    """The motion grid of a video, on the container's own clock."""
    grid = MotionGrid()
    for frame in read_frames(path, max_fps=max_fps):
        grid.look(frame)
    return as_table(grid)


def as_table(grid: MotionGrid):
    """What a grid has noted, as the landmarks stage writes it."""
    return _table(grid.take())


def _table(steps: Sequence[GridStep]):
    return MOTION_GRID.build(
        {
            "session_id": ["made-01"] * len(steps),
            "media": [0] * len(steps),
            "t_s": [step.pts_s for step in steps],
            "changed_px": counts_column(steps),
            "brightness_change": [step.mean_change for step in steps],
            "brightness_change_abs": [step.mean_absolute_change for step in steps],
            "shift_prop": [step.shift_explained for step in steps],
        }
    )


def changes_of(path: Path) -> Changes:
    """What changed in a video."""
    table = grid_table(path)
    found = read_changes(lambda: iter(table.to_batches(max_chunksize=50)))
    assert found is not None
    return found


def planned_energy(course: Course, t_s: np.ndarray, smooth_s: float = 0.5) -> np.ndarray:
    """Mean planned speed in the `smooth_s` round each time."""
    way = np.concatenate([[0.0], np.cumsum(course) * TICK_S])
    clock_s = np.arange(len(way)) * TICK_S
    ends = (np.interp(t_s + side * smooth_s / 2, clock_s, way) for side in (1, -1))
    return np.subtract(*ends) / smooth_s


def grid_of(shares: dict[tuple[int, int], np.ndarray], *, lamp_at: Sequence[int] = ()):
    """A motion grid without any video: shares of changed pixels per columns of the grid.

    Parameters
    ----------
    shares : first and one-past-last column -> share of changed pixels per step, shape (n,)
    lamp_at : steps at which everything gets brighter
    """
    n = len(next(iter(shares.values())))
    rng = np.random.default_rng(0)
    steps = []
    for k in range(n):
        counts = np.zeros((*GRID, len(LEVELS)), np.uint8)
        for (first, stop), share in shares.items():
            pixels = min(1.0, float(share[k])) * CELL_PIXELS
            counts[4:, first:stop, -1] = np.floor(pixels + rng.random((GRID[0] - 4, stop - first)))
        lit = k in lamp_at
        if lit:
            counts[..., -1] = CELL_PIXELS
        change = 40.0 if lit else 0.0
        steps.append(GridStep((k + 0.5) * GRID_STEP_S, counts.ravel(), change, change + 1.0, 0.0))
    return _table(steps)


def moving(rng: np.random.Generator, lasts_s: float, lead_s: float = 0.0) -> np.ndarray:
    """Motion energy of somebody: bursts, a slow drift of how lively they are, and noise."""
    t_s = np.arange(0.5, lasts_s, STEP_S)
    course = planned_energy(bursty(rng, lasts_s + 10), t_s + lead_s)
    knots_s = np.arange(0, lasts_s + 120, 60.0)
    lively = np.exp(np.interp(t_s, knots_s, rng.normal(0, 0.6, len(knots_s))))
    return course * lively + rng.gamma(2.0, 0.3, len(t_s))


def pair(seed: int, lead_s: float, *, alike: float = 1.0, lasts_s: float = 1200.0):
    """Two courses of which the second follows the first, mixed with movement of its own."""
    rng = np.random.default_rng(seed)
    speed, own = bursty(rng, lasts_s + 20), bursty(rng, lasts_s + 20)
    t_s = np.arange(6, lasts_s, STEP_S)
    noise = rng.gamma(2.0, 0.5, (2, len(t_s)))
    second = alike * planned_energy(speed, t_s - lead_s) + (1 - alike) * planned_energy(own, t_s)
    return planned_energy(speed, t_s) + noise[0], second + noise[1]
