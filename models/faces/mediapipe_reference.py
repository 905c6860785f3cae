"""mediapipe's own FaceLandmarker (IMAGE mode), as the reference our face core is compared with.

The library reports usage to its maker and offers no switch, so it runs only in a child process in
a network namespace of its own (``unshare -rn``), which holds no way out. Where the system does not
permit that, the engine refuses to start.

The child is this module run with ``python -m``; it speaks on its standard input and output:

- it says ready: one message of text, empty if all is well, else what went wrong;
- per frame it gets ``height, width`` (two little-endian uint32) and the RGB bytes, and answers
  ``n_faces`` (int32) and per face float32: 478 x 2 in pixels, then 52 blendshapes if asked for.
  A negative ``n_faces`` announces a message of that many bytes: the error.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from models.base import FaceObservation, Frame, Image
from models.errors import DeviceUnavailableError, EngineError, WeightMissingError
from models.faces.blendshapes import BLENDSHAPES
from models.faces.geometry import bounding_box

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

POINTS = 478
_SIZE = struct.Struct("<II")
_COUNT = struct.Struct("<i")
_NAMESPACE = ("unshare", "--map-root-user", "--net")
_PROBE_TIMEOUT_S = 10.0
_EXIT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class ReferenceFace:
    """One face as mediapipe sees it."""

    points: NDArray[np.float32] = field(repr=False)
    """Shape (478, 2), pixels."""
    blendshapes: NDArray[np.float32] | None = field(default=None, repr=False)
    """Shape (52,), 0..1, in the order of `blendshapes.BLENDSHAPES`; None if not asked for."""


class MediapipeReference:
    """`models.base.FaceTracker` by mediapipe itself; also a context manager that ends the child.

    Every frame stands for itself: detector and mesh on each, no following, no gates of ours. With
    `blendshapes` it computes these as well, which takes longer.

    Raises
    ------
    WeightMissingError
        There is no file at `task`.
    DeviceUnavailableError
        No network namespace may be made here, or mediapipe does not start (it needs
        libEGL.so.1 and libGLESv2.so.2).

    """

    def __init__(
        self,
        task: Path,
        *,
        people: int = 1,
        blendshapes: bool = False,
    ) -> None:
        if not task.is_file():
            message = f"no face_landmarker.task at {task}: fetch it or name its folder"
            raise WeightMissingError(message)
        refusal = isolation_refusal()
        if refusal is not None:
            raise DeviceUnavailableError(refusal)
        self._people = people
        self._coefficients = len(BLENDSHAPES) if blendshapes else 0
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._child = _start(task, people, self._log, blendshapes=blendshapes)
        failure = self._receive_text()
        if failure:
            self.close()
            message = (
                f"mediapipe's FaceLandmarker did not start: {failure} (if it names libEGL.so.1 or "
                "libGLESv2.so.2, install libegl1 and libgles2)"
            )
            raise DeviceUnavailableError(message)

    def landmarks(self, image: Image) -> tuple[NDArray[np.float32], ...]:
        """Faces of one RGB image, each (478, 2) in pixels, left to right by their middle."""
        return tuple(face.points for face in self.faces(image))

    def faces(self, image: Image) -> tuple[ReferenceFace, ...]:
        """Faces of one RGB image, left to right by their middle.

        Raises
        ------
        EngineError
            The child failed on this image or died.

        """
        height, width = image.shape[:2]
        sink = self._child.stdin
        if sink is None or sink.closed:
            message = "the mediapipe reference is closed"
            raise EngineError(message)
        try:
            sink.write(_SIZE.pack(height, width) + np.ascontiguousarray(image).tobytes())
            sink.flush()
        except BrokenPipeError as error:
            raise self._death() from error
        (count,) = _COUNT.unpack(self._receive(_COUNT.size))
        if count < 0:
            message = f"mediapipe failed on a {width}x{height} image: {self._receive(-count)!r}"
            raise EngineError(message)
        each = POINTS * 2 + self._coefficients
        values = np.frombuffer(self._receive(count * each * 4), np.float32).reshape(count, each)
        faces = [_face(row.copy()) for row in values]
        return tuple(sorted(faces, key=lambda face: float(face.points[:, 0].mean())))

    def track(
        self,
        frames: Iterable[Frame],
        *,
        people: int,
        regions: Sequence[tuple[float, float, float, float] | None] | None = None,
    ) -> Iterator[FaceObservation]:
        """Yields `people` observations per frame; people are numbered left to right per frame.

        Raises
        ------
        EngineError
            A region is asked for, or another number of people than it was started for.

        """
        if any(region is not None for region in regions or ()):
            message = "the mediapipe reference knows no regions; set landmarks.engine to embedded"
            raise EngineError(message)
        if people != self._people:
            message = f"this reference was started for {self._people} people, not {people}"
            raise EngineError(message)
        for frame in frames:
            faces = self.landmarks(frame.image)
            for person in range(people):
                points = faces[person] if person < len(faces) else None
                yield FaceObservation(
                    frame_index=frame.index,
                    pts_s=frame.pts_s,
                    person=person,
                    reason="no_face" if points is None else None,
                    detector_score=None,
                    presence=None,
                    box=None if points is None else bounding_box(points),
                    points=points,
                )

    def close(self) -> None:
        """Ends the child. Harmless when called twice."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _receive(self, size: int) -> bytes:
        source = self._child.stdout
        data = b"" if source is None else source.read(size)
        if len(data) != size:
            raise self._death()
        return data

    def _receive_text(self) -> str:
        (size,) = _COUNT.unpack(self._receive(_COUNT.size))
        return self._receive(size).decode()

    def _death(self) -> EngineError:
        """The error for a child that stopped speaking, with the last it wrote to its log."""
        self._log.seek(0)
        last = self._log.read().decode(errors="replace").strip()[-500:]
        self.close()
        return EngineError(
            f"the mediapipe child ended with code {self._child.returncode}; its last words: {last}"
        )


