"""Session folders round real recordings, and the closed list of how such a session may end."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av

from flows import engines
from pipeline.errors import InputError
from pipeline.media.recording import FolderRecording
from pipeline.paperwork.session_toml import load_session
from pipeline.results.execute import Job, run_stage
from pipeline.results.store import Store
from pipeline.stages import STAGES

ROOT = Path(__file__).resolve().parents[2]
WHOLE = bool(os.environ.get("THINSLICE_CORPUS"))
"""Everything, as `make corpus` asks for; else a handful."""

SUFFIXES = {
    ".wav", ".flac", ".mp3", ".mp4", ".mov", ".avi", ".flv", ".mts", ".ts",
}  # fmt: skip

CONSENT = "".join(
    f"""
[[consent]]
person = "{person}"
role = "{role}"
scopes = ["record", "analyse_audio", "analyse_video", "transcribe", "dial", "supervisor_view"]
decision = "granted"
date = 2026-01-10
"""
    for role, people in (("client", ("C01", "C07")), ("therapist", ("T01", "T02")))
    for person in people
)

PROFILE = """
[ingest]
minimum_media_s = 0.5
[execution]
retries = 0
retry_delay_s = 0.0
"""
"""Everything there is gets measured, however short; what stops once is not tried again."""

FAILURES = (
    r"session \S+: its audio lasts \d+\.\d s, less than the \S+ s of ingest\.minimum_media_s; .*",
    r"session \S+: the microphones' files have no time in common: .*",
)
"""The only sentences with which a recording of the corpus may be refused."""

ABSENCES = {
    ("turns", "no_speech"),
    ("roles", "no_speech"),
    ("roles", "no_role"),
    ("transcript", "no_speech"),
    ("video", "no_face"),
    ("video", "no_media"),
    ("voices", "one_voice"),
    ("voices", "more_voices"),
    ("dial_client", "no_dial"),
    ("dial_therapist", "no_dial"),
}
"""What may be missing of one that is done, and why. A fault is none of it."""


def recordings(shared_data):
    """Every file with sound or pictures, and the two cases that once broke prosody."""
    found = [path for path in shared_data.rglob("*") if path.suffix in SUFFIXES]
    return sorted(found) + sorted((shared_data.parent / "cases").glob("k0*/*.wav"))


def session_id(path):
    """The file's own name as a session's; a case is called as its folder is."""
    name = path.parent.name if _is_case(path) else path.name
    return re.sub("[^A-Za-z0-9]+", "-", name)[:32]


def _is_case(path):
    """Whether the file lies in a session folder already."""
    return (path.parent / "session.toml").exists()


def write_session(folder, file):
    """A session folder beside others, of one recording that lies elsewhere."""
    folder.mkdir(parents=True)
    if _is_case(file):
        for part in file.parent.iterdir():
            shutil.copyfile(part, folder / part.name)
        return folder
    with av.open(str(file)) as container:
        hears = ["mixed"] if container.streams.audio else []
        shows = ["client"] if container.streams.video else []
    shutil.copyfile(file, folder / file.name)
    (folder / "session.toml").write_text(
        '[session]\ndyad = "D01"\nnumber = 1\nclient = "C01"\ntherapist = "T01"\n'
        f'[[media]]\nfile = "{file.name}"\nhears = {json.dumps(hears)}\n'
        f"shows = {json.dumps(shows)}\n",
        "utf-8",
    )
    return folder


def run_night(recordings_folder, *, timeout_s):
    """The whole command over a folder of sessions, in a process of its own; its summary."""
    (recordings_folder / "consent.toml").write_text(CONSENT, "utf-8")
    profile = recordings_folder.parent / "profile.toml"
    profile.write_text(PROFILE, "utf-8")
    out = recordings_folder.parent / "out"
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "nightly", recordings_folder, "--json",
         "--profile", profile, "--out", out],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=timeout_s,
    )  # fmt: skip
    assert done.stdout.strip(), done.stderr[-4000:]
    return json.loads(done.stdout[done.stdout.index("{") :])["sessions"]


def unexpected(told):
    """What in one session's outcome is not on the lists, in words; empty if nothing is."""
    faults = [
        f"{a['modality']} absent ({a['reason']}): {a['sentence']}"
        for a in told["absent"]
        if (a["modality"], a["reason"]) not in ABSENCES
    ]
    refused = any(re.fullmatch(known, told["sentence"]) for known in FAILURES)
    if told["state"] != "done" and not refused:
        faults.append(f"{told['state']}: {told['sentence']}")
    return "; ".join(faults)


def as_table(sessions):
    """file -> state -> seconds -> what is missing, one line each."""
    lines = []
    for told in sessions:
        missing = ", ".join(f"{a['modality']} ({a['reason']})" for a in told["absent"])
        words = unexpected(told) and f"UNEXPECTED {unexpected(told)}"
        lines.append(
            f"{told['session']:<32} {told['state']:<7} {told['seconds']:7.1f} s  "
            f"{words or told['sentence'] or missing}"
        )
    return "\n".join(lines)


def process(folder, profile, out, describe=engines.describe, build=engines.build):
    """Every stage of one session in this process, engines loaded once; the sentence if refused."""
    spec = load_session(folder)
    recording = FolderRecording(folder, spec)
    job = Job(spec, folder, {}, profile, Store(out / "store"), recording)
    job.hash_sources()
    try:
        for stage in STAGES:
            run_stage(job, stage, describe=describe, build=build)
    except InputError as refused:
        return str(refused)
    finally:
        recording.forget_audio()
    return job


def ends_as_listed(job):
    """Empty for a job done or refused as the lists allow, else what they do not."""
    if isinstance(job, str):
        return "" if any(re.fullmatch(known, job) for known in FAILURES) else job
    absent = [(one.modality, one.reason, one.sentence) for one in job.absences()]
    return "; ".join(f"{one}" for one in absent if one[:2] not in ABSENCES)
