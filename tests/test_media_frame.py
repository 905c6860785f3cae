"""Decoded frames: a patch is the whole picture cut, colours are right, rotation is honoured."""

from __future__ import annotations

import threading

import av
import numpy as np
import pytest

from pipeline.media.frame import DecodedFrame
from pipeline.media.video import read_frames

FORMATS = ("mp4", "mov", "avi", "flv", "mts", "ts")
BT709, BT601 = 1, 6
LUMA = {BT709: (0.2126, 0.0722), BT601: (0.299, 0.114)}  # ITU-R BT.709 and BT.601: Kr, Kb
COLOURS = [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 60), (40, 90, 220), (240, 200, 180),
    (128, 128, 128), (255, 255, 255), (0, 0, 0),
]  # fmt: skip
MARKER = (slice(4, 20), slice(6, 30))  # rows, columns of a bright patch, off centre


def picture(fmt: str, height: int = 48, width: int = 64) -> tuple[av.VideoFrame, list]:
    """An empty frame and writable views of its planes."""
    frame = av.VideoFrame(width, height, fmt)
    deep = np.uint16 if "10" in fmt else np.uint8
    return frame, [np.frombuffer(plane, deep) for plane in frame.planes]


def noise(fmt: str, height: int, width: int, seed: int = 0) -> av.VideoFrame:
    frame, planes = picture(fmt, height, width)
    rng = np.random.default_rng(seed)
    for plane in planes:
        plane[:] = rng.integers(0, 1024 if plane.itemsize == 2 else 256, plane.size)
    return frame


def painted(fmt: str, colour: tuple, space: int, *, full: bool) -> av.VideoFrame:
    """A frame of one colour, by the standard's own formula."""
    frame, planes = picture(fmt)
    bits = 10 if "10" in fmt else 8
    kr, kb = LUMA[space]
    r, g, b = (value / 255 for value in colour)
    luma = kr * r + (1 - kr - kb) * g + kb * b
    parts = np.array([luma, (b - luma) / (2 * (1 - kb)), (r - luma) / (2 * (1 - kr))])
    top = 2**bits - 1
    scale, base = ([top] * 3, [0, 128, 128]) if full else ([219, 224, 224], [16, 128, 128])
    step = 2 ** (bits - 8)
    coded = np.array(base) * step + parts * scale * (1 if full else step)
    values = np.clip(np.round(coded), 0, top)
    if fmt == "nv12":
        planes[0][:] = values[0]
        planes[1].reshape(-1, 2)[:] = values[1:]
    else:
        for plane, value in zip(planes, values, strict=False):
            plane[:] = value
    frame.colorspace, frame.color_range = space, 2 if full else 1
    return frame


def random_patches(height: int, width: int, count: int, rng):
    for _ in range(count):
        left, right = sorted(rng.integers(0, width + 1, 2).tolist())
        top, bottom = sorted(rng.integers(0, height + 1, 2).tolist())
        if rng.random() < 0.2:
            right, bottom = width, height
        yield left, top, right, bottom


def check_patches(frame: av.VideoFrame, count: int = 40) -> None:
    whole = DecodedFrame(0, 0.0, frame).image
    rng = np.random.default_rng(1)
    for left, top, right, bottom in random_patches(*whole.shape[:2], count, rng):
        cut = DecodedFrame(0, 0.0, frame).patch(left, top, right, bottom)
        np.testing.assert_array_equal(cut, whole[top:bottom, left:right])


@pytest.mark.parametrize("fmt", ["yuv420p", "yuvj420p", "nv12", "yuv422p", "yuv420p10le", "gray"])
@pytest.mark.parametrize("size", [(480, 854), (66, 130), (77, 135), (78, 135), (2, 2)])
def test_a_patch_is_the_whole_picture_cut(fmt, size):
    check_patches(noise(fmt, *size))


@pytest.mark.parametrize("suffix", FORMATS)
def test_patches_of_real_recordings(shared_data, suffix):
    path = shared_data / "video" / "formats" / f"test_format_2sec.{suffix}"
    with av.open(str(path)) as container:
        for frame, _ in zip(container.decode(video=0), range(3), strict=False):
            check_patches(frame, count=8)


def test_pixels_are_those_of_pyavs_own_conversion(shared_data):
    path = shared_data / "video" / "formats" / "test_format_2sec.mp4"
    with av.open(str(path)) as container:
        theirs = next(container.decode(video=0)).to_ndarray(format="rgb24")
    ours = next(iter(read_frames(path, max_fps=30)))
    np.testing.assert_array_equal(ours.patch(301, 203, 702, 606), theirs[203:606, 301:702])
    np.testing.assert_array_equal(ours.image, theirs)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("space", [BT709, BT601])
