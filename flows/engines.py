"""The composition root: which engine plays which role. The one place that imports engines, lazily.

`describe` says what an engine is from catalog and settings alone, so that a run can be planned
without loading any; `build` loads it, once per worker process.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from models import device
from models.base import FaceTracker, Fingerprint
from models.errors import EngineError, WeightError, WeightMissingError
from models.options import (
    DIARIZERS,
    FACE_WEIGHTS,
    FaceTrackerOptions,
    TranscriberOptions,
    channel_diarizer_fingerprint,
    face_tracker_fingerprint,
    speech_detector_fingerprint,
    transcriber_fingerprint,
)
from models.weights import catalog
from pipeline.errors import ConfigError
from pipeline.media import clips
from pipeline.paperwork.session import own_channels
from pipeline.profile import Profile
from pipeline.stage import Missing
from pipeline.transcribe.transcript import brings_transcript
from pipeline.voice.microphones import OwnMicrophones

if TYPE_CHECKING:
    from pipeline.results.execute import Job

WHISPER = TranscriberOptions()
FACES = FaceTrackerOptions()
AUTO = "auto"
HOW_TO_GET_WHISPER = (
    "Get them once with `thinslice models fetch whisper-base`, "
    "or point THINSLICE_MODELS at a folder with any CTranslate2 Whisper model."
)


@dataclass(frozen=True, slots=True)
class Role:
    """How one role is filled. All that is known of it stands in `ROLES`."""

    describe: Callable[[Profile], Fingerprint | Missing]
    build: Callable[[Job], Any]
    task: str = "do this"
    """What its weights are for, after "what it needs to"."""
    is_needed: Callable[[Job], bool] = lambda _job: True
    by_channel: Role | None = None
    """Instead, where each person wears a microphone: it also states their crosstalk."""


def describe(role: str, job: Job) -> Fingerprint | Missing | None:
    """What an engine is, without loading it; why there is none; None where none is needed."""
    if not ROLES[role].is_needed(job):
        return None
    try:
        return _filled(role, job).describe(job.profile)
    except WeightError as error:
        return _no_weights(role, str(error))


def build(role: str, job: Job) -> Any:
    """The engine, loaded and kept for the life of this process.

    Raises `WeightError` where weights vanished since they were described: the stage then fails,
    because its key already says that they were used.
    """
    device.cap_memory(_device(job.profile), job.profile.execution.gpu_memory)
    return _filled(role, job).build(job)


def _filled(role: str, job: Job) -> Role:
    by_channel = ROLES[role].by_channel
    return by_channel if by_channel is not None and own_channels(job.spec) else ROLES[role]


def check_engines(profile: Profile) -> None:
    """Refuse an engine that nobody listed before anything starts.

    Raises
    ------
    ConfigError
        `diarize.engine` is no name of `models.options.DIARIZERS`.
    """
    asked = profile.diarize.engine
    if asked not in {AUTO, *DIARIZERS}:
        allowed = ", ".join(repr(name) for name in (*DIARIZERS, AUTO))
        raise ConfigError(f"diarize.engine = {asked!r}: allowed: {allowed}")


def check_device(profile: Profile) -> None:
    """Refuse a device that is not there before anything starts.

    Raises
    ------
    ConfigError
        `execution.device` asks for a card that cannot be used.
    """
    try:
        _device(profile)
    except EngineError as error:
        asked = profile.execution
        raise ConfigError(
            f"execution.device = {asked.device!r}, execution.precision = {asked.precision!r}: "
            f"{error}"
        ) from error


def on_gpu(profile: Profile) -> bool:
    """Whether engines run on a card."""
    return _device(profile).kind == "cuda"


def build_face_tracker(profile: Profile, people: int = 1) -> FaceTracker:
    """The face engine."""
    engine = profile.landmarks.engine
    # only the reference is started for a number of people; the others share one instance
    return _face_tracker(engine, _device(profile), people if engine == "mediapipe" else 1)


def describe_transcriber(profile: Profile) -> Fingerprint | Missing:
    """What would transcribe a session that brings no transcript."""
    language = profile.transcribe.language
    folder = catalog.find_whisper(language)
    if folder is None and catalog.find_whisper() is not None:
        return Missing(
            "no_weights",
            f"The program can write down English only, and the session's language is {language!r}.",
            HOW_TO_GET_WHISPER,
        )
    if folder is None:
        return _no_weights("transcriber", HOW_TO_GET_WHISPER)
    return transcriber_fingerprint(folder, WHISPER, _device(profile))


def _no_weights(role: str, remedy: str) -> Missing:
    sentence = f"The program lacks what it needs to {ROLES[role].task}."
    return Missing("no_weights", sentence, remedy)


def _device(profile: Profile) -> device.Device:
    return device.resolve(profile.execution.device, profile.execution.precision)


def _describe_diarizer(profile: Profile) -> Fingerprint:
    return DIARIZERS[_diarizer_name(profile)].fingerprint(_device(profile))


def _diarizer_name(profile: Profile) -> str:
    """The engine asked for; with "auto" community-1 where its folder is."""
    if profile.diarize.engine != AUTO:
        return profile.diarize.engine
    try:
        catalog.locate("pyannote-community-1")
    except WeightMissingError:
        return "embedded"
    return "community-1"


def _describe_channel_diarizer(profile: Profile) -> Fingerprint:
    """The channels' engine, and what takes its place where they do not keep the voices apart."""
    first, second = channel_diarizer_fingerprint(), _described_or_missing(profile)
    if isinstance(second, Missing):
        return replace(first, engine=f"{first.engine}, else none")
    return Fingerprint(
        engine=f"{first.engine}, else {second.engine}",
        version=f"{first.version}, {second.version}",
        weights=first.weights + second.weights,
        precision=second.precision,
        device=second.device,
        mode=f"{first.mode} {second.mode}",
    )


