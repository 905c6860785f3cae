"""Words with times, and whose voice each one is.

A transcript file named in session.toml is imported (WebVTT, SubRip, STM, JSON of recognisers);
without one, or where it cannot be read, the recogniser listens to what the voice activity detector
took for speech. Each word goes to the
voice whose exclusive stretches overlap it most (Bredin 2023: exclusive diarization is made for
this). Where each person's own microphone keeps the voices apart, each is recognised in its channel:
words are then had of both where both talk. Words whose text the recogniser itself doubts are kept
and marked. Caution: words without times of their own are spread over their caption, which can be
off by a second; `timing` says so. What the detector missed has no words; table `transcription` says
how much of the diarized speech that is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.base import SAMPLE_RATE_HZ, Audio, Interval, Progress, Transcriber
from pipeline.errors import SessionError
from pipeline.paperwork.session import own_channels
from pipeline.settings import TranscribeSettings
from pipeline.spans import as_array
from pipeline.stage import Absence, Inputs, Missing, Outputs, Stage
from pipeline.tables import IMPORT_COUNTS, TRANSCRIPTION, WORDS
from pipeline.tables.arrays import length_s
from pipeline.timeline import Seconds, Span, union
from pipeline.transcribe import transcript as transcript_files
from pipeline.transcribe.coverage import coverage
from pipeline.transcribe.word_voices import is_overlap, speaker_of, voices_of
from pipeline.voice.evened import evened
from pipeline.voice.microphones import kept_apart

VERSION = 9  # raise when the numbers can change

OR_IMPORT = (
    "A transcript file in the session's folder, named under [transcript] in session.toml, does too."
)

OWN_MARGIN_S = 0.2
"""Around each stretch of a voice in its own channel: a recogniser wants words whole."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Word:
    """One word on the session clock, before it has a voice."""

    start_s: Seconds
    end_s: Seconds
    text: str
    probability: float | None
    low_confidence: bool | None
    timing: str
    stated_role: str | None
    speaker: int | None = None
    """Whose own channel it was heard in; None where the mix was listened to."""
    stated_voice: int | None = None
    """Of the voices that an imported transcript tells apart."""


@dataclass(frozen=True, slots=True)
class _Transcript:
    """Words, in any order, and where they come from."""

    words: list[_Word]
    source: str
    """``import`` or ``recognised``."""
    format: str | None = None
    language: str | None = None
    decoded: tuple[Span, ...] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """What of an imported file was no word."""
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sound:
    """What the recogniser listens to."""

    speaker: int | None
    """Whose own channel it is; None for the mix."""
    audio: Audio
    speech: list[Span]


def run(
    inputs: Inputs, engine: Transcriber | Missing | None, settings: TranscribeSettings
) -> Outputs:
    """Tables `words` and `transcription`; empty, with an absence, where nothing can be had.

    A transcript file that cannot be read costs the transcript, not the session; where a recogniser
    may listen, its words stand in, and that is told.
    """
    imported = _imported(inputs) if inputs.spec.transcript is not None else None
    if isinstance(imported, _Transcript):
        found = imported
        why = "no_transcript", "The transcript file holds no words."
    elif engine is None or isinstance(engine, Missing):
        return _absent(imported or _nobody_listens(engine))
    elif inputs.tables["speech"].num_rows == 0:
        return _absent(
            imported or Missing("no_speech", "Nobody was heard speaking in the recording.")
        )
    else:
        found = _recognised(inputs, engine, settings)
        why = "no_speech", "The recogniser found no words in the recording."
        if imported is not None:
            found = replace(found, absences=(_instead(imported),))
    speech = as_array(_spans(inputs.tables["speech"]))
    words = _shortened(found.words, speech, settings.longest_word_s)
    summary = TRANSCRIPTION.build_rows([_summary(inputs, found, words)])
    return Outputs(
        {"words": _table(inputs, words), "transcription": summary},
        absences=found.absences if words else (*found.absences, Absence("transcript", *why)),
    )


