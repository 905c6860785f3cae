"""Options of the engines, and the one fingerprint each choice leads to.

Light on purpose: the plan of a run is computed from fingerprints before any engine is imported, so
nothing here may import one.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from models.base import Fingerprint, Seconds
from models.device import CPU, Device
from models.weights import catalog

VERSIONS = {
    "models.faces.mediapipe_reference": 1,
    "models.faces.tracker": 1,
    "models.faces.tracker_torch": 1,
    "models.speech.detector": 1,
    "models.speech.transcriber": 2,
    "models.voices.channel_diarizer": 1,
    "models.voices.community_diarizer": 1,
    "models.voices.embedded_diarizer": 1,
}
"""Module of an engine -> version of our own arithmetic, in it and in what it imports. Raise it when
numbers can change, and what was computed before is computed again; a test sees who forgot."""

FACE_WEIGHTS = {
    "embedded": (
        "mediapipe-face-detector-full",
        "mediapipe-face-mesh-468",
        "mediapipe-iris",
    ),
    # the bundle's own short-range detector misses people who sit two metres away
    "face_landmarker": ("mediapipe-face-detector-full", "face-landmarker-task"),
    "mediapipe": ("face-landmarker-task",),
}
"""Face engine -> the files it is built from."""


@dataclass(frozen=True, slots=True)
class SpeechDetectorOptions:
    """How speech probabilities become intervals. Defaults are Silero's own.

    Speech starts where the probability reaches `threshold` and ends where it stays under
    ``threshold - 0.15`` for `min_silence_s`.
    """

    threshold: float = 0.5
    min_speech_s: Seconds = 0.25
    """Shorter intervals are dropped."""
    min_silence_s: Seconds = 0.1
    """Shorter silences are bridged."""
    pad_s: Seconds = 0.03
    """Added on both sides, as far as the neighbour allows."""


@dataclass(frozen=True, slots=True)
class DiarizerOptions:
    """How the diarization pipeline decides; likeness is the mean cosine of two groups' voices.

    Halves of one voice were .46 to .98 alike, voices of two people -.06 to .43, and .54 on a
    telephone, in 25 recordings (`bench.diarization`).
    """

    window_step: float = 0.1
    """Step between segmentation windows, as a share of the window (10 s)."""
    clustered_share: float = 0.2
    """Who speaks alone for less of a window than this is not clustered."""
    least_share: float = 0.01
    """The smallest voice where the number of people is stated, as a share of all clustered..."""
    counted_share: float = 0.03
    """...and where voices are counted: a cough or a jingle is nobody."""
    second_voice_likeness: float = 0.57
    """Two groups less alike than this are two voices..."""
    third_voice_likeness: float = 0.35
    """...and three only where all are less alike than this."""
    same_voice_likeness: float = 0.75
    """More alike than this are one voice, however many people were stated."""
    piece_least_s: Seconds = 1.0
    """Shortest stretch of speech that is given a second look."""
    second_look_margin: float = 0.1
    """How much more like another voice it must be to be given to that (cosine)."""
    min_pause_s: Seconds = 0.0
    """Shorter pauses inside a speaker's turn are bridged."""


@dataclass(frozen=True, slots=True)
class ChannelDiarizerOptions:
    """How levels and speech probabilities of two microphones become turns."""

    detector: SpeechDetectorOptions = SpeechDetectorOptions(min_speech_s=0.1)
    """Shorter speech than the default counts: "mhm" is a turn in talk."""
    reach_s: Seconds = 0.1
    """Speech may begin and end this far outside what the detector finds."""
    above_room_db: float = 6.0
    """Speech stands at least this far over the room..."""
    depth_db: float = 35.0
    """...at most this far under the person's usual level..."""
    margin_db: float = 3.0
    """...and this far over what can have leaked in from the other, or..."""
    spreads: float = 3.0
    """...this many standard deviations of the leak, but no more than the crosstalk..."""
    margin_most_db: float = 9.0
    """...or this."""
    min_voiced_s: Seconds = 0.03
    """Shorter stretches are blips..."""
    min_pause_s: Seconds = 0.18
    """...shorter pauses are bridged..."""
    min_speech_s: Seconds = 0.1
    """...and stretches still shorter than this are dropped."""


@dataclass(frozen=True, slots=True)
class CommunityOptions:
    """What decides beside the parameters in a community-1 folder; see `voices.ghost_speakers`."""

    ghost_share: float = 0.02
    """A voice with less of all speech than this, 0..1,..."""
    ghost_turn_s: Seconds = 2.0
    """...and no turn over this is nobody. A share of 0 keeps every voice."""


