"""What an engine promises: protocols, and the plain results that cross into `pipeline`.

Shapes and units stand beside every field. Audio is always mono float32 at 16 kHz in [-1, 1]; times
are seconds from the first sample of the array handed in; pixels are those of the source frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000

Seconds = float
Audio = NDArray[np.float32]  # shape (n_samples,)
Image = NDArray[np.uint8]  # shape (height, width, 3), RGB
Progress = Callable[[str, float], None]
"""Called as `progress(step, share)`, share in 0..1. Cheap to call often; the receiver throttles."""


def silent(step: str, share: float) -> None:
    """A `Progress` that shows nothing."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must be equal for two engines to give the same numbers. Goes into the stage key."""

    engine: str
    """Name of the code path, for example ``pyannote-embedded``."""
    version: str
    """Of our own code (`models.options.VERSIONS`) and of the libraries that compute, for example
    ``2, pyannote.audio 4.0.7``."""
    weights: tuple[tuple[str, str], ...] = ()
    """(catalog name, sha256) of every weight used."""
    precision: str = "float32"
    device: str = "cpu"
    """Kind of device (``cpu`` or ``cuda``), never its index."""
    mode: str = ""
    """Anything else that changes results, for example ``sequential`` decoding."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open stretch of time ``[start_s, end_s)``."""

    start_s: Seconds
    end_s: Seconds


@dataclass(frozen=True, slots=True)
class SpeakerInterval:
    """Speech of one speaker. `speaker` counts from 0 in order of first appearance."""

    start_s: Seconds
    end_s: Seconds
    speaker: int
    confidence: float | None = None
    """0..1, how sure the engine is that this speaker speaks here; None where it gives none."""


@dataclass(frozen=True, slots=True)
class Diarization:
    """Who speaks when. Speaker embeddings are never part of the result and never leave memory."""

    turns: tuple[SpeakerInterval, ...]
    """With overlap: two speakers may hold the same moment. Sorted by start."""
    exclusive: tuple[SpeakerInterval, ...]
    """Without overlap, for giving words to speakers. Sorted by start."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """One word of a transcript."""

    start_s: Seconds
    end_s: Seconds
    text: str
    probability: float | None = None
    """0..1 as the engine gives it; None where it gives none."""
    low_confidence: bool = False
    """The text around it repeats itself, or is improbable as a whole."""


class Frame(Protocol):
    """One decoded video frame; pixels become RGB only when asked for.

    A followed face needs a tenth of a frame, so a tracker asks for patches and only a detector for
    the whole image.
    """

    @property
    def index(self) -> int:
        """Counts every decoded frame of the file, from 0."""
        ...

    @property
    def pts_s(self) -> Seconds:
        """The container's own time stamp (presentation time)."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        ...

    @property
    def image(self) -> Image:
        """The whole frame as RGB, upright."""
        ...

    def patch(self, left: int, top: int, right: int, bottom: int) -> Image:
        """The part ``image[top:bottom, left:right]``, equal to it pixel by pixel."""
        ...

    def brightness(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Brightness 0..255 at the crossings of pixel rows and columns, shape (rows, columns)."""
        ...


@dataclass(frozen=True, slots=True)
class StillFrame:
    """A `Frame` whose RGB image is at hand."""

    index: int
    pts_s: Seconds
    image: Image = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    def patch(self, left: int, top: int, right: int, bottom: int) -> Image:
        """A view of that part of the image."""
        return self.image[top:bottom, left:right]

    def brightness(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Mean of red, green and blue at these pixels."""
        return self.image[rows[:, None], columns].mean(axis=2).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class FaceObservation:
    """One person in one frame; also emitted, with `reason` set, where the face was not measured."""

    frame_index: int
    pts_s: Seconds
    person: int
    """Position in the row of seats, 0 = leftmost."""
    reason: str | None
    """None if measured, else ``no_face`` or ``profile_view``."""
    detector_score: float | None
    """0..1 from the last detector pass that touched this person; None if never found."""
    presence: float | None
    """0..1, the mesh network's own estimate that its crop holds a face."""
    box: tuple[float, float, float, float] | None
    """x, y, width, height in pixels."""
    points: NDArray[np.float32] | None = field(default=None, repr=False)
    """Shape (n_points, 2) in pixels: 478 points in MediaPipe's order, 468 mesh + 2 x 5 iris."""


class SpeechDetector(Protocol):
    """Voice activity detection."""

    def speech(self, audio: Audio) -> tuple[Interval, ...]:
        """Stretches of speech, sorted, not touching."""
        ...


class Diarizer(Protocol):
    """Speaker diarization."""

    def diarize(
        self,
        audio: Audio,
        *,
        num_speakers: int,
        most_speakers: int | None = None,
        progress: Progress = silent,
    ) -> Diarization:
        """Who speaks when; empty where nobody does.

        `num_speakers` people are expected. Where clearly more are heard, up to `most_speakers` are
        told apart; with None never more than expected.
        """
        ...


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a transcriber heard."""

    words: tuple[TimedWord, ...]
    """In order of time; each lies inside one of `decoded`."""
    decoded: tuple[Interval, ...] = ()
    """Stretches that were listened to, sorted, not overlapping; they cover the given speech."""
    language: str | None = None
    """Two-letter code, given or found; None where there was nothing to listen to."""


class Transcriber(Protocol):
    """Speech recognition with word times."""

    def transcribe(
        self,
        audio: Audio,
        *,
        speech: tuple[Interval, ...],
        language: str | None,
        prompt: str = "",
        hotwords: str = "",
        progress: Progress = silent,
    ) -> Transcript:
        """Words said in stretches of `speech` (as a `SpeechDetector` gives them), with times."""
        ...


class FaceTracker(Protocol):
    """Face landmarks of up to `people` seated people, every frame, one pass, flat memory."""

    def track(
        self,
        frames: Iterable[Frame],
        *,
        people: int,
        regions: Sequence[tuple[float, float, float, float] | None] | None = None,
    ) -> Iterator[FaceObservation]:
        """Yield `people` observations per frame, in frame order, then by person.

        `regions` holds per person where to look for them, as left, top, width and height in shares
        of the frame (0..1), or None for anywhere. A face outside is not theirs.
        """
        ...
