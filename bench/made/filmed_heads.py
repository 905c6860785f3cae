"""What a made head does over time, cameras that film it, and what the real stages make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.made.heads import Pose, View, draw
from models.base import FaceTracker, Frame, Image, Interval, StillFrame
from pipeline import tables
from pipeline.paperwork.session import SessionSpec
from pipeline.settings import FaceSettings, LandmarksSettings
from pipeline.stage import Inputs
from pipeline.stages import face, landmarks

SPEC = SessionSpec.model_validate({
    "id": "made-01",
    "session": {"dyad": "D1", "number": 1, "client": "C1", "therapist": "T1"},
    "media": [{"file": "room.mp4", "hears": ["mixed"], "shows": ["client"]}],
})  # fmt: skip
REST_PITCH_DEG = 10.0
"""The portrait looks down a little; this brings it to the middle of the gates."""
CLOSING_S, SHUT_S, OPENING_S = 0.06, (0.12, 0.20), 0.12
"""One blink; shut for at least three frames at 25 a second."""
BLINK_EVERY_S, NOD_EVERY_S, LOOK_EVERY_S = (1.7, 2.9), (2.0, 3.0), (0.7, 1.8)
SLOW_HZ, FAST_HZ = (1.5, 2.2), (3.0, 4.2)
NOD_DEG = (5.0, 8.0)
"""Peak to peak."""
SYLLABLES_HZ = 4.1
GRAINS = 16
LAMP = (1.0, 0.75, 1.2, 0.85)
LAMP_S = 4.0


@dataclass(frozen=True, slots=True)
class PlannedNod:
    """Cycles of a sine of the pitch."""

    start_s: float
    cycles: int
    rate_hz: float
    size_deg: float

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + self.cycles / self.rate_hz


@dataclass(frozen=True, slots=True)
class Plan:
    """What the face does, in continuous time: the truth."""

    duration_s: float
    blinks: tuple[Interval, ...]
    nods: tuple[PlannedNod, ...]
    looks: tuple[tuple[float, float, float], ...]
    """Start, eye yaw, eye pitch."""
    speaking: tuple[Interval, ...]

    def pose(self, t_s: float) -> Pose:
        """The head sways all the time; nods, lids, eyes and jaw as planned."""
        pitch = REST_PITCH_DEG + 1.5 * np.sin(t_s / 1.7)
        for nod in self.nods:
            inside = min(max(t_s, nod.start_s), nod.end_s) - nod.start_s
            pitch -= nod.size_deg / 2 * np.sin(2 * np.pi * nod.rate_hz * inside)
        _, eye_yaw, eye_pitch = max(
            (look for look in self.looks if look[0] <= t_s), default=(0, 0, 0)
        )
        speaks = any(span.start_s <= t_s < span.end_s for span in self.speaking)
        jaw = 0.5 - 0.5 * np.cos(2 * np.pi * SYLLABLES_HZ * t_s) if speaks else 0.0
        lid = max((lid_at(t_s, blink) for blink in self.blinks), default=0.0)
        yaw, roll = 6 * np.sin(t_s / 1.3), 3 * np.sin(t_s / 2.1)
        return Pose(*(float(v) for v in (yaw, pitch, roll, eye_yaw, eye_pitch, lid, jaw)))


def lid_at(t_s: float, blink: Interval) -> float:
    """Lid of one blink, 0 open to 1 shut."""
    closing, opening = (t_s - blink.start_s) / CLOSING_S, (blink.end_s - t_s) / OPENING_S
    return float(np.clip(min(closing, opening), 0, 1))


def make_plan(seed: int, duration_s: float) -> Plan:
    """A blink about every 2 s, a nod every 4 s in turns slow and fast; speaking from halfway on."""
    rng = np.random.default_rng(seed)
    blinks: list[Interval] = []
    nods: list[PlannedNod] = []
    looks: list[tuple[float, float, float]] = []
    at = 1.5
    while at < duration_s - 1.5:
        blinks.append(Interval(at, at + CLOSING_S + float(rng.uniform(*SHUT_S)) + OPENING_S))
        at += float(rng.uniform(*BLINK_EVERY_S))
    at = 2.0
    while at < duration_s - 3:
        slow = len(nods) % 2 == 0
        rate_hz = float(rng.uniform(*(SLOW_HZ if slow else FAST_HZ)))
        nods.append(PlannedNod(at, 2 if slow else 3, rate_hz, float(rng.uniform(*NOD_DEG))))
        at = nods[-1].end_s + float(rng.uniform(*NOD_EVERY_S))
    at = 0.0
    while at < duration_s:
        looks.append((at, float(rng.uniform(-10, 10)), float(rng.uniform(-4, 4))))
        at += float(rng.uniform(*LOOK_EVERY_S))
    speaking = (Interval(duration_s / 2, duration_s),)
    return Plan(duration_s, tuple(blinks), tuple(nods), tuple(looks), speaking)


@dataclass(frozen=True, slots=True)
class Camera:
    """How the plan is filmed."""

    name: str
    fps: float = 25.0
    eyes_px: float = 44.0
    """Distance between the eyes, seen from the front; the head's turns take 2 px of it."""
    noise: float = 2.0
    """Standard deviation of each pixel, grey levels."""
    blur_px: float = 0.0
    glasses: bool = False
    lamp: bool = False
    """Light from one side that changes by a quarter every 4 s."""
    irregular: bool = False
    """Frame times scattered by half a step, as a phone's are."""
    jpeg: int | None = None
    """Quality of every frame, in place of a video's compression."""

    def times(self, duration_s: float) -> NDArray[np.float64]:
        """When frames are taken, seconds."""
        if not self.irregular:
            return np.arange(0, duration_s, 1 / self.fps)
        rng = np.random.default_rng(7)
        t_s = np.cumsum(rng.uniform(0.5, 1.5, int(1.2 * duration_s * self.fps)) / self.fps)
        return np.asarray(t_s[t_s < duration_s])

    def spoiled(self, image: Image, index: int, t_s: float) -> Image:
        """The frame as this camera gives it."""
        picture = image.astype(np.float32)
        if self.blur_px:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self.blur_px))
        if self.lamp:
            side = np.linspace(1.15, 0.7, image.shape[1], dtype=np.float32)[None, :, None]
            picture *= side * LAMP[int(t_s / LAMP_S) % len(LAMP)]
        if self.noise:
            picture += self.noise * grain(image.shape[0], image.shape[1])[index % GRAINS]
        out = np.asarray(np.clip(picture, 0, 255), np.uint8)
        if self.jpeg is None:
            return out
        coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


