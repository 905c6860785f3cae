"""First stage: is the recording whole, what is in it, and how well can it be measured?

Audio decides: a session whose sound cannot be read fails with one sentence, while unreadable video
beside readable audio leaves the session without video. Of video only packets are read here; nobody
is looked at. Caution: the noise figure compares loud speech with the quietest times, so a noise
that comes only with speech goes unseen. METHODS: Recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from models.base import SAMPLE_RATE_HZ, SpeechDetector
from pipeline.errors import MediaError
from pipeline.files import sha256_of
from pipeline.ingest.heard import Figure, film_figures, sound_figures, speed_figures, stream_rows
from pipeline.media import quality as audio_quality
from pipeline.media.parts import Place
from pipeline.media.probe import MediaProbe
from pipeline.media.recording import FolderRecording
from pipeline.paperwork.forms import form_row
from pipeline.paperwork.session import own_channels
from pipeline.settings import IngestSettings
from pipeline.stage import Absence, Inputs, Missing, Outputs, Stage
from pipeline.tables import FORMS, MEDIA, QUALITY_FIGURES, SESSIONS, SPEECH, STREAMS
from pipeline.timeline import Span
from pipeline.voice.evened import evened
from pipeline.voice.microphones import (
    CROSSTALK,
    CROSSTALK_OK_DB,
    ChannelDiarizer,
    either_off,
    keeps_apart,
)

VERSION = 7  # raise when the numbers can change

UNSHARED_MAX_S = 60.0  # recorders are switched on and off by hand [ours]
DAMAGED_PACKETS_MAX = 10  # a fifth of a second of sound, half a second of pictures [ours]


@dataclass(frozen=True, slots=True)
class _File:
    """One media file as found."""

    probed: MediaProbe | None
    placed: Place | None
    audio_reason: str | None
    video_reason: str | None
    problem: str = ""
    """Why it cannot be used, as a sentence."""


def run(
    inputs: Inputs, engine: SpeechDetector | ChannelDiarizer | Missing, settings: IngestSettings
) -> Outputs:
    """Tables `sessions`, `media`, `quality`, `forms` and `speech` of one session.

    Raises
    ------
    MediaError
        No audio can be read to its end, or it is shorter than `ingest.minimum_media_s`.
    """
    assert isinstance(inputs.recording, FolderRecording)
    recording = inputs.recording.with_tolerance(settings.truncation_tolerance)
    files = [_look(inputs, recording, media) for media in range(len(inputs.spec.media))]
    channels = recording.channels()
    audio = recording.audio
    duration_s = audio.size / SAMPLE_RATE_HZ
    if duration_s < settings.minimum_media_s:
        raise MediaError(
            f"session {inputs.spec.id}: its audio lasts {duration_s:.1f} s, less than the "
            f"{settings.minimum_media_s:g} s of ingest.minimum_media_s; is it the right file?"
        )
    speech = [] if isinstance(engine, Missing) else _speech(engine, recording, duration_s)
    why_no_speech = engine.reason if isinstance(engine, Missing) else "no_speech"
    figures = _audio_figures(recording, speech, why_no_speech, settings)
    figures += sound_figures(inputs.spec, recording, speech, engine)
    if own_channels(inputs.spec):
        figures += _microphone_figures(recording, engine)
    figures += _video_figures(inputs, files, settings)
    media = _media(inputs, recording, files)
    figures += film_figures(inputs.spec, media)
    figures += speed_figures(recording.probe(media) for media in recording.heard)
    streams = stream_rows(inputs.spec, recording, channels, engine)
    recording.forget_channels()
    tables = {
        "sessions": SESSIONS.build_rows([_session(inputs, duration_s)]),
        "media": MEDIA.build_rows(media),
        "streams": STREAMS.build_rows(streams),
        "quality": QUALITY_FIGURES.build_figures(_row(inputs, figure) for figure in figures),
        "forms": FORMS.build_rows(
            form_row(inputs.spec.id, form.model_dump()) for form in inputs.spec.forms
        ),
        "speech": SPEECH.build_rows(
            {"session_id": inputs.spec.id, "start_s": start_s, "end_s": end_s}
            for start_s, end_s in speech
        ),
    }
    return Outputs(tables, absences=_absences(inputs, engine, files))


def _look(inputs: Inputs, recording: FolderRecording, media: int) -> _File:
    part = inputs.spec.media[media]
    try:
        probed, placed = recording.probe(media), recording.place(media)
    except MediaError as error:
        return _File(None, None, "unreadable_media", "unreadable_media", f"{error}.")
    audio_reason = "no_media" if probed.audio is None else None
    if probed.video is not None:
        return _File(probed, placed, audio_reason, None)
    problem = f"{part.file} holds no video, although session.toml says whom it shows."
    return _File(probed, placed, audio_reason, "no_media", problem if part.shows else "")


def _speech(
    engine: SpeechDetector | ChannelDiarizer, recording: FolderRecording, duration_s: float
) -> list[Span]:
    heard = evened(recording.audio, recording)
    found = [(one.start_s, min(one.end_s, duration_s)) for one in engine.speech(heard)]
    return [(start_s, end_s) for start_s, end_s in found if end_s > start_s]


def _session(inputs: Inputs, duration_s: float) -> dict[str, Any]:
    facts = inputs.spec.session
    return {
        "session_id": inputs.spec.id,
        "dyad_id": facts.dyad,
        "session_number": facts.number,
        "client_id": facts.client,
        "therapist_id": facts.therapist,
        "date": facts.date.isoformat() if facts.date else None,
        "capture": facts.capture,
        "duration_s": duration_s,
        "made_up": facts.made_up,
    }


def _media(inputs: Inputs, recording: FolderRecording, files: list[_File]) -> list[dict[str, Any]]:
    rows = []
    for media, (part, file) in enumerate(zip(inputs.spec.media, files, strict=True)):
        probed, placed = file.probed, file.placed
        audio = probed.audio if probed else None
        video = probed.video if probed else None
        rows.append(
            {
                "session_id": inputs.spec.id,
                "media": media,
                "sha256": sha256_of(recording.path(part.file)),
                "container": probed.container if probed else None,
                "duration_s": probed.end_s - probed.start_s if probed else None,
                "clock_start_s": probed.clock_start_s if probed else None,
                "offset_s": placed.offset_s if placed else None,
                "offset_source": placed.source if placed else None,
                "audio_codec": audio.codec if audio else None,
                "audio_rate_hz": audio.rate_hz if audio else None,
                "audio_channels": audio.channels if audio else None,
                "audio_start_s": audio.start_s if audio else None,
                "video_codec": video.codec if video else None,
                "width_px": video.width_px if video else None,
                "height_px": video.height_px if video else None,
                "video_start_s": video.start_s if video else None,
                "video_frames": video.frames if video else None,
                "video_fps_eff": video.fps_eff if video else None,
                "audio_reason": file.audio_reason,
                "video_reason": file.video_reason,
            }
        )
    return rows


def _audio_figures(
    recording: FolderRecording,
    speech: list[Span],
    why_no_speech: str,
    settings: IngestSettings,
) -> list[Figure]:
    audio = recording.audio
    duration_s = audio.size / SAMPLE_RATE_HZ
    unknown = why_no_speech != "no_speech"
    share = None if unknown else audio_quality.speech_prop(speech, duration_s)
    clipped = _clipped(recording, settings.clip_level)
    is_clipped = clipped is not None and clipped > settings.clip_prop_max
    return [
        Figure("audio_duration_s", duration_s, "ok", None, "How long the audio is."),
        Figure(
            "audio_speech_prop",
            share,
            "ok" if share else "absent",
            None if share else why_no_speech,
            "Share of the audio in which someone speaks.",
        ),
        _snr(audio_quality.snr_db(audio, speech), bool(speech), why_no_speech, settings),
        _bandwidth(audio_quality.bandwidth_hz(audio, speech), why_no_speech, settings),
        Figure(
            "audio_clip_prop",
            clipped,
            "degraded" if is_clipped else "ok",
            None,
            f"Share of samples at or above {settings.clip_level:g} of full scale; more than "
            f"{settings.clip_prop_max:g} is degraded: the microphone was set too loud.",
        ),
        _damaged("audio", recording.damaged_audio_packets),
    ]


def _clipped(recording: FolderRecording, level: float) -> float | None:
    """Of the heard channel that clips most: their mean is too quiet to show it."""
    shares = [
        one.channel.clip_prop
        if one.channel.offset_removed  # what is at full scale no longer shows in its samples
        else audio_quality.clip_prop(one.channel.whole(), level)
        for one in recording.channels()
        if one.gain
    ]
    return max((share for share in shares if share is not None), default=None)


def _microphone_figures(
    recording: FolderRecording, engine: SpeechDetector | ChannelDiarizer | Missing
) -> list[Figure]:
    """Figures of a session in which each person wears a microphone."""
    if isinstance(engine, Missing):
        crosstalk, why = None, engine.reason
    else:
        meter = cast("ChannelDiarizer", engine)  # what such a session is given
        off = either_off(recording.microphones_off)
        crosstalk = meter.crosstalk_db(recording.audio_channels(), off)
        why = "microphone_off" if off else "few_samples"
    unshared_s = recording.unshared_audio_s
    return [
        Figure(
            CROSSTALK,
            crosstalk,
            "absent" if crosstalk is None else "ok" if keeps_apart(crosstalk) else "degraded",
            why if crosstalk is None else None,
            "How much louder each person is in the own microphone than in the other's; where it "
            f"is below {CROSSTALK_OK_DB:g} dB or unknown, who speaks is found by voice in the mix.",
        ),
        Figure(
            "audio_unshared_s",
            unshared_s,
            "degraded" if unshared_s > UNSHARED_MAX_S else "ok",
            None,
            "Sound at the start and the end that one microphone alone recorded; it is left out. "
            f"More than {UNSHARED_MAX_S:g} s is degraded: a recorder stopped early, or offset_s "
            "is wrong.",
        ),
    ]


def _damaged(kind: str, packets: int) -> Figure:
    text = (
        f"Pieces of {kind} in the file that are damaged: sound is silent, pictures are missing or "
        f"garbled there. More than {DAMAGED_PACKETS_MAX} is degraded: copy the file again."
    )
    quality = "degraded" if packets > DAMAGED_PACKETS_MAX else "ok"
    return Figure(f"{kind}_damaged_packet_count", float(packets), quality, None, text)


def _snr(
    value: float | None, has_speech: bool, why_no_speech: str, settings: IngestSettings
) -> Figure:
    text = (
        "How far loud speech stands above the quiet of the room, in dB: at least "
        f"{settings.snr_ok_db:g} is ok; below {settings.snr_degraded_db:g} only talk time is used."
    )
    if value is None:
        reason = "few_samples" if has_speech else why_no_speech
        return Figure("audio_snr_session_db", None, "absent", reason, text)
    if value >= settings.snr_ok_db:
        return Figure("audio_snr_session_db", value, "ok", None, text)
    quality = "degraded" if value >= settings.snr_degraded_db else "absent"
    return Figure("audio_snr_session_db", value, quality, "low_snr", text)


def _bandwidth(value: float | None, why_no_speech: str, settings: IngestSettings) -> Figure:
    text = (
        "Frequency below which 99 % of the energy of speech lies; below "
        f"{settings.bandwidth_ok_hz:g} Hz sharp sounds are partly lost or were never loud."
    )
    if value is None:
        return Figure("audio_bandwidth_hz", None, "absent", why_no_speech, text)
    quality = "ok" if value >= settings.bandwidth_ok_hz else "degraded"
    return Figure("audio_bandwidth_hz", value, quality, None, text)


def _video_figures(inputs: Inputs, files: list[_File], settings: IngestSettings) -> list[Figure]:
    """Figures of the first usable file that shows someone."""
    shown = [file for part, file in zip(inputs.spec.media, files, strict=True) if part.shows]
    usable = [file.probed.video for file in shown if file.probed and file.probed.video]
    reason = shown[0].video_reason if shown and not usable else "no_media"
    video = usable[0] if usable else None
    rate_text = (
        f"Frames per second, from the time stamps; below {settings.nod_min_fps:g} no gaze travel "
        f"or nods, below {settings.blink_min_fps:g} no blinks are counted."
    )
    size_text = "Height of the picture; what counts is how large the face is in it."
    if video is None or video.fps_eff is None:
        why = reason if video is None else "few_samples"
        rate = Figure("video_rate_hz", None, "absent", why, rate_text)
    else:
        low = video.fps_eff < settings.blink_min_fps
        none = video.fps_eff < settings.nod_min_fps
        quality = "absent" if none else "degraded" if low else "ok"
        why = "low_fps" if low else None
        rate = Figure("video_rate_hz", video.fps_eff, quality, why, rate_text)
    if video is None:
        return [rate, Figure("video_height_px", None, "absent", reason, size_text)]
    assert video.height_px is not None  # a file that shows someone was looked at
    size = Figure("video_height_px", float(video.height_px), "ok", None, size_text)
    return [rate, size, _damaged("video", video.damaged_packets)]


def _row(inputs: Inputs, figure: Figure) -> dict[str, Any]:
    return {
        "session_id": inputs.spec.id,
        "measure": figure.measure,
        "value": figure.value,
        "quality": figure.quality,
        "reason": figure.reason,
        "description": figure.description,
    }


def _absences(
    inputs: Inputs, engine: SpeechDetector | ChannelDiarizer | Missing, files: list[_File]
) -> tuple[Absence, ...]:
    absences = []
    if isinstance(engine, Missing):
        absences.append(engine.absence("speech"))
    shown = [file for part, file in zip(inputs.spec.media, files, strict=True) if part.shows]
    if not shown:
        absences.append(Absence("video", "no_media", "The session has no video."))
    elif all(file.video_reason for file in shown):
        first = shown[0]
        assert first.video_reason
        absences.append(Absence("video", first.video_reason, first.problem))
    return tuple(absences)


STAGE = Stage(
    name="ingest",
    version=VERSION,
    run=run,
    settings=IngestSettings,
    writes=("sessions", "media", "streams", "quality", "forms", "speech"),
    sources=("session", "media", "forms"),
    engine="speech_detector",
    scope="analyse_audio",
    modality="audio",
)
