"""The t* rows of ../shared/cases: what the real reading stage finds, and what is right."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from models.base import SAMPLE_RATE_HZ
from pipeline.media.recording import FolderRecording
from pipeline.paperwork.session_toml import load_session
from pipeline.settings import TranscribeSettings
from pipeline.stage import Inputs, Missing, Outputs
from pipeline.stages import transcribe
from pipeline.tables import DIARIZATION, MEDIA, QUALITY_FIGURES, SPEECH

SAID = """
How was the week for you It was long What made it feel so long I slept badly
Tell me more about the nights if you can
"""
SCRIPT = SAID.split()
ROLES = ["therapist"] * 6 + ["client"] * 3 + ["therapist"] * 6 + ["client"] * 3 + ["therapist"] * 9
NAMES = re.compile(
    r"mira|kessler|jonas|speaker|therapist|praxis|gast|>>|laughs|music|crosstalk", re.IGNORECASE
)


class Read(NamedTuple):
    """What the stage makes of one case."""

    words: list[dict]
    row: dict
    said: str
    """Its absences, in words."""

    @property
    def texts(self) -> list[str]:
        return [word["text"] for word in self.words]


def read_case(folder: Path, sound: Path) -> Read:
    """Run the transcribe stage on a copy of a case, its sound beside it, without a recogniser."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / folder.name.split("-")[0].ljust(3, "0")
        shutil.copytree(folder, copy)
        shutil.copy(sound, copy / sound.name)
        return read_folder(copy)


def read_folder(folder: Path) -> Read:
    """The same for a session folder as it stands."""
    spec = load_session(folder)
    recording = FolderRecording(folder, spec)
    duration_s = recording.audio.size / SAMPLE_RATE_HZ
    probe = recording.probe(0)
    media = dict.fromkeys(MEDIA.by_name) | {
        "session_id": spec.id, "media": 0, "sha256": "-", "offset_s": 0.0,
        "audio_start_s": probe.audio.start_s, "clock_start_s": probe.clock_start_s,
    }  # fmt: skip
    tables = {
        "sessions": pa.table({"duration_s": [duration_s]}),
        "media": MEDIA.build_rows([media]),
        "diarization": DIARIZATION.empty(),
        "speech": SPEECH.build({"session_id": [spec.id], "start_s": [0.0], "end_s": [duration_s]}),
        "quality": QUALITY_FIGURES.empty(),
    }
    none = Missing("no_weights", "No recogniser.")
    return _read(transcribe.run(Inputs(spec, recording, tables), none, TranscribeSettings()))


def _read(outputs: Outputs) -> Read:
    rows = outputs.tables["transcription"].to_pylist()
    said = " ".join(absence.sentence for absence in outputs.absences)
    return Read(outputs.tables["words"].to_pylist(), rows[0] if rows else {}, said)


def bare(texts: list[str]) -> list[str]:
    """Words as they are compared with the script."""
    return [re.sub(r"[^\w']", "", text).casefold() for text in texts]


def _is_script(read: Read) -> bool:
    return bare(read.texts) == bare(SCRIPT)


def _has_roles(read: Read) -> bool:
    return _is_script(read) and [word["stated_role"] for word in read.words] == ROLES


def _two_voices(read: Read) -> bool:
    return _is_script(read) and [w["stated_voice"] for w in read.words] == [
        1 if role == "therapist" else 2 for role in ROLES
    ]


def _with(read: Read, column: str, count: int) -> bool:
    return _is_script(read) and read.row[column] == count


def _measured(read: Read, count: int) -> bool:
    return _is_script(read) and [w["timing"] for w in read.words].count("measured") == count


def _told(read: Read) -> bool:
    return not read.words and "outside the recording" in read.said


def _extra(said: str, count: int = 28) -> Callable[[Read], bool]:
    """A case that says a little more than the script."""
    return lambda read: said in bare(read.texts) and len(read.texts) == count


RIGHT: dict[str, tuple[str, Callable[[Read], bool]]] = {
    "t01": ("27 words, roles stated", _has_roles),
    "t02": ("27 words, 2 voices", _two_voices),
    "t03": ("27 words, roles stated", _has_roles),
    "t04": ("27 words, 2 voices", _two_voices),
    "t05": ("27 words, said once", _is_script),
    "t06": ("27 words, 2 voices", _two_voices),
    "t07": ("27 words, roles stated", _has_roles),
    "t08": ("27 words, 1 caption left out", lambda read: _with(read, "captions_left_out", 1)),
    "t09": ("27 words, 1 caption left out", lambda read: _with(read, "captions_left_out", 1)),
    "t10": ("27 words, 4 events", lambda read: _with(read, "events_left_out", 4)),
    "t11": ("27 words, 1 event", lambda read: _with(read, "events_left_out", 1)),
    "t12": ("27 words", _is_script),
    "t13": ("27 words", _is_script),
    "t14": ("27 words with 1998, 1 value left out", _extra("1998", 27)),
    "t15": ("27 words in order, 3 times flagged", lambda read: _with(read, "words_retimed", 3)),
    "t15b": ("27 words, 1 value left out", lambda read: _with(read, "odd_values", 1)),
    "t16": ("left out, and told", _told),
    "t17": ("27 words, all timed", lambda read: _measured(read, 27)),
    "t18": ("28 words with an umlaut", _extra("müde")),
    "t18b": ("27 words", _is_script),
    "t21": ("27 words, roles stated", _has_roles),
    "t22": ("27 words, 2 voices", _two_voices),
    "t25": ("27 words", _is_script),
    "t28": ("27 words, said once", _is_script),
    "t29": ("27 words", _is_script),
    "t30": ("27 words", _is_script),
    "t31": ("28 words with 1998", _extra("1998")),
    "t32": ("28 words with 1998", _extra("1998")),
    "t33": ("27 words", _is_script),
    "t34": ("28 words with It's been", _extra("it's")),
}


def rows(cases: Path) -> list[tuple[str, str, str, bool]]:
    """(case, found, right, whether they agree) of every t* folder.

    Parameters
    ----------
    cases : the folder that holds them and ``base32.wav``
    """
    table = []
    for folder in sorted(cases.glob("t*-*")):
        right, is_right = RIGHT[folder.name.split("-")[0]]
        read = read_case(folder, cases / "base32.wav")
        leaks = NAMES.search(" ".join(read.texts))
        table.append((folder.name, _in_words(read), right, is_right(read) and not leaks))
    return table


def leaks(folders: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Files below the folders that hold one of the names, as bytes or in decoded Parquet."""
    spelled = [form for name in names for form in (name.casefold(), name.casefold().split()[0])]
    found = []
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        text = path.read_bytes().decode("utf-8", errors="ignore")
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            text += f"{table.schema} {table.schema.metadata} {table.to_pydict()}"
        if any(name in text.casefold() for name in spelled):
            found.append(str(path))
    return found


def _in_words(read: Read) -> str:
    questions = sum(text.endswith("?") for text in read.texts)
    counts = {
        name: value for name, value in read.row.items()
        if value and name.endswith(("_out", "_again", "_values", "_retimed", "_outside", "_voices"))
    }  # fmt: skip
    told = f"{len(read.texts)} words" + (f", {questions} questions" if questions else "")
    roles = sum(word["stated_role"] is not None for word in read.words)
    told += f", {roles} with a role" if roles else ""
    told += "".join(f", {name.replace('_', ' ')} {value}" for name, value in counts.items())
    return f"{told}. {read.said}".strip() if read.said else told


if __name__ == "__main__":
    import sys

    for case in rows(Path(sys.argv[1])):
        print(json.dumps(case, ensure_ascii=False))
