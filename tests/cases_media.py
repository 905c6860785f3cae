"""The recordings of `shared/cases` (m*, n*, k*) through the real stages: found against right.

`rows()` gives one row per case. Run as a script it prints them. Each case is worked through up to
prosody (and face, where a picture is the point) with the real engines and no transcript.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from flows import engines
from pipeline.config import load_profile
from pipeline.errors import InputError
from pipeline.media.recording import FolderRecording
from pipeline.paperwork.session_toml import load_session
from pipeline.results.execute import Job, run_stage
from pipeline.results.store import Store
from pipeline.stage import Missing
from pipeline.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
Row = tuple[str, str, str, bool]
Tables = dict[str, list[dict[str, Any]]]

SPOKEN = ("ingest", "diarize", "transcribe", "turns", "roles", "prosody")
SEEN = ("ingest", "landmarks", "face")
HEARD = {
    "m01": ("audio_duration_s", 48.0), "m02": ("audio_speech_prop", 0.63),
    "m07": ("audio_snr_session_db", 58.6), "m08": ("audio_speech_prop", 0.55),
    "m09": ("audio_file_count", 1.0), "m10": ("audio_off_s", 32.0),
    "m11": ("audio_off_s", 21.8), "m22": ("audio_duration_s", 32.0),
    "n01": ("audio_file_count", 4.0), "n22": ("audio_duration_s", 32.0),
}  # fmt: skip
"""Case -> the one figure of `ingest` that shows it, for the short form."""
WITHIN = 0.03


def case_folder() -> Path | None:
    """Where the cases lie; None where they are absent."""
    folder = Path(os.environ.get("THINSLICE_CASES", ROOT.parent / "shared" / "cases"))
    return folder if folder.is_dir() else None


def worked(source: Path, names: tuple[str, ...]) -> Tables:
    """Tables of the stages named, from a copy of one case."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / source.name
        shutil.copytree(source, folder, copy_function=shutil.copyfile)
        folder.chmod(0o755)
        shutil.copyfile(source.parent / "base32.wav", folder / "base32.wav")
        profile = load_profile(None)
        ingest = profile.ingest.model_copy(update={"minimum_media_s": 0.5})
        spec = load_session(folder)
        job = Job(
            spec=spec,
            folder=folder,
            refused={},
            profile=profile.model_copy(update={"ingest": ingest}),
            store=Store(Path(place) / "store"),
            recording=FolderRecording(folder, spec),
        )
        job.hash_sources()
        for stage in STAGES:
            if stage.name in names:
                run_stage(job, stage, describe=_describe, build=engines.build)
        written = {table: s.name for s in STAGES if s.name in names for table in s.writes}
        return {
            name: job.store.table(job.session, job.done[made], name).to_pylist()
            for name, made in written.items()
            if name != "landmarks"
        }


def _describe(role: str, job: Job) -> Any:
    if role == "transcriber":
        return Missing("no_weights", "Words are not the point here.")
    return engines.describe(role, job)


def figures(tables: Tables) -> dict[str, dict[str, Any]]:
    """Quality rows by name."""
    return {row["measure"]: row for row in tables["quality"]}


def value(tables: Tables, measure: str) -> float:
    """One quality figure; NaN where it could not be had."""
    found = figures(tables)[measure]["value"]
    return float("nan") if found is None else float(found)


def told(tables: Tables, measure: str) -> str:
    """What is said beside a figure, after its definition."""
    return str(figures(tables)[measure]["description"]).split(". ", 1)[-1]


def talk(tables: Tables) -> dict[str, float]:
    """Seconds of turns by role."""
    roles = {row["speaker"]: row["role"] for row in tables["roles"]}
    found: dict[str, float] = {}
    for row in tables["speaker_turns"]:
        role = roles.get(row["speaker"], "unknown")
        found[role] = round(found.get(role, 0.0) + row["end_s"] - row["start_s"], 1)
    return found


def f0_hz(tables: Tables, role: str) -> float:
    """Median pitch of a role's turns."""
    found = [r["f0_median_hz"] for r in tables["prosody"] if r["role"] == role]
    return float(np.median([f for f in found if f is not None] or [np.nan]))


def _spoken(tables: Tables) -> str:
    share, snr = value(tables, "audio_speech_prop"), value(tables, "audio_snr_session_db")
    length = value(tables, "audio_duration_s")
    return f"{length:.1f} s, speech {share:.2f}, SNR {snr:.1f} dB, turns {talk(tables)}"


