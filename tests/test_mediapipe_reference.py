"""Our face core against mediapipe's own FaceLandmarker, on the same networks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from face_scenes import decoded, film, portrait, scene, task_bundle
from skimage import data

from models import mediapipe_reference
from models.errors import DeviceUnavailableError, EngineError, WeightMissingError
from models.face_geometry import eye_centre_distance
from models.face_tracker import EmbeddedFaceTracker, TrackerSettings
from models.mediapipe_reference import MediapipeReference, isolation_refusal

MEAN_LIMIT = 5e-4
WORST_LIMIT = 5e-3
"""Mean over points of the distance to mediapipe's, over the distance between eye centres."""


@pytest.fixture(scope="module")
def reference():
    try:
        engine = MediapipeReference(task_bundle())
    except DeviceUnavailableError as refusal:
        pytest.skip(str(refusal))
    with engine:
        yield engine


def errors(reference, frames):
    """Per frame; both must find the face, or neither."""
    alone = TrackerSettings(single_frames=True)
    ours = EmbeddedFaceTracker.from_task(task_bundle(), settings=alone).track(frames, people=1)
    found = []
    for frame, seen in zip(frames, ours, strict=True):
        faces = reference.landmarks(frame.image)
        assert (seen.reason is None) == bool(faces), frame.index
        for truth in faces:
            off = np.linalg.norm(seen.points - truth, axis=1).mean()
            found.append(off / eye_centre_distance(truth))
    return np.array(found)


def test_parity_on_a_portrait_at_several_sizes_and_at_the_border(reference):
    whole = np.ascontiguousarray(data.astronaut())
    images = [
        whole,
        np.ascontiguousarray(whole[70:400, 190:420]),
        portrait(660),
        scene((600, 50, 600)),
    ]
    found = errors(reference, film(images))
    assert len(found) == len(images)
    assert found.mean() <= MEAN_LIMIT
    assert found.max() <= WORST_LIMIT


def test_parity_on_a_real_video(reference, shared_data):
    frames = decoded(shared_data / "video" / "WolfgangLanger_Pexels.mp4")
    found = errors(reference, [frame for frame in frames if frame.index % 8 == 0])
    assert len(found) == 59
    assert found.mean() <= MEAN_LIMIT
    assert found.max() <= WORST_LIMIT


def test_the_reference_finds_nobody_on_grey(reference):
    assert reference.landmarks(np.full((200, 300, 3), 90, np.uint8)) == ()
    (row,) = reference.track(film([scene()]), people=1)
    assert (row.reason, row.points) == ("no_face", None)


def test_the_reference_tracks_and_speaks_of_a_wrong_head_count(reference):
    (row,) = reference.track(film([portrait(440)]), people=1)
    assert row.points.shape == (478, 2)
    with pytest.raises(EngineError, match="started for 1 people, not 2"):
        list(reference.track(film([portrait(440)]), people=2))


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


def test_a_closed_reference_says_so(reference):
    with MediapipeReference(task_bundle()) as short:
        assert short.landmarks(portrait(440))
    with pytest.raises(EngineError, match="closed"):
        short.landmarks(portrait(440))
