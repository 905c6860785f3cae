"""Upright once: eight orientations and odd pixels give one picture, one size and one pose."""

from __future__ import annotations

import gc
import struct
from fractions import Fraction
from itertools import islice, product
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import needs_embedded_weights

from flows import engines
from pipeline.config import load_profile
from pipeline.face.head_motion import turn_angles
from pipeline.face.head_pose import MEAN_FACE_MM, POSE_POINTS, camera_matrix
from pipeline.face.pose_fit import fit_poses
from pipeline.media.clips import cut_clip
from pipeline.media.probe import probe
from pipeline.media.upright import Orientation, plausible_aspect, square_size
from pipeline.media.video import read_frames
from tests.cases_media import case_folder
from tests.made.media import session

ORIENTATIONS = [Orientation(*on) for on in product((False, True), repeat=3)]
ASPECTS = ["1:1", "4:3", "8:9", "16:15", "64:45", "10:11", "40:33", "1:2", "3:2"]
SIZE = (96, 128)  # height, width as seen
ONE = 1 << 16
MODEL_MM = np.array([MEAN_FACE_MM[index] for index in POSE_POINTS], float)


def matrix_of(turn: Orientation) -> bytes:
    """The display matrix of ISO/IEC 14496-12 that asks for it."""
    x, y = (-ONE if on else ONE for on in (turn.mirrored_x, turn.mirrored_y))
    rows = ((0, y), (x, 0)) if turn.exchanged else ((x, 0), (0, y))
    return struct.pack(">9i", *rows[0], 0, *rows[1], 0, 0, 0, 1 << 30)


def stored(seen: np.ndarray, turn: Orientation) -> np.ndarray:
    """What a camera that writes this matrix stores of a picture."""
    mirrored = seen[:: -1 if turn.mirrored_y else 1, :: -1 if turn.mirrored_x else 1]
    return np.ascontiguousarray(np.swapaxes(mirrored, 0, 1) if turn.exchanged else mirrored)


def film(
    path: Path, pictures: list[np.ndarray], turn: Orientation, aspect: Fraction = Fraction(1)
) -> Path:
    """Pictures as seen, stored as `turn` says in pixels of `aspect`; sound beside them."""
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=16_000, layout="mono")
        stream = out.add_stream("mpeg4", rate=25)
        first = stored(pictures[0], turn)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        stream.sample_aspect_ratio = aspect
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(stored(picture, turn), "rgb24")
            out.mux(stream.encode(frame))
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        heard.sample_rate = 16_000
        out.mux(sound.encode(heard))
        out.mux([*stream.encode(None), *sound.encode(None)])
    return with_matrix(path, matrix_of(turn))


def with_matrix(path: Path, matrix: bytes) -> Path:
    """The display matrix written into every track header of an mp4."""
    data = bytearray(path.read_bytes())
    at = -1
    while (at := data.find(b"tkhd", at + 1)) >= 0:
        data[at + 44 : at + 80] = matrix
    path.write_bytes(data)
    return path