def m01(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    ok = (
        abs(value(tables, "audio_duration_s") - 48) < 0.1 and value(tables, "audio_file_count") == 2
    )
    return (
        folder.name,
        f"{_spoken(tables)}; {told(tables, 'audio_file_count')}",
        "48 s, both files",
        ok,
    )


def n15(folder: Path) -> Row:
    tables = worked(folder, SEEN)
    t_s = [row["t_s"] for row in tables["face_frames"]]
    media = sorted({row["media"] for row in tables["motion_grid"]})
    ok = media == [1, 2] and 18.8 < max(t_s) < 19.2
    return folder.name, f"media {media}, faces {min(t_s):.2f}-{max(t_s):.2f} s", "0-19 s", ok


def n01(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    ok = (
        abs(value(tables, "audio_duration_s") - 32) < 0.1
        and value(tables, "audio_file_count") == 4
        and {row["method"] for row in tables["roles"]} == {"channel"}
    )
    return folder.name, _spoken(tables), "32 s, four files, two voices by channel", ok


def m08(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    used = [(row["stream"], row["use"]) for row in tables["streams"]]
    ok = value(tables, "audio_speech_prop") > 0.5 and (2, "heard") in used
    return folder.name, f"{_spoken(tables)}; {used}", "stream 2 is heard", ok


def m09(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    roles = [(row["stream"], row["role"]) for row in tables["streams"]]
    ok = roles == [(0, "therapist"), (1, "client")]
    ok = ok and {row["method"] for row in tables["roles"]} == {"channel"}
    return folder.name, f"{roles}; {_spoken(tables)}", "two channels, roles by channel", ok


def m02(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    ok = value(tables, "audio_speech_prop") > 0.5 and "turned over" in told(
        tables, "audio_channel_aside_count"
    )
    said = told(tables, "audio_channel_aside_count")
    return folder.name, f"{_spoken(tables)}; {said}", "speech there, inversion told", ok


def m07(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    snr, band = value(tables, "audio_snr_session_db"), value(tables, "audio_bandwidth_hz")
    pitched = sum(row["f0_median_hz"] is not None for row in tables["prosody"])
    ok = 55 < snr < 62 and pitched > 0
    return folder.name, f"SNR {snr:.1f} dB, {band:.0f} Hz, {pitched} turns pitched", "58.6 dB", ok


def m10(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    off = value(tables, "audio_off_s")
    crosstalk = figures(tables)["crosstalk_db"]
    by_channel = any(row["method"] == "channel" for row in tables["roles"])
    ok = abs(off - 32) < 0.2 and crosstalk["value"] is None and not by_channel
    said = told(tables, "audio_off_s")
    return folder.name, f"{_spoken(tables)}; {said}", "dead microphone told, roles not by it", ok


def m11(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    off, f0 = told(tables, "audio_off_s"), f0_hz(tables, "therapist")
    roles = {row["speaker"]: row["role"] for row in tables["roles"]}
    # in the truth of dyad2 the client speaks from 16.9 to 20.7 s: not the therapist's
    taken = sum(
        max(0.0, min(row["end_s"], 20.2) - max(row["start_s"], 17.2))
        for row in tables["speaker_turns"]
        if roles.get(row["speaker"]) == "therapist"
    )
    heard = abs(f0_hz(tables, "therapist") - 113) < 6
    ok = "From 10." in off and taken < 0.3 and heard
    found = f"{_spoken(tables)}, therapist F0 {f0:.0f} Hz, {taken:.1f} s taken; {off}"
    return folder.name, found, "told at 10 s; the reply is not the therapist's", ok


def whole(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    ok = abs(value(tables, "audio_duration_s") - 32) < 0.2
    return folder.name, _spoken(tables), "32 s", ok


def pose(tables: Tables) -> np.ndarray:
    """Median head and gaze angles, deg."""
    names = ("head_yaw_deg", "head_pitch_deg", "head_roll_deg", "gaze_yaw_deg", "gaze_pitch_deg")
    rows = [[row[name] for name in names] for row in tables["face_frames"]]
    return np.asarray(np.nanmedian(np.array(rows, float), axis=0))


def n12(folder: Path) -> Row:
    turned, upright = (
        worked(folder.with_name(name), SEEN) for name in (folder.name, "n13-upright")
    )
    size = turned["media"][0]["width_px"], turned["media"][0]["height_px"]
    one, other = pose(turned), pose(upright)
    ok = size == (608, 1080) and bool(np.abs(one - other).max() < 1.5)
    found = f"{size}, {np.round(one, 1).tolist()} against {np.round(other, 1).tolist()} deg"
    return folder.name, found, "equal to n13", ok


def kept(folder: Path) -> Row:
    tables = worked(folder, SPOKEN)
    return folder.name, f"{len(tables['prosody'])} turns measured", "ends", True


CASES: dict[str, Callable[[Path], Row]] = {
    "m01": m01, "m02": m02, "m07": m07, "m08": m08, "m09": m09, "m10": m10, "m11": m11,
    "m22": whole, "n01": n01, "n12": n12, "n15": n15, "n22": whole, "k01": kept, "k02": kept,
}  # fmt: skip


def rows(only: tuple[str, ...] = tuple(CASES)) -> list[Row]:
    """case, what was found, what is right, whether it is; one after the other."""
    return list(_rows(only))


def short_rows() -> list[Row]:
    """The same by `ingest` alone: one figure of each case, within 3 %."""
    folder = case_folder()
    found: list[Row] = []
    for name, (measure, right) in HEARD.items() if folder else ():
        (place,) = folder.glob(f"{name}-*") if folder else ()
        had = value(worked(place, ("ingest",)), measure)
        ok = abs(had - right) <= WITHIN * right
        found.append((place.name, f"{measure} {had:.2f}", f"{right:g}", ok))
    return found


def _rows(only: tuple[str, ...]) -> Iterator[Row]:
    folder = case_folder()
    if folder is None:
        return
    for name in only:
        (place,) = folder.glob(f"{name}-*")
        try:
            yield CASES[name](place)
        except InputError as error:
            yield place.name, str(error), "read", False


if __name__ == "__main__":
    for case, found, right, ok in _rows(tuple(sys.argv[1:]) or tuple(CASES)):
        print(f"{'ok ' if ok else 'BAD'} {case:22s} {found}  [{right}]", flush=True)
