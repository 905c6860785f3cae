"""mediapipe's own FaceLandmarker in its child process. Our cores against it: test_face_parity."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from models.errors import DeviceUnavailableError, EngineError, WeightMissingError
from models.faces import mediapipe_reference
from models.faces.blendshapes import BLENDSHAPES
from models.faces.mediapipe_reference import MediapipeReference, isolation_refusal
from tests.made.face_scenes import film, portrait, scene, task_bundle


@pytest.fixture(scope="module")
def reference():
    try:
        engine = MediapipeReference(task_bundle(), blendshapes=True)
    except DeviceUnavailableError as refusal:
        pytest.skip(str(refusal))
    with engine:
        yield engine


def test_the_reference_finds_nobody_on_grey(reference):
    assert reference.landmarks(np.full((200, 300, 3), 90, np.uint8)) == ()
    (row,) = reference.track(film([scene()]), people=1)
    assert (row.reason, row.points) == ("no_face", None)


def test_the_reference_tracks_and_speaks_of_a_wrong_head_count(reference):
    (row,) = reference.track(film([portrait(440)]), people=1)
    assert row.points.shape == (478, 2)
    with pytest.raises(EngineError, match="started for 1 people, not 2"):
        list(reference.track(film([portrait(440)]), people=2))


def test_blendshapes_come_when_asked_for(reference):
    (face,) = reference.faces(portrait(440))
    assert face.blendshapes.shape == (len(BLENDSHAPES),)
    smile = face.blendshapes[BLENDSHAPES.index("mouthSmileLeft")]
    assert smile > 0.3 > face.blendshapes[BLENDSHAPES.index("jawOpen")]  # she smiles, mouth shut


def test_the_child_has_no_network():
    refusal = isolation_refusal()
    if refusal is not None:
        pytest.skip(refusal)
    names = "import socket; print([name for _, name in socket.if_nameindex()])"
    command = [*mediapipe_reference._NAMESPACE, sys.executable, "-c", names]
    heard = subprocess.run(command, capture_output=True, text=True, check=True)
    assert heard.stdout.strip() == "['lo']"


def test_no_reference_where_no_isolation_is_permitted(monkeypatch):
    monkeypatch.setattr(mediapipe_reference, "_NAMESPACE", ("false",))
    with pytest.raises(DeviceUnavailableError, match="does not permit a process without network"):
        MediapipeReference(task_bundle())
    monkeypatch.setattr(mediapipe_reference, "_NAMESPACE", ("no-such-program",))
    with pytest.raises(DeviceUnavailableError, match="not installed"):
        MediapipeReference(task_bundle())


def test_a_missing_and_a_damaged_bundle_are_named(tmp_path):
    with pytest.raises(WeightMissingError, match=r"gone\.task"):
        MediapipeReference(tmp_path / "gone.task")
    if isolation_refusal() is not None:
        pytest.skip(isolation_refusal())
    damaged = tmp_path / "damaged.task"
    damaged.write_bytes(b"not a bundle")
    with pytest.raises(DeviceUnavailableError, match="did not start"):
        MediapipeReference(damaged)


def test_a_closed_reference_says_so_and_gives_no_blendshapes_unasked(reference):
    with MediapipeReference(task_bundle()) as short:
        (plain,) = short.faces(portrait(440))
    (full,) = reference.faces(portrait(440))
    assert plain.blendshapes is None
    np.testing.assert_allclose(plain.points, full.points, atol=1e-4)
    with pytest.raises(EngineError, match="closed"):
        short.landmarks(portrait(440))