@lru_cache(maxsize=2)
def grain(height: int, width: int) -> NDArray[np.float32]:
    """Sensor noise of standard deviation 1, shape (GRAINS, height, width, 3)."""
    rng = np.random.default_rng(5)
    return rng.standard_normal((GRAINS, height, width, 3), np.float32)


CAMERAS = (
    *(Camera(f"{fps} fps", fps=fps) for fps in (10, 15, 20, 25, 30)),
    *(Camera(f"eyes {px} px", eyes_px=px) for px in (24, 32, 60, 80)),
    Camera("noise 8", noise=8.0),
    Camera("blur 1.2 px", blur_px=1.2),
    Camera("JPEG 40", jpeg=40),
    Camera("glasses", glasses=True, eyes_px=48),
    Camera("glasses, 20 fps", glasses=True, eyes_px=48, fps=20),
    Camera("lamp switched", lamp=True),
    Camera("irregular", irregular=True),
    Camera("irregular, 17 fps", irregular=True, fps=17),
    Camera("all bad, 15 fps", fps=15, noise=5.0, blur_px=0.8, lamp=True, jpeg=60),
    Camera("all bad, 20 fps", fps=20, noise=5.0, blur_px=0.8, lamp=True, jpeg=60),
)


@dataclass(frozen=True, slots=True)
class Film:
    """A recording as the stages see one."""

    film: Callable[[], Iterator[Frame]]

    def frames(self, media: int, *, max_fps: float) -> Iterator[Frame]:
        """All frames, thinned to `max_fps` only by who made them."""
        del media, max_fps
        return self.film()

    def t_of(self, media: int, pts_s: float) -> float:
        """The session's clock is the container's."""
        del media
        return pts_s


def filmed(view: View, poses: Sequence[Pose], t_s: Sequence[float], camera: Camera) -> Film:
    """Frames drawn once and kept: every engine sees the same ones."""
    frames = [
        StillFrame(index, float(at), camera.spoiled(draw(view, pose), index, at))
        for index, (pose, at) in enumerate(zip(poses, t_s, strict=True))
    ]
    return Film(lambda: iter(frames))


def plan_filmed(view: View, plan: Plan, camera: Camera) -> Film:
    """A plan as this camera films it."""
    t_s = camera.times(plan.duration_s).tolist()
    return filmed(view, [plan.pose(at) for at in t_s], t_s, camera)


def measured(film: Film, engine: FaceTracker, size: tuple[int, int]) -> dict[str, pa.Table]:
    """Tables of the real stages with the default profile: landmarks, then face.

    Parameters
    ----------
    size : width and height of the frames
    """
    probed: dict[str, Any] = dict.fromkeys(tables.MEDIA.by_name)
    probed |= {"session_id": SPEC.id, "media": 0, "sha256": "0" * 64, "offset_s": 0.0}
    probed |= {"video_codec": "h264", "width_px": size[0], "height_px": size[1]}
    media = {"media": tables.MEDIA.build_rows([probed | {"video_frames": 1}])}
    seen = landmarks.run(Inputs(SPEC, film, media), engine, LandmarksSettings())
    upstream = media | {"landmarks": pa.concat_tables(list(seen.tables["landmarks"]))}
    found = face.run(Inputs(SPEC, film, upstream), None, FaceSettings())
    return dict(found.tables)