def _imported(inputs: Inputs) -> _Transcript | Missing:
    """Words of the transcript file, or why it cannot be used."""
    told = inputs.spec.transcript
    assert told is not None
    try:
        found = transcript_files.read(
            inputs.recording.path(told.file),
            inputs.spec,
            inputs.tables["media"],
            length_s(inputs.tables["sessions"]),
        )
    except SessionError as error:
        return Missing("unreadable_media", f"The transcript is left out: {error}.")
    words = [
        _Word(
            word.start_s,
            word.end_s,
            word.text,
            word.probability,
            None,
            "measured" if word.is_measured else "interpolated",
            word.role,
            stated_voice=word.voice,
        )
        for word in found.words
    ]
    return _Transcript(
        words, "import", format=found.format, counts=found.counts, absences=_remarks(found)
    )


def _remarks(found: transcript_files.Transcript) -> tuple[Absence, ...]:
    """What of a transcript was not used, where a person may want to look."""
    said = [
        sentence.format(found.counts[name])
        for name, sentence in _LEFT_OUT.items()
        if found.counts[name]
    ]
    if found.unknown_speakers:
        said.append(f"names under speakers that the file does not hold: {found.unknown_speakers}")
    if not said:
        return ()
    return (Absence(PART, "unreadable_media", f"Of the transcript: {'; '.join(said)}."),)


PART = "transcript_part"
_LEFT_OUT = {
    "captions_left_out": "captions left out because their times cannot be: {}",
    "words_outside": "words left out because they lie before or after the recording: {}",
    "words_retimed": "words whose times ran backwards, set between their neighbours: {}",
}


def _nobody_listens(engine: Missing | None) -> Missing:
    assert engine is not None  # only a session that brings its transcript goes without
    return replace(engine, remedy=f"{engine.remedy} {OR_IMPORT}".lstrip())


def _instead(imported: Missing) -> Absence:
    sentence = f"{imported.sentence} Its words were recognised from the sound instead."
    return Absence(PART, imported.reason, sentence)


def _recognised(inputs: Inputs, engine: Transcriber, settings: TranscribeSettings) -> _Transcript:
    words: list[_Word] = []
    decoded: list[Span] = []
    language: str | None = settings.language
    sounds = _sounds(inputs)
    for done, sound in enumerate(sounds):
        heard = engine.transcribe(
            sound.audio,
            speech=tuple(Interval(*span) for span in sorted(sound.speech)),
            language=settings.language,
            prompt=settings.prompt or " ".join(settings.spoken_style),
            hotwords=settings.hotwords,
            progress=_part_of(inputs.progress, done, len(sounds)),
        )
        language = heard.language
        words += [
            _Word(
                *(word.start_s, word.end_s, text, word.probability, word.low_confidence),
                timing="measured",
                stated_role=None,
                speaker=sound.speaker,
            )
            for word in heard.words
            if (text := word.text.strip())
        ]
        decoded += [(one.start_s, one.end_s) for one in heard.decoded]
    return _Transcript(words, "recognised", language=language, decoded=tuple(decoded))


def _sounds(inputs: Inputs) -> list[_Sound]:
    """The mix, or the channel of each person's own microphone, who says most first."""
    regular = voices_of(inputs.tables["diarization"], exclusive=False)
    apart = own_channels(inputs.spec) and kept_apart(inputs.tables["quality"])
    if not (apart and regular.speaker.size):
        mix = evened(inputs.recording.audio, inputs.recording)
        return [_Sound(None, mix, _spans(inputs.tables["speech"]))]
    channels = inputs.recording.audio_channels()
    sounds = []
    for speaker in np.unique(regular.speaker).tolist():
        own = regular.speaker == speaker
        starts = np.maximum(regular.start_s[own] - OWN_MARGIN_S, 0.0)
        ends = np.minimum(regular.end_s[own] + OWN_MARGIN_S, channels.shape[1] / SAMPLE_RATE_HZ)
        speech = union(zip(starts.tolist(), ends.tolist(), strict=True))
        # a voice's number is its channel's, as `diarize` has it
        own_sound = channels[speaker] if speaker < len(channels) else inputs.recording.audio
        sounds.append(_Sound(speaker, evened(own_sound, inputs.recording), speech))
    return sorted(sounds, key=lambda sound: sum(a - b for a, b in sound.speech))