@dataclass(frozen=True, slots=True)
class TranscriberOptions:
    """How speech is decoded; names are faster-whisper's. Nothing is drawn at random."""

    compute_type: str = "auto"
    """``auto`` (see `whisper_compute_type`), ``default`` (as stored), ``int8``, ``float16``, ..."""
    beam_size: int = 5
    length_penalty: float = 1.5
    """Hypotheses are compared by log probability over length to this power. At 1, their mean, a
    text that leaves out the sentences after a pause often wins (`DECISIONS.md`)."""
    batch_size: int = 8
    """Packs of speech decoded together at most; fewer where memory is short."""
    pack_s: Seconds = 30.0
    """Longest pack; Whisper hears half a minute at a time."""
    no_speech_threshold: float = 0.5
    log_prob_threshold: float = -1.0
    """A pack more probably silent than the former whose words are less probable (mean log) than the
    latter has no words: Whisper's own rule (Radford et al. 2022)..."""
    repetition_threshold: float = 2.4
    """...and so is this: text that compresses more goes round in circles."""
    borne_out_threshold: float = -2.2
    """Words found with text before them whose mean log probability without it is less are dropped
    for those heard without it."""
    unworded_s: Seconds = 1.0
    """A pack in which this much speech has no words is heard again, in halves."""
    hearings: int = 3
    """How often a stretch is heard at most, each time in packs half as long."""
    max_new_tokens: int | None = None
    cpu_threads: int = 0
    """0 = CTranslate2's choice. Does not change the words."""


@dataclass(frozen=True, slots=True)
class FaceTrackerOptions:
    """How often faces are looked for, rather than followed."""

    detect_every_s: Seconds = 0.5
    """Video time between detector passes while everybody is followed."""
    search_every_s: Seconds = 1 / 15
    """The same while somebody is missing or doubtful."""
    single_frames: bool = False
    """Every frame by itself, sampled as mediapipe does in IMAGE mode: for comparison with it."""


def whisper_compute_type(options: TranscriberOptions, device: Device) -> str:
    """What CTranslate2 computes in: a stated type as it is, else by device.

    int8 on a CPU: small, and its sums of whole numbers are the same whatever the batch. On a card
    float16, or float32 where the card is to compute in that.
    """
    if options.compute_type != "auto":
        return options.compute_type
    if device.kind == "cpu":
        return "int8"
    return "float16" if device.precision == "bfloat16" else "float32"


def speech_detector_fingerprint(
    options: SpeechDetectorOptions | None = None,
) -> Fingerprint:
    """Fingerprint of `models.speech.detector.SileroSpeechDetector`; always on the CPU.

    Raises
    ------
    WeightMissingError, WeightTamperedError
        As `models.weights.catalog.locate`.

    """
    return Fingerprint(
        engine="silero-vad-v6",
        version=_versions("models.speech.detector", "faster-whisper", "onnxruntime"),
        weights=_pinned("silero-vad"),
        mode=_mode(options or SpeechDetectorOptions()),
    )


def diarizer_fingerprint(
    options: DiarizerOptions | None = None, device: Device = CPU
) -> Fingerprint:
    """Fingerprint of `models.voices.embedded_diarizer.EmbeddedDiarizer`.

    Raises
    ------
    WeightMissingError, WeightTamperedError
        As `models.weights.catalog.locate`.

    """
    return Fingerprint(
        engine="pyannote-embedded",
        version=_versions(
            "models.voices.embedded_diarizer", "pyannote.audio", "torch", "torchaudio", "scipy"
        ),
        weights=_pinned("pyannote-segmentation-3", "campplus-voices"),
        device=device.kind,
        mode=_mode(options or DiarizerOptions()),
    )


def channel_diarizer_fingerprint(options: ChannelDiarizerOptions | None = None) -> Fingerprint:
    """Fingerprint of `voices.channel_diarizer.ChannelDiarizer` over Silero VAD; always on the CPU.

    Raises
    ------
    WeightMissingError, WeightTamperedError
        As `models.weights.catalog.locate`.

    """
    options = options or ChannelDiarizerOptions()
    detector = speech_detector_fingerprint(options.detector)
    return Fingerprint(
        engine="channel-levels",
        version=_versions("models.voices.channel_diarizer", "faster-whisper", "onnxruntime"),
        weights=detector.weights,
        mode=f"{_mode(options, without=('detector',))} {detector.mode}",
    )


