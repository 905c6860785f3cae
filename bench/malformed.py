"""Ways in which one session of a night can be malformed, and the night that has one of them.

    python -m bench.malformed [--sound FILE.wav]

A made clinic of ten short sessions is worked through once. Then each kind of fault is planted in
one of them, in turn, and the night runs again. All others must be done, every time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

FACTS = '[session]\ndyad = "D{0}"\nnumber = 1\nclient = "C{0:02}"\ntherapist = "T02"\n'
MEDIA = '\n[[media]]\nfile = "room.wav"\nhears = ["mixed"]\n'
TRANSCRIPT = '\n[transcript]\nfile = "{}"\n'
DIAL = '\n[[ratings]]\nfile = "dial.csv"\nrater = "client"\n'
RECORD = (
    '[[consent]]\nperson = "{}"\nrole = "{}"\nscopes = ["record", "analyse_audio", "transcribe", '
    '"dial", "supervisor_view"]\ndecision = "granted"\ndate = 2026-01-10\n\n'
)
SESSIONS = 10
RATE = 16_000
LONG_AGO_S = 1_700_000_000


def clinic(place: Path, sound: bytes) -> list[Path]:
    """Ten session folders below `place` and a register that grants them all."""
    folders = []
    records = RECORD.format("T02", "therapist")
    for number in range(SESSIONS):
        folder = place / f"W{number:02}0"
        folder.mkdir(parents=True)
        (folder / "session.toml").write_text(FACTS.format(number) + MEDIA)
        (folder / "room.wav").write_bytes(sound + bytes([number, 0]))
        os.utime(folder / "room.wav", (LONG_AGO_S, LONG_AGO_S))
        records += RECORD.format(f"C{number:02}", "client")
        folders.append(folder)
    (place / "consent.toml").write_text(records)
    return folders


def _added(text: str | bytes) -> Callable[[Path], None]:
    """More of session.toml."""

    def plant(folder: Path) -> None:
        with (folder / "session.toml").open("ab") as file:
            file.write(text.encode() if isinstance(text, str) else text)

    return plant


def _replaced(old: str, new: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        path = folder / "session.toml"
        path.write_text(path.read_text().replace(old, new))

    return plant


def _named(file: str, content: bytes, section: str) -> Callable[[Path], None]:
    """A file beside the recording that session.toml names."""

    def plant(folder: Path) -> None:
        (folder / file).write_bytes(content)
        _added(section.format(file))(folder)

    return plant


def _in_place_of(file: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / file).unlink()
        make(folder / file)

    return plant


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _renamed(folder: Path) -> None:
    os.rename(folder, os.fsencode(folder.parent) + b"/M\xfcller 5")  # noqa: PTH104  bytes


_JSON = b'{"segments": [{"start": 1, "end": 2, "text": "a\\ud800b c"}]}'
KINDS: dict[str, Callable[[Path], None]] = {
    "a whole number of 5,000 digits": _replaced("number = 1", "number = " + "9" * 5_000),
    "a hexadecimal of 20,000 digits": _replaced("number = 1", "number = 0x" + "f" * 20_000),
    "20,000 nested arrays": _added("\nx = " + "[" * 20_000),
    "20,000 nested tables": _added("\nx = " + "{a=" * 20_000),
    "a key of 20,000 parts": _added("\n" + "a." * 20_000 + "a = 1\n"),
    "a NUL in a file's name": _replaced("room.wav", "ro\\u0000om.wav"),
    "a file's name of 5,000 letters": _replaced("room.wav", "a" * 5_000),
    "an offset of 1e308 s": _added("offset_s = 1e308\n"),
    "session number 2^31": _replaced("number = 1", "number = 2147483648"),
    "session.toml of 3 MB": _added("#" * 3_000_000),
    "session.toml in another encoding": _added(b'\n[[media]]\nfile = "M\xfcller.wav"\n'),
    "session.toml of zeros": _in_place_of("session.toml", lambda p: p.write_bytes(bytes(4096))),
    "an empty session.toml": _in_place_of("session.toml", Path.touch),
    "a pipe for session.toml": _in_place_of("session.toml", os.mkfifo),
    "a socket for session.toml": _in_place_of("session.toml", _socket),
    "a device for session.toml": _in_place_of("session.toml", lambda p: p.symlink_to("/dev/zero")),
    "a folder for session.toml": _in_place_of("session.toml", Path.mkdir),
    "a link that leads to itself": _in_place_of("session.toml", lambda p: p.symlink_to(p)),
    "a pipe for the recording": _in_place_of("room.wav", os.mkfifo),
    "a device for the recording": _in_place_of("room.wav", lambda p: p.symlink_to("/dev/zero")),
    "a recording linked to itself": _in_place_of("room.wav", lambda p: p.symlink_to(p)),
    "an empty recording": _in_place_of("room.wav", Path.touch),
    "a folder whose name is no text": _renamed,
    "caption hours of 900 digits": _named(
        "t.vtt", b"WEBVTT\n\n" + b"9" * 900 + b":00:01.000 --> 00:02.000\nHi\n", TRANSCRIPT
    ),
    "an STM end of 1e308": _named("t.stm", b"rec 1 C07 0.5 1e308 well then\n", TRANSCRIPT),
    "half a character in JSON": _named("t.json", _JSON, TRANSCRIPT),
    "20,000 nested lists in JSON": _named("t.json", b"[" * 20_000, TRANSCRIPT),
    "a number of 5,000 digits in JSON": _named(
        "t.json", b'{"segments": [{"start": ' + b"9" * 5_000 + b"}]}", TRANSCRIPT
    ),
    "a dial of one semicolon": _named("dial.csv", b";\n", DIAL),
    "a dial of 30,000 semicolons": _named("dial.csv", b";" * 30_000, DIAL),
}
"""What is wrong -> how it gets into a session's folder."""


