"""How much every part of the picture changes, ten times a second: a coarse grid, never an image.

Motion energy analysis counts the pixels of a region whose grey value changes by more than noise
(Ramseyer & Tschacher 2011). Here the counting and the regions are kept apart: while the landmarks
stage has each frame in its hands, an even sample of 256 x 144 pixels is compared with the sample
0.1 s before, and for each of 32 x 18 cells the changes are counted by size, in ten classes. Which
class is noise and which cells are whose is decided later, from the whole recording
(`movement.energy`), so that another region or threshold never decodes the video again.

The time between the two pictures is the same whatever the frame rate: each instant takes the frame
whose time stamp lies nearest. Repeated frames, dropped frames and a variable rate therefore change
next to nothing; where no frame lies near an instant there is no row. A tenth of a second, because
a knee that bounces five times a second is where it was after two tenths.

Caveat: a sample sees a pixel, not an area. It estimates the share of changed pixels as a survey
does, within 1 % for a region of a tenth of the picture.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.base import Frame, Seconds
from pipeline.movement.camera_shift import Picture, coarse, shift_explained

STEP_S = 0.1
"""Between the two pictures compared, and from one comparison to the next, s."""
REACH = 0.6
"""Of a step: without a frame this near an instant, nothing is known of it."""
GRID = (18, 32)
"""Cells, rows and columns."""
CELL_SIDE = 8
"""Pixels sampled along each side of a cell."""
CELL_PIXELS = CELL_SIDE * CELL_SIDE
CELLS = GRID[0] * GRID[1]
LEVELS = (4, 5, 6, 8, 10, 12, 15, 19, 24, 30)
"""Least change of each class, grey levels of 255. Less is never counted."""

_SAMPLE = (GRID[0] * CELL_SIDE, GRID[1] * CELL_SIDE)

Counts = NDArray[np.uint8]  # shape (CELLS * len(LEVELS),): cells row by row, classes within


@dataclass(frozen=True, slots=True)
class GridStep:
    """What changed between two instants `STEP_S` apart."""

    pts_s: Seconds
    """Container time of the middle between them."""
    counts: Counts = field(repr=False)
    mean_change: float
    """Of all pixels, signed: + = brighter, grey levels."""
    mean_absolute_change: float
    """0 only where the two pictures are the same."""
    shift_explained: float | None
    """0..1, see `camera_shift`; over this step and the one before, at every second step."""


class MotionGrid:
    """Compares the frames of one video as they pass. One thread may look, another may take."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        """Height and width of the frames, pixels."""
        self._steps: deque[GridStep] = deque()
        self._last: Frame | None = None
        self._first_s = 0.0
        self._due = 0
        self._sampled: tuple[int, NDArray[np.uint8]] | None = None  # instant and picture
        self._even: tuple[int, Picture] | None = None
        self._rows, self._columns = np.empty(0, np.intp), np.empty(0, np.intp)

    def look(self, frame: Frame) -> None:
        """The next frame, in order of time; one whose time stamp does not rise is passed over."""
        last = self._last
        if last is not None and frame.pts_s <= last.pts_s:
            return
        if last is None or frame.size != self.size:
            self._begin(frame)
            return
        while (due_s := self._first_s + self._due * STEP_S) <= frame.pts_s:
            nearest = last if due_s - last.pts_s < frame.pts_s - due_s else frame
            if abs(nearest.pts_s - due_s) > REACH * STEP_S:
                # a gap may be hours: go on at the last instant that this frame can be near to
                self._due = max(self._due + 1, int((frame.pts_s - self._first_s) / STEP_S))
                continue
            self._compare(nearest)
            self._due += 1
        self._last = frame

    def take(self) -> list[GridStep]:
        """Every step finished since the last call."""
        return [self._steps.popleft() for _ in range(len(self._steps))]

    def _begin(self, frame: Frame) -> None:
        """The first frame, or the first of another size."""
        if self.size is None:
            self._first_s = frame.pts_s
        else:
            self._due = int(np.ceil((frame.pts_s - self._first_s) / STEP_S))
        self.size = height, width = frame.size
        self._rows, self._columns = _evenly(_SAMPLE[0], height), _evenly(_SAMPLE[1], width)
        self._sampled = self._even = None
        self._last = frame

    def _compare(self, frame: Frame) -> None:
        """The picture at the instant that is due, against the one a step before."""
        picture = frame.brightness(self._rows, self._columns)
        before, self._sampled = self._sampled, (self._due, picture)
        shift = self._shift(picture)
        if before is None or before[0] != self._due - 1:
            return
        middle_s = self._first_s + (self._due - 0.5) * STEP_S
        counts, change, change_abs = changes_between(before[1], picture)
        self._steps.append(GridStep(middle_s, counts, change, change_abs, shift))

    def _shift(self, picture: NDArray[np.uint8]) -> float | None:
        """Whether the camera moved since two steps ago; looked at every second step."""
        if self._due % 2:
            return None
        now = coarse(picture)
        before, self._even = self._even, (self._due, now)
        if before is None or before[0] != self._due - 2:
            return None
        return shift_explained(before[1], now)


def changes_between(
    before: NDArray[np.uint8], now: NDArray[np.uint8]
) -> tuple[Counts, float, float]:
    """Pixels per cell and class of change; mean signed and mean absolute change.

    Parameters
    ----------
    before, now : grey pictures of shape (144, 256)
    """
    size = cv2.absdiff(now, before)
    reached = np.stack([_pixels_from(size, level) for level in LEVELS], axis=-1)
    reached[..., :-1] -= reached[..., 1:]
    return reached.ravel(), cv2.mean(now)[0] - cv2.mean(before)[0], cv2.mean(size)[0]


def _pixels_from(size: cv2.typing.MatLike, level: int) -> NDArray[np.uint8]:
    """Pixels of each cell that changed by at least `level`, shape GRID."""
    changed = cv2.threshold(size, level - 1, CELL_PIXELS, cv2.THRESH_BINARY)[1]
    # the mean over a cell's 64 pixels of 0 or 64 is their number, exactly
    counted = cv2.resize(changed, GRID[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(counted, np.uint8)


def _evenly(count: int, length: int) -> NDArray[np.intp]:
    return ((np.arange(count) + 0.5) * length / count).astype(np.intp)


def counts_column(steps: Sequence[GridStep]) -> pa.Array:
    """The counts of several steps as one Arrow list column."""
    width = CELLS * len(LEVELS)
    flat = np.concatenate([step.counts for step in steps]) if steps else np.empty(0, np.uint8)
    offsets = np.arange(len(steps) + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, pa.uint8()))


def counts_of(column: pa.Array) -> NDArray[np.uint8]:
    """The same column as an array, shape (steps, CELLS, classes)."""
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(-1, CELLS, len(LEVELS))