def community_diarizer_fingerprint(
    folder: Path, options: CommunityOptions | None = None, device: Device = CPU
) -> Fingerprint:
    """Fingerprint of `voices.community_diarizer.CommunityDiarizer` over the files in `folder`.

    The repository publishes no hash to pin, so its files are identified by a hash over them all.
    """
    return Fingerprint(
        engine="pyannote-community-1",
        version=_versions(
            "models.voices.community_diarizer", "pyannote.audio", "torch", "torchaudio"
        ),
        weights=(("pyannote-community-1", catalog.weight_sha256(folder)),),
        precision=device.precision,
        device=device.kind,
        mode=_mode(options or CommunityOptions()),
    )


def transcriber_fingerprint(
    folder: Path, options: TranscriberOptions | None = None, device: Device = CPU
) -> Fingerprint:
    """Fingerprint of `models.speech.transcriber.WhisperTranscriber` over the model in `folder`.

    Any local CTranslate2 folder will do, so its weights are identified by a hash over its files,
    whatever it is called.
    """
    options = options or TranscriberOptions()
    return Fingerprint(
        engine="faster-whisper-packs-borne-out",
        version=_versions("models.speech.transcriber", "faster-whisper", "ctranslate2"),
        weights=(("ctranslate2-folder", catalog.weight_sha256(folder)),),
        precision=whisper_compute_type(options, device),
        device=device.kind,
        mode=_mode(options, without=("compute_type", "batch_size", "cpu_threads")),
    )


@dataclass(frozen=True, slots=True)
class Engine:
    """One choice for a role, under the name that a profile gives it."""

    made_by: str
    """``module:class``, imported when it is built; called with `device` and `threads`."""
    fingerprint: Callable[[Device], Fingerprint]
    folder: str = ""
    """Catalog name of a folder that the class is given first; empty if it finds its own weights."""


DIARIZERS = {
    "embedded": Engine(
        "models.voices.embedded_diarizer:EmbeddedDiarizer",
        lambda device: diarizer_fingerprint(device=device),
    ),
    "community-1": Engine(
        "models.voices.community_diarizer:CommunityDiarizer",
        lambda device: community_diarizer_fingerprint(
            catalog.locate("pyannote-community-1"), device=device
        ),
        folder="pyannote-community-1",
    ),
}
"""What ``[diarize] engine`` may name. Another is its module, which satisfies `base.Diarizer`, its
line in `VERSIONS` and one here."""


def face_tracker_fingerprint(
    engine: str, options: FaceTrackerOptions | None = None, device: Device = CPU
) -> Fingerprint:
    """Fingerprint of a face engine, by the name a profile gives it (`FACE_WEIGHTS`).

    Raises
    ------
    WeightMissingError, WeightTamperedError
        As `models.weights.catalog.locate`.

    """
    if engine == "mediapipe":  # the reference follows nobody and always runs on the processor
        version = _versions("models.faces.mediapipe_reference", "mediapipe")
        return Fingerprint("face-mediapipe", version, _pinned(*FACE_WEIGHTS[engine]))
    is_followed = device.kind == "cpu"  # a card measures every face of every frame
    module, library = (
        ("models.faces.tracker", "ai-edge-litert")
        if is_followed
        else ("models.faces.tracker_torch", "torch")
    )
    return Fingerprint(
        engine=f"face-{engine}",
        version=_versions(module, library),
        weights=_pinned(*FACE_WEIGHTS[engine]),
        device=device.kind,
        mode=_mode(options or FaceTrackerOptions()) if is_followed else "",
    )


def _pinned(*names: str) -> tuple[tuple[str, str], ...]:
    """Catalog names with the hash of what lies on this machine."""
    return tuple((name, catalog.weight_sha256(catalog.locate(name))) for name in names)


def _versions(module: str, *distributions: str) -> str:
    """Of our own code in the module of an engine, and of the libraries that compute for it."""
    libraries = (f"{name} {importlib.metadata.version(name)}" for name in distributions)
    return ", ".join([str(VERSIONS[module]), *libraries])


def _mode(
    options: SpeechDetectorOptions
    | DiarizerOptions
    | ChannelDiarizerOptions
    | CommunityOptions
    | TranscriberOptions
    | FaceTrackerOptions,
    without: tuple[str, ...] = (),
) -> str:
    pairs = zip((field.name for field in fields(options)), astuple(options), strict=True)
    return " ".join(f"{name}={value}" for name, value in pairs if name not in without)
