"""The fast profile: a quarter of the frames, and the cues that need more are null and say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from test_stages_align import column, voices
from test_stages_align import session as empty_tables

from models.base import FaceObservation
from pipeline.config import CONFIGS, load_profile
from pipeline.stages import align, face, landmarks
from tests.made.faces import inputs, media_table, mesh
from tests.made.media import bursts, session, write_media

FPS, LASTS_S = 25, 80.0
NEEDS_MORE = (
    "client_blink_rate_listening_pm",
    "client_nod_slow_pm",
    "client_nod_fast_pm",
    "client_gaze_path_rate_dps",
)


class Nodding:
    """An engine whose face blinks every 4 s, nods every 10 s and looks to the side every 5 s."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._made: dict[tuple, np.ndarray] = {}

    def track(self, frames, *, people, **_hints):
        assert people == 1
        for frame in frames:
            self.seen.append(frame.pts_s)
            points = self._face(frame.pts_s)
            yield FaceObservation(frame.index, frame.pts_s, 0, None, 0.9, 0.9, None, points)

    def _face(self, t_s: float) -> np.ndarray:
        shut = 0.08 if t_s % 4.0 < 0.16 else 0.3
        since = t_s % 10.0
        pitch = 6.0 * np.sin(2 * np.pi * since / 0.5) if since < 1.5 else 0.0
        look = (round(round(pitch, 1), 1), shut, 0.1 if t_s % 5.0 < 2.0 else 0.0)
        if look not in self._made:
            made = mesh(pitch=look[0], opening=look[1], iris=(look[2], 0.0))
            self._made[look] = made.astype(np.float32)
        return self._made[look]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A recording of 80 s at 25 frames a second."""
    folder = tmp_path_factory.mktemp("clinic") / "S01"
    folder.mkdir()
    at_s = np.arange(round(LASTS_S * FPS)) / FPS
    sound = [(0.0, bursts(LASTS_S, range(80)))]
    write_media(folder / "room.mkv", sound, at_s)
    text = '[[media]]\nfile = "room.mkv"\nhears = ["mixed"]\nshows = ["client"]\n'
    return session(folder, text)


def windows(room, profile):
    """The analysis windows and the times the engine saw, by the stages themselves."""
    engine = Nodding()
    given = replace(inputs({"media": media_table()}), recording=room)
    found = landmarks.run(given, engine, profile.landmarks).tables["landmarks"]
    seen = {"landmarks": pa.concat_tables(found), "media": media_table()}
    faces = face.run(inputs(seen), None, profile.face).tables
    heard = voices([(0.0, LASTS_S, 0)])
    upstream = empty_tables(LASTS_S) | faces | heard
    return align.run(inputs(upstream), None, profile.align), engine.seen


def test_at_full_rate_blinks_nods_and_gaze_are_counted(room):
    found, seen = windows(room, load_profile())
    assert len(seen) == LASTS_S * FPS
    for cue in NEEDS_MORE:
        assert None not in column(found, cue), cue
    assert column(found, "client_blink_rate_listening_pm")[0] == pytest.approx(15.0, rel=0.1)
    assert column(found, "client_nod_slow_pm")[2] > 0


def test_the_fast_profile_leaves_them_out_and_says_why(room):
    found, seen = windows(room, load_profile(CONFIGS / "fast.toml"))
    assert len(seen) == pytest.approx(10 * LASTS_S, rel=0.01)
    for cue in NEEDS_MORE:
        assert set(column(found, cue)) == {None}
        assert set(column(found, f"{cue}_reason")) == {"low_fps"}, cue
    assert None not in column(found, "client_head_speed_dps")


def test_the_fast_profile_changes_nothing_else():
    fast, plain = load_profile(CONFIGS / "fast.toml"), load_profile()
    assert fast.landmarks.max_fps == 10.0
    names = type(plain).model_fields
    assert {n for n in names if fast.section(n) != plain.section(n)} == {"landmarks"}