def _face(values: NDArray[np.float32]) -> ReferenceFace:
    points, coefficients = np.split(values, [POINTS * 2])
    return ReferenceFace(points.reshape(POINTS, 2), coefficients if coefficients.size else None)


def isolation_refusal() -> str | None:
    """Why no process without network can be made here, as a sentence; None where one can."""
    if shutil.which(_NAMESPACE[0]) is None:
        return "mediapipe is not started: it reports usage, and `unshare` is not installed here"
    tried = subprocess.run(
        [*_NAMESPACE, "true"], capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False
    )
    if tried.returncode == 0:
        return None
    return (
        "mediapipe is not started: it reports usage, and this system does not permit a process "
        f"without network ({tried.stderr.decode(errors='replace').strip()})"
    )


def _start(
    task: Path, people: int, log: IO[bytes], *, blendshapes: bool
) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[2]
    asked = [str(task.resolve()), str(people), str(int(blendshapes))]
    return subprocess.Popen(
        [*_NAMESPACE, sys.executable, "-m", __name__, *asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=root,
    )


def _serve(task: str, people: int, *, blendshapes: bool) -> None:
    """The child: answers frames until its input ends."""
    source = sys.stdin.buffer
    # The library may print; nothing but answers may reach the pipe.
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        landmarker = _landmarker(task, people, blendshapes=blendshapes)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        _send_text(sink, f"{type(error).__name__}: {error}")
        return
    _send_text(sink, "")
    with landmarker:
        while header := source.read(_SIZE.size):
            height, width = _SIZE.unpack(header)
            pixels = np.frombuffer(source.read(height * width * 3), np.uint8)
            sink.write(_answer(landmarker, pixels.reshape(height, width, 3)))
            sink.flush()


def _landmarker(task: str, people: int, *, blendshapes: bool) -> Any:  # untyped library
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core.base_options import BaseOptions

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=task),
        num_faces=people,
        output_face_blendshapes=blendshapes,
    )
    return vision.FaceLandmarker.create_from_options(options)


def _answer(landmarker: Any, image: Image) -> bytes:
    import mediapipe

    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
    try:
        found = landmarker.detect(picture)
    except (RuntimeError, ValueError) as error:
        text = f"{type(error).__name__}: {error}".encode()
        return _COUNT.pack(-len(text)) + text
    height, width = image.shape[:2]
    answer = _COUNT.pack(len(found.face_landmarks))
    for i, face in enumerate(found.face_landmarks):
        points = [(point.x * width, point.y * height) for point in face]
        answer += np.asarray(points, np.float32).tobytes()
        if found.face_blendshapes:
            scores = [category.score for category in found.face_blendshapes[i]]
            answer += np.asarray(scores, np.float32).tobytes()
    return answer


def _send_text(sink: IO[bytes], text: str) -> None:
    data = text.encode()
    sink.write(_COUNT.pack(len(data)) + data)
    sink.flush()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), blendshapes=sys.argv[3] == "1")