def scene(height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    """A picture that no turn or mirror leaves as it is."""
    image = np.full((height, width, 3), 40, np.uint8)
    image[height // 8 : height // 3, width // 8 : width // 4] = (230, 60, 60)
    image[height // 2 :, 5 * width // 8 :] = (60, 60, 230)
    return image


@pytest.mark.parametrize("turn", ORIENTATIONS, ids=str)
def test_eight_orientations_of_one_film_look_alike(tmp_path, turn):
    path = film(tmp_path / "room.mp4", [scene()], turn)
    frame = next(iter(read_frames(path, max_fps=30)))
    assert frame.size == SIZE
    assert np.abs(frame.image.astype(int) - scene()).mean() < 4
    found = probe(path, pictures=True).video
    assert (found.height_px, found.width_px) == SIZE
    again = next(iter(read_frames(path, max_fps=30)))
    np.testing.assert_array_equal(again.patch(7, 10, 40, 31), frame.image[10:31, 7:40])
    luma = again.brightness(np.arange(0, 96, 5), np.arange(0, 128, 7))
    assert np.abs(luma - frame.image.mean(axis=2)[::5, ::7]).max() < 40


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("turn", ORIENTATIONS, ids=str)
def test_odd_pixels_become_square_and_a_circle_is_round(tmp_path, turn, aspect):
    wide, high = map(int, aspect.split(":"))
    height, width = 120, 2 * round(80 * high / wide)  # as stored, before it is turned
    grown = square_size(height, width, plausible_aspect(Fraction(wide, high)))
    y, x = np.mgrid[:height, :width]
    disc = (((x - width / 2) * wide / high) ** 2 + (y - height / 2) ** 2) < 40**2
    picture = np.repeat(np.where(disc, 220, 30)[..., None], 3, axis=2).astype(np.uint8)
    seen = turn.applied(picture)
    path = film(tmp_path / "room.mp4", [seen], turn, Fraction(wide, high))
    image = next(iter(read_frames(path, max_fps=30))).image[..., 0] > 125
    assert image.shape == turn.size(grown)
    found = probe(path, pictures=True).video
    assert (found.height_px, found.width_px) == image.shape
    down, across = image.any(axis=1).sum(), image.any(axis=0).sum()
    assert down == pytest.approx(across, rel=0.04)


def test_a_clip_of_a_turned_film_is_upright(tmp_path):
    folder = tmp_path / "S01"
    folder.mkdir()
    film(folder / "room.mp4", [scene()] * 30, Orientation(exchanged=True, mirrored_y=True))
    (tmp_path / "clip.webm").write_bytes(cut_clip(session(folder), 0, 1, height_px=96, video=True))
    frame = next(iter(read_frames(tmp_path / "clip.webm", max_fps=30)))
    assert frame.size == SIZE
    assert np.abs(frame.image.astype(int) - scene()).mean() < 8


@pytest.fixture(scope="module")
def upright_frames() -> list[np.ndarray]:
    """A real head, as a phone held upright shows it."""
    folder = case_folder()
    if folder is None:
        pytest.skip("shared/cases is absent: no film of a head to turn")
    frames = read_frames(folder / "n13-upright" / "r-upright.mov", max_fps=3.0)
    return [frame.image for frame in islice(frames, 6)]


def poses(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Angles in degrees and place in mm of the head in every frame."""
    found = probe(path, pictures=True).video
    engine = engines.build_face_tracker(load_profile(None))
    seen = list(engine.track(read_frames(path, max_fps=30.0), people=1))
    points = np.array([one.points[list(POSE_POINTS)] for one in seen], float)
    fit = fit_poses(points, MODEL_MM, camera_matrix(found.width_px, found.height_px))
    return turn_angles(fit.turn), fit.place


@needs_embedded_weights
def test_the_head_stands_alike_in_eight_orientations(tmp_path, upright_frames):
    films = {
        turn: poses(film(tmp_path / f"{i}.mp4", upright_frames, turn))
        for i, turn in enumerate(ORIENTATIONS)
    }
    angles, places = films[Orientation()]
    apart = {
        turn: (np.abs(a - angles).max(), np.linalg.norm(p - places, axis=1).max())
        for turn, (a, p) in films.items()
    }
    for turn, (deg, mm) in apart.items():
        print(f"{turn}: {deg:.2f} deg, {mm:.2f} mm")
    assert max(deg for deg, _ in apart.values()) < 1.0
    assert max(mm for _, mm in apart.values()) < 5.0


def test_pictures_that_were_looked_at_free_their_memory_at_once(tmp_path):
    """A ring of references would keep 3 MB a frame of a 1080p session until the collector came."""
    path = film(tmp_path / "film.mp4", [np.zeros((*SIZE, 3), np.uint8)] * 10, Orientation(True))
    gc.collect()
    gc.disable()
    try:
        seen = [frame.image.shape for frame in read_frames(path, max_fps=25.0)]
        cut = rings_left()
    finally:
        gc.enable()
    assert len(seen) == 10
    assert cut == 0


def rings_left() -> int:
    """Frames only the collector can free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return sum(isinstance(one, av.VideoFrame) for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
