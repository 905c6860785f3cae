"""Every reader of small files against files that nobody should have: none may fail or hang.

    python -m bench.fuzz [reader ...] [--seconds 120] [--seed 1] [--keep FOLDER]

Good files are cut, repeated, mixed, re-encoded and sprinkled with what breaks parsers, then read as
a night reads them: transcripts and dials up to the tables of their stage. Printed for each reader:
files tried, read, refused with a sentence of ours; anything else is a fault, kept with its file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.made.fuzz_seeds import BREAKERS, NUMBERS, SEEDS
from pipeline.config import load_profile
from pipeline.dials.guess_task import read_guesses
from pipeline.dials.reasons import read_reasons
from pipeline.errors import InputError
from pipeline.media.probe import probe
from pipeline.paperwork.consent import load_register, refusals
from pipeline.paperwork.session import RatingFile, SessionSpec, TranscriptFile
from pipeline.paperwork.session_toml import load_session
from pipeline.paperwork.stray_refusals import KnownSession
from pipeline.settings import RatingsSettings, TranscribeSettings
from pipeline.stage import Inputs, Missing
from pipeline.stages import ratings, transcribe
from pipeline.study.attendance import read_attendance
from pipeline.tables import DIARIZATION, MEDIA, SESSIONS, SPEECH, TURNS
from pipeline.transcribe import transcript as transcript_files

SLOW_S = 5.0
HANGS_S = 20.0
MOST_BYTES = 4 << 20
DAY = dt.date(2026, 3, 2)
NO_WEIGHTS = Missing("no_weights", "No weights.", "Fetch them.")
SPEC = SessionSpec.model_validate(
    {
        "id": "W04",
        "session": {"dyad": "D1", "number": 1, "client": "C07", "therapist": "T02"},
        "media": [{"file": "room.wav", "hears": ["mixed"]}],
    }
)


class _HungError(Exception):
    """More work than a file of that size can ask for."""


@dataclass
class Tally:
    """What became of the files of one reader."""

    tried: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    slow: int = 0
    faults: Counter[str] = field(default_factory=Counter)


def _session(path: Path) -> None:
    (path.parent / "room.wav").write_bytes(b"RIFF")
    load_session(path.parent)


def _register(path: Path) -> None:
    known = KnownSession("W04", frozenset({"w04"}), {"client": "C07", "therapist": "T02"})
    register = load_register(path).read_against([known])
    refusals(register, SPEC, DAY)
    [one.note() for one in register.doubts]


def _transcript(path: Path) -> None:
    """As a plan looks at it and the stage imports it, up to its tables."""
    told = TranscriptFile(file=path.name)
    spec = SPEC.model_copy(update={"transcript": told})
    transcript_files.brings_transcript(path.with_name, told)
    recording = SimpleNamespace(audio=np.zeros(160_000, np.float32), path=path.with_name)
    given = {
        "diarization": _rows(DIARIZATION, start_s=0.0, end_s=9.0, speaker=0, exclusive=True),
        "speech": _rows(SPEECH, start_s=0.0, end_s=9.0),
        "media": MEDIA.empty(),
        "sessions": _sessions(20.0),
    }
    transcribe.run(Inputs(spec, recording, given), NO_WEIGHTS, TranscribeSettings())


def _sessions(duration_s: float) -> Any:
    return _rows(SESSIONS, dyad_id="D1", client_id="C1", therapist_id="T", duration_s=duration_s)


def _dial(path: Path) -> None:
    """As the stage reads it, up to its tables, whatever session.toml says of it."""
    chance = Random(hashlib.sha256(path.read_bytes()).digest())
    told = chance.choice(({}, {}, {"scale": [1, 9]}, {"passes": "later"}, {"column": "x"}))
    part = RatingFile.model_validate({"file": path.name, "rater": "client", **told})
    spec = SPEC.model_copy(update={"ratings": [part]})
    given = {
        "sessions": _sessions(600.0),
        "media": MEDIA.empty(),
        "turns": TURNS.empty(),
    }
    recording = SimpleNamespace(path=path.with_name)
    ratings.run(Inputs(spec, recording, given), None, RatingsSettings())


def _rows(table: Any, **values: Any) -> Any:
    return table.build_rows([dict.fromkeys(table.by_name) | {"session_id": "W04"} | values])


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "session": ("session.toml", _session),
    "register": ("consent.toml", _register),
    "profile": ("mine.toml", load_profile),
    "vtt": ("t.vtt", _transcript),
    "srt": ("t.srt", _transcript),
    "stm": ("t.stm", _transcript),
    "json": ("t.json", _transcript),
    "dial": ("dial.csv", _dial),
    "guesses": ("guesses.csv", read_guesses),
    "reasons": ("reasons.csv", read_reasons),
    "attendance": ("attendance.csv", read_attendance),
    "media": ("room.wav", probe),
}
"""Reader -> the file's name, and what reads it."""