@pytest.mark.parametrize("fmt", ["yuv420p", "nv12", "yuv422p", "yuv444p", "yuv420p10le"])
def test_colours_are_those_of_the_standard(fmt, space, full):
    for colour in COLOURS:
        frame = DecodedFrame(0, 0.0, painted(fmt, colour, space, full=full))
        for part in (frame.patch(3, 5, 12, 20), frame.image):
            np.testing.assert_allclose(part.reshape(-1, 3), [colour] * (part.size // 3), atol=3)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("fmt", ["yuv420p", "gray"])
def test_greys_and_brightness_use_the_whole_scale(fmt, full):
    for level in (0, 64, 128, 255):
        frame = DecodedFrame(0, 0.0, painted(fmt, (level,) * 3, BT709, full=full))
        np.testing.assert_allclose(frame.image, level, atol=2)
        np.testing.assert_allclose(frame.brightness(np.arange(5), np.arange(7)), level, atol=2)


def turned(tmp_path, clockwise: int):
    """A file with a bright patch whose header asks for a quarter turn (ISO 14496-12, tkhd)."""
    path = tmp_path / f"{clockwise}.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25, options={"qmin": "1", "qmax": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        image = np.random.default_rng(3).integers(0, 80, (48, 64, 3)).astype(np.uint8)
        image[MARKER] += 160
        out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        out.mux(stream.encode(None))
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise]
    rows = (cosine, sine, 0), (-sine, cosine, 0)
    matrix = b"".join(
        (value << 16).to_bytes(4, "big", signed=True) for row in rows for value in row
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # type, version and flags, times, id, layer, volume: 44 bytes
    data[at : at + 24] = matrix
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_rotation_is_honoured_everywhere(tmp_path, clockwise):
    frame = next(iter(read_frames(turned(tmp_path, clockwise), max_fps=30)))
    upright = np.zeros((48, 64), bool)
    upright[MARKER] = True
    upright = np.rot90(upright, -clockwise // 90)  # numpy turns counterclockwise
    assert frame.size == upright.shape
    height, width = frame.size
    patches = list(random_patches(height, width, 20, np.random.default_rng(2)))
    path = turned(tmp_path, clockwise)
    cut = [next(iter(read_frames(path, max_fps=30))).patch(*edges) for edges in patches]
    bright = frame.brightness(np.arange(0, height, 3), np.arange(0, width, 5))
    assert np.mean((frame.image[..., 0] > 130) == upright) > 0.98
    assert np.mean((bright > 130) == upright[::3, ::5]) > 0.96
    for (left, top, right, bottom), part in zip(patches, cut, strict=True):
        np.testing.assert_array_equal(part, frame.image[top:bottom, left:right])


def test_edges_are_those_of_a_slice():
    frame = DecodedFrame(0, 0.0, noise("yuv420p", 48, 64))
    assert frame.patch(60, 40, 100, 100).shape == (8, 4, 3)
    assert frame.patch(30, 10, 20, 15).shape == (5, 0, 3)
    with pytest.raises(ValueError, match="outside"):
        frame.patch(-1, 0, 5, 5)


def test_frames_held_ahead_are_read_by_other_threads(shared_data):
    path = shared_data / "video" / "formats" / "test_format_2sec.mp4"
    held = list(read_frames(path, max_fps=30))[:4]  # the decoder has long gone on and closed
    expected = [frame.image for frame, _ in zip(read_frames(path, max_fps=30), held, strict=False)]
    wrong: list[int] = []

    def read(frame: DecodedFrame) -> None:
        for left in range(0, 600, 193):
            seen = frame.patch(left, 7, left + 401, 408)
            if not np.array_equal(seen, expected[frame.index][7:408, left : left + 401]):
                wrong.append(frame.index)
        if not np.array_equal(frame.image, expected[frame.index]):
            wrong.append(frame.index)

    threads = [threading.Thread(target=read, args=(frame,)) for frame in held for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_frame_thinned_out_is_never_converted(shared_data, monkeypatch):
    asked = []
    monkeypatch.setattr("pipeline.media.frame._converted", asked.append)
    path = shared_data / "video" / "formats" / "test_format_2sec.mp4"
    assert len(list(read_frames(path, max_fps=10))) in {10, 11}  # of one second at 30 Hz
    assert asked == []