def _part_of(progress: Progress, done: int, sounds: int) -> Progress:
    """What one sound reports of itself, as a share of all."""
    return lambda step, share: progress(step, (done + share) / sounds)


def _shortened(
    words: Sequence[_Word], speech: NDArray[np.float64], longest_s: Seconds
) -> list[_Word]:
    """Words in order of time, none longer than `longest_s`.

    Recognisers stretch words over pauses, forwards and backwards. A longer word is cut to the
    stretch of speech that it shares most with, and then at its end.
    """
    cut = [
        word if word.end_s - word.start_s <= longest_s else _trimmed(word, speech, longest_s)
        for word in words
    ]
    return sorted(cut, key=lambda word: word.start_s)


def _trimmed(word: _Word, speech: NDArray[np.float64], longest_s: Seconds) -> _Word:
    start_s, end_s = word.start_s, word.end_s
    if len(speech):
        starts, ends = np.maximum(speech[:, 0], start_s), np.minimum(speech[:, 1], end_s)
        most = int((ends - starts).argmax())
        if ends[most] > starts[most]:
            start_s, end_s = float(starts[most]), float(ends[most])
    return replace(word, start_s=start_s, end_s=min(end_s, start_s + longest_s))


def _table(inputs: Inputs, words: Sequence[_Word]) -> pa.Table:
    diarization = inputs.tables["diarization"]
    exclusive = voices_of(diarization, exclusive=True)
    regular = voices_of(diarization, exclusive=False)
    rows: list[dict[str, Any]] = [
        {
            "session_id": inputs.spec.id,
            "word_index": index,
            "start_s": word.start_s,
            "end_s": word.end_s,
            "text": word.text,
            "probability": word.probability,
            "low_confidence": word.low_confidence,
            "timing": word.timing,
            "speaker": speaker_of(exclusive, (word.start_s, word.end_s))
            if word.speaker is None
            else word.speaker,
            "is_overlap": is_overlap(regular, (word.start_s, word.end_s)),
            "stated_role": word.stated_role,
            "stated_voice": word.stated_voice,
        }
        for index, word in enumerate(words)
    ]
    return WORDS.build_rows(rows)


def _summary(inputs: Inputs, found: _Transcript, words: Sequence[_Word]) -> dict[str, Any]:
    """The row of table `transcription`, also told to the log."""
    voices = voices_of(inputs.tables["diarization"], exclusive=False)
    row = {
        "source": found.source,
        "format": found.format,
        "language": found.language,
        "word_count": len(words),
        **{name: found.counts.get(name) for name in IMPORT_COUNTS},
        "low_confidence_prop": _doubtful(words),
        **coverage(
            words=[(word.start_s, word.end_s) for word in words],
            speech=_spans(inputs.tables["speech"]),
            decoded=found.decoded,
            diarized=list(zip(voices.start_s.tolist(), voices.end_s.tolist(), strict=True)),
        ),
    }
    told = (f"{name} {value}" for name, value in row.items() if value is not None)
    _LOG.info("transcript: %s", ", ".join(told))  # no id: a folder's name is not for logs
    return {"session_id": inputs.spec.id, **row}


def _doubtful(words: Sequence[_Word]) -> float | None:
    known = [word.low_confidence for word in words if word.low_confidence is not None]
    return float(np.mean(known)) if known else None


def _spans(table: pa.Table) -> list[Span]:
    """Start and end of every row."""
    columns = [table.column(name).to_pylist() for name in ("start_s", "end_s")]
    return list(zip(*columns, strict=True))


def _absent(why: Missing) -> Outputs:
    return Outputs(
        {"words": WORDS.empty(), "transcription": TRANSCRIPTION.empty()},
        absences=(why.absence("transcript"),),
    )


STAGE = Stage(
    name="transcribe",
    version=VERSION,
    run=run,
    settings=TranscribeSettings,
    writes=("words", "transcription"),
    reads=("diarization", "speech", "media", "quality", "sessions"),
    sources=("session", "media", "transcript"),
    engine="transcriber",
    scope="transcribe",
    modality="transcript",
    without="No words",
    uses_gpu=True,
)
