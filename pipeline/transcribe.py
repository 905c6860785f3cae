"""Words with times, and whose voice each one is.

A transcript file named in session.toml is imported; otherwise the recogniser listens. Each word
goes to the voice whose exclusive stretches overlap it most (Bredin 2023: exclusive diarization is
made for this). Caution: words without times of their own are spread over their caption, which can
be off by a second; `timing` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.base import Transcriber
from pipeline import webvtt
from pipeline.config import TranscribeSettings
from pipeline.errors import SessionError
from pipeline.player_clock import player_zero_s
from pipeline.session import SessionSpec, TranscriptFile
from pipeline.stage import Absence, Inputs, Missing, Outputs, Stage
from pipeline.tables import WORDS
from pipeline.timeline import Seconds

VERSION = 2  # raise when the numbers can change

NEAREST_S = 1.0  # a word this far from any voice still goes to the nearest one
HOW_TO = (
    "Get the recogniser's weights with: thinslice models fetch whisper-small, or put a transcript "
    "file into the session's folder and name it under [transcript] in session.toml."
)


@dataclass(frozen=True, slots=True)
class _Word:
    """One word on the session clock, before it has a voice."""

    start_s: Seconds
    end_s: Seconds
    text: str
    probability: float | None
    timing: str
    stated_role: str | None


@dataclass(frozen=True, slots=True)
class _Voices:
    """Stretches of all voices as arrays, sorted by start; each of shape (n,)."""

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    speaker: NDArray[np.int64]


def run(inputs: Inputs, engine: Transcriber | Missing, settings: TranscribeSettings) -> Outputs:
    """Table `words`; empty, with an absence, where there is nothing to transcribe or nobody to.

    Raises
    ------
    SessionError
        The transcript file is of a kind that cannot be read, or malformed.
    """
    if inputs.spec.transcript is not None:
        words = _imported(inputs, inputs.spec.transcript)
        why = "no_transcript", "The transcript file holds no words."
    elif isinstance(engine, Missing):
        return _absent(engine.reason, f"{engine.sentence.rstrip('.')}. {HOW_TO}")
    elif inputs.tables["speech"].num_rows == 0:
        return _absent("no_speech", "Nobody was heard speaking in the recording.")
    else:
        words = _recognised(inputs, engine, settings)
        why = "no_speech", "The recogniser found no words in the recording."
    if not words:
        return _absent(*why)
    return Outputs({"words": _table(inputs, _shortened(words, settings.longest_word_s))})


def _imported(inputs: Inputs, transcript: TranscriptFile) -> list[_Word]:
    where = f"session {inputs.spec.id}: {transcript.file}"
    if Path(transcript.file).suffix.lower() != ".vtt":
        raise SessionError(
            f"{where}: only WebVTT (.vtt) transcripts can be imported; export it as WebVTT"
        )
    try:
        text = inputs.recording.path(transcript.file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SessionError(
            f"{where} is not text in UTF-8 (byte {error.start}); save it again as UTF-8"
        ) from error
    cues = webvtt.parse(text, file=where)
    # caption times are positions in a player
    shift_s = player_zero_s(inputs.tables["media"]) + transcript.offset_s
    return [
        _Word(
            word.start_s + shift_s,
            word.end_s + shift_s,
            word.text,
            None,
            "measured" if word.is_measured else "interpolated",
            _stated_role(inputs.spec, word.voice),
        )
        for cue in cues
        for word in cue.words
    ]


def _stated_role(spec: SessionSpec, voice: str | None) -> str | None:
    """The role a transcript's voice name states: a role's own name or the session's pseudonym."""
    names = {
        "client": "client",
        "therapist": "therapist",
        spec.session.client.casefold(): "client",
        spec.session.therapist.casefold(): "therapist",
    }
    return names.get(" ".join(voice.split()).casefold()) if voice else None


def _recognised(inputs: Inputs, engine: Transcriber, settings: TranscribeSettings) -> list[_Word]:
    found = engine.transcribe(
        inputs.recording.audio,
        language=settings.language,
        prompt=settings.prompt,
        hotwords=settings.hotwords,
        progress=inputs.progress,
    )
    return [
        _Word(word.start_s, word.end_s, text, word.probability, "measured", None)
        for word in found
        if (text := word.text.strip())
    ]


def _shortened(words: Sequence[_Word], longest_s: Seconds) -> list[_Word]:
    """Words in order of time, none longer than `longest_s`: a recogniser stretches over pauses."""
    cut = [
        _Word(w.start_s, min(w.end_s, w.start_s + longest_s), w.text, w.probability, w.timing,
              w.stated_role)
        for w in words
    ]  # fmt: skip
    return sorted(cut, key=lambda word: word.start_s)


def _table(inputs: Inputs, words: Sequence[_Word]) -> pa.Table:
    diarization = inputs.tables["diarization"]
    exclusive = _voices(diarization, exclusive=True)
    regular = _voices(diarization, exclusive=False)
    rows: list[dict[str, Any]] = [
        {
            "session_id": inputs.spec.id,
            "word_index": index,
            "start_s": word.start_s,
            "end_s": word.end_s,
            "text": word.text,
            "probability": word.probability,
            "timing": word.timing,
            "speaker": _speaker(exclusive, word),
            "is_overlap": _is_overlap(regular, word),
            "stated_role": word.stated_role,
        }
        for index, word in enumerate(words)
    ]
    return WORDS.build_rows(rows)


def _voices(diarization: pa.Table, *, exclusive: bool) -> _Voices:
    chosen = diarization.filter(pc.equal(diarization.column("exclusive"), exclusive))
    chosen = chosen.sort_by([("start_s", "ascending"), ("speaker", "ascending")])
    return _Voices(
        chosen.column("start_s").to_numpy(),
        chosen.column("end_s").to_numpy(),
        chosen.column("speaker").to_numpy().astype(np.int64),
    )


def _speaker(voices: _Voices, word: _Word) -> int | None:
    """Voice with most overlap in all its stretches together, else the nearest within 1 s."""
    if voices.speaker.size == 0:
        return None
    common = np.minimum(voices.end_s, word.end_s) - np.maximum(voices.start_s, word.start_s)
    if common.max() > 0:
        totals = np.bincount(voices.speaker, weights=np.maximum(common, 0.0))
        return int(totals.argmax())
    nearest = int(common.argmax())  # the least negative: the shortest way to a voice
    return int(voices.speaker[nearest]) if -common[nearest] <= NEAREST_S else None


def _is_overlap(voices: _Voices, word: _Word) -> bool:
    """Whether two voices speak at the same moment of the word."""
    touching = (voices.start_s < word.end_s) & (voices.end_s > word.start_s)
    spans = [
        (max(float(start), word.start_s), min(float(end), word.end_s), int(speaker))
        for start, end, speaker in zip(
            voices.start_s[touching], voices.end_s[touching], voices.speaker[touching], strict=True
        )
    ]
    return any(
        a[2] != b[2] and min(a[1], b[1]) > max(a[0], b[0])
        for index, a in enumerate(spans)
        for b in spans[index + 1 :]
    )


def _absent(reason: str, sentence: str) -> Outputs:
    return Outputs({"words": WORDS.empty()}, absences=(Absence("transcript", reason, sentence),))


STAGE = Stage(
    name="transcribe",
    version=VERSION,
    run=run,
    settings=TranscribeSettings,
    writes=("words",),
    reads=("diarization", "speech", "media"),
    sources=("session", "media", "transcript"),
    engine="transcriber",
    scope="transcribe",
    modality="transcript",
    uses_gpu=True,
)