def mutated(chance: Random, reader: str) -> bytes:
    """A file of that kind with one to six things done to it."""
    seeds = SEEDS[reader]
    content = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        content = chance.choice(CHANGES)(chance, content, seeds)[:MOST_BYTES]
    return content


def _cut(chance: Random, content: bytes, _: list[bytes]) -> bytes:
    a, b = sorted(chance.randint(0, len(content)) for _ in range(2))
    return content[:a] + content[min(b, a + 40) :]


def _flip(chance: Random, content: bytes, _: list[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _break(chance: Random, content: bytes, _: list[bytes]) -> bytes:
    at = chance.randint(0, len(content))
    return content[:at] + chance.choice(BREAKERS) + content[at:]


def _renumber(chance: Random, content: bytes, _: list[bytes]) -> bytes:
    """Another number in place of one that is there."""
    starts = [i for i, c in enumerate(content[:20_000]) if 48 <= c <= 57]
    if not starts:
        return content
    start = end = chance.choice(starts)
    while end < len(content) and content[end] in b"0123456789.":
        end += 1
    return content[:start] + chance.choice(NUMBERS) + content[end:]


def _repeat(chance: Random, content: bytes, _: list[bytes]) -> bytes:
    a, b = sorted(chance.randint(0, len(content)) for _ in range(2))
    times = chance.choice((2, 3, 10, 100, 1_000, 30_000))
    part = content[a : min(b, a + 200)]
    return content[:b] + part * min(times, MOST_BYTES // max(1, len(part))) + content[b:]


def _lines(chance: Random, content: bytes, _: list[bytes]) -> bytes:
    lines = content.split(b"\n")[:50_000]
    chance.shuffle(lines)
    return b"\n".join(lines)


def _mix(chance: Random, content: bytes, seeds: list[bytes]) -> bytes:
    other = chance.choice(seeds)
    return content[: chance.randint(0, len(content))] + other[chance.randint(0, len(other)) :]


def _recode(chance: Random, content: bytes, _: list[bytes]) -> bytes:
    text = content.decode("utf-8", errors="replace")
    return text.encode(chance.choice(("utf-16", "utf-16-le", "cp1252", "utf-8-sig")), "replace")


CHANGES = (_cut, _flip, _break, _break, _renumber, _renumber, _repeat, _lines, _mix, _recode)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _HungError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def fuzz(reader: str, seconds: float, seed: int, keep: Path | None = None) -> Tally:
    """Read made files for so long; `keep` holds what went wrong."""
    chance, tally = Random(f"{reader} {seed}"), Tally()
    name, read = READERS[reader]
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "W04"
        folder.mkdir()
        while time.monotonic() < until:
            content = mutated(chance, reader)
            (folder / name).write_bytes(content)
            fault = _try(read, folder / name, tally)
            if fault and keep:
                mark = hashlib.sha256(content).hexdigest()[:12]
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{reader}-{fault.replace(' ', '-')[:60]}-{mark}").write_bytes(content)
    return tally


def _try(read: Callable[[Path], Any], path: Path, tally: Tally) -> str:
    """Read one file; returns what is wrong with how it went."""
    tally.tried += 1
    started = time.process_time()
    fault = ""
    try:
        with _at_most(HANGS_S):
            read(path)
    except InputError:
        tally.refused += 1
    except _HungError:
        fault = "hangs"
    except Exception as error:  # noqa: BLE001  that is what is looked for
        fault = _of(error)
    took = time.process_time() - started
    tally.slowest_s = max(tally.slowest_s, took)
    if took > SLOW_S:
        tally.slow += 1
        fault = fault or "slow"
    if fault:
        tally.faults[fault] += 1
    return fault


def _of(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = trace.tb_frame.f_code if trace else None
    at = f"{Path(where.co_filename).stem}.{where.co_name}" if where else ""
    return f"{type(error).__name__} in {at}"


def main(words: list[str]) -> int:
    """Run and print; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of small files")
    parser.add_argument("readers", nargs="*", default=list(READERS))
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    told = parser.parse_args(words)
    wrong = 0
    for reader in told.readers or READERS:
        tally = fuzz(reader, told.seconds, told.seed, told.keep)
        wrong += sum(tally.faults.values())
        print(
            f"{reader:<11} {tally.tried:>7} files, {tally.tried - tally.refused:>6} read, "
            f"{tally.refused:>6} refused, {sum(tally.faults.values()):>3} faults, "
            f"slowest {tally.slowest_s:.2f} s",
            flush=True,
        )
        for fault, count in tally.faults.most_common():
            print(f"    {count} x {fault}", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
