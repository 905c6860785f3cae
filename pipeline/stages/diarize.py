"""Who speaks when: stretches of each voice, with and without overlap.

With one microphone per person, voices are numbered by channel, as long as the channels keep them
apart (`microphones`). Otherwise they are numbered in order of appearance, the silence at their
edges and inside them is taken out (`voice.edges`), and whose they are is decided later (`roles`).
Two people are expected. A third voice is kept apart from theirs and told, with everybody's share of
the speech, as is a recording with one voice only.
Caution: an engine that expects two voices finds a second one in almost any long recording.
Source: Bredin 2023 (pyannote.audio).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.base import SAMPLE_RATE_HZ, Diarization, Diarizer, Interval, SpeakerInterval
from pipeline.settings import DiarizeSettings
from pipeline.stage import Absence, Inputs, Missing, Outputs, Stage
from pipeline.tables import DIARIZATION, VOICES
from pipeline.voice.edges import to_audible
from pipeline.voice.evened import evened
from pipeline.voice.microphones import ChannelDiarizer, OwnMicrophones, either_off, keeps_apart
from pipeline.voice.stand_in import joined

VERSION = 8  # raise when the numbers can change

_EXPECTED = 2
_ONE_VOICE = (
    "Only one voice was heard: the other person is too faint for the microphone, says next to "
    "nothing, or is not in the recording. Replies cannot be told."
)
_MORE_VOICES = (
    "More voices than two were heard: {number}, with {shares} of the speech. The further ones are "
    "kept apart, as nobody's whose role is known; a person whose voice changes very much, or a "
    "voice from a loudspeaker, can be among them."
)


def run(
    inputs: Inputs, engine: Diarizer | OwnMicrophones | Missing, settings: DiarizeSettings
) -> Outputs:
    """Table `diarization`; empty, with an absence, without speech or without an engine."""
    if isinstance(engine, Missing):
        return _absent(engine.reason, engine.sentence, engine.remedy)
    if inputs.tables["speech"].num_rows == 0:
        return _absent("no_speech", "Nobody was heard speaking in the recording.")
    if isinstance(engine, OwnMicrophones):
        off = either_off(inputs.recording.microphones_off)
        found = _by_channel(inputs, engine.channels, off)
        if found is not None and not off:
            return _outputs(inputs, found)
        by_voice = engine.mixed()
        if isinstance(by_voice, Missing):
            sentence = f"The microphones hear both voices. {by_voice.sentence}"
            return _absent(by_voice.reason, sentence, by_voice.remedy)
        heard = _by_voice(inputs, by_voice, settings)
        return _outputs(inputs, heard if found is None else joined(found, heard, off))
    return _outputs(inputs, _by_voice(inputs, engine, settings))


def _by_voice(inputs: Inputs, engine: Diarizer, settings: DiarizeSettings) -> Diarization:
    """Turns by voice in the mix, the silence at their edges and inside them taken out."""
    audio = evened(inputs.recording.audio, inputs.recording)
    heard = [(row["start_s"], row["end_s"]) for row in inputs.tables["speech"].to_pylist()]
    found = engine.diarize(
        audio,
        num_speakers=settings.num_speakers,
        most_speakers=settings.most_speakers,
        progress=inputs.progress,
    )
    turns, exclusive = (
        to_audible(
            intervals,
            audio,
            heard,
            reach_s=settings.edge_reach_s,
            pause_s=settings.pause_min_s,
            depth_db=settings.edge_depth_db,
            above_noise_db=settings.edge_above_noise_db,
        )
        for intervals in (found.turns, found.exclusive)
    )
    return Diarization(tuple(turns), tuple(exclusive))


def _by_channel(
    inputs: Inputs, engine: ChannelDiarizer, off: tuple[Interval, ...]
) -> Diarization | None:
    """Turns by microphone, edges and all; None where the microphones hear both voices."""
    channels = inputs.recording.audio_channels()
    if not keeps_apart(engine.crosstalk_db(channels, off)):
        return None
    return engine.diarize(channels, off=off, progress=inputs.progress)


def _outputs(inputs: Inputs, found: Diarization) -> Outputs:
    if not found.turns:
        return _absent("no_speech", "No voice could be followed in the recording.")
    duration_s = inputs.recording.audio.size / SAMPLE_RATE_HZ
    rows = _rows(inputs.spec.id, found.turns, duration_s, exclusive=False)
    rows += _rows(inputs.spec.id, found.exclusive, duration_s, exclusive=True)
    voices = _voices(inputs.spec.id, rows)
    made = {"diarization": DIARIZATION.build_rows(rows), "voices": VOICES.build_rows(voices)}
    return Outputs(made, absences=_voices_told([voice["speech_share"] for voice in voices]))


def _voices(session_id: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per voice, who speaks most first."""
    spoken_s: Counter[int] = Counter()
    for row in rows:
        if not row["exclusive"]:
            spoken_s[row["speaker"]] += row["end_s"] - row["start_s"]
    return [
        {
            "session_id": session_id,
            "speaker": speaker,
            "speech_s": speech_s,
            "speech_share": speech_s / spoken_s.total(),
        }
        for speaker, speech_s in spoken_s.most_common()
    ]


def _voices_told(shares: Sequence[float]) -> tuple[Absence, ...]:
    """What to say where not two voices were heard."""
    if len(shares) == 1:
        return (Absence("voices", "one_voice", _ONE_VOICE),)
    if len(shares) == _EXPECTED:
        return ()
    told = [f"{share:.0%}" for share in shares]
    sentence = _MORE_VOICES.format(
        number=len(told), shares=f"{', '.join(told[:-1])} and {told[-1]}"
    )
    return (Absence("voices", "more_voices", sentence),)


def _rows(
    session_id: str, intervals: Iterable[SpeakerInterval], duration_s: float, *, exclusive: bool
) -> list[dict[str, Any]]:
    """One row per interval, cut to the recording."""
    return [
        {
            "session_id": session_id,
            "start_s": max(0.0, one.start_s),
            "end_s": min(one.end_s, duration_s),
            "speaker": one.speaker,
            "exclusive": exclusive,
            "confidence": one.confidence,
        }
        for one in intervals
        if min(one.end_s, duration_s) > max(0.0, one.start_s)
    ]


def _absent(reason: str, sentence: str, remedy: str = "") -> Outputs:
    absence = Absence("turns", reason, sentence, remedy)
    nobody = {"diarization": DIARIZATION.empty(), "voices": VOICES.empty()}
    return Outputs(nobody, absences=(absence,))


STAGE = Stage(
    name="diarize",
    version=VERSION,
    run=run,
    settings=DiarizeSettings,
    writes=("diarization", "voices"),
    reads=("speech",),
    sources=("media",),
    engine="diarizer",
    scope="analyse_audio",
    modality="audio",
    uses_gpu=True,
)
