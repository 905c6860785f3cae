"""`geometry` for batches on a device: letterbox, rotated crops, regions, and the way back.

Images are (n, size, size, 3) float32 with whole grey levels 0..255; frames are uint8 RGB. Sampling
is that of `sampling`, in whole numbers, so that a crop does not depend on what is beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from models.faces.geometry import (
    EYE_MARGIN,
    FACE_MARGIN,
    LEFT_EYE_CORNERS,
    MIN_SIDE_PX,
    RIGHT_EYE_CORNERS,
    SHRINK_ABOVE,
)
from models.faces.sampling import BITS, STEPS


@dataclass(frozen=True, slots=True)
class Regions:
    """n rotated rectangles of frames, each field (n,); lengths are pixels, float64."""

    frame: Tensor
    """Which frame of the batch, int64."""
    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    angle: Tensor
    """Radians, from the image's x axis to the rectangle's, growing clockwise on the screen."""

    def __len__(self) -> int:
        """How many."""
        return len(self.frame)

    def to_frame(self, points: Tensor) -> Tensor:
        """Points (n, p, 2) in crop units to frame pixels, float64."""
        across = (points[..., 0].double() - 0.5) * self.width[:, None]
        down = (points[..., 1].double() - 0.5) * self.height[:, None]
        cos, sin = torch.cos(self.angle)[:, None], torch.sin(self.angle)[:, None]
        x = self.x[:, None] + across * cos - down * sin
        y = self.y[:, None] + across * sin + down * cos
        return torch.stack([x, y], dim=-1)


@dataclass(frozen=True, slots=True)
class Letterboxes:
    """Whole frames of one size fitted into squares, and the way back."""

    images: Tensor
    """Shape (n, size, size, 3); what lies outside the frame is zero."""
    origin: Tensor
    """Shape (2,): frame pixel x, y at crop unit (0, 0)."""
    extent: Tensor
    """Shape (2,): frame pixels per crop unit, x and y."""


def letterbox_area(frames: Tensor, size: int) -> Letterboxes:
    """Frames (n, height, width, 3), centred, shrunk by area averaging."""
    count, height, width = frames.shape[:3]
    scale = size / max(height, width)
    new_h, new_w = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (size - new_h) // 2, (size - new_w) // 2
    down = _area_weights(height, new_h).to(frames.device)
    across = _area_weights(width, new_w).to(frames.device)
    rows = down @ frames.reshape(count, height, width * 3).float()
    small = across @ rows.reshape(count, new_h, width, 3)
    images = frames.new_zeros((count, size, size, 3), dtype=torch.float32)
    images[:, top : top + new_h, left : left + new_w] = small.round_()
    step = torch.tensor([width / new_w, height / new_h], dtype=torch.float64)
    corner = torch.tensor([left, top], dtype=torch.float64)
    return Letterboxes(images, (-corner * step).to(frames.device), (size * step).to(frames.device))


@lru_cache(maxsize=8)
def _area_weights(length: int, new_length: int) -> Tensor:
    """Share (new_length, length) that each old pixel has in each new one."""
    scale = length / new_length
    start = torch.arange(new_length, dtype=torch.float64)[:, None] * scale
    pixel = torch.arange(length, dtype=torch.float64)
    shared = torch.minimum(pixel + 1, start + scale) - torch.maximum(pixel, start)
    return (shared.clamp(min=0) / scale).float()


def letterbox_bilinear(frames: Tensor, size: int) -> Letterboxes:
    """The same by plain bilinear sampling: what mediapipe does, so for comparison with it only."""
    count, height, width = frames.shape[:3]
    side = float(max(height, width))
    every = torch.ones(count, dtype=torch.float64, device=frames.device)
    whole = Regions(
        frame=torch.arange(count, device=frames.device),
        x=every * (width / 2),
        y=every * (height / 2),
        width=every * side,
        height=every * side,
        angle=every * 0,
    )
    origin = torch.tensor([(width - side) / 2, (height - side) / 2], dtype=torch.float64)
    extent = torch.tensor([side, side], dtype=torch.float64)
    images = _warp(frames, whole, size, zero_outside=True)
    return Letterboxes(images, origin.to(frames.device), extent.to(frames.device))


def crop(frames: Tensor, regions: Regions, size: int, *, shrink: bool = True) -> Tensor:
    """Regions as upright squares (n, size, size, 3), bilinear, border replicated.

    With `shrink`, a region much larger than `size` is sampled a whole number of times more densely
    and averaged down.
    """
    images = frames.new_zeros((len(regions), size, size, 3), dtype=torch.float32)
    side = torch.maximum(regions.width, regions.height) / size
    factors = torch.where(side > SHRINK_ABOVE, side.floor(), 1.0).long() if shrink else None
    if factors is None:
        return _warp(frames, regions, size)
    for factor in sorted(set(factors.tolist())):
        chosen = torch.nonzero(factors == factor).ravel()
        dense = _warp(frames, _chosen(regions, chosen), size * factor)
        cells = dense.reshape(len(chosen), size, factor, size, factor, 3)
        images[chosen] = cells.mean(dim=(2, 4)).round_()
    return images


def _chosen(regions: Regions, index: Tensor) -> Regions:
    return Regions(
        regions.frame[index],
        regions.x[index],
        regions.y[index],
        regions.width[index],
        regions.height[index],
        regions.angle[index],
    )


def _warp(frames: Tensor, regions: Regions, size: int, *, zero_outside: bool = False) -> Tensor:
    """Regions as (n, size, size, 3), border replicated or zero."""
    x, y = _places(regions, size)
    height, width = frames.shape[1:3]
    rows = frames.reshape(-1, 3)
    first = (regions.frame * (height * width)).to(torch.int32)[:, None, None]

    def pixels(right: int, below: int) -> Tensor:
        column, row = (x >> BITS) + right, (y >> BITS) + below
        index = first + row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
        found = rows.index_select(0, index.ravel()).reshape(*x.shape, 3).to(torch.int16)
        if zero_outside:
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            found *= inside[..., None]
        return found

    across = (x & (STEPS - 1)).to(torch.int16)[..., None]
    down = (y & (STEPS - 1))[..., None]
    upper = pixels(0, 0) * (STEPS - across) + pixels(1, 0) * across
    lower = pixels(0, 1) * (STEPS - across) + pixels(1, 1) * across
    levels = upper * (STEPS - down) + lower * down
    return ((levels + STEPS**2 // 2) >> (2 * BITS)).float()


def _places(regions: Regions, size: int) -> tuple[Tensor, Tensor]:
    """Where each pixel (n, size, size) of the crops lies in its frame, in 1/32 pixels, int32."""
    unit = torch.arange(size, dtype=torch.float64, device=regions.x.device) / size - 0.5
    across, down = unit * regions.width[:, None], unit * regions.height[:, None]
    cos, sin = torch.cos(regions.angle)[:, None], torch.sin(regions.angle)[:, None]
    places = []
    for by_column, by_row in (
        (regions.x[:, None] + across * cos, -down * sin),
        (regions.y[:, None] + across * sin, down * cos),
    ):
        exact = (by_row * STEPS)[:, :, None] + (by_column * STEPS)[:, None, :]
        places.append(exact.round_().to(torch.int32))
    return places[0], places[1]


def face_regions(frame: Tensor, boxes: Tensor, points: Tensor, *, square: bool = True) -> Regions:
    """Regions for the mesh from detections: boxes (n, 4) centre and size, points (n, 6, 2), pixels.

    mediapipe keeps the box's own two sides, which differ by a tenth of a thousandth.
    """
    sides = (boxes[:, 2:].double() * FACE_MARGIN).clamp(min=MIN_SIDE_PX)
    longer = sides.amax(dim=1)
    width, height = (longer, longer) if square else sides.unbind(dim=1)
    across = (points[:, 1] - points[:, 0]).double()
    angle = torch.atan2(across[:, 1], across[:, 0])
    return Regions(frame, boxes[:, 0].double(), boxes[:, 1].double(), width, height, angle)


def followed_regions(frame: Tensor, points: Tensor) -> Regions:
    """Regions for the next pass from meshes (n, p, 2): rotated extent with the same margin."""
    points = points.double()
    across = points[:, RIGHT_EYE_CORNERS[1]] - points[:, LEFT_EYE_CORNERS[0]]
    angle = torch.atan2(across[:, 1], across[:, 0])
    cos, sin = torch.cos(angle)[:, None], torch.sin(angle)[:, None]
    upright_x = points[..., 0] * cos + points[..., 1] * sin
    upright_y = points[..., 1] * cos - points[..., 0] * sin
    (low_x, high_x), (low_y, high_y) = upright_x.aminmax(dim=1), upright_y.aminmax(dim=1)
    middle_x, middle_y = (low_x + high_x) / 2, (low_y + high_y) / 2
    longer = torch.maximum(high_x - low_x, high_y - low_y) * FACE_MARGIN
    side = longer.clamp(min=MIN_SIDE_PX)
    x = middle_x * cos[:, 0] - middle_y * sin[:, 0]
    y = middle_x * sin[:, 0] + middle_y * cos[:, 0]
    return Regions(frame, x, y, side, side, angle)


def eye_regions(frame: Tensor, points: Tensor, corners: tuple[int, int]) -> Regions:
    """Regions for the iris network from meshes (n, p, 2), along the line between two corners."""
    left, right = points[:, corners[0]].double(), points[:, corners[1]].double()
    across, middle = right - left, (left + right) / 2
    side = (across.norm(dim=1) * EYE_MARGIN).clamp(min=MIN_SIDE_PX)
    angle = torch.atan2(across[:, 1], across[:, 0])
    return Regions(frame, middle[:, 0], middle[:, 1], side, side, angle)
