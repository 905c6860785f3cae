"""Peak memory of the whole job, stage by stage, for sessions of different lengths.

    python -m bench.memory [--minutes 20 60] [--fps 5] [--keep FOLDER]

A made session (synthetic voices, dials, transcript) gets 1080p video: the shared clip enlarged,
encoded once as MPEG-4 part 2, then its packets over and over with new time stamps. Few frames a
second keep the bench short: what grows with a session's length is its audio and its tables. For the
picture at full rate: ``--minutes 6 --fps 30``, more than 10,000 frames.

Each session is worked on in a process of its own, all stages in that one process with the real
engines, as `thinslice run` does. The kernel's high-water mark of resident memory (VmHWM) is set
back before every stage.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
CLIP = DATA / "video" / "WolfgangLanger_Pexels.mp4"
CLIP_FRAMES = 240
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
GOAL_MB, GOAL_GROWTH = 4096, 1.10


def one_session(recordings: Path, out: Path) -> dict[str, Any]:
    """Work on the one session below `recordings`; peaks in MB and seconds by stage."""
    from flows.engines import build, describe
    from flows.folders import session_folders
    from flows.prepare import prepare
    from pipeline.config import load_profile
    from pipeline.results.execute import run_stage
    from pipeline.results.views import Output
    from pipeline.stages import STAGES

    work = prepare(
        session_folders(recordings),
        consent=recordings / "consent.toml",
        profile=load_profile(None),
        output=Output(out),
        run_id="bench",
        day=dt.date(2026, 3, 2),
    )
    ((_, job),) = work.jobs.items()
    found: dict[str, Any] = {"start": (_resident_mb("VmRSS"), _resident_mb("VmHWM"), 0.0, 0.0)}
    for stage in STAGES:
        CLEAR.write_text("5")
        started, worked = time.perf_counter(), time.process_time()
        run_stage(job, stage, describe=describe, build=build)
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
        found[stage.name] = (_resident_mb("VmRSS"), _resident_mb("VmHWM"), seconds, cpu)
        told = "{} stays {:.0f} MB, peak {:.0f} MB, {:.0f} s, on the processor {:.0f} s"
        print(told.format(stage.name, *found[stage.name]), file=sys.stderr, flush=True)
    found["absent"] = [f"{one.modality}: {one.reason}" for one in job.absences()]
    return found


def _resident_mb(field: str) -> float:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return float(line.split()[1]) / 1024


def made_session(folder: Path, minutes: float, fps: float) -> Path:
    """A session folder of that length below `folder`/recordings."""
    from pipeline.made.conversation import make_plan, write_session

    recordings = folder / "recordings"
    session = write_session(make_plan(7, minutes), recordings)
    clip = folder / "clip.mp4"
    if not clip.exists():
        encode_clip(clip)
    join(session / "room.m4a", clip, session / "room.mp4", fps=fps)
    (session / "room.m4a").unlink()
    text = (session / "session.toml").read_text(encoding="utf-8")
    text = text.replace("room.m4a", "room.mp4").replace("shows = []", 'shows = ["client"]')
    (session / "session.toml").write_text(text, encoding="utf-8")
    return recordings


def encode_clip(target: Path) -> None:
    """The shared clip at 1920 x 1080 (no patented or GPL encoder is called)."""
    with av.open(str(CLIP)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        output = sink.add_stream("mpeg4", rate=stream.average_rate)
        output.width, output.height, output.bit_rate = 1920, 1080, 4_000_000
        output.pix_fmt = "yuv420p"
        for picture in itertools.islice(source.decode(stream), CLIP_FRAMES):
            large = picture.reformat(width=1920, height=1080)
            large.pict_type = 0  # the encoder chooses its own key frames
            sink.mux(output.encode(large))
        sink.mux(output.encode())


def join(sound: Path, clip: Path, target: Path, *, fps: float) -> None:
    """All packets of `sound` beside those of `clip`, repeated; nothing is encoded."""
    with av.open(str(sound)) as heard, av.open(str(clip)) as seen, av.open(str(target), "w") as out:
        audio = out.add_stream_from_template(heard.streams.audio[0])
        video = out.add_stream_from_template(seen.streams.video[0])
        pictures = repeated(seen, video, fps)
        next_picture = next(pictures)
        for packet in heard.demux(audio=0):
            if packet.pts is None:
                continue
            while next_picture.pts * next_picture.time_base <= packet.pts * packet.time_base:
                out.mux(next_picture)
                next_picture = next(pictures)
            packet.stream = audio
            out.mux(packet)


def repeated(source: Any, stream: Any, fps: float) -> Iterator[Any]:
    """The packets of a clip without B-frames again and again, `fps` of them a second."""
    packets = [bytes(packet) for packet in source.demux(video=0) if packet.pts is not None]
    spacing = Fraction(1, 12_800)
    for number in itertools.count():
        packet = av.Packet(packets[number % len(packets)])
        packet.is_keyframe = number % len(packets) == 0
        packet.stream, packet.time_base = stream, spacing
        packet.pts = packet.dts = round(number / fps / spacing)
        packet.duration = round(1 / fps / spacing)
        yield packet


def table(results: dict[float, dict[str, Any]], fps: float) -> None:
    """Peak and what stays, MB, and seconds, for every stage and length."""
    print("\nPeak resident memory in MB (what stayed afterwards), seconds by the wall's clock and")
    print(f"on the processors; video {fps:g} fps")
    print(f"{'stage':12}" + "".join(f"{minutes:>16g} min             " for minutes in results))
    names = [name for name in next(iter(results.values())) if name != "absent"]
    for name in names:
        cells = (
            "{1:9.0f} ({0:6.0f}) {2:7.1f} s {3:6.0f}".format(*found[name])
            for found in results.values()
        )
        print(f"{name:12}" + "  ".join(cells))
    peaks = {m: max(found[name][1] for name in names) for m, found in results.items()}
    print(f"{'the run':12}" + "  ".join(f"{peak:9.0f}{'':19}" for peak in peaks.values()))
    for minutes, found in results.items():
        print(f"{minutes:g} min, absent: {', '.join(found['absent']) or 'nothing'}")
    growth = peaks[max(peaks)] / peaks[min(peaks)]
    print(f"longest / shortest: x{growth:.2f} (goal <= {GOAL_GROWTH:.2f})")
    print(f"peak {max(peaks.values()):.0f} MB (goal <= {GOAL_MB} MB)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[20.0, 60.0])
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--keep", type=Path, help="make the sessions here and keep them")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        with tempfile.TemporaryDirectory() as out:
            print(json.dumps(one_session(chosen.one, Path(out))))
        return
    with tempfile.TemporaryDirectory() as name:
        results = {}
        for minutes in chosen.minutes:
            folder = (chosen.keep or Path(name)) / f"{minutes:g}-{chosen.fps:g}"
            folder.mkdir(parents=True, exist_ok=True)
            recordings = folder / "recordings"
            if not recordings.exists():
                made_session(folder, minutes, chosen.fps)
            command = [sys.executable, "-m", "bench.memory", "--one", str(recordings)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            results[minutes] = json.loads(done.stdout.splitlines()[-1])
        table(results, chosen.fps)


if __name__ == "__main__":
    main()
