"""Frames fetched per second: ours, PyAV's own conversion, OpenCV. And audio decoded once or thrice.

    python -m bench.decode [video] [--rounds 3] [--frames 240]

Two needs are timed: the whole picture of every frame as RGB, and what a face tracker asks for: two
patches of 400 x 400 pixels a frame and the whole picture twice a second. The others must convert
the whole frame for either. All take turns on the same files, with the same threads; the median of
the rounds is printed: trust the ratio, not the seconds of a busy machine; where other work runs
beside it, the ratio of CPU time. Converting is all that can be saved: how much a fetch gains hangs
on what the file's decoding costs, shown as the last line. The 1080p files are the
shared clip enlarged, as VP8 and as MPEG-4 part 2 (no H.264 or GPL encoder is called).
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from pipeline.media.audio import read_audio
from pipeline.media.video import read_frames

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
CLIP = DATA / "video" / "WolfgangLanger_Pexels.mp4"
CAMERA = DATA / "video" / "formats" / "test_format_2sec.mp4"
PATCH_PX = 400
WHOLE_EVERY_S = 0.5
ENCODERS = {
    "vp8": ("libvpx", "webm", {"cpu-used": "8", "deadline": "realtime"}),
    "mpeg4": ("mpeg4", "mp4", {}),
}

Fetch = Callable[[Path, int, bool], int]


def ours(video: Path, count: int, patches: bool) -> int:
    seen, due_s = 0, -1.0
    for frame in itertools.islice(read_frames(video, max_fps=1000), count):
        seen += 1
        if not patches or frame.pts_s >= due_s:
            due_s = frame.pts_s + WHOLE_EVERY_S
            _use(frame.image)
        if patches:
            for left, top in _corners(*frame.size):
                _use(frame.patch(left, top, left + PATCH_PX, top + PATCH_PX))
    return seen


def pyav(video: Path, count: int, patches: bool, *, threads: str = "AUTO") -> int:
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = threads
        seen = 0
        for picture in itertools.islice(container.decode(video=0), count):
            seen += 1
            _use_whole(np.asarray(picture.to_ndarray(format="rgb24"), np.uint8), patches)
        return seen


def opencv(video: Path, count: int, patches: bool) -> int:
    capture = cv2.VideoCapture(str(video))
    seen = 0
    while seen < count:
        more, image = capture.read()
        if not more:
            break
        seen += 1
        _use_whole(np.asarray(image, np.uint8), patches)
    capture.release()
    return seen


def decoded_only(video: Path, count: int, _patches: bool) -> int:
    """What any way pays: pictures decoded, none converted."""
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in itertools.islice(container.decode(video=0), count))


WAYS: dict[str, Fetch] = {
    "ours": ours,
    "PyAV to_ndarray, all cores": pyav,
    "PyAV to_ndarray, as it opens": lambda *what: pyav(*what, threads="SLICE"),
    "cv2.VideoCapture.read (BGR)": opencv,
    "(decoding alone)": decoded_only,
}


def _use_whole(image: np.ndarray[Any, np.dtype[np.uint8]], patches: bool) -> None:
    if not patches:
        _use(image)
        return
    for left, top in _corners(*image.shape[:2]):
        _use(image[top : top + PATCH_PX, left : left + PATCH_PX])


def _use(image: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    assert image.ndim == 3
    image[::97, ::97].sum()


def _corners(height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two seats, at odd places."""
    top = max(0, (height - PATCH_PX) // 2) | 1
    return (width // 8 | 1, top), (max(0, width * 7 // 8 - PATCH_PX) | 1, top)


def enlarged(codec: str, frames: int, folder: Path) -> Path:
    """The shared clip at 1920 x 1080, 4 Mbit/s."""
    name, suffix, options = ENCODERS[codec]
    target = folder / f"1080-{codec}.{suffix}"
    with av.open(str(CLIP)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        output = sink.add_stream(name, rate=stream.average_rate, options=options)
        output.width, output.height, output.bit_rate = 1920, 1080, 4_000_000
        output.pix_fmt = "yuv420p"
        for picture in itertools.islice(source.decode(stream), frames):
            large = picture.reformat(width=1920, height=1080)
            large.pict_type = 0  # the encoder chooses its own key frames
            sink.mux(output.encode(large))
        sink.mux(output.encode())
    return target


def compare_frames(video: Path, count: int, rounds: int) -> None:
    for patches in (False, True):
        rates: dict[str, list[float]] = {name: [] for name in WAYS}
        processor: dict[str, list[float]] = {name: [] for name in WAYS}
        for _, (name, way) in itertools.product(range(rounds), WAYS.items()):
            started, used = time.perf_counter(), time.process_time()
            seen = way(video, count, patches)
            rates[name].append(seen / (time.perf_counter() - started))
            processor[name].append(1e3 * (time.process_time() - used) / seen)
        print(f"\n{video.name}, {seen} frames, {'patches' if patches else 'whole picture'}")
        rate, used_ms = statistics.median(rates["ours"]), statistics.median(processor["ours"])
        for name in WAYS:
            their_rate = statistics.median(rates[name])
            their_ms = statistics.median(processor[name])
            print(
                f"  {name:30} {their_rate:7.1f}/s {their_ms:6.2f} CPU ms"
                f"   ours x{rate / their_rate:.2f} in time, x{their_ms / used_ms:.2f} in CPU"
            )


def differences(video: Path, count: int) -> None:
    """Largest and mean difference from PyAV's default conversion, in levels of 255."""
    worst, total, seen = 0, 0.0, 0
    with av.open(str(video)) as container:
        pairs = zip(read_frames(video, max_fps=1000), container.decode(video=0), strict=False)
        for frame, picture in itertools.islice(pairs, count):
            theirs = np.asarray(picture.to_ndarray(format="rgb24"), np.int16)
            apart = np.abs(frame.image - theirs)
            worst, total, seen = max(worst, int(apart.max())), total + float(apart.mean()), seen + 1
    print(f"  against PyAV's default: worst {worst} levels, mean {total / max(1, seen):.4f}")


def compare_audio(sound: Path, rounds: int) -> None:
    once, thrice = [], []
    for _ in range(rounds):
        for times, kept in ((1, once), (3, thrice)):
            started = time.perf_counter()
            for _ in range(times):
                audio = read_audio(sound).samples
            kept.append(time.perf_counter() - started)
    one, three = statistics.median(once), statistics.median(thrice)
    length_s = audio.size / 16_000
    print(f"\n{sound.name}, {length_s:.0f} s of audio: once {one:.2f} s ({length_s / one:.0f}x)")
    print(f"  once for each of 3 consumers {three:.2f} s, ours x{three / one:.2f}")


def longer(clip: Path, seconds: float, folder: Path) -> Path:
    """The clip's own AAC packets again and again, without decoding."""
    target = folder / "long.m4a"
    with av.open(str(clip)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.audio[0]
        output = sink.add_stream_from_template(stream)
        packets = [(p.pts, bytes(p)) for p in source.demux(stream) if p.pts is not None]
        step = packets[1][0] - packets[0][0]
        for number in range(round(seconds / float(step * stream.time_base))):
            packet = av.Packet(packets[number % len(packets)][1])
            packet.stream, packet.time_base = output, stream.time_base
            packet.pts = packet.dts = number * step
            packet.duration = step
            sink.mux(packet)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path, nargs="*", help="default: 1080p made from the clip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--audio-minutes", type=float, default=10.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = (enlarged(codec, chosen.frames, folder) for codec in ENCODERS)
        for video in chosen.video or (*made, CAMERA, CLIP):
            compare_frames(video, chosen.frames, chosen.rounds)
            differences(video, 50)
        if chosen.audio_minutes:
            sound = longer(CLIP, 60 * chosen.audio_minutes, folder)
            compare_audio(sound, chosen.rounds)


if __name__ == "__main__":
    main()