def _short_sound() -> bytes:
    """Twenty seconds of noise in bursts, as a WAV file."""
    rng = np.random.default_rng(1)
    loud = np.repeat(rng.random(40) < 0.6, RATE // 2)
    samples = (rng.normal(0, 1, loud.size) * np.where(loud, 3000, 30)).astype("<i2")
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", ""))
            out.writeframes(samples.tobytes())
        return Path(file.name).read_bytes()


def _night(recordings: Path, out: Path) -> dict[str, dict[str, str]]:
    """The command itself; returns what its summary says of each session."""
    profile = out.parent / "short.toml"
    profile.write_text("[ingest]\nminimum_media_s = 5.0\n")
    command = [sys.executable, "-m", "flows.cli", "nightly", str(recordings), "--json"]
    command += ["--out", str(out), "--profile", str(profile)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode not in (0, 1):
        return {"": {"state": "ended", "sentence": done.stderr.strip().splitlines()[-1]}}
    return {one["session"]: one for one in json.loads(done.stdout)["sessions"]}


def main(words: list[str]) -> int:
    """Run every night and print one line each; 1 if any lost more than the malformed session."""
    parser = argparse.ArgumentParser(description="Nights with one malformed session")
    parser.add_argument("--sound", type=Path)
    told = parser.parse_args(words)
    sound = told.sound.read_bytes() if told.sound else _short_sound()
    lost = 0
    with tempfile.TemporaryDirectory() as base:
        place, out = Path(base) / "recordings", Path(base) / "out"
        folders = clinic(place, sound)
        first = _night(place, out)
        print(f"{'nothing':<34} {_done(first):>2} done of {SESSIONS}", flush=True)
        for at, (kind, plant) in enumerate(KINDS.items()):
            folder = folders[at % SESSIONS]
            kept = Path(base) / "kept"
            shutil.copytree(folder, kept)
            plant(folder)
            found = _night(place, out)
            others = {name: one for name, one in found.items() if name != folder.name}
            lost += _done(others) < SESSIONS - 1
            good = _good(folders, folder)
            said = "; ".join(_said(one) for name, one in found.items() if name not in good)
            print(f"{kind:<34} {_done(others):>2} done of {SESSIONS - 1}; {said[:160]}", flush=True)
            shutil.rmtree(place / os.fsdecode(b"M\xfcller 5"), ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.move(kept, folder)
    print(f"nights that lost another session: {lost} of {len(KINDS)}")
    return int(lost > 0)


def _good(folders: list[Path], but: Path) -> set[str]:
    return {folder.name for folder in folders if folder != but}


def _done(sessions: dict[str, dict[str, str]]) -> int:
    return sum(one["state"].startswith("done") for one in sessions.values())


def _said(one: dict[str, str]) -> str:
    absent = [a["sentence"] for a in one.get("absent", ()) if "unreadable" in a["reason"]]  # type: ignore[index]
    return f"{one['state']}: {' '.join([one['sentence'], *absent]).strip()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