def _described_or_missing(profile: Profile) -> Fingerprint | Missing:
    try:
        return _describe_diarizer(profile)
    except WeightError as error:
        return _no_weights("diarizer", str(error))


def _describe_face_tracker(profile: Profile) -> Fingerprint:
    return face_tracker_fingerprint(profile.landmarks.engine, FACES, _device(profile))


def _describe_clip_cutter(_profile: Profile) -> Fingerprint:
    version = f"{clips.VERSION}, av {importlib.metadata.version('av')}"
    return Fingerprint(engine="clips", version=version)


@lru_cache(maxsize=1)
def _speech_detector() -> Any:
    from models.speech.detector import SileroSpeechDetector

    return SileroSpeechDetector()


@lru_cache(maxsize=1)
def _diarizer(name: str, where: device.Device, threads: int) -> Any:
    engine = DIARIZERS[name]
    folder = [catalog.locate(engine.folder)] if engine.folder else []
    return resolve_name(engine.made_by)(*folder, device=where, threads=threads or None)


@lru_cache(maxsize=1)
def _channel_diarizer() -> Any:
    from models.voices.channel_diarizer import ChannelDiarizer

    return ChannelDiarizer(_speech_detector())


@lru_cache(maxsize=1)
def _transcriber(folder: Path, where: device.Device, threads: int) -> Any:
    from models.speech.transcriber import WhisperTranscriber

    return WhisperTranscriber(folder, replace(WHISPER, cpu_threads=threads), device=where)


@lru_cache(maxsize=1)
def _face_tracker(engine: str, where: device.Device, people: int) -> Any:
    paths = [catalog.locate(name) for name in FACE_WEIGHTS[engine]]
    if engine == "mediapipe":
        from models.faces.mediapipe_reference import MediapipeReference

        return MediapipeReference(*paths, people=people)
    files: dict[str, Any] = dict(zip(("detector", "mesh", "iris"), paths, strict=False))
    if engine == "face_landmarker":
        from models.faces.networks import TASK_MESH, task_member

        files["mesh"] = task_member(paths[1], TASK_MESH)
    if where.kind == "cuda":
        from models.faces.tracker_torch import TorchFaceTracker

        return TorchFaceTracker(**files, device=where)
    from models.faces.tracker import EmbeddedFaceTracker

    return EmbeddedFaceTracker(**files, options=FACES)


def _build_diarizer(job: Job) -> Any:
    profile = job.profile
    return _diarizer(_diarizer_name(profile), _device(profile), profile.execution.threads)


def _build_own_microphones(job: Job) -> OwnMicrophones:
    known = _described_or_missing(job.profile)

    def mixed() -> Any:
        return known if isinstance(known, Missing) else _build_diarizer(job)

    return OwnMicrophones(channels=_channel_diarizer(), mixed=mixed)


def _build_transcriber(job: Job) -> Any:
    folder = catalog.find_whisper(job.profile.transcribe.language)
    assert folder  # described before it is built
    return _transcriber(folder, _device(job.profile), job.profile.execution.threads)


def _clip_cutter(job: Job) -> Any:
    from flows.clips import KeptClips

    return KeptClips.of(job)


def _most_shown(job: Job) -> int:
    """People in the file that shows most."""
    return max(len(part.shows) for part in job.spec.media)


ROLES = {
    "speech_detector": Role(
        lambda _profile: speech_detector_fingerprint(),
        lambda _job: _speech_detector(),
        task="find speech",
        by_channel=Role(
            lambda _profile: channel_diarizer_fingerprint(), lambda _job: _channel_diarizer()
        ),
    ),
    "diarizer": Role(
        _describe_diarizer,
        _build_diarizer,
        task="tell the voices apart",
        by_channel=Role(_describe_channel_diarizer, _build_own_microphones),
    ),
    "transcriber": Role(
        describe_transcriber,
        _build_transcriber,
        task="write down what was said",
        # none for a session that brings a transcript that can be read
        is_needed=lambda job: not brings_transcript(job.recording.path, job.spec.transcript),
    ),
    "face_tracker": Role(
        _describe_face_tracker,
        lambda job: build_face_tracker(job.profile, _most_shown(job)),
        task="find the face",
        # none for a session that shows nobody
        is_needed=lambda job: any(media.shows for media in job.spec.media),
    ),
    "clip_cutter": Role(_describe_clip_cutter, _clip_cutter),
}
